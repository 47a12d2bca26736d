/* SPDX-License-Identifier: Apache-2.0 */
/* functions.c - functions of each series' samples in a range. */
#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "core/engine/engine_priv.h"

/* A window of one series: samples in (end - range, end], no stale markers. */
struct stretch {
    const struct sample *s;
    uint32_t n;
    int64_t start_ms, end_ms;
    double range_s;
    const double *params;
    struct arena *arena;
};

/* False: no value. */
typedef bool (*range_fn)(const struct stretch *sp, double *ret);

/* --- rates -------------------------------------------------------------- */

/* Prometheus' extrapolation (promql.md 5.1). */
static bool
extrapolated(const struct stretch *sp, bool counter, bool per_second,
             double *ret)
{
    const struct sample *s = sp->s;
    uint32_t n = sp->n;
    if (n < 2)
        return false;
    double d = s[n - 1].v - s[0].v;
    for (uint32_t i = 1; counter && i < n; i++) {
        if (s[i].v < s[i - 1].v)
            d += s[i - 1].v;
    }
    double start = (double)(s[0].ms - sp->start_ms) / 1000;
    double end = (double)(sp->end_ms - s[n - 1].ms) / 1000;
    double sampled = (double)(s[n - 1].ms - s[0].ms) / 1000;
    double average = sampled / (n - 1), limit = average * 1.1;
    if (start >= limit)
        start = average / 2;
    if (counter && d > 0 && s[0].v >= 0) {
        double zero = sampled * (s[0].v / d);
        if (zero < start)
            start = zero;
    }
    if (end >= limit)
        end = average / 2;
    double factor = sampled == 0 ? 1 : (sampled + start + end) / sampled;
    if (per_second)
        factor /= sp->range_s;
    *ret = d * factor;
    return true;
}

static bool
fn_rate(const struct stretch *sp, double *ret)
{
    return extrapolated(sp, true, true, ret);
}

static bool
fn_increase(const struct stretch *sp, double *ret)
{
    return extrapolated(sp, true, false, ret);
}

static bool
fn_delta(const struct stretch *sp, double *ret)
{
    return extrapolated(sp, false, false, ret);
}

static bool
fn_irate(const struct stretch *sp, double *ret)
{
    if (sp->n < 2)
        return false;
    struct sample a = sp->s[sp->n - 2], b = sp->s[sp->n - 1];
    if (a.ms == b.ms)
        return false;
    double d = b.v < a.v ? b.v : b.v - a.v;
    *ret = d / ((double)(b.ms - a.ms) / 1000);
    return true;
}

static bool
fn_idelta(const struct stretch *sp, double *ret)
{
    if (sp->n < 2)
        return false;
    *ret = sp->s[sp->n - 1].v - sp->s[sp->n - 2].v;
    return true;
}

/* Least squares over seconds from the origin: slope, and the value there. */
static bool
regression(const struct stretch *sp, int64_t origin_ms, double *slope,
           double *intercept)
{
    struct kahan sx = {0}, sy = {0}, sxy = {0}, sxx = {0};
    double n = sp->n, first = sp->n > 0 ? sp->s[0].v : 0;
    bool constant = true;
    if (sp->n < 2)
        return false;
    for (uint32_t i = 0; i < sp->n; i++) {
        double x = (double)(sp->s[i].ms - origin_ms) / 1000, y = sp->s[i].v;
        constant &= y == first;
        kahan_add(&sx, x);
        kahan_add(&sy, y);
        kahan_add(&sxy, x * y);
        kahan_add(&sxx, x * x);
    }
    if (constant) {
        *slope = isinf(first) ? NAN : 0;
        *intercept = isinf(first) ? NAN : first;
        return true;
    }
    double x = kahan_value(&sx), y = kahan_value(&sy);
    double cov = kahan_value(&sxy) - x * y / n;
    double var = kahan_value(&sxx) - x * x / n;
    *slope = cov / var;
    *intercept = y / n - *slope * x / n;
    return true;
}

static bool
fn_deriv(const struct stretch *sp, double *ret)
{
    double at;
    return regression(sp, sp->n > 0 ? sp->s[0].ms : 0, ret, &at);
}

static bool
fn_predict_linear(const struct stretch *sp, double *ret)
{
    double slope, at;
    if (!regression(sp, sp->end_ms, &slope, &at))
        return false;
    *ret = slope * sp->params[0] + at;
    return true;
}

/* --- over time ---------------------------------------------------------- */

bool
values_equal(double a, double b)
{
    return a == b || (a != a && b != b);
}

static bool
fn_changes(const struct stretch *sp, double *ret)
{
    uint32_t n = 0;
    for (uint32_t i = 1; i < sp->n; i++)
        n += !values_equal(sp->s[i].v, sp->s[i - 1].v);
    *ret = n;
    return sp->n > 0;
}

