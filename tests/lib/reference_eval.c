/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <math.h>
#include <stdlib.h>

#include <tocsin/plugin.h>

#include "core/base/check.h"
#include "core/base/regex.h"
#include "core/base/str.h"
#include "core/lang/functions.h"
#include "core/lang/matcher.h"
#include "tests/lib/reference_priv.h"

/* --- labels ------------------------------------------------------------- */

int
rset_cmp(const struct rset *a, const struct rset *b)
{
    for (uint32_t i = 0; i < a->n && i < b->n; i++) {
        int r = slice_cmp(a->l[i].name, b->l[i].name);
        if (r == 0)
            r = slice_cmp(a->l[i].value, b->l[i].value);
        if (r != 0)
            return r;
    }
    return (a->n > b->n) - (a->n < b->n);
}

bool
rset_equal(const struct rset *a, const struct rset *b)
{
    return rset_cmp(a, b) == 0;
}

struct slice
rset_get(const struct rset *s, struct slice name)
{
    for (uint32_t i = 0; i < s->n; i++) {
        if (slice_eq(s->l[i].name, name))
            return s->l[i].value;
    }
    return (struct slice){0};
}

static struct rset
rset_room(struct reference *rf, uint32_t n)
{
    struct rset s = {0, arena_new_array(&rf->arena, struct label, n + 1)};
    CHECK(s.l != NULL);
    return s;
}

struct rset
rset_without(struct reference *rf, const struct rset *s,
             const struct slice *names, uint32_t n, bool drop_name)
{
    struct rset out = rset_room(rf, s->n);
    for (uint32_t i = 0; i < s->n; i++) {
        bool listed = drop_name && slice_eq_str(s->l[i].name, "__name__");
        for (uint32_t k = 0; k < n; k++)
            listed |= slice_eq(names[k], s->l[i].name);
        if (!listed)
            out.l[out.n++] = s->l[i];
    }
    return out;
}

static struct rset
rset_only(struct reference *rf, const struct rset *s, const struct slice *names,
          uint32_t n)
{
    struct rset out = rset_room(rf, s->n);
    for (uint32_t i = 0; i < s->n; i++) {
        for (uint32_t k = 0; k < n; k++) {
            if (slice_eq(names[k], s->l[i].name)) {
                out.l[out.n++] = s->l[i];
                break;
            }
        }
    }
    return out;
}

struct rset
rset_with(struct reference *rf, const struct rset *s, struct slice name,
          struct slice value)
{
    struct rset out = rset_room(rf, s->n + 1);
    bool put = value.n == 0;
    for (uint32_t i = 0; i < s->n; i++) {
        int r = slice_cmp(s->l[i].name, name);
        if (r >= 0 && !put) {
            out.l[out.n++] = (struct label){name, value};
            put = true;
        }
        if (r != 0)
            out.l[out.n++] = s->l[i];
    }
    if (!put)
        out.l[out.n++] = (struct label){name, value};
    return out;
}

/* --- records ------------------------------------------------------------ */

static struct slice
field_of(struct reference *rf, const struct rrec *rec, struct slice name)
{
    if (rec->recorded.n > 0)
        return rset_get(&rec->labels, name);
    if (rec->is_sample) {
        const struct schema_metric *m = &rf->schema->metrics[rec->name];
        for (uint32_t i = 0; i < m->n_labels; i++) {
            if (slice_eq(m->labels[i].name, name))
                return rec->values[i];
        }
        return (struct slice){0};
    }
    int id = schema_stream_field(&rf->schema->streams[rec->name], name);
    return id < 0 ? (struct slice){0} : rec->values[id];
}

static struct slice
name_of(struct reference *rf, const struct rrec *rec)
{
    if (rec->recorded.n > 0)
        return rec->recorded;
    return rec->is_sample ? rf->schema->metrics[rec->name].name
                          : rf->schema->streams[rec->name].name;
}

