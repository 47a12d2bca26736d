/* SPDX-License-Identifier: Apache-2.0 */
/* arrival.c - which rules are tried when a record arrives.
 *
 * Those that more events can only make truer, in the shape of one count of
 * events (or its rate, or a sum of them by some labels) compared with a
 * number by > or >=.  What such a rule sees on arrival is what its coming
 * slot will see of the events so far: the two never disagree.
 * doc/decisions/arrival.md has the reasoning. */
#include "config.h"

#include <stdlib.h>

#include "core/engine/arrival.h"
#include "core/engine/engine_priv.h"
#include "core/lang/query.h"

static const char *
call_reason(const struct expr *e)
{
    if (e->kind == EXPR_AGGREGATE) {
        if (e->agg.op != AGG_SUM || e->agg.grouping.kind == GROUP_WITHOUT)
            return "only a sum by labels is known to grow with each event";
        e = expr_unparen(e->agg.arg);
    }
    if (e->kind != EXPR_CALL || (e->call.func->id != FUNC_COUNT_OVER_TIME &&
                                 e->call.func->id != FUNC_RATE))
        return "it is more than one count of events compared with a number";
    const struct expr *m = expr_unparen(e->call.args[0]);
    if (m->sel->binding != BOUND_STREAM)
        return "it reads samples";
    if (m->sel->unwrap != NULL)
        return "values of events may be negative";
    if (m->sel->mod.offset.us != 0)
        return "it has an offset";
    return NULL;
}

/* The count and the limit of "count > limit" or "limit < count". */
static const char *
compare_reason(const struct expr *e, struct arrival_shape *ret)
{
    const struct expr *l = expr_unparen(e->binary.left);
    const struct expr *r = expr_unparen(e->binary.right);
    enum binary_op op = e->binary.op;
    if (l->kind == EXPR_NUMBER) {
        const struct expr *swap = l;
        l = r;
        r = swap;
        op = op == BIN_LT   ? BIN_GT
             : op == BIN_LE ? BIN_GE
             : op == BIN_GT ? BIN_LT
             : op == BIN_GE ? BIN_LE
                            : op;
    }
    if (r->kind != EXPR_NUMBER || e->binary.is_bool)
        return "it is more than one count of events compared with a number";
    if (op != BIN_GT && op != BIN_GE)
        return "only > and >= become truer with more events";
    ret->count = l;
    ret->op = op;
    ret->limit = r->number;
    return call_reason(l);
}

const char *
arrival_reason(const struct rule_def *def, struct arrival_shape *ret)
{
    *ret = (struct arrival_shape){.op = BIN_GT};
    if (def->kind != RULE_EXPR)
        return "what is missing, and what follows what, is known at a slot";
    const struct expr *e = expr_unparen(def->query->root);
    ret->count = e;
    if (!def->is_alert)
        return "a recording rule has a value at each slot";
    if (def->for_us > 0)
        return "it has a 'for'";
    if (def->offset_us > 0)
        return "its group has a query_offset";
    if (e->kind == EXPR_BINARY && binary_is_comparison(e->binary.op))
        return compare_reason(e, ret);
    return call_reason(e);
}

/* --- for a plan --------------------------------------------------------- */

static struct node *
events_of(struct node *root)
{
    if (root->kind == NODE_EVENTS)
        return root;
    for (uint32_t i = 0; i < root->n_args; i++) {
        if (root->args[i]->kind == NODE_EVENTS)
            return root->args[i];
    }
    return NULL;
}

static int
arrival_cmp(const void *a, const void *b)
{
    const struct arrival *x = a, *y = b;
    if (x->need != y->need)
        return x->need < y->need ? -1 : 1;
    return (x->rule->index > y->rule->index) -
           (x->rule->index < y->rule->index);
}

static int
arrival_add(struct plan *p, struct rule *r)
{
    struct arrival_shape shape;
    r->arrival_reason = arrival_reason(r->def, &shape);
    struct node *n = r->arrival_reason == NULL ? events_of(r->root) : NULL;
    if (n == NULL)
        return 0;
    uint32_t need = MAX(events_need(n, shape.op, shape.limit), 1u);
    struct sink *s = plan_sink(p, window_node(n->events.window));
    if (s->n_arrivals == UINT16_MAX) {
        r->arrival_reason = "too many rules read the same events";
        return 0;
    }
    struct arrival *list =
        mem_realloc(s->arrivals, s->n_arrivals + 1, sizeof *list);
    if (list == NULL)
        return -ENOMEM;
    list[s->n_arrivals++] = (struct arrival){need, r, n};
    s->arrivals = list;
    r->arrival = s;
    return 0;
}

int
plan_arrivals(struct plan *p)
{
    for (uint32_t i = 0; i < p->rules.n; i++) {
        if (arrival_add(p, &p->rules.p[i]) < 0)
            return -ENOMEM;
    }
    for (uint32_t i = 0; i < p->sinks.n; i++) {
        struct sink *s = p->sinks.p[i];
        if (s->n_arrivals > 0)
            qsort(s->arrivals, s->n_arrivals, sizeof *s->arrivals, arrival_cmp);
    }
    return 0;
}
