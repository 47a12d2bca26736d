/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/lint.h"

#include <stdio.h>

#include <tocsin/plugin.h>

#include "core/base/duration.h"
#include "core/base/hash.h"
#include "core/config/yaml.h"
#include "core/engine/plan.h"
#include "core/lang/catalog.h"
#include "core/lang/query.h"
#include "core/record/schema.h"

void
lint_warn(const struct linting *li, struct span span, const char *fmt, ...)
{
    size_t n = span.end > span.start ? span.end - span.start : 1;
    struct where where = li->node->kind == YAML_SCALAR
                             ? yaml_where_at(li->node, span.start, n)
                             : yaml_where(li->node);
    va_list ap;
    va_start(ap, fmt);
    errlist_vadd(li->errs, SEVERITY_WARNING, &where, fmt, ap);
    va_end(ap);
}

/* --- comparisons --------------------------------------------------------- */

/* Sums, greatest and least of counts of events are counts of events. */
static bool
is_count_of_events(const struct expr *e)
{
    e = expr_unparen(e);
    while (e->kind == EXPR_AGGREGATE &&
           (e->agg.op == AGG_SUM || e->agg.op == AGG_MAX ||
            e->agg.op == AGG_MIN || e->agg.op == AGG_AVG))
        e = expr_unparen(e->agg.arg);
    if (e->kind != EXPR_CALL || (e->call.func->id != FUNC_COUNT_OVER_TIME &&
                                 e->call.func->id != FUNC_RATE))
        return false;
    const struct expr *m = expr_matrix_arg(e);
    return m != NULL && m->kind == EXPR_SELECTOR &&
           m->sel->binding == BOUND_STREAM && m->sel->unwrap == NULL;
}

/* Of series or of groups: where there are none, there is no value. */
static bool
is_count_of_series(const struct expr *e)
{
    e = expr_unparen(e);
    return e->kind == EXPR_AGGREGATE &&
           (e->agg.op == AGG_COUNT || e->agg.op == AGG_COUNT_VALUES);
}

static bool
is_never_negative(const struct expr *e)
{
    e = expr_unparen(e);
    if (e->kind == EXPR_AGGREGATE) {
        switch (e->agg.op) {
        case AGG_COUNT:
        case AGG_STDDEV:
        case AGG_STDVAR:
            return true;
        case AGG_SUM:
        case AGG_AVG:
        case AGG_MIN:
        case AGG_MAX:
            return is_never_negative(e->agg.arg);
        default:
            return false;
        }
    }
    if (e->kind != EXPR_CALL)
        return false;
    switch (e->call.func->id) {
    case FUNC_ABS:
    case FUNC_CHANGES:
    case FUNC_COUNT_OVER_TIME:
    case FUNC_RESETS:
    case FUNC_SQRT:
        return true;
    case FUNC_INCREASE:
    case FUNC_IRATE:
    case FUNC_RATE: /* unwrapped values may be negative */
        return expr_matrix_arg(e) != NULL &&
               expr_matrix_arg(e)->kind == EXPR_SELECTOR &&
               expr_matrix_arg(e)->sel->binding != BOUND_STREAM;
    default:
        return false;
    }
}

static bool
holds_below(enum binary_op op, double limit, double least)
{
    return (op == BIN_LT && limit <= least) ||
           (op == BIN_LE && limit < least) || (op == BIN_EQ && limit < least);
}

static void
lint_empty(const struct linting *li, const struct expr *e, enum binary_op op,
           double limit)
{
    bool zero = op == BIN_EQ && limit == 0;
    if (!zero && op != BIN_LT && op != BIN_LE)
        return;
    lint_warn(li, e->binary.op_span,
              "a count of events is compared by \"%s\", but an empty window "
              "has no value: the rule says nothing when no event comes",
              binary_op_name(e->binary.op));
    errlist_hint(li->errs, "%s",
                 zero ? "absent_over_time() tells that there are none"
                      : "add \"or vector(0)\" or use absent_over_time()");
}

static enum binary_op
turned(enum binary_op op)
{
    switch (op) {
    case BIN_LT:
        return BIN_GT;
    case BIN_LE:
        return BIN_GE;
    case BIN_GT:
        return BIN_LT;
    case BIN_GE:
        return BIN_LE;
    default:
        return op;
    }
}

