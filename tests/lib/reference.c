/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tests/lib/reference.h"

#include <stdlib.h>

#include <tocsin/plugin.h>

#include "core/base/check.h"
#include "core/engine/ruleset.h"
#include "core/lang/functions.h"
#include "core/lang/matcher.h"
#include "core/record/chunk.h"
#include "core/record/tick.h"
#include "tests/lib/reference_priv.h"

#define MAX_ALERTS 10000u
#define UNSEEN (60 * USEC_PER_SEC)

struct ralert {
    struct rset labels, sample; /* sample: the element's, without its name */
    uint8_t state;
    bool held; /* by keep_firing_while */
    bool on_arrival, overflow, seen, over;
    usec_t active, keep_since;
    double value;
};

struct rrule {
    const struct rule_def *def;
    bool reads_rules; /* any recording rule, in these traces */
    bool *inputs;     /* that it reads */
    usec_t next, last;
    VEC(struct ralert) alerts;
    VEC(struct rset) recorded; /* at the last slot */
    struct rkind kind;         /* of missing and sequence */
};

struct rgap {
    usec_t lo, hi; /* (lo, hi] */
};

struct rpart {
    uint16_t input;
    struct slice name;
    uint8_t state;
    bool frozen, gone;
    usec_t wm, newest, since, seen, brought;
    VEC(struct rgap) gaps;
};

/* A selector whose events are counted by the same names for several rules: an
 * event that came after the last slot that could see it is no news. */
struct rleaf {
    struct slice text;
    usec_t range, gone;
    VEC(struct rrule *) readers;
};

struct world {
    struct reference rf;
    struct rulebook *book;
    struct rrule *rules;
    uint32_t n_rules;
    uint32_t *order; /* of evaluation */
    VEC(struct rpart) parts;
    VEC(struct rleaf) leaves;
    usec_t *newest; /* by input */
    usec_t now;
    struct buf *told;
};

/* --- what a rule reads -------------------------------------------------- */

struct finding {
    struct world *w;
    struct rrule *r;
    bool changed;
};

static bool
selects(const struct selector *sel, struct slice name)
{
    return sel->name.n > 0 ? slice_eq(sel->name, name) : true;
}

static int
find_inputs(const struct expr *e, void *arg)
{
    struct finding *f = arg;
    const struct schema *s = f->w->rf.schema;
    if (e->kind != EXPR_SELECTOR)
        return 0;
    bool stream = e->sel->binding == BOUND_STREAM;
    for (uint32_t i = 0; i < s->n_inputs; i++) {
        const struct schema_input *in = &s->inputs[i];
        for (uint32_t k = 0; k < (stream ? in->n_streams : in->n_metrics);
             k++) {
            struct slice name = stream ? s->streams[in->streams[k]].name
                                       : s->metrics[in->metrics[k]].name;
            if (selects(e->sel, name) && !f->r->inputs[i])
                f->changed = f->r->inputs[i] = true;
        }
    }
    for (uint32_t i = 0; !stream && i < f->w->n_rules; i++) {
        const struct rrule *o = &f->w->rules[i];
        if (o->def->is_alert || !selects(e->sel, o->def->name))
            continue;
        for (uint32_t k = 0; k < s->n_inputs; k++) {
            if (o->inputs[k] && !f->r->inputs[k])
                f->changed = f->r->inputs[k] = true;
        }
        f->r->reads_rules = true;
    }
    return 0;
}

/* In the order of the file, but behind the recording rules that are read. */
static void
order_rules(struct world *w)
{
    uint32_t records = 0, n = 0;
    bool *done = arena_new_array(&w->rf.arena, bool, w->n_rules + 1);
    w->order = arena_new_array(&w->rf.arena, uint32_t, w->n_rules + 1);
    CHECK(done != NULL && w->order != NULL);
    for (uint32_t i = 0; i < w->n_rules; i++)
        records += !w->rules[i].def->is_alert;
    while (n < w->n_rules) {
        for (uint32_t i = 0; i < w->n_rules; i++) {
            const struct rrule *r = &w->rules[i];
            if (done[i] || (r->reads_rules && records > 0))
                continue;
            done[i] = true;
            w->order[n++] = i;
            records -= !r->def->is_alert;
        }
    }
}

