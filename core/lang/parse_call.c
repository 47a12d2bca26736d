/* SPDX-License-Identifier: Apache-2.0 */
/* parse_call.c - functions and aggregations. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "core/lang/functions.h"
#include "core/lang/parser.h"

/* Functions of other versions and dialects, and what they are called here. */
static const struct {
    const char *name, *hint;
} renamed[] = {
    {"holt_winters", "it is now called \"double_exponential_smoothing\""},
    {"count_scalar", "it is now written scalar(count(…))"},
    {"drop_common_labels", "it has no successor"},
    {"approx_topk", "use \"topk\""},
    {"median", "use quantile(0.5, …)"},
    {"median_over_time", "use quantile_over_time(0.5, …)"},
    {"rollup_rate", "functions of MetricsQL are not supported"},
    {"default_rollup", "functions of MetricsQL are not supported"},
    {"increase_pure", "functions of MetricsQL are not supported"},
};

static void
unknown_function(struct parser *p, struct slice name, struct span span)
{
    const char *names[FUNC_ID_COUNT + AGG_OP_COUNT];
    for (unsigned i = 0; i < FUNC_ID_COUNT; i++)
        names[i] = lang_func_get((enum func_id)i)->name;
    for (unsigned i = 0; i < AGG_OP_COUNT; i++)
        names[FUNC_ID_COUNT + i] = lang_agg_get((enum agg_op)i)->name;
    char nearest[HINT_MAX];
    const char *hint = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(renamed); i++)
        if (slice_eq_str(name, renamed[i].name))
            hint = renamed[i].hint;
    if (hint == NULL)
        hint = hint_nearest(name, names, ARRAY_SIZE(names), nearest);
    problems_error(p->ps, span, hint, "unknown function with name \"%.*s\"",
                   (int)MIN(name.n, (size_t)128), name.p);
}

/* "(a, b)" */
static bool
parse_args(struct parser *p, struct expr ***ret_args, uint32_t *ret_n)
{
    if (!parser_expect(p, TOK_LPAREN, "", ""))
        return false;
    struct expr **args = NULL;
    uint32_t n = 0;
    while (p->tok.type != TOK_RPAREN) {
        args = parser_grow(p, args, n, sizeof(struct expr *));
        if (args == NULL)
            return false;
        args[n] = parse_expr(p);
        if (args[n] == NULL)
            return false;
        n++;
        const struct span comma = p->tok.span;
        if (!parser_accept(p, TOK_COMMA)) {
            if (p->tok.type == TOK_RPAREN)
                break;
            parser_unexpected(p, "", "");
            return false;
        }
        if (!parse_expr_follows(p)) {
            if (p->tok.type != TOK_ERROR && p->tok.type != TOK_QUANTITY)
                parser_fatal(p, comma,
                             "trailing commas not allowed in function call "
                             "args");
            parser_unexpected(p, "", "");
            return false;
        }
    }
    parser_advance(p);
    *ret_args = args;
    *ret_n = n;
    return true;
}

static bool
parse_grouping(struct parser *p, struct grouping *ret_g)
{
    ret_g->kind = p->tok.type == TOK_BY ? GROUP_BY : GROUP_WITHOUT;
    parser_advance(p);
    return parse_labels(p, &ret_g->labels, &ret_g->count);
}

static bool
grouping_follows(const struct parser *p)
{
    return p->tok.type == TOK_BY || p->tok.type == TOK_WITHOUT;
}

struct expr *
parse_call(struct parser *p)
{
    const struct slice name = parser_text(p);
    const struct span span = p->tok.span;
    const struct lang_func *func = lang_func_find(name);
    parser_advance(p);
    struct expr *e = parser_expr(p, EXPR_CALL, span.start);
    if (e == NULL || !parse_args(p, &e->call.args, &e->call.count))
        return NULL;
    if (func == NULL)
        unknown_function(p, name, span);
    e->call.func = func;
    for (uint32_t i = 0; i < e->call.count; i++)
        if (!parser_height(p, e, e->call.args[i]))
            return NULL;
    if (grouping_follows(p)) {
        if (func != NULL && (func->flags & (FUNC_RAW | FUNC_UNWRAP)) == 0) {
            parser_unexpected(p, "", "");
            return NULL;
        }
        if (!parse_grouping(p, &e->call.grouping))
            return NULL;
    }
    e->span.end = p->last_end;
    return e;
}

struct expr *
parse_aggregate(struct parser *p)
{
    const struct lang_agg *agg = lang_agg_find(parser_text(p));
    const uint32_t start = p->tok.span.start;
    parser_advance(p);
    struct expr *e = parser_expr(p, EXPR_AGGREGATE, start);
    if (e == NULL)
        return NULL;
    e->agg.op = agg->op;
    bool grouped = grouping_follows(p);
    if (grouped && !parse_grouping(p, &e->agg.grouping))
        return NULL;
    struct expr **args;
    uint32_t n;
    p->aggregates++;
    if (!parse_args(p, &args, &n))
        return NULL;
    p->aggregates--;
    if (!grouped && grouping_follows(p) && !parse_grouping(p, &e->agg.grouping))
        return NULL;
    if (e->agg.grouping.kind == GROUP_BY && e->agg.grouping.count == 0)
        e->agg.grouping.kind = GROUP_NONE; /* the same */
    e->span.end = p->last_end;
    const uint32_t want = agg->param == LANG_NONE ? 1 : 2;
    if (n == 0)
        parser_error(p, e->span,
                     "no arguments for aggregate expression provided");
    else if (n != want)
        parser_error(p, e->span,
                     "wrong number of arguments for aggregate expression "
                     "provided, expected %u, got %u",
                     want, n);
    if (n == 0)
        return parser_expr(p, EXPR_NUMBER, start); /* anything, to go on */
    e->agg.arg = args[n - 1];
    e->agg.param = want == 2 && n >= 2 ? args[0] : NULL;
    for (uint32_t i = 0; i < n; i++)
        if (!parser_height(p, e, args[i]))
            return NULL;
    return e;
}
