/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/base/table.h"
#include "core/engine/samplekeys.h"
#include "core/engine/vec.h"

#define KEY_MAX 256                  /* longer ones are not remembered */
#define KEYS_MAX ((size_t)256 << 20) /* bytes of all keys */
#define ENTRIES_MAX (1u << 22)
#define SLACK                                                                  \
    4096u /* entries beyond twice the series, before it is dropped             \
           */

/* A key stands in 'keys' from 'start' to the next entry's start. */
struct entry {
    struct lset *labels;
    uint32_t start, n;
};

struct samplekeys {
    struct labels *ls;
    struct table table;
    VEC(struct entry) entries;
    struct buf keys;
};

/* The metric's id, then each value with the id of its label. */
struct key {
    char bytes[KEY_MAX];
    size_t n;
};

struct samplekeys *
samplekeys_new(struct labels *ls)
{
    struct samplekeys *k = mem_new(struct samplekeys);
    if (k == NULL)
        return NULL;
    k->ls = ls;
    table_init(&k->table, ENTRIES_MAX);
    buf_init(&k->keys, KEYS_MAX);
    return k;
}

void
samplekeys_clear(struct samplekeys *k)
{
    for (uint32_t i = 0; i < k->entries.n; i++)
        lset_unref(k->ls, k->entries.p[i].labels);
    vec_free(&k->entries);
    table_fini(&k->table);
    table_init(&k->table, ENTRIES_MAX);
    buf_fini(&k->keys);
}

void
samplekeys_free(struct samplekeys *k)
{
    if (k == NULL)
        return;
    samplekeys_clear(k);
    mem_free(k);
}

static bool
key_make(const struct chunk *c, const struct chunk_record *rec, struct key *ret)
{
    const struct chunk_value *v = &c->values[rec->first_value];
    memcpy(ret->bytes, &rec->name, sizeof rec->name);
    size_t n = sizeof rec->name;
    for (unsigned i = 0; i < rec->n_values; i++) {
        struct slice text = chunk_text(c, &v[i]);
        if (text.n + sizeof v[i].length_id > KEY_MAX - n)
            return false;
        memcpy(ret->bytes + n, &v[i].length_id, sizeof v[i].length_id);
        n += sizeof v[i].length_id;
        memcpy(ret->bytes + n, text.p, text.n);
        n += text.n;
    }
    ret->n = n;
    return true;
}

static bool
entry_eq(const void *ctx, uint32_t index)
{
    const void *const *c = ctx;
    const struct samplekeys *k = c[0];
    const struct key *key = c[1];
    const struct entry *e = &k->entries.p[index];
    return e->n == key->n &&
           memcmp(k->keys.p + e->start, key->bytes, e->n) == 0;
}

static struct lset *
labels_make(struct labels *ls, const struct schema *s, const struct chunk *c,
            const struct chunk_record *rec)
{
    const struct schema_metric *m = &s->metrics[rec->name];
    const struct chunk_value *v = &c->values[rec->first_value];
    struct label l[UINT8_MAX + 2];
    uint32_t n = 0;
    for (unsigned i = 0; i < rec->n_values; i++)
        l[n++] = (struct label){m->labels[chunk_value_id(&v[i])].name,
                                chunk_text(c, &v[i])};
    l[n++] = (struct label){SLICE("__name__"), m->name};
    return lset_new(ls, l, n);
}

/* Without room it is not remembered, that is all. */
static void
remember(struct samplekeys *k, const struct key *key, uint64_t hash,
         struct lset *labels)
{
    struct entry e = {labels, (uint32_t)k->keys.n, (uint32_t)key->n};
    if (buf_append(&k->keys, key->bytes, key->n) < 0 ||
        vec_push(&k->entries, e) < 0)
        return;
    if (table_insert(&k->table, hash, k->entries.n - 1) < 0)
        k->entries.n--;
    else
        (void)lset_ref(labels);
}

struct lset *
samplekeys_labels(struct samplekeys *k, const struct schema *s,
                  const struct chunk *c, const struct chunk_record *rec)
{
    struct key key;
    if (!key_make(c, rec, &key))
        return labels_make(k->ls, s, c, rec);
    uint64_t hash = hash_bytes(key.bytes, key.n);
    const void *ctx[2] = {k, &key};
    uint32_t i = table_find(&k->table, hash, entry_eq, ctx);
    if (i != TABLE_NONE)
        return lset_ref(k->entries.p[i].labels);
    struct lset *labels = labels_make(k->ls, s, c, rec);
    if (labels != NULL)
        remember(k, &key, hash, labels);
    return labels;
}

void
samplekeys_settle(struct samplekeys *k, uint32_t n_series)
{
    if (k->entries.n > 2 * n_series + SLACK || buf_error(&k->keys) < 0)
        samplekeys_clear(k);
}

size_t
samplekeys_bytes(const struct samplekeys *k)
{
    return k->keys.cap + k->entries.n * sizeof(struct entry) +
           table_bytes(&k->table);
}