/* The text of a counted selector with all names that its events are told
 * apart by. */
static struct slice
leaf_text(struct world *w, const struct rrule *r, const struct expr *call,
          const struct grouping *only, const struct rnames *names)
{
    const struct schema *s = w->rf.schema;
    const struct expr *m = expr_unparen(call->call.args[0]);
    struct buf b = BUF_INIT(1 << 20);
    struct slice text;
    (void)expr_print(m, &b);
    (void)buf_printf(&b, " %lld %lld", (long long)r->def->interval_us,
                     (long long)r->def->offset_us);
    int id = schema_find_stream(s, m->sel->name);
    CHECK(id >= 0);
    for (uint32_t i = 0; i < s->streams[id].n_fields; i++) {
        const struct schema_field *f = &s->streams[id].fields[i];
        bool in = only == NULL && (f->flags & TOCSIN_FIELD_LABEL);
        for (const struct rnames *n = names; only == NULL && n; n = n->up) {
            for (uint32_t k = 0; k < n->n; k++)
                in |= slice_eq(n->p[k], f->name);
        }
        for (uint32_t k = 0; only != NULL && k < only->count; k++)
            in |= slice_eq(only->labels[k], f->name);
        if (in)
            (void)buf_printf(&b, " %.*s", SLICE_FMT(f->name));
    }
    CHECK(arena_slice_dup(&w->rf.arena, buf_slice(&b), &text) == 0);
    buf_fini(&b);
    return text;
}

static struct rleaf *
leaf_of(struct world *w, struct slice text)
{
    for (uint32_t i = 0; i < w->leaves.n; i++) {
        if (slice_eq(w->leaves.p[i].text, text))
            return &w->leaves.p[i];
    }
    struct rleaf leaf = {.text = text, .gone = USEC_NONE};
    CHECK(vec_push(&w->leaves, leaf) == 0);
    return &w->leaves.p[w->leaves.n - 1];
}

static const struct expr *
summed(const struct expr *e)
{
    const struct expr *a = expr_unparen(e->agg.arg);
    return e->agg.op == AGG_SUM && e->agg.grouping.kind != GROUP_WITHOUT &&
                   a->kind == EXPR_CALL &&
                   (a->call.func->id == FUNC_COUNT_OVER_TIME ||
                    a->call.func->id == FUNC_RATE) &&
                   expr_unparen(a->call.args[0])->sel->binding == BOUND_STREAM
               ? a
               : NULL;
}

/* Finds the leaves below an expression, as reference_eval() goes. */
static void
find_leaves(struct world *w, struct rrule *r, const struct expr *e,
            const struct rnames *names)
{
    const struct grouping *only = NULL;
    const struct expr *call = NULL;
    struct rnames more = {NULL, 0, names};
    e = expr_unparen(e);
    if (e->kind == EXPR_AGGREGATE) {
        const struct grouping *g = &e->agg.grouping;
        more.p = g->labels;
        more.n = g->kind == GROUP_BY ? g->count : 0;
        call = summed(e);
        only = call == NULL ? NULL : g;
    } else if (e->kind == EXPR_BINARY) {
        more.p = e->binary.match.labels;
        more.n = e->binary.match.on ? e->binary.match.label_count : 0;
    } else if (e->kind == EXPR_CALL && e->call.count > 0) {
        const struct expr *m = expr_unparen(e->call.args[0]);
        if (m->type == LANG_MATRIX && m->sel->binding == BOUND_STREAM)
            call = e;
    }
    if (call == NULL) {
        for (uint32_t i = 0; i < expr_child_count(e); i++)
            find_leaves(w, r, expr_child(e, i), &more);
        return;
    }
    struct rleaf *leaf = leaf_of(w, leaf_text(w, r, call, only, names));
    const struct selector *sel = expr_unparen(call->call.args[0])->sel;
    leaf->range = sel->range.us + sel->mod.offset.us;
    CHECK(vec_push(&leaf->readers, r) == 0);
}

static void
forget(struct world *w)
{
    for (uint32_t i = 0; i < w->leaves.n; i++) {
        struct rleaf *leaf = &w->leaves.p[i];
        usec_t from = USEC_MAX;
        for (uint32_t k = 0; k < leaf->readers.n; k++) {
            const struct rrule *r = leaf->readers.p[k];
            from =
                MIN(from, r->next == USEC_NONE ? USEC_NONE
                                               : r->next - r->def->offset_us);
        }
        if (from != USEC_NONE)
            leaf->gone = MAX(leaf->gone, from - leaf->range);
    }
}

