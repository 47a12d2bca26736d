/* SPDX-License-Identifier: Apache-2.0 */
/* functions.c - functions of each series' samples in a range. */
#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "core/engine/engine_priv.h"
#include "core/engine/matrix.h"
#include "core/engine/notes.h"
#include "core/engine/stretch.h"

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

/* --- over time ---------------------------------------------------------- */

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

double *
stretch_values(const struct stretch *sp)
{
    double *v = sp->n == 0 ? NULL : arena_alloc(sp->arena, sp->n * sizeof *v);
    for (uint32_t i = 0; v != NULL && i < sp->n; i++)
        v[i] = sp->s[i].v;
    return v;
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

static bool
fn_quantile(const struct stretch *sp, double *ret)
{
    double *v = stretch_values(sp);
    if (v != NULL)
        *ret = quantile_of(sp->params[0], v, sp->n);
    return v != NULL;
}

/* Of equals the last counts. */
static bool
ts_of_extreme(const struct stretch *sp, bool max, double *ret)
{
    struct sample best = {0};
    for (uint32_t i = 0; i < sp->n; i++) {
        double x = sp->s[i].v;
        if (i == 0 || isnan(best.v) || (max ? x >= best.v : x <= best.v))
            best = sp->s[i];
    }
    *ret = (double)best.ms / 1000;
    return sp->n > 0;
}

static bool
fn_ts_max(const struct stretch *sp, double *ret)
{
    return ts_of_extreme(sp, true, ret);
}

static bool
fn_ts_min(const struct stretch *sp, double *ret)
{
    return ts_of_extreme(sp, false, ret);
}

static bool
fn_ts_first(const struct stretch *sp, double *ret)
{
    if (sp->n > 0)
        *ret = (double)sp->s[0].ms / 1000;
    return sp->n > 0;
}

static bool
fn_ts_last(const struct stretch *sp, double *ret)
{
    if (sp->n > 0)
        *ret = (double)sp->s[sp->n - 1].ms / 1000;
    return sp->n > 0;
}

static const range_fn range_fns[FUNC_ID_COUNT] = {
    [FUNC_RATE] = fn_rate,
    [FUNC_INCREASE] = fn_increase,
    [FUNC_DELTA] = fn_delta,
    [FUNC_IRATE] = fn_irate,
    [FUNC_IDELTA] = fn_idelta,
    [FUNC_DERIV] = range_deriv,
    [FUNC_PREDICT_LINEAR] = range_predict_linear,
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
    [FUNC_DOUBLE_EXPONENTIAL_SMOOTHING] = range_smoothing,
    [FUNC_MAD_OVER_TIME] = range_mad,
    [FUNC_TS_OF_FIRST_OVER_TIME] = fn_ts_first,
    [FUNC_TS_OF_LAST_OVER_TIME] = fn_ts_last,
    [FUNC_TS_OF_MAX_OVER_TIME] = fn_ts_max,
    [FUNC_TS_OF_MIN_OVER_TIME] = fn_ts_min,
};

/* --- nodes -------------------------------------------------------------- */

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

/* What there is to say of a series that gave a value. */
static void
range_note(struct eval *ev, const struct node *n, const struct stretch *sp,
           const struct lset *l)
{
    static const char *const ends[] = {"_total", "_sum", "_count", "_bucket"};
    struct labels *ls = ev->e->labels;
    struct expr *const *args = n->expr->call.args;
    enum func_id f = n->select.func;
    if (f == FUNC_QUANTILE_OVER_TIME)
        eval_note_quantile(ev, expr_unparen(args[0]), sp->params[0]);
    if (f != FUNC_RATE && f != FUNC_INCREASE)
        return;
    uint32_t id = lset_value(l, labels_name(ls));
    struct slice name = id == 0 ? SLICE("") : labels_str(ls, id);
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        if (slice_ends_with(name, slice_from_str(ends[i])))
            return;
    }
    AUTO_FINI(buf) b = BUF_INIT(4096);
    if (name.n > 0 && buf_append_json_string(&b, name) == 0)
        eval_note(ev, NOTE_INFO, expr_unparen(args[0]),
                  "metric might not be a counter, name does not end in "
                  "_total/_sum/_count/_bucket: %s",
                  buf_str(&b));
}

static int
range_series(struct eval *ev, struct node *n, const struct matrix *m,
             struct stretch *sp, uint32_t i, struct vector *v)
{
    enum func_id f = n->select.func;
    struct lset *l;
    bool unnamed;
    double x = 0;
    int64_t count = matrix_get(m, i, &sp->s, &l, &unnamed);
    if (count < 0)
        return (int)count;
    sp->n = (uint32_t)count;
    if (f == FUNC_DOUBLE_EXPONENTIAL_SMOOTHING && sp->n > 0 &&
        smoothing_check(ev, sp->params) < 0)
        return -EINVAL;
    int some = n->select.extend == EXTEND_NONE
                   ? range_fns[f](sp, &x)
                   : extended_range(f, n->select.extend, range_fns[f], sp, &x);
    if (some <= 0)
        return some;
    if (ev->notes != NULL)
        range_note(ev, n, sp, l);
    vector_push(v, l, x, unnamed || !keeps_name(f));
    return 0;
}

static int
range_check(struct eval *ev, const struct node *n)
{
    bool anchored = n->select.extend == EXTEND_ANCHORED;
    if (n->select.extend == EXTEND_NONE ||
        extended_takes(n->select.func, n->select.extend))
        return 0;
    return err_set(ev->err, -EINVAL,
                   "%s modifier can only be used with: %s - not with %s",
                   anchored ? "anchored" : "smoothed",
                   anchored ? "changes, delta, increase, rate, resets"
                            : "delta, increase, rate",
                   lang_func_get(n->select.func)->name);
}

int
eval_range(struct eval *ev, struct node *n, struct value *ret)
{
    double params[8] = {0};
    struct matrix m;
    struct vector *v = &ret->vec;
    int e = range_check(ev, n);
    if (e == 0)
        e = matrix_open(ev, n, &m);
    if (e == 0)
        e = range_params(ev, n, params);
    if (e == 0)
        e = vector_make(ev, m.n + 1, v);
    if (e < 0)
        return e;
    struct stretch sp = {.start_ms = m.start_ms,
                         .end_ms = m.end_ms,
                         .at_ms = ev->t / 1000,
                         .range_s = (double)m.range_us / USEC_PER_SEC,
                         .params = params,
                         .arena = &ev->e->arena};
    for (uint32_t i = 0; e == 0 && i < m.n; i++)
        e = range_series(ev, n, &m, &sp, i, v);
    if (e < 0)
        return e;
    v->ordered = true;
    if (n->select.func != FUNC_ABSENT_OVER_TIME)
        return 0;
    bool any = v->n > 0;
    v->n = 0;
    v->ordered = true;
    if (!any)
        vector_push(v, n->absent_labels, 1, false);
    return 0;
}
