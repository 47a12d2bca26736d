/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint.h - the engine's state on disk: an append-only file of rows.
 *
 * A checkpoint appends the rows that changed and then an end mark with the
 * position that they reflect; what follows the last end mark does not count.
 * When a file has grown to twice its live size, a new one is begun with all
 * rows, and the old one goes once the new one has its first end mark.  The
 * end mark is written only when the journal is synced up to its position, and
 * so are the transitions that the state knows of: they stand behind it.
 *
 * The engine's thread fills buffers and never waits for the disk; a thread of
 * the checkpoint's own writes and syncs them. */
#ifndef TOCSIN_RUN_CHECKPOINT_H
#define TOCSIN_RUN_CHECKPOINT_H
#include "core/base/auto.h"
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/journal/io.h"
#include "core/record/transition.h"

struct engine;
struct engine_row;
struct journal;
struct checkpoint;

struct checkpoint_options {
    const char *dir; /* made if it does not exist */
    const struct io *io;
    usec_t interval_us;      /* one begins at most so often … */
    uint64_t interval_bytes; /* … or after so much of the journal */
    bool inline_writer;      /* no thread: checkpoint_work and checkpoint_finish
                                write themselves; for tests */
};

/* What the newest complete checkpoint reflects; 0: there is none. */
struct checkpoint_mark {
    uint64_t position;
    struct cause newest; /* of the transitions appended by then */
};

MUST_CHECK int checkpoint_open(const struct checkpoint_options *o,
                               struct checkpoint **ret, struct err *err);
/* The position of the newest complete checkpoint, 0 where there is none. */
MUST_CHECK int checkpoint_peek(struct checkpoint *c,
                               struct checkpoint_mark *ret_mark);
/* Hands the rows of the newest complete checkpoint to 'fn'.  Damage makes it
 * fall back to an older one, or to none: *ret_mark says which. */
MUST_CHECK int checkpoint_restore(struct checkpoint *c,
                                  int (*fn)(void *arg,
                                            const struct engine_row *row),
                                  void *arg, struct checkpoint_mark *ret_mark);
/* From now on the thread runs.  The journal must outlive it. */
MUST_CHECK int checkpoint_start(struct checkpoint *c, struct journal *j,
                                struct err *err);
/* Begins a checkpoint if one is due ('urgent': if there is anything new),
 * hands out a few rows of one that is on its way.  Engine's thread, between
 * two frames; at most about 1 ms.  True: there is more to do right away. */
bool checkpoint_work(struct checkpoint *c, struct engine *e,
                     struct cause newest, bool urgent);
/* Waits for the one on its way until the deadline (boot clock), but not
 * long. */
void checkpoint_wait(struct checkpoint *c, usec_t deadline_us);
/* Completes one now, for a stop: 0, or -ETIMEDOUT. */
MUST_CHECK int checkpoint_finish(struct checkpoint *c, struct engine *e,
                                 struct cause newest, usec_t deadline_us);
/* The position up to which the journal is not needed any more. */
uint64_t checkpoint_durable(const struct checkpoint *c);
void checkpoint_close(struct checkpoint *c);

DEFINE_AUTO(checkpoint, checkpoint_close)
#endif
