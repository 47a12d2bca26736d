/* SPDX-License-Identifier: Apache-2.0 */
/* chunk_builder.c - collects a chunk in four growing arrays, which stay for
 * the next one. */
#include "config.h"

#include <errno.h>

#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/record/chunk.h"

#define BUILDER_MAGIC 0xc4a8b11du
#define REASON_MAX 1024u
#define BYTES_MAX 0x7fffffffu

struct vec {
    char *p;
    size_t cap; /* bytes */
};

struct chunk_builder {
    uint32_t magic;
    size_t max_bytes, fixed_bytes; /* the latter: head and names, at most */
    size_t size;                   /* of all that was added */
    struct chunk_head head;
    struct vec records, values, raw, text;
    /* head | partition | where | context | pad */
    _Alignas(8) char front[sizeof(struct chunk_head) + CHUNK_PARTITION_MAX +
                           CHUNK_WHERE_MAX + CHUNK_CONTEXT_MAX + 8];
};

static size_t
round8(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

static int
vec_grow(struct vec *v, size_t need, size_t max)
{
    size_t cap = v->cap ? v->cap : 4096;
    while (cap < need)
        cap *= 2;
    cap = MAX(need, MIN(cap, max));
    void *p = mem_realloc(v->p, 1, cap);
    if (!p)
        return -ENOMEM;
    v->p = p;
    v->cap = cap;
    return 0;
}

static inline int
vec_need(struct vec *v, size_t need, size_t max)
{
    return likely(need <= v->cap) ? 0 : vec_grow(v, need, max);
}

/* Are there 'n' bytes of room? */
static inline bool
fits(const struct chunk_builder *b, size_t n)
{
    return n <= b->max_bytes - b->fixed_bytes - b->size;
}

struct chunk_builder *
chunk_builder_new(size_t max_bytes)
{
    struct chunk_builder *b = mem_new(struct chunk_builder);
    if (!b)
        return NULL;
    b->magic = BUILDER_MAGIC;
    b->max_bytes = CLAMP(max_bytes, sizeof b->front, (size_t)BYTES_MAX);
    chunk_begin(b, 0, (struct slice){NULL, 0}, 0);
    return b;
}

void
chunk_builder_free(struct chunk_builder *b)
{
    if (!b)
        return;
    CHECK_OBJ(b, BUILDER_MAGIC);
    mem_free(b->records.p);
    mem_free(b->values.p);
    mem_free(b->raw.p);
    mem_free(b->text.p);
    b->magic = 0;
    mem_free(b);
}

void
chunk_begin(struct chunk_builder *b, uint16_t input, struct slice partition,
            usec_t received_us)
{
    CHECK_OBJ(b, BUILDER_MAGIC);
    CHECK(partition.n <= CHUNK_PARTITION_MAX);
    b->head = (struct chunk_head){
        .input = input,
        .partition_size = (uint16_t)partition.n,
        .received_us = received_us,
    };
    if (partition.n > 0)
        memcpy(b->front + sizeof b->head, partition.p, partition.n);
    b->fixed_bytes = round8(sizeof b->head + partition.n + CHUNK_WHERE_MAX +
                            CHUNK_CONTEXT_MAX);
    b->size = 0;
}

/* Appends bytes to raw or text; returns their offset there. */
static int64_t
add_bytes(struct chunk_builder *b, struct vec *v, uint32_t *size,
          struct slice s)
{
    if (unlikely(!fits(b, s.n)))
        return -ENOSPC;
    int r = vec_need(v, *size + s.n, b->max_bytes);
    if (unlikely(r < 0))
        return r;
    uint32_t offset = *size;
    if (s.n > 0)
        memcpy(v->p + offset, s.p, s.n);
    *size += (uint32_t)s.n;
    b->size += s.n;
    return offset;
}

int64_t
chunk_add_raw(struct chunk_builder *b, struct slice bytes)
{
    return add_bytes(b, &b->raw, &b->head.raw_size, bytes);
}

int64_t
chunk_add_text(struct chunk_builder *b, struct slice text)
{
    int64_t r = add_bytes(b, &b->text, &b->head.text_size, text);
    return r < 0 ? r : r | CHUNK_TEXT;
}

int
chunk_add_record(struct chunk_builder *b, const struct chunk_record *r,
                 const struct chunk_value *values, unsigned n)
{
    struct chunk_head *h = &b->head;
    size_t bytes = sizeof *r + n * sizeof *values;
    if (unlikely(n > CHUNK_FIELDS_MAX))
        return -E2BIG;
    if (unlikely(!fits(b, bytes)))
        return -ENOSPC;
    size_t at = (size_t)h->n_records * sizeof *r;
    size_t value_at = (size_t)h->n_values * sizeof *values;
    int e = vec_need(&b->records, at + sizeof *r, b->max_bytes);
    if (likely(e == 0))
        e = vec_need(&b->values, value_at + n * sizeof *values, b->max_bytes);
    if (unlikely(e < 0))
        return e;

    struct chunk_record rec = *r;
    rec.n_values = (uint8_t)n;
    rec.first_value = h->n_values;
    memcpy(b->records.p + at, &rec, sizeof rec);
    if (n > 0)
        memcpy(b->values.p + value_at, values, n * sizeof *values);
    h->n_records++;
    h->n_values += n;
    b->size += bytes;
    return 0;
}

int
chunk_add_dead(struct chunk_builder *b, uint32_t offset, uint32_t length,
               struct slice reason)
{
    struct chunk_mark mark = chunk_mark(b);
    reason.n = MIN(reason.n, (size_t)REASON_MAX);
    int64_t at = chunk_add_text(b, reason);
    if (at < 0)
        return (int)at;
    struct chunk_record rec = {
        .time_us = b->head.received_us,
        .offset = offset,
        .length = length,
        .kind = RECORD_DEAD,
    };
    struct chunk_value v = {(uint32_t)at, (uint32_t)reason.n << 8};
    int r = chunk_add_record(b, &rec, &v, 1);
    if (r < 0)
        chunk_rewind(b, mark);
    return r;
}

struct chunk_mark
chunk_mark(const struct chunk_builder *b)
{
    return (struct chunk_mark){b->head.n_records, b->head.n_values,
                               b->head.raw_size, b->head.text_size};
}

void
chunk_rewind(struct chunk_builder *b, struct chunk_mark mark)
{
    struct chunk_head *h = &b->head;
    CHECK(mark.n_records <= h->n_records && mark.n_values <= h->n_values &&
          mark.raw_size <= h->raw_size && mark.text_size <= h->text_size);
    h->n_records = mark.n_records;
    h->n_values = mark.n_values;
    h->raw_size = mark.raw_size;
    h->text_size = mark.text_size;
    b->size = (size_t)h->n_records * sizeof(struct chunk_record) +
              (size_t)h->n_values * sizeof(struct chunk_value) + h->raw_size +
              h->text_size;
}

uint32_t
chunk_n_records(const struct chunk_builder *b)
{
    return b->head.n_records;
}

size_t
chunk_size(const struct chunk_builder *b)
{
    return b->fixed_bytes + b->size;
}

/* Offsets into text become offsets behind raw. */
static void
resolve_text(struct chunk_value *v, uint32_t n, uint32_t raw_size)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t is_text = -(v[i].offset >> 31);
        v[i].offset = (v[i].offset & ~CHUNK_TEXT) + (raw_size & is_text);
    }
}

