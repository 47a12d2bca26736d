/* SPDX-License-Identifier: Apache-2.0 */
/* window.h - counts events per key inside spans of event time.
 *
 * Counts stand in buckets whose width divides the rule's interval, range and
 * offset, so that a window at a slot is exact without keeping the events: a
 * key has (bucket, count) pairs, two of them inside its entry.  A calendar
 * says which keys have counts in which bucket, so that moving on costs what
 * enters and leaves.  A bucket b holds the times in ((b-1)·width, b·width].
 *
 * A position is a span with the running count of each key: one for each set
 * of readers that move together, and one for evaluation on arrival, which is
 * open ahead.  Positions are derived; entries are rows.
 *
 * One owner.  Bounded by max_keys: new keys past it are refused. */
#ifndef TOCSIN_ENGINE_WINDOW_H
#define TOCSIN_ENGINE_WINDOW_H

#include "core/base/types.h"
#include "core/engine/rows.h"

struct keyset;
struct window;

#define WINDOW_LATE (-1)
#define WINDOW_FULL (-2)
#define WINDOW_NOMEM (-3)

struct window_options {
    uint64_t node;
    usec_t width, range, offset; /* offset ≥ 0; width divides both */
    uint32_t max_keys;
};

MUST_CHECK struct window *window_new(struct rows *rows, struct keyset *ks,
                                     const struct window_options *o);
void window_free(struct window *w);

/* Adds a position; returns its number, or -ENOMEM.  'need' > 0: a list of
 * the keys whose count reaches it is kept.  Positions are forgotten by
 * window_reset_positions(). */
MUST_CHECK int window_add_position(struct window *w, bool open_ahead);
void window_reset_positions(struct window *w);
void window_need(struct window *w, unsigned pos, uint32_t need);

/* Counts an event of a key at a time; returns the entry, or WINDOW_….  The
 * key is held as long as the entry lives. */
int64_t window_add(struct window *w, uint32_t key, usec_t t);

/* Two steps ahead of window_add(): each asks for memory that it will need. */
void window_fetch(const struct window *w, uint32_t key);
void window_fetch_entry(const struct window *w, uint32_t key);

/* Moves a position to the span (t-offset-range, t-offset]. */
void window_seek(struct window *w, unsigned pos, usec_t t);
/* No evaluation will be before 't' any more. */
void window_forget(struct window *w, usec_t t);
/* Time was re-based: evaluations start again at 't'. */
void window_reopen(struct window *w, usec_t t);

uint32_t window_count(const struct window *w, unsigned pos, uint32_t entry);
/* Goes through the keys with a count in the position's span: all, or only
 * those that reach 'need' if the position keeps a list of them and the need
 * is no smaller.  Start with *cursor 0. */
bool window_next(struct window *w, unsigned pos, uint32_t need,
                 uint32_t *cursor, uint32_t *ret_entry, uint32_t *ret_count);
uint32_t window_key(const struct window *w, uint32_t entry);
struct keyset *window_keyset(const struct window *w);
uint32_t window_entries(const struct window *w);

/* Free use for evaluation on arrival: reset to 0 where the epoch is not
 * the window's. */
uint16_t window_level(const struct window *w, uint32_t entry);
void window_set_level(struct window *w, uint32_t entry, uint16_t level);
void window_new_epoch(struct window *w);

/* A row of this window's node. */
MUST_CHECK int window_restore(struct window *w, const struct engine_row *row);
size_t window_bytes(const struct window *w);
uint64_t window_node(const struct window *w);

#endif