static bool
fn_resets(const struct stretch *sp, double *ret)
{
    uint32_t n = 0;
    for (uint32_t i = 1; i < sp->n; i++)
        n += sp->s[i].v < sp->s[i - 1].v;
    *ret = n;
    return sp->n > 0;
}

static bool
fn_count(const struct stretch *sp, double *ret)
{
    *ret = sp->n;
    return sp->n > 0;
}

static bool
fn_present(const struct stretch *sp, double *ret)
{
    *ret = 1;
    return sp->n > 0;
}

static bool
fn_sum(const struct stretch *sp, double *ret)
{
    struct kahan k = {0};
    for (uint32_t i = 0; i < sp->n; i++)
        kahan_add(&k, sp->s[i].v);
    *ret = kahan_value(&k);
    return sp->n > 0;
}

static bool
fn_min(const struct stretch *sp, double *ret)
{
    for (uint32_t i = 0; i < sp->n; i++) {
        if (i == 0 || sp->s[i].v < *ret || isnan(*ret))
            *ret = sp->s[i].v;
    }
    return sp->n > 0;
}

static bool
fn_max(const struct stretch *sp, double *ret)
{
    for (uint32_t i = 0; i < sp->n; i++) {
        if (i == 0 || sp->s[i].v > *ret || isnan(*ret))
            *ret = sp->s[i].v;
    }
    return sp->n > 0;
}

static bool
fn_last(const struct stretch *sp, double *ret)
{
    if (sp->n > 0)
        *ret = sp->s[sp->n - 1].v;
    return sp->n > 0;
}

static bool
fn_first(const struct stretch *sp, double *ret)
{
    if (sp->n > 0)
        *ret = sp->s[0].v;
    return sp->n > 0;
}

/* The values alone; NULL for want of memory or of values. */
static double *
stretch_values(const struct stretch *sp)
{
    double *v = sp->n == 0 ? NULL : arena_alloc(sp->arena, sp->n * sizeof *v);
    for (uint32_t i = 0; v != NULL && i < sp->n; i++)
        v[i] = sp->s[i].v;
    return v;
}

double
mean_of(const double *v, uint32_t n)
{
    struct kahan k = {0};
    double mean = 0;
    bool incremental = false;
    for (uint32_t i = 0; i < n; i++) {
        if (!incremental) {
            struct kahan next = k;
            kahan_add(&next, v[i]);
            if (i == 0 || !isinf(next.sum)) {
                k = next;
                continue;
            }
            /* The sum overflows: go on with the mean. */
            incremental = true;
            mean = k.sum / i;
            k = (struct kahan){mean, k.c / i};
        }
        double q = (double)i / (i + 1);
        struct kahan m = {q * k.sum, q * k.c};
        kahan_add(&m, v[i] / (i + 1));
        k = m;
    }
    if (incremental)
        return kahan_value(&k);
    return k.sum / n + k.c / n;
}

static bool
fn_avg(const struct stretch *sp, double *ret)
{
    double *v = stretch_values(sp);
    if (v != NULL)
        *ret = mean_of(v, sp->n);
    return v != NULL;
}

static bool
over_variance(const struct stretch *sp, double *ret)
{
    struct kahan mean = {0}, aux = {0};
    for (uint32_t i = 0; i < sp->n; i++) {
        double x = sp->s[i].v;
        double delta = x - kahan_value(&mean);
        kahan_add(&mean, delta / (i + 1));
        kahan_add(&aux, delta * (x - kahan_value(&mean)));
    }
    *ret = kahan_value(&aux) / sp->n;
    return sp->n > 0;
}

static bool
fn_stddev(const struct stretch *sp, double *ret)
{
    bool any = over_variance(sp, ret);
    *ret = sqrt(*ret);
    return any;
}

static int
double_cmp(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    if (isnan(x) || isnan(y)) /* NaN first, as Prometheus sorts */
        return isnan(y) - isnan(x);
    return (x > y) - (x < y);
}

double
quantile_of(double q, double *v, uint32_t n)
{
    if (n == 0 || isnan(q))
        return NAN;
    if (q < 0)
        return -INFINITY;
    if (q > 1)
        return INFINITY;
    qsort(v, n, sizeof *v, double_cmp);
    double rank = q * (n - 1);
    double lower = fmax(0, floor(rank));
    double upper = fmin(n - 1, lower + 1);
    double weight = rank - floor(rank);
    return v[(uint32_t)lower] * (1 - weight) + v[(uint32_t)upper] * weight;
}

static bool
fn_quantile(const struct stretch *sp, double *ret)
{
    double *v = stretch_values(sp);
    if (v != NULL)
        *ret = quantile_of(sp->params[0], v, sp->n);
    return v != NULL;
}