static void
load_rules(struct world *w, struct slice payload)
{
    struct ruleset rs;
    struct errlist errs;
    errlist_init(&errs);
    CHECK(ruleset_decode(payload, &w->rf.arena, &rs) == 0);
    w->book = rulebook_parse(&rs, w->rf.schema, &errs);
    CHECK(w->book != NULL);
    errlist_fini(&errs);
    uint32_t inputs = w->rf.schema->n_inputs;
    w->rules =
        arena_new_array(&w->rf.arena, struct rrule, w->book->rules.n + 1);
    CHECK(w->rules != NULL);
    for (uint32_t i = 0; i < w->book->rules.n; i++) {
        const struct rule_def *d = &w->book->rules.p[i];
        if (!d->ok)
            continue;
        struct rrule *r = &w->rules[w->n_rules++];
        *r = (struct rrule){.def = d, .next = USEC_NONE, .last = USEC_NONE};
        r->kind = (struct rkind){.def = d, .evaluated = USEC_NONE};
        r->inputs = arena_new_array(&w->rf.arena, bool, inputs + 1);
        CHECK(r->inputs != NULL);
    }
    for (bool more = true; more;) {
        more = false;
        for (uint32_t i = 0; i < w->n_rules; i++) {
            struct finding f = {w, &w->rules[i], false};
            const struct rule_query *q;
            struct rule_query room;
            for (uint32_t k = 0;
                 (q = rule_def_query(f.r->def, k, &room)) != NULL; k++)
                (void)expr_walk(q->query->root, find_inputs, NULL, &f);
            more |= f.changed;
        }
    }
    order_rules(w);
    for (uint32_t i = 0; i < w->n_rules; i++) {
        const struct rule_def *d = w->rules[i].def;
        if (d->kind == RULE_EXPR)
            find_leaves(w, &w->rules[i], d->query->root, NULL);
        if (d->hold.query != NULL)
            find_leaves(w, &w->rules[i], d->hold.query->root, NULL);
    }
}

/* --- partitions --------------------------------------------------------- */

static usec_t
lateness(const struct world *w, uint16_t input)
{
    return w->rf.schema->inputs[input].lateness_us;
}

static struct rpart *
part_of(struct world *w, uint16_t input, struct slice name, bool make)
{
    for (uint32_t i = 0; i < w->parts.n; i++) {
        struct rpart *p = &w->parts.p[i];
        if (!p->gone && p->input == input && slice_eq(p->name, name))
            return p;
    }
    if (!make)
        return NULL;
    struct rpart p = {.input = input,
                      .state = PARTITION_READING,
                      .wm = USEC_NONE,
                      .newest = USEC_NONE,
                      .since = USEC_NONE,
                      .seen = w->now,
                      .brought = w->now};
    CHECK(arena_slice_dup(&w->rf.arena, name, &p.name) == 0);
    CHECK(vec_push(&w->parts, p) == 0);
    return &w->parts.p[w->parts.n - 1];
}

static void
part_raise(struct world *w, struct rpart *p, usec_t to)
{
    to = MIN(to, w->now - lateness(w, p->input));
    if (to <= p->wm)
        return;
    p->wm = to;
    if (p->since == USEC_NONE)
        p->since = to;
}

/* The source is heard of; was there a time that nobody saw? */
static void
part_heard(struct world *w, struct rpart *p)
{
    if ((p->frozen || w->now - p->seen > UNSEEN) && p->wm != USEC_NONE &&
        w->now > p->wm) {
        /* Down again before anything came. */
        struct rgap gap = {p->wm, w->now};
        struct rgap *last = p->gaps.n > 0 ? &p->gaps.p[p->gaps.n - 1] : NULL;
        if (last != NULL && last->lo == p->wm)
            last->hi = w->now;
        else
            CHECK(vec_push(&p->gaps, gap) == 0);
    }
    p->frozen = false;
    p->seen = w->now;
}

