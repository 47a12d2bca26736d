/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/values.h"

#include <math.h>

#include "core/base/check.h"
#include "core/base/codec.h"
#include "core/base/hash.h"
#include "core/base/table.h"
#include "core/engine/keys.h"

#define NO_ENTRY UINT32_MAX

struct bucket {
    uint32_t entry; /* NO_ENTRY: free */
    uint32_t n, cap;
    int64_t number;
    struct cell *cells;
};

struct series_of_key {
    uint32_t key; /* KEY_NONE: free */
    uint32_t cells;
    VEC(uint32_t) buckets; /* by number */
};

/* Row 0 is the window's own, row i+1 that of bucket i. */
struct values {
    struct rowset rows;
    struct keyset *ks;
    struct window_options o;
    enum values_mode mode;
    int64_t gone; /* buckets up to this one are forgotten */
    VEC(struct series_of_key) entries;
    VEC(uint32_t) free_entries;
    VEC(struct bucket) buckets;
    VEC(uint32_t) free_buckets;
    struct table table; /* key → entry */
    uint64_t cells, cell_room;
    VEC(struct cell) scratch;
};

static int64_t
bucket_of(const struct values *w, usec_t t)
{
    int64_t q = t / w->o.width;
    return q + (t % w->o.width > 0); /* up, also below 0 */
}

/* --- cells -------------------------------------------------------------- */

static void
compensated_add(struct cell *c, double v)
{
    double t = c->v + v;
    if (!isfinite(t))
        c->c = 0;
    else if (fabs(c->v) >= fabs(v))
        c->c += (c->v - t) + v;
    else
        c->c += (v - t) + c->v;
    c->v = t;
}

void
cell_add(struct cell *c, enum values_mode mode, usec_t t, double v)
{
    double d = v - c->v;
    c->n++;
    switch (mode) {
    case VALUES_SUM:
        compensated_add(c, v);
        return;
    case VALUES_MIN:
        if (v < c->v || isnan(c->v))
            c->v = v;
        return;
    case VALUES_MAX:
        if (v > c->v || isnan(c->v))
            c->v = v;
        return;
    case VALUES_FIRST:
        if (t < c->t)
            *c = (struct cell){t, v, 0, c->n};
        return;
    case VALUES_LAST:
        if (t >= c->t)
            *c = (struct cell){t, v, 0, c->n};
        return;
    case VALUES_VARIANCE:
        c->v += d / (double)c->n;
        c->c += d * (v - c->v);
        return;
    case VALUES_EACH:
        return;
    }
}

static void
cell_join(struct cell *to, const struct cell *c, enum values_mode mode)
{
    double n = (double)(to->n + c->n), d = c->v - to->v;
    switch (mode) {
    case VALUES_SUM:
        compensated_add(to, c->v);
        to->c += c->c;
        break;
    case VALUES_VARIANCE:
        to->c += c->c + d * d * ((double)to->n * (double)c->n / n);
        to->v += d * (double)c->n / n;
        break;
    default:
        cell_add(to, mode, c->t, c->v);
        to->n--;
        break;
    }
    to->n += c->n;
}

struct cell
cells_join(const struct cell *c, uint32_t n, enum values_mode mode)
{
    struct cell all = c[0];
    for (uint32_t i = 1; i < n; i++)
        cell_join(&all, &c[i], mode);
    return all;
}

/* --- rows --------------------------------------------------------------- */

static int
values_put(void *owner, uint32_t index, struct buf *key, struct buf *value)
{
    struct values *w = owner;
    if (index == 0) {
        (void)buf_putc(key, 'w');
        return buf_put_zigzag(value, w->gone);
    }
    const struct bucket *b = &w->buckets.p[index - 1];
    (void)buf_putc(key, 'v');
    (void)buf_put_zigzag(key, b->number);
    (void)buf_append_slice(key,
                           keyset_bytes(w->ks, w->entries.p[b->entry].key));
    for (uint32_t i = 0; i < b->n; i++) {
        (void)buf_put_zigzag(value, b->cells[i].t);
        (void)buf_put_double(value, b->cells[i].v);
        (void)buf_put_double(value, b->cells[i].c);
        (void)buf_put_varint(value, b->cells[i].n);
    }
    return buf_error(value);
}

