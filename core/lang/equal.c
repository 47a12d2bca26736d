/* SPDX-License-Identifier: Apache-2.0 */
/* equal.c - do two trees mean the same? */
#include "config.h"

#include <math.h>

#include "core/lang/ast.h"
#include "core/lang/functions.h"

static bool
number_equal(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

static bool
labels_equal(const struct slice *a, uint32_t n, const struct slice *b,
             uint32_t m)
{
    if (n != m)
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (!slice_eq(a[i], b[i]))
            return false;
    return true;
}

static bool
duration_equal(const struct lang_duration *a, const struct lang_duration *b)
{
    if ((a->expr == NULL) != (b->expr == NULL))
        return false;
    return a->expr != NULL ? expr_equal(a->expr, b->expr) : a->us == b->us;
}

static bool
modifiers_equal(const struct modifiers *a, const struct modifiers *b)
{
    return a->at == b->at && (a->at != AT_TIME || a->at_us == b->at_us) &&
           duration_equal(&a->offset, &b->offset);
}

static bool
matcher_equal(const struct matcher *a, const struct matcher *b)
{
    return slice_eq(a->name, b->name) && a->op == b->op &&
           slice_eq(a->value, b->value);
}

/* --- pipelines ----------------------------------------------------------- */

static bool
filter_equal(const struct pipe_filter *a, const struct pipe_filter *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case FILTER_AND:
    case FILTER_OR:
        return filter_equal(a->left, b->left) &&
               filter_equal(a->right, b->right);
    case FILTER_STRING:
        return matcher_equal(&a->matcher, &b->matcher);
    case FILTER_IP:
        return slice_eq(a->matcher.name, b->matcher.name) && a->op == b->op &&
               slice_eq(a->matcher.value, b->matcher.value);
    default:
        return slice_eq(a->matcher.name, b->matcher.name) && a->op == b->op &&
               number_equal(a->number, b->number);
    }
}

static bool
line_equal(const struct line_filter *a, const struct line_filter *b)
{
    if (a->op != b->op || a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (!slice_eq(a->texts[i].text, b->texts[i].text) ||
            a->texts[i].is_ip != b->texts[i].is_ip)
            return false;
    return true;
}

static bool
item_equal(const struct pipe_item *a, const struct pipe_item *b)
{
    if (!slice_eq(a->name, b->name) || !slice_eq(a->source, b->source) ||
        a->is_template != b->is_template ||
        (a->matcher == NULL) != (b->matcher == NULL))
        return false;
    return a->matcher == NULL || matcher_equal(a->matcher, b->matcher);
}

static bool
stage_equal(const struct pipe_stage *a, const struct pipe_stage *b)
{
    if (a->kind != b->kind || a->item_count != b->item_count ||
        a->strict != b->strict || a->keep_empty != b->keep_empty ||
        a->as != b->as || !slice_eq(a->text, b->text) ||
        !slice_eq(a->name, b->name) || !line_equal(&a->line, &b->line))
        return false;
    for (uint32_t i = 0; i < a->item_count; i++)
        if (!item_equal(&a->items[i], &b->items[i]))
            return false;
    return a->kind != STAGE_FILTER || filter_equal(a->filter, b->filter);
}

static bool
selector_equal(const struct selector *a, const struct selector *b)
{
    if (a->matcher_count != b->matcher_count || a->extend != b->extend ||
        a->range.present != b->range.present ||
        !duration_equal(&a->range, &b->range) ||
        !modifiers_equal(&a->mod, &b->mod))
        return false;
    for (uint32_t i = 0; i < a->matcher_count; i++)
        if (!matcher_equal(&a->matchers[i], &b->matchers[i]))
            return false;
    const struct pipe_stage *s = a->pipeline, *t = b->pipeline;
    for (; s != NULL && t != NULL; s = s->next, t = t->next)
        if (!stage_equal(s, t))
            return false;
    return s == t;
}

/* --- expressions --------------------------------------------------------- */

static bool
grouping_equal(const struct grouping *a, const struct grouping *b)
{
    return a->kind == b->kind &&
           labels_equal(a->labels, a->count, b->labels, b->count);
}

static bool
matching_equal(const struct matching *a, const struct matching *b)
{
    return a->card == b->card && a->on == b->on &&
           labels_equal(a->labels, a->label_count, b->labels, b->label_count) &&
           labels_equal(a->include, a->include_count, b->include,
                        b->include_count) &&
           a->has_fill_left == b->has_fill_left &&
           a->has_fill_right == b->has_fill_right &&
           number_equal(a->fill_left, b->fill_left) &&
           number_equal(a->fill_right, b->fill_right);
}

static bool
node_equal(const struct expr *a, const struct expr *b)
{
    switch (a->kind) {
    case EXPR_NUMBER:
        return number_equal(a->number, b->number);
    case EXPR_STRING:
        return slice_eq(a->string, b->string);
    case EXPR_SELECTOR:
        return selector_equal(a->sel, b->sel);
    case EXPR_SUBQUERY:
        return duration_equal(&a->subquery.range, &b->subquery.range) &&
               a->subquery.step.present == b->subquery.step.present &&
               duration_equal(&a->subquery.step, &b->subquery.step) &&
               modifiers_equal(&a->subquery.mod, &b->subquery.mod);
    case EXPR_CALL:
        return a->call.func == b->call.func &&
               grouping_equal(&a->call.grouping, &b->call.grouping);
    case EXPR_AGGREGATE:
        return a->agg.op == b->agg.op &&
               grouping_equal(&a->agg.grouping, &b->agg.grouping);
    case EXPR_BINARY:
        return a->binary.op == b->binary.op &&
               a->binary.is_bool == b->binary.is_bool &&
               matching_equal(&a->binary.match, &b->binary.match);
    case EXPR_UNARY:
        return a->unary.minus == b->unary.minus;
    default:
        return false;
    }
}

bool
expr_equal(const struct expr *a, const struct expr *b)
{
    a = expr_unparen(a);
    b = expr_unparen(b);
    if (a->kind != b->kind || expr_child_count(a) != expr_child_count(b) ||
        !node_equal(a, b))
        return false;
    for (uint32_t i = 0; i < expr_child_count(a); i++)
        if (!expr_equal(expr_child(a, i), expr_child(b, i)))
            return false;
    return true;
}
