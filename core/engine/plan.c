/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/plan.h"

#include <stdlib.h>

#include "core/base/hash.h"
#include "core/base/regex.h"
#include "core/engine/engine_priv.h"
#include "core/engine/keys.h"
#include "core/engine/kind.h"
#include "core/engine/memo.h"
#include "core/engine/staged.h"
#include "core/engine/tap.h"
#include "core/lang/query.h"

/* --- identity ----------------------------------------------------------- */

static uint64_t
hash_labels(uint64_t h, const struct rule_def *d)
{
    for (uint32_t i = 0; i < d->n_labels; i++)
        h = hash_mix(hash_mix(h, hash_slice(d->labels[i].name)),
                     hash_slice(d->labels[i].text));
    return h;
}

struct number {
    const struct plan *p;
    uint64_t n;
};

static bool
id_eq(const void *ctx, uint32_t index)
{
    const struct number *c = ctx;
    return c->p->rules.p[index].id == c->n;
}

static bool
uid_eq(const void *ctx, uint32_t index)
{
    const struct number *c = ctx;
    return c->p->rules.p[index].uid == c->n;
}

static bool
kind_eq(const void *ctx, uint32_t index)
{
    const struct number *c = ctx;
    return c->p->rules.p[index].kind_node == c->n;
}

static bool
sink_eq(const void *ctx, uint32_t index)
{
    const struct number *c = ctx;
    return c->p->sinks.p[index]->id == c->n;
}

/* The k-th of equals gets a number of its own. */
static uint64_t
rule_number(const struct plan *p, const struct table *t, table_eq_fn eq,
            uint64_t id)
{
    struct number c = {p, id};
    for (uint32_t k = 0; table_find(t, c.n, eq, &c) != TABLE_NONE;)
        c.n = hash_mix(id, ++k);
    return c.n;
}

/* What the state of a rule hangs on.  'missing' goes on, with its keys, where
 * only its times or its inventory change; an alert goes on anyway. */
static int
print_meaning(const struct rule_def *d, struct buf *b)
{
    if (d->kind == RULE_EXPR)
        return expr_print(d->query->root, b);
    if (d->kind == RULE_SEQUENCE)
        return buf_append_slice(b, d->expr);
    (void)buf_append_str(b, "missing ");
    (void)expr_print(d->missing.select.query->root, b);
    if (d->missing.until.query != NULL) {
        (void)buf_append_str(b, " until ");
        (void)expr_print(d->missing.until.query->root, b);
    }
    for (uint32_t i = 0; i < d->n_by; i++)
        (void)buf_append_json_string(b, d->by[i]);
    return buf_error(b);
}

static int
rule_identify(struct plan *p, struct rule *r)
{
    const struct rule_def *d = r->def;
    AUTO_FINI(buf) b = BUF_INIT(1 << 20);
    if (print_meaning(d, &b) < 0)
        return -ENOMEM;
    r->kin = hash_mix(d->is_alert ? 1 : 2, hash_slice(d->name));
    r->kin = hash_labels(r->kin, d);
    uint64_t h = hash_mix(r->kin, hash_slice(buf_slice(&b)));
    h = hash_mix(h, (uint64_t)d->interval_us);
    h = hash_mix(h, (uint64_t)d->offset_us);
    if (d->origin_us != 0)
        h = hash_mix(h, (uint64_t)d->origin_us);
    r->meaning = h;
    h = hash_mix(r->meaning, (uint64_t)d->for_us);
    h = hash_mix(h, (uint64_t)d->keep_us);
    r->uid = rule_number(p, &p->rules_by_uid, uid_eq, r->kin);
    r->id = rule_number(p, &p->rules_by_id, id_eq, h);
    if (d->kind != RULE_EXPR)
        r->kind_node =
            rule_number(p, &p->kinds_by_node, kind_eq, hash_mix(r->meaning, 1));
    return 0;
}

/* --- compiling ---------------------------------------------------------- */

