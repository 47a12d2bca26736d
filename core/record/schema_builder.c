/* SPDX-License-Identifier: Apache-2.0 */
/* schema_builder.c - grows a copy of a schema. */
#include "config.h"

#include <errno.h>

#include "core/base/mem.h"
#include "core/record/schema_priv.h"

#include <tocsin/plugin.h>

struct schema_builder {
    struct schema_store *store; /* NULL once spent */
};

static int
dup_fields(struct arena *a, const struct schema_field *from, uint32_t n,
           uint32_t room, struct schema_field **ret)
{
    struct schema_field *f = arena_new_array(a, struct schema_field, room);
    if (!f)
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++) {
        f[i] = from[i];
        if (arena_slice_dup(a, from[i].name, &f[i].name) < 0)
            return -ENOMEM;
    }
    *ret = f;
    return 0;
}

static int
dup_ids(struct arena *a, const uint16_t *from, uint32_t n, const uint16_t **ret)
{
    uint16_t *ids = arena_new_array(a, uint16_t, n);
    if (!ids)
        return -ENOMEM;
    if (n > 0)
        memcpy(ids, from, n * sizeof *ids);
    *ret = ids;
    return 0;
}

static int
add_new_stream(struct schema_store *st, const struct schema_stream *s)
{
    struct schema_stream copy = *s;
    struct schema_field *f;
    if (arena_slice_dup(&st->arena, s->name, &copy.name) < 0 ||
        dup_fields(&st->arena, s->fields, s->n_fields, s->n_fields, &f) < 0)
        return -ENOMEM;
    copy.fields = f;
    return schema_store_stream(st, &copy);
}

static int
add_new_metric(struct schema_store *st, const struct schema_metric *m)
{
    struct schema_metric copy = *m;
    struct schema_field *f;
    if (arena_slice_dup(&st->arena, m->name, &copy.name) < 0 ||
        dup_fields(&st->arena, m->labels, m->n_labels, m->n_labels, &f) < 0)
        return -ENOMEM;
    copy.labels = f;
    return schema_store_metric(st, &copy);
}

/* 'in' with everything that it points to in the arena. */
static int
dup_input(struct schema_store *st, const struct schema_input *in,
          struct schema_input *ret)
{
    *ret = *in;
    if (arena_slice_dup(&st->arena, in->name, &ret->name) < 0 ||
        dup_ids(&st->arena, in->streams, in->n_streams, &ret->streams) < 0 ||
        dup_ids(&st->arena, in->metrics, in->n_metrics, &ret->metrics) < 0)
        return -ENOMEM;
    return 0;
}

static int
copy_old(struct schema_store *st, const struct schema *old)
{
    int r = 0;
    for (uint32_t i = 0; i < old->n_streams && r >= 0; i++)
        r = add_new_stream(st, &old->streams[i]);
    for (uint32_t i = 0; i < old->n_metrics && r >= 0; i++)
        r = add_new_metric(st, &old->metrics[i]);
    for (uint32_t i = 0; i < old->n_inputs && r >= 0; i++) {
        struct schema_input in;
        r = dup_input(st, &old->inputs[i], &in);
        in.active = false;
        if (r == 0)
            r = schema_store_input(st, &in);
    }
    return r < 0 ? r : 0;
}

struct schema_builder *
schema_builder_new(const struct schema *old)
{
    AUTO(schema_store) *st = schema_store_new();
    if (!st || (old && copy_old(st, old) < 0))
        return NULL;
    struct schema_builder *b = mem_new(struct schema_builder);
    if (b)
        b->store = TAKE(st);
    return b;
}

void
schema_builder_free(struct schema_builder *b)
{
    if (!b)
        return;
    schema_store_free(b->store);
    mem_free(b);
}

static int
field_find(const struct schema_field *f, uint32_t n, struct slice name)
{
    for (uint32_t i = 0; i < n; i++)
        if (slice_eq(f[i].name, name))
            return (int)i;
    return -ENOENT;
}

/* Adds the fields of 'more' that *fields does not have; those that it has
 * must mean the same. */
