/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/window.h"

#include "core/base/check.h"
#include "core/base/codec.h"
#include "core/base/fetch.h"
#include "core/base/hash.h"
#include "core/base/table.h"
#include "core/engine/keys.h"

#define POSITIONS_MAX 16u
#define INLINE_PAIRS 6u /* so that an entry is a line of the cache */
#define FETCH_AHEAD 16u /* keys */
#define HOT 0x80000000u
#define COUNT_MAX 0x7fffffffu

struct pair {
    uint32_t bucket; /* less window.base */
    uint32_t count;
};

struct entry {
    uint32_t key;    /* KEY_NONE: free */
    uint32_t n, cap; /* pairs, by bucket; cap 0: inside */
    uint16_t level, epoch;
    union {
        struct pair in[INLINE_PAIRS];
        struct pair *heap;
    };
};

/* Which entries have a pair in this bucket. */
struct day {
    uint32_t bucket;
    VEC(uint32_t) entries;
};

struct position {
    int64_t lo, hi; /* buckets lo < b ≤ hi */
    bool open_ahead, placed;
    uint32_t need;
    uint32_t *run; /* by entry: count, HOT if listed in 'hot' */
    VEC(uint32_t) hot;
};

/* Row 0 is the window's own, row i+1 that of entry i. */
struct window {
    struct rowset rows;
    struct keyset *ks;
    struct window_options o;
    int64_t base;   /* of bucket numbers in pairs; 0: none yet */
    int64_t gone;   /* buckets up to this one are forgotten */
    int64_t frozen; /* 'gone' when the running checkpoint began */
    bool has_base;
    VEC(struct entry) entries;
    VEC(uint32_t) free;
    struct table table;   /* key → entry */
    VEC(struct day) days; /* by bucket */
    uint32_t first_day;
    struct position pos[POSITIONS_MAX];
    unsigned n_pos;
    uint32_t run_cap; /* of each position's 'run' */
    uint16_t epoch;
    size_t heap_bytes;
};

static int64_t
bucket_of(const struct window *w, usec_t t)
{
    int64_t q = t / w->o.width;
    return q + (t % w->o.width > 0); /* up, also below 0 */
}

static struct pair *
entry_pairs(struct entry *e)
{
    return e->cap == 0 ? e->in : e->heap;
}

/* --- rows --------------------------------------------------------------- */

static int
window_put(void *owner, uint32_t index, struct buf *key, struct buf *value)
{
    struct window *w = owner;
    if (index == 0) {
        (void)buf_putc(key, 'w');
        return buf_put_zigzag(value, w->frozen);
    }
    struct entry *e = &w->entries.p[index - 1];
    (void)buf_putc(key, 'k');
    (void)buf_append_slice(key, keyset_bytes(w->ks, e->key));
    const struct pair *p = entry_pairs(e);
    int64_t last = 0;
    for (uint32_t i = 0; i < e->n; i++) {
        int64_t b = w->base + p[i].bucket;
        if (b <= w->frozen)
            continue;
        (void)buf_put_zigzag(value, b - last);
        (void)buf_put_varint(value, p[i].count);
        last = b;
    }
    return buf_error(value);
}

static void
window_begin(void *owner)
{
    struct window *w = owner;
    w->frozen = w->gone;
}

static const struct rowset_ops window_ops = {window_put, window_begin};

/* --- life --------------------------------------------------------------- */

struct window *
window_new(struct rows *rows, struct keyset *ks, const struct window_options *o)
{
    CHECK(o->width > 0 && o->range % o->width == 0 &&
          o->offset % o->width == 0);
    struct window *w = mem_new(struct window);
    if (w == NULL)
        return NULL;
    w->o = *o;
    w->ks = ks;
    keyset_ref(ks);
    w->gone = w->frozen = INT64_MIN / 2;
    table_init(&w->table, UINT32_MAX / 2);
    rowset_init(&w->rows, rows, o->node, &window_ops, w);
    rowset_touch(&w->rows, 0);
    return w;
}

void
window_free(struct window *w)
{
    if (w == NULL)
        return;
    rowset_fini(&w->rows);
    window_reset_positions(w);
    for (uint32_t i = 0; i < w->entries.n; i++) {
        struct entry *e = &w->entries.p[i];
        if (e->key == KEY_NONE)
            continue;
        keyset_let(w->ks, e->key);
        if (e->cap > 0)
            mem_free(e->heap);
    }
    for (uint32_t i = 0; i < w->days.n; i++)
        vec_free(&w->days.p[i].entries);
    vec_free(&w->days);
    vec_free(&w->entries);
    vec_free(&w->free);
    table_fini(&w->table);
    keyset_unref(w->ks);
    mem_free(w);
}

