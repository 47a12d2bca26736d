/* SPDX-License-Identifier: Apache-2.0 */
/* types.c - the checks that need the whole tree, in Prometheus' words. */
#include "config.h"

#include <stdio.h>

#include "core/lang/catalog.h"
#include "core/lang/functions.h"
#include "core/lang/matcher.h"
#include "core/lang/parser.h"

#define error(ps, span, ...) problems_error((ps), (span), NULL, __VA_ARGS__)

static enum lang_type check(struct problems *ps, struct expr *e);

static void
expect_type(struct problems *ps, struct expr *e, enum lang_type want,
            const char *context)
{
    enum lang_type got = check(ps, e);
    if (got != want)
        error(ps, e->span, "expected type %s in %s, got %s",
              lang_type_name(want), context, lang_type_name(got));
}

/* --- selectors ----------------------------------------------------------- */

static void
check_matchers(struct problems *ps, const struct expr *e)
{
    const struct selector *sel = e->sel;
    for (uint32_t i = 0; i < sel->matcher_count; i++)
        if (matcher_match(&sel->matchers[i], SLICE("")) == NO_MATCH)
            return;
    if (sel->binding == BOUND_STREAM)
        error(ps, e->span,
              "queries require at least one regexp or equality matcher that "
              "does not have an empty-compatible value. For instance, "
              "app=~\".*\" does not meet this requirement, but app=~\".+\" "
              "will");
    else
        error(ps, e->span,
              "vector selector must contain at least one non-empty matcher");
}

static void
check_stream(struct problems *ps, const struct expr *e)
{
    const struct selector *sel = e->sel;
    if (sel->extend != EXTEND_NONE)
        error(ps, e->span, "anchored and smoothed are not defined on streams");
}

static enum lang_type
check_selector(struct problems *ps, struct expr *e)
{
    const struct selector *sel = e->sel;
    check_matchers(ps, e);
    if (sel->binding == BOUND_STREAM) {
        check_stream(ps, e);
        char hint[HINT_MAX];
        snprintf(hint, sizeof hint, "count_over_time(%.*s…[5m])",
                 (int)MIN(sel->name.n, (size_t)48), sel->name.p);
        if (!sel->range.present)
            problems_error(ps, e->span, hint,
                           "a stream has values only over a range");
    }
    return sel->range.present ? LANG_MATRIX : LANG_VECTOR;
}

static enum lang_type
check_subquery(struct problems *ps, struct expr *e)
{
    static const char *const names[] = {"none", "scalar", "vector", "matrix",
                                        "string"};
    enum lang_type type = check(ps, e->subquery.arg);
    if (type != LANG_VECTOR)
        error(ps, e->span,
              "subquery is only allowed on instant vector, got %s instead",
              names[type]);
    return LANG_MATRIX;
}

/* --- calls --------------------------------------------------------------- */

static void
check_arg_count(struct problems *ps, const struct expr *e)
{
    const struct lang_func *f = e->call.func;
    const uint32_t n = e->call.count;
    if (f->min_args == f->max_args && n != f->min_args)
        error(ps, e->span, "expected %u argument(s) in call to \"%s\", got %u",
              f->min_args, f->name, n);
    else if (n < f->min_args)
        error(ps, e->span,
              "expected at least %u argument(s) in call to \"%s\", got %u",
              f->min_args, f->name, n);
    else if (n > f->max_args)
        error(ps, e->span,
              "expected at most %u argument(s) in call to \"%s\", got %u",
              f->max_args, f->name, n);
}

/* The second argument of info() is matchers that look like a selector. */
static void
check_info(struct problems *ps, struct expr *e)
{
    struct expr *arg = e->call.args[1];
    if (arg->kind != EXPR_SELECTOR || arg->sel->range.present)
        error(ps, arg->span, "expected label selectors only");
    else if (arg->sel->matcher_count > 0 && ps->text.p[arg->span.start] != '{')
        error(ps, arg->span,
              "expected label selectors only, got vector selector instead");
    arg->type = LANG_VECTOR;
}