static void
take_tick(struct world *w, const struct frame *fr)
{
    struct tick_partition t;
    size_t cursor = 0;
    while (tick_next(fr->payload, &cursor, &t) > 0) {
        struct rpart *p =
            part_of(w, t.input, t.name, t.state != PARTITION_GONE);
        if (p == NULL)
            continue;
        usec_t every = w->rf.schema->inputs[t.input].expect_every_us;
        bool silent = t.state == PARTITION_CAUGHT_UP && every > 0 &&
                      w->now - p->brought > every;
        if (t.state == PARTITION_GONE) {
            p->gone = true;
            continue;
        }
        if (t.state == PARTITION_DOWN || silent) {
            p->frozen = true;
            p->seen = w->now;
        } else {
            part_heard(w, p);
            if (t.state == PARTITION_CAUGHT_UP)
                part_raise(w, p, w->now - lateness(w, t.input));
            if (p->newest != USEC_NONE)
                part_raise(w, p, p->newest - lateness(w, t.input));
        }
        p->state = t.state;
    }
}

/* The watermark of what a rule reads, its newest event, and since when all of
 * it is observed. */
static usec_t
rule_clock(struct world *w, const struct rrule *r, usec_t *ret_newest,
           usec_t *ret_since)
{
    usec_t wm = USEC_MAX, newest = USEC_NONE, since = USEC_NONE;
    bool all = true, any = false;
    for (uint16_t i = 0; i < w->rf.schema->n_inputs; i++) {
        if (!r->inputs[i])
            continue;
        usec_t first = USEC_MAX;
        bool there = false;
        any = true;
        for (uint32_t k = 0; k < w->parts.n; k++) {
            const struct rpart *p = &w->parts.p[k];
            if (p->gone || p->input != i)
                continue;
            there = true;
            wm = MIN(wm, p->wm);
            if (p->since != USEC_NONE)
                first = MIN(first, p->since);
        }
        if (!there)
            wm = USEC_NONE;
        all &= first != USEC_MAX;
        since = first == USEC_MAX ? since : MAX(since, first);
        newest = MAX(newest, w->newest[i]);
    }
    *ret_newest = any ? newest : w->now;
    *ret_since = !any ? w->now : all ? since : USEC_NONE;
    return any ? wm : w->now;
}

static bool
in_gap(struct world *w, const struct rrule *r, usec_t slot)
{
    for (uint32_t k = 0; k < w->parts.n; k++) {
        const struct rpart *p = &w->parts.p[k];
        for (uint32_t i = 0; !p->gone && r->inputs[p->input] && i < p->gaps.n;
             i++) {
            if (slot > p->gaps.p[i].lo && slot <= p->gaps.p[i].hi)
                return true;
        }
    }
    return false;
}

/* --- alerts ------------------------------------------------------------- */

static int
ralert_cmp(const void *a, const void *b)
{
    const struct ralert *x = a, *y = b;
    return rset_cmp(&x->labels, &y->labels);
}

static void
tell(struct world *w, const struct rrule *r, const struct ralert *a,
     uint8_t state, usec_t t)
{
    struct transition tr = {.state = state,
                            .on_arrival =
                                a->on_arrival && state == ALERT_FIRING,
                            .overflow = a->overflow,
                            .rule = r->def->name,
                            .time_us = t,
                            .active_us = a->active,
                            .value = a->value,
                            .n_labels = a->labels.n,
                            .labels = a->labels.l};
    feed_log(w->told, &tr);
}

static struct rset
alert_labels(struct world *w, const struct rrule *r, const struct rset *l)
{
    struct rset s = rset_without(&w->rf, l, NULL, 0, true);
    for (uint32_t i = 0; i < r->def->n_labels; i++)
        s = rset_with(&w->rf, &s, r->def->labels[i].name,
                      r->def->labels[i].text);
    return rset_with(&w->rf, &s, SLICE("alertname"), r->def->name);
}

static struct ralert *
find_alert(struct rrule *r, const struct rset *l)
{
    for (uint32_t i = 0; i < r->alerts.n; i++) {
        if (rset_equal(&r->alerts.p[i].labels, l))
            return &r->alerts.p[i];
    }
    return NULL;
}

