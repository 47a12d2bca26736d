/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/labels.h"

#include <stdlib.h>

#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/codec.h"
#include "core/base/hash.h"
#include "core/base/table.h"
#include "core/engine/vec.h"

#define LABELS_MAX 1024u /* of one set; more can't come in */

struct str {
    char *p;
    uint32_t n, refs;
    uint64_t hash;
};

struct labels {
    VEC(struct str) strs; /* 0 is no string */
    VEC(uint32_t) free_strs;
    struct table str_table;
    VEC(struct lset *) sets;
    VEC(uint32_t) free_sets;
    struct table set_table;
    VEC(struct lset *) pool;
    uint32_t name, type, unit; /* what describes a metric */
    size_t bytes;
};

/* --- strings ------------------------------------------------------------ */

struct str_ctx {
    const struct labels *ls;
    struct slice s;
};

static bool
str_eq(const void *ctx, uint32_t index)
{
    const struct str_ctx *c = ctx;
    const struct str *s = &c->ls->strs.p[index];
    return s->n == c->s.n && memcmp(s->p, c->s.p, s->n) == 0;
}

uint32_t
labels_find(const struct labels *ls, struct slice s)
{
    if (s.n == 0)
        s.p = "";
    struct str_ctx ctx = {ls, s};
    uint32_t i = table_find(&ls->str_table, hash_slice(s), str_eq, &ctx);
    return i == TABLE_NONE ? 0 : i;
}

uint32_t
labels_intern(struct labels *ls, struct slice s)
{
    uint32_t i = labels_find(ls, s);
    if (i != 0) {
        ls->strs.p[i].refs++;
        return i;
    }
    if (s.n > UINT32_MAX / 2)
        return 0;
    struct str str = {.p = mem_strndup(s.n == 0 ? "" : s.p, s.n),
                      .n = (uint32_t)s.n,
                      .refs = 1,
                      .hash = hash_slice(s)};
    if (str.p == NULL)
        return 0;
    if (ls->free_strs.n > 0)
        i = ls->free_strs.p[ls->free_strs.n - 1];
    else
        i = ls->strs.n;
    if (vec_reserve(&ls->strs, 1) < 0 ||
        table_insert(&ls->str_table, str.hash, i) < 0) {
        mem_free(str.p);
        return 0;
    }
    if (ls->free_strs.n > 0)
        ls->free_strs.n--;
    else
        ls->strs.n++;
    ls->strs.p[i] = str;
    ls->bytes += s.n + sizeof str;
    return i;
}

void
labels_release(struct labels *ls, uint32_t str)
{
    if (str == 0)
        return;
    struct str *s = &ls->strs.p[str];
    CHECK(s->refs > 0);
    if (--s->refs > 0)
        return;
    CHECK(table_remove(&ls->str_table, s->hash, str));
    ls->bytes -= s->n + sizeof *s;
    mem_free(s->p);
    *s = (struct str){0};
    /* Where there is no memory the number is lost, no more. */
    (void)vec_push(&ls->free_strs, str);
}

struct slice
labels_str(const struct labels *ls, uint32_t str)
{
    const struct str *s = &ls->strs.p[str];
    return (struct slice){s->p, s->n};
}

uint32_t
labels_name(const struct labels *ls)
{
    return ls->name;
}

struct labels *
labels_new(void)
{
    struct labels *ls = mem_new(struct labels);
    if (ls == NULL)
        return NULL;
    table_init(&ls->str_table, UINT32_MAX / 2);
    table_init(&ls->set_table, UINT32_MAX / 2);
    if (vec_push(&ls->strs, ((struct str){0})) == 0) {
        ls->name = labels_intern(ls, SLICE("__name__"));
        ls->type = labels_intern(ls, SLICE("__type__"));
        ls->unit = labels_intern(ls, SLICE("__unit__"));
    }
    if (ls->name == 0 || ls->type == 0 || ls->unit == 0) {
        labels_free(ls);
        return NULL;
    }
    return ls;
}