/* MATCH, NO_MATCH, UNKNOWN where a field can't be read. */
static enum match
filter_match(struct reference *rf, const struct rrec *rec,
             const struct pipe_filter *f)
{
    if (f->kind == FILTER_AND || f->kind == FILTER_OR) {
        enum match l = filter_match(rf, rec, f->left);
        enum match r = filter_match(rf, rec, f->right);
        if (f->kind == FILTER_OR)
            return l == MATCH || r == MATCH       ? MATCH
                   : l == UNKNOWN || r == UNKNOWN ? UNKNOWN
                                                  : NO_MATCH;
        return l == NO_MATCH || r == NO_MATCH ? NO_MATCH
               : l == UNKNOWN || r == UNKNOWN ? UNKNOWN
                                              : MATCH;
    }
    struct slice v = field_of(rf, rec, f->matcher.name);
    if (f->kind == FILTER_STRING)
        return matcher_match(&f->matcher, v);
    double x;
    if (v.n == 0)
        return NO_MATCH;
    if (str_parse_double(v, STR_INF_NAN, &x) < 0)
        return UNKNOWN;
    /* The traces have numbers and milliseconds only. */
    double limit = f->kind == FILTER_DURATION ? f->number * 1000 : f->number;
    return filter_compare(f->op, x, limit) ? MATCH : NO_MATCH;
}

static bool
line_matches(const struct line_filter *l, struct slice raw)
{
    bool any = false;
    for (uint32_t i = 0; i < l->count; i++)
        any |= l->texts[i].re != NULL
                   ? regex_match(l->texts[i].re, raw) == MATCH
                   : memmem(raw.p, raw.n, l->texts[i].text.p,
                            l->texts[i].text.n) != NULL;
    return any == (l->op == LINE_CONTAINS || l->op == LINE_RE);
}

bool
reference_matches(struct reference *rf, const struct selector *sel,
                  const struct rrec *rec)
{
    if (rec->is_sample == (sel->binding == BOUND_STREAM))
        return false;
    for (uint32_t i = 0; i < sel->matcher_count; i++) {
        const struct matcher *m = &sel->matchers[i];
        struct slice v = slice_eq_str(m->name, "__name__")
                             ? name_of(rf, rec)
                             : field_of(rf, rec, m->name);
        if (matcher_match(m, v) != MATCH)
            return false;
    }
    for (const struct pipe_stage *st = sel->pipeline; st; st = st->next) {
        if (st->kind == STAGE_FILTER &&
            filter_match(rf, rec, st->filter) != MATCH)
            return false;
        if (st->kind == STAGE_LINE_FILTER && !line_matches(&st->line, rec->raw))
            return false;
    }
    return true;
}

static bool
names_have(const struct rnames *names, struct slice name)
{
    for (; names != NULL; names = names->up) {
        for (uint32_t i = 0; i < names->n; i++) {
            if (slice_eq(names->p[i], name))
                return true;
        }
    }
    return false;
}

struct rset
reference_labels(struct reference *rf, const struct rrec *rec,
                 const struct grouping *only, const struct rnames *names)
{
    struct rset out = rset_room(rf, 1);
    if (rec->recorded.n > 0)
        return rset_with(rf, &rec->labels, SLICE("__name__"), rec->recorded);
    const struct schema_stream *st = &rf->schema->streams[rec->name];
    const struct schema_metric *m = &rf->schema->metrics[rec->name];
    uint32_t n = rec->is_sample ? m->n_labels : st->n_fields;
    for (uint32_t i = 0; i < n; i++) {
        const struct schema_field *f =
            rec->is_sample ? &m->labels[i] : &st->fields[i];
        bool wanted = rec->is_sample || (f->flags & TOCSIN_FIELD_LABEL) ||
                      names_have(names, f->name);
        if (only != NULL) {
            wanted = false;
            for (uint32_t k = 0; k < only->count; k++)
                wanted |= slice_eq(only->labels[k], f->name);
        }
        if (wanted && rec->values[i].n > 0)
            out = rset_with(rf, &out, f->name, rec->values[i]);
    }
    return rec->is_sample ? rset_with(rf, &out, SLICE("__name__"), m->name)
                          : out;
}

/* --- values ------------------------------------------------------------- */

static int
point_cmp(const void *a, const void *b)
{
    const struct rpoint *x = a, *y = b;
    return rset_cmp(&x->labels, &y->labels);
}

static struct rvalue
vector_room(struct reference *rf, uint32_t n)
{
    struct rvalue v = {.is_vector = true,
                       .p = arena_new_array(&rf->arena, struct rpoint, n + 1)};
    CHECK(v.p != NULL);
    return v;
}

