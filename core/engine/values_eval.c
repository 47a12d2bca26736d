/* SPDX-License-Identifier: Apache-2.0 */
/* values_eval.c - functions of the numbers of events in a range. */
#include "config.h"

#include <math.h>

#include "core/engine/engine_priv.h"
#include "core/engine/keys.h"
#include "core/engine/staged.h"
#include "core/engine/values.h"

enum values_mode
values_mode_of(enum func_id func)
{
    switch (func) {
    case FUNC_MIN_OVER_TIME:
        return VALUES_MIN;
    case FUNC_MAX_OVER_TIME:
        return VALUES_MAX;
    case FUNC_FIRST_OVER_TIME:
        return VALUES_FIRST;
    case FUNC_LAST_OVER_TIME:
        return VALUES_LAST;
    case FUNC_STDDEV_OVER_TIME:
    case FUNC_STDVAR_OVER_TIME:
        return VALUES_VARIANCE;
    case FUNC_QUANTILE_OVER_TIME:
    case FUNC_RATE_COUNTER:
        return VALUES_EACH;
    default:
        return VALUES_SUM;
    }
}

/* Prometheus' extrapolation, as Loki has it: one sample alone is 0. */
static double
counter_rate(const struct cell *c, uint32_t n, usec_t end_us, double range_s)
{
    double d = c[n - 1].v - c[0].v;
    if (n < 2)
        return 0;
    for (uint32_t i = 1; i < n; i++) {
        if (c[i].v < c[i - 1].v)
            d += c[i - 1].v;
    }
    double sampled = (double)(c[n - 1].t - c[0].t) / USEC_PER_SEC;
    double start = range_s - (double)(end_us - c[0].t) / USEC_PER_SEC;
    double end = (double)(end_us - c[n - 1].t) / USEC_PER_SEC;
    double average = sampled / (n - 1), limit = average * 1.1;
    if (start >= limit)
        start = average / 2;
    if (d > 0 && c[0].v >= 0)
        start = fmin(start, sampled * (c[0].v / d));
    if (end >= limit)
        end = average / 2;
    double factor = sampled == 0 ? 1 : (sampled + start + end) / sampled;
    return d * factor / range_s;
}

struct taken {
    const struct cell *c;
    uint32_t n;
    usec_t end; /* of the range */
    double param;
};

static int
span_value(struct eval *ev, const struct node *n, const struct taken *sp,
           double *ret)
{
    const enum func_id func = n->values.func;
    if (func == FUNC_QUANTILE_OVER_TIME) {
        double *v = arena_alloc(&ev->e->arena, sp->n * sizeof *v);
        for (uint32_t i = 0; v != NULL && i < sp->n; i++)
            v[i] = sp->c[i].v;
        *ret = v == NULL ? 0 : quantile_of(sp->param, v, sp->n);
        return v == NULL ? -ENOMEM : 0;
    }
    if (func == FUNC_RATE_COUNTER) {
        *ret = counter_rate(sp->c, sp->n, sp->end, n->values.range_s);
        return 0;
    }
    struct cell all = cells_join(sp->c, sp->n, values_mode_of(func));
    double sum = all.v + all.c, count = (double)all.n;
    switch (func) {
    case FUNC_AVG_OVER_TIME:
        *ret = sum / count;
        break;
    case FUNC_STDVAR_OVER_TIME:
        *ret = all.c / count;
        break;
    case FUNC_STDDEV_OVER_TIME:
        *ret = sqrt(all.c / count);
        break;
    case FUNC_RATE:
    case FUNC_BYTES_RATE:
        *ret = sum / n->values.range_s;
        break;
    case FUNC_SUM_OVER_TIME:
    case FUNC_BYTES_OVER_TIME:
        *ret = sum;
        break;
    default:
        *ret = all.v;
        break;
    }
    return 0;
}

int
eval_values(struct eval *ev, struct node *n, struct value *ret)
{
    struct values *w = n->values.of->values;
    struct taken sp = {.end = ev->t - n->values.of->offset};
    struct vector *v = &ret->vec;
    uint32_t cursor = 0, key;
    const struct value *param;
    int e = staged_check(ev, n->values.of);
    if (e == 0 && n->n_args > 0) {
        e = eval_node(ev, n->args[0], &param);
        sp.param = e == 0 ? param->scalar : 0;
    }
    if (e == 0)
        e = vector_make(ev, values_entries(w), v);
    while (e == 0 &&
           (e = values_next(w, ev->t, &cursor, &key, &sp.c, &sp.n)) > 0) {
        struct lset *l = keyset_labels(values_keyset(w), key);
        double x = 0;
        e = l == NULL ? -ENOMEM : span_value(ev, n, &sp, &x);
        vector_push(v, l, x, false);
    }
    /* Sums of these must not depend on the order in which keys came. */
    struct vector sorted;
    if (e == 0)
        e = vector_sort(ev, v, &sorted);
    if (e == 0)
        *v = sorted;
    return e;
}
