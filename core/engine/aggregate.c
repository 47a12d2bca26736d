/* SPDX-License-Identifier: Apache-2.0 */
/* aggregate.c - sum by (…) and its kin. */
#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/fetch.h"
#include "core/base/str.h"
#include "core/engine/groups.h"
#include "core/engine/memo.h"
#include "core/engine/notes.h"

#define FETCH_AHEAD 8u /* members */

static bool
group_eq(const void *ctx, uint32_t index)
{
    const void *const *c = ctx;
    const struct grouped *g = c[0];
    return g->groups[index].labels == c[1];
}

static int
group_add(struct grouped *g, struct lset *l, uint32_t member)
{
    const void *ctx[2] = {g, l};
    uint32_t k = table_find(&g->table, l->hash, group_eq, ctx);
    g->next[member] = UINT32_MAX;
    if (k == TABLE_NONE) {
        k = g->n_groups++;
        g->groups[k] =
            (struct group){l, member, member, 1, g->v.unnamed[member]};
        return table_insert(&g->table, l->hash, k);
    }
    g->next[g->groups[k].last] = member;
    g->groups[k].last = member;
    g->groups[k].n++;
    g->groups[k].unnamed |= g->v.unnamed[member];
    return 0;
}

static struct lset *
group_make(struct grouped *g, struct lset *l)
{
    struct labels *ls = g->ev->e->labels;
    const struct node *n = g->n;
    return n->agg.without
               ? lset_drop(ls, l, n->agg.labels, n->agg.n_labels, true)
               : lset_keep(ls, l, n->agg.labels, n->agg.n_labels);
}

static struct lset *
group_labels(struct grouped *g, struct lset *l)
{
    struct lset *m = memo_get(g->n->memo, l, MEMO_GROUP);
    if (m != NULL)
        return m;
    return memo_put(g->n->memo, g->ev->e->labels, l, MEMO_GROUP,
                    group_make(g, l));
}

static int
groups_alloc(struct grouped *g)
{
    struct arena *a = &g->ev->e->arena;
    g->groups = arena_alloc(a, (g->v.n + 1) * sizeof *g->groups);
    g->next = arena_alloc(a, (g->v.n + 1) * sizeof *g->next);
    if (g->groups == NULL || g->next == NULL)
        return -ENOMEM;
    return memo_ready(&g->n->memo, g->ev->e->labels, g->v.n);
}

static int
group_all(struct grouped *g)
{
    for (uint32_t i = 0; i < g->v.n; i++) {
        if (i + FETCH_AHEAD < g->v.n)
            fetch(g->v.labels[i + FETCH_AHEAD]);
        struct lset *l = group_labels(g, g->v.labels[i]);
        if (l == NULL || group_add(g, l, i) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* The members' values in order; NULL for want of memory. */
static double *
group_values(struct grouped *g, const struct group *gr)
{
    double *out = arena_alloc(&g->ev->e->arena, gr->n * sizeof *out);
    uint32_t k = 0;
    for (uint32_t i = gr->first; out != NULL && i != UINT32_MAX; i = g->next[i])
        out[k++] = g->v.values[i];
    return out;
}

static double
extreme(const double *v, uint32_t n, bool max)
{
    double best = v[0];
    for (uint32_t i = 1; i < n; i++) {
        if (isnan(best) || (max ? v[i] > best : v[i] < best))
            best = v[i];
    }
    return best;
}

static double
group_value(enum agg_op op, double *v, uint32_t n, double param)
{
    struct kahan k = {0};
    switch (op) {
    case AGG_SUM:
        for (uint32_t i = 0; i < n; i++)
            kahan_add(&k, v[i]);
        return kahan_value(&k);
    case AGG_AVG:
        return mean_of(v, n);
    case AGG_COUNT:
    case AGG_COUNT_VALUES:
        return n;
    case AGG_MIN:
        return extreme(v, n, false);
    case AGG_MAX:
        return extreme(v, n, true);
    case AGG_STDDEV:
        return sqrt(variance_of(v, n));
    case AGG_STDVAR:
        return variance_of(v, n);
    case AGG_QUANTILE:
        return quantile_of(param, v, n);
    default:
        return 1; /* group */
    }
}

static int
aggregate_groups(struct grouped *g, double param, struct value *ret)
{
    struct vector *out = &ret->vec;
    if (vector_make(g->ev, g->n_groups, out) < 0)
        return -ENOMEM;
    for (uint32_t i = 0; i < g->n_groups; i++) {
        double *v = group_values(g, &g->groups[i]);
        if (v == NULL)
            return -ENOMEM;
        const struct group *gr = &g->groups[i];
        vector_push(out, gr->labels, group_value(g->n->agg.op, v, gr->n, param),
                    gr->unnamed);
    }
    return 0;
}

/* --- count_values ------------------------------------------------------- */

/* Groups each sample by its value too, which becomes a label. */
static int
count_values(struct grouped *g, uint32_t label)
{
    struct labels *ls = g->ev->e->labels;
    bool dropped = false;
    for (uint32_t k = 0; g->n->agg.without && k < g->n->agg.n_labels; k++)
        dropped |= g->n->agg.labels[k] == label;
    for (uint32_t i = 0; i < g->v.n; i++) {
        char text[STR_DOUBLE_MAX];
        size_t n = str_format_double(g->v.values[i], STR_DOUBLE_F, text);
        struct lset *l = group_labels(g, g->v.labels[i]);
        if (l != NULL && !dropped)
            l = lset_pool(ls, lset_set(ls, l, label, slice_new(text, n)));
        if (l == NULL || group_add(g, l, i) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int
aggregate_count_values(struct grouped *g, struct slice label, struct value *ret)
{
    struct labels *ls = g->ev->e->labels;
    if (label.n == 0 || !utf8_valid(label))
        return err_set(g->ev->err, -EINVAL, "invalid label name \"%.*s\"",
                       SLICE_FMT(label));
    uint32_t id = labels_intern(ls, label);
    int e = id == 0 ? -ENOMEM : count_values(g, id);
    labels_release(ls, id);
    return e < 0 ? e : aggregate_groups(g, 0, ret);
}

static int
aggregate(struct grouped *g, const struct value *param, struct value *ret)
{
    enum agg_op op = g->n->agg.op;
    double x = param == NULL ? 0 : param->scalar;
    if (op == AGG_COUNT_VALUES)
        return aggregate_count_values(g, param->string, ret);
    int e = group_all(g);
    if (e < 0)
        return e;
    switch (op) {
    case AGG_TOPK:
    case AGG_BOTTOMK:
        return aggregate_rank(g, x, ret);
    case AGG_LIMITK:
        return aggregate_limitk(g, x, ret);
    case AGG_LIMIT_RATIO:
        return aggregate_limit_ratio(g, x, ret);
    case AGG_QUANTILE:
        eval_note_quantile(g->ev, expr_unparen(g->n->expr->agg.param), x);
        break;
    default:
        break;
    }
    return aggregate_groups(g, x, ret);
}

int
eval_aggregate(struct eval *ev, struct node *n, struct value *ret)
{
    struct grouped g = {.ev = ev, .n = n};
    const struct value *arg, *param = NULL;
    int e = eval_node(ev, n->args[0], &arg);
    if (e == 0 && n->n_args > 1)
        e = eval_node(ev, n->args[1], &param);
    if (e == 0)
        e = vector_sort(ev, &arg->vec, &g.v);
    if (e == 0)
        e = groups_alloc(&g);
    if (e < 0)
        return e;
    table_init(&g.table, UINT32_MAX / 2);
    e = aggregate(&g, param, ret);
    table_fini(&g.table);
    return e;
}
