/* SPDX-License-Identifier: Apache-2.0 */
/* engine_priv.h - the engine's insides, for the files of this folder. */
#ifndef TOCSIN_ENGINE_ENGINE_PRIV_H
#define TOCSIN_ENGINE_ENGINE_PRIV_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/engine/engine.h"
#include "core/engine/keys.h"
#include "core/engine/labels.h"
#include "core/engine/pipeline.h"
#include "core/engine/plan.h"
#include "core/engine/rows.h"
#include "core/engine/series.h"
#include "core/engine/tally.h"
#include "core/engine/values.h"
#include "core/engine/watermark.h"
#include "core/lang/query.h"
#include "core/record/chunk.h"

#define LOOKBACK_US (5 * USEC_PER_MINUTE)
#define EVIDENCE_MAX 3u
#define EVIDENCE_BYTES 4096u
#define EVIDENCE_LOOKS 100000u /* series, for the alerts of a slot */

enum { TEXT_SCHEMA, TEXT_RULES, TEXT_STATS, TEXT_COUNT };

/* The record that is being taken in. */
struct current {
    uint64_t serial; /* counts records: which key is whose */
    const struct chunk *chunk;
    const struct chunk_record *rec;
    const struct chunk_record *filled; /* whose 'fields' are */
    struct slice fields[UINT8_MAX + 1];
    uint8_t present[UINT8_MAX + 1]; /* ids that are set in 'fields' */
    uint32_t n_present;
    struct slice raw;
    usec_t time;
    bool counted_late;
};

struct notes;
/* What a record will touch: a rule that follows keys (tap.h), a window, or
 * where both are NULL a series. */
struct touch {
    const struct chunk_record *rec;
    struct rule *rule;
    uint32_t mask; /* of the rule's selectors */
    struct sink *sink;
    struct keyset *ks;
    uint32_t metric;   /* of the series */
    uint32_t prepared; /* the key, see keys.h; KEY_NONE: see staged.h */
};

struct restore;

struct engine {
    struct engine_options o;
    struct labels *labels;
    struct keysets keysets;
    struct rows rows;
    struct rowset text_rows; /* the schema, the rules, the counters */
    struct buf texts[TEXT_STATS];
    struct watermarks marks;
    struct seriesdb *series;
    struct schema *schema;
    struct plan *plan;
    struct arena arena; /* of one slot or one record */
    struct pipe_run pipe;
    struct buf pipe_key;
    uint64_t position;
    struct restore *restore; /* between engine_new and engine_restore_end */

    /* the frame that is being fed */
    uint64_t pos;
    uint32_t ordinal;
    struct current cur;
    VEC(struct touch) touches; /* of the next records */
    VEC(uint32_t) metric_of;   /* id in the schema → metric in 'series' */

    /* one evaluation */
    uint64_t serial;
    uint32_t evidence_left; /* series that may still be looked at */
    uint64_t inner;         /* of evaluations beside the slot's */
    uint32_t steps_left;    /* to subqueries of a rule */
    struct engine_stats stats;
};

/* engine.c: compiles e->texts with the schema; without rules, nothing. */
MUST_CHECK int engine_compile(struct engine *e, struct schema *schema);
#define NODE_TEXTS UINT64_C(0x7465787473000000)
void engine_settle(struct engine *e); /* ends a slot or a frame */

/* ingest.c */
MUST_CHECK int ingest_chunk(struct engine *e, const struct frame *f);
MUST_CHECK int ingest_schema(struct engine *e, const struct schema *s);
/* Counts the current record's event of a key. */
MUST_CHECK int ingest_count(struct engine *e, struct sink *s, uint32_t key);
void ingest_late(struct engine *e, struct sink *s); /* some slot is over */
void ingest_refused(struct sink *s);                /* a bound was passed */

/* The first of the slots, at origin + k × interval, that is no earlier. */
static inline usec_t
slot_at_or_after(usec_t t, usec_t interval, usec_t origin)
{
    usec_t past = (t - origin) % interval;
    return past == 0 ? t : past > 0 ? t - past + interval : t - past;
}

/* Milliseconds, rounded down. */
static inline int64_t
ms_of(usec_t t)
{
    return t / 1000 - (t % 1000 < 0);
}

/* slots.c: evaluates every slot that its inputs' watermarks have passed. */
MUST_CHECK int slots_run(struct engine *e);
/* New rules start at the first slot after the watermark, where there is one. */
void slots_start(struct engine *e);
/* The plan is new, or the state was restored. */
void slots_planned(struct engine *e);
MUST_CHECK int slots_rebase(struct engine *e, usec_t now);
/* Every watermark passes 'to' and all that was seen. */
MUST_CHECK int slots_flush(struct engine *e, usec_t to);
bool rule_is_unknown(const struct engine *e, const struct rule *r);

