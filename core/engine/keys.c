/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/keys.h"

#include "core/base/check.h"
#include "core/base/codec.h"
#include "core/base/fetch.h"
#include "core/base/hash.h"
#include "core/base/table.h"
#include "core/engine/labels.h"
#include "core/engine/staged.h"
#include "core/engine/vec.h"

#define KEY_BYTES_MAX (64u << 10)
#define PREPARED_BYTES_MAX ((size_t)64 << 20)

#define KEY_INSIDE 40u

/* One line of the cache where the bytes are few. */
struct key {
    uint32_t n, refs;
    uint64_t hash;
    struct lset *labels;
    union {
        char in[KEY_INSIDE];
        char *p; /* n > KEY_INSIDE */
    };
};
_Static_assert(sizeof(struct key) == 64, "a line of the cache");

#define KEY_FREE UINT32_MAX /* as n */
_Static_assert(KEY_NONE == TABLE_NONE, "what is not found");

/* Its bytes stand in the set's scratch. */
struct prepared {
    uint64_t hash;
    uint32_t at, n;
    uint32_t key; /* found, or KEY_NONE */
};

struct keyset {
    uint32_t refs;
    struct keysets *all;
    struct labels *ls;
    uint32_t *names;
    uint32_t n_names;
    struct table table;
    VEC(struct key) keys;
    VEC(uint32_t) free;
    VEC(struct prepared) prepared;
    struct buf scratch;
    uint64_t serial; /* of the record whose key was prepared last */
    bool removed;    /* some key was, since they were found */
    size_t bytes;
};

static const char *
key_bytes(const struct key *k)
{
    return k->n > KEY_INSIDE ? k->p : k->in;
}

static void
key_fini(struct keyset *ks, struct key *k)
{
    if (k->n == KEY_FREE)
        return;
    lset_unref(ks->ls, k->labels);
    if (k->n > KEY_INSIDE) {
        ks->bytes -= k->n + 17;
        mem_free(k->p);
    }
    *k = (struct key){.n = KEY_FREE};
}

void
keysets_init(struct keysets *all, struct labels *ls)
{
    *all = (struct keysets){.ls = ls};
}

void
keysets_fini(struct keysets *all)
{
    CHECK(all->list.n == 0);
    vec_free(&all->list);
}

static void
keyset_free(struct keyset *ks)
{
    for (uint32_t i = 0; i < ks->keys.n; i++)
        key_fini(ks, &ks->keys.p[i]);
    for (uint32_t i = 0; i < ks->n_names; i++)
        labels_release(ks->ls, ks->names[i]);
    vec_free(&ks->keys);
    vec_free(&ks->free);
    vec_free(&ks->prepared);
    table_fini(&ks->table);
    buf_fini(&ks->scratch);
    mem_free(ks->names);
    mem_free(ks);
}

static bool
keyset_is(const struct keyset *ks, const struct slice *names, uint32_t n)
{
    if (ks->n_names != n)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        if (!slice_eq(labels_str(ks->ls, ks->names[i]), names[i]))
            return false;
    }
    return true;
}

static struct keyset *
keyset_new(struct keysets *all, const struct slice *names, uint32_t n)
{
    struct keyset *ks = mem_new(struct keyset);
    if (ks == NULL)
        return NULL;
    *ks = (struct keyset){.refs = 1,
                          .all = all,
                          .ls = all->ls,
                          .names = mem_new_array(uint32_t, n + 1),
                          .scratch = BUF_INIT(PREPARED_BYTES_MAX)};
    table_init(&ks->table, UINT32_MAX / 2);
    bool ok = ks->names != NULL;
    for (; ok && ks->n_names < n; ks->n_names += ok) {
        ks->names[ks->n_names] = labels_intern(ks->ls, names[ks->n_names]);
        ok = ks->names[ks->n_names] != 0;
    }
    if (!ok || vec_push(&all->list, ks) < 0) {
        keyset_free(ks);
        return NULL;
    }
    return ks;
}

struct keyset *
keysets_get(struct keysets *all, const struct slice *names, uint32_t n)
{
    for (uint32_t i = 0; i < all->list.n; i++) {
        if (keyset_is(all->list.p[i], names, n)) {
            all->list.p[i]->refs++;
            return all->list.p[i];
        }
    }
    return keyset_new(all, names, n);
}

void
keyset_ref(struct keyset *ks)
{
    ks->refs++;
}

