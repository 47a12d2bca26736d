/* SPDX-License-Identifier: Apache-2.0 */
/* slots.c - when each rule is evaluated.
 *
 * A rule has a slot at each multiple of its group's interval, and is
 * evaluated for it once the watermarks of all inputs that it reads have
 * passed it.  Slots that are due are taken in the order of time over all
 * rules; inside a slot a recording rule comes before its readers. */
#include "config.h"

#include <stdio.h>

#include "core/engine/engine_priv.h"
#include "core/engine/kind.h"
#include "core/engine/trial.h"

/* Kept for rules that wait for an input that has brought nothing yet. */
#define HOLD_US (10 * USEC_PER_MINUTE)

static usec_t
rule_slot_from(const struct rule *r, usec_t t)
{
    const struct trial *trial = r->state->e->o.trial;
    if (trial != NULL && t < trial->origin_us)
        t = trial->origin_us;
    return slot_at_or_after(t, r->def->interval_us, r->def->origin_us);
}

/* --- sets of inputs ----------------------------------------------------- */

static void
set_update(struct engine *e, struct inputset *s)
{
    const struct watermarks *w = &e->marks;
    s->watermark = s->n == 0 ? w->now : USEC_MAX;
    s->since = s->newest = s->n == 0 ? w->now : USEC_NONE;
    bool known = true;
    for (uint32_t i = 0; i < s->n; i++) {
        const struct input_clock *c = &w->inputs.p[s->ids[i]];
        s->watermark = MIN(s->watermark, c->watermark);
        s->newest = MAX(s->newest, c->newest);
        s->since = MAX(s->since, c->since);
        known &= c->since != USEC_NONE;
    }
    if (!known)
        s->since = USEC_NONE;
}

static void
sets_update(struct engine *e)
{
    for (uint32_t i = 0; i < e->plan->sets.n; i++)
        set_update(e, &e->plan->sets.p[i]);
}

/* When each set's rules are due next. */
static void
sets_schedule(struct plan *p)
{
    for (uint32_t i = 0; i < p->sets.n; i++) {
        p->sets.p[i].next = USEC_MAX;
        p->sets.p[i].waiting = false;
    }
    for (uint32_t i = 0; i < p->rules.n; i++) {
        const struct rule *r = &p->rules.p[i];
        struct inputset *s = &p->sets.p[r->set];
        if (r->state->next_slot == USEC_NONE)
            s->waiting = true;
        else
            s->next = MIN(s->next, r->state->next_slot);
    }
}

static void
rule_start(struct rule *r, usec_t slot)
{
    rule_state_touch(r->state);
    r->state->next_slot = slot;
}

void
slots_start(struct engine *e)
{
    sets_update(e);
    for (uint32_t i = 0; i < e->plan->rules.n; i++) {
        struct rule *r = &e->plan->rules.p[i];
        usec_t wm = e->plan->sets.p[r->set].watermark;
        if (r->state->next_slot == USEC_NONE && wm != USEC_NONE)
            rule_start(r, rule_slot_from(r, wm + 1));
    }
}

/* Rules whose inputs are now all observed. */
static void
start_waiting(struct engine *e)
{
    bool started = false;
    for (uint32_t i = 0; i < e->plan->rules.n; i++) {
        struct rule *r = &e->plan->rules.p[i];
        const struct inputset *s = &e->plan->sets.p[r->set];
        if (r->state->next_slot != USEC_NONE || s->since == USEC_NONE ||
            s->watermark == USEC_NONE)
            continue;
        rule_start(r, rule_slot_from(r, s->since));
        started = true;
    }
    if (started)
        sets_schedule(e->plan);
}

/* --- one rule at one slot ----------------------------------------------- */

/* Labels of a recording rule's results. */
static struct lset *
record_labels(struct rule *r, struct lset *l)
{
    struct labels *ls = r->state->e->labels;
    const struct rule_def *d = r->def;
    l = lset_set(ls, l, labels_name(ls), d->name);
    for (uint32_t i = 0; l != NULL && i < d->n_labels; i++) {
        struct lset *m = lset_set(ls, l, r->label_names[i], d->labels[i].text);
        lset_unref(ls, l);
        l = m;
    }
    return lset_pool(ls, l);
}

