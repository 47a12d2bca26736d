/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/shape.h"

#include <tocsin/plugin.h>

#include "core/engine/rulefile.h"
#include "core/lang/catalog.h"
#include "core/lang/functions.h"
#include "core/lang/query.h"
#include "core/record/schema.h"

#define DEPTH_MAX 4u /* recording rules that read recording rules */

/* --- sets ---------------------------------------------------------------- */

static bool
is_listed(const struct shape *s, struct slice name)
{
    for (uint32_t i = 0; i < s->n; i++) {
        if (slice_eq(s->names[i], name))
            return true;
    }
    return false;
}

bool
shape_may_have(const struct shape *s, struct slice name)
{
    return slice_eq_str(name, "__name__") || is_listed(s, name) != s->open;
}

static void
list_remove(struct shape *s, struct slice name)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        if (!slice_eq(s->names[i], name))
            s->names[n++] = s->names[i];
    }
    s->n = n;
}

void
shape_add(struct shape *s, struct slice name)
{
    if (s->open)
        list_remove(s, name);
    else if (s->n < SHAPE_MAX && !is_listed(s, name))
        s->names[s->n++] = name;
    else if (!is_listed(s, name))
        *s = (struct shape){.open = true};
}

static void
shape_remove(struct shape *s, struct slice name)
{
    if (!s->open)
        list_remove(s, name);
    else if (s->n < SHAPE_MAX && !is_listed(s, name))
        s->names[s->n++] = name;
}

static void
shape_intersect(struct shape *a, const struct shape *b)
{
    if (a->open && !b->open) {
        struct shape open = *a;
        *a = *b;
        b = &open;
        for (uint32_t i = 0; i < b->n; i++)
            list_remove(a, b->names[i]);
        return;
    }
    if (a->open) {
        for (uint32_t i = 0; i < b->n; i++)
            shape_remove(a, b->names[i]);
        return;
    }
    for (uint32_t i = a->n; i > 0; i--) {
        if (!shape_may_have(b, a->names[i - 1]))
            list_remove(a, a->names[i - 1]);
    }
}

static void
shape_unite(struct shape *a, const struct shape *b)
{
    if (!b->open) {
        for (uint32_t i = 0; i < b->n; i++)
            shape_add(a, b->names[i]);
        return;
    }
    struct shape both = {.open = true};
    for (uint32_t i = 0; i < b->n; i++) {
        if (!shape_may_have(a, b->names[i]))
            shape_remove(&both, b->names[i]);
    }
    *a = both;
}

static void
shape_keep(struct shape *s, const struct slice *names, uint32_t n)
{
    struct shape only = {.n = 0};
    for (uint32_t i = 0; i < n; i++) {
        if (shape_may_have(s, names[i]))
            shape_add(&only, names[i]);
    }
    *s = only;
}

/* --- selectors ----------------------------------------------------------- */

static bool
pipeline_makes_labels(const struct selector *sel)
{
    for (const struct pipe_stage *st = sel->pipeline; st; st = st->next) {
        if (st->kind != STAGE_LINE_FILTER && st->kind != STAGE_FILTER &&
            st->kind != STAGE_UNWRAP)
            return true;
    }
    return false;
}

/* A field becomes a label where an enclosing clause names it. */
static void
shape_of_stream(const struct selector *sel, struct shape *ret)
{
    const struct lang_stream *st = sel->stream;
    ret->open = st == NULL || st->open || pipeline_makes_labels(sel);
    for (uint32_t i = 0; !ret->open && i < st->field_count; i++)
        shape_add(ret, slice_from_str(st->fields[i].name));
}

/* What all rules make that record this name. */
static bool
shape_of_recorded(const struct shaping *sg, struct slice name,
                  struct shape *ret)
{
    struct shaping below = {sg->schema, sg->book, sg->depth + 1};
    bool found = false;
    for (uint32_t i = 0; i < sg->book->rules.n; i++) {
        const struct rule_def *d = &sg->book->rules.p[i];
        if (d->is_alert || !slice_eq(d->name, name))
            continue;
        struct shape s = {.open = true};
        if (d->query != NULL && sg->depth < DEPTH_MAX)
            shape_of(&below, d->query->root, &s);
        for (uint32_t k = 0; k < d->n_labels; k++)
            shape_add(&s, d->labels[k].name);
        if (found)
            shape_unite(ret, &s);
        else
            *ret = s;
        found = true;
    }
    return found;
}

/* What a decoder derives from events has the labels of its table; a scrape
 * adds those of its target. */
static bool
shape_of_derived(const struct schema *schema, struct slice name,
                 struct shape *ret)
{
    int id = schema_find_metric(schema, name);
    if (id < 0 || schema->metrics[id].type != TOCSIN_STATE)
        return false;
    const struct schema_metric *m = &schema->metrics[id];
    for (uint32_t i = 0; i < m->n_labels; i++)
        shape_add(ret, m->labels[i].name);
    return true;
}

static void
shape_of_selector(const struct shaping *sg, const struct selector *sel,
                  struct shape *ret)
{
    if (sel->binding == BOUND_STREAM) {
        shape_of_stream(sel, ret);
        return;
    }
    if (sel->name.n == 0 || (!shape_of_derived(sg->schema, sel->name, ret) &&
                             !shape_of_recorded(sg, sel->name, ret)))
        *ret = (struct shape){.open = true};
    for (uint32_t i = 0; i < sel->matcher_count; i++) {
        const struct matcher *m = &sel->matchers[i];
        if (m->op == MATCHER_EQ && m->value.n == 0)
            shape_remove(ret, m->name);
    }
}

