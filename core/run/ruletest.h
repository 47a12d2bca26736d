/* SPDX-License-Identifier: Apache-2.0 */
/* ruletest.h - unit tests of rules: promtool's file format, with events,
 * lateness, sources that are down and restarts beside its series.
 *
 * Nothing is simulated: each test feeds an engine of its own the frames that a
 * collector would have journalled (a schema, the rules, chunks, ticks), on one
 * virtual clock, and compares what the engine says with what the file expects.
 * The format is in tocsin-test-rules(1).
 *
 * Bounded: RULETEST_STEPS_MAX moments of the clock a test.  One owner. */
#ifndef TOCSIN_RUN_RULETEST_H
#define TOCSIN_RUN_RULETEST_H
#include "core/base/arena.h"
#include "core/base/auto.h"
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/engine/vec.h"

#define RULETEST_STEPS_MAX 20000000u

struct regex;
struct ruleset_file;
struct schema;

struct ruletest_failure {
    unsigned line; /* of the expectation in the test's file; 0: none */
    const char *what;
    const char *diff; /* lines "- expected", "+ got", "  both", or "" */
};

struct ruletest_case {
    const char *name;
    unsigned line;
    VEC(struct ruletest_failure) failures;
};

struct ruletest_suite {
    const char *file;
    const char *broken; /* why nothing was run (problems are in errs), NULL */
    VEC(struct ruletest_case) cases;
};

/* A rule of some file that tests load, and what they saw of it. */
struct ruletest_rule {
    const char *file, *group, *name, *expr;
    const char *real; /* the file's one path */
    unsigned line;
    bool is_alert;
    uint64_t evaluated, valued; /* times; with a value */
    uint64_t fired, resolved;
};

struct ruletest_report {
    struct arena arena;
    VEC(struct ruletest_suite) suites;
    VEC(struct ruletest_rule) rules;
    size_t passed, failed; /* tests */
};

void ruletest_report_init(struct ruletest_report *r);
void ruletest_report_fini(struct ruletest_report *r);

/* Did tests make it do what it is there for? */
bool ruletest_rule_covered(const struct ruletest_rule *r);

struct ruletest_options {
    const struct schema *decoders; /* the streams and metrics there are */
    const struct regex *run;       /* only tests whose name matches; NULL */
    uint32_t max_steps;            /* moments of a test's clock; 0: default */
    /* For tests of this: the file's text, and rules instead of its own. */
    struct slice text; /* p NULL: read the file */
    const struct ruleset_file *rules;
    size_t n_rules;
};

/* Runs the tests of a file and adds them to the report.  A file that can't be
 * read, or whose rules can't, is a suite that is broken, with the problems in
 * 'errs'.  0, or -ENOMEM. */
MUST_CHECK int ruletest_run(const char *path, const struct ruletest_options *o,
                            struct errlist *errs,
                            struct ruletest_report *report);

DEFINE_AUTO_FINI(ruletest_report, ruletest_report_fini)
#endif