static void
vector_done(struct rvalue *v)
{
    qsort(v->p, v->n, sizeof *v->p, point_cmp);
    for (uint32_t i = 1; i < v->n; i++)
        v->failed |= rset_equal(&v->p[i].labels, &v->p[i - 1].labels);
}

static struct rpoint *
point_of(struct rvalue *v, const struct rset *labels)
{
    for (uint32_t i = 0; i < v->n; i++) {
        if (rset_equal(&v->p[i].labels, labels))
            return &v->p[i];
    }
    v->p[v->n] = (struct rpoint){*labels, 0};
    return &v->p[v->n++];
}

static bool
is_stale(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits == UINT64_C(0x7ff0000000000002);
}

static double
sum_of(const double *v, uint32_t n)
{
    double s = 0, c = 0;
    for (uint32_t i = 0; i < n; i++) {
        double t = s + v[i];
        if (isinf(t))
            c = 0;
        else if (fabs(s) >= fabs(v[i]))
            c += (s - t) + v[i];
        else
            c += (v[i] - t) + s;
        s = t;
    }
    return s + c;
}

/* --- events ------------------------------------------------------------- */

static struct rvalue
count_events(struct reference *rf, const struct expr *call, usec_t t,
             const struct grouping *only, const struct rnames *names)
{
    const struct expr *m = expr_unparen(call->call.args[0]);
    usec_t to = t - m->sel->mod.offset.us, from = to - m->sel->range.us;
    struct rvalue out = vector_room(rf, rf->recs.n);
    for (uint32_t i = 0; i < rf->recs.n; i++) {
        const struct rrec *rec = &rf->recs.p[i];
        if (rec->t <= from || rec->t > to ||
            !reference_matches(rf, m->sel, rec))
            continue;
        struct rset l = reference_labels(rf, rec, only, names);
        point_of(&out, &l)->v += 1;
    }
    for (uint32_t i = 0; call->call.func->id == FUNC_RATE && i < out.n; i++)
        out.p[i].v /= (double)m->sel->range.us / USEC_PER_SEC;
    vector_done(&out);
    return out;
}

/* --- samples ------------------------------------------------------------ */

struct rseries {
    struct rset labels;
    uint32_t n;
    const struct rrec **recs; /* by time, one a time */
    bool is_state;
};

static bool
value_wins(double a, double b)
{
    if (is_stale(a) || is_stale(b))
        return is_stale(b) && !is_stale(a);
    return a > b || (isnan(b) && !isnan(a));
}

static void
series_take(struct rseries *s, const struct rrec *rec)
{
    uint32_t i = s->n;
    while (i > 0 && s->recs[i - 1]->t > rec->t)
        i--;
    if (i > 0 && s->recs[i - 1]->t == rec->t) {
        if (value_wins(rec->v, s->recs[i - 1]->v))
            s->recs[i - 1] = rec;
        return;
    }
    memmove(&s->recs[i + 1], &s->recs[i], (s->n - i) * sizeof *s->recs);
    s->recs[i] = rec;
    s->n++;
}

/* The series that a selector matches, by labels. */
static struct rseries *
series_of(struct reference *rf, const struct selector *sel, uint32_t *ret_n)
{
    struct rvalue keys = vector_room(rf, rf->recs.n);
    for (uint32_t i = 0; i < rf->recs.n; i++) {
        if (!reference_matches(rf, sel, &rf->recs.p[i]))
            continue;
        struct rset l = reference_labels(rf, &rf->recs.p[i], NULL, NULL);
        (void)point_of(&keys, &l);
    }
    vector_done(&keys);
    struct rseries *all =
        arena_new_array(&rf->arena, struct rseries, keys.n + 1);
    CHECK(all != NULL);
    for (uint32_t k = 0; k < keys.n; k++) {
        all[k].labels = keys.p[k].labels;
        all[k].recs =
            arena_new_array(&rf->arena, const struct rrec *, rf->recs.n + 1);
        CHECK(all[k].recs != NULL);
    }
    for (uint32_t i = 0; i < rf->recs.n; i++) {
        const struct rrec *rec = &rf->recs.p[i];
        if (!reference_matches(rf, sel, rec))
            continue;
        struct rset l = reference_labels(rf, rec, NULL, NULL);
        for (uint32_t k = 0; k < keys.n; k++) {
            if (!rset_equal(&l, &all[k].labels))
                continue;
            all[k].is_state =
                rec->recorded.n == 0 &&
                rf->schema->metrics[rec->name].type == TOCSIN_STATE;
            series_take(&all[k], rec);
        }
    }
    *ret_n = keys.n;
    return all;
}

