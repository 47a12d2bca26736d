/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/route.h"

#include <stdlib.h>

#include <tocsin/plugin.h>

#include "core/base/arena.h"
#include "core/base/hash.h"
#include "core/base/regex.h"
#include "core/base/table.h"
#include "core/engine/filter.h"
#include "core/engine/vec.h"
#include "core/lang/selector.h"

/* A selector on one stream. */
struct way {
    const struct cond *conds;
    uint32_t n_conds;
    uint32_t indexed; /* the condition that leads here, or COND_NONE */
    void *sink;
};

/* Which ways a value leads to: list[first .. first+n). */
struct branch {
    struct slice value;
    uint64_t hash;
    uint8_t field;
    uint32_t n;
    uint32_t *ways;
};

struct stream_route {
    VEC(struct way) ways;
    VEC(struct branch) branches;
    struct table table;        /* by field and value */
    uint8_t fields[UINT8_MAX]; /* that are looked up, with repeats of none */
    uint32_t n_fields;
    VEC(uint32_t) rest;
};

struct router {
    const struct schema *schema;
    struct arena arena;
    struct stream_route *streams;
    VEC(uint32_t) hits;
    VEC(void *) undecided;
};

struct router *
router_new(const struct schema *schema)
{
    struct router *r = mem_new(struct router);
    struct stream_route *s =
        mem_new_array(struct stream_route, schema->n_streams + 1);
    if (r == NULL || s == NULL) {
        mem_free(r);
        mem_free(s);
        return NULL;
    }
    r->schema = schema;
    r->streams = s;
    arena_init(&r->arena, 16 << 10, (size_t)256 << 20);
    for (uint32_t i = 0; i < schema->n_streams; i++)
        table_init(&s[i].table, UINT32_MAX / 2);
    return r;
}

void
router_free(struct router *r)
{
    if (r == NULL)
        return;
    for (uint32_t i = 0; i < r->schema->n_streams; i++) {
        struct stream_route *s = &r->streams[i];
        vec_free(&s->ways);
        vec_free(&s->branches);
        vec_free(&s->rest);
        table_fini(&s->table);
    }
    vec_free(&r->hits);
    vec_free(&r->undecided);
    arena_fini(&r->arena);
    mem_free(r->streams);
    mem_free(r);
}

