/* SPDX-License-Identifier: Apache-2.0 */
/* template.h - Go's text/template, as Prometheus' alert rules use it, and as
 * line_format and label_format of LogQL do.
 *
 * A template is parsed once, when its rule is checked, and never changes: any
 * number of threads may expand it.  Expanding is bounded in steps, memory and
 * output, calls nothing but the query that the caller gives, and reads no
 * clock. */
#ifndef TOCSIN_LANG_TEMPLATE_H
#define TOCSIN_LANG_TEMPLATE_H
#include "core/base/arena.h"
#include "core/base/auto.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/lang/query.h" /* problem_fn */

#define TMPL_TEXT_MAX (128 * 1024)        /* bytes of a template */
#define TMPL_OUTPUT_MAX (64 * 1024)       /* bytes that it may become */
#define TMPL_STEPS_MAX 100000             /* nodes that it may execute */
#define TMPL_MEMORY_MAX (4 * 1024 * 1024) /* bytes while it is expanded */
#define TMPL_DEPTH_MAX 100                /* nested actions, and templates */

struct tmpl;

/* 'name' is copied; it stands in messages ("__alert_HubDown").  0; -EINVAL
 * after the error was reported ('report' may be NULL) and put into err as
 * "error parsing template NAME: template: NAME:LINE: text", with its place in
 * the text; -ENOMEM. */
MUST_CHECK int tmpl_parse(struct slice text, const char *name,
                          problem_fn report, void *report_ctx,
                          struct tmpl **ret_t, struct err *err);
/* A template of a pipeline: it sees labels as fields of dot and has Loki's
 * functions.  Those that would look at the machine (time zones) or build
 * documents (fromJson) are not there. */
MUST_CHECK int tmpl_parse_line(struct slice text, const char *name,
                               problem_fn report, void *report_ctx,
                               struct tmpl **ret_t, struct err *err);
void tmpl_free(struct tmpl *t);

/* Without any action: it expands to its text as it stands. */
bool tmpl_is_constant(const struct tmpl *t);

/* Calls 'fn' with each expression that is given to 'query' as a literal, so
 * that it can be checked too. */
typedef void (*tmpl_query_visit_fn)(void *ctx, struct slice expr,
                                    struct span span);
void tmpl_visit_queries(const struct tmpl *t, tmpl_query_visit_fn fn,
                        void *ctx);

/* Calls 'fn' with each label that is written as "$labels.name" and printed
 * without the template asking first (by if or with) whether it is there. */
typedef void (*tmpl_label_visit_fn)(void *ctx, struct slice label);
void tmpl_visit_labels(const struct tmpl *t, tmpl_label_visit_fn fn, void *ctx);

struct tmpl_label {
    struct slice name, value;
};

struct tmpl_sample {
    const struct tmpl_label *labels; /* the name as __name__ */
    size_t label_count;
    double value;
};

/* Evaluates an instant query at the time of the evaluation.  The result lives
 * in 'arena' or longer.  0, or a negative errno with err filled. */
typedef int (*tmpl_query_fn)(void *ctx, struct slice expr, struct arena *arena,
                             const struct tmpl_sample **ret_samples,
                             size_t *ret_n, struct err *err);

/* What a template sees; borrowed while it is expanded. */
struct tmpl_data {
    const struct tmpl_label *labels; /* .Labels, $labels */
    size_t label_count;
    const struct tmpl_label *external_labels; /* .ExternalLabels */
    size_t external_label_count;
    struct slice external_url; /* .ExternalURL, $externalURL, externalURL */
    double value;              /* .Value, $value */
    usec_t now;                /* the time of the evaluation, or event */
    struct slice line;         /* of a pipeline: __line__ */
    tmpl_query_fn query;       /* NULL: "query" is an error */
    void *query_ctx;
};

/* Appends the expanded text.  0; -EINVAL with err filled (may be NULL) where
 * it fails: then "<error expanding template: …>" was appended instead, as
 * Prometheus does; -ENOMEM or -ENOSPC if 'out' can't take the text. */
int tmpl_expand(const struct tmpl *t, const struct tmpl_data *data,
                struct buf *out, struct err *err);

DEFINE_AUTO(tmpl, tmpl_free)
#endif
