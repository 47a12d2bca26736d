/* SPDX-License-Identifier: Apache-2.0 */
/* calls.c - functions of instant vectors and scalars. */
#include "config.h"

#include <math.h>

#include "core/engine/call.h"

static double
now_s(const struct call *c)
{
    return (double)(c->ev->t / 1000) / 1000;
}

/* A vector of one sample without labels. */
static int
vector_of(struct call *c, double x, struct value *ret)
{
    struct labels *ls = c->ev->e->labels;
    struct lset *l = lset_pool(ls, lset_empty(ls));
    if (l == NULL || vector_make(c->ev, 1, &ret->vec) < 0)
        return -ENOMEM;
    vector_push(&ret->vec, l, x, false);
    return 0;
}

static int
call_map(struct call *c, map_fn fn, struct value *ret)
{
    struct vector *out = &ret->vec;
    if (c->n_args == 0) /* hour() is hour(vector(time())) */
        return vector_of(c, fn(now_s(c), c), ret);
    const struct vector *v = &c->args[0]->vec;
    if (vector_make(c->ev, v->n, out) < 0)
        return -ENOMEM;
    if (c->n->call.func == FUNC_CLAMP &&
        c->args[2]->scalar < c->args[1]->scalar)
        return 0;
    for (uint32_t i = 0; i < v->n; i++)
        vector_push(out, v->labels[i], fn(v->values[i], c), true);
    out->ordered = v->ordered;
    return 0;
}

/* --- the others --------------------------------------------------------- */

static int
call_absent(struct call *c, struct value *ret)
{
    if (vector_make(c->ev, 1, &ret->vec) < 0)
        return -ENOMEM;
    if (c->args[0]->vec.n == 0)
        vector_push(&ret->vec, c->n->absent_labels, 1, false);
    return 0;
}

static int
call_vector(struct call *c, struct value *ret)
{
    return vector_of(c, c->args[0]->scalar, ret);
}

static int
call_scalar(struct call *c, struct value *ret)
{
    const struct vector *v = &c->args[0]->vec;
    ret->scalar = v->n == 1 ? v->values[0] : NAN;
    return 0;
}

static int
call_time(struct call *c, struct value *ret)
{
    ret->scalar = now_s(c);
    return 0;
}

static int
call_max_of(struct call *c, struct value *ret)
{
    ret->scalar = number_max(c->args[0]->scalar, c->args[1]->scalar);
    return 0;
}

static int
call_min_of(struct call *c, struct value *ret)
{
    ret->scalar = number_min(c->args[0]->scalar, c->args[1]->scalar);
    return 0;
}

static int
call_pi(struct call *c, struct value *ret)
{
    ret->scalar = M_PI;
    return 0;
}

static int
call_bounds(struct call *c, struct value *ret)
{
    const struct query_bounds *b = &c->ev->bounds;
    usec_t t = c->n->call.func == FUNC_START  ? b->start
               : c->n->call.func == FUNC_END  ? b->end
               : c->n->call.func == FUNC_STEP ? b->step
                                              : b->end - b->start;
    ret->scalar = (double)(t / 1000) / 1000;
    return 0;
}

static const call_fn call_fns[FUNC_ID_COUNT] = {
    [FUNC_ABSENT] = call_absent,
    [FUNC_HISTOGRAM_FRACTION] = call_histogram_fraction,
    [FUNC_HISTOGRAM_QUANTILE] = call_histogram_quantile,
    [FUNC_HISTOGRAM_QUANTILES] = call_histogram_quantiles,
    [FUNC_INFO] = call_info,
    [FUNC_LABEL_JOIN] = call_label_join,
    [FUNC_LABEL_REPLACE] = call_label_replace,
    [FUNC_MAX_OF] = call_max_of,
    [FUNC_MIN_OF] = call_min_of,
    [FUNC_PI] = call_pi,
    [FUNC_SCALAR] = call_scalar,
    [FUNC_SORT] = call_sort,
    [FUNC_SORT_BY_LABEL] = call_sort_by_label,
    [FUNC_SORT_BY_LABEL_DESC] = call_sort_by_label,
    [FUNC_SORT_DESC] = call_sort,
    [FUNC_START] = call_bounds,
    [FUNC_END] = call_bounds,
    [FUNC_STEP] = call_bounds,
    [FUNC_RANGE] = call_bounds,
    [FUNC_TIME] = call_time,
    [FUNC_VECTOR] = call_vector,
};

int
eval_call(struct eval *ev, struct node *n, struct value *ret)
{
    struct call c = {.ev = ev, .n = n, .n_args = n->n_args};
    enum func_id f = n->call.func;
    for (uint32_t i = 0; i < n->n_args; i++) {
        int e = eval_node(ev, n->args[i], &c.args[i]);
        if (e < 0)
            return e;
    }
    map_fn map = math_fn(f) != NULL ? math_fn(f) : date_fn(f);
    return map != NULL ? call_map(&c, map, ret) : call_fns[f](&c, ret);
}
