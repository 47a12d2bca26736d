/* SPDX-License-Identifier: Apache-2.0 */
/* stretch.h - the samples of one series in a range, and functions of them. */
#ifndef TOCSIN_ENGINE_STRETCH_H
#define TOCSIN_ENGINE_STRETCH_H

#include "core/base/types.h"
#include "core/engine/series.h"
#include "core/lang/functions.h"
#include "core/lang/selector.h"

struct arena;
struct eval;
struct node;

/* Samples in (start, end], of an extended range those around it too; no stale
 * markers. */
struct stretch {
    const struct sample *s;
    uint32_t n;
    int64_t start_ms, end_ms;
    int64_t at_ms; /* the evaluation's time */
    double range_s;
    const double *params;
    struct arena *arena;
};

/* False: no value. */
typedef bool (*range_fn)(const struct stretch *sp, double *ret);

/* The values alone; NULL for want of memory or of values. */
double *stretch_values(const struct stretch *sp);

/* extended.c: does the function take such a range?  Its value: 1, 0: none, or
 * -ENOMEM.  The value of an instant selector. */
bool extended_takes(enum func_id f, enum extend how);
MUST_CHECK int extended_range(enum func_id f, enum extend how, range_fn fn,
                              const struct stretch *sp, double *ret);
/* Makes of it the samples at its edges and between them; EXTEND_NONE: nothing.
 * 0 or -ENOMEM. */
MUST_CHECK int extended_cut(enum extend how, struct stretch *sp);
bool smoothed_at(const struct sample *s, uint32_t n, int64_t ms, double *ret);

/* smoothing.c */
bool range_deriv(const struct stretch *sp, double *ret);
bool range_predict_linear(const struct stretch *sp, double *ret);
bool range_smoothing(const struct stretch *sp, double *ret);
bool range_mad(const struct stretch *sp, double *ret);
/* -EINVAL: factors that can't be used. */
MUST_CHECK int smoothing_check(struct eval *ev, const double params[2]);

#endif
