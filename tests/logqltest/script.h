/* SPDX-License-Identifier: Apache-2.0 */
/* script.h - Loki's test language, read: logs to load, queries, results.
 *
 *     load
 *       {app="a"} "line {{.i}}" @ 0s [repeat every 10s for 6] [metadata k="v"]
 *     clear
 *     eval instant at 60s QUERY
 *       {app="a"} 6
 *     eval range from 60s to 120s step 30s QUERY
 *       {app="a"} 6 _ 3x2
 *
 * Also "expect empty", "expect fail [msg: TEXT | regex: RE]", "expect
 * ordered"; "skip values-comparison …" means other programs. */
#ifndef TOCSIN_TESTS_LOGQLTEST_SCRIPT_H
#define TOCSIN_TESTS_LOGQLTEST_SCRIPT_H

#include "core/base/arena.h"
#include "core/base/types.h"
#include "core/engine/vec.h"
#include "core/record/transition.h"

#define LABELS_OF_LINE 64u

struct log_line {
    struct label *labels; /* metadata too, as Loki names it */
    uint32_t n_labels;
    struct slice line;
    usec_t t; /* from the script's beginning */
};

struct expected {
    struct slice text; /* the line */
    bool is_scalar;
    struct label *labels;
    uint32_t n_labels;
    double *values; /* one a step; absent[i]: none */
    bool *absent;
    uint32_t n_values;
};

enum expect { EXPECT_SERIES, EXPECT_EMPTY, EXPECT_FAIL };

struct eval_command {
    unsigned line;
    struct slice query;
    bool range, ordered, asserts;
    usec_t from, to, step;
    enum expect expect;
    struct slice fail_text;
    bool fail_regex;
    VEC(struct expected) series;
};

struct script {
    struct arena arena;
    const char *file;
    struct slice text;
    unsigned line;
    VEC(struct log_line) logs; /* loaded so far */
};

/* Calls 'fn' for each evaluation, when all logs before it are loaded.  False:
 * the file can't be read; a message was printed. */
bool script_run(const char *file,
                void (*fn)(struct script *s, struct eval_command *c, void *arg),
                void *arg);

#endif
