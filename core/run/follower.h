/* SPDX-License-Identifier: Apache-2.0 */
/* follower.h - the engine's way along the journal, one frame at a time.
 *
 * Restores the newest checkpoint, reads on from there, appends what the
 * engine concludes unless the journal has it already, and keeps checkpoints
 * going.  No thread of its own: loop.c gives it one, tests step it.
 *
 * Thread: one owner, but for what is said to be for any. */
#ifndef TOCSIN_RUN_FOLLOWER_H
#define TOCSIN_RUN_FOLLOWER_H
#include "core/base/auto.h"
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/run/loop.h"

struct follower;

/* The checkpoint is opened, not started, and stays the caller's. */
MUST_CHECK int follower_new(const struct loop_options *o, struct follower **ret,
                            struct err *err);
void follower_free(struct follower *f);

/* Feeds the next frame, for which it waits until the deadline (boot clock;
 * USEC_MIN: not at all).  1; 0 where none came, or where the journal is full
 * of alerts and follower_checkpoint() comes first; or negative errno: the
 * journal can't be read at present. */
MUST_CHECK int follower_step(struct follower *f, usec_t deadline_us);
/* Does a little of a checkpoint, where one is due or on its way.  True: there
 * is more to do right away. */
bool follower_checkpoint(struct follower *f);
/* Completes a checkpoint of where it is: 0, or negative errno. */
int follower_finish(struct follower *f, usec_t deadline_us);

/* The next frame's position. */
uint64_t follower_pos(const struct follower *f);
struct engine *follower_engine(struct follower *f);

/* Any thread: follower_step() returns soon. */
void follower_wake(struct follower *f);
/* Any thread: an alert that can't be appended is given up at that time. */
void follower_stop_at(struct follower *f, usec_t deadline_us);
bool follower_failed(const struct follower *f); /* any */
void follower_get_stats(const struct follower *f,
                        struct loop_stats *ret); /* any */

DEFINE_AUTO(follower, follower_free)
#endif