void
labels_free(struct labels *ls)
{
    if (ls == NULL)
        return;
    labels_drain(ls);
    for (uint32_t i = 0; i < ls->strs.n; i++)
        mem_free(ls->strs.p[i].p);
    for (uint32_t i = 0; i < ls->sets.n; i++)
        mem_free(ls->sets.p[i]);
    vec_free(&ls->strs);
    vec_free(&ls->free_strs);
    vec_free(&ls->sets);
    vec_free(&ls->free_sets);
    vec_free(&ls->pool);
    table_fini(&ls->str_table);
    table_fini(&ls->set_table);
    mem_free(ls);
}

size_t
labels_bytes(const struct labels *ls)
{
    return ls->bytes + table_bytes(&ls->str_table) +
           table_bytes(&ls->set_table);
}

/* --- sets --------------------------------------------------------------- */

struct set_ctx {
    const struct labels *ls;
    const struct lpair *l;
    uint32_t n;
};

static bool
set_eq(const void *ctx, uint32_t index)
{
    const struct set_ctx *c = ctx;
    const struct lset *s = c->ls->sets.p[index];
    return s->n == c->n &&
           (c->n == 0 || memcmp(s->l, c->l, c->n * sizeof *c->l) == 0);
}

static uint64_t
set_hash(const struct labels *ls, const struct lpair *l, uint32_t n)
{
    uint64_t h = hash_u64(n);
    for (uint32_t i = 0; i < n; i++)
        h = hash_mix(hash_mix(h, ls->strs.p[l[i].name].hash),
                     ls->strs.p[l[i].value].hash);
    return h;
}

static struct lset *
set_add(struct labels *ls, const struct lpair *l, uint32_t n, uint64_t hash)
{
    struct lset *s = mem_alloc(sizeof *s + n * sizeof *l);
    uint32_t i =
        ls->free_sets.n > 0 ? ls->free_sets.p[ls->free_sets.n - 1] : ls->sets.n;
    if (s == NULL || vec_reserve(&ls->sets, 1) < 0 ||
        table_insert(&ls->set_table, hash, i) < 0) {
        mem_free(s);
        return NULL;
    }
    if (ls->free_sets.n > 0)
        ls->free_sets.n--;
    else
        ls->sets.n++;
    s->refs = 1;
    s->slot = i;
    s->bare = NULL;
    s->hash = hash;
    s->n = n;
    for (uint32_t k = 0; k < n; k++) {
        s->l[k] = l[k];
        ls->strs.p[l[k].name].refs++;
        ls->strs.p[l[k].value].refs++;
    }
    ls->sets.p[i] = s;
    ls->bytes += sizeof *s + n * sizeof *l;
    return s;
}

struct lset *
lset_intern(struct labels *ls, const struct lpair *l, uint32_t n)
{
    uint64_t hash = set_hash(ls, l, n);
    struct set_ctx ctx = {ls, l, n};
    uint32_t i = table_find(&ls->set_table, hash, set_eq, &ctx);
    if (i != TABLE_NONE)
        return lset_ref(ls->sets.p[i]);
    return set_add(ls, l, n, hash);
}

void
lset_unref(struct labels *ls, struct lset *l)
{
    if (l == NULL || --l->refs > 0)
        return;
    if (l->bare != l)
        lset_unref(ls, l->bare);
    CHECK(table_remove(&ls->set_table, l->hash, l->slot));
    ls->sets.p[l->slot] = NULL;
    (void)vec_push(&ls->free_sets, l->slot);
    ls->bytes -= sizeof *l + l->n * sizeof *l->l;
    for (uint32_t i = 0; i < l->n; i++) {
        labels_release(ls, l->l[i].name);
        labels_release(ls, l->l[i].value);
    }
    mem_free(l);
}

struct lset *
lset_set_named(struct labels *ls, struct lset *l, struct slice name,
               struct slice value)
{
    uint32_t id = labels_intern(ls, name);
    struct lset *made = id == 0 ? NULL : lset_set(ls, l, id, value);
    labels_release(ls, id);
    return made;
}

