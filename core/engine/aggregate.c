/* SPDX-License-Identifier: Apache-2.0 */
/* aggregate.c - sum by (…) and its kin. */
#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/str.h"
#include "core/base/table.h"
#include "core/engine/engine_priv.h"

/* The members of a group, by their places in the vector. */
struct group {
    struct lset *labels;
    uint32_t first, last; /* of a list through 'next' */
    uint32_t n;
};

struct grouped {
    struct eval *ev;
    struct node *n;
    struct vector v; /* in the order of labels */
    struct group *groups;
    uint32_t n_groups;
    uint32_t *next;
    struct table table;
};

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
        g->groups[k] = (struct group){l, member, member, 1};
        return table_insert(&g->table, l->hash, k);
    }
    g->next[g->groups[k].last] = member;
    g->groups[k].last = member;
    g->groups[k].n++;
    return 0;
}

static struct lset *
group_labels(struct grouped *g, struct lset *l)
{
    struct labels *ls = g->ev->e->labels;
    const struct node *n = g->n;
    return lset_pool(
        ls, n->agg.without
                ? lset_drop(ls, l, n->agg.labels, n->agg.n_labels, true)
                : lset_keep(ls, l, n->agg.labels, n->agg.n_labels));
}

/* The same labels that make the group as the member before: mostly so, since
 * members are in the order of labels. */
static bool
same_group(const struct grouped *g, const struct lset *a, const struct lset *b)
{
    const struct node *n = g->n;
    if (n->agg.without)
        return false;
    for (uint32_t i = 0; i < n->agg.n_labels; i++)
        if (lset_value(a, n->agg.labels[i]) != lset_value(b, n->agg.labels[i]))
            return false;
    return true;
}

static int
group_all(struct grouped *g)
{
    struct arena *a = &g->ev->e->arena;
    struct lset *l = NULL;
    g->groups = arena_alloc(a, (g->v.n + 1) * sizeof *g->groups);
    g->next = arena_alloc(a, (g->v.n + 1) * sizeof *g->next);
    if (g->groups == NULL || g->next == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < g->v.n; i++) {
        if (l == NULL || !same_group(g, g->v.labels[i - 1], g->v.labels[i]))
            l = group_labels(g, g->v.labels[i]);
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

double
variance_of(const double *v, uint32_t n)
{
    double mean = 0, aux = 0;
    if (n > 0 && (isnan(v[0]) || isinf(v[0])))
        return NAN;
    for (uint32_t i = 0; i < n; i++) {
        double delta = v[i] - mean;
        mean += delta / (i + 1);
        aux += delta * (v[i] - mean);
    }
    return aux / n;
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
        out->labels[i] = g->groups[i].labels;
        out->values[i] = group_value(g->n->agg.op, v, g->groups[i].n, param);
    }
    out->n = g->n_groups;
    return 0;
}

/* --- topk, bottomk ------------------------------------------------------ */

struct ranked {
    double v;
    uint32_t place;
    bool top;
};

/* The best first; NaN last; equals in the order of labels. */
static int
rank_cmp(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (isnan(x->v) != isnan(y->v))
        return isnan(x->v) ? 1 : -1;
    if (x->v != y->v && !isnan(x->v))
        return (x->v < y->v) == x->top ? 1 : -1;
    return (x->place > y->place) - (x->place < y->place);
}

static int
rank_count(struct grouped *g, double k, uint32_t *ret)
{
    struct err *err = g->ev->err;
    if (isnan(k))
        return err_set(err, -EINVAL, "Parameter value is NaN");
    if (k >= 0x1p63)
        return err_set(err, -EINVAL, "Scalar value %g overflows int64", k);
    if (k < -0x1p63)
        return err_set(err, -EINVAL, "Scalar value %g underflows int64", k);
    *ret = k < 1 ? 0 : k > g->v.n ? g->v.n : (uint32_t)k;
    return 0;
}

static int
aggregate_rank(struct grouped *g, double param, struct value *ret)
{
    struct vector *out = &ret->vec;
    bool top = g->n->agg.op == AGG_TOPK;
    uint32_t k = 0;
    int e = rank_count(g, param, &k);
    struct ranked *r = arena_alloc(&g->ev->e->arena, (g->v.n + 1) * sizeof *r);
    if (e == 0 && (r == NULL || vector_make(g->ev, g->v.n, out) < 0))
        e = -ENOMEM;
    for (uint32_t i = 0; e == 0 && i < g->n_groups; i++) {
        uint32_t n = 0;
        for (uint32_t m = g->groups[i].first; m != UINT32_MAX; m = g->next[m])
            r[n++] = (struct ranked){g->v.values[m], m, top};
        qsort(r, n, sizeof *r, rank_cmp);
        for (uint32_t j = 0; j < n && j < k; j++) {
            out->labels[out->n] = g->v.labels[r[j].place];
            out->values[out->n++] = r[j].v;
        }
    }
    return e;
}

/* --- count_values ------------------------------------------------------- */

static int
aggregate_count_values(struct grouped *g, struct slice label, struct value *ret)
{
    struct labels *ls = g->ev->e->labels;
    struct vector with;
    if (label.n == 0 || !utf8_valid(label))
        return err_set(g->ev->err, -EINVAL, "invalid label name \"%.*s\"",
                       SLICE_FMT(label));
    uint32_t id = labels_intern(ls, label);
    int e = id == 0 ? -ENOMEM : vector_make(g->ev, g->v.n, &with);
    for (uint32_t i = 0; e == 0 && i < g->v.n; i++) {
        char text[STR_DOUBLE_MAX];
        size_t n = str_format_double(g->v.values[i], STR_DOUBLE_F, text);
        struct lset *l = group_labels(g, g->v.labels[i]);
        if (l != NULL)
            l = lset_pool(ls, lset_set(ls, l, id, slice_new(text, n)));
        e = l == NULL ? -ENOMEM : group_add(g, l, i);
    }
    labels_release(ls, id);
    return e < 0 ? e : aggregate_groups(g, 0, ret);
}

static int
aggregate(struct grouped *g, const struct value *param, struct value *ret)
{
    enum agg_op op = g->n->agg.op;
    if (op == AGG_COUNT_VALUES) {
        struct arena *a = &g->ev->e->arena;
        g->groups = arena_alloc(a, (g->v.n + 1) * sizeof *g->groups);
        g->next = arena_alloc(a, (g->v.n + 1) * sizeof *g->next);
        if (g->groups == NULL || g->next == NULL)
            return -ENOMEM;
        return aggregate_count_values(g, param->string, ret);
    }
    if (group_all(g) < 0)
        return -ENOMEM;
    if (op == AGG_TOPK || op == AGG_BOTTOMK)
        return aggregate_rank(g, param->scalar, ret);
    return aggregate_groups(g, param == NULL ? 0 : param->scalar, ret);
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
    if (e < 0)
        return e;
    table_init(&g.table, UINT32_MAX / 2);
    e = aggregate(&g, param, ret);
    table_fini(&g.table);
    return e;
}
