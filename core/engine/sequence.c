/* SPDX-License-Identifier: Apache-2.0 */
/* sequence.c - steps that follow one another, key by key.
 *
 * Records wait, in the order of their times, until a slot is evaluated: then
 * all up to it are there, and what they make doesn't depend on the order in
 * which they came.  Equal records (key, time, steps) are one.  Of each number
 * of steps done the newest run is kept: it has the most time left; but one
 * that waits for a record not to come goes on, so that repeats don't put off
 * its end.  A run that is complete ends all others of its key; its time counts
 * for 'within'.  A key holds from the moment that enough have come until the
 * last of them is too old. */
#include "config.h"

#include "core/base/codec.h"
#include "core/base/timefmt.h"
#include "core/engine/engine_priv.h"
#include "core/engine/keys.h"
#include "core/engine/kind.h"
#include "core/lang/query.h"

#define ITEMS_PER_KEY 4u /* on average; past it records are refused */
#define STEP_TEXT_MAX 200

struct item {
    usec_t t;
    uint32_t mask; /* of the steps that it matches */
};

struct entry {
    struct item *items; /* behind the last evaluation, by time and mask */
    uint32_t n, cap;
    uint32_t has; /* bit i: a run has done the steps up to i */
    bool active, ran;
    uint32_t n_done;
    usec_t *done; /* newest completions, at most 'times' */
    /* Times of the steps of the run that has done i: n_steps a row; the last
     * row is the run that was complete last, where one 'ran'. */
    usec_t *runs;
};

struct sequence {
    struct kind k;
    struct engine *e;
    const struct rule_sequence *def;
    uint64_t n_items;
    VEC(struct entry) entries;
};

static struct sequence *
of_kind(struct kind *k)
{
    return (struct sequence *)k;
}

static usec_t *
run_of(const struct sequence *s, const struct entry *x, uint32_t i)
{
    return x->runs + (size_t)i * s->def->n_steps;
}

/* --- one record --------------------------------------------------------- */

static void
entry_complete(const struct sequence *s, struct entry *x, usec_t t)
{
    uint32_t old = 0, times = s->def->times;
    while (old < x->n_done && x->done[old] <= t - s->def->within_us)
        old++;
    x->active &= old < x->n_done; /* it ended before this */
    if (x->n_done - old == times)
        old++;
    x->n_done -= old;
    memmove(x->done, x->done + old, x->n_done * sizeof *x->done);
    x->done[x->n_done++] = t;
    x->active |= x->n_done == times;
    x->ran = true;
    x->has = 0;
}

/* Step i is done at 't', by the run that had done those before it. */
static void
entry_advance(const struct sequence *s, struct entry *x, uint32_t i, usec_t t)
{
    usec_t *to = run_of(s, x, i);
    if (i > 0)
        memcpy(to, run_of(s, x, i - 1), i * sizeof *to);
    to[i] = t;
    x->has |= 1u << i;
    if (i + 1 == s->def->n_steps)
        entry_complete(s, x, t);
}

/* When 'next' is over, after the step before it at 't'.  That nothing came says
 * nothing of a time that nobody observed: such waits are longer by it. */
static usec_t
step_end(const struct sequence *s, const struct rule_step *next, usec_t t)
{
    return next->no ? kind_due(&s->k, t, next->within_us) : t + next->within_us;
}

/* When the run that has done i ends by itself: USEC_MAX: never. */
static usec_t
run_end(const struct sequence *s, const struct entry *x, uint32_t i)
{
    const struct rule_step *next = &s->def->steps[i + 1];
    const usec_t *run = run_of(s, x, i);
    usec_t end = kind_due(&s->k, run[0], s->def->within_us);
    return next->within_us > 0 ? MIN(end, step_end(s, next, run[i])) : end;
}

/* The earliest of the runs that end at or before 't', in the order of time. */
static bool
next_end(const struct sequence *s, const struct entry *x, usec_t t,
         uint32_t *ret_i, usec_t *ret_end)
{
    bool found = false;
    for (uint32_t i = 0; i + 1 < s->def->n_steps; i++) {
        usec_t end = x->has >> i & 1 ? run_end(s, x, i) : USEC_MAX;
        if (end > t || (found && end >= *ret_end))
            continue;
        found = true;
        *ret_i = i;
        *ret_end = end;
    }
    return found;
}