static struct rvalue
select_samples(struct reference *rf, const struct selector *sel, usec_t t,
               bool timestamp)
{
    uint32_t n;
    struct rseries *s = series_of(rf, sel, &n);
    struct rvalue out = vector_room(rf, n);
    usec_t to = t - sel->mod.offset.us, from = to - 5 * USEC_PER_MINUTE;
    for (uint32_t i = 0; i < n; i++) {
        const struct rrec *best = NULL;
        for (uint32_t k = 0; k < s[i].n; k++) {
            if (s[i].recs[k]->t <= to)
                best = s[i].recs[k];
        }
        if (best == NULL || is_stale(best->v) ||
            (!s[i].is_state && best->t <= from))
            continue;
        struct rset l = s[i].labels;
        if (timestamp)
            l = rset_without(rf, &l, NULL, 0, true);
        out.p[out.n++] = (struct rpoint){
            l, timestamp ? (double)(best->t / 1000) / 1000 : best->v};
    }
    vector_done(&out);
    return out;
}

/* Prometheus' extrapolation. */
static bool
extrapolate(const double *v, const double *at, uint32_t n, double from,
            double to, bool counter, bool rate, double *ret)
{
    if (n < 2)
        return false;
    double d = v[n - 1] - v[0];
    for (uint32_t i = 1; counter && i < n; i++) {
        if (v[i] < v[i - 1])
            d += v[i - 1];
    }
    double start = (at[0] - from) / 1000, end = (to - at[n - 1]) / 1000;
    double si = (at[n - 1] - at[0]) / 1000, avg = si / (n - 1);
    if (start >= avg * 1.1)
        start = avg / 2;
    if (counter && d > 0 && v[0] >= 0) {
        double zero = si * (v[0] / d);
        if (zero < start)
            start = zero;
    }
    if (end >= avg * 1.1)
        end = avg / 2;
    double factor = si == 0 ? 1 : (si + start + end) / si;
    if (rate)
        factor /= (to - from) / 1000;
    *ret = d * factor;
    return true;
}

static bool
over_time(enum func_id f, const double *v, const double *at, uint32_t n,
          double from, double to, double *ret)
{
    double x = n > 0 ? v[0] : 0;
    switch (f) {
    case FUNC_RATE:
    case FUNC_INCREASE:
        return extrapolate(v, at, n, from, to, true, f == FUNC_RATE, ret);
    case FUNC_DELTA:
        return extrapolate(v, at, n, from, to, false, false, ret);
    case FUNC_IRATE:
        if (n < 2 || at[n - 1] == at[n - 2])
            return false;
        x = v[n - 1] < v[n - 2] ? v[n - 1] : v[n - 1] - v[n - 2];
        *ret = x / ((at[n - 1] - at[n - 2]) / 1000);
        return true;
    case FUNC_COUNT_OVER_TIME:
    case FUNC_ABSENT_OVER_TIME:
        x = n;
        break;
    case FUNC_SUM_OVER_TIME:
        x = sum_of(v, n);
        break;
    case FUNC_LAST_OVER_TIME:
        x = n > 0 ? v[n - 1] : 0;
        break;
    case FUNC_AVG_OVER_TIME: {
        double s = 0, c = 0; /* the parts apart, as Prometheus divides */
        for (uint32_t i = 0; i < n; i++) {
            double t = s + v[i];
            c += fabs(s) >= fabs(v[i]) ? (s - t) + v[i] : (v[i] - t) + s;
            s = t;
        }
        x = s / n + c / n;
        break;
    }
    default: {
        uint32_t changes = 0, resets = 0;
        for (uint32_t i = 1; i < n; i++) {
            changes += v[i] != v[i - 1] && !(isnan(v[i]) && isnan(v[i - 1]));
            resets += v[i] < v[i - 1];
            if (f == FUNC_MAX_OVER_TIME && v[i] > x)
                x = v[i];
            if (f == FUNC_MIN_OVER_TIME && v[i] < x)
                x = v[i];
        }
        if (f == FUNC_CHANGES || f == FUNC_RESETS)
            x = f == FUNC_CHANGES ? changes : resets;
        break;
    }
    }
    *ret = x;
    return n > 0;
}

