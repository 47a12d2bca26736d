/* SPDX-License-Identifier: Apache-2.0 */
/* trial.h - what a unit test of rules asks of an engine: when the slots are,
 * the values of expressions at given times, and to be told of every
 * evaluation.
 *
 * A question is a rule without a name whose one slot is its time: it is
 * planned, kept for and evaluated as any other. */
#ifndef TOCSIN_ENGINE_TRIAL_H
#define TOCSIN_ENGINE_TRIAL_H

#include "core/base/types.h"
#include "core/record/transition.h"

struct rule;
struct rule_def;
struct rulebook;
struct vector;

struct trial_question {
    struct slice expr;
    usec_t time_us;
};

struct trial_sample {
    const struct label *labels; /* sorted by name */
    uint32_t n_labels;
    double value;
};

struct trial_result {
    const struct rule_def *rule;
    usec_t slot;
    const char *error;                  /* why there is no value, or NULL */
    uint32_t n;                         /* samples of the value */
    const struct trial_sample *samples; /* of a question; else NULL */
};

struct trial {
    /* Groups are evaluated at origin + k × interval, whatever they say. */
    usec_t origin_us, interval_us;
    const struct trial_question *questions;
    uint32_t n_questions;
    /* Told of each evaluation, in order; the result is gone when it returns. */
    void (*told)(void *arg, const struct trial_result *r);
    void *arg;
};

/* Sets the rules' slots and adds the questions; one that is no expression is
 * answered at once.  0 or -ENOMEM. */
MUST_CHECK int trial_apply(const struct trial *t, struct rulebook *book);
/* A rule was evaluated; v NULL: it failed.  0 or -ENOMEM. */
MUST_CHECK int trial_tell(const struct rule *r, usec_t slot,
                          const struct vector *v);

#endif
