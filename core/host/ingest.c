/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/host/ingest_priv.h"
#include "core/host/instance.h"

static struct partition *
partition_get(struct ingest *in, uint32_t id)
{
    if (id >= in->n_partitions) {
        uint32_t n = MAX(id + 1, in->n_partitions * 2);
        struct partition *p =
            mem_realloc(in->partitions, n, sizeof in->partitions[0]);
        if (p == NULL)
            return NULL;
        memset(p + in->n_partitions, 0,
               (n - in->n_partitions) * sizeof in->partitions[0]);
        in->partitions = p;
        in->n_partitions = n;
    }
    struct partition *p = &in->partitions[id];
    if (!p->started) {
        buf_init(&p->carry, in->o.max_record_bytes + in->o.chunk_bytes * 2);
        p->started = true;
    }
    return p;
}

static void
position_keep(struct ingest *in, const struct partition *p,
              const struct tocsin_position *next, uint64_t carried)
{
    size_t n = MIN(next->where_size, sizeof in->where);
    if (n > 0)
        memcpy(in->where, next->where, n);
    memcpy(in->context, p->context.bytes, p->context.size);
    in->positioned = true;
    in->next = (struct chunk_position){
        .offset = next->offset - carried,
        .where = slice_new(in->where, n),
        .context = slice_new(in->context, p->context.size),
        .decoder = p->decoder,
    };
}

static int
collect_begin(struct ingest *in, uint32_t partition, struct slice name,
              usec_t received_us)
{
    if (in->collecting && in->current == partition && !in->sealed)
        return 0;
    int r = ingest_flush(in);
    if (r < 0)
        return r;
    chunk_begin(in->builder, in->o.input, name, received_us);
    in->current = partition;
    in->collecting = true;
    in->positioned = in->sealed = false;
    in->text_size = 0;
    return 0;
}

/* Puts the bytes in front of the decoders; the raw bytes that they did not
 * consume are taken back.  Bytes consumed, or negative errno. */
static int64_t
collect(struct ingest *in, struct partition *p,
        const struct tocsin_chunk *chunk)
{
    struct counts before = counts_take(in);
    struct tocsin_context context = p->context;
    uint8_t decoder = p->decoder;
    int64_t base =
        chunk_add_raw(in->builder, slice_new(chunk->data, chunk->size));
    if (base < 0)
        return base;
    int64_t n;
    if (chunk->flags & TOCSIN_CHUNK_MESSAGE) {
        n = decode_message(in, 0, (uint32_t)base, chunk);
        n = n < 0 ? n : (int64_t)chunk->size;
    } else {
        n = decode_stream(in, p, (uint32_t)base, chunk);
    }
    if (n < 0) {
        counts_restore(in, &before);
        p->context = context;
        p->decoder = decoder;
        return n;
    }
    struct chunk_mark mark = chunk_mark(in->builder);
    mark.raw_size = (uint32_t)(base + n);
    chunk_rewind(in->builder, mark);
    in->n_bytes += (uint64_t)n;
    return n;
}

/* The builder is full: with an empty one once more. */
static int
make_room(struct ingest *in, const struct tocsin_chunk *chunk,
          uint32_t partition, struct slice name)
{
    int r = ingest_flush(in);
    return r < 0 ? r : collect_begin(in, partition, name, chunk->received_us);
}

/* What does not fit a chunk: its beginning is a dead letter. */
static int64_t
collect_dead(struct ingest *in, const struct tocsin_chunk *chunk)
{
    char why[96];
    (void)snprintf(why, sizeof why,
                   "longer than a record may be: %zu bytes; kept: the first",
                   chunk->size);
    struct counts before = counts_take(in);
    size_t n = MIN(chunk->size, in->o.chunk_bytes);
    int64_t base = chunk_add_raw(in->builder, slice_new(chunk->data, n));
    if (base < 0)
        return base;
    int r = decode_dead(in, (uint32_t)base, 0, n, why);
    if (r < 0) {
        counts_restore(in, &before);
        return r;
    }
    in->n_bytes += chunk->size;
    return (int64_t)chunk->size;
}

static int64_t
collect_too_large(struct ingest *in, const struct tocsin_chunk *chunk,
                  uint32_t partition, struct slice name)
{
    int64_t n = collect_dead(in, chunk);
    if (n != -ENOSPC)
        return n;
    int r = make_room(in, chunk, partition, name);
    return r < 0 ? r : collect_dead(in, chunk);
}

/* An empty builder can't take all of it: records may need more room than
 * their bytes, so of a stream it is offered less. */
