/* SPDX-License-Identifier: Apache-2.0 */
/* stretch.h - the samples of one series in a range, and functions of them. */
#ifndef TOCSIN_ENGINE_STRETCH_H
#define TOCSIN_ENGINE_STRETCH_H

#include "core/base/types.h"
#include "core/engine/series.h"

struct arena;
struct eval;
struct node;

/* Samples in (end - range, end], no stale markers. */
struct stretch {
    const struct sample *s;
    uint32_t n;
    int64_t start_ms, end_ms;
    double range_s;
    const double *params;
    struct arena *arena;
};

/* False: no value. */
typedef bool (*range_fn)(const struct stretch *sp, double *ret);

/* The values alone; NULL for want of memory or of values. */
double *stretch_values(const struct stretch *sp);

/* smoothing.c */
bool range_deriv(const struct stretch *sp, double *ret);
bool range_predict_linear(const struct stretch *sp, double *ret);
bool range_smoothing(const struct stretch *sp, double *ret);
bool range_mad(const struct stretch *sp, double *ret);
/* -EINVAL: factors that can't be used. */
MUST_CHECK int smoothing_check(struct eval *ev, const double params[2]);

#endif
