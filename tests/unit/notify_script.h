/* SPDX-License-Identifier: Apache-2.0 */
/* notify_script.h - the notifier on a clock of its own: steps go in, what
 * receivers were told comes out as text.
 *
 * A step is "SECONDS VERB [ARGUMENT]":
 *     fire LABELS      an alert fires: "A,hub=x" is {alertname="A",hub="x"}
 *     resolve LABELS   it ends
 *     to               a tick each second, from the step before up to now
 *     tick             one tick
 *     back N           one tick that re-bases: the clock is N seconds back
 *     dead T           target T takes nothing more …
 *     alive T          … takes what is on its way, and all that comes
 *     hangs T          … is tried (attempt), and never answers
 *     refuses T        … refuses for good
 *     takes            remembers what is on its way …
 *     tries            … and journals an attempt of it
 *     start            the program starts anew
 *     config           it starts anew with the other configuration
 * Each delivery gives a line "SECONDS TARGET STATUS GROUP: +A/x -B/y", where +
 * fires, - is resolved, followed by values of labels that don't group. */
#ifndef TOCSIN_TESTS_NOTIFY_SCRIPT_H
#define TOCSIN_TESTS_NOTIFY_SCRIPT_H
#include "core/base/buf.h"
#include "core/config/configuration.h"

enum script_mode {
    SCRIPT_PLAIN,
    SCRIPT_RESTORED, /* before each frame: encoded, decoded into another */
    SCRIPT_REPLAYED, /* before each frame: made anew from all frames so far */
    SCRIPT_STARVED,  /* memory fails at each frame, which is fed once more */
    SCRIPT_MODES
};

/* The configuration's text; fails the test on errors. */
struct config *script_config(const char *yaml);
/* Runs steps, up to NULL; what was told, and then keys where 'keys'. */
void script_run(const struct config *cfg, const char *const *steps,
                enum script_mode mode, bool keys, struct buf *out);
/* The same with another configuration from the step "config" on. */
void script_run_changed(const struct config *cfg, const struct config *other,
                        const char *const *steps, struct buf *out);

#endif