static struct rvalue
range_samples(struct reference *rf, const struct expr *call, usec_t t)
{
    const struct expr *m = expr_unparen(call->call.args[0]);
    uint32_t n;
    struct rseries *s = series_of(rf, m->sel, &n);
    struct rvalue out = vector_room(rf, n);
    enum func_id f = call->call.func->id;
    usec_t to = t - m->sel->mod.offset.us, from = to - m->sel->range.us;
    for (uint32_t i = 0; i < n; i++) {
        double *v = arena_new_array(&rf->arena, double, s[i].n + 1), x;
        double *at = arena_new_array(&rf->arena, double, s[i].n + 1);
        uint32_t k = 0;
        CHECK(v != NULL && at != NULL);
        for (uint32_t j = 0; j < s[i].n; j++) {
            const struct rrec *r = s[i].recs[j];
            if (r->t <= from || r->t > to || is_stale(r->v))
                continue;
            v[k] = r->v;
            at[k++] = (double)(r->t / 1000);
        }
        if (!over_time(f, v, at, k, (double)(from / 1000), (double)(to / 1000),
                       &x))
            continue;
        struct rset l = s[i].labels;
        if (f != FUNC_LAST_OVER_TIME)
            l = rset_without(rf, &l, NULL, 0, true);
        out.p[out.n++] = (struct rpoint){l, x};
    }
    vector_done(&out);
    return out;
}

/* --- calls and operators ------------------------------------------------ */

static struct rvalue
absent(struct reference *rf, const struct selector *sel, bool any)
{
    struct rvalue out = vector_room(rf, 1);
    struct rset l = rset_room(rf, 0);
    for (uint32_t i = 0; sel != NULL && i < sel->matcher_count; i++) {
        const struct matcher *m = &sel->matchers[i];
        uint32_t same = 0;
        for (uint32_t k = 0; k < sel->matcher_count; k++)
            same += slice_eq(sel->matchers[k].name, m->name);
        if (m->op == MATCHER_EQ && same == 1 &&
            !slice_eq_str(m->name, "__name__"))
            l = rset_with(rf, &l, m->name, m->value);
    }
    if (!any)
        out.p[out.n++] = (struct rpoint){l, 1};
    return out;
}

static struct rvalue
eval_call(struct reference *rf, const struct expr *e, usec_t t,
          const struct rnames *names)
{
    enum func_id f = e->call.func->id;
    struct rvalue v = {0};
    if (f == FUNC_TIME) {
        v.scalar = (double)(t / 1000) / 1000;
        return v;
    }
    const struct expr *a = expr_unparen(e->call.args[0]);
    if (a->type == LANG_MATRIX) {
        v = a->sel->binding == BOUND_STREAM
                ? count_events(rf, e, t, NULL, names)
                : range_samples(rf, e, t);
        return f == FUNC_ABSENT_OVER_TIME ? absent(rf, a->sel, v.n > 0) : v;
    }
    if (f == FUNC_TIMESTAMP && a->kind == EXPR_SELECTOR)
        return select_samples(rf, a->sel, t, true);
    v = reference_eval(rf, a, t, names);
    if (f == FUNC_ABSENT)
        return absent(rf, a->kind == EXPR_SELECTOR ? a->sel : NULL, v.n > 0);
    CHECK(f == FUNC_ABS);
    for (uint32_t i = 0; i < v.n; i++) {
        v.p[i].labels = rset_without(rf, &v.p[i].labels, NULL, 0, true);
        v.p[i].v = fabs(v.p[i].v);
    }
    vector_done(&v);
    return v;
}

static double
variance(const double *v, uint32_t n)
{
    double mean = 0, aux = 0;
    if (isnan(v[0]) || isinf(v[0]))
        return NAN;
    for (uint32_t i = 0; i < n; i++) {
        double d = v[i] - mean;
        mean += d / (i + 1);
        aux += d * (v[i] - mean);
    }
    return aux / n;
}

