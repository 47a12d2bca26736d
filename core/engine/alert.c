/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/alert.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/codec.h"
#include "core/base/hash.h"
#include "core/engine/engine_priv.h"
#include "core/engine/kind.h"

/* --- life and rows ------------------------------------------------------ */

static int
state_put(struct rule_state *s, struct buf *value)
{
    (void)buf_put_zigzag(value, s->next_slot);
    (void)buf_put_zigzag(value, s->last_slot);
    (void)buf_put_u8(value, s->health);
    (void)buf_put_slice(value, slice_from_str(s->error));
    (void)buf_put_varint(value, s->evaluations);
    (void)buf_put_varint(value, s->skipped);
    (void)buf_put_varint(value, s->late);
    (void)buf_put_varint(value, s->refused);
    (void)buf_put_varint(value, s->undecided);
    return buf_put_varint(value, s->unreadable);
}

static int
rule_row_put(void *owner, uint32_t index, struct buf *key, struct buf *value)
{
    struct rule_state *s = owner;
    if (index == 0) {
        (void)buf_putc(key, 'r');
        return state_put(s, value);
    }
    const struct alert *a = &s->alerts.p[index - 1];
    (void)buf_putc(key, 'a');
    (void)lset_encode(s->e->labels, a->labels, key);
    (void)buf_put_u8(value, a->state);
    (void)buf_put_u8(
        value, (uint8_t)(a->on_arrival | a->overflow << 1 | a->told << 2));
    (void)buf_put_zigzag(value, a->active);
    (void)buf_put_zigzag(value, a->fired);
    (void)buf_put_zigzag(value, a->keep_since);
    (void)buf_put_double(value, a->value);
    (void)buf_put_u64(value, a->episode);
    return a->sample == NULL ? 0 : lset_encode(s->e->labels, a->sample, value);
}

static const struct rowset_ops rule_ops = {rule_row_put, NULL};

struct rule_state *
rule_state_new(struct engine *e, uint64_t id, uint64_t uid)
{
    struct rule_state *s = mem_new(struct rule_state);
    if (s == NULL)
        return NULL;
    s->e = e;
    s->id = id;
    s->uid = uid;
    s->next_slot = s->last_slot = USEC_NONE;
    table_init(&s->table, UINT32_MAX / 2);
    rowset_init(&s->rows, &e->rows, id, &rule_ops, s);
    rowset_touch(&s->rows, 0);
    return s;
}

void
rule_state_free(struct rule_state *s)
{
    if (s == NULL)
        return;
    kind_free(s->kind);
    rowset_fini(&s->rows);
    for (uint32_t i = 0; i < s->alerts.n; i++) {
        lset_unref(s->e->labels, s->alerts.p[i].labels);
        lset_unref(s->e->labels, s->alerts.p[i].sample);
    }
    vec_free(&s->alerts);
    vec_free(&s->free);
    table_fini(&s->table);
    mem_free(s->error);
    mem_free(s);
}

void
rule_state_touch(struct rule_state *s)
{
    rowset_touch(&s->rows, 0);
}

int
rule_state_fail(struct rule_state *s, const char *message)
{
    rowset_touch(&s->rows, 0);
    s->health = message == NULL ? HEALTH_OK : HEALTH_ERR;
    if (message == NULL && s->error == NULL)
        return 0;
    mem_free(s->error);
    s->error = message == NULL ? NULL : mem_strdup(message);
    return message != NULL && s->error == NULL ? -ENOMEM : 0;
}

/* --- the table of alerts ------------------------------------------------ */

static bool
alert_eq(const void *ctx, uint32_t index)
{
    const void *const *c = ctx;
    const struct rule_state *s = c[0];
    return s->alerts.p[index].labels == c[1];
}

static uint32_t
alert_find(const struct rule_state *s, const struct lset *labels)
{
    const void *ctx[2] = {s, labels};
    return table_find(&s->table, labels->hash, alert_eq, ctx);
}