static const struct rowset_ops values_ops = {values_put, NULL};

/* --- life --------------------------------------------------------------- */

struct values *
values_new(struct rows *rows, struct keyset *ks, enum values_mode mode,
           const struct window_options *o)
{
    CHECK(o->width > 0 && o->range % o->width == 0 &&
          o->offset % o->width == 0);
    struct values *w = mem_new(struct values);
    if (w == NULL)
        return NULL;
    w->o = *o;
    w->mode = mode;
    w->ks = ks;
    keyset_ref(ks);
    w->gone = INT64_MIN / 2;
    table_init(&w->table, UINT32_MAX / 2);
    rowset_init(&w->rows, rows, o->node, &values_ops, w);
    rowset_touch(&w->rows, 0);
    return w;
}

void
values_free(struct values *w)
{
    if (w == NULL)
        return;
    rowset_fini(&w->rows);
    for (uint32_t i = 0; i < w->entries.n; i++) {
        if (w->entries.p[i].key != KEY_NONE)
            keyset_let(w->ks, w->entries.p[i].key);
        vec_free(&w->entries.p[i].buckets);
    }
    for (uint32_t i = 0; i < w->buckets.n; i++)
        mem_free(w->buckets.p[i].cells);
    vec_free(&w->entries);
    vec_free(&w->free_entries);
    vec_free(&w->buckets);
    vec_free(&w->free_buckets);
    vec_free(&w->scratch);
    table_fini(&w->table);
    keyset_unref(w->ks);
    mem_free(w);
}

/* --- entries and buckets ------------------------------------------------ */

struct entry_ctx {
    const struct values *w;
    uint32_t key;
};

static bool
entry_eq(const void *ctx, uint32_t index)
{
    const struct entry_ctx *c = ctx;
    return c->w->entries.p[index].key == c->key;
}

static uint32_t
entry_find(const struct values *w, uint32_t key)
{
    struct entry_ctx ctx = {w, key};
    return table_find(&w->table, hash_u64(key), entry_eq, &ctx);
}

static int64_t
entry_new(struct values *w, uint32_t key)
{
    uint32_t i = w->free_entries.n > 0
                     ? w->free_entries.p[w->free_entries.n - 1]
                     : w->entries.n;
    if (vec_reserve(&w->entries, 1) < 0 ||
        table_insert(&w->table, hash_u64(key), i) < 0)
        return WINDOW_NOMEM;
    if (w->free_entries.n > 0)
        w->free_entries.n--;
    else
        w->entries.p[w->entries.n++] = (struct series_of_key){.key = KEY_NONE};
    w->entries.p[i].key = key;
    keyset_hold(w->ks, key);
    return i;
}

static void
entry_drop(struct values *w, uint32_t i)
{
    struct series_of_key *e = &w->entries.p[i];
    CHECK(table_remove(&w->table, hash_u64(e->key), i));
    keyset_let(w->ks, e->key);
    vec_free(&e->buckets);
    *e = (struct series_of_key){.key = KEY_NONE};
    if (vec_push(&w->free_entries, i) < 0)
        w->rows.rows->failed = -ENOMEM;
}

static void
bucket_drop(struct values *w, uint32_t i)
{
    struct bucket *b = &w->buckets.p[i];
    rowset_drop(&w->rows, i + 1);
    w->entries.p[b->entry].cells -= b->n;
    w->cells -= b->n;
    w->cell_room -= b->cap;
    mem_free(b->cells);
    *b = (struct bucket){.entry = NO_ENTRY};
    if (vec_push(&w->free_buckets, i) < 0)
        w->rows.rows->failed = -ENOMEM;
}