static double
aggregate(enum agg_op op, const double *v, uint32_t n)
{
    double x = v[0];
    for (uint32_t i = 1; i < n; i++) {
        if ((op == AGG_MAX && (v[i] > x || isnan(x))) ||
            (op == AGG_MIN && (v[i] < x || isnan(x))))
            x = v[i];
    }
    switch (op) {
    case AGG_SUM:
        return sum_of(v, n);
    case AGG_AVG: {
        double from = 0, to = 0, r = 0;
        (void)over_time(FUNC_AVG_OVER_TIME, v, v, n, from, to, &r);
        return r;
    }
    case AGG_COUNT:
        return n;
    case AGG_GROUP:
        return 1;
    case AGG_STDDEV:
        return sqrt(variance(v, n));
    case AGG_STDVAR:
        return variance(v, n);
    default:
        return x;
    }
}

static struct rvalue
eval_aggregate(struct reference *rf, const struct expr *e, usec_t t,
               const struct rnames *names)
{
    const struct grouping *g = &e->agg.grouping;
    const struct expr *a = expr_unparen(e->agg.arg);
    bool by = g->kind == GROUP_BY;
    if (e->agg.op == AGG_SUM && g->kind != GROUP_WITHOUT &&
        a->kind == EXPR_CALL &&
        (a->call.func->id == FUNC_COUNT_OVER_TIME ||
         a->call.func->id == FUNC_RATE) &&
        expr_unparen(a->call.args[0])->sel->binding == BOUND_STREAM)
        return count_events(rf, a, t, g, names); /* exact: a whole count */
    struct rnames more = {g->labels, by ? g->count : 0, names};
    struct rvalue v = reference_eval(rf, a, t, &more);
    struct rvalue out = vector_room(rf, v.n);
    double *values = arena_new_array(&rf->arena, double, v.n + 1);
    CHECK(values != NULL);
    struct rset *keys = arena_new_array(&rf->arena, struct rset, v.n + 1);
    CHECK(keys != NULL);
    for (uint32_t i = 0; i < v.n; i++) {
        keys[i] =
            g->kind == GROUP_WITHOUT
                ? rset_without(rf, &v.p[i].labels, g->labels, g->count, true)
                : rset_only(rf, &v.p[i].labels, g->labels, by ? g->count : 0);
        (void)point_of(&out, &keys[i]);
    }
    for (uint32_t k = 0; k < out.n; k++) {
        uint32_t n = 0;
        for (uint32_t i = 0; i < v.n; i++) {
            if (rset_equal(&keys[i], &out.p[k].labels))
                values[n++] = v.p[i].v;
        }
        out.p[k].v = aggregate(e->agg.op, values, n);
    }
    out.failed = v.failed;
    bool failed = out.failed;
    vector_done(&out);
    out.failed |= failed;
    return out;
}

static bool
apply(const struct expr *e, double a, double b, double kept, double *ret)
{
    enum binary_op op = e->binary.op;
    bool holds = op == BIN_EQ   ? a == b
                 : op == BIN_NE ? a != b
                 : op == BIN_LT ? a < b
                 : op == BIN_LE ? a <= b
                 : op == BIN_GT ? a > b
                                : a >= b;
    *ret = kept;
    if (binary_is_comparison(op) && !e->binary.is_bool)
        return holds;
    *ret = op == BIN_ADD   ? a + b
           : op == BIN_SUB ? a - b
           : op == BIN_MUL ? a * b
           : op == BIN_DIV ? a / b
           : op == BIN_MOD ? fmod(a, b)
                           : holds;
    return true;
}

static struct rset
signature(struct reference *rf, const struct expr *e, const struct rset *l)
{
    const struct matching *m = &e->binary.match;
    return m->on ? rset_only(rf, l, m->labels, m->label_count)
                 : rset_without(rf, l, m->labels, m->label_count, true);
}

static struct rvalue
eval_set(struct reference *rf, const struct expr *e, struct rvalue a,
         struct rvalue b)
{
    struct rvalue out = vector_room(rf, a.n + b.n);
    bool is_or = e->binary.op == BIN_OR;
    for (uint32_t side = 0; side < (is_or ? 2u : 1u); side++) {
        struct rvalue *x = side == 0 ? &a : &b, *y = side == 0 ? &b : &a;
        for (uint32_t i = 0; i < x->n; i++) {
            struct rset s = signature(rf, e, &x->p[i].labels);
            bool found = false;
            for (uint32_t k = 0; k < y->n; k++) {
                struct rset o = signature(rf, e, &y->p[k].labels);
                found |= rset_equal(&s, &o);
            }
            if ((is_or && (side == 0 || !found)) ||
                (e->binary.op == BIN_AND && found) ||
                (e->binary.op == BIN_UNLESS && !found))
                out.p[out.n++] = x->p[i];
        }
    }
    qsort(out.p, out.n, sizeof *out.p, point_cmp);
    return out;
}

