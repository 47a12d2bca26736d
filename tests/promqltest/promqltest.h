/* SPDX-License-Identifier: Apache-2.0 */
/* promqltest.h - what the files of promqltest share: a file that is being run,
 * and one statement of it. */
#ifndef TOCSIN_TESTS_PROMQLTEST_H
#define TOCSIN_TESTS_PROMQLTEST_H

#include "core/engine/engine_priv.h"
#include "core/engine/query.h"
#include "core/run/ruletest_priv.h"

#define EXPECTS_MAX 64u
#define TEXT_MAX ((size_t)16 << 20)

enum annotation { WARN, INFO, ANNOTATIONS };

/* "expect warn regex: …" */
struct expected_text {
    enum { TEXT_ANY, TEXT_EXACT, TEXT_REGEX } how;
    struct slice text;
};

struct expected_texts {
    struct expected_text v[EXPECTS_MAX];
    uint32_t n;
};

struct statement {
    uint32_t line;
    struct slice expr;
    bool is_range;
    usec_t start, end, step;
    bool fails, ordered, no[ANNOTATIONS], some[ANNOTATIONS];
    bool native; /* expects a native histogram */
    struct expected_texts fail, annotations[ANNOTATIONS];
    bool has_matrix; /* expect range vector */
    usec_t matrix_start, matrix_step;
    bool has_string;
    struct slice string;
    bool has_scalar;
    double scalar;
    VEC(struct test_series) series;
};

/* A series that can't be loaded. */
struct absent {
    struct slice metric;
    const struct label *labels;
    uint32_t n_labels;
    const char *why;
};

#define NATIVE "native histograms"
#define STARTS "start timestamps"

/* A file that is being run. */
struct runner {
    const char *file;
    struct slice rest; /* of the file */
    uint32_t line;     /* of the one that was read */
    struct engine *e;
    struct arena arena; /* of a file */
    VEC(struct absent) absent;
    uint64_t passed, failed, skipped;
};

/* ---- read.c: the language.  What can't be read ends the program. */

void bad_file(const struct runner *r, const char *what, struct slice text);
struct slice trim(struct slice s);
/* False at the end of the file.  A comment is an empty line. */
bool next_line(struct runner *r, struct slice *ret);
/* Takes the next word off; or only if it is this one, in any case. */
struct slice word(struct slice *s);
bool take_word(struct slice *s, const char *want);
bool has_prefix(struct slice s, const char *want);
/* "5m", "-5m", "300". */
usec_t read_duration(const struct runner *r, struct slice w);
/* 1; 0: it has native histograms. */
int read_series(struct runner *r, struct slice s, struct test_series *ret);
/* The rest of "eval_warn instant at 5m up", and what is expected. */
void read_eval(struct runner *r, struct slice mode, struct slice s,
               struct statement *st);

/* ---- compare.c: what is wrong goes to 'why'. */

bool texts_match(const struct expected_texts *ts, const char *got);
bool check_annotations(const struct statement *st, const struct query_result *q,
                       enum annotation kind, struct buf *why);
void check_series(struct statement *st, const struct query_result *q,
                  struct buf *why);
void check_value(struct statement *st, const struct query_result *q,
                 struct buf *why);

/* ---- ask.c */

/* NULL, or what the statement needs that is not there. */
const char *needs(const struct runner *r, const struct statement *st);
/* Evaluates and compares; an instant once more in a range. */
void ask(struct runner *r, struct statement *st, struct buf *why);

#endif
