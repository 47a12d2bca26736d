/* SPDX-License-Identifier: Apache-2.0 */
/* missing.c - keys of which nothing was seen for a while.
 *
 * Of each key stands the newest record: one that was seen arms its timer, one
 * that retires ('until') stops it.  What is newer than the last evaluation
 * waits in a short list, one of each sort a slot, so that a slot sees what it
 * would have seen had all come in order.  A timer is looked at when it is due
 * and not before: a record of a key that is not missing costs no more than its
 * place in the list.
 *
 * A stamp is a time and a sort in one number, 2·time + (retires), so that the
 * greatest is what counts; at equal times it is the one that retires. */
#include "config.h"

#include "core/base/codec.h"
#include "core/base/hash.h"
#include "core/base/timefmt.h"
#include "core/engine/engine_priv.h"
#include "core/engine/inventory.h"
#include "core/engine/keys.h"
#include "core/engine/kind.h"
#include "core/lang/query.h"

#define STAMP_NONE INT64_MIN
#define MASK_UNTIL 2u

/* 'cap' 1: the list is 'one'. */
struct entry {
    int64_t base; /* stamp, STAMP_NONE: nothing yet */
    union {
        int64_t one, *many; /* stamps behind the last evaluation, by order */
    };
    uint16_t n, cap;
};
#define ENTRY_NONE ((struct entry){.base = STAMP_NONE, .cap = 1})

struct missing {
    struct kind k;
    struct engine *e;
    usec_t interval, phase; /* slots are at phase + n·interval */
    usec_t after, remember; /* remember 0: for ever */
    usec_t frozen;          /* 'evaluated' at the last checkpoint's begin */
    bool listed;            /* an inventory says which keys there are */
    uint32_t unfit;         /* keys of it past the bound */
    VEC(struct entry) entries;
};

static inline int64_t
stamp(usec_t t, bool gone)
{
    return t * 2 + gone;
}

static inline usec_t
stamp_time(int64_t s)
{
    return s >> 1;
}

static inline bool
stamp_gone(int64_t s)
{
    return s & 1;
}

static struct missing *
of_kind(struct kind *k)
{
    return (struct missing *)k;
}

/* --- entries ------------------------------------------------------------ */

static inline int64_t *
list_of(struct entry *x)
{
    return x->cap == 1 ? &x->one : x->many;
}

static void
list_free(struct entry *x)
{
    if (x->cap > 1)
        mem_free(x->many);
    *x = ENTRY_NONE;
}

/* What counts at 't', and how many of the list do no more. */
static int64_t
entry_base(struct entry *x, usec_t t, uint32_t *ret_past)
{
    const int64_t *next = list_of(x);
    uint32_t n = 0;
    int64_t base = x->base;
    while (n < x->n && stamp_time(next[n]) <= t)
        base = MAX(base, next[n++]);
    *ret_past = n;
    return base;
}

static void
entry_fold(struct missing *m, uint32_t i, usec_t t)
{
    struct entry *x = &m->entries.p[i];
    int64_t *next = list_of(x);
    uint32_t past;
    int64_t base = entry_base(x, t, &past);
    if (past == 0)
        return;
    rowset_touch(&m->k.keyed.rows, i + 1);
    x->base = base;
    x->n -= (uint16_t)past;
    memmove(next, next + past, x->n * sizeof *next);
}

/* The slot whose evaluation is the first to see 't', as a number. */
static int64_t
slot_of(const struct missing *m, usec_t t)
{
    usec_t s = t - m->phase;
    return s / m->interval + (s % m->interval > 0);
}

/* Room for one more: 0, -ENOSPC or -ENOMEM. */
static int
list_grow(struct entry *x)
{
    uint32_t cap = x->cap * 2u;
    if (x->n < x->cap)
        return 0;
    if (cap > UINT16_MAX)
        return -ENOSPC;
    int64_t *old = x->cap == 1 ? NULL : x->many;
    int64_t *more = mem_realloc(old, cap, sizeof *more);
    if (more == NULL)
        return -ENOMEM;
    if (old == NULL)
        more[0] = x->one;
    x->many = more;
    x->cap = (uint16_t)cap;
    return 0;
}

