/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/graph.h"

#include "core/base/hash.h"

#define GRAPH_BYTES_MAX ((size_t)256 << 20)

void
graph_init(struct graph *g)
{
    *g = (struct graph){0};
    arena_init(&g->arena, 16 << 10, GRAPH_BYTES_MAX);
    table_init(&g->table, UINT32_MAX / 2);
}

void
graph_fini(struct graph *g)
{
    vec_free(&g->nodes);
    table_fini(&g->table);
    arena_fini(&g->arena);
}

struct node_ctx {
    const struct graph *g;
    struct slice text;
};

static bool
node_eq(const void *ctx, uint32_t index)
{
    const struct node_ctx *c = ctx;
    return slice_eq(c->g->nodes.p[index]->text, c->text);
}

struct node *
graph_node(struct graph *g, struct slice text, bool *ret_new)
{
    struct node_ctx ctx = {g, text};
    uint64_t hash = hash_slice(text);
    uint32_t i = table_find(&g->table, hash, node_eq, &ctx);
    *ret_new = i == TABLE_NONE;
    if (i != TABLE_NONE)
        return g->nodes.p[i];
    struct node *n = arena_new(&g->arena, struct node);
    if (n == NULL || arena_slice_dup(&g->arena, text, &n->text) < 0 ||
        vec_push(&g->nodes, n) < 0 ||
        table_insert(&g->table, hash, g->nodes.n - 1) < 0)
        return NULL;
    n->id = hash;
    return n;
}

double
events_value(const struct node *n, uint32_t count)
{
    return n->events.per_s > 0 ? count / n->events.per_s : count;
}

static bool
reaches(const struct node *n, uint32_t count, enum binary_op op, double limit)
{
    double v = events_value(n, count);
    return op == BIN_GT ? v > limit : v >= limit;
}

uint32_t
events_need(const struct node *n, enum binary_op op, double limit)
{
    uint32_t lo = 0, hi = INT32_MAX;
    if (!reaches(n, hi, op, limit))
        return UINT32_MAX;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (reaches(n, mid, op, limit))
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}