/* emit.c: tells of a transition of an alert of 'r'. */
MUST_CHECK int engine_emit(struct engine *e, struct rule *r,
                           const struct alert *a, uint8_t state, usec_t time);
/* Fills *ret as engine_emit does; good until the engine's arena is reset. */
MUST_CHECK int alert_describe(struct rule *r, const struct alert *a,
                              uint8_t state, usec_t time,
                              struct transition *ret);
/* evidence.c: adds what moved the alert, where it fires; 'room' has space for
 * KIND_EVIDENCE_MAX, texts are in the engine's arena. */
MUST_CHECK int alert_evidence(struct rule *r, const struct alert *a,
                              struct transition *t, struct slice *room);
/* The labels of an alert that this result makes; pooled.  NULL: no memory. */
MUST_CHECK struct lset *alert_labels(struct rule *r, struct lset *sample,
                                     double value, usec_t time);
MUST_CHECK struct lset *alert_overflow_labels(struct rule *r);

/* alert_series.c: what ALERTS and ALERTS_FOR_STATE say of an alert in this
 * state at a slot; returns the state that they tell now, 0 for none, or
 * -ENOMEM. */
#define ALERTS_NAME "ALERTS"
#define ALERTS_FOR_STATE_NAME "ALERTS_FOR_STATE"
MUST_CHECK int alert_series(struct rule *r, const struct alert *a,
                            uint8_t state, int64_t ms);
bool name_is_of_alerts(struct slice name);

/* ---- evaluation: eval.c and below */

#define EVAL_STEPS_MAX 1000000u

struct eval {
    struct engine *e;
    struct rule *rule;
    usec_t t;
    uint64_t serial; /* of the slot: values are kept for it */
    struct err *err;
    struct notes *notes; /* NULL: nobody reads them */
    struct query_bounds bounds;
    uint32_t *steps; /* that are left to subqueries, all together */
    usec_t lookback_us, step_default_us; /* of subqueries without a step */
};

/* A serial that no value has: for an evaluation beside the slot's. */
uint64_t eval_serial(struct engine *e);
/* A rule's evaluation at its slot. */
struct eval eval_of_rule(struct engine *e, struct rule *r, usec_t slot,
                         struct err *err);
/* The value of a whole expression: names that were to be dropped are.  0;
 * -ENOMEM; -EINVAL with err filled: what the value would be is an error. */
MUST_CHECK int eval_root(struct eval *ev, struct node *root,
                         const struct value **ret);
MUST_CHECK int eval_node(struct eval *ev, struct node *n,
                         const struct value **ret);
MUST_CHECK int eval_range(struct eval *ev, struct node *n, struct value *ret);
MUST_CHECK int eval_call(struct eval *ev, struct node *n, struct value *ret);
MUST_CHECK int eval_aggregate(struct eval *ev, struct node *n,
                              struct value *ret);
MUST_CHECK int eval_binary(struct eval *ev, struct node *n, struct value *ret);
/* The events that reach 'need'. */
MUST_CHECK int eval_events(struct eval *ev, struct node *n, uint32_t need,
                           struct value *ret);

/* info.c: what informs in a call of info(): its second argument, of
 * target_info where that names no metric.  NULL: no memory. */
MUST_CHECK const struct selector *info_selector(struct arena *a,
                                                const struct expr *call);

/* Room for n samples from the evaluation's arena. */
MUST_CHECK int vector_make(struct eval *ev, uint32_t n, struct vector *ret);
/* -EINVAL with the error where two samples have the same labels. */
MUST_CHECK int vector_check_unique(struct eval *ev, const struct vector *v);
MUST_CHECK int vector_sort(struct eval *ev, const struct vector *v,
                           struct vector *ret);

struct kahan {
    double sum, c;
};
static inline void
kahan_add(struct kahan *k, double x)
{
    double t = k->sum + x;
    if (__builtin_isinf(t))
        k->c = 0;
    else if (__builtin_fabs(k->sum) >= __builtin_fabs(x))
        k->c += (k->sum - t) + x;
    else
        k->c += (x - t) + k->sum;
    k->sum = t;
}
static inline double
kahan_value(const struct kahan *k)
{
    return k->sum + k->c;
}

/* statistics.c */
double quantile_of(double q, double *values, uint32_t n); /* sorts */
double mean_of(const double *v, uint32_t n);
double variance_of(const double *v, uint32_t n);
bool values_equal(double a, double b); /* NaN equals NaN */
/* As Go's math.Max and Min: NaN wins, but against an infinity on its side. */
double number_max(double a, double b);
double number_min(double a, double b);

#endif