/* Puts a stamp into the list: 1, 0 where the list says as much already (or is
 * full, as a source is years ahead). */
static int
entry_put(struct missing *m, uint32_t i, int64_t s)
{
    struct entry *x = &m->entries.p[i];
    int64_t *next = list_of(x), slot = slot_of(m, stamp_time(s));
    uint32_t at = x->n;
    while (at > 0 && next[at - 1] > s)
        at--;
    for (uint32_t k = at; k < x->n && slot_of(m, stamp_time(next[k])) == slot;
         k++) {
        if (stamp_gone(next[k]) == stamp_gone(s))
            return 0;
    }
    /* The one of its sort before it in the same slot is past. */
    for (uint32_t k = at; k > 0 && slot_of(m, stamp_time(next[k - 1])) == slot;
         k--) {
        if (stamp_gone(next[k - 1]) != stamp_gone(s))
            continue;
        rowset_touch(&m->k.keyed.rows, i + 1);
        memmove(&next[k - 1], &next[k], (at - k) * sizeof *next);
        next[at - 1] = s;
        return 1;
    }
    int r = list_grow(x);
    if (r < 0)
        return r == -ENOSPC ? 0 : r;
    next = list_of(x);
    rowset_touch(&m->k.keyed.rows, i + 1);
    memmove(&next[at + 1], &next[at], (x->n - at) * sizeof *next);
    next[at] = s;
    x->n++;
    return 1;
}

static void
entry_free(struct missing *m, uint32_t i)
{
    keyed_remove(&m->k.keyed, i);
    list_free(&m->entries.p[i]);
}

/* When the entry is to be looked at: not later than anything about it can
 * change, maybe earlier. */
static usec_t
entry_due(const struct missing *m, uint32_t i)
{
    struct entry *x = &m->entries.p[i];
    const int64_t *next = list_of(x);
    usec_t due = USEC_MAX;
    bool active = keyed_is_active(&m->k.keyed, i);
    if (x->base == STAMP_NONE)
        due = m->listed ? USEC_NONE : USEC_MAX;
    else if (stamp_gone(x->base))
        due = m->listed ? USEC_MAX : stamp_time(x->base) + m->after;
    else if (!active)
        due = kind_due(&m->k, stamp_time(x->base), m->after);
    else if (m->remember > 0 && !m->listed)
        due = kind_due(&m->k, stamp_time(x->base), m->remember);
    bool armed = x->base != STAMP_NONE && !stamp_gone(x->base) && !active;
    for (uint32_t k = 0; k < x->n; k++) {
        if (!armed || stamp_gone(next[k])) {
            due = MIN(due, stamp_time(next[k]));
            break;
        }
    }
    return due;
}

/* The key is retired, or was forgotten: nothing is kept but what waits. */
static bool
entry_ends(struct missing *m, uint32_t i, usec_t t)
{
    struct entry *x = &m->entries.p[i];
    usec_t at = stamp_time(x->base);
    if (m->listed)
        return false;
    if (x->base != STAMP_NONE) {
        bool over =
            stamp_gone(x->base)
                ? t >= at + m->after
                : m->remember > 0 && t >= kind_due(&m->k, at, m->remember);
        if (!over)
            return false;
        rowset_touch(&m->k.keyed.rows, i + 1);
        x->base = STAMP_NONE;
    }
    if (x->n > 0)
        return false;
    entry_free(m, i);
    return true;
}

static int
entry_look(struct missing *m, uint32_t i, usec_t t)
{
    struct keyed *k = &m->k.keyed;
    struct entry *x = &m->entries.p[i];
    entry_fold(m, i, t);
    if (x->base == STAMP_NONE && m->listed) {
        rowset_touch(&k->rows, i + 1);
        x->base = stamp(t, false); /* expected from now on */
    }
    if (entry_ends(m, i, t))
        return 0;
    bool active = x->base != STAMP_NONE && !stamp_gone(x->base) &&
                  t >= kind_due(&m->k, stamp_time(x->base), m->after);
    if (keyed_set_active(k, i, active) < 0)
        return -ENOMEM;
    return timers_set(&k->timers, i, MAX(entry_due(m, i), t + 1));
}