static int64_t
collect_less(struct ingest *in, struct partition *p,
             const struct tocsin_chunk *chunk)
{
    struct tocsin_chunk less = *chunk;
    less.flags &= ~(TOCSIN_CHUNK_LAST | TOCSIN_CHUNK_FULL);
    int64_t n = -ENOSPC;
    while (n == -ENOSPC && !(chunk->flags & TOCSIN_CHUNK_MESSAGE) &&
           less.size > 1) {
        less.size /= 2;
        n = collect(in, p, &less);
    }
    return n == -ENOSPC || n == 0 ? collect_dead(in, chunk) : n;
}

static int64_t
collect_with_room(struct ingest *in, struct partition *p,
                  const struct tocsin_chunk *chunk, uint32_t partition,
                  struct slice name)
{
    int64_t n = collect(in, p, chunk);
    if (n != -ENOSPC)
        return n;
    int r = make_room(in, chunk, partition, name);
    if (r < 0)
        return r;
    n = collect(in, p, chunk);
    return n == -ENOSPC ? collect_less(in, p, chunk) : n;
}

static int
feed_message(struct ingest *in, uint32_t partition, struct slice name,
             struct partition *p, const struct tocsin_chunk *chunk)
{
    int64_t n = collect_with_room(in, p, chunk, partition, name);
    if (n < 0)
        return (int)n;
    position_keep(in, p, &chunk->next, 0);
    return 0;
}

/* The bytes carried over with the new ones behind them, or the new ones. */
static int
stream_bytes(struct partition *p, const struct tocsin_chunk *chunk,
             struct slice *ret)
{
    *ret = slice_new(chunk->data, chunk->size);
    if (p->carry.n == 0)
        return 0;
    int r = buf_append(&p->carry, chunk->data, chunk->size);
    *ret = buf_slice(&p->carry);
    return r;
}

static int
carry_keep(struct partition *p, struct slice rest)
{
    if (rest.n == 0) {
        buf_reset(&p->carry);
        return 0;
    }
    if (p->carry.n > 0) { /* 'rest' is the end of it */
        memmove(p->carry.p, rest.p, rest.n);
        buf_truncate(&p->carry, rest.n);
        return 0;
    }
    return buf_append(&p->carry, rest.p, rest.n);
}

/* Some of the bytes are taken already: the rest waits to be asked for again. */
static int
resume_later(struct partition *p, struct slice rest, int error)
{
    int r = carry_keep(p, rest);
    p->resumed = r == 0;
    return r < 0 ? r : error;
}

static int
feed_piece(struct ingest *in, uint32_t partition, struct slice name,
           struct partition *p, const struct tocsin_chunk *chunk)
{
    size_t carried = p->carry.n;
    struct slice bytes;
    int r = stream_bytes(p, chunk, &bytes);
    if (r < 0)
        return r;
    struct tocsin_chunk piece = *chunk;
    bool first = true;
    while (bytes.n > 0) {
        piece.data = bytes.p;
        piece.size = bytes.n;
        int64_t n = collect_with_room(in, p, &piece, partition, name);
        if (n == 0 && bytes.n >= in->o.max_record_bytes) {
            piece.flags |= TOCSIN_CHUNK_FULL; /* it won't get any longer */
            n = collect_with_room(in, p, &piece, partition, name);
        }
        if (n < 0 && first) {
            buf_truncate(&p->carry, carried); /* as if nothing came */
            return (int)n;
        }
        if (n < 0)
            return resume_later(p, bytes, (int)n);
        if (n == 0) /* the rest comes again with the next chunk */
            break;
        first = false;
        bytes = slice_skip(bytes, (size_t)n);
        position_keep(in, p, &chunk->next, bytes.n);
    }
    bool over = bytes.n >= in->o.max_record_bytes ||
                (bytes.n > 0 && (chunk->flags & TOCSIN_CHUNK_LAST));
    if (over) { /* a decoder that neither consumes nor rejects */
        piece.data = bytes.p;
        piece.size = bytes.n;
        int64_t n = collect_too_large(in, &piece, partition, name);
        if (n < 0)
            return resume_later(p, bytes, (int)n);
        bytes.n = 0;
    }
    r = carry_keep(p, bytes);
    if (r < 0)
        return r;
    if (chunk->flags & TOCSIN_CHUNK_LAST)
        p->context.size = 0;
    position_keep(in, p, &chunk->next, bytes.n);
    return 0;
}

/* In pieces that a builder has room for, however much a source brings. */
static int
feed_stream(struct ingest *in, uint32_t partition, struct slice name,
            struct partition *p, const struct tocsin_chunk *chunk)
{
    do {
        size_t n =
            p->resumed ? 0 : MIN(chunk->size - p->taken, in->o.chunk_bytes);
        size_t left = chunk->size - p->taken - n;
        struct tocsin_chunk piece = *chunk;
        piece.data = p->taken > 0 ? chunk->data + p->taken : chunk->data;
        piece.size = n;
        piece.next.offset -= left;
        if (left > 0)
            piece.flags &= ~TOCSIN_CHUNK_LAST;
        bool again = p->resumed;
        int r = feed_piece(in, partition, name, p, &piece);
        if (r == 0 || (p->resumed && !again))
            p->taken += n;
        if (r < 0)
            return r;
        p->resumed = false;
    } while (p->taken < chunk->size);
    p->taken = 0;
    return 0;
}