/* Writes the part before the arrays; returns its size. */
static size_t
put_front(struct chunk_builder *b, const struct chunk_position *next)
{
    struct chunk_head *h = &b->head;
    CHECK(next->where.n <= CHUNK_WHERE_MAX &&
          next->context.n <= CHUNK_CONTEXT_MAX);
    h->where_size = (uint16_t)next->where.n;
    h->context_size = (uint8_t)next->context.n;
    h->decoder = next->decoder;
    h->offset = next->offset;
    memcpy(b->front, h, sizeof *h);
    size_t at = sizeof *h + h->partition_size;
    if (next->where.n > 0)
        memcpy(b->front + at, next->where.p, next->where.n);
    at += next->where.n;
    if (next->context.n > 0)
        memcpy(b->front + at, next->context.p, next->context.n);
    at += next->context.n;
    memset(b->front + at, 0, round8(at) - at);
    return round8(at);
}

int
chunk_end(struct chunk_builder *b, const struct chunk_position *next,
          struct slice parts[CHUNK_PARTS])
{
    CHECK_OBJ(b, BUILDER_MAGIC);
    const struct chunk_head *h = &b->head;
    void *values = b->values.p;
    resolve_text(values, h->n_values, h->raw_size);

    const struct slice all[] = {
        {b->front, put_front(b, next)},
        {b->records.p, (size_t)h->n_records * sizeof(struct chunk_record)},
        {b->values.p, (size_t)h->n_values * sizeof(struct chunk_value)},
        {b->raw.p, h->raw_size},
        {b->text.p, h->text_size},
    };
    int n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        if (all[i].n > 0)
            parts[n++] = all[i];
    return n;
}
