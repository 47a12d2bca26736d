/* SPDX-License-Identifier: Apache-2.0 */
/* reach.c - what each rule reads: inputs, and other rules; and from that the
 * order in which the rules of a slot are evaluated. */
#include "config.h"

#include <stdlib.h>

#include "core/engine/engine_priv.h"
#include "core/lang/matcher.h"
#include "core/lang/query.h"

/* Inputs of a rule, as bytes by id, while they are being found. */
struct reaching {
    struct plan *plan;
    struct rule *rule;
    uint8_t *inputs; /* n_rules × n_inputs */
    uint32_t n_inputs;
};

/* --- what an expression names ------------------------------------------- */

static bool
name_matches(const struct selector *sel, struct slice name)
{
    if (sel->name.n > 0)
        return slice_eq(sel->name, name);
    return matchers_take_name(sel->matchers, sel->matcher_count, name);
}

static bool
input_makes(const struct schema *s, const struct schema_input *in,
            const struct selector *sel)
{
    bool stream = sel->binding == BOUND_STREAM;
    uint32_t n = stream ? in->n_streams : in->n_metrics;
    for (uint32_t i = 0; in->active && i < n; i++) {
        struct slice name = stream ? s->streams[in->streams[i]].name
                                   : s->metrics[in->metrics[i]].name;
        if (name_matches(sel, name))
            return true;
    }
    return false;
}

/* The rules whose alerts it names are read of the slot before: they decide
 * nothing about the order, but what must have been seen.  A question (trial.h)
 * is asked when its slot is over. */
static int
hear_alerts(struct reaching *rg, const struct selector *sel)
{
    struct plan *p = rg->plan;
    p->alerts_read = true;
    for (uint32_t i = 0; i < p->rules.n; i++) {
        const struct rule_def *d = p->rules.p[i].def;
        bool named = d->is_alert;
        for (uint32_t k = 0; named && k < sel->matcher_count; k++) {
            const struct matcher *m = &sel->matchers[k];
            named = !slice_eq_str(m->name, "alertname") ||
                    matcher_match(m, d->name) == MATCH;
        }
        if (!named)
            continue;
        int e = rg->rule->def->question > 0 ? vec_push(&rg->rule->reads, i)
                                            : vec_push(&rg->rule->hears, i);
        if (e < 0)
            return -ENOMEM;
    }
    return 0;
}

