/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/memo.h"

#include "core/base/table.h"
#include "core/engine/labels.h"
#include "core/engine/vec.h"

#define KEPT_MIN 64u

struct memo_pair {
    struct lset *key, *value;
    enum memo_kind kind;
};

struct memo {
    struct table table;
    VEC(struct memo_pair) pairs;
};

struct memo_ctx {
    const struct memo *m;
    const struct lset *key;
    enum memo_kind kind;
};

static bool
pair_eq(const void *ctx, uint32_t index)
{
    const struct memo_ctx *c = ctx;
    const struct memo_pair *p = &c->m->pairs.p[index];
    return p->key == c->key && p->kind == c->kind;
}

static uint64_t
key_hash(const struct lset *key, enum memo_kind kind)
{
    return key->hash ^ (uint64_t)kind << 61;
}

/* Empties it; the values stay until labels_drain(). */
static int
memo_clear(struct memo *m, struct labels *ls)
{
    int e = 0;
    for (uint32_t i = 0; i < m->pairs.n; i++) {
        lset_unref(ls, m->pairs.p[i].key);
        if (lset_pool(ls, m->pairs.p[i].value) == NULL)
            e = -ENOMEM;
    }
    m->pairs.n = 0;
    table_clear(&m->table);
    return e;
}

int
memo_ready(struct memo **m, struct labels *ls, uint32_t n)
{
    if (*m == NULL) {
        *m = mem_new(struct memo);
        if (*m == NULL)
            return -ENOMEM;
        table_init(&(*m)->table, UINT32_MAX / 2);
    }
    bool large = (*m)->pairs.n > 2 * (uint64_t)n + KEPT_MIN;
    return large ? memo_clear(*m, ls) : 0;
}

void
memo_free(struct memo *m, struct labels *ls)
{
    if (m == NULL)
        return;
    for (uint32_t i = 0; i < m->pairs.n; i++) {
        lset_unref(ls, m->pairs.p[i].key);
        lset_unref(ls, m->pairs.p[i].value);
    }
    vec_free(&m->pairs);
    table_fini(&m->table);
    mem_free(m);
}

struct lset *
memo_get(const struct memo *m, const struct lset *key, enum memo_kind kind)
{
    struct memo_ctx ctx = {m, key, kind};
    uint32_t i = table_find(&m->table, key_hash(key, kind), pair_eq, &ctx);
    return i == TABLE_NONE ? NULL : m->pairs.p[i].value;
}

struct lset *
memo_put(struct memo *m, struct labels *ls, struct lset *key,
         enum memo_kind kind, struct lset *value)
{
    struct memo_pair p = {key, value, kind};
    uint32_t i = m->pairs.n;
    if (value == NULL)
        return NULL;
    if (vec_push(&m->pairs, p) < 0) {
        lset_unref(ls, value);
        return NULL;
    }
    if (table_insert(&m->table, key_hash(key, kind), i) < 0) {
        m->pairs.n--;
        lset_unref(ls, value);
        return NULL;
    }
    (void)lset_ref(key);
    return value;
}
