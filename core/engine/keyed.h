/* SPDX-License-Identifier: Apache-2.0 */
/* keyed.h - the keys that a rule follows one by one: which entry is whose,
 * when it is to be looked at next, whether it counts as an alert now.
 *
 * What an entry consists of is its owner's: missing.c, sequence.c.  An entry
 * is a row (key 'k' and the key's bytes); row 0 is the owner's own.  Bounded
 * by max_keys: new keys past it are refused. */
#ifndef TOCSIN_ENGINE_KEYED_H
#define TOCSIN_ENGINE_KEYED_H

#include "core/base/types.h"
#include "core/engine/rows.h"
#include "core/engine/timers.h"

struct eval;
struct keyset;
struct labels;
struct lset;
struct vector;

#define KEYED_NONE UINT32_MAX

struct keyed {
    struct rowset rows; /* row i + 1 is entry i's */
    struct keyset *ks;
    uint32_t max_keys;
    VEC(uint32_t) by_key; /* entry + 1; 0: none */
    VEC(uint32_t) keys;   /* by entry; KEY_NONE: free */
    VEC(uint32_t) free;
    VEC(uint32_t) active; /* entries that hold now, in no order */
    VEC(uint32_t) places; /* by entry: place in 'active' + 1; 0: not there */
    struct timers timers;
    /* Keys that were refused: how often, and when last (event time). */
    uint64_t refused;
    usec_t refused_at;
};

/* Takes over a reference to 'ks'. */
void keyed_init(struct keyed *k, struct rows *rows, uint64_t node,
                const struct rowset_ops *ops, void *owner, struct keyset *ks,
                uint32_t max_keys);
void keyed_fini(struct keyed *k);

uint32_t keyed_find(const struct keyed *k, uint32_t key); /* or KEYED_NONE */
/* A new entry for a key that has none: its number, or KEYED_NONE where there
 * is no room for it (counted with 't'), or -ENOMEM.  The caller fills it, then
 * touches its row. */
MUST_CHECK int64_t keyed_add(struct keyed *k, uint32_t key, usec_t t);
void keyed_remove(struct keyed *k, uint32_t entry);
MUST_CHECK int keyed_set_active(struct keyed *k, uint32_t entry, bool active);
static inline bool
keyed_is_active(const struct keyed *k, uint32_t entry)
{
    return k->places.p[entry] != 0;
}
uint32_t keyed_count(const struct keyed *k);

/* The labels of all active entries, without values; the vector's from the
 * evaluation's arena. */
MUST_CHECK int keyed_vector(struct eval *ev, struct keyed *k,
                            struct vector *ret);
/* The entry of the key that these labels make, or KEYED_NONE.  0, -ENOMEM. */
MUST_CHECK int keyed_of_labels(struct keyed *k, struct labels *ls,
                               const struct lset *l, uint32_t *ret);
int keyed_put_key(const struct keyed *k, uint32_t entry, struct buf *key);
size_t keyed_bytes(const struct keyed *k);

#endif