/* 'a' has references of its own to its label sets. */
static int64_t
alert_insert(struct rule_state *s, const struct alert *a)
{
    uint32_t i = s->free.n > 0 ? s->free.p[s->free.n - 1] : s->alerts.n;
    if (vec_reserve(&s->alerts, 1) < 0 ||
        table_insert(&s->table, a->labels->hash, i) < 0)
        return -ENOMEM;
    if (s->free.n > 0)
        s->free.n--;
    else
        s->alerts.n++;
    s->alerts.p[i] = *a;
    return i;
}

static int64_t
alert_new(struct rule_state *s, struct lset *labels, struct lset *sample,
          usec_t active)
{
    struct alert a = {.labels = lset_ref(labels),
                      .sample = sample == NULL ? NULL : lset_ref(sample),
                      .overflow = sample == NULL,
                      .state = ALERT_INACTIVE,
                      .active = active,
                      .fired = USEC_NONE,
                      .keep_since = USEC_NONE};
    int64_t i = alert_insert(s, &a);
    if (i >= 0)
        rowset_touch(&s->rows, (uint32_t)i + 1);
    return i;
}

static int
alert_remove(struct rule_state *s, uint32_t i)
{
    struct alert *a = &s->alerts.p[i];
    rowset_drop(&s->rows, i + 1);
    CHECK(table_remove(&s->table, a->labels->hash, i));
    lset_unref(s->e->labels, a->labels);
    lset_unref(s->e->labels, a->sample);
    *a = (struct alert){0};
    return vec_push(&s->free, i);
}

static uint32_t
alert_count(const struct rule_state *s)
{
    return s->alerts.n - s->free.n;
}

static uint64_t
episode_of(const struct rule *r, const struct alert *a)
{
    uint64_t h =
        hash_mix(hash_mix(r->uid, a->labels->hash), (uint64_t)a->active);
    return h == 0 ? 1 : h;
}

/* --- transitions in the order of labels --------------------------------- */

struct change {
    uint32_t alert;
    uint8_t state;
};

struct changes {
    VEC(struct change) list;
    const struct rule_state *s;
};

static int
change_cmp(const void *a, const void *b, void *arg)
{
    const struct change *x = a, *y = b;
    const struct rule_state *s = arg;
    return lset_cmp(s->e->labels, s->alerts.p[x->alert].labels,
                    s->alerts.p[y->alert].labels);
}

/* Tells of them, and removes what has ended. */
static int
changes_emit(struct rule *r, struct rule_state *s, struct changes *c,
             usec_t time)
{
    int e = 0;
    if (c->list.n > 1)
        qsort_r(c->list.p, c->list.n, sizeof *c->list.p, change_cmp, s);
    for (uint32_t i = 0; e == 0 && i < c->list.n; i++) {
        struct change ch = c->list.p[i];
        struct alert *a = &s->alerts.p[ch.alert];
        e = engine_emit(s->e, r, a, ch.state, time);
        bool ended = ch.state == ALERT_INACTIVE || ch.state == ALERT_RESOLVED;
        if (e == 0 && ended)
            e = alert_remove(s, ch.alert);
    }
    vec_free(&c->list);
    return e;
}

/* --- an evaluation ------------------------------------------------------ */