/* Runs that end up to 't': those that waited for nothing to come go on, the
 * others are too late. */
static void
entry_until(const struct sequence *s, struct entry *x, usec_t t)
{
    uint32_t i = 0;
    usec_t end = 0;
    while (next_end(s, x, t, &i, &end)) {
        const struct rule_step *next = &s->def->steps[i + 1];
        x->has &= ~(1u << i);
        if (next->no && end == step_end(s, next, run_of(s, x, i)[i]))
            entry_advance(s, x, i + 1, end);
    }
}

static void
entry_take(const struct sequence *s, struct entry *x, const struct item *it)
{
    /* A run that ends now can still be met, or ended, by this record. */
    entry_until(s, x, it->t - 1);
    bool was_done = false;
    for (uint32_t i = s->def->n_steps; i-- > 0 && !was_done;) {
        const struct rule_step *st = &s->def->steps[i];
        if (!(it->mask >> i & 1))
            continue;
        if (st->no) {
            x->has &= ~(1u << (i - 1));
            continue;
        }
        if (i > 0 && !(x->has >> (i - 1) & 1))
            continue;
        bool waits = i + 1 < s->def->n_steps && s->def->steps[i + 1].no &&
                     (x->has >> i & 1);
        was_done = i + 1 == s->def->n_steps;
        if (!waits)
            entry_advance(s, x, i, it->t);
    }
}

/* --- entries ------------------------------------------------------------ */

static usec_t
entry_due(const struct sequence *s, const struct entry *x)
{
    usec_t due = x->n > 0 ? x->items[0].t : USEC_MAX;
    for (uint32_t i = 0; i + 1 < s->def->n_steps; i++) {
        if (x->has >> i & 1)
            due = MIN(due, run_end(s, x, i));
    }
    if (x->n_done > 0)
        due = MIN(due, x->done[0] + s->def->within_us);
    return due;
}

static void
entry_free(struct sequence *s, uint32_t i)
{
    struct entry *x = &s->entries.p[i];
    keyed_remove(&s->k.keyed, i);
    s->n_items -= x->n;
    mem_free(x->items);
    mem_free(x->done);
    mem_free(x->runs);
    *x = (struct entry){0};
}

/* Everything up to 't' happens. */
static int
entry_look(struct sequence *s, uint32_t i, usec_t t)
{
    struct keyed *k = &s->k.keyed;
    struct entry *x = &s->entries.p[i];
    uint32_t n = 0, old = 0;
    rowset_touch(&k->rows, i + 1);
    for (; n < x->n && x->items[n].t <= t; n++)
        entry_take(s, x, &x->items[n]);
    x->n -= n;
    s->n_items -= n;
    if (n > 0)
        memmove(x->items, x->items + n, x->n * sizeof *x->items);
    entry_until(s, x, t);
    while (old < x->n_done && x->done[old] <= t - s->def->within_us)
        old++;
    x->n_done -= old;
    memmove(x->done, x->done + old, x->n_done * sizeof *x->done);
    x->active &= x->n_done > 0;
    if (x->n == 0 && x->has == 0 && x->n_done == 0) {
        entry_free(s, i);
        return 0;
    }
    if (keyed_set_active(k, i, x->active) < 0)
        return -ENOMEM;
    return timers_set(&k->timers, i, entry_due(s, x));
}

/* --- life --------------------------------------------------------------- */