int
window_add_position(struct window *w, bool open_ahead)
{
    if (w->n_pos == POSITIONS_MAX)
        return -ENOMEM;
    struct position *p = &w->pos[w->n_pos];
    *p = (struct position){.open_ahead = open_ahead,
                           .run = mem_new_array(uint32_t, w->run_cap + 1)};
    if (p->run == NULL)
        return -ENOMEM;
    return (int)w->n_pos++;
}

void
window_reset_positions(struct window *w)
{
    for (unsigned i = 0; i < w->n_pos; i++) {
        mem_free(w->pos[i].run);
        vec_free(&w->pos[i].hot);
    }
    w->n_pos = 0;
}

void
window_need(struct window *w, unsigned pos, uint32_t need)
{
    struct position *p = &w->pos[pos];
    p->need = need;
    p->placed = false;
}

/* --- running counts ----------------------------------------------------- */

static void
hot_check(struct window *w, struct position *p, uint32_t i)
{
    if (p->need == 0 || p->run[i] < p->need || (p->run[i] & HOT))
        return;
    if (vec_push(&p->hot, i) < 0) {
        w->rows.rows->failed = -ENOMEM;
        return;
    }
    p->run[i] |= HOT;
}

static void
run_add(struct window *w, struct position *p, uint32_t i, uint32_t count)
{
    uint32_t flag = p->run[i] & HOT;
    uint32_t run = p->run[i] & COUNT_MAX;
    run = count > COUNT_MAX - run ? COUNT_MAX : run + count;
    p->run[i] = run | flag;
    if (flag == 0 && p->need != 0 && run >= p->need)
        hot_check(w, p, i);
}

static void
run_sub(struct position *p, uint32_t i, uint32_t count)
{
    uint32_t run = p->run[i] & COUNT_MAX;
    CHECK(run >= count);
    p->run[i] = (p->run[i] & HOT) | (run - count);
}

static uint32_t
pair_count(struct entry *e, uint32_t bucket)
{
    const struct pair *p = entry_pairs(e);
    uint32_t lo = 0, hi = e->n;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (p[mid].bucket < bucket)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < e->n && p[lo].bucket == bucket ? p[lo].count : 0;
}

