/* SPDX-License-Identifier: Apache-2.0 */
/* filter.h - a selector's matchers and filters as a list of conditions, the
 * cheapest first, on the fields of a record. */
#ifndef TOCSIN_ENGINE_FILTER_H
#define TOCSIN_ENGINE_FILTER_H

#include "core/base/types.h"
#include "core/record/schema.h"

struct arena;
struct line_filter;
struct matcher;
struct pipe_filter;
struct pipe_stage;
struct selector;

enum cond_kind {          /* by cost */
                 COND_EQ, /* the field equals 'value', which isn't empty */
                 COND_NE,
                 COND_EMPTY,
                 COND_NUMBER,
                 COND_LINE, /* plain text in the record's bytes */
                 COND_MATCHER,
                 COND_LINE_RE,
                 COND_TREE, /* alternatives */
};

struct cond {
    enum cond_kind kind;
    uint8_t field, type; /* id and TOCSIN_FIELD_… */
    struct slice value;
    const struct matcher *matcher;
    const struct pipe_filter *filter; /* NUMBER and TREE */
    const struct line_filter *line;
    const struct cond *left, *right; /* TREE: lists' first and ends */
    uint32_t n_left, n_right;
};

/* Of the matchers and the stages before 'end'.  0; -ENOENT: no record of the
 * stream can match; -ENOMEM. */
MUST_CHECK int conds_compile(struct arena *a, const struct schema_stream *s,
                             const struct selector *sel,
                             const struct pipe_stage *end,
                             const struct cond **ret, uint32_t *ret_n);
bool conds_have_eq(const struct cond *c, uint32_t n, uint8_t field,
                   struct slice value);
/* 'skip': the condition that is known to hold, or COND_NONE.  UNKNOWN: a
 * field could not be read. */
#define COND_NONE UINT32_MAX
enum match conds_match(const struct cond *c, uint32_t n, uint32_t skip,
                       const struct slice *fields, struct slice raw);
/* After UNKNOWN: was it a regular expression that hit its limit? */
bool conds_hit_limit(const struct cond *c, uint32_t n,
                     const struct slice *fields, struct slice raw);

#endif
