/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_chunk.c - a payload from the disk, as each type that has a parser. */
#include "config.h"

#include <stdlib.h>

#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/record/chunk.h"
#include "core/record/dump.h"
#include "core/record/frame.h"
#include "core/record/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned
touch(struct slice payload)
{
    struct chunk c;
    unsigned sum = 0;
    if (chunk_parse(payload, &c) < 0)
        return 0;
    for (uint32_t i = 0; i < c.head->n_records; i++) {
        const struct chunk_record *r = &c.records[i];
        struct slice s = chunk_raw(&c, r);
        sum += s.n > 0 ? (unsigned char)s.p[s.n - 1] : 0;
        for (unsigned id = 0; id < 256; id++) {
            s = chunk_field(&c, r, id);
            sum += s.n > 0 ? (unsigned char)s.p[s.n - 1] : 0;
        }
    }
    return sum;
}

/* What decodes can be encoded, and decodes to the same. */
static void
schema_again(const struct schema *s)
{
    AUTO_FINI(buf) b = BUF_INIT((size_t)16 << 20);
    struct schema *t = NULL;
    CHECK(schema_encode(s, &b) == 0);
    CHECK(schema_decode(buf_slice(&b), &t) == 0);
    CHECK(schema_equal(s, t));
    schema_free(t);
}

/* The first byte is the frame's type, the rest its payload. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 1 << 16)
        return 0;
    AUTO_FINI(buf) out = BUF_INIT((size_t)16 << 20);
    char *copy = malloc(size > 1 ? size - 1 : 1); /* aligned, exact */
    if (!copy)
        return 0;
    struct frame f = {.type = data[0], .payload = {copy, size - 1}};
    memcpy(copy, data + 1, size - 1);
    (void)touch(f.payload);
    struct schema *s = NULL;
    if (f.type == FRAME_SCHEMA && schema_decode(f.payload, &s) == 0)
        schema_again(s);
    (void)!dump_frame(&f, s, &out);
    schema_free(s);
    free(copy);
    return 0;
}