int
router_add(struct router *r, const struct selector *sel,
           const struct pipe_stage *end, void *sink)
{
    for (uint32_t i = 0; i < r->schema->n_streams; i++) {
        const struct schema_stream *st = &r->schema->streams[i];
        if (sel->name.n > 0 && !slice_eq(sel->name, st->name))
            continue;
        struct way w = {.indexed = COND_NONE, .sink = sink};
        int e = conds_compile(&r->arena, st, sel, end, &w.conds, &w.n_conds);
        if (e == -ENOENT)
            continue; /* matches nothing of this stream */
        if (e < 0 || vec_push(&r->streams[i].ways, w) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* --- the index ---------------------------------------------------------- */

/* How many values of a field lead to different ways. */
static void
count_values(struct stream_route *s, uint32_t counts[UINT8_MAX + 1])
{
    memset(counts, 0, sizeof(uint32_t) * (UINT8_MAX + 1));
    for (uint32_t i = 0; i < s->ways.n; i++) {
        const struct way *w = &s->ways.p[i];
        for (uint32_t k = 0; k < w->n_conds; k++) {
            const struct cond *c = &w->conds[k];
            if (c->kind != COND_EQ)
                continue;
            bool repeated = false;
            for (uint32_t j = 0; j < i && !repeated; j++)
                repeated =
                    conds_have_eq(s->ways.p[j].conds, s->ways.p[j].n_conds,
                                  c->field, c->value);
            counts[c->field] += !repeated;
        }
    }
}

struct branch_ctx {
    const struct stream_route *s;
    uint8_t field;
    struct slice value;
};

static bool
branch_eq(const void *ctx, uint32_t index)
{
    const struct branch_ctx *c = ctx;
    const struct branch *b = &c->s->branches.p[index];
    return b->field == c->field && slice_eq(b->value, c->value);
}

static uint64_t
branch_hash(uint8_t field, struct slice value)
{
    return hash_mix(field, hash_slice(value));
}

static int
branch_add(struct router *r, struct stream_route *s, uint8_t field,
           struct slice value, uint32_t way)
{
    struct branch_ctx ctx = {s, field, value};
    uint64_t hash = branch_hash(field, value);
    uint32_t i = table_find(&s->table, hash, branch_eq, &ctx);
    if (i == TABLE_NONE) {
        struct branch b = {.value = value, .hash = hash, .field = field};
        b.ways = arena_new_array(&r->arena, uint32_t, s->ways.n);
        i = s->branches.n;
        if (b.ways == NULL || vec_push(&s->branches, b) < 0 ||
            table_insert(&s->table, hash, i) < 0)
            return -ENOMEM;
    }
    struct branch *b = &s->branches.p[i];
    b->ways[b->n++] = way;
    return 0;
}

static int
stream_index(struct router *r, struct stream_route *s)
{
    uint32_t counts[UINT8_MAX + 1];
    bool used[UINT8_MAX + 1] = {false};
    count_values(s, counts);
    for (uint32_t i = 0; i < s->ways.n; i++) {
        struct way *w = &s->ways.p[i];
        const struct cond *best = NULL;
        for (uint32_t k = 0; k < w->n_conds; k++) {
            const struct cond *c = &w->conds[k];
            if (c->kind == COND_EQ &&
                (best == NULL || counts[c->field] > counts[best->field]))
                best = c;
        }
        if (best == NULL) {
            if (vec_push(&s->rest, i) < 0)
                return -ENOMEM;
            continue;
        }
        w->indexed = (uint32_t)(best - w->conds);
        if (!used[best->field])
            s->fields[s->n_fields++] = best->field;
        used[best->field] = true;
        if (branch_add(r, s, best->field, best->value, i) < 0)
            return -ENOMEM;
    }
    return 0;
}

int
router_finish(struct router *r)
{
    for (uint32_t i = 0; i < r->schema->n_streams; i++) {
        if (stream_index(r, &r->streams[i]) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* --- records ------------------------------------------------------------ */

bool
router_reads(const struct router *r, uint16_t stream)
{
    return r->streams[stream].ways.n > 0;
}

static int
way_try(const struct stream_route *s, const struct route_record *rec,
        const uint32_t *ways, uint32_t n, struct router *r,
        uint64_t *unreadable)
{
    for (uint32_t k = 0; k < n; k++) {
        const struct way *w = &s->ways.p[ways[k]];
        enum match m = conds_match(w->conds, w->n_conds, w->indexed,
                                   rec->fields, rec->raw);
        if (m == MATCH && vec_push(&r->hits, ways[k]) < 0)
            return -ENOMEM;
        if (likely(m != UNKNOWN))
            continue;
        ++*unreadable;
        if (conds_hit_limit(w->conds, w->n_conds, rec->fields, rec->raw) &&
            vec_push(&r->undecided, w->sink) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int
way_cmp(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

void *
router_undecided(const struct router *r, uint32_t i)
{
    return i < r->undecided.n ? r->undecided.p[i] : NULL;
}

int
router_match(struct router *r, const struct route_record *rec,
             int (*fn)(void *arg, void *sink), void *arg, uint64_t *unreadable)
{
    struct stream_route *s = &r->streams[rec->stream];
    r->hits.n = r->undecided.n = 0;
    for (uint32_t i = 0; i < s->n_fields; i++) {
        struct branch_ctx ctx = {s, s->fields[i], rec->fields[s->fields[i]]};
        if (ctx.value.n == 0)
            continue;
        uint32_t b = table_find(&s->table, branch_hash(ctx.field, ctx.value),
                                branch_eq, &ctx);
        if (b != TABLE_NONE && way_try(s, rec, s->branches.p[b].ways,
                                       s->branches.p[b].n, r, unreadable) < 0)
            return -ENOMEM;
    }
    if (s->rest.n > 0 &&
        way_try(s, rec, s->rest.p, s->rest.n, r, unreadable) < 0)
        return -ENOMEM;
    if (r->hits.n > 1)
        qsort(r->hits.p, r->hits.n, sizeof *r->hits.p, way_cmp);
    for (uint32_t i = 0; i < r->hits.n; i++) {
        int e = fn(arg, s->ways.p[r->hits.p[i]].sink);
        if (e != 0)
            return e;
    }
    return 0;
}
