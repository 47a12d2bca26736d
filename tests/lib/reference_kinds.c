/* SPDX-License-Identifier: Apache-2.0 */
/* missing and sequence from a list of all records of a key, gone through from
 * its beginning at each slot. */
#include "config.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "tests/lib/reference_priv.h"

static struct rset
key_of(struct reference *rf, const struct rule_def *d, const struct rrec *rec)
{
    struct grouping by = {GROUP_BY, d->by, d->n_by};
    struct rset l = reference_labels(rf, rec, &by, NULL);
    return rset_without(rf, &l, NULL, 0, true);
}

static struct rkey *
find_key(struct rkind *k, const struct rset *l)
{
    for (uint32_t i = 0; i < k->keys.n; i++) {
        if (rset_equal(&k->keys.p[i].labels, l))
            return &k->keys.p[i];
    }
    return NULL;
}

/* How much of (from, to] nobody observed. */
static usec_t
unseen(const struct rkind *k, usec_t from, usec_t to)
{
    usec_t sum = 0;
    for (uint32_t i = 0; i < k->spans.n; i++) {
        usec_t lo = MAX(k->spans.p[i].lo, from), hi = MIN(k->spans.p[i].hi, to);
        sum += MAX(hi - lo, (usec_t)0);
    }
    return sum;
}

/* When 'd' of observed time have passed since 'from'. */
static usec_t
due(const struct rkind *k, usec_t from, usec_t d)
{
    usec_t t = from + d;
    while (t - from - unseen(k, from, t) < d)
        t = from + d + unseen(k, from, t);
    return t;
}

static void
missing_record(struct rkind *k, struct rset l, usec_t t, uint32_t mask)
{
    const struct rule_missing *m = &k->def->missing;
    struct rkey *key = find_key(k, &l);
    if (key == NULL && t <= k->evaluated && t <= k->evaluated - m->after_us)
        return;
    if (key == NULL) {
        CHECK(vec_push(&k->keys, ((struct rkey){.labels = l})) == 0);
        key = &k->keys.p[k->keys.n - 1];
    }
    struct ritem it = {t, mask >> 1 & 1};
    CHECK(vec_push(&key->items, it) == 0);
}

/* The newest of a key up to 't'; false: there is none. */
static bool
newest(const struct rkey *key, usec_t t, struct ritem *ret)
{
    bool any = false;
    for (uint32_t i = 0; i < key->items.n; i++) {
        const struct ritem *x = &key->items.p[i];
        if (x->t > t ||
            (any && (x->t < ret->t || (x->t == ret->t && x->mask < ret->mask))))
            continue;
        *ret = *x;
        any = true;
    }
    return any;
}

static void
forget(struct rkey *key, usec_t t)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < key->items.n; i++) {
        if (key->items.p[i].t > t)
            key->items.p[n++] = key->items.p[i];
    }
    key->items.n = n;
}

static bool
is_missing(struct rkind *k, struct rkey *key, usec_t t, double *ret)
{
    const struct rule_missing *m = &k->def->missing;
    struct ritem x = {0, 0};
    if (!newest(key, t, &x))
        return false;
    usec_t observed = t - x.t - unseen(k, x.t, t);
    if (x.mask != 0 ? t >= x.t + m->after_us
                    : m->remember_us > 0 && observed >= m->remember_us) {
        forget(key, t);
        return false;
    }
    *ret = (double)(t - x.t) / USEC_PER_SEC;
    return x.mask == 0 && observed >= m->after_us;
}

/* --- sequence ----------------------------------------------------------- */

static void
sequence_record(struct rkind *k, struct rset l, usec_t t, uint32_t mask)
{
    struct rkey *key = find_key(k, &l);
    if (t <= k->evaluated)
        return;
    if (key == NULL) {
        CHECK(vec_push(&k->keys, ((struct rkey){.labels = l})) == 0);
        key = &k->keys.p[k->keys.n - 1];
    }
    for (uint32_t i = 0; i < key->items.n; i++) {
        if (key->items.p[i].t == t && key->items.p[i].mask == mask)
            return;
    }
    struct ritem it = {t, mask};
    CHECK(vec_push(&key->items, it) == 0);
}

static int
item_cmp(const void *a, const void *b)
{
    const struct ritem *x = a, *y = b;
    if (x->t != y->t)
        return x->t < y->t ? -1 : 1;
    return (x->mask > y->mask) - (x->mask < y->mask);
}

/* One walk through a key's records. */
struct walk {
    const struct rule_sequence *d;
    const struct rkind *k;
    bool has[RULE_STEPS_MAX];
    usec_t first[RULE_STEPS_MAX], last[RULE_STEPS_MAX];
    usec_t done[512];
    uint32_t n_done;
    bool active;
};

static uint32_t
lately(const struct walk *w, usec_t t)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < w->n_done; i++)
        n += w->done[i] > t - w->d->within_us && w->done[i] <= t;
    return n;
}

