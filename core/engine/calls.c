/* SPDX-License-Identifier: Apache-2.0 */
/* calls.c - functions of instant vectors and scalars. */
#include "config.h"

#include <math.h>

#include "core/base/buf.h"
#include "core/base/regex.h"
#include "core/base/str.h"
#include "core/base/timefmt.h"
#include "core/engine/engine_priv.h"

#define CALL_ARGS_MAX 64u
#define TEXT_MAX ((size_t)1 << 20)

struct call {
    struct eval *ev;
    struct node *n;
    const struct value *args[CALL_ARGS_MAX];
    uint32_t n_args;
};

/* --- each value by itself ----------------------------------------------- */

typedef double (*map_fn)(double x, const struct call *c);

static double
map_abs(double x, const struct call *c)
{
    return fabs(x);
}

static double
map_sgn(double x, const struct call *c)
{
    return isnan(x) ? x : (x > 0) - (x < 0);
}

static double
map_round(double x, const struct call *c)
{
    double to = c->n_args > 1 ? c->args[1]->scalar : 1;
    double inverse = 1 / to; /* as Prometheus: exact for 0.1 and the like */
    return floor(x * inverse + 0.5) / inverse;
}

static double
map_clamp(double x, const struct call *c)
{
    double lo = c->args[1]->scalar, hi = c->args[2]->scalar;
    if (isnan(x) || isnan(lo) || isnan(hi))
        return NAN;
    return fmax(lo, fmin(hi, x));
}

static double
map_clamp_min(double x, const struct call *c)
{
    double lo = c->args[1]->scalar;
    return isnan(x) || isnan(lo) ? NAN : fmax(lo, x);
}

static double
map_clamp_max(double x, const struct call *c)
{
    double hi = c->args[1]->scalar;
    return isnan(x) || isnan(hi) ? NAN : fmin(hi, x);
}

static double
map_timestamp(double x, const struct call *c)
{
    return (double)(c->ev->t / 1000) / 1000;
}

#define MAP_MATH(name, expr)                                                   \
    static double map_##name(double x, const struct call *c)                   \
    {                                                                          \
        return expr;                                                           \
    }
MAP_MATH(ceil, ceil(x))
MAP_MATH(floor, floor(x))
MAP_MATH(exp, exp(x))
MAP_MATH(ln, log(x))
MAP_MATH(log2, log2(x))
MAP_MATH(log10, log10(x))
MAP_MATH(sqrt, sqrt(x))
MAP_MATH(acos, acos(x))
MAP_MATH(acosh, acosh(x))
MAP_MATH(asin, asin(x))
MAP_MATH(asinh, asinh(x))
MAP_MATH(atan, atan(x))
MAP_MATH(atanh, atanh(x))
MAP_MATH(cos, cos(x))
MAP_MATH(cosh, cosh(x))
MAP_MATH(sin, sin(x))
MAP_MATH(sinh, sinh(x))
MAP_MATH(tan, tan(x))
MAP_MATH(tanh, tanh(x))
MAP_MATH(deg, x * 180 / M_PI)
MAP_MATH(rad, x *M_PI / 180)

/* Seconds as a point in the calendar; what is no time is NaN. */
static bool
civil_of(double x, struct civil *ret)
{
    if (!(fabs(x) < 1e11))
        return false;
    time_to_civil((usec_t)x * USEC_PER_SEC, ret);
    return true;
}

#define MAP_CIVIL(name, expr)                                                  \
    static double map_##name(double x, const struct call *c)                   \
    {                                                                          \
        struct civil t;                                                        \
        return civil_of(x, &t) ? (expr) : NAN;                                 \
    }
MAP_CIVIL(day_of_month, t.day)
MAP_CIVIL(day_of_week, t.weekday)
MAP_CIVIL(day_of_year, t.yearday)
MAP_CIVIL(days_in_month, time_days_in_month(t.year, t.month))
MAP_CIVIL(hour, t.hour)
MAP_CIVIL(minute, t.minute)
MAP_CIVIL(month, t.month)
MAP_CIVIL(year, t.year)

