/* SPDX-License-Identifier: Apache-2.0 */
/* table.h - finds a uint32_t index by a 64-bit hash.
 *
 * The caller keeps the entries in an array of its own and says whether the
 * entry at an index is the one it looks for.  Open addressing, 8 bytes a slot
 * (32 bits of the hash, the index), at most 3/4 full, so that a miss hardly
 * ever calls the caller.  The order in memory depends on the hashes and the
 * order of the calls alone.  One owner: no locks. */
#ifndef TOCSIN_BASE_TABLE_H
#define TOCSIN_BASE_TABLE_H
#include "core/base/auto.h"
#include "core/base/types.h"

#define TABLE_NONE UINT32_MAX /* "no such entry"; never an index */

struct table_slot;

struct table {
    struct table_slot *slots;
    uint32_t mask;  /* slots - 1, or 0 before the first insert */
    uint32_t count; /* entries */
    uint32_t max;   /* bound of count */
};

/* Is the entry at 'index' the one that 'ctx' describes? */
typedef bool (*table_eq_fn)(const void *ctx, uint32_t index);

void table_init(struct table *t, uint32_t max_entries); /* allocates nothing */
void table_fini(struct table *t);
void table_clear(struct table *t); /* keeps the memory */

/* The index, or TABLE_NONE. */
uint32_t table_find(const struct table *t, uint64_t hash, table_eq_fn eq,
                    const void *ctx);

/* Two steps ahead of table_find(), for many keys at once: asks for the memory
 * where the hash leads; when that has come, the index that it seems to be (the
 * caller has not been asked), or TABLE_NONE. */
void table_fetch(const struct table *t, uint64_t hash);
uint32_t table_guess(const struct table *t, uint64_t hash);

/* Adds an index; the caller knows that its key isn't there yet.  0, -ENOMEM,
 * or -ENOSPC past max; nothing changed then. */
MUST_CHECK int table_insert(struct table *t, uint64_t hash, uint32_t index);

/* Removes this index, which was inserted with this hash; false if it isn't
 * there. */
bool table_remove(struct table *t, uint64_t hash, uint32_t index);

/* The entry moved inside the caller's array; false if 'old_index' isn't
 * there. */
bool table_reindex(struct table *t, uint64_t hash, uint32_t old_index,
                   uint32_t new_index);

size_t table_bytes(const struct table *t); /* allocated */

DEFINE_AUTO_FINI(table, table_fini)
#endif
