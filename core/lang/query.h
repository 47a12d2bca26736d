/* SPDX-License-Identifier: Apache-2.0 */
/* query.h - from the text of an expression to its checked tree.
 *
 * The text is at most 128 KiB and 100 levels deep, and the memory for it is
 * bounded: hostile text costs milliseconds and an error.  A query never
 * changes after it was made.  Thread: any. */
#ifndef TOCSIN_LANG_QUERY_H
#define TOCSIN_LANG_QUERY_H
#include "core/base/arena.h"
#include "core/base/auto.h"
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/lang/ast.h"

#define QUERY_TEXT_MAX (128 * 1024) /* bytes */
#define QUERY_DEPTH_MAX 100         /* nested expressions */
#define QUERY_ARENA_MAX (64u << 20) /* bytes, for one query */
#define QUERY_PROBLEMS_MAX 20       /* errors and warnings told of one text */

struct lang_catalog;
struct lang_support;
struct query_regex;
struct query_tmpl;

struct query {
    uint32_t magic;
    struct arena arena;
    struct slice text; /* a copy */
    const struct expr *root;
    struct query_regex *regexes; /* all that the tree points to */
    struct query_tmpl *tmpls;    /* and these */
};

/* Something to tell the author: in bytes, and as line and column (from 1,
 * columns in characters) of the text. */
struct problem {
    enum severity severity;
    struct span span;
    uint32_t line, column;
    uint32_t end_column; /* one past the end, 0 if on another line */
    const char *message; /* as Prometheus words it, without its position */
    const char *hint;    /* or NULL */
};

/* Told one by one; the pointers are gone when it returns. */
typedef void (*problem_fn)(void *ctx, const struct problem *p);

struct query_options {
    const struct lang_catalog *catalog; /* NULL: what has a pipeline is a
                                         * stream, all else a metric */
    const struct lang_support *support; /* NULL: all is supported */
    bool logql; /* a selector without a name is of streams, as Loki reads it */
    problem_fn report; /* or NULL */
    void *report_ctx;
};

/* Parses, binds and checks.  0; -EINVAL after at least one error was reported;
 * -ENOMEM.  'options' may be NULL.  'err', which may be NULL too, gets the
 * first error: "parse error: text" with line, column and hint; Prometheus
 * prints it as "line:column: message". */
MUST_CHECK int query_parse(struct slice text,
                           const struct query_options *options,
                           struct query **ret_q, struct err *err);
void query_free(struct query *q);

/* For what takes a selector and nothing else ("match[]", 'select', 'until', the
 * steps of a sequence): of a metric or a stream, without a range. */
MUST_CHECK int query_parse_selector(struct slice text,
                                    const struct query_options *options,
                                    struct query **ret_q, struct err *err);

/* Line and column of a byte of the text. */
void query_position(struct slice text, uint32_t offset, uint32_t *ret_line,
                    uint32_t *ret_column);

/* For durations that depend on the query ("[step() * 2]").  0, or -EINVAL with
 * err filled: "duration must be greater than 0" where 'positive' asks. */
struct query_bounds {
    usec_t start, end, step; /* of an instant query: step 0, start = end */
};
MUST_CHECK int lang_duration_eval(const struct lang_duration *d,
                                  const struct query_bounds *bounds,
                                  bool positive, usec_t *ret_us,
                                  struct err *err);

DEFINE_AUTO(query, query_free)
#endif
