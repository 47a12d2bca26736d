/* SPDX-License-Identifier: Apache-2.0 */
/* matrix.h - samples of several series in a range of time: those of a view, or
 * what a subquery finds at each of its steps. */
#ifndef TOCSIN_ENGINE_MATRIX_H
#define TOCSIN_ENGINE_MATRIX_H

#include "core/base/types.h"
#include "core/engine/series.h"

struct eval;
struct lset;
struct modifiers;
struct node;
struct strand;

/* Of (start, end], in milliseconds. */
struct matrix {
    int64_t start_ms, end_ms;
    int64_t from_ms, to_ms; /* wider, where the range is extended */
    usec_t range_us;
    uint32_t n; /* series, by labels; not all have a sample */
    bool previous;
    struct eval *ev;
    uint32_t view;
    const struct strand *strands; /* of a subquery, else NULL */
};

/* The time at which a selector or subquery looks: that of the evaluation, or
 * of its "@", less its offset.  0, or -EINVAL with the evaluation's error. */
MUST_CHECK int eval_moment(struct eval *ev, const struct modifiers *m,
                           usec_t *ret);

/* What a NODE_RANGE reads at the evaluation's time; lives in the evaluation's
 * arena.  0, or as eval_node(). */
MUST_CHECK int matrix_open(struct eval *ev, struct node *n, struct matrix *ret);
/* The i-th series' samples, without stale markers, in the order of time.
 * *ret_unnamed: its name is to be dropped.  Negative: no memory. */
MUST_CHECK int64_t matrix_get(const struct matrix *m, uint32_t i,
                              const struct sample **ret,
                              struct lset **ret_labels, bool *ret_unnamed);

#endif
