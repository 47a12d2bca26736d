/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/present.h"

#include "core/base/err.h"
#include "core/config/yaml.h"
#include "core/engine/stretch.h"
#include "core/lang/query.h"

struct presence {
    const struct yaml_node *node;
    struct errlist *errs;
    uint32_t subqueries; /* around */
    bool bad;
};

static void
refuse(struct presence *p, struct span span, const char *what, const char *hint)
{
    size_t n = span.end > span.start ? span.end - span.start : 1;
    struct where where = yaml_where_at(p->node, span.start, n);
    (void)errlist_error(p->errs, &where, "%s", what);
    errlist_hint(p->errs, "%s", hint);
    p->bad = true;
}

static void
check_duration(struct presence *p, const struct lang_duration *d,
               struct span span)
{
    if (d->present && d->expr != NULL)
        refuse(p, span, "a rule has no step and no range of its own",
               "write the duration out");
}

static void
check_modifiers(struct presence *p, const struct modifiers *m, struct span span)
{
    check_duration(p, &m->offset, span);
    if (m->offset.expr == NULL && m->offset.us < 0)
        refuse(p, span, "a rule can't look at samples that are still to come",
               "a negative offset works in \"tocsin query\" only");
    if (m->at == AT_TIME)
        refuse(p, span,
               "a rule can't look at a fixed time: it has not come yet, or "
               "is not kept",
               "\"@\" with a time works in \"tocsin query\" only; \"offset\" "
               "looks back from the evaluation");
}

static void
check_selector(struct presence *p, const struct expr *e)
{
    const struct selector *sel = e->sel;
    check_modifiers(p, &sel->mod, e->span);
    check_duration(p, &sel->range, e->span);
    if (sel->extend == EXTEND_SMOOTHED)
        refuse(p, e->span,
               "\"smoothed\" needs the sample after the evaluation, which is "
               "still to come",
               "\"anchored\" needs none");
    if (sel->binding == BOUND_STREAM &&
        (p->subqueries > 0 || sel->mod.at != AT_NONE))
        refuse(p, e->span,
               "events are counted up to the rule's own slots, and not at "
               "other times",
               "record the count by a rule, and select what it recorded");
}

static void
check_call(struct presence *p, const struct expr *e)
{
    for (uint32_t i = 0; i < e->call.count; i++) {
        const struct expr *a = expr_unparen(e->call.args[i]);
        if (a->kind == EXPR_SELECTOR && a->sel->range.present &&
            a->sel->extend == EXTEND_ANCHORED &&
            !extended_takes(e->call.func->id, EXTEND_ANCHORED))
            refuse(p, a->span, "this function takes no anchored range",
                   "changes, delta, increase, rate and resets do");
    }
}

static int
enter(const struct expr *e, void *arg)
{
    struct presence *p = arg;
    if (e->kind == EXPR_SELECTOR) {
        check_selector(p, e);
    } else if (e->kind == EXPR_CALL) {
        check_call(p, e);
    } else if (e->kind == EXPR_SUBQUERY) {
        check_modifiers(p, &e->subquery.mod, e->span);
        check_duration(p, &e->subquery.range, e->span);
        check_duration(p, &e->subquery.step, e->span);
        p->subqueries++;
    }
    return 0;
}

static int
leave(const struct expr *e, void *arg)
{
    struct presence *p = arg;
    p->subqueries -= e->kind == EXPR_SUBQUERY;
    return 0;
}

bool
present_check(const struct expr *root, const struct yaml_node *node,
              struct errlist *errs)
{
    struct presence p = {.node = node, .errs = errs};
    (void)expr_walk(root, enter, leave, &p);
    return !p.bad;
}