/* The first day after bucket 'b'. */
static uint32_t
day_after(const struct window *w, int64_t b)
{
    uint32_t lo = w->first_day, hi = w->days.n;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (w->base + w->days.p[mid].bucket <= b)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Adds or takes away the counts of the buckets in (from, to]. */
static void
run_span(struct window *w, struct position *p, int64_t from, int64_t to,
         bool add)
{
    for (uint32_t d = day_after(w, from); d < w->days.n; d++) {
        const struct day *day = &w->days.p[d];
        if (w->base + day->bucket > to)
            break;
        for (uint32_t k = 0; k < day->entries.n; k++) {
            uint32_t i = day->entries.p[k];
            if (k + FETCH_AHEAD < day->entries.n)
                fetch(&w->entries.p[day->entries.p[k + FETCH_AHEAD]]);
            uint32_t c = pair_count(&w->entries.p[i], day->bucket);
            if (add)
                run_add(w, p, i, c);
            else
                run_sub(p, i, c);
        }
    }
}

static void
position_place(struct window *w, struct position *p, int64_t lo, int64_t hi)
{
    for (uint32_t i = 0; i < w->entries.n; i++)
        p->run[i] = 0;
    p->hot.n = 0;
    p->lo = lo;
    p->hi = hi;
    p->placed = true;
    run_span(w, p, lo, hi, true);
}

void
window_seek(struct window *w, unsigned pos, usec_t t)
{
    struct position *p = &w->pos[pos];
    int64_t hi = bucket_of(w, t - w->o.offset);
    int64_t lo = MAX(hi - w->o.range / w->o.width, w->gone);
    if (p->open_ahead)
        hi = INT64_MAX / 2;
    if (p->placed && lo == p->lo && hi == p->hi)
        return;
    if (!p->placed || lo < p->lo || hi < p->hi) {
        position_place(w, p, lo, hi);
        return;
    }
    run_span(w, p, MAX(p->hi, lo), hi, true);
    run_span(w, p, p->lo, MIN(lo, p->hi), false);
    p->lo = lo;
    p->hi = hi;
}

uint32_t
window_count(const struct window *w, unsigned pos, uint32_t entry)
{
    return w->pos[pos].run[entry] & COUNT_MAX;
}

bool
window_next(struct window *w, unsigned pos, uint32_t need, uint32_t *cursor,
            uint32_t *ret_entry, uint32_t *ret_count)
{
    struct position *p = &w->pos[pos];
    bool listed = p->need > 0 && need >= p->need;
    while (*cursor < (listed ? p->hot.n : w->entries.n)) {
        uint32_t i = listed ? p->hot.p[*cursor] : *cursor;
        uint32_t run = p->run[i] & COUNT_MAX;
        if (listed && run < p->need) {
            p->run[i] = run;
            p->hot.p[*cursor] = p->hot.p[--p->hot.n];
            continue;
        }
        ++*cursor;
        if (run == 0 || run < need || w->entries.p[i].key == KEY_NONE)
            continue;
        *ret_entry = i;
        *ret_count = run;
        return true;
    }
    return false;
}

/* --- entries ------------------------------------------------------------ */

struct entry_ctx {
    const struct window *w;
    uint32_t key;
};

static bool
entry_eq(const void *ctx, uint32_t index)
{
    const struct entry_ctx *c = ctx;
    return c->w->entries.p[index].key == c->key;
}

static int
runs_reach(struct window *w, uint32_t n)
{
    if (n <= w->run_cap)
        return 0;
    uint32_t cap = MAX(n, w->run_cap + w->run_cap / 2);
    cap = MAX(cap, 8u);
    for (unsigned k = 0; k < w->n_pos; k++) {
        uint32_t *run = mem_realloc(w->pos[k].run, cap + 1, sizeof *run);
        if (run == NULL)
            return -ENOMEM;
        memset(run + w->run_cap, 0, (cap + 1 - w->run_cap) * sizeof *run);
        w->pos[k].run = run;
    }
    w->run_cap = cap;
    return 0;
}

/* The key's entry, made if need be; or WINDOW_…. */
static int64_t
entry_of(struct window *w, uint32_t key)
{
    struct entry_ctx ctx = {w, key};
    uint64_t hash = hash_u64(key);
    uint32_t i = table_find(&w->table, hash, entry_eq, &ctx);
    if (i != TABLE_NONE)
        return i;
    if (w->entries.n - w->free.n >= w->o.max_keys)
        return WINDOW_FULL;
    i = w->free.n > 0 ? w->free.p[w->free.n - 1] : w->entries.n;
    if (vec_reserve(&w->entries, 1) < 0 || runs_reach(w, i + 1) < 0 ||
        table_insert(&w->table, hash, i) < 0)
        return WINDOW_NOMEM;
    if (w->free.n > 0)
        w->free.n--;
    else
        w->entries.n++;
    w->entries.p[i] = (struct entry){.key = key, .epoch = w->epoch};
    keyset_hold(w->ks, key);
    return i;
}

static void
entry_drop(struct window *w, uint32_t i)
{
    struct entry *e = &w->entries.p[i];
    rowset_drop(&w->rows, i + 1);
    CHECK(table_remove(&w->table, hash_u64(e->key), i));
    if (e->cap > 0) {
        w->heap_bytes -= e->cap * sizeof *e->heap;
        mem_free(e->heap);
    }
    keyset_let(w->ks, e->key);
    for (unsigned k = 0; k < w->n_pos; k++)
        w->pos[k].run[i] &= HOT; /* it stays listed until next looked at */
    *e = (struct entry){.key = KEY_NONE};
    if (vec_push(&w->free, i) < 0)
        w->rows.rows->failed = -ENOMEM;
}

/* Removes the pairs that are past. */
static bool
entry_prune(struct window *w, struct entry *e)
{
    struct pair *p = entry_pairs(e);
    uint32_t past = 0;
    while (past < e->n && w->base + p[past].bucket <= w->gone)
        past++;
    memmove(p, p + past, (e->n - past) * sizeof *p);
    e->n -= past;
    return past > 0;
}

/* Room for one more pair; forgets what is past first. */
static int
entry_reserve(struct window *w, struct entry *e)
{
    uint32_t cap = e->cap == 0 ? INLINE_PAIRS : e->cap;
    if (e->n < cap || entry_prune(w, e))
        return 0;
    uint32_t more = cap + MAX(cap / 2, 2u);
    struct pair *heap =
        mem_realloc(e->cap == 0 ? NULL : e->heap, more, sizeof *heap);
    if (heap == NULL)
        return -ENOMEM;
    if (e->cap == 0)
        memcpy(heap, e->in, e->n * sizeof *heap);
    w->heap_bytes += (more - e->cap) * sizeof *heap;
    e->heap = heap;
    e->cap = more;
    return 0;
}

/* Notes that the entry has a pair in the bucket. */
static int
day_note(struct window *w, uint32_t bucket, uint32_t entry)
{
    uint32_t d = w->days.n;
    while (d > w->first_day && w->days.p[d - 1].bucket > bucket)
        d--;
    if (d > w->first_day && w->days.p[d - 1].bucket == bucket)
        return vec_push(&w->days.p[d - 1].entries, entry);
    if (w->first_day > 64 && w->first_day > w->days.n / 2) {
        uint32_t k = w->first_day;
        memmove(w->days.p, w->days.p + k, (w->days.n - k) * sizeof *w->days.p);
        w->days.n -= k;
        w->first_day = 0;
        d -= k;
    }
    if (vec_reserve(&w->days, 1) < 0)
        return -ENOMEM;
    memmove(w->days.p + d + 1, w->days.p + d,
            (w->days.n - d) * sizeof *w->days.p);
    w->days.n++;
    w->days.p[d] = (struct day){.bucket = bucket};
    return vec_push(&w->days.p[d].entries, entry);
}

/* Adds to the entry's count in a bucket. */
static int
entry_count(struct window *w, uint32_t i, uint32_t bucket, uint32_t count)
{
    struct entry *e = &w->entries.p[i];
    struct pair *p = entry_pairs(e);
    uint32_t k = e->n;
    while (k > 0 && p[k - 1].bucket > bucket)
        k--;
    if (k > 0 && p[k - 1].bucket == bucket) {
        uint32_t had = p[k - 1].count;
        p[k - 1].count = count > COUNT_MAX - had ? COUNT_MAX : had + count;
        return 0;
    }
    uint32_t before = e->n;
    if (entry_reserve(w, e) < 0 || day_note(w, bucket, i) < 0)
        return -ENOMEM;
    k -= before - e->n;
    p = entry_pairs(e);
    memmove(p + k + 1, p + k, (e->n - k) * sizeof *p);
    p[k] = (struct pair){bucket, count};
    e->n++;
    return 0;
}

/* Bucket numbers are kept in 32 bits: moves their base so that 'b' fits. */
static int
window_rebase(struct window *w, int64_t b)
{
    if (!w->has_base) {
        w->base = b - INT32_MAX;
        w->has_base = true;
        return 0;
    }
    if (b - w->base >= 0 && b - w->base <= UINT32_MAX)
        return 0;
    int64_t base = MAX(w->gone, b - UINT32_MAX / 2);
    if (b < base || base < w->base)
        return WINDOW_LATE; /* more than 2^31 buckets from the newest */
    window_forget(w,
                  (base + w->o.range / w->o.width) * w->o.width + w->o.offset);
    int64_t shift = base - w->base;
    for (uint32_t i = 0; i < w->entries.n; i++) {
        struct entry *e = &w->entries.p[i];
        struct pair *p = entry_pairs(e);
        uint32_t past = 0;
        while (past < e->n && p[past].bucket < shift)
            past++;
        memmove(p, p + past, (e->n - past) * sizeof *p);
        e->n -= past;
        for (uint32_t k = 0; k < e->n; k++)
            p[k].bucket -= (uint32_t)shift;
    }
    for (uint32_t d = w->first_day; d < w->days.n; d++)
        w->days.p[d].bucket -= (uint32_t)shift;
    w->base = base;
    return 0;
}

static int64_t
window_put_count(struct window *w, uint32_t key, int64_t b, uint32_t count,
                 bool restoring)
{
    if (b <= w->gone)
        return WINDOW_LATE;
    int r = window_rebase(w, b);
    if (r < 0)
        return r;
    int64_t i = entry_of(w, key);
    if (i < 0)
        return i;
    if (!restoring)
        rowset_touch(&w->rows, (uint32_t)i + 1);
    if (entry_count(w, (uint32_t)i, (uint32_t)(b - w->base), count) < 0)
        return WINDOW_NOMEM;
    for (unsigned k = 0; k < w->n_pos; k++) {
        struct position *p = &w->pos[k];
        if (p->placed && b > p->lo && b <= p->hi)
            run_add(w, p, (uint32_t)i, count);
    }
    return i;
}

int64_t
window_add(struct window *w, uint32_t key, usec_t t)
{
    return window_put_count(w, key, bucket_of(w, t), 1, false);
}

void
window_fetch(const struct window *w, uint32_t key)
{
    table_fetch(&w->table, hash_u64(key));
}

void
window_fetch_entry(const struct window *w, uint32_t key)
{
    uint32_t i = table_guess(&w->table, hash_u64(key));
    if (i == TABLE_NONE)
        return;
    fetch(&w->entries.p[i]);
    for (unsigned k = 0; k < w->n_pos; k++)
        fetch(&w->pos[k].run[i]);
}

void
window_forget(struct window *w, usec_t t)
{
    int64_t gone = bucket_of(w, t - w->o.offset) - w->o.range / w->o.width;
    if (gone <= w->gone)
        return;
    for (unsigned k = 0; k < w->n_pos; k++) {
        struct position *p = &w->pos[k];
        if (!p->placed || p->lo >= gone)
            continue;
        run_span(w, p, p->lo, MIN(gone, p->hi), false);
        p->lo = gone;
        p->hi = MAX(p->hi, gone);
    }
    rowset_touch(&w->rows, 0);
    w->gone = gone;
    for (; w->first_day < w->days.n; w->first_day++) {
        struct day *day = &w->days.p[w->first_day];
        if (w->base + day->bucket > gone)
            break;
        for (uint32_t k = 0; k < day->entries.n; k++) {
            uint32_t i = day->entries.p[k];
            struct entry *e = &w->entries.p[i];
            if (e->key != KEY_NONE &&
                w->base + entry_pairs(e)[e->n - 1].bucket <= gone)
                entry_drop(w, i);
        }
        vec_free(&day->entries);
    }
}

void
window_reopen(struct window *w, usec_t t)
{
    int64_t gone = bucket_of(w, t - w->o.offset) - w->o.range / w->o.width;
    if (gone < w->gone) {
        /* Pairs that were past must not come back. */
        for (uint32_t i = 0; i < w->entries.n; i++) {
            if (w->entries.p[i].key == KEY_NONE)
                continue;
            rowset_touch(&w->rows, i + 1);
            (void)entry_prune(w, &w->entries.p[i]);
        }
        rowset_touch(&w->rows, 0);
        w->gone = gone;
    }
    for (unsigned k = 0; k < w->n_pos; k++)
        w->pos[k].placed = false;
}

/* --- the rest ----------------------------------------------------------- */

uint32_t
window_key(const struct window *w, uint32_t entry)
{
    return w->entries.p[entry].key;
}

struct keyset *
window_keyset(const struct window *w)
{
    return w->ks;
}

uint32_t
window_entries(const struct window *w)
{
    return w->entries.n - w->free.n;
}

uint16_t
window_level(const struct window *w, uint32_t entry)
{
    const struct entry *e = &w->entries.p[entry];
    return e->epoch == w->epoch ? e->level : 0;
}

void
window_set_level(struct window *w, uint32_t entry, uint16_t level)
{
    w->entries.p[entry].epoch = w->epoch;
    w->entries.p[entry].level = level;
}

void
window_new_epoch(struct window *w)
{
    if (++w->epoch != 0)
        return;
    for (uint32_t i = 0; i < w->entries.n; i++) {
        w->entries.p[i].level = 0;
        w->entries.p[i].epoch = 0;
    }
}

int
window_restore(struct window *w, const struct engine_row *row)
{
    struct reader r = reader_new(row->value);
    if (row->key.n == 0)
        return -EBADMSG;
    if (row->key.p[0] == 'w') {
        w->gone = w->frozen = reader_zigzag(&r);
        return reader_done(&r) ? 0 : -EBADMSG;
    }
    uint32_t key = keyset_of_bytes(w->ks, slice_skip(row->key, 1));
    if (key == KEY_NONE)
        return -EBADMSG;
    int64_t b = 0, entry = WINDOW_LATE;
    while (reader_left(&r) > 0 && reader_ok(&r)) {
        b += reader_zigzag(&r);
        uint64_t count = reader_varint(&r);
        if (!reader_ok(&r) || count > COUNT_MAX)
            break;
        int64_t i = window_put_count(w, key, b, (uint32_t)count, true);
        if (i == WINDOW_NOMEM)
            return -ENOMEM;
        entry = MAX(entry, i);
    }
    if (entry >= 0)
        rowset_restored(&w->rows, (uint32_t)entry + 1);
    else
        keyset_tidy(w->ks, key);
    return reader_done(&r) && entry >= 0 ? 0 : -EBADMSG;
}

size_t
window_bytes(const struct window *w)
{
    size_t days = 0;
    for (uint32_t d = w->first_day; d < w->days.n; d++)
        days += w->days.p[d].entries.cap * sizeof(uint32_t);
    return w->entries.cap * sizeof *w->entries.p + w->heap_bytes + days +
           w->n_pos * w->run_cap * sizeof(uint32_t) + table_bytes(&w->table);
}

uint64_t
window_node(const struct window *w)
{
    return w->o.node;
}