static int
reach_selector(struct reaching *rg, const struct selector *sel)
{
    struct plan *p = rg->plan;
    for (uint32_t i = 0; i < rg->n_inputs; i++) {
        if (input_makes(p->schema, &p->schema->inputs[i], sel))
            rg->inputs[rg->rule->index * rg->n_inputs + i] = 1;
    }
    if (name_is_of_alerts(sel->name) && hear_alerts(rg, sel) < 0)
        return -ENOMEM;
    for (uint32_t i = 0; sel->binding != BOUND_STREAM && i < p->rules.n; i++) {
        const struct rule *r = &p->rules.p[i];
        if (!r->def->is_alert && name_matches(sel, r->def->name) &&
            vec_push(&rg->rule->reads, i) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int
reach_expr(const struct expr *e, void *arg)
{
    struct reaching *rg = arg;
    if (e->kind == EXPR_SELECTOR)
        return reach_selector(rg, e->sel);
    if (e->kind != EXPR_CALL || e->call.func->id != FUNC_INFO)
        return 0;
    const struct selector *sel = info_selector(&rg->plan->graph.arena, e);
    int r = sel == NULL ? -ENOMEM : reach_selector(rg, sel);
    if (r == 0)
        r = expr_walk(e->call.args[0], reach_expr, NULL, rg);
    return r < 0 ? r : EXPR_SKIP;
}

/* --- sets of inputs ----------------------------------------------------- */

static int
set_of(struct plan *p, const uint8_t *inputs, uint32_t n_inputs, uint32_t *ret)
{
    uint16_t *ids = arena_new_array(&p->graph.arena, uint16_t, n_inputs + 1);
    uint32_t n = 0;
    if (ids == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < n_inputs; i++) {
        if (inputs[i])
            ids[n++] = (uint16_t)i;
    }
    for (uint32_t i = 0; i < p->sets.n; i++) {
        const struct inputset *s = &p->sets.p[i];
        if (s->n == n && memcmp(s->ids, ids, n * sizeof *ids) == 0) {
            *ret = i;
            return 0;
        }
    }
    struct inputset s = {.n = n,
                         .ids = ids,
                         .watermark = USEC_NONE,
                         .newest = USEC_NONE,
                         .since = USEC_NONE};
    *ret = p->sets.n;
    return vec_push(&p->sets, s);
}

/* Adds the inputs of rule 'from' to those of 'to': were there new ones? */
static bool
reach_add(struct reaching *rg, uint32_t to, uint32_t from)
{
    bool more = false;
    for (uint32_t j = 0; j < rg->n_inputs; j++) {
        uint8_t *in = &rg->inputs[to * rg->n_inputs + j];
        bool other = rg->inputs[from * rg->n_inputs + j];
        more |= other && !*in;
        *in |= other;
    }
    return more;
}

/* A rule reads what the rules read that it reads. */
static void
reach_through(struct reaching *rg)
{
    struct plan *p = rg->plan;
    for (bool more = true; more;) {
        more = false;
        for (uint32_t i = 0; i < p->rules.n; i++) {
            const struct rule *r = &p->rules.p[i];
            for (uint32_t k = 0; k < r->reads.n; k++)
                more |= reach_add(rg, i, r->reads.p[k]);
            for (uint32_t k = 0; k < r->hears.n; k++)
                more |= reach_add(rg, i, r->hears.p[k]);
        }
    }
}

/* --- order -------------------------------------------------------------- */

static bool
rule_is_ready(const struct plan *p, const struct rule *r, const bool *done)
{
    for (uint32_t i = 0; i < r->reads.n; i++) {
        if (!done[r->reads.p[i]])
            return false;
    }
    (void)p;
    return true;
}

/* Does the rule read itself, through others that are not done? */
static bool
rule_reads_itself(const struct plan *p, uint32_t rule, const bool *done,
                  bool *seen, uint32_t *stack)
{
    uint32_t n = 0;
    memset(seen, 0, p->rules.n * sizeof *seen);
    stack[n++] = rule;
    while (n > 0) {
        const struct rule *r = &p->rules.p[stack[--n]];
        for (uint32_t i = 0; i < r->reads.n; i++) {
            uint32_t k = r->reads.p[i];
            if (k == rule)
                return true;
            if (!done[k] && !seen[k]) {
                seen[k] = true;
                stack[n++] = k;
            }
        }
    }
    return false;
}

static int
order_rules(struct plan *p)
{
    uint32_t n = p->rules.n;
    bool *done = mem_new_array(bool, n + 1);
    bool *seen = mem_new_array(bool, n + 1);
    uint32_t *stack = mem_new_array(uint32_t, n + 1);
    int e = done == NULL || seen == NULL || stack == NULL ? -ENOMEM : 0;
    while (e == 0 && p->order.n < n) {
        uint32_t before = p->order.n;
        for (uint32_t i = 0; e == 0 && i < n; i++) {
            if (done[i] || !rule_is_ready(p, &p->rules.p[i], done))
                continue;
            done[i] = true;
            e = vec_push(&p->order, i);
        }
        if (p->order.n > before)
            continue;
        /* All that are left stand in a cycle or behind one. */
        for (uint32_t i = 0; e == 0 && i < n; i++) {
            if (done[i] || !rule_reads_itself(p, i, done, seen, stack))
                continue;
            done[i] = true;
            p->rules.p[i].in_cycle = true;
            e = vec_push(&p->order, i);
            break;
        }
    }
    for (uint32_t i = 0; i < p->order.n; i++)
        p->rules.p[p->order.p[i]].rank = i;
    mem_free(done);
    mem_free(seen);
    mem_free(stack);
    return e;
}

static int
reach_rule(struct reaching *rg)
{
    const struct rule_query *q;
    struct rule_query room;
    int e = 0;
    for (uint32_t i = 0;
         e == 0 && (q = rule_def_query(rg->rule->def, i, &room)) != NULL; i++)
        e = expr_walk(q->query->root, reach_expr, NULL, rg);
    return e;
}

int
plan_reach(struct plan *p)
{
    struct reaching rg = {.plan = p, .n_inputs = p->schema->n_inputs};
    rg.inputs = mem_calloc(p->rules.n + 1, rg.n_inputs + 1);
    int e = rg.inputs == NULL ? -ENOMEM : 0;
    for (uint32_t i = 0; e == 0 && i < p->rules.n; i++) {
        rg.rule = &p->rules.p[i];
        e = reach_rule(&rg);
    }
    if (e == 0) {
        reach_through(&rg);
        e = order_rules(p);
    }
    for (uint32_t i = 0; e == 0 && i < p->rules.n; i++)
        e = set_of(p, &rg.inputs[i * rg.n_inputs], rg.n_inputs,
                   &p->rules.p[i].set);
    mem_free(rg.inputs);
    return e;
}