struct lset *
lset_empty(struct labels *ls)
{
    return lset_intern(ls, NULL, 0);
}

struct lset *
lset_pool(struct labels *ls, struct lset *l)
{
    if (l == NULL)
        return NULL;
    if (vec_push(&ls->pool, l) < 0) {
        lset_unref(ls, l);
        return NULL;
    }
    return l;
}

size_t
labels_pooled(const struct labels *ls)
{
    return ls->pool.n;
}

void
labels_drain_to(struct labels *ls, size_t n)
{
    while (ls->pool.n > n)
        lset_unref(ls, ls->pool.p[--ls->pool.n]);
}

void
labels_drain(struct labels *ls)
{
    labels_drain_to(ls, 0);
}

/* Where 'name' stands among the labels, or would. */
static uint32_t
set_place(const struct labels *ls, const struct lpair *l, uint32_t n,
          uint32_t name)
{
    struct slice s = labels_str(ls, name);
    uint32_t i = 0;
    while (i < n && l[i].name != name &&
           slice_cmp(labels_str(ls, l[i].name), s) < 0)
        i++;
    return i;
}

struct lset *
lset_new(struct labels *ls, const struct label *l, size_t n)
{
    struct lpair pairs[LABELS_MAX];
    uint32_t count = 0;
    bool failed = n > LABELS_MAX;
    for (size_t i = 0; i < n && !failed; i++) {
        struct lpair p = {labels_intern(ls, l[i].name),
                          labels_intern(ls, l[i].value)};
        failed = p.name == 0 || p.value == 0;
        uint32_t at = failed ? 0 : set_place(ls, pairs, count, p.name);
        bool there = at < count && pairs[at].name == p.name;
        if (!failed && there) {
            struct lpair old = pairs[at];
            pairs[at] = p;
            p = old; /* its references are the ones to drop */
        }
        if (failed || there) {
            labels_release(ls, p.name);
            labels_release(ls, p.value);
            continue;
        }
        memmove(&pairs[at + 1], &pairs[at], (count - at) * sizeof *pairs);
        pairs[at] = p;
        count++;
    }
    struct lpair kept[LABELS_MAX];
    uint32_t n_kept = 0;
    kept[0] = (struct lpair){0};
    for (uint32_t i = 0; i < count; i++) {
        if (ls->strs.p[pairs[i].value].n > 0)
            kept[n_kept++] = pairs[i];
    }
    struct lset *s = failed ? NULL : lset_intern(ls, kept, n_kept);
    for (uint32_t i = 0; i < count; i++) {
        labels_release(ls, pairs[i].name);
        labels_release(ls, pairs[i].value);
    }
    return s;
}

static bool
listed(const uint32_t *names, uint32_t n, uint32_t name)
{
    for (uint32_t i = 0; i < n; i++) {
        if (names[i] == name)
            return true;
    }
    return false;
}

struct lset *
lset_keep(struct labels *ls, struct lset *l, const uint32_t *names, uint32_t n)
{
    struct lpair kept[LABELS_MAX];
    uint32_t count = 0;
    kept[0] = (struct lpair){0};
    for (uint32_t i = 0; i < l->n; i++) {
        if (listed(names, n, l->l[i].name))
            kept[count++] = l->l[i];
    }
    return count == l->n ? lset_ref(l) : lset_intern(ls, kept, count);
}

struct lset *
lset_drop(struct labels *ls, struct lset *l, const uint32_t *names, uint32_t n,
          bool drop_name)
{
    struct lpair kept[LABELS_MAX];
    uint32_t count = 0;
    kept[0] = (struct lpair){0};
    for (uint32_t i = 0; i < l->n; i++) {
        uint32_t name = l->l[i].name;
        if (!(drop_name && name == ls->name) && !listed(names, n, name))
            kept[count++] = l->l[i];
    }
    return count == l->n ? lset_ref(l) : lset_intern(ls, kept, count);
}

