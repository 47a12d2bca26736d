/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "core/base/buf.h"
#include "core/base/codec.h"
#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/journal/positions.h"
#include "core/record/chunk.h"

#define POSITIONS_VERSION 1u

struct positions_entry {
    uint64_t hash, pos, offset;
    uint16_t input, partition_size, where_size, where_cap;
    uint8_t decoder, context_size;
    char *bytes; /* partition | context (at most its maximum) | where */
};

struct key {
    const struct positions *p;
    uint16_t input;
    struct slice partition;
};

static struct journal_position
view(const struct positions_entry *e)
{
    const char *context = e->bytes + e->partition_size;
    return (struct journal_position){
        .input = e->input,
        .decoder = e->decoder,
        .partition = {e->bytes, e->partition_size},
        .where = {context + CHUNK_CONTEXT_MAX, e->where_size},
        .context = {context, e->context_size},
        .offset = e->offset,
    };
}

static bool
key_eq(const void *ctx, uint32_t i)
{
    const struct key *k = ctx;
    const struct positions_entry *e = &k->p->entries[i];
    return e->input == k->input &&
           slice_eq(slice_new(e->bytes, e->partition_size), k->partition);
}

void
positions_init(struct positions *p, uint32_t max)
{
    *p = (struct positions){.max = max};
    table_init(&p->table, max);
}

void
positions_fini(struct positions *p)
{
    for (uint32_t i = 0; i < p->n; i++)
        mem_free(p->entries[i].bytes);
    mem_free(p->entries);
    table_fini(&p->table);
    *p = (struct positions){.max = p->max};
}