/* -1 is a number with a sign. */
static bool
number_of(const struct expr *e, double *ret)
{
    e = expr_unparen(e);
    bool minus = e->kind == EXPR_UNARY && e->unary.minus;
    if (e->kind == EXPR_UNARY)
        e = expr_unparen(e->unary.arg);
    if (e->kind != EXPR_NUMBER)
        return false;
    *ret = minus ? -e->number : e->number;
    return true;
}

static void
lint_compare(const struct linting *li, const struct expr *e)
{
    const struct expr *what = e->binary.left;
    enum binary_op op = e->binary.op;
    double limit;
    if (!binary_is_comparison(op) || e->binary.is_bool)
        return;
    if (!number_of(e->binary.right, &limit)) {
        if (!number_of(what, &limit))
            return;
        what = e->binary.right;
        op = turned(op);
    }
    if (is_never_negative(what) && holds_below(op, limit, 0)) {
        lint_warn(li, e->binary.op_span,
                  "this is never negative: nothing "
                  "ever fits");
    } else if (is_count_of_series(what) &&
               (holds_below(op, limit, 1) || (op == BIN_EQ && limit < 1))) {
        lint_warn(li, e->binary.op_span,
                  "a count is 1 at least: where there is nothing to count, "
                  "it has no value");
        errlist_hint(li->errs, "absent() tells that there is nothing");
    } else if (is_count_of_events(what)) {
        lint_empty(li, e, op, limit);
    }
}

/* --- selectors and ranges ------------------------------------------------ */

static bool
somebody_brings(const struct schema *s, const struct selector *sel)
{
    for (uint32_t i = 0; i < s->n_inputs; i++) {
        const struct schema_input *in = &s->inputs[i];
        for (uint32_t k = 0; in->active && k < in->n_streams; k++) {
            if (sel->name.n == 0 ||
                slice_eq(sel->name, s->streams[in->streams[k]].name))
                return true;
        }
    }
    return false;
}

static void
lint_stream(const struct linting *li, const struct expr *e)
{
    const struct selector *sel = e->sel;
    const struct rule_def *d = li->def;
    if (!somebody_brings(li->schema, sel)) {
        lint_warn(li, e->span,
                  "no input brings stream \"%.*s\": this never has a value",
                  SLICE_FMT(sel->name));
        return;
    }
    if (!sel->range.present || sel->range.expr != NULL ||
        sel->range.us >= d->interval_us)
        return;
    char range[DURATION_STR_MAX], interval[DURATION_STR_MAX];
    (void)duration_format(sel->range.us, range);
    (void)duration_format(d->interval_us, interval);
    lint_warn(li, e->span,
              "the window of %s is shorter than the group's interval of %s: "
              "most events stand in no window",
              range, interval);
}

static void
lint_rate(const struct linting *li, const struct expr *e)
{
    enum func_id f = e->call.func->id;
    if (f != FUNC_RATE && f != FUNC_INCREASE && f != FUNC_IRATE)
        return;
    const struct expr *m = expr_matrix_arg(e);
    if (m == NULL || m->kind != EXPR_SELECTOR ||
        m->sel->binding == BOUND_STREAM)
        return;
    int id = schema_find_metric(li->schema, m->sel->name);
    if (id < 0 || (li->schema->metrics[id].type != TOCSIN_GAUGE &&
                   li->schema->metrics[id].type != TOCSIN_STATE))
        return;
    lint_warn(li, e->span,
              "\"%.*s\" is no counter: %s() takes each fall of it for a reset",
              SLICE_FMT(m->sel->name), e->call.func->name);
    errlist_hint(li->errs, "use %s",
                 f == FUNC_INCREASE ? "delta()" : "deriv()");
}

/* --- delays -------------------------------------------------------------- */

struct offsets {
    uint32_t n;
    usec_t least, most;
    const struct expr *first;
};

static int
offset_of(const struct expr *e, void *arg)
{
    struct offsets *o = arg;
    if (e->kind != EXPR_SELECTOR)
        return 0;
    usec_t us = e->sel->mod.offset.us;
    o->least = o->n == 0 ? us : MIN(o->least, us);
    o->most = o->n == 0 ? us : MAX(o->most, us);
    o->first = o->n == 0 ? e : o->first;
    o->n++;
    return 0;
}