int
ingest_feed(struct ingest *in, uint32_t partition, struct slice name,
            const struct tocsin_chunk *chunk)
{
    struct partition *p = partition_get(in, partition);
    if (p == NULL)
        return -ENOMEM;
    int r = collect_begin(in, partition, name, chunk->received_us);
    if (r < 0)
        return r;
    if (chunk->flags & TOCSIN_CHUNK_MESSAGE)
        r = feed_message(in, partition, name, p, chunk);
    else
        r = feed_stream(in, partition, name, p, chunk);
    if (r < 0)
        return r;
    return chunk_size(in->builder) >= in->o.chunk_bytes ? 1 : 0;
}

int
ingest_flush(struct ingest *in)
{
    if (!in->collecting)
        return 0;
    if (!in->positioned) { /* nothing of it came to anything */
        in->collecting = false;
        return 0;
    }
    struct slice parts[CHUNK_PARTS];
    uint32_t n_records = chunk_n_records(in->builder);
    int n = chunk_end(in->builder, &in->next, parts);
    if (n < 0)
        return n;
    in->sealed = true;
    int r = in->o.append(in->o.arg, in->current, &in->next, parts, (size_t)n,
                         n_records);
    if (r < 0)
        return r;
    in->collecting = false;
    atomic_fetch_add_explicit(&in->stats.bytes, in->n_bytes,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&in->stats.records, in->n_records,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&in->stats.samples, in->n_samples,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&in->stats.dead, in->n_dead,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&in->stats.chunks, 1, memory_order_relaxed);
    in->n_bytes = in->n_records = in->n_samples = in->n_dead = 0;
    return 0;
}

bool
ingest_is_empty(const struct ingest *in)
{
    return !in->collecting;
}

int
ingest_start(struct ingest *in, uint32_t partition, struct slice name,
             struct slice context, unsigned decoder)
{
    (void)name;
    struct partition *p = partition_get(in, partition);
    if (p == NULL)
        return -ENOMEM;
    buf_reset(&p->carry);
    p->taken = 0;
    p->resumed = false;
    p->context.size = 0;
    if (decoder < in->o.n_decoders && context.n <= TOCSIN_CONTEXT_SIZE) {
        if (context.n > 0)
            memcpy(p->context.bytes, context.p, context.n);
        p->context.size = (uint32_t)context.n;
        p->decoder = (uint8_t)decoder;
    }
    return 0;
}

void
ingest_forget(struct ingest *in, uint32_t partition)
{
    if (partition >= in->n_partitions)
        return;
    buf_fini(&in->partitions[partition].carry);
    in->partitions[partition] = (struct partition){0};
}

const struct ingest_stats *
ingest_get_stats(const struct ingest *in)
{
    return &in->stats;
}

struct ingest *
ingest_new(const struct ingest_options *o)
{
    struct ingest *in = mem_new(struct ingest);
    if (in == NULL)
        return NULL;
    in->o = *o;
    size_t most = o->max_record_bytes + 4 * o->chunk_bytes;
    if (o->max_chunk_bytes > 0)
        most = MIN(most, o->max_chunk_bytes);
    in->builder = chunk_builder_new(most);
    in->decoders = mem_new_array(struct decoder, o->n_decoders + 1);
    if (in->builder == NULL || in->decoders == NULL) {
        ingest_free(in);
        return NULL;
    }
    for (size_t i = 0; i < o->n_decoders; i++) {
        struct decoder *d = &in->decoders[i];
        d->instance = o->decoders[i];
        d->plugin = instance_plugin(d->instance);
        int r = decoder_map(o->schema, d);
        CHECK(r != -EINVAL); /* the schema was made from these decoders */
        if (r < 0) {
            ingest_free(in);
            return NULL;
        }
    }
    return in;
}

void
ingest_free(struct ingest *in)
{
    if (in == NULL)
        return;
    for (uint32_t i = 0; i < in->n_partitions; i++)
        buf_fini(&in->partitions[i].carry);
    for (size_t i = 0; in->decoders != NULL && i < in->o.n_decoders; i++) {
        mem_free(in->decoders[i].streams);
        mem_free(in->decoders[i].metrics);
    }
    mem_free(in->partitions);
    mem_free(in->decoders);
    chunk_builder_free(in->builder);
    mem_free(in);
}
