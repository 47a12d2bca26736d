/* SPDX-License-Identifier: Apache-2.0 */
/* rank.c - topk and bottomk. */
#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/str.h"
#include "core/engine/groups.h"

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

int
rank_count(struct grouped *g, double k, uint32_t *ret)
{
    struct err *err = g->ev->err;
    char text[STR_DOUBLE_MAX];
    (void)str_format_double(k, STR_DOUBLE_GO_G, text);
    if (isnan(k))
        return err_set(err, -EINVAL, "Parameter value is NaN");
    if (k >= 0x1p63)
        return err_set(err, -EINVAL, "Scalar value %s overflows int64", text);
    if (k < -0x1p63)
        return err_set(err, -EINVAL, "Scalar value %s underflows int64", text);
    *ret = k < 1 ? 0 : k > g->v.n ? g->v.n : (uint32_t)k;
    return 0;
}

int
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
        for (uint32_t j = 0; j < n && j < k; j++)
            grouped_pass(g, r[j].place, out);
    }
    return e;
}
