/* SPDX-License-Identifier: Apache-2.0 */
/* rulefile.h - rule files read and checked: Prometheus' format, field for
 * field, with its messages.
 *
 * A rulebook holds the rules of all files of a ruleset with their expressions
 * parsed and bound to a schema's names.  It never changes; everything points
 * into its own copies. */
#ifndef TOCSIN_ENGINE_RULEFILE_H
#define TOCSIN_ENGINE_RULEFILE_H

#include "core/base/arena.h"
#include "core/base/auto.h"
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/engine/ruleset.h"
#include "core/engine/vec.h"

struct catalog;
struct query;
struct tmpl;
struct yaml_doc;
struct yaml_node;

struct rule_text {
    struct slice name, text;
    const struct tmpl *tmpl; /* NULL: plain text */
    const struct yaml_node *node;
};

struct rule_def {
    struct slice file, group, name, expr;
    unsigned line;
    bool is_alert;
    usec_t interval_us, offset_us, for_us, keep_us;
    usec_t origin_us;  /* slots are at origin + k × interval; 0 but in tests */
    uint32_t question; /* of a unit test (trial.h), from 1; else 0 */
    uint64_t limit;    /* 0: none */
    uint32_t n_labels, n_annotations;
    struct rule_text *labels, *annotations; /* sorted by name */
    struct query *query;                    /* NULL: it has errors */
    const struct yaml_node *expr_node;
};

struct rulebook {
    struct arena arena;
    struct ruleset set; /* a copy, without the files */
    struct catalog *catalog;
    VEC(struct rule_def) rules; /* in the order of the files */
    VEC(struct yaml_doc *) docs;
    VEC(struct query *) queries;
    VEC(struct tmpl *) tmpls;
};

/* Reads all files.  Problems go to 'errs'; rules that have one have no query.
 * The schema must live as long as the book.  NULL: no memory. */
MUST_CHECK struct rulebook *rulebook_parse(const struct ruleset *rs,
                                           const struct schema *schema,
                                           struct errlist *errs);
void rulebook_free(struct rulebook *b);

/* An err_source_fn; ctx is the book. */
bool rulebook_source(void *ctx, const char *file, uint32_t line,
                     struct slice *ret_line);

DEFINE_AUTO(rulebook, rulebook_free)

#endif