static const range_fn range_fns[FUNC_ID_COUNT] = {
    [FUNC_RATE] = fn_rate,
    [FUNC_INCREASE] = fn_increase,
    [FUNC_DELTA] = fn_delta,
    [FUNC_IRATE] = fn_irate,
    [FUNC_IDELTA] = fn_idelta,
    [FUNC_DERIV] = fn_deriv,
    [FUNC_PREDICT_LINEAR] = fn_predict_linear,
    [FUNC_CHANGES] = fn_changes,
    [FUNC_RESETS] = fn_resets,
    [FUNC_COUNT_OVER_TIME] = fn_count,
    [FUNC_PRESENT_OVER_TIME] = fn_present,
    [FUNC_SUM_OVER_TIME] = fn_sum,
    [FUNC_AVG_OVER_TIME] = fn_avg,
    [FUNC_MIN_OVER_TIME] = fn_min,
    [FUNC_MAX_OVER_TIME] = fn_max,
    [FUNC_LAST_OVER_TIME] = fn_last,
    [FUNC_FIRST_OVER_TIME] = fn_first,
    [FUNC_STDDEV_OVER_TIME] = fn_stddev,
    [FUNC_STDVAR_OVER_TIME] = over_variance,
    [FUNC_QUANTILE_OVER_TIME] = fn_quantile,
    [FUNC_ABSENT_OVER_TIME] = fn_count,
};

/* --- nodes -------------------------------------------------------------- */

/* Leaves out stale markers; mostly there are none and nothing is copied. */
static int
stretch_clean(struct stretch *sp)
{
    uint32_t stale = 0;
    for (uint32_t i = 0; i < sp->n; i++)
        stale += value_is_stale(sp->s[i].v);
    if (stale == 0)
        return 0;
    struct sample *s = arena_alloc(sp->arena, (sp->n - stale + 1) * sizeof *s);
    if (s == NULL)
        return -ENOMEM;
    uint32_t n = 0;
    for (uint32_t i = 0; i < sp->n; i++) {
        if (!value_is_stale(sp->s[i].v))
            s[n++] = sp->s[i];
    }
    sp->s = s;
    sp->n = n;
    return 0;
}

static bool
keeps_name(enum func_id f)
{
    return (lang_func_get(f)->flags & FUNC_KEEPS_NAME) != 0;
}

static int
range_params(struct eval *ev, struct node *n, double params[8])
{
    for (uint32_t i = 0; i < n->n_args && i < 8; i++) {
        const struct value *v;
        int e = eval_node(ev, n->args[i], &v);
        if (e < 0)
            return e;
        params[i] = v->scalar;
    }
    return 0;
}

static int
range_series(struct eval *ev, struct node *n, struct stretch *sp, uint32_t i,
             struct vector *v)
{
    struct seriesdb *db = ev->e->series;
    uint32_t view = (uint32_t)n->select.view;
    double x = 0;
    sp->n = view_samples(db, view, i, sp->start_ms, sp->end_ms, &sp->s);
    if (stretch_clean(sp) < 0)
        return -ENOMEM;
    if (!range_fns[n->select.func](sp, &x))
        return 0;
    struct lset *l = view_labels(db, view, i);
    if (!keeps_name(n->select.func))
        l = labels_nameless(ev, l);
    if (l == NULL)
        return -ENOMEM;
    v->labels[v->n] = l;
    v->values[v->n++] = x;
    return 0;
}

int
eval_range(struct eval *ev, struct node *n, struct value *ret)
{
    double params[8] = {0};
    usec_t t = ev->t - n->select.offset;
    int64_t end = t / 1000 - (t % 1000 < 0);
    struct stretch sp = {.end_ms = end - n->select.previous,
                         .range_s = (double)n->select.range / USEC_PER_SEC,
                         .params = params,
                         .arena = &ev->e->arena};
    sp.start_ms = sp.end_ms - n->select.range / 1000;
    uint32_t count = view_count(ev->e->series, (uint32_t)n->select.view);
    struct vector *v = &ret->vec;
    int e = range_params(ev, n, params);
    if (e == 0)
        e = vector_make(ev, count + 1, v);
    for (uint32_t i = 0; e == 0 && i < count; i++)
        e = range_series(ev, n, &sp, i, v);
    if (e < 0)
        return e;
    if (n->select.func != FUNC_ABSENT_OVER_TIME) {
        v->ordered = keeps_name(n->select.func);
        return vector_check_unique(ev, v);
    }
    bool any = v->n > 0;
    v->n = any ? 0 : 1;
    v->labels[0] = n->absent_labels;
    v->values[0] = 1;
    v->ordered = true;
    return 0;
}
