/* SPDX-License-Identifier: Apache-2.0 */
/* support.c - refuses what the evaluator has no behaviour for. */
#include "config.h"

#include "core/lang/functions.h"
#include "core/lang/parser.h"

struct support_walk {
    struct problems *ps;
    const struct lang_support *support;
};

static void
need(struct support_walk *w, unsigned feature, bool used, struct span span,
     const char *what)
{
    if (used && (w->support->features & feature) == 0)
        problems_error(w->ps, span, NULL, "%s is not supported yet", what);
}

static bool
uses_ip(const struct pipe_filter *f)
{
    if (f == NULL)
        return false;
    if (f->kind == FILTER_AND || f->kind == FILTER_OR)
        return uses_ip(f->left) || uses_ip(f->right);
    return f->kind == FILTER_IP;
}

static void
check_stage(struct support_walk *w, const struct pipe_stage *st)
{
    if (w->support->stages != NULL && !w->support->stages[st->kind])
        problems_error(w->ps, st->span, NULL,
                       "stage \"%s\" is not supported yet",
                       stage_kind_name(st->kind));
    bool ip = uses_ip(st->filter);
    for (uint32_t i = 0; i < st->line.count; i++)
        ip |= st->line.texts[i].is_ip;
    need(w, LANG_IP, ip, st->span, "\"ip()\"");
}

static void
check_modifiers(struct support_walk *w, const struct modifiers *m,
                struct span span)
{
    need(w, LANG_AT, m->at != AT_NONE, span, "the @ modifier");
    need(w, LANG_NEGATIVE_OFFSET, m->offset.us < 0, span, "a negative offset");
    need(w, LANG_DURATION_EXPR, m->offset.expr != NULL, span,
         "a duration that depends on the query");
}

static void
check_selector(struct support_walk *w, const struct expr *e)
{
    const struct selector *sel = e->sel;
    check_modifiers(w, &sel->mod, e->span);
    need(w, LANG_DURATION_EXPR, sel->range.expr != NULL, e->span,
         "a duration that depends on the query");
    need(w, LANG_EXTENDED_RANGE, sel->extend != EXTEND_NONE, e->span,
         sel->extend == EXTEND_ANCHORED ? "\"anchored\"" : "\"smoothed\"");
    need(w, LANG_ANY_STREAM, sel->binding == BOUND_STREAM && sel->name.n == 0,
         e->span, "a selector of any stream");
    for (const struct pipe_stage *st = sel->pipeline; st; st = st->next)
        check_stage(w, st);
}

static int
check_expr(const struct expr *e, void *arg)
{
    struct support_walk *w = arg;
    const struct lang_support *s = w->support;
    switch (e->kind) {
    case EXPR_SELECTOR:
        check_selector(w, e);
        break;
    case EXPR_SUBQUERY:
        need(w, LANG_SUBQUERY, true, e->span, "a subquery");
        need(w, LANG_DURATION_EXPR,
             e->subquery.range.expr != NULL || e->subquery.step.expr != NULL,
             e->span, "a duration that depends on the query");
        check_modifiers(w, &e->subquery.mod, e->span);
        break;
    case EXPR_CALL:
        if (s->funcs != NULL && !s->funcs[e->call.func->id])
            problems_error(w->ps, e->span, NULL,
                           "function \"%s\" is not supported yet",
                           e->call.func->name);
        need(w, LANG_CALL_GROUPING, e->call.grouping.kind != GROUP_NONE,
             e->span, "grouping behind a function");
        break;
    case EXPR_AGGREGATE:
        if (s->aggs != NULL && !s->aggs[e->agg.op])
            problems_error(w->ps, e->span, NULL,
                           "aggregation \"%s\" is not supported yet",
                           lang_agg_get(e->agg.op)->name);
        break;
    case EXPR_BINARY:
        need(w, LANG_FILL,
             e->binary.match.has_fill_left || e->binary.match.has_fill_right,
             e->span, "\"fill\"");
        break;
    default:
        break;
    }
    return 0;
}

void
support_check(struct problems *ps, const struct expr *e,
              const struct lang_support *support)
{
    struct support_walk w = {.ps = ps, .support = support};
    (void)expr_walk(e, check_expr, NULL, &w);
}