static int
record_check(struct rule *r, struct eval *ev, const struct vector *v)
{
    int e = vector_check_unique(ev, v);
    if (e == -EINVAL) {
        err_clear(ev->err);
        return err_set(ev->err, -EINVAL,
                       "vector contains metrics with the same labelset after "
                       "applying rule labels");
    }
    if (e == 0 && r->def->limit > 0 && v->n > r->def->limit)
        return err_set(ev->err, -EINVAL,
                       "exceeded limit of %llu with %u series",
                       (unsigned long long)r->def->limit, v->n);
    return e;
}

static int
record_results(struct rule *r, const struct vector *v, usec_t slot,
               struct err *err)
{
    struct engine *e = r->state->e;
    struct eval ev = {.e = e, .rule = r, .t = slot, .err = err};
    int64_t ms = (slot - r->def->offset_us) / 1000;
    struct vector named;
    if (vector_make(&ev, v->n, &named) < 0)
        return -ENOMEM;
    for (uint32_t i = 0; i < v->n; i++) {
        struct lset *l = record_labels(r, v->labels[i]);
        if (l == NULL)
            return -ENOMEM;
        vector_push(&named, l, v->values[i], false);
    }
    int x = record_check(r, &ev, &named);
    for (uint32_t i = 0; x == 0 && i < named.n; i++) {
        x = seriesdb_record(e->series, r->id, named.labels[i],
                            (struct sample){ms, named.values[i]});
        x = MIN(x, 0);
    }
    return x < 0 ? x : seriesdb_record_end(e->series, r->id, ms);
}

/* What a scalar is as a vector. */
static int
as_vector(struct engine *e, const struct value *v, struct vector *ret)
{
    struct eval ev = {.e = e};
    if (v->type == LANG_VECTOR) {
        *ret = v->vec;
        return 0;
    }
    struct lset *l = lset_pool(e->labels, lset_empty(e->labels));
    if (l == NULL || vector_make(&ev, 1, ret) < 0)
        return -ENOMEM;
    vector_push(ret, l, v->scalar, false);
    return 0;
}

/* It was evaluated, but without these records. */
static int
fail_undecided(struct rule_state *s)
{
    char text[160];
    (void)snprintf(text, sizeof text,
                   "a regular expression took too many steps for %llu records, "
                   "which are not counted",
                   (unsigned long long)s->undecided);
    s->undecided = 0;
    return rule_state_fail(s, text);
}

/* What the rule says at a slot, however it is written. */
static int
rule_results(struct engine *e, struct rule *r, usec_t slot, struct results *ret,
             struct err *err)
{
    struct kind *k = r->state->kind;
    struct eval ev = eval_of_rule(e, r, slot, err);
    const struct value *v;
    int x = 0;
    if (k != NULL) {
        x = k->ops->evaluate(k, &ev, &ret->v);
        ret->refused = k->ops->refused(k, ev.t);
    } else {
        x = eval_root(&ev, r->root, &v);
        if (x == 0)
            x = as_vector(e, v, &ret->v);
    }
    if (x == 0 && r->hold != NULL) {
        x = eval_root(&ev, r->hold, &v);
        if (x == 0)
            x = as_vector(e, v, &ret->hold);
    }
    return x;
}

static int
rule_evaluate(struct engine *e, struct rule *r, usec_t slot)
{
    struct rule_state *s = r->state;
    struct err err = ERR_INIT;
    struct results res = {.holds = r->hold != NULL};
    e->stats.evaluations++;
    s->evaluations++;
    int x = rule_results(e, r, slot, &res, &err);
    if (x == 0 && r->def->question == 0)
        x = r->def->is_alert ? alerts_evaluate(r, &res, slot)
                             : record_results(r, &res.v, slot, &err);
    if (x == -ENOMEM)
        return x;
    bool good = x == 0;
    if (good)
        x = s->undecided > 0 ? fail_undecided(s) : rule_state_fail(s, NULL);
    else /* alerts_evaluate() has said itself what is wrong */
        x = err.code != 0 ? rule_state_fail(s, err.message) : 0;
    if (x == 0 && e->o.trial != NULL)
        x = trial_tell(r, slot, good ? &res.v : NULL);
    return x;
}

