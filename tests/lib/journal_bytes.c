/* SPDX-License-Identifier: Apache-2.0 */
/* journal_bytes DIR [PARTITION] - the bytes that a journal's chunks were
 * decoded from, one after another; without a partition, a line for each that
 * there is: name, chunks, events, dead letters, bytes.  With each byte of a
 * source in the journal once, that is the source. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/journal/scan.h"
#include "core/record/chunk.h"

struct sum {
    char name[CHUNK_PARTITION_MAX + 1];
    uint64_t chunks, events, dead, bytes;
};

static struct sum sums[1024];
static size_t n_sums;
static const char *wanted;

static struct sum *
sum_of(struct slice name)
{
    for (size_t i = 0; i < n_sums; i++)
        if (slice_eq_str(name, sums[i].name))
            return &sums[i];
    if (n_sums == ARRAY_SIZE(sums))
        return NULL;
    (void)snprintf(sums[n_sums].name, sizeof sums[0].name, "%.*s",
                   SLICE_FMT(name));
    return &sums[n_sums++];
}

static int
on_frame(void *arg, const struct frame *f)
{
    struct chunk c;
    (void)arg;
    if (f->type != FRAME_CHUNK)
        return 0;
    if (chunk_parse(f->payload, &c) < 0)
        return -1;
    if (wanted != NULL) {
        size_t n = c.head->raw_size;
        return slice_eq_str(c.partition, wanted) &&
                       fwrite(c.bytes, 1, n, stdout) != n
                   ? -1
                   : 0;
    }
    struct sum *s = sum_of(c.partition);
    if (s == NULL)
        return -1;
    s->chunks++;
    s->bytes += c.head->raw_size;
    for (uint32_t i = 0; i < c.head->n_records; i++) {
        s->events += c.records[i].kind == RECORD_EVENT;
        s->dead += c.records[i].kind == RECORD_DEAD;
    }
    return 0;
}

int
main(int argc, char **argv)
{
    struct journal_scan scan = {on_frame, NULL, NULL};
    struct journal_scan_stats stats;
    struct err err = ERR_INIT;
    if (argc < 2 || argc > 3)
        return 2;
    wanted = argc > 2 ? argv[2] : NULL;
    int r = journal_scan(&io_posix, argv[1], 0, &scan, &stats, &err);
    if (r < 0)
        fprintf(stderr, "%s: %s\n", argv[1], err.message);
    for (size_t i = 0; r == 0 && wanted == NULL && i < n_sums; i++)
        printf("%s\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n",
               sums[i].name, sums[i].chunks, sums[i].events, sums[i].dead,
               sums[i].bytes);
    return r == 0 && fflush(stdout) == 0 ? 0 : 1;
}
