/* SPDX-License-Identifier: Apache-2.0 */
/* lint_labels.c - labels that can't be there, and values they can't have. */
#include "config.h"

#include "core/config/yaml.h"
#include "core/engine/lint.h"
#include "core/engine/rulefile.h"
#include "core/engine/shape.h"
#include "core/lang/matcher.h"
#include "core/lang/query.h"
#include "core/lang/template.h"

static struct shape
shape_in(const struct linting *li, const struct expr *e)
{
    struct shaping sg = {li->schema, li->book, 0};
    struct shape s;
    shape_of(&sg, e, &s);
    return s;
}

/* --- matchers ------------------------------------------------------------ */

/* Can no value fit both? */
static bool
exclude_each_other(const struct matcher *a, const struct matcher *b)
{
    if (!slice_eq(a->name, b->name))
        return false;
    if (a->op != MATCHER_EQ) {
        const struct matcher *swap = a;
        a = b;
        b = swap;
    }
    if (a->op == MATCHER_EQ)
        return matcher_match(b, a->value) == NO_MATCH;
    /* One says "this text" and the other "not this text". */
    bool opposite = (a->op == MATCHER_RE && b->op == MATCHER_NRE) ||
                    (a->op == MATCHER_NRE && b->op == MATCHER_RE);
    return opposite && slice_eq(a->value, b->value);
}

/* A recording rule or a decoder tells which labels there are. */
static void
lint_missing_label(const struct linting *li, const struct expr *e)
{
    const struct selector *sel = e->sel;
    if (sel->binding == BOUND_STREAM)
        return;
    struct shape s = shape_in(li, e);
    for (uint32_t i = 0; i < sel->matcher_count; i++) {
        const struct matcher *m = &sel->matchers[i];
        if (matcher_match(m, SLICE("")) != NO_MATCH ||
            shape_may_have(&s, m->name))
            continue;
        if (s.open) /* another matcher asks for its absence */
            continue;
        lint_warn(li, m->span, "\"%.*s\" never has a label \"%.*s\"",
                  SLICE_FMT(sel->name), SLICE_FMT(m->name));
    }
}

void
lint_matchers(const struct linting *li, const struct expr *e)
{
    const struct selector *sel = e->sel;
    for (uint32_t i = 0; i < sel->matcher_count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            const struct matcher *a = &sel->matchers[k], *b = &sel->matchers[i];
            if (!exclude_each_other(a, b))
                continue;
            lint_warn(li, b->span,
                      "no \"%.*s\" fits both this and %s\"%.*s\": nothing is "
                      "ever selected",
                      SLICE_FMT(b->name), matcher_op_name(a->op),
                      SLICE_FMT(a->value));
        }
    }
    lint_missing_label(li, e);
}

/* --- clauses ------------------------------------------------------------- */

void
lint_grouping(const struct linting *li, const struct expr *e)
{
    const struct grouping *g = &e->agg.grouping;
    if (g->kind != GROUP_BY || g->count == 0)
        return;
    struct shape s = shape_in(li, e->agg.arg);
    for (uint32_t i = 0; i < g->count; i++) {
        if (!shape_may_have(&s, g->labels[i]))
            lint_warn(li, e->span,
                      "what is grouped by \"%.*s\" never has that label",
                      SLICE_FMT(g->labels[i]));
    }
}

/* One side can't have what the other is matched by: they meet only where both
 * have none. */
static void
lint_on(const struct linting *li, const struct expr *e)
{
    const struct matching *m = &e->binary.match;
    struct shape l = shape_in(li, e->binary.left);
    struct shape r = shape_in(li, e->binary.right);
    for (uint32_t i = 0; i < m->label_count; i++) {
        bool left = shape_may_have(&l, m->labels[i]);
        bool right = shape_may_have(&r, m->labels[i]);
        if (left != right)
            lint_warn(li, e->binary.op_span,
                      "matched on \"%.*s\", which the %s side never has",
                      SLICE_FMT(m->labels[i]), left ? "right" : "left");
    }
}

void
lint_matching(const struct linting *li, const struct expr *e)
{
    const struct matching *m = &e->binary.match;
    if (e->binary.left->type != LANG_VECTOR ||
        e->binary.right->type != LANG_VECTOR)
        return;
    /* "or on (…)" and "unless on (…)" are also used to mean all or nothing. */
    if (m->on && e->binary.op != BIN_OR && e->binary.op != BIN_UNLESS)
        lint_on(li, e);
    if (m->include_count == 0)
        return;
    bool from_left = m->card == CARD_ONE_TO_MANY;
    struct shape one =
        shape_in(li, from_left ? e->binary.left : e->binary.right);
    for (uint32_t i = 0; i < m->include_count; i++) {
        if (!shape_may_have(&one, m->include[i]))
            lint_warn(li, e->binary.op_span,
                      "%s takes \"%.*s\" from the %s side, which never has it",
                      from_left ? "group_right" : "group_left",
                      SLICE_FMT(m->include[i]), from_left ? "left" : "right");
    }
}

/* --- templates ----------------------------------------------------------- */

struct printing {
    const struct linting *li;
    const struct rule_text *text;
    struct shape shape;
    struct shape told; /* each label once */
};

static bool
rule_sets(const struct rule_def *d, struct slice label)
{
    for (uint32_t i = 0; i < d->n_labels; i++) {
        if (slice_eq(d->labels[i].name, label))
            return true;
    }
    return false;
}

/* Public rule files print these everywhere, by a script: an empty one is no
 * mistake that its author wants to hear of. */
static bool
is_of_target(struct slice label)
{
    return slice_eq_str(label, "instance") || slice_eq_str(label, "job");
}

static void
lint_printed(void *ctx, struct slice label)
{
    struct printing *p = ctx;
    const struct linting *li = p->li;
    if (shape_may_have(&p->shape, label) || shape_may_have(&p->told, label) ||
        is_of_target(label))
        return;
    shape_add(&p->told, label);
    struct where where = yaml_where(p->text->node);
    errlist_warn(li->errs, &where,
                 "\"%.*s\" prints $labels.%.*s, but the expression's result "
                 "never has that label",
                 SLICE_FMT(p->text->name), SLICE_FMT(label));
    if (slice_eq_str(label, "alertname") || rule_sets(li->def, label))
        errlist_hint(li->errs, "$labels holds the labels of the result, "
                               "without those that the rule adds");
}

void
lint_templates(const struct linting *li)
{
    const struct rule_def *d = li->def;
    struct printing p = {.li = li, .shape = shape_in(li, d->query->root)};
    for (uint32_t i = 0; i < d->n_labels + d->n_annotations; i++) {
        p.text =
            i < d->n_labels ? &d->labels[i] : &d->annotations[i - d->n_labels];
        if (p.text->tmpl != NULL)
            tmpl_visit_labels(p.text->tmpl, lint_printed, &p);
    }
}
