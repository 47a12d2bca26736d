/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h - the engine at work: journal → engine → journal, and checkpoints.
 *
 * A thread restores the newest checkpoint, reads the journal from there, and
 * appends what the engine concludes; transitions that the journal has already
 * are not appended twice.  The engine belongs to this thread: others ask it
 * through loop_call(). */
#ifndef TOCSIN_RUN_LOOP_H
#define TOCSIN_RUN_LOOP_H
#include "core/base/auto.h"
#include "core/base/err.h"
#include "core/base/types.h"

struct checkpoint;
struct engine;
struct journal;
struct loop;

struct loop_options {
    struct journal *journal;
    struct checkpoint *checkpoint; /* opened, not started */
    size_t max_keys_per_rule, max_alerts_per_rule;
};

/* Restores and starts the thread.  The checkpoint stays the caller's. */
MUST_CHECK int loop_start(const struct loop_options *o, struct loop **ret,
                          struct err *err);
/* Reads on to the journal's end as of now, completes a checkpoint, stops. */
void loop_stop(struct loop *l, usec_t deadline_us);
void loop_free(struct loop *l);

/* Runs 'fn' on the loop's thread, between two frames, and waits for it.  0;
 * -ESHUTDOWN when the loop has stopped. */
int loop_call(struct loop *l, void (*fn)(void *arg, struct engine *e),
              void *arg);

struct loop_stats {
    uint64_t position; /* after the newest frame that the engine took in */
    uint64_t frames, appended, muted, unreadable;
    bool failed; /* the engine gave up: out of memory */
};
void loop_get_stats(const struct loop *l, struct loop_stats *ret);

DEFINE_AUTO(loop, loop_free)
#endif