/* Until when nobody saw what happened; USEC_NONE where the slot was seen. */
static usec_t
slot_unseen_until(const struct engine *e, const struct rule *r, usec_t slot)
{
    const struct inputset *s = &e->plan->sets.p[r->set];
    usec_t end = USEC_NONE;
    for (uint32_t i = 0; i < s->n; i++)
        end = MAX(end, watermarks_gap(&e->marks, s->ids[i], slot));
    return end;
}

static int
rule_slot(struct engine *e, struct rule *r, usec_t slot)
{
    struct rule_state *s = r->state;
    usec_t interval = r->def->interval_us;
    usec_t unseen = slot_unseen_until(e, r, slot);
    rule_state_touch(s);
    int x = 0;
    s->next_slot = slot + interval;
    if (unseen != USEC_NONE) {
        /* All at once, a gap may be months long; but not past the watermark:
         * what comes later may still close it. */
        unseen = MIN(unseen, e->plan->sets.p[r->set].watermark);
        s->next_slot = rule_slot_from(r, unseen + 1);
        s->skipped += (uint64_t)((s->next_slot - slot) / interval);
        alerts_shift(s, s->next_slot - slot);
        if (s->kind != NULL)
            kind_skip(s->kind, slot - interval - r->def->offset_us,
                      s->next_slot - interval - r->def->offset_us);
    } else {
        x = rule_evaluate(e, r, slot);
    }
    s->last_slot = s->next_slot - interval;
    return x;
}

/* --- what is due -------------------------------------------------------- */

static usec_t
next_due(const struct plan *p)
{
    usec_t due = USEC_MAX;
    for (uint32_t i = 0; i < p->sets.n; i++) {
        const struct inputset *s = &p->sets.p[i];
        if (s->next <= s->watermark)
            due = MIN(due, s->next);
    }
    return due;
}

static int
run_slot(struct engine *e, usec_t slot)
{
    struct plan *p = e->plan;
    e->serial++;
    e->evidence_left = EVIDENCE_LOOKS;
    e->stats.slots++;
    for (uint32_t i = 0; i < p->order.n; i++) {
        struct rule *r = &p->rules.p[p->order.p[i]];
        if (r->state->next_slot != slot || slot > p->sets.p[r->set].watermark)
            continue;
        int x = rule_slot(e, r, slot);
        if (x < 0)
            return x;
    }
    engine_settle(e);
    sets_schedule(p);
    return 0;
}

/* --- what can be forgotten ---------------------------------------------- */

/* No reader will look at a time at or before this one. */
static usec_t
readers_from(const struct plan *p, struct rule *const *readers, uint32_t n)
{
    usec_t from = USEC_MAX;
    for (uint32_t i = 0; i < n; i++) {
        const struct rule *r = readers[i];
        const struct inputset *s = &p->sets.p[r->set];
        usec_t next = r->state->next_slot;
        if (next == USEC_NONE)
            next = s->newest == USEC_NONE ? USEC_NONE : s->newest - HOLD_US;
        if (next == USEC_NONE)
            return USEC_NONE;
        from = MIN(from, next - r->def->offset_us);
    }
    return from == USEC_MAX ? USEC_NONE : from;
}

static void
sinks_evaluated(struct plan *p)
{
    for (uint32_t i = 0; i < p->sinks.n; i++) {
        struct sink *s = p->sinks.p[i];
        s->evaluated = USEC_NONE;
        for (uint32_t k = 0; k < s->readers.n; k++) {
            usec_t last = s->readers.p[k]->state->last_slot;
            if (last != USEC_NONE)
                s->evaluated =
                    MAX(s->evaluated, last - s->query_offset - s->offset);
        }
    }
}

