/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/keyed.h"

#include "core/base/codec.h"
#include "core/engine/engine_priv.h"
#include "core/engine/keys.h"

#define KEY_BYTES ((size_t)1 << 24)

void
keyed_init(struct keyed *k, struct rows *rows, uint64_t node,
           const struct rowset_ops *ops, void *owner, struct keyset *ks,
           uint32_t max_keys)
{
    *k =
        (struct keyed){.ks = ks, .max_keys = max_keys, .refused_at = USEC_NONE};
    rowset_init(&k->rows, rows, node, ops, owner);
}

void
keyed_fini(struct keyed *k)
{
    rowset_fini(&k->rows);
    for (uint32_t i = 0; i < k->keys.n; i++) {
        if (k->keys.p[i] != KEY_NONE)
            keyset_let(k->ks, k->keys.p[i]);
    }
    keyset_unref(k->ks);
    vec_free(&k->by_key);
    vec_free(&k->keys);
    vec_free(&k->free);
    vec_free(&k->active);
    vec_free(&k->places);
    timers_fini(&k->timers);
}

uint32_t
keyed_find(const struct keyed *k, uint32_t key)
{
    return key < k->by_key.n && k->by_key.p[key] != 0 ? k->by_key.p[key] - 1
                                                      : KEYED_NONE;
}

int64_t
keyed_add(struct keyed *k, uint32_t key, usec_t t)
{
    if (keyed_count(k) >= k->max_keys) {
        rowset_touch(&k->rows, 0);
        k->refused++;
        k->refused_at = MAX(k->refused_at, t);
        return KEYED_NONE;
    }
    while (k->by_key.n <= key) {
        if (vec_push(&k->by_key, 0) < 0)
            return -ENOMEM;
    }
    uint32_t i = k->free.n > 0 ? k->free.p[k->free.n - 1] : k->keys.n;
    if (k->free.n > 0)
        k->free.n--;
    else if (vec_push(&k->keys, KEY_NONE) < 0 || vec_push(&k->places, 0) < 0)
        return -ENOMEM;
    k->keys.p[i] = key;
    k->by_key.p[key] = i + 1;
    keyset_hold(k->ks, key);
    return i;
}

void
keyed_remove(struct keyed *k, uint32_t entry)
{
    uint32_t key = k->keys.p[entry];
    rowset_drop(&k->rows, entry + 1);
    if (keyed_set_active(k, entry, false) < 0 ||
        timers_set(&k->timers, entry, USEC_MAX) < 0 ||
        vec_push(&k->free, entry) < 0)
        k->rows.rows->failed = -ENOMEM;
    k->by_key.p[key] = 0;
    k->keys.p[entry] = KEY_NONE;
    keyset_let(k->ks, key);
}

int
keyed_set_active(struct keyed *k, uint32_t entry, bool active)
{
    uint32_t at = k->places.p[entry];
    if ((at != 0) == active)
        return 0;
    if (active) {
        if (vec_push(&k->active, entry) < 0)
            return -ENOMEM;
        k->places.p[entry] = k->active.n;
        return 0;
    }
    uint32_t last = k->active.p[--k->active.n];
    k->active.p[at - 1] = last;
    k->places.p[last] = at;
    k->places.p[entry] = 0;
    return 0;
}

uint32_t
keyed_count(const struct keyed *k)
{
    return k->keys.n - k->free.n;
}

int
keyed_vector(struct eval *ev, struct keyed *k, struct vector *ret)
{
    if (vector_make(ev, k->active.n, ret) < 0)
        return -ENOMEM;
    while (ret->n < k->active.n) {
        uint32_t key = k->keys.p[k->active.p[ret->n]];
        struct lset *l = keyset_labels(k->ks, key);
        if (l == NULL)
            return -ENOMEM;
        vector_push(ret, l, 0, false);
    }
    return 0;
}

int
keyed_of_labels(struct keyed *k, struct labels *ls, const struct lset *l,
                uint32_t *ret)
{
    AUTO_FINI(buf) b = BUF_INIT(KEY_BYTES);
    const uint32_t *names;
    uint32_t n = keyset_names(k->ks, &names);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t value = lset_value(l, names[i]);
        (void)buf_put_slice(&b, value == 0 ? SLICE("") : labels_str(ls, value));
    }
    uint32_t key =
        buf_error(&b) < 0 ? KEY_NONE : keyset_of_bytes(k->ks, buf_slice(&b));
    if (key == KEY_NONE)
        return -ENOMEM;
    *ret = keyed_find(k, key);
    keyset_tidy(k->ks, key);
    return 0;
}

int
keyed_put_key(const struct keyed *k, uint32_t entry, struct buf *key)
{
    (void)buf_putc(key, 'k');
    return buf_append_slice(key, keyset_bytes(k->ks, k->keys.p[entry]));
}

size_t
keyed_bytes(const struct keyed *k)
{
    return keyset_mem(k->ks) +
           (k->by_key.cap + k->keys.cap + k->free.cap + k->active.cap +
            k->places.cap) *
               sizeof(uint32_t) +
           k->rows.flags.cap + timers_bytes(&k->timers);
}