static int
entry_put(const struct sequence *s, const struct entry *x, struct buf *value)
{
    uint32_t n = s->def->n_steps;
    (void)buf_put_u8(value, (uint8_t)(x->active | x->ran << 1));
    (void)buf_put_varint(value, x->has);
    (void)buf_put_varint(value, x->n_done);
    for (uint32_t i = 0; i < x->n_done; i++)
        (void)buf_put_zigzag(value, x->done[i]);
    for (uint32_t i = 0; i < n; i++) {
        bool there = i + 1 == n ? x->ran : x->has >> i & 1;
        for (uint32_t k = 0; there && k <= i; k++)
            (void)buf_put_zigzag(value, run_of(s, x, i)[k]);
    }
    (void)buf_put_varint(value, x->n);
    for (uint32_t i = 0; i < x->n; i++) {
        (void)buf_put_zigzag(value, x->items[i].t);
        (void)buf_put_varint(value, x->items[i].mask);
    }
    return buf_error(value);
}

static int
row_put(void *owner, uint32_t index, struct buf *key, struct buf *value)
{
    struct sequence *s = owner;
    if (index > 0) {
        (void)keyed_put_key(&s->k.keyed, index - 1, key);
        return entry_put(s, &s->entries.p[index - 1], value);
    }
    return kind_head_put(&s->k, key, value);
}

static const struct rowset_ops row_ops = {row_put, NULL};

static struct kind *
sequence_new(struct engine *e, uint64_t id, struct keyset *ks)
{
    struct sequence *s = mem_new(struct sequence);
    if (s == NULL) {
        keyset_unref(ks);
        return NULL;
    }
    s->k.ops = &kind_sequence;
    s->k.evaluated = USEC_NONE;
    s->e = e;
    keyed_init(&s->k.keyed, &e->rows, id, &row_ops, s, ks,
               (uint32_t)e->o.max_keys_per_rule);
    rowset_touch(&s->k.keyed.rows, 0);
    return &s->k;
}

static void
sequence_free(struct kind *k)
{
    struct sequence *s = of_kind(k);
    keyed_fini(&s->k.keyed);
    for (uint32_t i = 0; i < s->entries.n; i++) {
        mem_free(s->entries.p[i].items);
        mem_free(s->entries.p[i].done);
        mem_free(s->entries.p[i].runs);
    }
    vec_free(&s->entries);
    mem_free(s);
}

static int
sequence_configure(struct kind *k, const struct rule_def *d)
{
    of_kind(k)->def = &d->sequence; /* the same: the rule's id says it */
    return 0;
}

/* An entry's number; KEYED_NONE: refused. */
static int64_t
entry_of(struct sequence *s, uint32_t key, usec_t t)
{
    const struct rule_sequence *d = s->def;
    uint32_t known = keyed_find(&s->k.keyed, key);
    if (known != KEYED_NONE)
        return known;
    struct entry x = {
        .done = mem_alloc(d->times * sizeof *x.done),
        .runs = mem_alloc((size_t)d->n_steps * d->n_steps * sizeof *x.runs)};
    int64_t i = x.done == NULL || x.runs == NULL
                    ? -ENOMEM
                    : keyed_add(&s->k.keyed, key, t);
    if (i == s->entries.n && vec_push(&s->entries, ((struct entry){0})) < 0)
        i = -ENOMEM;
    if (i < 0 || i == KEYED_NONE) {
        mem_free(x.done);
        mem_free(x.runs);
        return i;
    }
    s->entries.p[i] = x;
    rowset_touch(&s->k.keyed.rows, (uint32_t)i + 1);
    return i;
}

/* --- records ------------------------------------------------------------ */

static int
item_put(struct entry *x, struct item it)
{
    uint32_t at = x->n;
    if (x->n == x->cap) {
        uint32_t cap = MAX(x->cap * 2, 4u);
        struct item *more = mem_realloc(x->items, cap, sizeof *more);
        if (more == NULL)
            return -ENOMEM;
        x->items = more;
        x->cap = cap;
    }
    while (at > 0 &&
           (x->items[at - 1].t > it.t ||
            (x->items[at - 1].t == it.t && x->items[at - 1].mask > it.mask)))
        at--;
    if (at > 0 && x->items[at - 1].t == it.t &&
        x->items[at - 1].mask == it.mask)
        return 0;
    memmove(&x->items[at + 1], &x->items[at], (x->n - at) * sizeof it);
    x->items[at] = it;
    x->n++;
    return 1;
}