static const map_fn map_fns[FUNC_ID_COUNT] = {
    [FUNC_ABS] = map_abs,
    [FUNC_ACOS] = map_acos,
    [FUNC_ACOSH] = map_acosh,
    [FUNC_ASIN] = map_asin,
    [FUNC_ASINH] = map_asinh,
    [FUNC_ATAN] = map_atan,
    [FUNC_ATANH] = map_atanh,
    [FUNC_CEIL] = map_ceil,
    [FUNC_CLAMP] = map_clamp,
    [FUNC_CLAMP_MAX] = map_clamp_max,
    [FUNC_CLAMP_MIN] = map_clamp_min,
    [FUNC_COS] = map_cos,
    [FUNC_COSH] = map_cosh,
    [FUNC_DAY_OF_MONTH] = map_day_of_month,
    [FUNC_DAY_OF_WEEK] = map_day_of_week,
    [FUNC_DAY_OF_YEAR] = map_day_of_year,
    [FUNC_DAYS_IN_MONTH] = map_days_in_month,
    [FUNC_DEG] = map_deg,
    [FUNC_EXP] = map_exp,
    [FUNC_FLOOR] = map_floor,
    [FUNC_HOUR] = map_hour,
    [FUNC_LN] = map_ln,
    [FUNC_LOG10] = map_log10,
    [FUNC_LOG2] = map_log2,
    [FUNC_MINUTE] = map_minute,
    [FUNC_MONTH] = map_month,
    [FUNC_RAD] = map_rad,
    [FUNC_ROUND] = map_round,
    [FUNC_SGN] = map_sgn,
    [FUNC_SIN] = map_sin,
    [FUNC_SINH] = map_sinh,
    [FUNC_SQRT] = map_sqrt,
    [FUNC_TAN] = map_tan,
    [FUNC_TANH] = map_tanh,
    [FUNC_TIMESTAMP] = map_timestamp,
    [FUNC_YEAR] = map_year,
};

static int
call_map(struct call *c, struct value *ret)
{
    struct vector *out = &ret->vec;
    map_fn fn = map_fns[c->n->call.func];
    if (c->n_args == 0) { /* hour() is hour(vector(time())) */
        if (vector_make(c->ev, 1, out) < 0)
            return -ENOMEM;
        struct labels *ls = c->ev->e->labels;
        out->labels[0] = lset_pool(ls, lset_empty(ls));
        out->values[0] = fn((double)(c->ev->t / 1000) / 1000, c);
        out->n = 1;
        return out->labels[0] == NULL ? -ENOMEM : 0;
    }
    const struct vector *v = &c->args[0]->vec;
    if (vector_make(c->ev, v->n, out) < 0)
        return -ENOMEM;
    if (c->n->call.func == FUNC_CLAMP &&
        c->args[2]->scalar < c->args[1]->scalar)
        return 0;
    for (uint32_t i = 0; i < v->n; i++) {
        out->labels[i] = labels_nameless(c->ev, v->labels[i]);
        out->values[i] = fn(v->values[i], c);
        if (out->labels[i] == NULL)
            return -ENOMEM;
    }
    out->n = v->n;
    return vector_check_unique(c->ev, out);
}

/* --- the others --------------------------------------------------------- */

static int
call_absent(struct call *c, struct value *ret)
{
    if (vector_make(c->ev, 1, &ret->vec) < 0)
        return -ENOMEM;
    if (c->args[0]->vec.n == 0) {
        ret->vec.labels[0] = c->n->absent_labels;
        ret->vec.values[0] = 1;
        ret->vec.n = 1;
    }
    return 0;
}

static int
call_vector(struct call *c, struct value *ret)
{
    struct labels *ls = c->ev->e->labels;
    if (vector_make(c->ev, 1, &ret->vec) < 0)
        return -ENOMEM;
    ret->vec.labels[0] = lset_pool(ls, lset_empty(ls));
    ret->vec.values[0] = c->args[0]->scalar;
    ret->vec.n = 1;
    return ret->vec.labels[0] == NULL ? -ENOMEM : 0;
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
    ret->scalar = (double)(c->ev->t / 1000) / 1000;
    return 0;
}

static int
call_pi(struct call *c, struct value *ret)
{
    ret->scalar = M_PI;
    return 0;
}

/* --- labels ------------------------------------------------------------- */

/* $1, ${1}, $name, ${name}, $$, as Go expands them. */
static size_t
reference(struct slice s, struct slice *ret_name)
{
    bool braces = s.n > 1 && s.p[1] == '{';
    size_t i = braces ? 2 : 1, start = i;
    while (i < s.n && (s.p[i] == '_' || (s.p[i] >= '0' && s.p[i] <= '9') ||
                       (str_lower(s.p[i]) >= 'a' && str_lower(s.p[i]) <= 'z')))
        i++;
    *ret_name = slice_new(s.p + start, i - start);
    if (i == start || (braces && (i == s.n || s.p[i] != '}')))
        return 0;
    return braces ? i + 1 : i;
}

static struct slice
group_text(const struct regex *re, const struct slice *groups, size_t n,
           struct slice name)
{
    uint64_t k;
    if (str_parse_u64(name, &k) == 0)
        return k < n ? groups[k] : (struct slice){0};
    for (size_t i = 1; i < n; i++) {
        const char *g = regex_group_name(re, i);
        if (g != NULL && slice_eq_str(name, g))
            return groups[i];
    }
    return (struct slice){0};
}