void
keyset_unref(struct keyset *ks)
{
    if (ks == NULL || --ks->refs > 0)
        return;
    struct keysets *all = ks->all;
    for (uint32_t i = 0; i < all->list.n; i++) {
        if (all->list.p[i] == ks) {
            all->list.p[i] = all->list.p[--all->list.n];
            break;
        }
    }
    keyset_free(ks);
}

uint32_t
keyset_names(const struct keyset *ks, const uint32_t **ret)
{
    *ret = ks->names;
    return ks->n_names;
}

struct key_ctx {
    const struct keyset *ks;
    struct slice s;
};

static bool
key_eq(const void *ctx, uint32_t index)
{
    const struct key_ctx *c = ctx;
    const struct key *k = &c->ks->keys.p[index];
    return k->n == c->s.n && memcmp(key_bytes(k), c->s.p, k->n) == 0;
}

static uint32_t
key_add(struct keyset *ks, struct slice s, uint64_t hash)
{
    struct key k = {.n = (uint32_t)s.n, .hash = hash};
    uint32_t i = ks->free.n > 0 ? ks->free.p[ks->free.n - 1] : ks->keys.n;
    if (s.n > KEY_INSIDE) {
        k.p = mem_strndup(s.p, s.n);
        if (k.p == NULL)
            return KEY_NONE;
        ks->bytes += s.n + 17;
    } else {
        memcpy(k.in, s.p, s.n);
    }
    if (vec_reserve(&ks->keys, 1) < 0 ||
        table_insert(&ks->table, hash, i) < 0) {
        key_fini(ks, &k);
        return KEY_NONE;
    }
    if (ks->free.n > 0)
        ks->free.n--;
    else
        ks->keys.n++;
    ks->keys.p[i] = k;
    return i;
}

static uint32_t
key_find(const struct keyset *ks, struct slice s, uint64_t hash)
{
    struct key_ctx ctx = {ks, s};
    return table_find(&ks->table, hash, key_eq, &ctx);
}

static uint32_t
key_of(struct keyset *ks, struct slice s, uint64_t hash)
{
    uint32_t i = key_find(ks, s, hash);
    return i != TABLE_NONE ? i : key_add(ks, s, hash);
}

/* --- prepared ----------------------------------------------------------- */

void
keysets_restart(struct keysets *all)
{
    for (uint32_t i = 0; i < all->list.n; i++) {
        struct keyset *ks = all->list.p[i];
        ks->prepared.n = 0;
        ks->removed = false;
        buf_reset(&ks->scratch);
    }
}

uint32_t
keyset_prepare(struct keyset *ks, uint64_t serial, const uint8_t *ids,
               const struct slice *values)
{
    if (ks->serial == serial)
        return ks->prepared.n - 1;
    struct buf *b = &ks->scratch;
    size_t at = b->n;
    for (uint32_t i = 0; i < ks->n_names; i++) {
        struct slice v =
            ids[i] == KEY_ABSENT ? (struct slice){0} : values[ids[i]];
        if (likely(v.n < 0x80 && b->cap - b->n > v.n)) {
            b->p[b->n] = (char)v.n;
            if (v.n > 0)
                memcpy(b->p + b->n + 1, v.p, v.n);
            b->n += v.n + 1;
        } else {
            (void)buf_put_slice(b, v);
        }
    }
    size_t n = b->n - at;
    if (buf_error(b) < 0 || n > KEY_BYTES_MAX)
        return KEY_NONE;
    struct prepared k = {.hash = hash_bytes(n > 0 ? b->p + at : "", n),
                         .at = (uint32_t)at,
                         .n = (uint32_t)n,
                         .key = KEY_NONE};
    if (vec_push(&ks->prepared, k) < 0)
        return KEY_NONE;
    table_fetch(&ks->table, k.hash);
    ks->serial = serial;
    return ks->prepared.n - 1;
}

static struct slice
prepared_bytes(const struct keyset *ks, const struct prepared *k)
{
    return (struct slice){k->n > 0 ? ks->scratch.p + k->at : "", k->n};
}

void
keyset_fetch(const struct keyset *ks)
{
    for (uint32_t i = 0; i < ks->prepared.n; i++) {
        uint32_t key = table_guess(&ks->table, ks->prepared.p[i].hash);
        if (key != TABLE_NONE)
            fetch(&ks->keys.p[key]);
    }
}