static int
sequence_record(struct kind *k, uint32_t key, usec_t t, uint32_t mask)
{
    struct sequence *s = of_kind(k);
    if (k->evaluated != USEC_NONE && t <= k->evaluated)
        return KIND_LATE;
    if (s->n_items >= (uint64_t)ITEMS_PER_KEY * k->keyed.max_keys) {
        rowset_touch(&k->keyed.rows, 0);
        k->keyed.refused++;
        k->keyed.refused_at = MAX(k->keyed.refused_at, t);
        return KIND_REFUSED;
    }
    int64_t i = entry_of(s, key, t);
    if (i < 0)
        return (int)i;
    if (i == KEYED_NONE)
        return KIND_REFUSED;
    struct entry *x = &s->entries.p[i];
    rowset_touch(&k->keyed.rows, (uint32_t)i + 1);
    int put = item_put(x, (struct item){t, mask});
    if (put <= 0)
        return put;
    s->n_items++;
    return x->items[0].t < t
               ? 0
               : timers_set(&k->keyed.timers, (uint32_t)i, entry_due(s, x));
}

/* --- evaluation --------------------------------------------------------- */

static int
sequence_evaluate(struct kind *k, struct eval *ev, struct vector *ret)
{
    struct sequence *s = of_kind(k);
    uint32_t i;
    rowset_touch(&k->keyed.rows, 0);
    k->evaluated = ev->t;
    while (timers_pop(&k->keyed.timers, ev->t, &i)) {
        if (entry_look(s, i, ev->t) < 0)
            return -ENOMEM;
    }
    if (keyed_vector(ev, &k->keyed, ret) < 0)
        return -ENOMEM;
    for (i = 0; i < ret->n; i++)
        ret->values[i] = s->entries.p[k->keyed.active.p[i]].n_done;
    return 0;
}

static void
sequence_settle(struct kind *k, struct unseen u)
{
    struct sequence *s = of_kind(k);
    for (uint32_t i = 0; i < s->entries.n; i++) {
        struct entry *x = &s->entries.p[i];
        for (uint32_t n = 0; n + 1 < s->def->n_steps; n++) {
            if (!(x->has >> n & 1))
                continue;
            usec_t *run = run_of(s, x, n);
            rowset_touch(&k->keyed.rows, i + 1);
            for (uint32_t m = 0; m <= n; m++) {
                usec_t lo = MAX(u.lo, run[m]);
                run[m] += MAX(u.hi - lo, (usec_t)0);
            }
        }
    }
}

/* What has not been evaluated is of times that come again. */
static int
sequence_rebase(struct kind *k, usec_t span)
{
    struct sequence *s = of_kind(k);
    kind_settle_all(k);
    if (k->evaluated != USEC_NONE)
        k->evaluated += span;
    if (k->keyed.refused_at != USEC_NONE)
        k->keyed.refused_at += span;
    for (uint32_t i = 0; i < s->entries.n; i++) {
        struct entry *x = &s->entries.p[i];
        if (k->keyed.keys.p[i] == KEY_NONE)
            continue;
        rowset_touch(&k->keyed.rows, i + 1);
        s->n_items -= x->n;
        x->n = x->has = 0;
        for (uint32_t n = 0; n < x->n_done; n++)
            x->done[n] += span;
        if (x->n_done == 0)
            entry_free(s, i);
        else if (timers_set(&k->keyed.timers, i, entry_due(s, x)) < 0)
            return -ENOMEM;
    }
    return 0;
}

static uint64_t
sequence_refused(const struct kind *k, usec_t t)
{
    const struct sequence *s = (const struct sequence *)k;
    bool lately = k->keyed.refused_at != USEC_NONE &&
                  t < k->keyed.refused_at + s->def->within_us;
    return lately ? k->keyed.refused : 0;
}