/* What reads a range: may this function read this selector? */
static void
check_range_arg(struct problems *ps, struct expr *e, struct expr *arg)
{
    const struct lang_func *f = e->call.func;
    struct selector *sel = arg->kind == EXPR_SELECTOR ? arg->sel : NULL;
    if (sel != NULL && sel->binding == BOUND_NONE && sel->name.n == 0 &&
        ((f->flags & FUNC_STREAM) != 0 || ps->logql))
        sel->binding = BOUND_STREAM; /* {app="a"}: LogQL's */
    if (sel == NULL || sel->binding != BOUND_STREAM) {
        if ((f->flags & FUNC_STREAM) != 0)
            error(ps, arg->span, "function \"%s\" reads streams, not metrics",
                  f->name);
        if (e->call.grouping.kind != GROUP_NONE)
            error(ps, e->span,
                  "grouping behind a function is only allowed over streams");
        if (sel != NULL && sel->name.n == 0 && sel->binding == BOUND_NONE &&
            (f->flags & FUNC_RAW) != 0)
            problems_warn(ps, arg->span, "for events: {…} |= \"\"",
                          "a selector without a name and a pipeline reads "
                          "metrics");
        return;
    }
    if ((f->flags & FUNC_METRIC) != 0 ||
        (f->flags & (FUNC_RAW | FUNC_UNWRAP)) == 0)
        problems_error(ps, arg->span,
                       "count_over_time, rate, bytes_over_time, bytes_rate, "
                       "absent_over_time, or unwrap and …_over_time",
                       "function \"%s\" reads metrics, not streams", f->name);
    else if (sel->unwrap == NULL && (f->flags & FUNC_RAW) == 0)
        problems_error(ps, e->span, "add | unwrap FIELD",
                       "invalid aggregation %s without unwrap", f->name);
    else if (sel->unwrap != NULL && (f->flags & FUNC_UNWRAP) == 0)
        error(ps, e->span, "invalid aggregation %s with unwrap", f->name);
    if (e->call.grouping.kind != GROUP_NONE && (f->flags & FUNC_GROUPING) == 0)
        error(ps, e->span, "grouping not allowed for %s aggregation", f->name);
}

static struct expr *
unparen(struct expr *e)
{
    while (e->kind == EXPR_PAREN)
        e = e->paren;
    return e;
}

static enum lang_type
check_call(struct problems *ps, struct expr *e)
{
    const struct lang_func *f = e->call.func;
    check_arg_count(ps, e);
    if (e->call.grouping.kind != GROUP_NONE && e->call.count == 0)
        error(ps, e->span, "grouping not allowed for %s aggregation", f->name);
    for (uint32_t i = 0; i < e->call.count; i++) {
        struct expr *arg = e->call.args[i];
        if (f->id == FUNC_INFO && i == 1) {
            check_info(ps, e);
            continue;
        }
        /* A stream is bound before it is looked at. */
        enum lang_type want = lang_func_arg(f, i);
        if (want == LANG_MATRIX)
            check_range_arg(ps, e, unparen(arg));
        enum lang_type got = check(ps, arg);
        if (got != want && i < f->max_args)
            error(ps, arg->span,
                  "expected type %s in call to function \"%s\", got %s",
                  lang_type_name(want), f->name, lang_type_name(got));
    }
    return lang_func_result(f);
}

/* --- aggregations -------------------------------------------------------- */

static bool
pipeline_makes_names(const struct selector *sel)
{
    for (const struct pipe_stage *st = sel->pipeline; st; st = st->next)
        if (st->kind >= STAGE_JSON && st->kind <= STAGE_LABEL_FORMAT &&
            st->kind != STAGE_LINE_FORMAT)
            return true;
    return false;
}

/* "by (a)" right over a range function of a stream: the events must have it. */
static void
check_group_fields(struct problems *ps, const struct expr *e,
                   const struct grouping *g, const struct expr *call)
{
    if (g->kind != GROUP_BY || call->kind != EXPR_CALL)
        return;
    const struct selector *sel = NULL;
    for (uint32_t i = 0; i < call->call.count; i++) {
        const struct expr *arg = expr_unparen(call->call.args[i]);
        if (arg->kind == EXPR_SELECTOR && arg->sel->range.present)
            sel = arg->sel;
    }
    if (sel == NULL || sel->stream == NULL || sel->stream->open ||
        pipeline_makes_names(sel))
        return;
    for (uint32_t i = 0; i < g->count; i++) {
        if (stream_field(sel->stream, g->labels[i]) != NULL ||
            slice_eq_str(g->labels[i], "__name__"))
            continue;
        const char *names[256];
        size_t n = 0;
        for (; n < sel->stream->field_count && n < ARRAY_SIZE(names); n++)
            names[n] = sel->stream->fields[n].name;
        char hint[HINT_MAX];
        problems_error(ps, e->span, hint_nearest(g->labels[i], names, n, hint),
                       "stream \"%s\" has no field \"%.*s\"", sel->stream->name,
                       SLICE_FMT(g->labels[i]));
    }
}

static enum lang_type
check_aggregate(struct problems *ps, struct expr *e)
{
    const struct lang_agg *agg = lang_agg_get(e->agg.op);
    expect_type(ps, e->agg.arg, LANG_VECTOR, "aggregation expression");
    if (agg->param != LANG_NONE)
        expect_type(ps, e->agg.param, agg->param, "aggregation parameter");
    check_group_fields(ps, e, &e->agg.grouping, expr_unparen(e->agg.arg));
    return LANG_VECTOR;
}

