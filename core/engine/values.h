/* SPDX-License-Identifier: Apache-2.0 */
/* values.h - numbers per key inside a span of event time: what "unwrap" takes
 * from events, and the lengths of their lines.
 *
 * Numbers stand in buckets as counts do in window.h, so that a window at a
 * slot is exact.  Where the function allows it a bucket holds one cell for all
 * of its numbers; a quantile and an extrapolated rate need every one of them.
 * Each bucket of a key is a row.
 *
 * One owner.  Bounded by max_keys, by VALUES_PER_KEY cells of one key and
 * VALUES_TOTAL of all: what comes past a bound is refused. */
#ifndef TOCSIN_ENGINE_VALUES_H
#define TOCSIN_ENGINE_VALUES_H

#include "core/base/types.h"
#include "core/engine/rows.h"
#include "core/engine/window.h"

#define VALUES_PER_KEY 65536u
#define VALUES_TOTAL (4u << 20)

struct keyset;
struct values;

enum values_mode {
    VALUES_SUM, /* v and c: the sum and its compensation; n of them */
    VALUES_MIN, /* v */
    VALUES_MAX,
    VALUES_FIRST,    /* v, of time t */
    VALUES_LAST,     /* the same */
    VALUES_VARIANCE, /* v: mean, c: sum of squared distances; n */
    VALUES_EACH,     /* v, of time t: a cell each, in order of time */
};

struct cell {
    usec_t t;
    double v, c;
    uint64_t n;
};

/* max_keys and spans as of a window. */
MUST_CHECK struct values *values_new(struct rows *rows, struct keyset *ks,
                                     enum values_mode mode,
                                     const struct window_options *o);
void values_free(struct values *w);

/* Adds a number of a key at a time: 0 or more, or WINDOW_…. */
int64_t values_add(struct values *w, uint32_t key, usec_t t, double v);
/* No evaluation will be before 't' any more. */
void values_forget(struct values *w, usec_t t);
/* Time was re-based: evaluations start again at 't'. */
void values_reopen(struct values *w, usec_t t);

/* Goes through the keys that have cells in (t-offset-range, t-offset]; starts
 * with *cursor 0.  The cells are in order of time and good until the next
 * call.  1, 0 at the end, -ENOMEM. */
MUST_CHECK int values_next(struct values *w, usec_t t, uint32_t *cursor,
                           uint32_t *ret_key, const struct cell **ret_cells,
                           uint32_t *ret_n);

MUST_CHECK int values_restore(struct values *w, const struct engine_row *row);
uint64_t values_node(const struct values *w);
struct keyset *values_keyset(const struct values *w);
uint32_t values_entries(const struct values *w);
size_t values_bytes(const struct values *w);

/* A cell with another number in it; 't' as values_add(). */
void cell_add(struct cell *c, enum values_mode mode, usec_t t, double v);
/* What the cells of a span are together; n ≥ 1. */
struct cell cells_join(const struct cell *c, uint32_t n, enum values_mode mode);

#endif