struct lset *
lset_bare(struct labels *ls, struct lset *l)
{
    if (l->bare != NULL)
        return l->bare;
    const uint32_t names[] = {ls->type, ls->unit};
    struct lset *b = lset_drop(ls, l, names, ARRAY_SIZE(names), true);
    if (b == l)
        lset_unref(ls, b); /* no count of itself */
    l->bare = b;
    return b;
}

struct lset *
lset_set(struct labels *ls, struct lset *l, uint32_t name, struct slice value)
{
    struct lpair made[LABELS_MAX + 1];
    uint32_t at = set_place(ls, l->l, l->n, name);
    bool there = at < l->n && l->l[at].name == name;
    if (value.n == 0)
        return there ? lset_drop(ls, l, &name, 1, false) : lset_ref(l);
    uint32_t v = labels_intern(ls, value);
    if (v == 0 || l->n >= LABELS_MAX) {
        labels_release(ls, v);
        return NULL;
    }
    memcpy(made, l->l, at * sizeof *made);
    made[at] = (struct lpair){name, v};
    uint32_t rest = at + (there ? 1 : 0);
    memcpy(&made[at + 1], &l->l[rest], (l->n - rest) * sizeof *made);
    struct lset *s = lset_intern(ls, made, l->n + (there ? 0 : 1));
    labels_release(ls, v);
    return s;
}

uint32_t
lset_value(const struct lset *l, uint32_t name)
{
    for (uint32_t i = 0; i < l->n; i++) {
        if (l->l[i].name == name)
            return l->l[i].value;
    }
    return 0;
}

struct slice
lset_get(const struct labels *ls, const struct lset *l, struct slice name)
{
    uint32_t id = labels_find(ls, name);
    uint32_t v = id == 0 ? 0 : lset_value(l, id);
    return v == 0 ? SLICE("") : labels_str(ls, v);
}

int
lset_cmp(const struct labels *ls, const struct lset *a, const struct lset *b)
{
    if (a == b)
        return 0;
    for (uint32_t i = 0; i < a->n && i < b->n; i++) {
        struct lpair x = a->l[i], y = b->l[i];
        int r = 0;
        if (x.name != y.name)
            r = slice_cmp(labels_str(ls, x.name), labels_str(ls, y.name));
        if (r == 0 && x.value != y.value)
            r = slice_cmp(labels_str(ls, x.value), labels_str(ls, y.value));
        if (r != 0)
            return r;
    }
    return (a->n > b->n) - (a->n < b->n);
}

/* --- as text and bytes -------------------------------------------------- */

int
lset_print(const struct labels *ls, const struct lset *l, struct buf *b)
{
    (void)buf_putc(b, '{');
    for (uint32_t i = 0; i < l->n; i++) {
        if (i > 0)
            (void)buf_append_str(b, ", ");
        (void)buf_append_slice(b, labels_str(ls, l->l[i].name));
        (void)buf_putc(b, '=');
        (void)buf_append_json_string(b, labels_str(ls, l->l[i].value));
    }
    return buf_putc(b, '}');
}

int
lset_encode(const struct labels *ls, const struct lset *l, struct buf *b)
{
    (void)buf_put_varint(b, l->n);
    for (uint32_t i = 0; i < l->n; i++) {
        (void)buf_put_slice(b, labels_str(ls, l->l[i].name));
        (void)buf_put_slice(b, labels_str(ls, l->l[i].value));
    }
    return buf_error(b);
}

struct lset *
lset_decode(struct labels *ls, struct reader *r)
{
    uint64_t n = reader_varint(r);
    if (!reader_ok(r) || n > LABELS_MAX || n > reader_left(r))
        return NULL;
    struct label l[LABELS_MAX];
    for (uint64_t i = 0; i < n; i++) {
        l[i].name = reader_slice(r);
        l[i].value = reader_slice(r);
    }
    return reader_ok(r) ? lset_new(ls, l, n) : NULL;
}