static struct span
whole_of(const struct rule *r)
{
    return r->def->kind == RULE_EXPR ? r->def->query->root->span
                                     : (struct span){0, 0};
}

/* A look into the past as a whole, by no more than an hour, is meant to wait
 * for what is late; but that is waited for anyway. */
static void
lint_delay(const struct linting *li, const struct plan *p, const struct rule *r)
{
    usec_t late = plan_lateness(p, r);
    struct offsets o = {.n = 0};
    char text[DURATION_STR_MAX];
    if (late == 0)
        return;
    (void)duration_format(late, text);
    if (r->def->offset_us > 0)
        lint_warn(li, whole_of(r),
                  "the group's query_offset comes on top of the %s that the "
                  "rule's inputs are waited for anyway",
                  text);
    if (r->def->kind == RULE_EXPR)
        (void)expr_walk(r->def->query->root, offset_of, NULL, &o);
    if (o.n > 0 && o.least > 0 && o.least == o.most && o.most <= USEC_PER_HOUR)
        lint_warn(li, o.first->span,
                  "the offset comes on top of the %s that the rule's inputs "
                  "are waited for anyway",
                  text);
}

/* --- rules --------------------------------------------------------------- */

static int
lint_expr(const struct expr *e, void *arg)
{
    const struct linting *li = arg;
    switch (e->kind) {
    case EXPR_SELECTOR:
        lint_name(li, e);
        lint_matchers(li, e);
        if (e->sel->binding == BOUND_STREAM)
            lint_stream(li, e);
        break;
    case EXPR_CALL:
        lint_rate(li, e);
        break;
    case EXPR_AGGREGATE:
        lint_grouping(li, e);
        break;
    case EXPR_BINARY:
        lint_compare(li, e);
        lint_matching(li, e);
        break;
    default:
        break;
    }
    return 0;
}

struct lint {
    const struct plan *plan;
    struct linting li;
    struct lint_names *names;
    struct table twins; /* rules by name, labels and expression */
};

struct twin_ctx {
    const struct plan *plan;
    const struct rule *rule;
};

static bool
twin_eq(const void *ctx, uint32_t index)
{
    const struct twin_ctx *c = ctx;
    return c->plan->rules.p[index].meaning == c->rule->meaning;
}

static int
lint_twin(struct lint *l, const struct rule *r)
{
    struct twin_ctx ctx = {l->plan, r};
    uint32_t i = table_find(&l->twins, r->meaning, twin_eq, &ctx);
    if (i == TABLE_NONE)
        return table_insert(&l->twins, r->meaning, r->index);
    const struct rule_def *d = l->plan->rules.p[i].def;
    lint_warn(&l->li, whole_of(r),
              "this rule says what \"%.*s\" says at %.*s:%u, with the same "
              "labels",
              SLICE_FMT(d->name), SLICE_FMT(d->file), d->line);
    return 0;
}

struct lint *
lint_new(const struct plan *p, unsigned partial, struct errlist *errs)
{
    struct lint *l = mem_new(struct lint);
    if (l == NULL)
        return NULL;
    l->plan = p;
    l->names = lint_names_new(p->schema, p->book);
    l->li = (struct linting){.errs = errs,
                             .schema = p->schema,
                             .book = p->book,
                             .names = l->names,
                             .partial = partial};
    table_init(&l->twins, UINT32_MAX / 2);
    if (l->names == NULL) {
        lint_free(l);
        return NULL;
    }
    return l;
}

void
lint_free(struct lint *l)
{
    if (l == NULL)
        return;
    lint_names_free(l->names);
    table_fini(&l->twins);
    mem_free(l);
}

int
lint_rule(struct lint *l, const struct rule *r)
{
    const struct rule_query *q;
    struct rule_query room;
    l->li.def = r->def;
    for (uint32_t i = 0; (q = rule_def_query(r->def, i, &room)) != NULL; i++) {
        l->li.node = q->node;
        (void)expr_walk(q->query->root, lint_expr, NULL, &l->li);
    }
    l->li.node = r->def->expr_node;
    if (r->def->kind == RULE_EXPR)
        lint_templates(&l->li);
    lint_delay(&l->li, l->plan, r);
    return lint_twin(l, r);
}