static int
plan_add_rule(struct plan *p, const struct rule_def *d)
{
    struct rule r = {.def = d, .index = p->rules.n, .plain_labels = true};
    r.label_names = arena_new_array(&p->graph.arena, uint32_t, d->n_labels + 1);
    if (r.label_names == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < d->n_labels; i++) {
        r.label_names[i] = labels_intern(p->e->labels, d->labels[i].name);
        if (r.label_names[i] == 0)
            return -ENOMEM;
        r.plain_labels &= d->labels[i].tmpl == NULL;
    }
    if (rule_identify(p, &r) < 0 ||
        (!d->is_alert && d->question == 0 &&
         seriesdb_metric(p->e->series, d->name, NULL) < 0))
        return -ENOMEM;
    if (vec_push(&p->rules, r) < 0 ||
        table_insert(&p->rules_by_id, r.id, r.index) < 0 ||
        (d->kind != RULE_EXPR &&
         table_insert(&p->kinds_by_node, r.kind_node, r.index) < 0))
        return -ENOMEM;
    return table_insert(&p->rules_by_uid, r.uid, r.index);
}

static int
plan_lower(struct plan *p, struct plan *old)
{
    for (uint32_t i = 0; i < p->rules.n; i++) {
        struct rule *r = &p->rules.p[i];
        struct lowering l = {
            .plan = p, .old = old, .rule = r, .lookback_us = LOOKBACK_US};
        const struct query *q = r->def->query, *hold = r->def->hold.query;
        if (q != NULL)
            r->root = lower_rule(&l, q->root);
        if (hold != NULL && (q == NULL || r->root != NULL))
            r->hold = lower_rule(&l, hold->root);
        if ((q != NULL && r->root == NULL) || (hold != NULL && r->hold == NULL))
            return l.error == 0 ? -ENOMEM : l.error;
    }
    return 0;
}

/* One position for each set of inputs that reads a window, and one for
 * arrival. */
static int
sink_place(struct sink *s)
{
    if (s->window == NULL)
        return 0;
    window_reset_positions(s->window);
    for (uint32_t i = 0; i < s->readers.n; i++) {
        uint32_t set = s->readers.p[i]->set;
        bool there = false;
        for (uint32_t k = 0; k < s->sets.n; k++)
            there |= s->sets.p[k] == set;
        if (there)
            continue;
        if (vec_push(&s->sets, set) < 0 ||
            window_add_position(s->window, false) < 0)
            return -ENOMEM;
    }
    if (s->n_arrivals == 0)
        return 0;
    int pos = window_add_position(s->window, true);
    s->arrival_pos = (unsigned)pos;
    return pos < 0 ? -ENOMEM : 0;
}

unsigned
sink_position(const struct sink *s, uint32_t set)
{
    for (uint32_t i = 0; i < s->sets.n; i++) {
        if (s->sets.p[i] == set)
            return i;
    }
    return 0;
}

struct sink *
plan_sink(const struct plan *p, uint64_t id)
{
    struct number c = {p, id};
    uint32_t i = table_find(&p->sinks_by_id, id, sink_eq, &c);
    return i == TABLE_NONE ? NULL : p->sinks.p[i];
}

struct rule *
plan_rule(const struct plan *p, uint64_t id)
{
    struct number c = {p, id};
    uint32_t i = table_find(&p->rules_by_id, id, id_eq, &c);
    return i == TABLE_NONE ? NULL : &p->rules.p[i];
}

struct rule *
plan_kind(const struct plan *p, uint64_t node)
{
    struct number c = {p, node};
    uint32_t i = table_find(&p->kinds_by_node, node, kind_eq, &c);
    return i == TABLE_NONE ? NULL : &p->rules.p[i];
}

/* The least count that some comparison asks for, so that a list of the keys
 * that reach it is kept. */
static void
plan_needs(struct plan *p)
{
    for (uint32_t k = 0; k < p->graph.nodes.n; k++) {
        const struct node *n = p->graph.nodes.p[k];
        if (n->kind != NODE_BINARY || n->args[0]->kind != NODE_EVENTS ||
            n->args[1]->kind != NODE_NUMBER ||
            (n->binary.op != BIN_GT && n->binary.op != BIN_GE))
            continue;
        struct sink *s = plan_sink(p, window_node(n->args[0]->events.window));
        s->need = MIN(
            s->need, events_need(n->args[0], n->binary.op, n->args[1]->number));
    }
    for (uint32_t i = 0; i < p->sinks.n; i++) {
        struct sink *s = p->sinks.p[i];
        for (uint32_t k = 0; k < s->sets.n && s->need != UINT32_MAX; k++)
            window_need(s->window, k, MAX(s->need, 1u));
    }
}

