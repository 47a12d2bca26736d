/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h - state as rows, and checkpoints of them in small steps.
 *
 * A rowset is a table of objects that are each one row: a window's keys, a
 * rule's alerts.  Its owner says before it changes an object (rowset_touch)
 * or removes it (rowset_drop); a row that a running checkpoint has still to
 * hand out is then serialised first, so that the checkpoint is as of its
 * beginning.  One owner: no locks. */
#ifndef TOCSIN_ENGINE_ROWS_H
#define TOCSIN_ENGINE_ROWS_H

#include "core/base/buf.h"
#include "core/base/types.h"
#include "core/engine/engine.h"
#include "core/engine/vec.h"

struct rowset;

struct rows {
    struct rowset *first, *last; /* in the order of rowset_init */
    struct buf queue; /* rows to hand out first: removed, then copied ones */
    size_t queue_pos;
    struct buf gone;        /* rows removed since the last begin */
    struct buf key, value;  /* scratch */
    struct rowset *current; /* where the running checkpoint stands */
    bool running;
    bool closed; /* nobody will ask for rows any more */
    int failed;  /* -ENOMEM: the engine is unusable */
};

struct rowset_ops {
    /* Writes the row of an object as it is now. */
    int (*put)(void *owner, uint32_t index, struct buf *key, struct buf *value);
    /* A checkpoint begins; may be NULL. */
    void (*begin)(void *owner);
};

struct rowset {
    struct rows *rows; /* NULL: not initialised */
    struct rowset *prev, *next;
    uint64_t node;
    const struct rowset_ops *ops;
    void *owner;
    VEC(uint8_t) flags; /* by index */
    VEC(uint32_t) dirty, frozen;
    uint32_t pos;
};

void rows_init(struct rows *r);
void rows_close(struct rows *r); /* all goes: no row leaves a tombstone */
void rows_fini(struct rows *r);  /* after every rowset */

void rowset_init(struct rowset *rs, struct rows *r, uint64_t node,
                 const struct rowset_ops *ops, void *owner);
/* Its rows are gone (they get tombstones), its objects too after this. */
void rowset_fini(struct rowset *rs);

#define ROW_ALIVE 1u
#define ROW_DIRTY 2u
#define ROW_FROZEN 4u

void rowset_touch_slow_(struct rowset *rs, uint32_t index);

/* Before an object changes, or right after it was made. */
static inline void
rowset_touch(struct rowset *rs, uint32_t index)
{
    if (unlikely(index >= rs->flags.n ||
                 rs->flags.p[index] != (ROW_ALIVE | ROW_DIRTY)))
        rowset_touch_slow_(rs, index);
}

/* Before an object goes. */
void rowset_drop(struct rowset *rs, uint32_t index);
/* After an object was made from a row that was restored. */
void rowset_restored(struct rowset *rs, uint32_t index);
/* A restored row that nobody wants any more. */
void rows_orphan(struct rows *r, uint64_t node, struct slice key);

void rows_begin(struct rows *r, bool full);
MUST_CHECK int rows_step(struct rows *r, size_t max_rows,
                         int (*fn)(void *arg, const struct engine_row *row),
                         void *arg);
uint64_t rows_count(const struct rows *r);

#endif