/* The entry's bucket of this number, made if need be; or WINDOW_NOMEM. */
static int64_t
bucket_get(struct values *w, uint32_t entry, int64_t number)
{
    struct series_of_key *e = &w->entries.p[entry];
    uint32_t k = e->buckets.n;
    while (k > 0 && w->buckets.p[e->buckets.p[k - 1]].number > number)
        k--;
    if (k > 0 && w->buckets.p[e->buckets.p[k - 1]].number == number)
        return e->buckets.p[k - 1];
    uint32_t i = w->free_buckets.n > 0
                     ? w->free_buckets.p[w->free_buckets.n - 1]
                     : w->buckets.n;
    if (vec_reserve(&e->buckets, 1) < 0 || vec_reserve(&w->buckets, 1) < 0)
        return WINDOW_NOMEM;
    if (w->free_buckets.n > 0)
        w->free_buckets.n--;
    else
        w->buckets.n++;
    w->buckets.p[i] = (struct bucket){.entry = entry, .number = number};
    memmove(e->buckets.p + k + 1, e->buckets.p + k,
            (e->buckets.n - k) * sizeof *e->buckets.p);
    e->buckets.p[k] = i;
    e->buckets.n++;
    return i;
}

/* A cell behind those that are not later. */
static int
bucket_insert(struct values *w, struct bucket *b, struct cell c)
{
    if (b->n == b->cap) {
        uint32_t cap = b->cap == 0 ? 1 : b->cap + MAX(b->cap / 2, 1u);
        struct cell *p = mem_realloc(b->cells, cap, sizeof *p);
        if (p == NULL)
            return -ENOMEM;
        w->cell_room += cap - b->cap;
        b->cells = p;
        b->cap = cap;
    }
    uint32_t k = b->n;
    while (k > 0 && b->cells[k - 1].t > c.t)
        k--;
    memmove(b->cells + k + 1, b->cells + k, (b->n - k) * sizeof *b->cells);
    b->cells[k] = c;
    b->n++;
    w->entries.p[b->entry].cells++;
    w->cells++;
    return 0;
}

/* --- adding ------------------------------------------------------------- */

int64_t
values_add(struct values *w, uint32_t key, usec_t t, double v)
{
    int64_t number = bucket_of(w, t);
    if (number <= w->gone)
        return WINDOW_LATE;
    int64_t entry = entry_find(w, key);
    bool fresh = entry == TABLE_NONE;
    if (w->cells >= VALUES_TOTAL ||
        (fresh && w->entries.n - w->free_entries.n >= w->o.max_keys) ||
        (!fresh && w->entries.p[entry].cells >= VALUES_PER_KEY))
        return WINDOW_FULL;
    if (fresh)
        entry = entry_new(w, key);
    int64_t i = entry < 0 ? entry : bucket_get(w, (uint32_t)entry, number);
    if (i < 0)
        return i;
    rowset_touch(&w->rows, (uint32_t)i + 1);
    struct bucket *b = &w->buckets.p[i];
    if (w->mode == VALUES_EACH || b->n == 0)
        return bucket_insert(w, b, (struct cell){t, v, 0, 1}) < 0 ? WINDOW_NOMEM
                                                                  : entry;
    cell_add(&b->cells[0], w->mode, t, v);
    return entry;
}

void
values_forget(struct values *w, usec_t t)
{
    int64_t gone = bucket_of(w, t - w->o.offset) - w->o.range / w->o.width;
    if (gone <= w->gone)
        return;
    rowset_touch(&w->rows, 0);
    w->gone = gone;
    for (uint32_t i = 0; i < w->entries.n; i++) {
        struct series_of_key *e = &w->entries.p[i];
        uint32_t past = 0;
        while (past < e->buckets.n &&
               w->buckets.p[e->buckets.p[past]].number <= gone)
            bucket_drop(w, e->buckets.p[past++]);
        if (past == 0)
            continue;
        e->buckets.n -= past;
        memmove(e->buckets.p, e->buckets.p + past,
                e->buckets.n * sizeof *e->buckets.p);
        if (e->buckets.n == 0)
            entry_drop(w, i);
    }
}