/* The alert at a slot later than or at its start: what becomes of it. */
static int
alert_step(struct rule *r, struct rule_state *s, uint32_t i, usec_t slot,
           struct changes *c)
{
    const struct rule_def *d = r->def;
    struct alert *a = &s->alerts.p[i];
    uint8_t before = a->state;
    if (!a->seen && !a->held) {
        bool keep = false;
        if (a->state == ALERT_FIRING && d->keep_us > 0) {
            if (a->keep_since == USEC_NONE) {
                rowset_touch(&s->rows, i + 1);
                a->keep_since = slot;
            }
            keep = slot - a->keep_since < d->keep_us;
        }
        if (!keep) {
            uint8_t end =
                a->state == ALERT_FIRING ? ALERT_RESOLVED : ALERT_INACTIVE;
            return vec_push(&c->list, ((struct change){i, end}));
        }
    } else if (a->keep_since != USEC_NONE) {
        rowset_touch(&s->rows, i + 1);
        a->keep_since = USEC_NONE;
    }
    if (a->state == ALERT_INACTIVE)
        a->state = ALERT_PENDING;
    if (a->state == ALERT_PENDING && slot - a->active >= d->for_us) {
        rowset_touch(&s->rows, i + 1);
        a->state = ALERT_FIRING;
        a->fired = slot;
        a->episode = episode_of(r, a);
    } else if (a->state == ALERT_FIRING && slot - a->active < d->for_us) {
        rowset_touch(&s->rows, i + 1); /* a reload made 'for' longer */
        a->state = ALERT_PENDING;
        a->fired = a->keep_since = USEC_NONE;
    }
    return a->state == before
               ? 0
               : vec_push(&c->list, ((struct change){i, a->state}));
}

struct fresh {
    struct lset *labels, *sample;
    double value;
};

struct folding {
    VEC(struct fresh) fresh; /* results that have no alert yet */
    struct labels *ls;
};

static int
fresh_cmp(const void *a, const void *b, void *arg)
{
    const struct fresh *x = a, *y = b;
    return lset_cmp(arg, x->labels, y->labels);
}