/* --- life --------------------------------------------------------------- */

static int
row_put(void *owner, uint32_t index, struct buf *key, struct buf *value)
{
    struct missing *m = owner;
    if (index > 0) {
        struct entry *x = &m->entries.p[index - 1];
        uint32_t past;
        (void)keyed_put_key(&m->k.keyed, index - 1, key);
        (void)buf_put_zigzag(value, entry_base(x, m->frozen, &past));
        for (uint32_t i = past; i < x->n; i++)
            (void)buf_put_zigzag(value, list_of(x)[i]);
        return buf_error(value);
    }
    return kind_head_put(&m->k, key, value);
}

static void
rows_freeze(void *owner)
{
    struct missing *m = owner;
    m->frozen = m->k.evaluated;
}

static const struct rowset_ops row_ops = {row_put, rows_freeze};

static struct kind *
missing_new(struct engine *e, uint64_t id, struct keyset *ks)
{
    struct missing *m = mem_new(struct missing);
    if (m == NULL) {
        keyset_unref(ks);
        return NULL;
    }
    m->k.ops = &kind_missing;
    m->e = e;
    m->k.evaluated = m->frozen = USEC_NONE;
    keyed_init(&m->k.keyed, &e->rows, id, &row_ops, m, ks,
               (uint32_t)e->o.max_keys_per_rule);
    rowset_touch(&m->k.keyed.rows, 0);
    return &m->k;
}

static void
missing_free(struct kind *k)
{
    struct missing *m = of_kind(k);
    keyed_fini(&m->k.keyed);
    for (uint32_t i = 0; i < m->entries.n; i++)
        list_free(&m->entries.p[i]);
    vec_free(&m->entries);
    mem_free(m);
}

/* The entry of a key; KEYED_NONE: refused. */
static int64_t
entry_of(struct missing *m, uint32_t key, usec_t t)
{
    uint32_t i = keyed_find(&m->k.keyed, key);
    if (i != KEYED_NONE)
        return i;
    int64_t made = keyed_add(&m->k.keyed, key, t);
    if (made < 0 || made == KEYED_NONE)
        return made;
    if (made == m->entries.n && vec_push(&m->entries, ENTRY_NONE) < 0)
        return -ENOMEM;
    rowset_touch(&m->k.keyed.rows, (uint32_t)made + 1);
    return made;
}

/* --- records ------------------------------------------------------------ */

static int
missing_record(struct kind *k, uint32_t key, usec_t t, uint32_t mask)
{
    struct missing *m = of_kind(k);
    struct keyed *kd = &m->k.keyed;
    bool gone = mask & MASK_UNTIL;
    bool late = k->evaluated != USEC_NONE && t <= k->evaluated;
    uint32_t known = keyed_find(kd, key);
    if (known == KEYED_NONE) {
        /* One that is older than 'after' could only tell of the past: its key
         * may have been retired, and forgotten, since. */
        if (m->listed)
            return 0;
        if (late && t <= k->evaluated - m->after)
            return KIND_LATE;
    }
    int64_t i = entry_of(m, key, t);
    if (i < 0)
        return (int)i;
    if (i == KEYED_NONE)
        return KIND_REFUSED;
    struct entry *x = &m->entries.p[i];
    /* The list is kept short, where the key is heard of often. */
    if (x->n == x->cap && k->evaluated != USEC_NONE)
        entry_fold(m, (uint32_t)i, k->evaluated);
    if (x->base != STAMP_NONE && stamp(t, gone) <= x->base)
        return late ? KIND_LATE : 0;
    int put = entry_put(m, (uint32_t)i, stamp(t, gone));
    if (put < 0)
        return put;
    bool quiet = x->base != STAMP_NONE && !stamp_gone(x->base) && !gone &&
                 !keyed_is_active(kd, (uint32_t)i);
    /* The next slot looks; it knows when to look again. */
    if (put > 0 && !quiet &&
        timers_set(&kd->timers, (uint32_t)i, USEC_NONE) < 0)
        return -ENOMEM;
    return late ? KIND_LATE : 0;
}

/* --- evaluation --------------------------------------------------------- */

