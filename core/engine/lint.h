/* SPDX-License-Identifier: Apache-2.0 */
/* lint.h - warns of rules that can be evaluated but hardly mean what they say:
 * that never fire, that count nothing, that print labels that aren't there.
 * A warning must be right: where the text alone doesn't tell, none is given. */
#ifndef TOCSIN_ENGINE_LINT_H
#define TOCSIN_ENGINE_LINT_H

#include "core/base/err.h"
#include "core/base/types.h"

struct expr;
struct plan;
struct rule;
struct rule_def;
struct rulebook;
struct schema;
struct span;
struct yaml_node;

/* The rules of a plan, one by one.  'partial': RULESET_….  NULL, -ENOMEM. */
struct lint;
MUST_CHECK struct lint *lint_new(const struct plan *p, unsigned partial,
                                 struct errlist *errs);
void lint_free(struct lint *l);
MUST_CHECK int lint_rule(struct lint *l, const struct rule *r);

/* ---- lint*.c among themselves */

/* What the names in expressions may be. */
struct lint_names;

struct linting {
    struct errlist *errs;
    const struct schema *schema;
    const struct rulebook *book;
    const struct lint_names *names;
    unsigned partial;
    const struct rule_def *def;
    const struct yaml_node *node; /* the expression's that is looked at */
};

MUST_CHECK struct lint_names *lint_names_new(const struct schema *schema,
                                             const struct rulebook *book);
void lint_names_free(struct lint_names *n);
/* Warns of a selector of what nothing makes. */
void lint_name(const struct linting *li, const struct expr *selector);

/* lint_labels.c: matchers that contradict each other, and labels that can't
 * be there, of one expression (its parts are asked for one by one). */
void lint_matchers(const struct linting *li, const struct expr *selector);
void lint_grouping(const struct linting *li, const struct expr *aggregate);
void lint_matching(const struct linting *li, const struct expr *binary);
/* Labels that the rule's templates print. */
void lint_templates(const struct linting *li);

/* lint.c: a warning at a part of the rule's expression. */
PRINTF_LIKE(3, 4)
void lint_warn(const struct linting *li, struct span span, const char *fmt,
               ...);

#endif