static int
pointer_cmp(const void *a, const void *b)
{
    const uintptr_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Labels of each result; 1 where two are the same. */
static int
label_results(struct rule *r, const struct vector *v, usec_t slot,
              struct lset **ret)
{
    uintptr_t *sorted = mem_new_array(uintptr_t, v->n + 1);
    int twice = sorted == NULL ? -ENOMEM : 0;
    for (uint32_t i = 0; twice == 0 && i < v->n; i++) {
        ret[i] = alert_labels(r, v->labels[i], v->values[i], slot);
        if (ret[i] == NULL)
            twice = -ENOMEM;
        sorted[i] = (uintptr_t)ret[i];
    }
    if (twice == 0 && v->n > 1)
        qsort(sorted, v->n, sizeof *sorted, pointer_cmp);
    for (uint32_t i = 1; twice == 0 && i < v->n; i++)
        twice = sorted[i] == sorted[i - 1];
    mem_free(sorted);
    return twice;
}

/* 'sample' NULL: of the alert that stands for others. */
static void
alert_seen(struct rule_state *s, uint32_t i, struct lset *sample, double value,
           usec_t slot)
{
    struct alert *a = &s->alerts.p[i];
    a->seen = true;
    bool same = a->sample == sample || sample == NULL || a->overflow;
    if (a->active > slot ||
        (same && memcmp(&a->value, &value, sizeof value) == 0))
        return;
    rowset_touch(&s->rows, i + 1);
    a->value = value;
    if (!same) {
        lset_unref(s->e->labels, a->sample);
        a->sample = lset_ref(sample);
    }
}

static int
alert_start(struct rule_state *s, const struct fresh *f, usec_t slot)
{
    int64_t i = alert_new(s, f->labels, f->sample, slot);
    if (i < 0)
        return -ENOMEM;
    s->alerts.p[i].value = f->value;
    s->alerts.p[i].seen = true;
    return 0;
}

static uint32_t
alert_bound(const struct rule *r)
{
    size_t max = r->state->e->o.max_alerts_per_rule;
    return (uint32_t)(r->def->limit > 0 ? MIN((size_t)r->def->limit, max)
                                        : max);
}

/* Makes alerts for new results as far as the bound allows, and one for the
 * rest and for those that were refused. */
static int
start_alerts(struct rule *r, struct folding *f, uint64_t refused, usec_t slot)
{
    struct rule_state *s = r->state;
    uint32_t bound = alert_bound(r), have = alert_count(s);
    struct lset *rest = alert_overflow_labels(r);
    if (rest == NULL)
        return -ENOMEM;
    uint32_t folded = alert_find(s, rest);
    have -= folded != TABLE_NONE;
    uint32_t room = have < bound ? bound - have : 0;
    uint32_t n = MIN(f->fresh.n, room);
    if (n < f->fresh.n)
        qsort_r(f->fresh.p, f->fresh.n, sizeof *f->fresh.p, fresh_cmp, f->ls);
    for (uint32_t i = 0; i < n; i++) {
        if (alert_start(s, &f->fresh.p[i], slot) < 0)
            return -ENOMEM;
    }
    if (n == f->fresh.n && refused == 0)
        return 0;
    struct fresh one = {rest, NULL, (double)(f->fresh.n - n + refused)};
    if (folded == TABLE_NONE)
        return alert_start(s, &one, slot);
    alert_seen(s, folded, NULL, one.value, slot);
    return 0;
}

static int
match_results(struct rule *r, const struct results *res, struct lset **labels,
              usec_t slot)
{
    struct rule_state *s = r->state;
    const struct vector *v = &res->v;
    struct folding f = {.ls = s->e->labels};
    int e = 0;
    for (uint32_t i = 0; i < s->alerts.n; i++)
        s->alerts.p[i].seen = s->alerts.p[i].held = false;
    for (uint32_t i = 0; e == 0 && i < v->n; i++) {
        uint32_t k = alert_find(s, labels[i]);
        if (k != TABLE_NONE) {
            alert_seen(s, k, v->labels[i], v->values[i], slot);
            continue;
        }
        struct fresh fresh = {labels[i], v->labels[i], v->values[i]};
        e = vec_push(&f.fresh, fresh);
    }
    if (e == 0 && (f.fresh.n > 0 || res->refused > 0))
        e = start_alerts(r, &f, res->refused, slot);
    vec_free(&f.fresh);
    return e;
}

static struct lset *
nameless(struct rule_state *s, struct lset *l)
{
    return lset_pool(s->e->labels, lset_drop(s->e->labels, l, NULL, 0, true));
}

/* Which alerts keep_firing_while has an element for: of the same labels as the
 * element that made them.  The one that stands for others is held by any. */
static int
hold_alerts(struct rule_state *s, const struct vector *hold)
{
    uintptr_t *all = mem_new_array(uintptr_t, hold->n + 1);
    int e = all == NULL ? -ENOMEM : 0;
    for (uint32_t i = 0; e == 0 && i < hold->n; i++) {
        all[i] = (uintptr_t)nameless(s, hold->labels[i]);
        e = all[i] == 0 ? -ENOMEM : 0;
    }
    if (e == 0 && hold->n > 1)
        qsort(all, hold->n, sizeof *all, pointer_cmp);
    for (uint32_t i = 0; e == 0 && hold->n > 0 && i < s->alerts.n; i++) {
        struct alert *a = &s->alerts.p[i];
        if (a->labels == NULL || a->state != ALERT_FIRING || a->seen)
            continue;
        uintptr_t own = a->overflow ? 0 : (uintptr_t)nameless(s, a->sample);
        if (!a->overflow && own == 0)
            e = -ENOMEM;
        a->held = a->overflow ||
                  bsearch(&own, all, hold->n, sizeof own, pointer_cmp) != NULL;
    }
    mem_free(all);
    return e;
}

/* To the series of alerts. */
static int
alert_tell(struct rule *r, struct rule_state *s, uint32_t i, uint8_t state,
           int64_t ms)
{
    struct alert *a = &s->alerts.p[i];
    int told = alert_series(r, a, state, ms);
    if (told < 0)
        return told;
    if (a->told != told) {
        rowset_touch(&s->rows, i + 1);
        a->told = (uint8_t)told;
    }
    return 0;
}

/* What becomes of each, in the order of labels. */
static int
step_alerts(struct rule *r, usec_t slot)
{
    struct rule_state *s = r->state;
    struct changes c = {.s = s};
    int e = 0;
    for (uint32_t i = 0; e == 0 && i < s->alerts.n; i++) {
        /* One that started on arrival after this slot is not its concern. */
        if (s->alerts.p[i].labels == NULL || s->alerts.p[i].active > slot)
            continue;
        uint32_t n = c.list.n;
        e = alert_step(r, s, i, slot, &c);
        if (e == 0)
            e = alert_tell(r, s, i,
                           c.list.n > n ? c.list.p[n].state
                                        : s->alerts.p[i].state,
                           (slot - r->def->offset_us) / 1000);
    }
    if (e < 0) {
        vec_free(&c.list);
        return e;
    }
    bool ended = false;
    for (uint32_t i = 0; i < c.list.n; i++)
        ended |= c.list.p[i].state != ALERT_FIRING;
    if (ended && r->arrival != NULL)
        window_new_epoch(r->arrival->window);
    return changes_emit(r, s, &c, slot);
}

int
alerts_evaluate(struct rule *r, const struct results *res, usec_t slot)
{
    struct rule_state *s = r->state;
    struct lset **labels = mem_new_array(struct lset *, res->v.n + 1);
    if (labels == NULL)
        return -ENOMEM;
    int e = label_results(r, &res->v, slot, labels);
    if (e > 0) {
        mem_free(labels);
        e = rule_state_fail(s, "vector contains metrics with the same "
                               "labelset after applying alert labels");
        return e < 0 ? e : -EINVAL;
    }
    if (e == 0)
        e = match_results(r, res, labels, slot);
    mem_free(labels);
    if (e == 0 && res->holds)
        e = hold_alerts(s, &res->hold);
    return e < 0 ? e : step_alerts(r, slot);
}

int
alerts_arrive(struct rule *r, struct lset *sample, double value, usec_t now)
{
    struct rule_state *s = r->state;
    struct lset *labels = alert_labels(r, sample, value, now);
    if (labels == NULL)
        return -ENOMEM;
    if (alert_find(s, labels) != TABLE_NONE)
        return 1;
    if (alert_count(s) >= alert_bound(r))
        return 0;
    int64_t i = alert_new(s, labels, sample, now);
    if (i < 0)
        return -ENOMEM;
    struct alert *a = &s->alerts.p[i];
    a->state = ALERT_FIRING;
    a->on_arrival = true;
    a->fired = now;
    a->value = value;
    a->episode = episode_of(r, a);
    int e = engine_emit(s->e, r, a, ALERT_FIRING, now);
    return e < 0 ? e : 1;
}

/* --- the rest ----------------------------------------------------------- */

void
alerts_shift(struct rule_state *s, usec_t span)
{
    for (uint32_t i = 0; i < s->alerts.n; i++) {
        struct alert *a = &s->alerts.p[i];
        if (a->labels == NULL ||
            (a->state != ALERT_PENDING && a->keep_since == USEC_NONE))
            continue;
        rowset_touch(&s->rows, i + 1);
        if (a->state == ALERT_PENDING)
            a->active += span;
        if (a->keep_since != USEC_NONE)
            a->keep_since += span;
    }
}

int
alerts_end(struct rule_state *s, const struct rule *r)
{
    struct changes c = {.s = s};
    struct rule copy = *r;
    usec_t time = s->last_slot;
    copy.state = s;
    for (uint32_t i = 0; i < s->alerts.n; i++) {
        if (s->alerts.p[i].labels != NULL)
            time = MAX(time, s->alerts.p[i].active);
    }
    for (uint32_t i = 0; i < s->alerts.n; i++) {
        struct alert *a = &s->alerts.p[i];
        if (a->labels == NULL)
            continue;
        uint8_t end =
            a->state == ALERT_FIRING ? ALERT_RESOLVED : ALERT_INACTIVE;
        if (alert_tell(&copy, s, i, end,
                       (time - r->def->offset_us) / 1000 + 1) < 0)
            return -ENOMEM;
        if (vec_push(&c.list, ((struct change){i, end})) < 0)
            return -ENOMEM;
    }
    return changes_emit(&copy, s, &c, time);
}

int
alerts_move(struct rule_state *to, struct rule_state *from)
{
    for (uint32_t i = 0; i < from->alerts.n; i++) {
        struct alert a = from->alerts.p[i];
        if (a.labels == NULL)
            continue;
        (void)lset_ref(a.labels);
        if (a.sample != NULL)
            (void)lset_ref(a.sample);
        int64_t k = alert_insert(to, &a);
        if (k < 0)
            return -ENOMEM;
        rowset_touch(&to->rows, (uint32_t)k + 1);
        if (alert_remove(from, i) < 0)
            return -ENOMEM;
    }
    return 0;
}

int
alerts_tell(struct rule *r, int (*fn)(void *, const struct transition *),
            void *arg)
{
    struct rule_state *s = r->state;
    struct changes c = {.s = s};
    int e = 0;
    for (uint32_t i = 0; e == 0 && i < s->alerts.n; i++) {
        if (s->alerts.p[i].labels != NULL)
            e = vec_push(&c.list, ((struct change){i, s->alerts.p[i].state}));
    }
    if (e == 0 && c.list.n > 1)
        qsort_r(c.list.p, c.list.n, sizeof *c.list.p, change_cmp, s);
    for (uint32_t i = 0; e == 0 && i < c.list.n; i++) {
        const struct alert *a = &s->alerts.p[c.list.p[i].alert];
        struct transition t;
        e = alert_describe(r, a, a->state, s->last_slot, &t);
        if (e == 0)
            e = fn(arg, &t);
    }
    vec_free(&c.list);
    return e;
}

/* --- restoring ---------------------------------------------------------- */

static int
restore_alert(struct rule_state *s, const struct engine_row *row)
{
    struct labels *ls = s->e->labels;
    struct reader k = reader_new(slice_skip(row->key, 1));
    struct reader r = reader_new(row->value);
    struct alert a = {.state = reader_u8(&r)};
    uint8_t flags = reader_u8(&r);
    a.on_arrival = flags & 1;
    a.overflow = flags >> 1 & 1;
    a.told = flags >> 2 & 3;
    a.active = reader_zigzag(&r);
    a.fired = reader_zigzag(&r);
    a.keep_since = reader_zigzag(&r);
    a.value = reader_double(&r);
    a.episode = reader_u64(&r);
    a.labels = lset_decode(ls, &k);
    if (!a.overflow)
        a.sample = lset_decode(ls, &r);
    bool ok = reader_done(&k) && reader_done(&r) && a.labels != NULL &&
              (a.overflow || a.sample != NULL);
    int64_t i = ok ? alert_insert(s, &a) : -EBADMSG;
    if (i < 0) {
        lset_unref(ls, a.labels);
        lset_unref(ls, a.sample);
        return (int)i;
    }
    rowset_restored(&s->rows, (uint32_t)i + 1);
    return 0;
}

int
rule_state_restore(struct rule_state *s, const struct engine_row *row)
{
    struct reader r = reader_new(row->value);
    char first = row->key.n > 0 ? row->key.p[0] : '\0';
    if (first == 'a')
        return restore_alert(s, row);
    if (first != 'r')
        return -EBADMSG;
    s->next_slot = reader_zigzag(&r);
    s->last_slot = reader_zigzag(&r);
    s->health = reader_u8(&r);
    struct slice error = reader_slice(&r);
    s->evaluations = reader_varint(&r);
    s->skipped = reader_varint(&r);
    s->late = reader_varint(&r);
    s->refused = reader_varint(&r);
    s->undecided = reader_varint(&r);
    s->unreadable = reader_varint(&r);
    if (!reader_done(&r))
        return -EBADMSG;
    if (error.n > 0) {
        s->error = mem_strndup(error.p, error.n);
        if (s->error == NULL)
            return -ENOMEM;
    }
    rowset_restored(&s->rows, 0);
    return 0;
}