static int
missing_evaluate(struct kind *k, struct eval *ev, struct vector *ret)
{
    struct missing *m = of_kind(k);
    uint32_t i;
    rowset_touch(&k->keyed.rows, 0);
    k->evaluated = ev->t;
    while (timers_pop(&k->keyed.timers, ev->t, &i)) {
        if (entry_look(m, i, ev->t) < 0)
            return -ENOMEM;
    }
    if (keyed_vector(ev, &k->keyed, ret) < 0)
        return -ENOMEM;
    for (i = 0; i < ret->n; i++) {
        int64_t base = m->entries.p[k->keyed.active.p[i]].base;
        ret->values[i] = (double)(ev->t - stamp_time(base)) / USEC_PER_SEC;
    }
    return 0;
}

static int
look_soon(struct missing *m)
{
    for (uint32_t i = 0; i < m->k.keyed.keys.n; i++) {
        if (m->k.keyed.keys.p[i] != KEY_NONE &&
            timers_set(&m->k.keyed.timers, i, USEC_NONE) < 0)
            return -ENOMEM;
    }
    return 0;
}

static void
missing_settle(struct kind *k, struct unseen s)
{
    struct missing *m = of_kind(k);
    for (uint32_t i = 0; i < m->entries.n; i++) {
        struct entry *x = &m->entries.p[i];
        if (k->keyed.keys.p[i] == KEY_NONE)
            continue;
        entry_fold(m, i, k->evaluated);
        usec_t t = stamp_time(x->base);
        if (x->base == STAMP_NONE || stamp_gone(x->base) || t >= s.hi)
            continue;
        rowset_touch(&k->keyed.rows, i + 1);
        x->base = stamp(t + s.hi - MAX(s.lo, t), false);
    }
}

static int
missing_rebase(struct kind *k, usec_t span)
{
    struct missing *m = of_kind(k);
    kind_settle_all(k);
    for (uint32_t i = 0; i < m->entries.n; i++) {
        struct entry *x = &m->entries.p[i];
        if (k->keyed.keys.p[i] == KEY_NONE)
            continue;
        entry_fold(m, i, USEC_MAX);
        if (x->base == STAMP_NONE)
            continue;
        rowset_touch(&k->keyed.rows, i + 1);
        x->base += 2 * span;
    }
    if (k->evaluated != USEC_NONE)
        k->evaluated += span;
    if (k->keyed.refused_at != USEC_NONE)
        k->keyed.refused_at += span;
    return look_soon(m);
}

static uint64_t
missing_refused(const struct kind *k, usec_t t)
{
    const struct missing *m = (const struct missing *)k;
    bool lately = k->keyed.refused_at != USEC_NONE &&
                  t < kind_due(&m->k, k->keyed.refused_at, m->after);
    return m->unfit + (lately ? k->keyed.refused : 0);
}

/* --- inventory ---------------------------------------------------------- */

static int
inventory_key(struct missing *m, const struct inventory *inv, uint32_t i,
              uint32_t *ret)
{
    AUTO_FINI(buf) b = BUF_INIT((size_t)1 << 24);
    for (uint32_t k = 0; k < inv->n_by; k++)
        (void)buf_put_slice(&b, inv->values[(size_t)i * inv->n_by + k]);
    *ret = buf_error(&b) < 0 ? KEY_NONE
                             : keyset_of_bytes(m->k.keyed.ks, buf_slice(&b));
    return *ret == KEY_NONE ? -ENOMEM : 0;
}

