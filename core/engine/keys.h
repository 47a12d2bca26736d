/* SPDX-License-Identifier: Apache-2.0 */
/* keys.h - the values that a set of labels and fields takes, each once.
 *
 * Windows that group by the same names share a key set: a record's key is
 * built and hashed once for all of them.  A key's bytes are its values, each
 * with its length, in the order of the set's names.  One owner: no locks. */
#ifndef TOCSIN_ENGINE_KEYS_H
#define TOCSIN_ENGINE_KEYS_H

#include "core/base/buf.h"
#include "core/base/types.h"
#include "core/engine/vec.h"

struct labels;
struct lset;
struct keyset;

#define KEY_NONE UINT32_MAX
#define KEY_ABSENT UINT8_MAX /* a stream has no such field */

/* All key sets of an engine, so that equal ones are one. */
struct keysets {
    struct labels *ls;
    VEC(struct keyset *) list;
};
void keysets_init(struct keysets *all, struct labels *ls);
void keysets_fini(struct keysets *all); /* after every key set */

/* The key set of these names, which are sorted, with a reference for the
 * caller; made if there is none.  NULL: no memory. */
MUST_CHECK struct keyset *keysets_get(struct keysets *all,
                                      const struct slice *names, uint32_t n);
void keyset_ref(struct keyset *ks);
void keyset_unref(struct keyset *ks);
uint32_t keyset_names(const struct keyset *ks, const uint32_t **ret);

/* A record's key, in steps: what a step needs of memory that the cache doesn't
 * hold is on its way while other records take theirs.
 *   keyset_prepare  makes the key of a record's values
 *   keyset_fetch    asks for the memory where all that were prepared may be
 *   keyset_find     looks them up
 *   keyset_use      the key, added if it isn't there
 * Prepared keys have numbers until keysets_restart(); a record, known by its
 * 'serial' (not 0), has one in each set.  'ids' tells where each name's value
 * stands among 'values', KEY_ABSENT for nowhere.  KEY_NONE: want of memory. */
void keysets_restart(struct keysets *all);
uint32_t keyset_prepare(struct keyset *ks, uint64_t serial, const uint8_t *ids,
                        const struct slice *values);
void keyset_fetch(const struct keyset *ks);
void keyset_find(struct keyset *ks);
/* KEY_NONE where it was not found; changes nothing. */
uint32_t keyset_found(const struct keyset *ks, uint32_t prepared);
uint32_t keyset_use(struct keyset *ks, uint32_t prepared);
/* The key of these bytes; KEY_NONE too if they are none. */
uint32_t keyset_of_bytes(struct keyset *ks, struct slice bytes);

struct slice keyset_bytes(const struct keyset *ks, uint32_t key);
/* Borrowed, made on first use; NULL for want of memory. */
struct lset *keyset_labels(struct keyset *ks, uint32_t key);
/* Lets go of what that made; it can be made again. */
void keyset_drop_labels(struct keyset *ks, uint32_t key);

/* Keys live as long as somebody holds them. */
void keyset_hold(struct keyset *ks, uint32_t key);
void keyset_let(struct keyset *ks, uint32_t key);
/* Removes one that nobody holds. */
void keyset_tidy(struct keyset *ks, uint32_t key);
size_t keyset_mem(const struct keyset *ks);

#endif