static int
sequence_evidence(struct kind *k, struct engine *e, uint32_t entry,
                  struct slice ret[KIND_EVIDENCE_MAX])
{
    const struct sequence *s = of_kind(k);
    const struct entry *x = &s->entries.p[entry];
    uint32_t n = s->def->n_steps;
    const usec_t *run = run_of(s, x, n - 1);
    for (uint32_t i = 0; x->ran && i < n; i++) {
        char at[TIME_STR_MAX];
        const struct rule_step *st = &s->def->steps[i];
        struct slice text = st->select.query->text;
        (void)time_format_rfc3339(run[i], TIME_SHORTEST, at);
        text.n = MIN(text.n, (size_t)STEP_TEXT_MAX);
        if (kind_text(e, &ret[i], "%s %s%.*s", at, st->no ? "no " : "",
                      SLICE_FMT(text)) < 0)
            return -ENOMEM;
    }
    return x->ran ? (int)n : 0;
}

/* --- restoring ---------------------------------------------------------- */

static bool
read_entry(const struct sequence *s, struct entry *x, struct reader *r)
{
    uint8_t flags = reader_u8(r);
    uint32_t n = s->def->n_steps;
    x->active = flags & 1;
    x->ran = flags >> 1 & 1;
    x->has = reader_varint32(r) & ((1u << (n - 1)) - 1);
    x->n_done = reader_varint32(r);
    if (x->n_done > s->def->times)
        return false;
    for (uint32_t i = 0; i < x->n_done; i++)
        x->done[i] = reader_zigzag(r);
    for (uint32_t i = 0; i < n; i++) {
        bool there = i + 1 == n ? x->ran : x->has >> i & 1;
        for (uint32_t k = 0; there && k <= i; k++)
            run_of(s, x, i)[k] = reader_zigzag(r);
    }
    return reader_ok(r);
}

static int
restore_entry(struct sequence *s, const struct engine_row *row)
{
    struct reader r = reader_new(row->value);
    struct keyed *k = &s->k.keyed;
    uint32_t key = keyset_of_bytes(k->ks, slice_skip(row->key, 1));
    if (key == KEY_NONE)
        return -EBADMSG;
    int64_t i = entry_of(s, key, USEC_NONE);
    keyset_tidy(k->ks, key);
    if (i < 0 || i == KEYED_NONE)
        return i < 0 ? (int)i : 0;
    struct entry *x = &s->entries.p[i];
    if (!read_entry(s, x, &r)) {
        *x = (struct entry){.done = x->done, .runs = x->runs};
        entry_free(s, (uint32_t)i);
        return -EBADMSG;
    }
    for (uint32_t n = reader_varint32(&r); n > 0 && reader_ok(&r); n--) {
        struct item it = {.t = reader_zigzag(&r)};
        it.mask = reader_varint32(&r);
        int put = item_put(x, it);
        if (put < 0)
            return put;
        s->n_items += (uint32_t)put;
    }
    rowset_restored(&k->rows, (uint32_t)i + 1);
    if (keyed_set_active(k, (uint32_t)i, x->active) < 0)
        return -ENOMEM;
    return reader_done(&r)
               ? timers_set(&k->timers, (uint32_t)i, entry_due(s, x))
               : -EBADMSG;
}

static int
sequence_restore(struct kind *k, const struct engine_row *row)
{
    struct sequence *s = of_kind(k);
    if (row->key.p[0] == 'k')
        return restore_entry(s, row);
    return kind_head_restore(k, row);
}

static size_t
sequence_bytes(const struct kind *k)
{
    const struct sequence *s = (const struct sequence *)k;
    size_t each = (size_t)s->def->n_steps * s->def->n_steps + s->def->times;
    return keyed_bytes(&k->keyed) + s->entries.cap * sizeof *s->entries.p +
           keyed_count(&k->keyed) * each * sizeof(usec_t) +
           s->n_items * sizeof(struct item);
}

const struct kind_ops kind_sequence = {
    .make = sequence_new,
    .free = sequence_free,
    .configure = sequence_configure,
    .record = sequence_record,
    .evaluate = sequence_evaluate,
    .settle = sequence_settle,
    .rebase = sequence_rebase,
    .refused = sequence_refused,
    .evidence = sequence_evidence,
    .restore = sequence_restore,
    .bytes = sequence_bytes,
};