static int
merge_fields(struct arena *a, struct slice owner,
             const struct schema_field **fields, uint32_t *n,
             const struct schema_field *more, uint32_t n_more, struct err *err)
{
    uint32_t added = 0;
    for (uint32_t i = 0; i < n_more; i++) {
        int at = field_find(*fields, *n, more[i].name);
        if (at < 0) {
            added++;
            continue;
        }
        const struct schema_field *had = &(*fields)[at];
        unsigned differ = had->flags ^ more[i].flags;
        if (had->type != more[i].type || (differ & TOCSIN_FIELD_LABEL) != 0)
            return err_set(err, -EINVAL,
                           "field \"%.*s\" of \"%.*s\" was declared with "
                           "another type",
                           SLICE_FMT(more[i].name), SLICE_FMT(owner));
    }
    if (*n + added > SCHEMA_FIELDS_MAX)
        return err_set(err, -E2BIG, "\"%.*s\" has more than %u fields",
                       SLICE_FMT(owner), SCHEMA_FIELDS_MAX);

    struct schema_field *f;
    if (dup_fields(a, *fields, *n, *n + added, &f) < 0)
        return -ENOMEM;
    for (uint32_t i = 0; i < n_more; i++) {
        int at = field_find(f, *n, more[i].name);
        if (at < 0) {
            at = (int)(*n)++;
            if (arena_slice_dup(a, more[i].name, &f[at].name) < 0)
                return -ENOMEM;
        }
        f[at].type = more[i].type;
        f[at].flags = more[i].flags;
    }
    *fields = f;
    return 0;
}

static int
explain(int r, struct slice name, struct err *err)
{
    if (r == -E2BIG)
        return err_set(err, r, "no id left for \"%.*s\"", SLICE_FMT(name));
    if (r == -ENOMEM)
        return err_set(err, r, "out of memory");
    return r;
}

int
schema_add_stream(struct schema_builder *b, const struct schema_stream *s,
                  struct err *err)
{
    struct schema_store *st = b->store;
    if (schema_find_metric(&st->s, s->name) >= 0)
        return err_set(err, -EINVAL,
                       "\"%.*s\" is a metric and can't be a "
                       "stream too",
                       SLICE_FMT(s->name));
    int id = schema_find_stream(&st->s, s->name);
    if (id < 0) {
        struct schema_stream bare = *s;
        bare.n_fields = 0;
        id = add_new_stream(st, &bare);
    }
    if (id < 0)
        return explain(id, s->name, err);
    struct schema_stream *mine = &st->streams[id];
    int r = merge_fields(&st->arena, s->name, &mine->fields, &mine->n_fields,
                         s->fields, s->n_fields, err);
    if (r < 0)
        return explain(r, s->name, err);
    mine->semantics = s->semantics;
    return id;
}

int
schema_add_metric(struct schema_builder *b, const struct schema_metric *m,
                  struct err *err)
{
    struct schema_store *st = b->store;
    if (schema_find_stream(&st->s, m->name) >= 0)
        return err_set(err, -EINVAL,
                       "\"%.*s\" is a stream and can't be a "
                       "metric too",
                       SLICE_FMT(m->name));
    int id = schema_find_metric(&st->s, m->name);
    if (id >= 0 && st->metrics[id].type != m->type)
        return err_set(err, -EINVAL,
                       "metric \"%.*s\" was declared with "
                       "another type",
                       SLICE_FMT(m->name));
    if (id < 0) {
        struct schema_metric bare = *m;
        bare.n_labels = 0;
        id = add_new_metric(st, &bare);
    }
    if (id < 0)
        return explain(id, m->name, err);
    struct schema_metric *mine = &st->metrics[id];
    int r = merge_fields(&st->arena, m->name, &mine->labels, &mine->n_labels,
                         m->labels, m->n_labels, err);
    if (r < 0)
        return explain(r, m->name, err);
    mine->remember_us = m->remember_us;
    return id;
}

static bool
ids_exist(const uint16_t *ids, uint32_t n, uint32_t limit)
{
    for (uint32_t i = 0; i < n; i++)
        if (ids[i] >= limit)
            return false;
    return true;
}

int
schema_add_input(struct schema_builder *b, const struct schema_input *in,
                 struct err *err)
{
    struct schema_store *st = b->store;
    if (!ids_exist(in->streams, in->n_streams, st->s.n_streams) ||
        !ids_exist(in->metrics, in->n_metrics, st->s.n_metrics))
        return err_set(err, -EINVAL,
                       "input \"%.*s\" names a stream or metric "
                       "that does not exist",
                       SLICE_FMT(in->name));
    int id = schema_find_input(&st->s, in->name);
    if (id >= 0 && st->inputs[id].active)
        return err_set(err, -EINVAL, "input \"%.*s\" is declared twice",
                       SLICE_FMT(in->name));
    struct schema_input copy;
    int r = dup_input(st, in, &copy);
    if (r == 0 && id < 0)
        r = schema_store_input(st, &copy);
    else if (r == 0)
        st->inputs[r = id] = copy;
    return explain(r, in->name, err);
}

struct schema *
schema_build(struct schema_builder *b, usec_t max_future_us)
{
    struct schema_store *st = TAKE(b->store);
    st->s.max_future_us = max_future_us;
    return &st->s;
}
