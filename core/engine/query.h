/* SPDX-License-Identifier: Apache-2.0 */
/* query.h - the value of an expression over the samples that an engine keeps,
 * at one moment or at each step of a range.
 *
 * A query leaves no trace: no state, no rows; the rules' plan is as before, and
 * one that is being evaluated goes on.  Only what rules (or an engine that
 * keeps everything) retain can be asked for: what is not kept is an error and
 * no empty answer.
 *
 * Source: https://prometheus.io/docs/prometheus/latest/querying/basics/ */
#ifndef TOCSIN_ENGINE_QUERY_H
#define TOCSIN_ENGINE_QUERY_H

#include "core/base/arena.h"
#include "core/base/auto.h"
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/engine/series.h"
#include "core/lang/query.h"
#include "core/record/transition.h"

struct engine;

#define QUERY_STEPS_MAX 11000 /* as Prometheus: points of one series */

struct engine_query {
    struct slice expr;
    struct query_bounds when; /* step 0: the moment 'start' (= 'end') */
    usec_t lookback_us;       /* 0: 5 minutes */
    usec_t subquery_step_us;  /* where none is written; 0: a minute */
    uint32_t max_steps;       /* of subqueries, together; 0: a million */
};

struct query_series {
    const struct label *labels; /* sorted by name */
    uint32_t n_labels;
    const struct sample *samples; /* one of a vector */
    uint32_t n_samples;
};

struct query_note {
    bool is_info;     /* else a warning */
    const char *text; /* "PromQL info: … (1:6)" */
};

/* Everything lives in 'arena'. */
struct query_result {
    struct arena arena;
    enum lang_type type;
    double scalar;
    struct slice string;
    uint32_t n_series, n_notes;
    const struct query_series *series; /* of a matrix: sorted by labels */
    const struct query_note *notes;
};

/* 0; -EINVAL: it is no expression, or it has no value, err says why; -ERANGE:
 * it needs what is not kept; -ENOMEM.  On failure nothing needs to be freed. */
MUST_CHECK int engine_query(struct engine *e, const struct engine_query *q,
                            struct query_result *ret, struct err *err);
void query_result_fini(struct query_result *r);

#endif
