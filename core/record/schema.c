/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>

#include "core/base/buf.h"
#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/record/schema_priv.h"

struct lookup {
    const struct schema *s;
    struct slice name;
};

static bool
input_eq(const void *ctx, uint32_t i)
{
    const struct lookup *l = ctx;
    return slice_eq(l->s->inputs[i].name, l->name);
}

static bool
stream_eq(const void *ctx, uint32_t i)
{
    const struct lookup *l = ctx;
    return slice_eq(l->s->streams[i].name, l->name);
}

static bool
metric_eq(const void *ctx, uint32_t i)
{
    const struct lookup *l = ctx;
    return slice_eq(l->s->metrics[i].name, l->name);
}

struct schema_store *
schema_store_new(void)
{
    struct schema_store *st = mem_new(struct schema_store);
    if (!st)
        return NULL;
    arena_init(&st->arena, 4096, SCHEMA_BYTES_MAX);
    table_init(&st->input_ids, SCHEMA_IDS_MAX);
    table_init(&st->stream_ids, SCHEMA_IDS_MAX);
    table_init(&st->metric_ids, SCHEMA_IDS_MAX);
    return st;
}

void
schema_store_free(struct schema_store *st)
{
    if (!st)
        return;
    table_fini(&st->input_ids);
    table_fini(&st->stream_ids);
    table_fini(&st->metric_ids);
    mem_free(st->inputs);
    mem_free(st->streams);
    mem_free(st->metrics);
    arena_fini(&st->arena);
    mem_free(st);
}

/* Room for one more of 'bytes' each behind the n that are there. */
static int
grow(void **array, uint32_t *cap, uint32_t n, size_t bytes)
{
    if (n >= SCHEMA_IDS_MAX)
        return -E2BIG;
    if (n < *cap)
        return 0;
    uint32_t want = MAX(16u, *cap * 2);
    void *p = mem_realloc(*array, want, bytes);
    if (!p)
        return -ENOMEM;
    *array = p;
    *cap = want;
    return 0;
}

static int
claim(struct table *ids, const struct schema *s, struct slice name,
      table_eq_fn eq, uint32_t id)
{
    uint64_t hash = hash_slice(name);
    if (table_find(ids, hash, eq, &(struct lookup){s, name}) != TABLE_NONE)
        return -EEXIST;
    return table_insert(ids, hash, id);
}

int
schema_store_input(struct schema_store *st, const struct schema_input *in)
{
    uint32_t id = st->s.n_inputs;
    void *p = st->inputs;
    int r = grow(&p, &st->inputs_cap, id, sizeof *in);
    st->s.inputs = st->inputs = p;
    if (r == 0)
        r = claim(&st->input_ids, &st->s, in->name, input_eq, id);
    if (r < 0)
        return r;
    st->inputs[id] = *in;
    st->s.n_inputs++;
    return (int)id;
}

int
schema_store_stream(struct schema_store *st, const struct schema_stream *s)
{
    uint32_t id = st->s.n_streams;
    void *p = st->streams;
    int r = grow(&p, &st->streams_cap, id, sizeof *s);
    st->s.streams = st->streams = p;
    if (r == 0)
        r = claim(&st->stream_ids, &st->s, s->name, stream_eq, id);
    if (r < 0)
        return r;
    st->streams[id] = *s;
    st->s.n_streams++;
    return (int)id;
}

int
schema_store_metric(struct schema_store *st, const struct schema_metric *m)
{
    uint32_t id = st->s.n_metrics;
    void *p = st->metrics;
    int r = grow(&p, &st->metrics_cap, id, sizeof *m);
    st->s.metrics = st->metrics = p;
    if (r == 0)
        r = claim(&st->metric_ids, &st->s, m->name, metric_eq, id);
    if (r < 0)
        return r;
    st->metrics[id] = *m;
    st->s.n_metrics++;
    return (int)id;
}

static const struct schema_store *
store_of(const struct schema *s)
{
    return container_of(s, const struct schema_store, s);
}

void
schema_free(struct schema *s)
{
    if (s)
        schema_store_free(container_of(s, struct schema_store, s));
}

static int
find(const struct table *ids, const struct schema *s, struct slice name,
     table_eq_fn eq)
{
    uint32_t id =
        table_find(ids, hash_slice(name), eq, &(struct lookup){s, name});
    return id == TABLE_NONE ? -ENOENT : (int)id;
}

int
schema_find_stream(const struct schema *s, struct slice name)
{
    return find(&store_of(s)->stream_ids, s, name, stream_eq);
}

int
schema_find_metric(const struct schema *s, struct slice name)
{
    return find(&store_of(s)->metric_ids, s, name, metric_eq);
}

int
schema_find_input(const struct schema *s, struct slice name)
{
    return find(&store_of(s)->input_ids, s, name, input_eq);
}

int
schema_stream_field(const struct schema_stream *s, struct slice name)
{
    for (uint32_t i = 0; i < s->n_fields; i++)
        if (slice_eq(s->fields[i].name, name))
            return (int)i;
    return -ENOENT;
}

int
schema_metric_label(const struct schema_metric *m, struct slice name)
{
    for (uint32_t i = 0; i < m->n_labels; i++)
        if (slice_eq(m->labels[i].name, name))
            return (int)i;
    return -ENOENT;
}

bool
schema_equal(const struct schema *a, const struct schema *b)
{
    AUTO_FINI(buf) x = BUF_INIT(SCHEMA_BYTES_MAX);
    AUTO_FINI(buf) y = BUF_INIT(SCHEMA_BYTES_MAX);
    return schema_encode(a, &x) == 0 && schema_encode(b, &y) == 0 &&
           slice_eq(buf_slice(&x), buf_slice(&y));
}
