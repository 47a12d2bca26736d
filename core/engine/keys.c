/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/keys.h"

#include "core/base/check.h"
#include "core/base/codec.h"
#include "core/base/hash.h"
#include "core/base/table.h"
#include "core/engine/labels.h"
#include "core/engine/vec.h"

#define KEY_BYTES_MAX (64u << 10)

struct key {
    char *p;
    uint32_t n, refs;
    uint64_t hash;
    struct lset *labels;
};

struct keyset {
    uint32_t refs;
    struct labels *ls;
    uint32_t *names;
    uint32_t n_names;
    struct table table;
    VEC(struct key) keys;
    VEC(uint32_t) free;
    struct buf scratch;
    uint64_t serial; /* of the record whose key is 'current' */
    uint32_t current;
    size_t bytes;
};

struct keyset *
keyset_new(struct labels *ls, const uint32_t *names, uint32_t n)
{
    struct keyset *ks = mem_new(struct keyset);
    uint32_t *copy = mem_new_array(uint32_t, n + 1);
    if (ks == NULL || copy == NULL) {
        mem_free(ks);
        mem_free(copy);
        return NULL;
    }
    memcpy(copy, names, n * sizeof *names);
    *ks = (struct keyset){.refs = 1,
                          .ls = ls,
                          .names = copy,
                          .n_names = n,
                          .scratch = BUF_INIT(KEY_BYTES_MAX)};
    table_init(&ks->table, UINT32_MAX / 2);
    return ks;
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
    for (uint32_t i = 0; i < ks->keys.n; i++) {
        lset_unref(ks->ls, ks->keys.p[i].labels);
        mem_free(ks->keys.p[i].p);
    }
    for (uint32_t i = 0; i < ks->n_names; i++)
        labels_release(ks->ls, ks->names[i]);
    vec_free(&ks->keys);
    vec_free(&ks->free);
    table_fini(&ks->table);
    buf_fini(&ks->scratch);
    mem_free(ks->names);
    mem_free(ks);
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
    return k->n == c->s.n && memcmp(k->p, c->s.p, k->n) == 0;
}

static uint32_t
key_add(struct keyset *ks, struct slice s, uint64_t hash)
{
    char *p = mem_strndup(s.p, s.n);
    uint32_t i = ks->free.n > 0 ? ks->free.p[ks->free.n - 1] : ks->keys.n;
    if (p == NULL || vec_reserve(&ks->keys, 1) < 0 ||
        table_insert(&ks->table, hash, i) < 0) {
        mem_free(p);
        return KEY_NONE;
    }
    if (ks->free.n > 0)
        ks->free.n--;
    else
        ks->keys.n++;
    ks->keys.p[i] = (struct key){.p = p, .n = (uint32_t)s.n, .hash = hash};
    ks->bytes += s.n + 17;
    return i;
}

static uint32_t
key_of(struct keyset *ks, struct slice s)
{
    if (s.n == 0)
        s.p = "";
    uint64_t hash = hash_slice(s);
    struct key_ctx ctx = {ks, s};
    uint32_t i = table_find(&ks->table, hash, key_eq, &ctx);
    return i != TABLE_NONE ? i : key_add(ks, s, hash);
}

uint32_t
keyset_of_record(struct keyset *ks, uint64_t serial, const uint8_t *ids,
                 const struct slice *values)
{
    if (ks->serial == serial)
        return ks->current;
    struct buf *b = &ks->scratch;
    buf_reset(b);
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
    ks->current =
        buf_error(b) < 0 ? KEY_NONE : key_of(ks, slice_new(b->p, b->n));
    ks->serial = serial;
    return ks->current;
}

uint32_t
keyset_of_bytes(struct keyset *ks, struct slice bytes)
{
    struct reader r = reader_new(bytes);
    for (uint32_t i = 0; i < ks->n_names; i++)
        (void)reader_slice(&r);
    return reader_done(&r) && bytes.n <= KEY_BYTES_MAX ? key_of(ks, bytes)
                                                       : KEY_NONE;
}

struct slice
keyset_bytes(const struct keyset *ks, uint32_t key)
{
    const struct key *k = &ks->keys.p[key];
    return (struct slice){k->p, k->n};
}

struct lset *
keyset_labels(struct keyset *ks, uint32_t key)
{
    struct key *k = &ks->keys.p[key];
    if (k->labels != NULL)
        return k->labels;
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
    ks->bytes -= k->n + 17;
    lset_unref(ks->ls, k->labels);
    mem_free(k->p);
    *k = (struct key){0};
    (void)vec_push(&ks->free, key);
    if (ks->current == key)
        ks->serial = 0;
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
