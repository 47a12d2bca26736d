/* SPDX-License-Identifier: Apache-2.0 */
/* block.h - frames in memory: all that are not synced, and as many older ones
 * as the budget holds, so that readers at the tail read no file.
 *
 * A frame never crosses from one block to the next.  A block is taken again
 * once all its frames are synced and nobody reads it.  The owner's lock guards
 * everything but the bytes, which don't change once they are visible. */
#ifndef TOCSIN_JOURNAL_BLOCK_H
#define TOCSIN_JOURNAL_BLOCK_H

#include "core/base/types.h"

#define BLOCK_ALIGN ((size_t)4096)

struct block {
    struct block *next;
    uint64_t start, end; /* positions */
    size_t cap;
    unsigned refs;    /* readers, and one of the list */
    unsigned awaited; /* readers in it for whom appenders wait a little */
    void *memory;
    char *data; /* of the frame at 'start'; its address and 'start' leave the
                   same rest when divided by BLOCK_ALIGN */
};

struct blocks {
    struct block *first, *last;
    struct block *spare; /* of block_bytes each */
    size_t block_bytes, budget_bytes, held_bytes;
};

void blocks_init(struct blocks *b, size_t budget_bytes);
void blocks_fini(struct blocks *b);
/* Room for 'bytes' at position 'pos', which is the end so far; blocks that end
 * at or before 'synced' may be taken again.  NULL: out of memory. */
char *blocks_room(struct blocks *b, uint64_t pos, size_t bytes,
                  uint64_t synced);
/* Would that let go of a block in which a reader is awaited? */
bool blocks_overrun(const struct blocks *b, uint64_t pos, size_t bytes,
                    uint64_t synced);
/* What was written there is a frame now. */
void blocks_commit(struct blocks *b, size_t bytes);
/* The block that holds position 'pos', or NULL. */
struct block *blocks_find(const struct blocks *b, uint64_t pos);
void block_ref(struct block *k);
void block_unref(struct blocks *b, struct block *k);

#endif