/* Keys that are new are expected, those that are not there are retired. */
static int
take_inventory(struct missing *m, const struct inventory *inv)
{
    struct keyed *kd = &m->k.keyed;
    uint64_t refused = kd->refused;
    uint32_t n = kd->keys.n;
    bool *listed = mem_new_array(bool, n + 1);
    uint32_t *fresh = mem_new_array(uint32_t, inv->n + 1), n_fresh = 0;
    int e = listed == NULL || fresh == NULL ? -ENOMEM : 0;
    for (uint32_t i = 0; e == 0 && i < inv->n; i++) {
        uint32_t key;
        e = inventory_key(m, inv, i, &key);
        uint32_t at = e < 0 ? KEYED_NONE : keyed_find(kd, key);
        if (at != KEYED_NONE && at < n)
            listed[at] = true;
        else if (e == 0)
            fresh[n_fresh++] = i;
        if (e == 0)
            keyset_tidy(kd->ks, key);
    }
    for (uint32_t i = 0; e == 0 && i < n; i++) {
        if (kd->keys.p[i] != KEY_NONE && !listed[i])
            entry_free(m, i);
    }
    m->unfit = 0;
    for (uint32_t i = 0; e == 0 && i < n_fresh; i++) {
        uint32_t key;
        e = inventory_key(m, inv, fresh[i], &key);
        int64_t at = e < 0 ? e : entry_of(m, key, USEC_NONE);
        e = at < 0 ? (int)at : 0;
        m->unfit += at == KEYED_NONE;
        if (e == 0)
            keyset_tidy(kd->ks, key);
    }
    kd->refused = refused;
    mem_free(listed);
    mem_free(fresh);
    return e;
}

static int
missing_configure(struct kind *k, const struct rule_def *d)
{
    struct missing *m = of_kind(k);
    m->interval = d->interval_us;
    m->phase = d->origin_us - d->offset_us;
    m->after = d->missing.after_us;
    m->remember = d->missing.remember_us;
    m->listed = d->missing.inventory != NULL;
    m->unfit = 0;
    if (m->listed && take_inventory(m, d->missing.inventory) < 0)
        return -ENOMEM;
    return look_soon(m);
}

/* --- the rest ----------------------------------------------------------- */

static int
missing_evidence(struct kind *k, struct engine *e, uint32_t entry,
                 struct slice ret[KIND_EVIDENCE_MAX])
{
    const struct missing *m = of_kind(k);
    char text[TIME_STR_MAX];
    (void)time_format_rfc3339(stamp_time(m->entries.p[entry].base),
                              TIME_SHORTEST, text);
    return kind_text(e, &ret[0], "last seen %s", text) < 0 ? -ENOMEM : 1;
}

static int
restore_entry(struct missing *m, const struct engine_row *row)
{
    struct reader r = reader_new(row->value);
    uint32_t key = keyset_of_bytes(m->k.keyed.ks, slice_skip(row->key, 1));
    if (key == KEY_NONE)
        return -EBADMSG;
    int64_t i = entry_of(m, key, USEC_NONE);
    keyset_tidy(m->k.keyed.ks, key);
    if (i < 0 || i == KEYED_NONE)
        return i < 0 ? (int)i : 0;
    m->entries.p[i].n = 0;
    m->entries.p[i].base = reader_zigzag(&r);
    while (reader_ok(&r) && reader_left(&r) > 0) {
        if (entry_put(m, (uint32_t)i, reader_zigzag(&r)) < 0)
            return -ENOMEM;
    }
    rowset_restored(&m->k.keyed.rows, (uint32_t)i + 1);
    return reader_done(&r)
               ? timers_set(&m->k.keyed.timers, (uint32_t)i, USEC_NONE)
               : -EBADMSG;
}

static int
missing_restore(struct kind *k, const struct engine_row *row)
{
    struct missing *m = of_kind(k);
    if (row->key.p[0] == 'k')
        return restore_entry(m, row);
    int r = kind_head_restore(k, row);
    m->frozen = k->evaluated;
    return r;
}

static size_t
missing_bytes(const struct kind *k)
{
    const struct missing *m = (const struct missing *)k;
    size_t n = keyed_bytes(&k->keyed) + m->entries.cap * sizeof *m->entries.p;
    for (uint32_t i = 0; i < m->entries.n; i++) {
        uint32_t cap = m->entries.p[i].cap;
        n += cap == 1 ? 0 : cap * sizeof(int64_t);
    }
    return n;
}

const struct kind_ops kind_missing = {
    .make = missing_new,
    .free = missing_free,
    .configure = missing_configure,
    .record = missing_record,
    .evaluate = missing_evaluate,
    .settle = missing_settle,
    .rebase = missing_rebase,
    .refused = missing_refused,
    .evidence = missing_evidence,
    .restore = missing_restore,
    .bytes = missing_bytes,
};