static void
start(struct rrule *r, struct rset l, struct rset sample, double value,
      usec_t t, bool overflow)
{
    struct ralert a = {.labels = l,
                       .sample = sample,
                       .active = t,
                       .keep_since = USEC_NONE,
                       .value = value,
                       .seen = true,
                       .overflow = overflow};
    CHECK(vec_push(&r->alerts, a) == 0);
}

/* New results, in the order of labels, as far as the bound goes. */
static void
start_all(struct world *w, struct rrule *r, struct ralert *fresh, uint32_t n,
          usec_t t)
{
    uint32_t bound = r->def->limit > 0 ? (uint32_t)r->def->limit : MAX_ALERTS;
    struct rset none = {0}, rest = alert_labels(w, r, &none);
    rest = rset_with(&w->rf, &rest, SLICE("overflow"), SLICE("true"));
    struct ralert *folded = find_alert(r, &rest);
    uint32_t have = r->alerts.n - (folded != NULL);
    uint32_t room = MIN(have < bound ? bound - have : 0, n);
    qsort(fresh, n, sizeof *fresh, ralert_cmp);
    for (uint32_t i = 0; i < room; i++)
        start(r, fresh[i].labels, fresh[i].sample, fresh[i].value, t, false);
    if (room == n)
        return;
    folded = find_alert(r, &rest);
    if (folded == NULL) {
        start(r, rest, none, n - room, t, true);
    } else {
        folded->seen = true;
        folded->value = n - room;
    }
}

static void
step(struct world *w, struct rrule *r, struct ralert *a, usec_t t)
{
    uint8_t before = a->state;
    if (!a->seen && !a->held) {
        if (a->state == ALERT_FIRING && r->def->keep_us > 0) {
            if (a->keep_since == USEC_NONE)
                a->keep_since = t;
            if (t - a->keep_since < r->def->keep_us)
                return;
        }
        a->over = true;
        tell(w, r, a,
             a->state == ALERT_FIRING ? ALERT_RESOLVED : ALERT_INACTIVE, t);
        return;
    }
    a->keep_since = USEC_NONE;
    if (a->state == ALERT_INACTIVE)
        a->state = ALERT_PENDING;
    if (a->state == ALERT_PENDING && t - a->active >= r->def->for_us)
        a->state = ALERT_FIRING;
    if (a->state != before)
        tell(w, r, a, a->state, t);
}

/* Which alerts the second expression goes on with. */
static void
hold(struct world *w, struct rrule *r, const struct rvalue *v)
{
    for (uint32_t i = 0; i < r->alerts.n; i++) {
        struct ralert *a = &r->alerts.p[i];
        for (uint32_t k = 0; k < v->n; k++) {
            struct rset l =
                rset_without(&w->rf, &v->p[k].labels, NULL, 0, true);
            a->held |= a->state == ALERT_FIRING &&
                       (a->overflow || rset_equal(&l, &a->sample));
        }
    }
}

static void
evaluate_alert(struct world *w, struct rrule *r, const struct rvalue *v,
               const struct rvalue *held, usec_t t)
{
    struct ralert *fresh =
        arena_new_array(&w->rf.arena, struct ralert, v->n + 1);
    struct rset *labels = arena_new_array(&w->rf.arena, struct rset, v->n + 1);
    uint32_t n = 0;
    CHECK(fresh != NULL && labels != NULL);
    for (uint32_t i = 0; i < v->n; i++) {
        labels[i] = alert_labels(w, r, &v->p[i].labels);
        for (uint32_t k = 0; k < i; k++) {
            if (rset_equal(&labels[i], &labels[k]))
                return; /* the rule's error */
        }
    }
    for (uint32_t i = 0; i < r->alerts.n; i++)
        r->alerts.p[i].seen = r->alerts.p[i].held = false;
    for (uint32_t i = 0; i < v->n; i++) {
        struct ralert *a = find_alert(r, &labels[i]);
        struct rset sample =
            rset_without(&w->rf, &v->p[i].labels, NULL, 0, true);
        if (a == NULL) {
            fresh[n].labels = labels[i];
            fresh[n].sample = sample;
            fresh[n++].value = v->p[i].v;
        } else {
            a->seen = true;
            if (a->active <= t) {
                a->value = v->p[i].v;
                a->sample = sample;
            }
        }
    }
    if (n > 0)
        start_all(w, r, fresh, n, t);
    hold(w, r, held);
    if (r->alerts.n > 0)
        qsort(r->alerts.p, r->alerts.n, sizeof *r->alerts.p, ralert_cmp);
    uint32_t left = 0;
    for (uint32_t i = 0; i < r->alerts.n; i++) {
        if (r->alerts.p[i].active <= t)
            step(w, r, &r->alerts.p[i], t);
        if (!r->alerts.p[i].over)
            r->alerts.p[left++] = r->alerts.p[i];
    }
    r->alerts.n = left;
}