static void
forget(struct engine *e)
{
    struct plan *p = e->plan;
    usec_t least = USEC_MAX;
    for (uint32_t i = 0; i < p->sinks.n; i++) {
        struct sink *s = p->sinks.p[i];
        usec_t from = readers_from(p, s->readers.p, s->readers.n);
        if (from != USEC_NONE && s->window != NULL)
            window_forget(s->window, from);
        else if (from != USEC_NONE)
            values_forget(s->values, from);
    }
    for (uint32_t i = 0; i < p->views.n; i++) {
        struct view_use *u = &p->views.p[i];
        usec_t from = readers_from(p, u->readers.p, u->readers.n);
        if (from != USEC_NONE)
            seriesdb_view_from(e->series, (uint32_t)u->view,
                               from / 1000 - u->span_ms - 1);
    }
    seriesdb_trim(e->series);
    for (uint32_t i = 0; i < p->rules.n; i++)
        least = MIN(least, p->rules.p[i].state->next_slot);
    if (least != USEC_MAX && least != USEC_NONE)
        watermarks_forget(&e->marks, least);
}

int
slots_run(struct engine *e)
{
    struct plan *p = e->plan;
    if (p == NULL)
        return 0;
    sets_update(e);
    bool waiting = false, ran = false;
    for (uint32_t i = 0; i < p->sets.n; i++)
        waiting |= p->sets.p[i].waiting;
    if (waiting)
        start_waiting(e);
    for (usec_t slot; (slot = next_due(p)) != USEC_MAX; ran = true) {
        int x = run_slot(e, slot);
        if (x < 0)
            return x;
    }
    if (ran) {
        sinks_evaluated(p);
        forget(e);
    }
    return 0;
}

void
slots_planned(struct engine *e)
{
    sets_update(e);
    sets_schedule(e->plan);
    sinks_evaluated(e->plan);
}

/* --- the unusual -------------------------------------------------------- */

int
slots_rebase(struct engine *e, usec_t now)
{
    watermarks_rebase(&e->marks, now);
    if (seriesdb_rebase(
            e->series,
            (now + (e->schema != NULL ? e->schema->max_future_us : 0)) / 1000) <
        0)
        return -ENOMEM;
    if (e->plan == NULL)
        return 0;
    sets_update(e);
    for (uint32_t i = 0; i < e->plan->rules.n; i++) {
        struct rule *r = &e->plan->rules.p[i];
        struct rule_state *s = r->state;
        usec_t wm = e->plan->sets.p[r->set].watermark;
        if (s->next_slot == USEC_NONE || wm == USEC_NONE)
            continue;
        usec_t next = rule_slot_from(r, wm + 1);
        if (next >= s->next_slot)
            continue;
        rule_state_touch(s);
        alerts_shift(s, next - s->next_slot);
        if (s->kind != NULL &&
            s->kind->ops->rebase(s->kind, next - s->next_slot) < 0)
            return -ENOMEM;
        s->next_slot = next;
        s->last_slot = MIN(s->last_slot, next - r->def->interval_us);
    }
    for (uint32_t i = 0; i < e->plan->sinks.n; i++) {
        struct sink *k = e->plan->sinks.p[i];
        usec_t from = readers_from(e->plan, k->readers.p, k->readers.n);
        k->arrival_slot = USEC_NONE;
        if (from != USEC_NONE && k->window != NULL)
            window_reopen(k->window, from);
        else if (from != USEC_NONE)
            values_reopen(k->values, from);
    }
    slots_planned(e);
    return 0;
}

int
slots_flush(struct engine *e, usec_t to)
{
    usec_t newest = USEC_NONE, longest = 1;
    for (uint32_t i = 0; i < e->marks.inputs.n; i++)
        newest = MAX(newest, e->marks.inputs.p[i].newest);
    for (uint32_t i = 0; e->plan != NULL && i < e->plan->rules.n; i++)
        longest = MAX(longest, e->plan->rules.p[i].def->interval_us);
    if (newest != USEC_NONE)
        to = MAX(to, slot_at_or_after(newest, longest, 0));
    watermarks_flush(&e->marks, to);
    return slots_run(e);
}

bool
rule_is_unknown(const struct engine *e, const struct rule *r)
{
    const struct inputset *s = &e->plan->sets.p[r->set];
    for (uint32_t i = 0; i < s->n; i++) {
        const struct input_clock *c = &e->marks.inputs.p[s->ids[i]];
        if (c->partitions == 0 || c->frozen || c->watermark == USEC_NONE)
            return true;
    }
    return false;
}