/* --- state from plan to plan -------------------------------------------- */

static struct rule_state *
take_state(struct plan *old, uint64_t id)
{
    struct rule *r = old == NULL ? NULL : plan_rule(old, id);
    return r == NULL ? NULL : TAKE(r->state);
}

/* A rule whose state nobody took: one that said the same and waited another
 * time, or else one of the same name and labels. */
static struct rule *
find_kin(struct plan *old, const struct rule *r)
{
    struct rule *kin = NULL;
    for (uint32_t i = 0; old != NULL && i < old->rules.n; i++) {
        struct rule *o = &old->rules.p[i];
        if (o->state == NULL || o->kin != r->kin)
            continue;
        if (o->meaning == r->meaning)
            return o;
        if (kin == NULL)
            kin = o;
    }
    return kin;
}

/* A new rule, or one that is no longer as it was: its alerts go on, as in
 * Prometheus.  Where only its waits changed, so do its slots. */
static int
rule_begin(struct plan *p, struct plan *old, struct rule *r)
{
    r->state = rule_state_new(p->e, r->id, r->uid);
    if (r->state == NULL)
        return -ENOMEM;
    struct rule *from = find_kin(old, r);
    if (from == NULL)
        return 0;
    if (from->meaning == r->meaning) {
        r->state->next_slot = from->state->next_slot;
        r->state->last_slot = from->state->last_slot;
    }
    return alerts_move(r->state, from->state);
}

/* What rules of other kinds keep goes by a number of its own: it outlives
 * another wait. */
static int
plan_kinds(struct plan *p, struct plan *old)
{
    for (uint32_t i = 0; i < p->rules.n; i++) {
        struct rule *r = &p->rules.p[i];
        struct rule *from = old == NULL || r->def->kind == RULE_EXPR
                                ? NULL
                                : plan_kind(old, r->kind_node);
        if (from != NULL)
            r->state->kind = TAKE(from->parked);
        if (kind_adopt(p->e, r) < 0)
            return -ENOMEM;
    }
    return taps_new(p, &p->taps);
}

static int
plan_states(struct plan *p, struct plan *old)
{
    for (uint32_t i = 0; old != NULL && i < old->rules.n; i++) {
        struct rule *r = &old->rules.p[i];
        if (r->state != NULL)
            r->parked = TAKE(r->state->kind);
    }
    for (uint32_t i = 0; i < p->rules.n; i++) {
        struct rule *r = &p->rules.p[i];
        r->state = take_state(old, r->id);
        if (r->state != NULL)
            r->state->uid = r->uid;
    }
    for (uint32_t i = 0; i < p->rules.n; i++) {
        struct rule *r = &p->rules.p[i];
        if (r->state == NULL && rule_begin(p, old, r) < 0)
            return -ENOMEM;
    }
    return plan_kinds(p, old);
}