static void
expand_groups(const struct regex *re, const struct slice *groups, size_t n,
              struct slice text, struct buf *out)
{
    while (text.n > 0) {
        const char *d = memchr(text.p, '$', text.n);
        size_t plain = d == NULL ? text.n : (size_t)(d - text.p);
        (void)buf_append(out, text.p, plain);
        text = slice_skip(text, plain);
        if (text.n == 0)
            return;
        struct slice name;
        size_t used = reference(text, &name);
        if (text.n > 1 && text.p[1] == '$') {
            (void)buf_putc(out, '$');
            used = 2;
        } else if (used > 0) {
            (void)buf_append_slice(out, group_text(re, groups, n, name));
        } else {
            (void)buf_putc(out, '$');
            used = 1;
        }
        text = slice_skip(text, used);
    }
}

static struct lset *
replace_label(struct call *c, struct lset *l, uint32_t dst)
{
    struct labels *ls = c->ev->e->labels;
    const struct regex *re = c->n->call.re;
    struct slice groups[REGEX_GROUPS_MAX + 1] = {0};
    size_t n = regex_group_count(re) + 1;
    struct slice src = lset_get(ls, l, c->args[3]->string);
    enum match m = regex_captures(re, src, n, groups);
    if (m != MATCH)
        return m == UNKNOWN ? NULL : l;
    AUTO_FINI(buf) b = BUF_INIT(TEXT_MAX);
    expand_groups(re, groups, n, c->args[2]->string, &b);
    return buf_error(&b) < 0
               ? NULL
               : lset_pool(ls, lset_set(ls, l, dst, buf_slice(&b)));
}

static struct lset *
join_labels(struct call *c, struct lset *l, uint32_t dst)
{
    struct labels *ls = c->ev->e->labels;
    AUTO_FINI(buf) b = BUF_INIT(TEXT_MAX);
    for (uint32_t i = 3; i < c->n_args; i++) {
        if (i > 3)
            (void)buf_append_slice(&b, c->args[2]->string);
        (void)buf_append_slice(&b, lset_get(ls, l, c->args[i]->string));
    }
    return buf_error(&b) < 0
               ? NULL
               : lset_pool(ls, lset_set(ls, l, dst, buf_slice(&b)));
}

static int
call_label(struct call *c, struct value *ret)
{
    const struct vector *v = &c->args[0]->vec;
    struct labels *ls = c->ev->e->labels;
    bool replace = c->n->call.func == FUNC_LABEL_REPLACE;
    struct slice dst = c->args[1]->string;
    if (replace && c->n->call.re == NULL)
        return err_set(c->ev->err, -EINVAL,
                       "invalid regular expression in label_replace(): %.*s",
                       SLICE_FMT(c->args[4]->string));
    if (dst.n == 0 || !utf8_valid(dst))
        return err_set(c->ev->err, -EINVAL,
                       "invalid destination label name in %s(): %.*s",
                       lang_func_get(c->n->call.func)->name, SLICE_FMT(dst));
    uint32_t id = labels_intern(ls, dst);
    int e = id == 0 ? -ENOMEM : vector_make(c->ev, v->n, &ret->vec);
    for (uint32_t i = 0; e == 0 && i < v->n; i++) {
        struct lset *l = replace ? replace_label(c, v->labels[i], id)
                                 : join_labels(c, v->labels[i], id);
        ret->vec.labels[i] = l;
        ret->vec.values[i] = v->values[i];
        e = l == NULL ? -ENOMEM : 0;
    }
    labels_release(ls, id);
    ret->vec.n = v->n;
    return e < 0 ? e : vector_check_unique(c->ev, &ret->vec);
}

typedef int (*call_fn)(struct call *c, struct value *ret);

static const call_fn call_fns[FUNC_ID_COUNT] = {
    [FUNC_ABSENT] = call_absent,       [FUNC_LABEL_JOIN] = call_label,
    [FUNC_LABEL_REPLACE] = call_label, [FUNC_PI] = call_pi,
    [FUNC_SCALAR] = call_scalar,       [FUNC_TIME] = call_time,
    [FUNC_VECTOR] = call_vector,
};

int
eval_call(struct eval *ev, struct node *n, struct value *ret)
{
    struct call c = {.ev = ev, .n = n, .n_args = n->n_args};
    for (uint32_t i = 0; i < n->n_args; i++) {
        int e = eval_node(ev, n->args[i], &c.args[i]);
        if (e < 0)
            return e;
    }
    if (map_fns[n->call.func] != NULL)
        return call_map(&c, ret);
    return call_fns[n->call.func](&c, ret);
}