static void
step_done(struct walk *w, uint32_t i, usec_t first, usec_t t)
{
    if (i + 1 < w->d->n_steps) {
        w->has[i] = true;
        w->first[i] = first;
        w->last[i] = t;
        return;
    }
    CHECK(w->n_done < ARRAY_SIZE(w->done));
    memset(w->has, 0, sizeof w->has);
    w->active &= lately(w, t) > 0;
    w->done[w->n_done++] = t;
    w->active |= lately(w, t) >= w->d->times;
}

static usec_t
end_of(const struct walk *w, uint32_t i)
{
    const struct rule_step *next = &w->d->steps[i + 1];
    return next->no ? due(w->k, w->last[i], next->within_us)
                    : w->last[i] + next->within_us;
}

static void
walk_to(struct walk *w, usec_t t)
{
    for (;;) {
        uint32_t which = UINT32_MAX;
        usec_t soonest = USEC_MAX;
        for (uint32_t i = 0; i + 1 < w->d->n_steps; i++) {
            const struct rule_step *next = &w->d->steps[i + 1];
            usec_t end = due(w->k, w->first[i], w->d->within_us);
            if (next->within_us > 0)
                end = MIN(end, end_of(w, i));
            if (w->has[i] && end < soonest) {
                soonest = end;
                which = i;
            }
        }
        if (which == UINT32_MAX || soonest > t)
            return;
        w->has[which] = false;
        const struct rule_step *next = &w->d->steps[which + 1];
        if (next->no && soonest == end_of(w, which))
            step_done(w, which + 1, w->first[which], soonest);
    }
}

static void
walk_item(struct walk *w, const struct ritem *it)
{
    walk_to(w, it->t - 1);
    for (int i = (int)w->d->n_steps - 1; i >= 0; i--) {
        const struct rule_step *st = &w->d->steps[i];
        bool last = (uint32_t)i + 1 == w->d->n_steps;
        if (!(it->mask & 1u << i))
            continue;
        if (st->no) {
            w->has[i - 1] = false;
        } else if (i == 0 || w->has[i - 1]) {
            if (last || !w->has[i] || !w->d->steps[i + 1].no)
                step_done(w, (uint32_t)i, i == 0 ? it->t : w->first[i - 1],
                          it->t);
            if (last)
                return;
        }
    }
}

static bool
is_sequence(struct rkind *k, struct rkey *key, usec_t t, double *ret)
{
    struct walk *w = calloc(1, sizeof *w);
    CHECK(w != NULL);
    w->d = &k->def->sequence;
    w->k = k;
    qsort(key->items.p, key->items.n, sizeof *key->items.p, item_cmp);
    for (uint32_t i = 0; i < key->items.n && key->items.p[i].t <= t; i++)
        walk_item(w, &key->items.p[i]);
    walk_to(w, t);
    *ret = MIN(lately(w, t), w->d->times);
    bool active = w->active && lately(w, t) > 0;
    free(w);
    return active;
}

/* --- both --------------------------------------------------------------- */

void
rkind_record(struct reference *rf, struct rkind *k, const struct rrec *rec)
{
    const struct rule_query *q;
    struct rule_query room;
    uint32_t mask = 0;
    uint64_t bits;
    memcpy(&bits, &rec->v, sizeof bits);
    if (rec->is_sample && bits == UINT64_C(0x7ff0000000000002))
        return;
    for (uint32_t i = 0; (q = rule_def_query(k->def, i, &room)) != NULL; i++) {
        if (q->query != k->def->hold.query &&
            reference_matches(rf, expr_unparen(q->query->root)->sel, rec))
            mask |= 1u << i;
    }
    if (mask == 0)
        return;
    struct rset l = key_of(rf, k->def, rec);
    if (k->def->kind == RULE_MISSING)
        missing_record(k, l, rec->t, mask);
    else
        sequence_record(k, l, rec->t, mask);
}

void
rkind_skip(struct rkind *k, usec_t lo, usec_t hi)
{
    struct rspan s = {lo, hi};
    CHECK(vec_push(&k->spans, s) == 0);
}

struct rvalue
rkind_eval(struct reference *rf, struct rkind *k, usec_t t)
{
    struct rvalue v = {
        .is_vector = true,
        .p = arena_new_array(&rf->arena, struct rpoint, k->keys.n + 1)};
    CHECK(v.p != NULL);
    k->evaluated = t;
    for (uint32_t i = 0; i < k->keys.n; i++) {
        struct rkey *key = &k->keys.p[i];
        struct rpoint p = {.labels = key->labels};
        bool holds = k->def->kind == RULE_MISSING
                         ? is_missing(k, key, t, &p.v)
                         : is_sequence(k, key, t, &p.v);
        if (holds)
            v.p[v.n++] = p;
    }
    /* One of whom nothing is left was forgotten. */
    uint32_t n = 0;
    for (uint32_t i = 0; i < k->keys.n; i++) {
        if (k->keys.p[i].items.n > 0)
            k->keys.p[n++] = k->keys.p[i];
        else
            vec_free(&k->keys.p[i].items);
    }
    k->keys.n = n;
    return v;
}

void
rkind_fini(struct rkind *k)
{
    for (uint32_t i = 0; i < k->keys.n; i++)
        vec_free(&k->keys.p[i].items);
    vec_free(&k->keys);
    vec_free(&k->spans);
}
