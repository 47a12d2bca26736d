/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_journal_segment.c - any bytes as the newest segment: it opens, reads in
 * order, and goes on.
 *
 * Checksums would keep a fuzzer out, so the input says what to change in a
 * good segment: (offset, length, byte) triples; or, where it begins with the
 * magic, it is the segment. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/log.h"
#include "core/journal/journal.h"
#include "core/journal/scan.h"
#include "tests/lib/faultio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FRAMES 24

static void
silent(void *ctx, enum log_level level, struct slice line)
{
    (void)ctx;
    (void)level;
    (void)line;
}

static struct journal *
open_on(struct faultio *d)
{
    struct journal_options o = {
        .dir = "j",
        .io = faultio_io(d),
        .max_size_bytes = 64 << 10,
        .segment_size_bytes = 8 << 10,
        .sync_us = USEC_PER_SEC,
        .unsynced_max_bytes = 64 << 10,
        .inline_writer = true,
    };
    struct journal *j = NULL;
    CHECK(journal_open(&o, &j, NULL) == 0);
    return j;
}

static void
append(struct journal *j, unsigned i)
{
    char text[300];
    struct slice part = {text, i * 37 % sizeof text};
    uint64_t pos;
    memset(text, (int)i, sizeof text);
    CHECK(journal_append(j, 1 + i % 6, 0, i, &part, 1, &pos) == 0);
}

static void
damage(char *p, size_t n, const uint8_t *data, size_t size)
{
    for (; size >= 4; data += 4, size -= 4) {
        size_t at = ((size_t)data[0] << 8 | data[1]) % n;
        size_t k = 1 + data[2] % 64;
        memset(p + at, data[3], k < n - at ? k : n - at);
    }
}

static struct faultio *
disk(const uint8_t *data, size_t size)
{
    struct faultio *d = faultio_new(1, 0);
    if (size >= 8 && memcmp(data, "TOCSINJ1", 8) == 0) {
        faultio_put(d, "0000000000000040-00000001.seg", (const char *)data,
                    size);
        return d;
    }
    struct journal *j = open_on(d);
    for (unsigned i = 0; i < FRAMES; i++) {
        append(j, i);
        if (i % 5 == 0)
            CHECK(journal_sync(j, journal_end(j), USEC_MAX) == 0);
    }
    journal_close(j);
    for (size_t i = 0; i < faultio_files(d); i++) {
        char *p;
        size_t n;
        const char *name = faultio_file(d, i, &p, &n);
        if (strstr(name, ".seg") && n > 0)
            damage(p, n, data, size);
    }
    return d;
}

static int
seen(void *arg, const struct frame *f)
{
    uint64_t *pos = arg;
    CHECK(f->repeated || f->pos >= *pos);
    *pos = f->next;
    return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 1 << 14)
        return 0;
    log_set_sink(silent, NULL);
    struct faultio *d = disk(data, size);
    uint64_t pos = 0;
    struct journal_scan scan = {seen, NULL, &pos};
    struct journal_scan_stats st;
    CHECK(journal_scan(faultio_io(d), "j", 0, &scan, &st, NULL) == 0);

    struct journal *j = open_on(d);
    struct journal_reader *r;
    struct frame f;
    int e;
    CHECK(journal_reader_new(j, 0, READ_APPENDED, &r) == 0);
    append(j, 1);
    uint64_t last = journal_end(j);
    do {
        e = journal_read(r, USEC_MIN, &f);
        CHECK(e >= 0);
    } while (e > 0);
    CHECK(journal_reader_pos(r) == last);
    journal_reader_free(r);
    journal_close(j);
    faultio_free(d);
    return 0;
}
