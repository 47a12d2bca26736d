/* SPDX-License-Identifier: Apache-2.0 */
/* schema_codec.c - payload of FRAME_SCHEMA: version, max_future, streams,
 * metrics, inputs; each a count and then its entries. */
#include "config.h"

#include <errno.h>

#include "core/base/codec.h"
#include "core/record/schema_priv.h"

#define SCHEMA_VERSION 1u
#define ACTIVE 1u

static void
put_fields(struct buf *out, const struct schema_field *f, uint32_t n)
{
    (void)buf_put_varint(out, n);
    for (uint32_t i = 0; i < n; i++) {
        (void)buf_put_slice(out, f[i].name);
        (void)buf_put_u8(out, f[i].type);
        (void)buf_put_u8(out, f[i].flags);
    }
}

static void
put_ids(struct buf *out, const uint16_t *ids, uint32_t n)
{
    (void)buf_put_varint(out, n);
    for (uint32_t i = 0; i < n; i++)
        (void)buf_put_varint(out, ids[i]);
}

int
schema_encode(const struct schema *s, struct buf *out)
{
    (void)buf_put_u8(out, SCHEMA_VERSION);
    (void)buf_put_zigzag(out, s->max_future_us);
    (void)buf_put_varint(out, s->n_streams);
    for (uint32_t i = 0; i < s->n_streams; i++) {
        const struct schema_stream *t = &s->streams[i];
        (void)buf_put_slice(out, t->name);
        (void)buf_put_varint(out, t->semantics);
        put_fields(out, t->fields, t->n_fields);
    }
    (void)buf_put_varint(out, s->n_metrics);
    for (uint32_t i = 0; i < s->n_metrics; i++) {
        const struct schema_metric *m = &s->metrics[i];
        (void)buf_put_slice(out, m->name);
        (void)buf_put_u8(out, m->type);
        (void)buf_put_zigzag(out, m->remember_us);
        put_fields(out, m->labels, m->n_labels);
    }
    (void)buf_put_varint(out, s->n_inputs);
    for (uint32_t i = 0; i < s->n_inputs; i++) {
        const struct schema_input *in = &s->inputs[i];
        (void)buf_put_slice(out, in->name);
        (void)buf_put_u8(out, in->active ? ACTIVE : 0);
        (void)buf_put_zigzag(out, in->lateness_us);
        (void)buf_put_zigzag(out, in->expect_every_us);
        put_ids(out, in->streams, in->n_streams);
        put_ids(out, in->metrics, in->n_metrics);
    }
    return buf_error(out);
}

/* A count of entries of at least 'least' bytes each. */
static uint32_t
get_count(struct reader *r, uint32_t max, size_t least)
{
    uint32_t n = reader_varint32(r);
    if (n > max || n > reader_left(r) / least)
        r->bad = true;
    return r->bad ? 0 : n;
}

static struct slice
get_name(struct reader *r, struct arena *a, int *e)
{
    struct slice s = {NULL, 0};
    if (arena_slice_dup(a, reader_slice(r), &s) < 0)
        *e = -ENOMEM;
    return s;
}

static const struct schema_field *
get_fields(struct reader *r, struct arena *a, uint32_t *ret_n, int *e)
{
    uint32_t n = get_count(r, SCHEMA_FIELDS_MAX, 3);
    struct schema_field *f = arena_new_array(a, struct schema_field, n);
    if (!f) {
        *e = -ENOMEM;
        return NULL;
    }
    for (uint32_t i = 0; i < n; i++) {
        f[i].name = get_name(r, a, e);
        f[i].type = reader_u8(r);
        f[i].flags = reader_u8(r);
    }
    *ret_n = n;
    return f;
}

static const uint16_t *
get_ids(struct reader *r, struct arena *a, uint32_t limit, uint32_t *ret_n,
        int *e)
{
    uint32_t n = get_count(r, SCHEMA_IDS_MAX, 1);
    uint16_t *ids = arena_new_array(a, uint16_t, n);
    if (!ids) {
        *e = -ENOMEM;
        return NULL;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t id = reader_varint32(r);
        if (id >= limit)
            r->bad = true;
        ids[i] = (uint16_t)id;
    }
    *ret_n = n;
    return ids;
}

static int
get_stream(struct reader *r, struct schema_store *st)
{
    int e = 0;
    struct schema_stream s = {.name = get_name(r, &st->arena, &e)};
    s.semantics = reader_varint32(r);
    s.fields = get_fields(r, &st->arena, &s.n_fields, &e);
    return e < 0 ? e : !reader_ok(r) ? -EBADMSG : schema_store_stream(st, &s);
}

static int
get_metric(struct reader *r, struct schema_store *st)
{
    int e = 0;
    struct schema_metric m = {.name = get_name(r, &st->arena, &e)};
    m.type = reader_u8(r);
    m.remember_us = reader_zigzag(r);
    m.labels = get_fields(r, &st->arena, &m.n_labels, &e);
    return e < 0 ? e : !reader_ok(r) ? -EBADMSG : schema_store_metric(st, &m);
}

static int
get_input(struct reader *r, struct schema_store *st)
{
    int e = 0;
    struct schema_input in = {.name = get_name(r, &st->arena, &e)};
    uint8_t flags = reader_u8(r);
    in.active = flags & ACTIVE;
    in.lateness_us = reader_zigzag(r);
    in.expect_every_us = reader_zigzag(r);
    in.streams = get_ids(r, &st->arena, st->s.n_streams, &in.n_streams, &e);
    in.metrics = get_ids(r, &st->arena, st->s.n_metrics, &in.n_metrics, &e);
    if (e < 0)
        return e;
    return !reader_ok(r) || flags > ACTIVE ? -EBADMSG
                                           : schema_store_input(st, &in);
}

static int
get_all(struct reader *r, struct schema_store *st,
        int (*get)(struct reader *r, struct schema_store *st))
{
    uint32_t n = get_count(r, SCHEMA_IDS_MAX, 3);
    int e = 0;
    for (uint32_t i = 0; i < n && e >= 0; i++)
        e = get(r, st);
    if (e == -EEXIST || e == -E2BIG)
        return -EBADMSG;
    return e < 0 ? e : 0;
}

int
schema_decode(struct slice payload, struct schema **ret)
{
    AUTO(schema_store) *st = schema_store_new();
    if (!st)
        return -ENOMEM;
    struct reader r = reader_new(payload);
    if (reader_u8(&r) != SCHEMA_VERSION)
        return -EBADMSG;
    st->s.max_future_us = reader_zigzag(&r);
    int e = get_all(&r, st, get_stream);
    if (e == 0)
        e = get_all(&r, st, get_metric);
    if (e == 0)
        e = get_all(&r, st, get_input);
    if (e < 0)
        return e;
    if (!reader_done(&r))
        return -EBADMSG;
    *ret = &TAKE(st)->s;
    return 0;
}