/* --- recording rules ---------------------------------------------------- */

static void
record(struct world *w, struct rrule *r, struct rset l, usec_t t, double v)
{
    struct rrec rec = {.is_sample = true,
                       .t = t / 1000 * 1000,
                       .v = v,
                       .recorded = r->def->name,
                       .labels = l};
    CHECK(vec_push(&w->rf.recs, rec) == 0);
}

static void
evaluate_record(struct world *w, struct rrule *r, const struct rvalue *v,
                usec_t t)
{
    struct rset *made = arena_new_array(&w->rf.arena, struct rset, v->n + 1);
    CHECK(made != NULL);
    for (uint32_t i = 0; i < v->n; i++) {
        made[i] = rset_without(&w->rf, &v->p[i].labels, NULL, 0, true);
        for (uint32_t k = 0; k < r->def->n_labels; k++)
            made[i] = rset_with(&w->rf, &made[i], r->def->labels[k].name,
                                r->def->labels[k].text);
        for (uint32_t k = 0; k < i; k++) {
            if (rset_equal(&made[i], &made[k]))
                return;
        }
    }
    if (r->def->limit > 0 && v->n > r->def->limit)
        return;
    uint64_t bits = UINT64_C(0x7ff0000000000002);
    double stale;
    memcpy(&stale, &bits, sizeof stale);
    for (uint32_t i = 0; i < r->recorded.n; i++) {
        bool still = false;
        for (uint32_t k = 0; k < v->n; k++)
            still |= rset_equal(&made[k], &r->recorded.p[i]);
        if (!still)
            record(w, r, r->recorded.p[i], t, stale);
    }
    r->recorded.n = 0;
    for (uint32_t i = 0; i < v->n; i++) {
        record(w, r, made[i], t, v->p[i].v);
        CHECK(vec_push(&r->recorded, made[i]) == 0);
    }
}

/* --- slots -------------------------------------------------------------- */

static usec_t
round_up(usec_t t, usec_t step_us)
{
    return (t + step_us - 1) / step_us * step_us;
}

static struct rvalue
as_vector(struct rvalue v, struct rpoint *one)
{
    one->v = v.scalar;
    return v.is_vector ? v : (struct rvalue){true, v.failed, 0, 1, one};
}

static void
rule_slot(struct world *w, struct rrule *r, usec_t slot)
{
    usec_t t = slot - r->def->offset_us;
    if (in_gap(w, r, slot)) {
        for (uint32_t i = 0; i < r->alerts.n; i++) {
            struct ralert *a = &r->alerts.p[i];
            if (a->state == ALERT_PENDING)
                a->active += r->def->interval_us;
            if (a->keep_since != USEC_NONE)
                a->keep_since += r->def->interval_us;
        }
        rkind_skip(&r->kind, t - r->def->interval_us, t);
    } else {
        struct rpoint one = {0}, other = {0};
        struct rvalue v =
            as_vector(r->def->kind == RULE_EXPR
                          ? reference_eval(&w->rf, r->def->query->root, t, NULL)
                          : rkind_eval(&w->rf, &r->kind, t),
                      &one);
        struct rvalue held = {.is_vector = true};
        if (!v.failed && r->def->hold.query != NULL) {
            held = as_vector(
                reference_eval(&w->rf, r->def->hold.query->root, t, NULL),
                &other);
            v.failed = held.failed;
        }
        if (!v.failed && r->def->is_alert)
            evaluate_alert(w, r, &v, &held, slot);
        else if (!v.failed)
            evaluate_record(w, r, &v, t);
    }
    r->last = slot;
    r->next = slot + r->def->interval_us;
}