/* --- the rest ------------------------------------------------------------ */

/* The labels that absent() makes up. */
static void
shape_of_absent(const struct expr *arg, struct shape *ret)
{
    arg = expr_unparen(arg);
    if (arg->kind != EXPR_SELECTOR)
        return;
    for (uint32_t i = 0; i < arg->sel->matcher_count; i++) {
        const struct matcher *m = &arg->sel->matchers[i];
        if (m->op == MATCHER_EQ && m->value.n > 0)
            shape_add(ret, m->name);
    }
}

static void
shape_of_call(const struct shaping *sg, const struct expr *e, struct shape *ret)
{
    enum func_id func = e->call.func->id;
    if (e->type != LANG_VECTOR || e->call.count == 0)
        return;
    if (func == FUNC_ABSENT || func == FUNC_ABSENT_OVER_TIME) {
        shape_of_absent(e->call.args[0], ret);
        return;
    }
    if (func == FUNC_INFO) {
        ret->open = true;
        return;
    }
    for (uint32_t i = 0; i < e->call.count; i++) {
        const struct expr *a = expr_unparen(e->call.args[i]);
        if (a->type != LANG_VECTOR && a->type != LANG_MATRIX)
            continue;
        shape_of(sg, a, ret);
        break;
    }
    const struct grouping *g = &e->call.grouping;
    if (g->kind == GROUP_BY)
        shape_keep(ret, g->labels, g->count);
    for (uint32_t i = 0; g->kind == GROUP_WITHOUT && i < g->count; i++)
        shape_remove(ret, g->labels[i]);
    if (func == FUNC_HISTOGRAM_QUANTILE || func == FUNC_HISTOGRAM_QUANTILES ||
        func == FUNC_HISTOGRAM_FRACTION)
        shape_remove(ret, SLICE("le"));
    if (func == FUNC_LABEL_REPLACE || func == FUNC_LABEL_JOIN ||
        func == FUNC_HISTOGRAM_QUANTILES) {
        const struct expr *to = expr_unparen(e->call.args[1]);
        if (to->kind == EXPR_STRING)
            shape_add(ret, to->string);
    }
}

static void
shape_of_aggregate(const struct shaping *sg, const struct expr *e,
                   struct shape *ret)
{
    const struct grouping *g = &e->agg.grouping;
    enum agg_op op = e->agg.op;
    shape_of(sg, e->agg.arg, ret);
    if (op == AGG_TOPK || op == AGG_BOTTOMK || op == AGG_LIMITK ||
        op == AGG_LIMIT_RATIO)
        return;
    if (g->kind != GROUP_WITHOUT)
        shape_keep(ret, g->labels, g->count);
    for (uint32_t i = 0; g->kind == GROUP_WITHOUT && i < g->count; i++)
        shape_remove(ret, g->labels[i]);
    if (op == AGG_COUNT_VALUES &&
        expr_unparen(e->agg.param)->kind == EXPR_STRING)
        shape_add(ret, expr_unparen(e->agg.param)->string);
}

static void
shape_of_binary(const struct shaping *sg, const struct expr *e,
                struct shape *ret)
{
    const struct matching *m = &e->binary.match;
    const struct expr *l = e->binary.left, *r = e->binary.right;
    struct shape other = {.n = 0};
    if (l->type != LANG_VECTOR || r->type != LANG_VECTOR) {
        shape_of(sg, l->type == LANG_VECTOR ? l : r, ret);
        return;
    }
    bool swap = m->card == CARD_ONE_TO_MANY;
    shape_of(sg, swap ? r : l, ret);
    if (e->binary.op == BIN_AND || e->binary.op == BIN_UNLESS)
        return;
    shape_of(sg, swap ? l : r, &other);
    if (e->binary.op == BIN_OR) {
        shape_unite(ret, &other);
    } else if (m->card == CARD_ONE_TO_ONE && m->on) {
        shape_keep(ret, m->labels, m->label_count);
    } else if (m->card == CARD_ONE_TO_ONE) {
        for (uint32_t i = 0; i < m->label_count; i++)
            shape_remove(ret, m->labels[i]);
        if (!m->has_fill_left && !m->has_fill_right)
            shape_intersect(ret, &other);
    } else {
        for (uint32_t i = 0; i < m->include_count; i++) {
            if (shape_may_have(&other, m->include[i]))
                shape_add(ret, m->include[i]);
        }
    }
}

void
shape_of(const struct shaping *sg, const struct expr *e, struct shape *ret)
{
    e = expr_unparen(e);
    *ret = (struct shape){.n = 0};
    switch (e->kind) {
    case EXPR_SELECTOR:
        shape_of_selector(sg, e->sel, ret);
        break;
    case EXPR_SUBQUERY:
        shape_of(sg, e->subquery.arg, ret);
        break;
    case EXPR_CALL:
        shape_of_call(sg, e, ret);
        break;
    case EXPR_AGGREGATE:
        shape_of_aggregate(sg, e, ret);
        break;
    case EXPR_BINARY:
        shape_of_binary(sg, e, ret);
        break;
    case EXPR_UNARY:
        shape_of(sg, e->unary.arg, ret);
        break;
    default: /* a scalar: no labels */
        break;
    }
}
