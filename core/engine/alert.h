/* SPDX-License-Identifier: Apache-2.0 */
/* alert.h - the alerts of one rule, from pending to resolved, as Prometheus
 * has them.
 *
 * Alerts that are inactive are not kept: what returns is a new alert.  Past
 * the rule's bound new alerts collapse into one that stands for the rest;
 * nothing that is there is resolved by it. */
#ifndef TOCSIN_ENGINE_ALERT_H
#define TOCSIN_ENGINE_ALERT_H

#include "core/base/table.h"
#include "core/base/types.h"
#include "core/engine/graph.h"
#include "core/engine/rows.h"
#include "core/record/transition.h"

struct engine;
struct kind;
struct lset;
struct rule;

struct alert {
    struct lset *labels; /* NULL: free */
    struct lset *sample; /* of the result that made it; NULL: overflow */
    uint8_t state;
    bool on_arrival, overflow;
    bool seen;    /* in the evaluation that runs */
    bool held;    /* by keep_firing_while, in that evaluation */
    uint8_t told; /* the state that ALERTS tells, 0 for none */
    usec_t active, fired, keep_since;
    double value;
    uint64_t episode;
};

enum rule_health { HEALTH_UNKNOWN, HEALTH_OK, HEALTH_ERR };

/* Row 0 is the rule's own, row i+1 that of alert i. */
struct rule_state {
    struct rowset rows;
    struct engine *e;
    uint64_t id;
    uint64_t uid;                /* as of the rule that made it */
    usec_t next_slot, last_slot; /* USEC_NONE: none yet */
    uint8_t health;
    char *error; /* of the last evaluation, or NULL */
    uint64_t evaluations, skipped, late, refused, unreadable;
    uint64_t undecided; /* records since the last evaluation, for whose text a
                           regular expression took too many steps */
    VEC(struct alert) alerts;
    VEC(uint32_t) free;
    struct table table; /* by labels */
    struct kind *kind;  /* of rules that are no expression, or NULL */
};

/* What an evaluation says. */
struct results {
    struct vector v;
    bool holds;         /* the rule has a keep_firing_while: */
    struct vector hold; /* what that says */
    uint64_t refused;   /* results that nobody knows, for want of room */
};

MUST_CHECK struct rule_state *rule_state_new(struct engine *e, uint64_t id,
                                             uint64_t uid);
void rule_state_free(struct rule_state *s);
void rule_state_touch(struct rule_state *s);
MUST_CHECK int rule_state_fail(struct rule_state *s, const char *message);
MUST_CHECK int rule_state_restore(struct rule_state *s,
                                  const struct engine_row *row);

/* Moves all alerts of 'from' to 'to', which has none. */
MUST_CHECK int alerts_move(struct rule_state *to, struct rule_state *from);

/* The result of the rule's expression at a slot.  0, -ENOMEM, or -EINVAL: the
 * rule's error is set, nothing else changed. */
MUST_CHECK int alerts_evaluate(struct rule *r, const struct results *res,
                               usec_t slot);
/* More events came: the rule holds for these labels with this value, at
 * 'now', the newest event time.  1 if an alert is there now, 0 if not. */
MUST_CHECK int alerts_arrive(struct rule *r, struct lset *sample, double value,
                             usec_t now);
/* A slot was skipped: timers stand still for so long. */
void alerts_shift(struct rule_state *s, usec_t span);
/* The rule is gone: what is pending or firing ends. */
MUST_CHECK int alerts_end(struct rule_state *s, const struct rule *r);

/* Calls fn with each pending and firing alert, by labels. */
MUST_CHECK int alerts_tell(struct rule *r,
                           int (*fn)(void *arg, const struct transition *t),
                           void *arg);

#endif