static void
run_slots(struct world *w)
{
    usec_t newest, since;
    for (uint32_t i = 0; i < w->n_rules; i++) {
        struct rrule *r = &w->rules[i];
        usec_t wm = rule_clock(w, r, &newest, &since);
        if (r->next == USEC_NONE && since != USEC_NONE && wm != USEC_NONE)
            r->next = round_up(since, r->def->interval_us);
    }
    bool ran = false;
    for (;;) {
        usec_t slot = USEC_MAX;
        for (uint32_t i = 0; i < w->n_rules; i++) {
            struct rrule *r = &w->rules[i];
            if (r->next != USEC_NONE &&
                r->next <= rule_clock(w, r, &newest, &since))
                slot = MIN(slot, r->next);
        }
        if (slot == USEC_MAX)
            break;
        ran = true;
        for (uint32_t i = 0; i < w->n_rules; i++) {
            struct rrule *r = &w->rules[w->order[i]];
            if (r->next == slot && slot <= rule_clock(w, r, &newest, &since))
                rule_slot(w, r, slot);
        }
    }
    if (ran)
        forget(w);
}

/* --- arrival ------------------------------------------------------------ */

/* The call that is counted, the grouping over it, the limit. */
static const struct expr *
arrival_shape(const struct rrule *r, const struct grouping **ret_only,
              const struct expr **ret_compare)
{
    *ret_only = NULL;
    *ret_compare = NULL;
    if (r->def->kind != RULE_EXPR)
        return NULL;
    const struct expr *e = expr_unparen(r->def->query->root);
    if (!r->def->is_alert || r->def->for_us > 0 || r->def->offset_us > 0)
        return NULL;
    if (e->kind == EXPR_BINARY) {
        const struct expr *n = expr_unparen(e->binary.right);
        if ((e->binary.op != BIN_GT && e->binary.op != BIN_GE) ||
            e->binary.is_bool || n->kind != EXPR_NUMBER)
            return NULL;
        *ret_compare = e;
        e = expr_unparen(e->binary.left);
    }
    if (e->kind == EXPR_AGGREGATE) {
        if (e->agg.op != AGG_SUM || e->agg.grouping.kind == GROUP_WITHOUT)
            return NULL;
        *ret_only = &e->agg.grouping;
        e = expr_unparen(e->agg.arg);
    }
    if (e->kind != EXPR_CALL || (e->call.func->id != FUNC_COUNT_OVER_TIME &&
                                 e->call.func->id != FUNC_RATE))
        return NULL;
    const struct expr *m = expr_unparen(e->call.args[0]);
    return m->sel->binding == BOUND_STREAM && m->sel->mod.offset.us == 0 ? e
                                                                         : NULL;
}

static void
try_arrival(struct world *w, struct rrule *r, const struct rrec *rec)
{
    const struct grouping *only;
    const struct expr *compare;
    const struct expr *call = arrival_shape(r, &only, &compare);
    const struct expr *m =
        call == NULL ? NULL : expr_unparen(call->call.args[0]);
    if (m == NULL || !reference_matches(&w->rf, m->sel, rec))
        return;
    usec_t newest, since;
    (void)rule_clock(w, r, &newest, &since);
    usec_t slot = MAX(round_up(newest, r->def->interval_us), r->next);
    struct slice leaf = leaf_text(w, r, call, only, NULL);
    if (rec->t <= leaf_of(w, leaf)->gone)
        return;
    struct rset l = reference_labels(&w->rf, rec, only, NULL);
    const struct expr *root = compare == NULL ? call : compare->binary.left;
    struct rvalue v = reference_eval(&w->rf, root, slot, NULL);
    for (uint32_t i = 0; i < v.n; i++) {
        double x = v.p[i].v;
        double limit =
            compare ? expr_unparen(compare->binary.right)->number : 0;
        bool holds =
            compare && compare->binary.op == BIN_GE ? x >= limit : x > limit;
        if (!rset_equal(&v.p[i].labels, &l) || !holds)
            continue;
        uint32_t bound =
            r->def->limit > 0 ? (uint32_t)r->def->limit : MAX_ALERTS;
        struct rset labels = alert_labels(w, r, &l);
        if (find_alert(r, &labels) != NULL || r->alerts.n >= bound)
            continue;
        start(r, labels, l, x, newest, false);
        struct ralert *a = &r->alerts.p[r->alerts.n - 1];
        a->state = ALERT_FIRING;
        a->on_arrival = true;
        tell(w, r, a, ALERT_FIRING, newest);
    }
}

