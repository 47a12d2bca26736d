/* SPDX-License-Identifier: Apache-2.0 */
/* replay.h - the engine over what was: a journal's frames, or files through
 * their decoders, with rules of one's choice.  The end of the input flushes.
 * No thread, no clock, nothing is written. */
#ifndef TOCSIN_RUN_REPLAY_H
#define TOCSIN_RUN_REPLAY_H
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/engine/ruleset.h"
#include "core/record/transition.h"

struct plugins;

struct replay_file {
    struct slice decoder;
    const char *path; /* gzip or not; "-": standard input */
};

struct replay_options {
    /* Given the schema of what will come (that of the journal, or of the
     * decoders), fills the rules: 0, or negative to stop there. */
    int (*rules)(void *arg, const struct schema *schema, struct ruleset *ret);
    void (*emit)(void *arg, const struct transition *t);
    /* Journal time moves on; may be NULL. */
    void (*passed)(void *arg, usec_t time);
    void *arg;
    usec_t lateness_us; /* files: of their events */
};

struct replay_stats {
    uint64_t frames, records, dead, late, damaged;
    usec_t first, last; /* time of the first and the newest records; files:
                           event time, else journal time; USEC_NONE: none */
};

/* Several files are read side by side, the one whose records are the oldest
 * first, so that they come about in the order of time. */

MUST_CHECK int replay_journal(const struct replay_options *o, const char *dir,
                              struct replay_stats *ret, struct err *err);
MUST_CHECK int replay_files(const struct replay_options *o,
                            struct plugins *plugins,
                            const struct replay_file *files, size_t n_files,
                            struct replay_stats *ret, struct err *err);
#endif