static struct rvalue
eval_join(struct reference *rf, const struct expr *e, struct rvalue a,
          struct rvalue b)
{
    struct rvalue out = vector_room(rf, a.n + b.n);
    bool drop = !binary_is_comparison(e->binary.op) || e->binary.is_bool;
    bool grouped = e->binary.match.card != CARD_ONE_TO_ONE;
    bool *used = arena_new_array(&rf->arena, bool, b.n + 1);
    CHECK(used != NULL);
    for (uint32_t i = 0; i < b.n; i++) {
        struct rset s = signature(rf, e, &b.p[i].labels);
        for (uint32_t k = 0; k < i; k++) {
            struct rset o = signature(rf, e, &b.p[k].labels);
            out.failed |= rset_equal(&s, &o);
        }
    }
    bool failed = out.failed;
    for (uint32_t i = 0; i < a.n; i++) {
        struct rset s = signature(rf, e, &a.p[i].labels);
        for (uint32_t k = 0; k < b.n; k++) {
            struct rset o = signature(rf, e, &b.p[k].labels);
            double x;
            if (!rset_equal(&s, &o) ||
                !apply(e, a.p[i].v, b.p[k].v, a.p[i].v, &x))
                continue;
            failed |= used[k] && !grouped;
            used[k] = true;
            struct rset l = a.p[i].labels;
            if (!grouped && e->binary.match.on)
                l = s;
            l = rset_without(rf, &l, NULL, 0, drop);
            out.p[out.n++] = (struct rpoint){l, x};
        }
    }
    vector_done(&out);
    out.failed |= failed;
    return out;
}

static struct rvalue
eval_binary(struct reference *rf, const struct expr *e, usec_t t,
            const struct rnames *names)
{
    const struct matching *m = &e->binary.match;
    struct rnames more = {m->labels, m->on ? m->label_count : 0, names};
    struct rvalue a = reference_eval(rf, e->binary.left, t, &more);
    struct rvalue b = reference_eval(rf, e->binary.right, t, &more);
    struct rvalue out;
    if (a.is_vector && b.is_vector) {
        out = binary_is_set(e->binary.op) ? eval_set(rf, e, a, b)
                                          : eval_join(rf, e, a, b);
        out.failed |= a.failed || b.failed;
        return out;
    }
    if (!a.is_vector && !b.is_vector) {
        out = (struct rvalue){0};
        (void)apply(e, a.scalar, b.scalar, a.scalar, &out.scalar);
        return out;
    }
    struct rvalue *v = a.is_vector ? &a : &b;
    bool drop = !binary_is_comparison(e->binary.op) || e->binary.is_bool;
    out = vector_room(rf, v->n);
    for (uint32_t i = 0; i < v->n; i++) {
        double x, w = v->p[i].v;
        if (!apply(e, a.is_vector ? w : a.scalar, a.is_vector ? b.scalar : w, w,
                   &x))
            continue;
        out.p[out.n++] = (struct rpoint){
            rset_without(rf, &v->p[i].labels, NULL, 0, drop), x};
    }
    vector_done(&out);
    out.failed |= v->failed;
    return out;
}

struct rvalue
reference_eval(struct reference *rf, const struct expr *e, usec_t t,
               const struct rnames *names)
{
    e = expr_unparen(e);
    struct rvalue v = {0};
    switch (e->kind) {
    case EXPR_NUMBER:
        v.scalar = e->number;
        return v;
    case EXPR_SELECTOR:
        return select_samples(rf, e->sel, t, false);
    case EXPR_CALL:
        return eval_call(rf, e, t, names);
    case EXPR_AGGREGATE:
        return eval_aggregate(rf, e, t, names);
    case EXPR_BINARY:
        return eval_binary(rf, e, t, names);
    case EXPR_UNARY:
        v = reference_eval(rf, e->unary.arg, t, names);
        v.scalar = -v.scalar;
        for (uint32_t i = 0; i < v.n; i++) {
            v.p[i].labels = rset_without(rf, &v.p[i].labels, NULL, 0, true);
            v.p[i].v = -v.p[i].v;
        }
        return v;
    default:
        PANIC("the reference doesn't know this expression");
    }
}