static int
by_pos(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void
forget(struct positions *p, uint32_t i)
{
    uint32_t last = p->n - 1;
    (void)table_remove(&p->table, p->entries[i].hash, i);
    mem_free(p->entries[i].bytes);
    if (i != last) {
        (void)table_reindex(&p->table, p->entries[last].hash, last, i);
        p->entries[i] = p->entries[last];
    }
    p->n--;
}

/* Forgets the sixteenth part that moved longest ago. */
static int
forget_oldest(struct positions *p)
{
    uint64_t *pos = mem_new_array(uint64_t, p->n);
    if (!pos)
        return -ENOMEM;
    for (uint32_t i = 0; i < p->n; i++)
        pos[i] = p->entries[i].pos;
    qsort(pos, p->n, sizeof *pos, by_pos);
    uint64_t limit = pos[p->n / 16];
    mem_free(pos);
    for (uint32_t i = p->n; i-- > 0;)
        if (p->entries[i].pos <= limit)
            forget(p, i);
    return 0;
}

/* An entry with its key alone. */
static int
add(struct positions *p, uint64_t hash, uint16_t input, struct slice partition)
{
    if (p->n == p->max) {
        int r = forget_oldest(p);
        if (r < 0)
            return r;
    }
    if (p->n == p->cap) {
        uint32_t cap = MAX(16u, p->cap * 2);
        void *q = mem_realloc(p->entries, cap, sizeof *p->entries);
        if (!q)
            return -ENOMEM;
        p->entries = q;
        p->cap = cap;
    }
    struct positions_entry e = {
        .hash = hash, .input = input, .partition_size = (uint16_t)partition.n};
    e.bytes = mem_alloc(partition.n + CHUNK_CONTEXT_MAX);
    if (!e.bytes)
        return -ENOMEM;
    if (partition.n > 0)
        memcpy(e.bytes, partition.p, partition.n);
    int r = table_insert(&p->table, hash, p->n);
    if (r < 0) {
        mem_free(e.bytes);
        return r;
    }
    p->entries[p->n] = e;
    return (int)p->n++;
}

static int
set(struct positions *p, const struct journal_position *v, uint64_t pos)
{
    uint64_t hash = hash_mix(v->input, hash_slice(v->partition));
    struct key key = {p, v->input, v->partition};
    uint32_t found = table_find(&p->table, hash, key_eq, &key);
    int i =
        found == TABLE_NONE ? add(p, hash, v->input, v->partition) : (int)found;
    if (i < 0)
        return i;
    struct positions_entry *e = &p->entries[i];
    size_t fixed = e->partition_size + (size_t)CHUNK_CONTEXT_MAX;
    if (v->where.n > e->where_cap) {
        void *q = mem_realloc(e->bytes, 1, fixed + v->where.n);
        if (!q)
            return -ENOMEM;
        e->bytes = q;
        e->where_cap = (uint16_t)v->where.n;
    }
    if (v->context.n > 0)
        memcpy(e->bytes + e->partition_size, v->context.p, v->context.n);
    if (v->where.n > 0)
        memcpy(e->bytes + fixed, v->where.p, v->where.n);
    e->context_size = (uint8_t)v->context.n;
    e->where_size = (uint16_t)v->where.n;
    e->decoder = v->decoder;
    e->offset = v->offset;
    e->pos = pos;
    return 0;
}

static bool
sizes_ok(struct slice partition, struct slice where, struct slice context)
{
    return partition.n <= CHUNK_PARTITION_MAX && where.n <= CHUNK_WHERE_MAX &&
           context.n <= CHUNK_CONTEXT_MAX;
}

int
positions_take(struct positions *p, struct slice payload, uint64_t pos)
{
    struct chunk_head h;
    if (payload.n < sizeof h)
        return -EBADMSG;
    memcpy(&h, payload.p, sizeof h);
    struct reader r = reader_new(slice_skip(payload, sizeof h));
    struct journal_position v = {
        .input = h.input, .decoder = h.decoder, .offset = h.offset};
    v.partition = reader_bytes(&r, h.partition_size);
    v.where = reader_bytes(&r, h.where_size);
    v.context = reader_bytes(&r, h.context_size);
    if (!reader_ok(&r) || !sizes_ok(v.partition, v.where, v.context))
        return -EBADMSG;
    return set(p, &v, pos);
}

int
positions_encode(const struct positions *p, struct buf *out)
{
    (void)buf_put_u8(out, POSITIONS_VERSION);
    for (uint32_t i = 0; i < p->n; i++) {
        const struct positions_entry *e = &p->entries[i];
        struct journal_position v = view(e);
        (void)buf_put_varint(out, e->pos);
        (void)buf_put_varint(out, v.input);
        (void)buf_put_u8(out, v.decoder);
        (void)buf_put_slice(out, v.partition);
        (void)buf_put_slice(out, v.where);
        (void)buf_put_slice(out, v.context);
        (void)buf_put_u64(out, v.offset);
    }
    return buf_error(out);
}

int
positions_decode(struct positions *p, struct slice payload)
{
    struct reader r = reader_new(payload);
    if (reader_u8(&r) != POSITIONS_VERSION)
        return -EBADMSG;
    while (reader_ok(&r) && reader_left(&r) > 0) {
        struct journal_position v;
        uint64_t pos = reader_varint(&r);
        uint32_t input = reader_varint32(&r);
        v.decoder = reader_u8(&r);
        v.partition = reader_slice(&r);
        v.where = reader_slice(&r);
        v.context = reader_slice(&r);
        v.offset = reader_u64(&r);
        if (!reader_ok(&r) || input > UINT16_MAX ||
            !sizes_ok(v.partition, v.where, v.context))
            return -EBADMSG;
        v.input = (uint16_t)input;
        int e = set(p, &v, pos);
        if (e < 0)
            return e;
    }
    return reader_done(&r) ? 0 : -EBADMSG;
}

int
positions_each(const struct positions *p,
               int (*fn)(void *arg, const struct journal_position *p),
               void *arg)
{
    int r = 0;
    for (uint32_t i = 0; i < p->n && r == 0; i++) {
        struct journal_position v = view(&p->entries[i]);
        r = fn(arg, &v);
    }
    return r;
}
