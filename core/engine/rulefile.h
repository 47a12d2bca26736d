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
struct inventory;
struct query;
struct tmpl;
struct yaml_doc;
struct yaml_node;

struct rule_text {
    struct slice name, text;
    const struct tmpl *tmpl; /* NULL: plain text */
    const struct yaml_node *node;
};

#define RULE_BY_MAX 32u    /* names that keys consist of */
#define RULE_STEPS_MAX 16u /* of a sequence */
#define RULE_TIMES_MAX 1000u

enum rule_kind { RULE_EXPR, RULE_MISSING, RULE_SEQUENCE };

/* A selector of records, or an expression, with its place. */
struct rule_query {
    struct query *query; /* NULL: there is none */
    const struct yaml_node *node;
};

/* missing: a key of which nothing was seen for 'after'. */
struct rule_missing {
    struct rule_query select, until;
    usec_t after_us, remember_us; /* remember 0: for ever */
    const struct inventory *inventory;
};

struct rule_step {
    struct rule_query select;
    bool no;          /* none may come within */
    usec_t within_us; /* of the step before; 0: any time */
};

/* sequence: 'times' runs through the steps, all of them within. */
struct rule_sequence {
    uint32_t n_steps, times;
    struct rule_step *steps;
    usec_t within_us;
};

struct rule_def {
    struct slice file, group, name;
    struct slice expr; /* as written; of the other kinds: in one line */
    unsigned line;
    bool ok; /* it has no errors: it can run */
    bool is_alert;
    enum rule_kind kind;
    usec_t interval_us, offset_us, for_us, keep_us;
    usec_t origin_us;  /* slots are at origin + k × interval; 0 but in tests */
    uint32_t question; /* of a unit test (trial.h), from 1; else 0 */
    uint64_t limit;    /* 0: none */
    uint32_t n_labels, n_annotations;
    struct rule_text *labels, *annotations; /* sorted by name */
    struct query *query;                    /* of RULE_EXPR */
    const struct yaml_node *expr_node;
    struct rule_query hold; /* keep_firing_while */
    uint32_t n_by;
    struct slice *by; /* of the other kinds: what makes a key; sorted */
    struct rule_missing missing;
    struct rule_sequence sequence;
};

/* The i-th expression or selector that the rule has; NULL past the last. */
const struct rule_query *rule_def_query(const struct rule_def *d, uint32_t i,
                                        struct rule_query *room);

struct rulebook {
    struct arena arena;
    struct ruleset set; /* a copy, without the files */
    struct catalog *catalog;
    VEC(struct rule_def) rules; /* in the order of the files */
    VEC(struct yaml_doc *) docs;
    VEC(struct query *) queries;
    VEC(struct tmpl *) tmpls;
    const struct ruleset *source; /* while it is read */
};

/* Reads all files.  Problems go to 'errs'; rules that have one are not 'ok'.
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