/* What the old plan still holds belongs to rules that are gone. */
static int
end_rules(struct plan *old)
{
    for (uint32_t i = 0; old != NULL && i < old->rules.n; i++) {
        struct rule *r = &old->rules.p[i];
        if (r->state != NULL && alerts_end(r->state, r) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int
plan_compile(struct plan *p, struct plan *old)
{
    p->router = router_new(p->schema);
    if (p->router == NULL || vec_reserve(&p->rules, p->book->rules.n) < 0)
        return -ENOMEM;
    for (uint32_t i = 0; i < p->book->rules.n; i++) {
        /* One that has errors stays out; the others go on. */
        if (p->book->rules.p[i].ok &&
            plan_add_rule(p, &p->book->rules.p[i]) < 0)
            return -ENOMEM;
    }
    int e = plan_reach(p);
    if (e == 0)
        e = plan_lower(p, old);
    if (e == 0)
        e = plan_arrivals(p);
    for (uint32_t i = 0; e == 0 && i < p->sinks.n; i++)
        e = sink_place(p->sinks.p[i]);
    if (e == 0)
        e = router_finish(p->router);
    if (e < 0)
        return e;
    plan_needs(p);
    return 0;
}

int
plan_new(struct engine *e, struct rulebook *book, const struct schema *schema,
         struct plan *old, struct plan **ret)
{
    struct plan *p = mem_new(struct plan);
    if (p == NULL) {
        rulebook_free(book);
        return -ENOMEM;
    }
    p->e = e;
    p->book = book;
    p->schema = schema;
    graph_init(&p->graph);
    table_init(&p->sinks_by_id, UINT32_MAX / 2);
    table_init(&p->rules_by_id, UINT32_MAX / 2);
    table_init(&p->rules_by_uid, UINT32_MAX / 2);
    table_init(&p->kinds_by_node, UINT32_MAX / 2);
    int r = plan_compile(p, old);
    if (r == 0)
        r = plan_states(p, old);
    if (r == 0)
        r = end_rules(old);
    if (r < 0) {
        plan_free(p);
        return r;
    }
    *ret = p;
    return 0;
}

usec_t
plan_lateness(const struct plan *p, const struct rule *r)
{
    const struct inputset *s = &p->sets.p[r->set];
    usec_t late = 0;
    for (uint32_t i = 0; i < s->n; i++)
        late = MAX(late, p->schema->inputs[s->ids[i]].lateness_us);
    return late;
}

static void
node_fini(struct plan *p, struct node *n)
{
    struct labels *ls = p->e->labels;
    lset_unref(ls, n->absent_labels);
    memo_free(n->memo, ls);
    if (n->kind == NODE_AGGREGATE && n->agg.labels != NULL) {
        for (uint32_t i = 0; i < n->agg.n_labels; i++)
            labels_release(ls, n->agg.labels[i]);
    }
    if (n->kind == NODE_BINARY && n->binary.include != NULL) {
        for (uint32_t i = 0; i < n->binary.n_labels; i++)
            labels_release(ls, n->binary.labels[i]);
        for (uint32_t i = 0; i < n->binary.n_include; i++)
            labels_release(ls, n->binary.include[i]);
    }
}

void
plan_free(struct plan *p)
{
    if (p == NULL)
        return;
    for (uint32_t i = 0; i < p->graph.nodes.n; i++)
        node_fini(p, p->graph.nodes.p[i]);
    for (uint32_t i = 0; i < p->sinks.n; i++) {
        struct sink *s = p->sinks.p[i];
        window_free(s->window);
        values_free(s->values);
        staged_fini(s);
        for (uint32_t k = 0; k < s->n_fields; k++)
            labels_release(p->e->labels, s->fields[k]);
        for (uint32_t k = 0; k < s->n_except; k++)
            labels_release(p->e->labels, s->except[k]);
        keyset_unref(s->ks);
        vec_free(&s->readers);
        vec_free(&s->sets);
        mem_free(s->arrivals);
    }
    for (uint32_t i = 0; i < p->rules.n; i++) {
        struct rule *r = &p->rules.p[i];
        rule_state_free(r->state);
        kind_free(r->parked);
        for (uint32_t k = 0; k < r->def->n_labels; k++)
            labels_release(p->e->labels, r->label_names[k]);
        vec_free(&r->reads);
        vec_free(&r->hears);
    }
    for (uint32_t i = 0; i < p->views.n; i++)
        vec_free(&p->views.p[i].readers);
    for (uint32_t i = 0; i < p->regexes.n; i++)
        regex_free(p->regexes.p[i]);
    vec_free(&p->sinks);
    vec_free(&p->views);
    vec_free(&p->sets);
    vec_free(&p->rules);
    vec_free(&p->order);
    vec_free(&p->regexes);
    table_fini(&p->sinks_by_id);
    table_fini(&p->rules_by_id);
    table_fini(&p->rules_by_uid);
    table_fini(&p->kinds_by_node);
    router_free(p->router);
    taps_free(p->taps);
    graph_fini(&p->graph);
    rulebook_free(p->book);
    mem_free(p);
}
