/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>

#include "core/base/check.h"
#include "core/base/fetch.h"
#include "core/base/table.h"

struct table_slot {
    uint32_t tag;   /* bits of the hash: the home slot and a check before eq */
    uint32_t index; /* TABLE_NONE = empty */
};

#define TABLE_SLOTS_MIN 8u

static inline uint32_t
table_tag(uint64_t hash)
{
    return (uint32_t)(hash ^ hash >> 32);
}

void
table_init(struct table *t, uint32_t max_entries)
{
    /* 3/4 of the 2^31 slots that a 32-bit mask can count without overflow */
    max_entries = MIN(max_entries, UINT32_C(3) << 29);
    *t = (struct table){.max = max_entries};
}

void
table_fini(struct table *t)
{
    mem_free(t->slots);
    table_init(t, t->max);
}

static void
table_wipe(struct table_slot *slots, size_t n)
{
    memset(slots, 0xff, n * sizeof *slots);
}

void
table_clear(struct table *t)
{
    if (t->slots != NULL)
        table_wipe(t->slots, (size_t)t->mask + 1);
    t->count = 0;
}

uint32_t
table_find(const struct table *t, uint64_t hash, table_eq_fn eq,
           const void *ctx)
{
    if (t->slots == NULL)
        return TABLE_NONE;
    uint32_t tag = table_tag(hash);
    for (uint32_t i = tag & t->mask;; i = (i + 1) & t->mask) {
        const struct table_slot *slot = &t->slots[i];
        if (slot->index == TABLE_NONE)
            return TABLE_NONE;
        if (slot->tag == tag && eq(ctx, slot->index))
            return slot->index;
    }
}

void
table_fetch(const struct table *t, uint64_t hash)
{
    if (t->slots != NULL)
        fetch(&t->slots[table_tag(hash) & t->mask]);
}

static bool
table_any(const void *ctx, uint32_t index)
{
    (void)ctx;
    (void)index;
    return true;
}

uint32_t
table_guess(const struct table *t, uint64_t hash)
{
    return table_find(t, hash, table_any, NULL);
}

static void
table_place(struct table_slot *slots, uint32_t mask, struct table_slot entry)
{
    uint32_t i = entry.tag & mask;
    while (slots[i].index != TABLE_NONE)
        i = (i + 1) & mask;
    slots[i] = entry;
}

static int
table_grow(struct table *t)
{
    size_t old = t->slots == NULL ? 0 : (size_t)t->mask + 1;
    size_t n = MAX(old * 2, (size_t)TABLE_SLOTS_MIN);
    struct table_slot *slots =
        (struct table_slot *)mem_realloc(NULL, n, sizeof *slots);
    if (slots == NULL)
        return -ENOMEM;
    table_wipe(slots, n);
    for (size_t i = 0; i < old; i++)
        if (t->slots[i].index != TABLE_NONE)
            table_place(slots, (uint32_t)(n - 1), t->slots[i]);
    mem_free(t->slots);
    t->slots = slots;
    t->mask = (uint32_t)(n - 1);
    return 0;
}

int
table_insert(struct table *t, uint64_t hash, uint32_t index)
{
    CHECK(index != TABLE_NONE);
    if (t->count >= t->max)
        return -ENOSPC;
    if (t->slots == NULL ||
        (uint64_t)(t->count + 1) * 4 > ((uint64_t)t->mask + 1) * 3) {
        int r = table_grow(t);
        if (r < 0)
            return r;
    }
    table_place(t->slots, t->mask, (struct table_slot){table_tag(hash), index});
    t->count++;
    return 0;
}

/* The slot that holds 'index', or NULL. */
static struct table_slot *
table_slot_of(const struct table *t, uint64_t hash, uint32_t index)
{
    if (t->slots == NULL || index == TABLE_NONE)
        return NULL;
    uint32_t i = table_tag(hash) & t->mask;
    for (; t->slots[i].index != TABLE_NONE; i = (i + 1) & t->mask)
        if (t->slots[i].index == index)
            return &t->slots[i];
    return NULL;
}

bool
table_remove(struct table *t, uint64_t hash, uint32_t index)
{
    struct table_slot *slot = table_slot_of(t, hash, index);
    if (slot == NULL)
        return false;
    /* Close the gap: an entry may move back to it unless its home slot lies
     * behind the gap.  No tombstones, so misses stay short. */
    uint32_t gap = (uint32_t)(slot - t->slots);
    for (uint32_t i = (gap + 1) & t->mask; t->slots[i].index != TABLE_NONE;
         i = (i + 1) & t->mask) {
        uint32_t home = t->slots[i].tag & t->mask;
        if (((i - home) & t->mask) >= ((i - gap) & t->mask)) {
            t->slots[gap] = t->slots[i];
            gap = i;
        }
    }
    t->slots[gap].index = TABLE_NONE;
    t->count--;
    return true;
}

bool
table_reindex(struct table *t, uint64_t hash, uint32_t old_index,
              uint32_t new_index)
{
    CHECK(new_index != TABLE_NONE);
    struct table_slot *slot = table_slot_of(t, hash, old_index);
    if (slot == NULL)
        return false;
    slot->index = new_index;
    return true;
}

size_t
table_bytes(const struct table *t)
{
    return t->slots == NULL ? 0 : ((size_t)t->mask + 1) * sizeof *t->slots;
}
