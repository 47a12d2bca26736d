/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/journal/block.h"

#define BLOCK_BYTES_MIN ((size_t)64 << 10)
#define BLOCK_BYTES_MAX ((size_t)1088 << 10) /* four chunks of 256 KiB */

void
blocks_init(struct blocks *b, size_t budget_bytes)
{
    *b = (struct blocks){
        .block_bytes =
            CLAMP(budget_bytes / 8, BLOCK_BYTES_MIN, BLOCK_BYTES_MAX),
        .budget_bytes = budget_bytes,
    };
}

static void
block_free(struct blocks *b, struct block *k)
{
    b->held_bytes -= k->cap;
    mem_free(k->memory);
    mem_free(k);
}

void
blocks_fini(struct blocks *b)
{
    while (b->first) {
        struct block *k = b->first;
        CHECK(k->refs == 1); /* a reader was not freed */
        b->first = k->next;
        block_free(b, k);
    }
    while (b->spare) {
        struct block *k = b->spare;
        b->spare = k->next;
        block_free(b, k);
    }
    b->last = NULL;
}

void
block_ref(struct block *k)
{
    k->refs++;
}

void
block_unref(struct blocks *b, struct block *k)
{
    CHECK(k->refs > 0);
    if (--k->refs > 0)
        return;
    if (k->cap != b->block_bytes || b->held_bytes > b->budget_bytes) {
        block_free(b, k);
        return;
    }
    k->next = b->spare;
    b->spare = k;
}

static struct block *
block_new(struct blocks *b, size_t cap)
{
    struct block *k = mem_new(struct block);
    if (!k)
        return NULL;
    k->memory = mem_alloc_aligned(cap + BLOCK_ALIGN, BLOCK_ALIGN);
    if (!k->memory) {
        mem_free(k);
        return NULL;
    }
    k->cap = cap;
    b->held_bytes += cap;
    return k;
}

/* Lets go of the oldest synced blocks until 'more' bytes fit the budget. */
static void
make_room(struct blocks *b, size_t more, uint64_t synced)
{
    while (b->first && b->first->end <= synced && !b->spare &&
           b->held_bytes + more > b->budget_bytes) {
        struct block *k = b->first;
        b->first = k->next;
        if (!b->first)
            b->last = NULL;
        block_unref(b, k);
    }
}

static struct block *
block_take(struct blocks *b, size_t bytes, uint64_t synced)
{
    size_t cap = MAX(b->block_bytes, bytes);
    make_room(b, cap, synced);
    if (cap != b->block_bytes || !b->spare)
        return block_new(b, cap);
    struct block *k = b->spare;
    b->spare = k->next;
    return k;
}

static bool
fits_last(const struct blocks *b, uint64_t pos, size_t bytes)
{
    const struct block *k = b->last;
    return k && k->end == pos && bytes <= k->cap - (size_t)(pos - k->start);
}

bool
blocks_overrun(const struct blocks *b, uint64_t pos, size_t bytes,
               uint64_t synced)
{
    size_t cap = MAX(b->block_bytes, bytes);
    return b->first && b->first->awaited > 0 && b->first->end <= synced &&
           !b->spare && b->held_bytes + cap > b->budget_bytes &&
           !fits_last(b, pos, bytes);
}

char *
blocks_room(struct blocks *b, uint64_t pos, size_t bytes, uint64_t synced)
{
    struct block *k = b->last;
    if (fits_last(b, pos, bytes))
        return k->data + (pos - k->start);
    k = block_take(b, bytes, synced);
    if (!k)
        return NULL;
    k->start = k->end = pos;
    k->data = (char *)k->memory + pos % BLOCK_ALIGN;
    k->refs = 1;
    k->awaited = 0;
    k->next = NULL;
    if (b->last)
        b->last->next = k;
    else
        b->first = k;
    b->last = k;
    return k->data;
}

void
blocks_commit(struct blocks *b, size_t bytes)
{
    b->last->end += bytes;
}

struct block *
blocks_find(const struct blocks *b, uint64_t pos)
{
    for (struct block *k = b->first; k; k = k->next)
        if (pos >= k->start && pos < k->end)
            return k;
    return NULL;
}