/* --- frames ------------------------------------------------------------- */

static void
take_record(struct world *w, const struct chunk *c, struct rpart *p,
            const struct chunk_record *cr, usec_t *oldest)
{
    const struct schema *s = w->rf.schema;
    struct rrec rec = {.is_sample = cr->kind == RECORD_SAMPLE,
                       .name = cr->name,
                       .t = cr->time_us,
                       .v = cr->value,
                       .raw = chunk_raw(c, cr)};
    if (cr->time_us > c->head->received_us + s->max_future_us)
        return;
    rec.values = arena_new_array(&w->rf.arena, struct slice, 256);
    CHECK(rec.values != NULL);
    for (unsigned i = 0; i < cr->n_values; i++) {
        const struct chunk_value *v = &c->values[cr->first_value + i];
        rec.values[chunk_value_id(v)] = chunk_text(c, v);
    }
    CHECK(vec_push(&w->rf.recs, rec) == 0);
    *oldest = MIN(*oldest, rec.t);
    p->newest = MAX(p->newest, rec.t);
    w->newest[p->input] = MAX(w->newest[p->input], rec.t);
    for (uint32_t i = 0; i < p->gaps.n; i++) {
        if (rec.t <= p->gaps.p[i].lo || rec.t > p->gaps.p[i].hi)
            continue;
        p->gaps.n--;
        memmove(&p->gaps.p[i], &p->gaps.p[i + 1],
                (p->gaps.n - i) * sizeof *p->gaps.p);
        i--;
    }
    for (uint32_t i = 0; i < w->n_rules; i++) {
        if (w->rules[i].def->kind != RULE_EXPR)
            rkind_record(&w->rf, &w->rules[i].kind, &rec);
        else if (!rec.is_sample)
            try_arrival(w, &w->rules[i], &rec);
    }
}

static void
take_chunk(struct world *w, const struct frame *fr)
{
    struct chunk c;
    CHECK(chunk_parse(fr->payload, &c) == 0);
    struct rpart *p = part_of(w, c.head->input, c.partition, true);
    usec_t oldest = USEC_MAX, before = p->newest;
    part_heard(w, p);
    p->brought = w->now;
    for (uint32_t i = 0; i < c.head->n_records; i++)
        take_record(w, &c, p, &c.records[i], &oldest);
    if (oldest != USEC_MAX && p->since == USEC_NONE)
        p->since = oldest;
    (void)before;
    if (p->newest != USEC_NONE)
        part_raise(w, p, p->newest - lateness(w, p->input));
}

void
reference_run(const struct feed *f, struct buf *told)
{
    struct world w = {
        .told = told, .now = USEC_NONE, .rf = {.schema = feed_get_schema(f)}};
    arena_init(&w.rf.arena, 1 << 20, (size_t)4 << 30);
    w.newest = arena_new_array(&w.rf.arena, usec_t, w.rf.schema->n_inputs + 1);
    CHECK(w.newest != NULL);
    for (uint32_t i = 0; i < w.rf.schema->n_inputs; i++)
        w.newest[i] = USEC_NONE;
    for (uint32_t i = 0; i < feed_count(f); i++) {
        const struct frame *fr = feed_frame(f, i);
        w.now = MAX(w.now, fr->time);
        if (fr->type == FRAME_RULES)
            load_rules(&w, fr->payload);
        else if (fr->type == FRAME_CHUNK)
            take_chunk(&w, fr);
        else if (fr->type == FRAME_TICK)
            take_tick(&w, fr);
        run_slots(&w);
    }
    for (uint32_t i = 0; i < w.n_rules; i++) {
        vec_free(&w.rules[i].alerts);
        vec_free(&w.rules[i].recorded);
        rkind_fini(&w.rules[i].kind);
    }
    for (uint32_t i = 0; i < w.parts.n; i++)
        vec_free(&w.parts.p[i].gaps);
    for (uint32_t i = 0; i < w.leaves.n; i++)
        vec_free(&w.leaves.p[i].readers);
    vec_free(&w.leaves);
    vec_free(&w.parts);
    vec_free(&w.rf.recs);
    rulebook_free(w.book);
    arena_fini(&w.rf.arena);
}