void
values_reopen(struct values *w, usec_t t)
{
    int64_t gone = bucket_of(w, t - w->o.offset) - w->o.range / w->o.width;
    if (gone < w->gone) {
        rowset_touch(&w->rows, 0);
        w->gone = gone;
    }
}

/* --- reading ------------------------------------------------------------ */

int
values_next(struct values *w, usec_t t, uint32_t *cursor, uint32_t *ret_key,
            const struct cell **ret_cells, uint32_t *ret_n)
{
    int64_t hi = bucket_of(w, t - w->o.offset);
    int64_t lo = MAX(hi - w->o.range / w->o.width, w->gone);
    while (*cursor < w->entries.n) {
        const struct series_of_key *e = &w->entries.p[(*cursor)++];
        w->scratch.n = 0;
        for (uint32_t k = 0; k < e->buckets.n; k++) {
            const struct bucket *b = &w->buckets.p[e->buckets.p[k]];
            if (b->number <= lo || b->number > hi)
                continue;
            if (vec_reserve(&w->scratch, b->n) < 0)
                return -ENOMEM;
            memcpy(w->scratch.p + w->scratch.n, b->cells,
                   b->n * sizeof *b->cells);
            w->scratch.n += b->n;
        }
        if (w->scratch.n == 0)
            continue;
        *ret_key = e->key;
        *ret_cells = w->scratch.p;
        *ret_n = w->scratch.n;
        return 1;
    }
    return 0;
}

/* --- the rest ----------------------------------------------------------- */

static int
restore_cells(struct values *w, uint32_t i, struct reader *r)
{
    while (reader_left(r) > 0 && reader_ok(r)) {
        struct cell c = {.t = reader_zigzag(r)};
        c.v = reader_double(r);
        c.c = reader_double(r);
        c.n = reader_varint(r);
        if (reader_ok(r) && bucket_insert(w, &w->buckets.p[i], c) < 0)
            return -ENOMEM;
    }
    return reader_done(r) && w->buckets.p[i].n > 0 ? 0 : -EBADMSG;
}

int
values_restore(struct values *w, const struct engine_row *row)
{
    struct reader r = reader_new(row->value);
    struct reader k = reader_new(slice_skip(row->key, 1));
    if (row->key.n == 0)
        return -EBADMSG;
    if (row->key.p[0] == 'w') {
        w->gone = reader_zigzag(&r);
        return reader_done(&r) ? 0 : -EBADMSG;
    }
    int64_t number = reader_zigzag(&k);
    size_t left = reader_left(&k);
    if (!reader_ok(&k) || number <= w->gone)
        return -EBADMSG;
    uint32_t key =
        keyset_of_bytes(w->ks, slice_skip(row->key, row->key.n - left));
    if (key == KEY_NONE)
        return -EBADMSG;
    int64_t entry = entry_find(w, key);
    if (entry == TABLE_NONE)
        entry = entry_new(w, key);
    int64_t i = entry < 0 ? entry : bucket_get(w, (uint32_t)entry, number);
    if (i < 0)
        return -ENOMEM;
    int e = restore_cells(w, (uint32_t)i, &r);
    rowset_restored(&w->rows, (uint32_t)i + 1);
    return e;
}

uint64_t
values_node(const struct values *w)
{
    return w->o.node;
}

struct keyset *
values_keyset(const struct values *w)
{
    return w->ks;
}

uint32_t
values_entries(const struct values *w)
{
    return w->entries.n - w->free_entries.n;
}

size_t
values_bytes(const struct values *w)
{
    size_t lists = 0;
    for (uint32_t i = 0; i < w->entries.n; i++)
        lists += w->entries.p[i].buckets.cap * sizeof(uint32_t);
    return w->entries.cap * sizeof *w->entries.p + lists +
           w->buckets.cap * sizeof *w->buckets.p +
           w->cell_room * sizeof(struct cell) + table_bytes(&w->table);
}