/* --- operators ----------------------------------------------------------- */

static void
check_labels_once(struct problems *ps, const struct expr *e)
{
    const struct matching *m = &e->binary.match;
    for (uint32_t i = 0; m->on && i < m->label_count; i++)
        for (uint32_t j = 0; j < m->include_count; j++)
            if (slice_eq(m->labels[i], m->include[j]))
                error(ps, e->binary.op_span,
                      "label \"%.*s\" must not occur in ON and GROUP clause "
                      "at once",
                      SLICE_FMT(m->labels[i]));
}

static void
check_matching(struct problems *ps, const struct expr *e, bool vectors)
{
    const struct matching *m = &e->binary.match;
    const enum binary_op op = e->binary.op;
    bool fills = m->has_fill_left || m->has_fill_right;
    if (!vectors) {
        if (m->label_count > 0)
            error(ps, e->span,
                  "vector matching only allowed between instant vectors");
        if (fills)
            error(ps, e->span,
                  "filling in missing series only allowed between instant "
                  "vectors");
    } else if (binary_is_set(op)) {
        if (m->card == CARD_MANY_TO_ONE || m->card == CARD_ONE_TO_MANY)
            error(ps, e->span, "no grouping allowed for \"%s\" operation",
                  binary_op_name(op));
        if (fills)
            error(ps, e->span,
                  "filling in missing series not allowed for set operators");
    }
}

static enum lang_type
check_binary(struct problems *ps, struct expr *e)
{
    struct expr *left = e->binary.left, *right = e->binary.right;
    const enum binary_op op = e->binary.op;
    enum lang_type lt = check(ps, left), rt = check(ps, right);
    bool scalars = lt == LANG_SCALAR && rt == LANG_SCALAR;
    if (e->binary.is_bool && !binary_is_comparison(op))
        error(ps, e->binary.op_span,
              "bool modifier can only be used on comparison operators");
    if (binary_is_comparison(op) && !e->binary.is_bool && scalars && !ps->logql)
        error(ps, e->binary.op_span,
              "comparisons between scalars must use BOOL modifier");
    check_labels_once(ps, e);
    if (lt != LANG_SCALAR && lt != LANG_VECTOR)
        error(ps, left->span,
              "binary expression must contain only scalar and instant vector "
              "types");
    if (rt != LANG_SCALAR && rt != LANG_VECTOR)
        error(ps, right->span,
              "binary expression must contain only scalar and instant vector "
              "types");
    check_matching(ps, e, lt == LANG_VECTOR && rt == LANG_VECTOR);
    if ((lt == LANG_SCALAR || rt == LANG_SCALAR) && binary_is_set(op))
        error(ps, e->span,
              "set operator \"%s\" not allowed in binary scalar expression",
              binary_op_name(op));
    return scalars ? LANG_SCALAR : LANG_VECTOR;
}

static enum lang_type
check_unary(struct problems *ps, struct expr *e)
{
    enum lang_type type = check(ps, e->unary.arg);
    if (type != LANG_SCALAR && type != LANG_VECTOR)
        error(ps, e->span,
              "unary expression only allowed on expressions of type scalar or "
              "instant vector, got \"%s\"",
              lang_type_name(type));
    return type;
}

static enum lang_type
check_node(struct problems *ps, struct expr *e)
{
    switch (e->kind) {
    case EXPR_NUMBER:
        return LANG_SCALAR;
    case EXPR_STRING:
        return LANG_STRING;
    case EXPR_SELECTOR:
        return check_selector(ps, e);
    case EXPR_SUBQUERY:
        return check_subquery(ps, e);
    case EXPR_CALL:
        return check_call(ps, e);
    case EXPR_AGGREGATE:
        return check_aggregate(ps, e);
    case EXPR_BINARY:
        return check_binary(ps, e);
    case EXPR_UNARY:
        return check_unary(ps, e);
    case EXPR_PAREN:
        return check(ps, e->paren);
    default:
        return LANG_NONE;
    }
}

static enum lang_type
check(struct problems *ps, struct expr *e)
{
    e->type = check_node(ps, e);
    return e->type;
}

void
types_check(struct problems *ps, struct expr *e)
{
    (void)check(ps, e);
}

void
types_check_selector(struct problems *ps, struct expr *e)
{
    if (e->kind != EXPR_SELECTOR || e->sel->range.present ||
        e->sel->mod.at != AT_NONE || e->sel->mod.offset.present ||
        e->sel->extend != EXTEND_NONE || e->sel->unwrap != NULL) {
        problems_error(ps, e->span, "name{label=\"value\"}",
                       "expected a selector without range and modifiers");
        return;
    }
    check_matchers(ps, e);
    e->type = LANG_VECTOR;
}