void
keyset_find(struct keyset *ks)
{
    for (uint32_t i = 0; i < ks->prepared.n; i++) {
        struct prepared *k = &ks->prepared.p[i];
        k->key = key_find(ks, prepared_bytes(ks, k), k->hash);
    }
}

uint32_t
keyset_found(const struct keyset *ks, uint32_t prepared)
{
    return ks->prepared.p[prepared].key;
}

uint32_t
keyset_use(struct keyset *ks, uint32_t prepared)
{
    struct prepared *k = &ks->prepared.p[prepared];
    if (unlikely(k->key == KEY_NONE || ks->removed))
        k->key = key_of(ks, prepared_bytes(ks, k), k->hash);
    return k->key;
}

/* --- keys --------------------------------------------------------------- */

uint32_t
keyset_of_bytes(struct keyset *ks, struct slice bytes)
{
    struct reader r = reader_new(bytes);
    for (uint32_t i = 0; i < ks->n_names; i++)
        (void)reader_slice(&r);
    if (!reader_done(&r) || bytes.n > KEY_BYTES_MAX)
        return KEY_NONE;
    if (bytes.n == 0)
        bytes.p = "";
    return key_of(ks, bytes, hash_slice(bytes));
}

struct slice
keyset_bytes(const struct keyset *ks, uint32_t key)
{
    const struct key *k = &ks->keys.p[key];
    return (struct slice){key_bytes(k), k->n};
}

/* Names and values, by name: see KEYS_OPEN. */
static struct lset *
open_labels(struct keyset *ks, struct slice bytes)
{
    struct reader r = reader_new(bytes);
    struct reader all = reader_new(reader_slice(&r));
    VEC(struct lpair) l = {0};
    struct lset *s = NULL;
    int e = 0;
    while (e == 0 && reader_ok(&all) && reader_left(&all) > 0) {
        struct lpair p = {labels_intern(ks->ls, reader_slice(&all)), 0};
        p.value = p.name == 0 ? 0 : labels_intern(ks->ls, reader_slice(&all));
        e = p.value == 0 ? -ENOMEM : vec_push(&l, p);
    }
    if (e == 0 && reader_done(&all))
        s = lset_intern(ks->ls, l.p, l.n);
    for (uint32_t i = 0; i < l.n; i++) {
        labels_release(ks->ls, l.p[i].name);
        labels_release(ks->ls, l.p[i].value);
    }
    vec_free(&l);
    return s;
}

struct lset *
keyset_labels(struct keyset *ks, uint32_t key)
{
    struct key *k = &ks->keys.p[key];
    if (k->labels != NULL)
        return k->labels;
    if (ks->n_names == 1 &&
        slice_eq_str(labels_str(ks->ls, ks->names[0]), KEYS_OPEN))
        return k->labels = open_labels(ks, keyset_bytes(ks, key));
    struct reader r = reader_new(keyset_bytes(ks, key));
    struct lpair l[UINT8_MAX];
    uint32_t n = 0;
    l[0] = (struct lpair){0};
    bool ok = true;
    for (uint32_t i = 0; i < ks->n_names && ok; i++) {
        struct slice v = reader_slice(&r);
        if (v.n == 0)
            continue;
        l[n] = (struct lpair){ks->names[i], labels_intern(ks->ls, v)};
        ok = l[n++].value != 0;
    }
    if (ok)
        k->labels = lset_intern(ks->ls, l, n);
    for (uint32_t i = 0; i < n; i++)
        labels_release(ks->ls, l[i].value);
    return k->labels;
}

void
keyset_drop_labels(struct keyset *ks, uint32_t key)
{
    lset_unref(ks->ls, ks->keys.p[key].labels);
    ks->keys.p[key].labels = NULL;
}

void
keyset_hold(struct keyset *ks, uint32_t key)
{
    ks->keys.p[key].refs++;
}

void
keyset_tidy(struct keyset *ks, uint32_t key)
{
    struct key *k = &ks->keys.p[key];
    if (k->refs > 0)
        return;
    CHECK(table_remove(&ks->table, k->hash, key));
    key_fini(ks, k);
    (void)vec_push(&ks->free, key);
    ks->removed = true;
}

void
keyset_let(struct keyset *ks, uint32_t key)
{
    CHECK(ks->keys.p[key].refs > 0);
    if (--ks->keys.p[key].refs == 0)
        keyset_tidy(ks, key);
}

size_t
keyset_mem(const struct keyset *ks)
{
    return ks->bytes + ks->keys.cap * sizeof *ks->keys.p +
           table_bytes(&ks->table);
}
