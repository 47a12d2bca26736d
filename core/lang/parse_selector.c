/* SPDX-License-Identifier: Apache-2.0 */
/* parse_selector.c - "name{a="b"}" and what may stand behind it. */
#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/str.h"
#include "core/lang/matcher.h"
#include "core/lang/parser.h"

bool
parse_matcher_op(struct parser *p, enum matcher_op *ret_op)
{
    switch (p->tok.type) {
    case TOK_ASSIGN:
        *ret_op = MATCHER_EQ;
        break;
    case TOK_NE:
        *ret_op = MATCHER_NE;
        break;
    case TOK_RE:
        *ret_op = MATCHER_RE;
        break;
    case TOK_NRE:
        *ret_op = MATCHER_NRE;
        break;
    default:
        return false;
    }
    parser_advance(p);
    return true;
}

/* --- matchers ------------------------------------------------------------ */

/* 'a="b"', '"a b"="c"', or a lone string that is the name. */
static bool
parse_matcher(struct parser *p, struct matcher *m)
{
    const uint32_t start = p->tok.span.start;
    bool quoted = p->tok.type == TOK_STRING;
    struct slice name;
    if (quoted) {
        if (!parser_string(p, &name))
            return false;
    } else if (p->tok.type == TOK_IDENT) {
        name = parser_text(p);
        parser_advance(p);
    } else {
        parser_unexpected(p, "label matching", "identifier or \"}\"");
        return false;
    }
    if (quoted && (p->tok.type == TOK_COMMA || p->tok.type == TOK_RBRACE)) {
        m->name = SLICE("__name__");
        m->op = MATCHER_EQ;
        m->value = name;
        m->span = (struct span){start, p->last_end};
        return true;
    }
    m->name = name;
    if (!parse_matcher_op(p, &m->op)) {
        parser_unexpected(p, "label matching",
                          quoted ? "\",\" or \"}\""
                                 : "label matching operator");
        return false;
    }
    if (p->tok.type != TOK_STRING) {
        parser_unexpected(p, "label matching", "string");
        return false;
    }
    if (!parser_string(p, &m->value))
        return false;
    m->span = (struct span){start, p->last_end};
    return true;
}

static int
matcher_order(const void *a, const void *b)
{
    const struct matcher *x = a, *y = b;
    int r = slice_cmp(x->name, y->name);
    if (r == 0)
        r = (int)x->op - (int)y->op;
    if (r == 0)
        r = slice_cmp(x->value, y->value);
    return r != 0 ? r : (x->span.start > y->span.start ? 1 : -1);
}

static struct matcher *
parse_matchers(struct parser *p, struct matcher *m, uint32_t *n)
{
    parser_advance(p);
    while (p->tok.type != TOK_RBRACE) {
        m = parser_grow(p, m, *n, sizeof *m);
        if (m == NULL)
            return NULL;
        m[*n] = (struct matcher){0};
        if (!parse_matcher(p, &m[*n]))
            return NULL;
        if (m[*n].op >= MATCHER_RE)
            m[*n].re =
                parser_regex(p, m[*n].value, m[*n].span, /* search= */ false,
                             /* dotall= */ true);
        (*n)++;
        if (!parser_accept(p, TOK_COMMA) && p->tok.type != TOK_RBRACE) {
            parser_unexpected(p, "label matching", "\",\" or \"}\"");
            return NULL;
        }
    }
    parser_advance(p);
    return m;
}

/* A name outside the braces must be the only one. */
static void
check_name_once(struct parser *p, const struct matcher *m, uint32_t n,
                struct span span)
{
    for (uint32_t i = 1; i < n; i++)
        if (slice_eq_str(m[i].name, "__name__"))
            parser_error(p, span,
                         "metric name must not be set twice: \"%.*s\" or "
                         "\"%.*s\"",
                         SLICE_FMT(m[0].value), SLICE_FMT(m[i].value));
}

static struct slice
find_name(const struct matcher *m, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (m[i].op == MATCHER_EQ && slice_eq_str(m[i].name, "__name__"))
            return m[i].value;
    return (struct slice){NULL, 0};
}

struct expr *
parse_selector(struct parser *p)
{
    const uint32_t start = p->tok.span.start;
    struct selector *sel = parser_new(p, struct selector);
    struct matcher *m = NULL;
    uint32_t n = 0;
    bool outside = p->tok.type != TOK_LBRACE;
    if (sel != NULL && outside) {
        m = parser_grow(p, NULL, 0, sizeof *m);
        if (m == NULL)
            return NULL;
        m[n++] = (struct matcher){.span = p->tok.span,
                                  .name = SLICE("__name__"),
                                  .op = MATCHER_EQ,
                                  .value = parser_text(p)};
        parser_advance(p);
    }
    if (p->tok.type == TOK_LBRACE) {
        m = parse_matchers(p, m, &n);
        if (m == NULL && p->dead)
            return NULL;
    }
    struct expr *e = parser_expr(p, EXPR_SELECTOR, start);
    if (sel == NULL || e == NULL)
        return NULL;
    if (outside)
        check_name_once(p, m, n, e->span);
    if (n > 1)
        qsort(m, n, sizeof *m, matcher_order);
    sel->name = find_name(m, n);
    sel->matchers = m;
    sel->matcher_count = n;
    e->sel = sel;
    bind_selector(p, sel, m, e->span);
    return e;
}

/* --- ranges and subqueries ----------------------------------------------- */

/* LogQL lets a selector with its pipeline stand in parentheses. */
static struct expr *
pipeline_in_parens(struct expr *e)
{
    struct expr *inner = e;
    while (inner->kind == EXPR_PAREN)
        inner = inner->paren;
    bool is_log = inner->kind == EXPR_SELECTOR &&
                  inner->sel->pipeline != NULL && !inner->sel->range.present;
    return is_log ? inner : e;
}

static struct expr *
finish_range(struct parser *p, struct expr *e, struct lang_duration range,
             struct span brackets)
{
    const uint32_t start = e->span.start;
    e = pipeline_in_parens(e);
    const char *why = NULL;
    if (e->kind != EXPR_SELECTOR || e->sel->range.present)
        why = "ranges only allowed for vector selectors";
    else if (e->sel->mod.offset.us != 0 || e->sel->mod.offset.expr != NULL)
        why = "no offset modifiers allowed before range";
    else if (e->sel->mod.at != AT_NONE)
        why = "no @ modifiers allowed before range";
    if (why != NULL) {
        parser_error(p, brackets, "%s", why);
        return e;
    }
    e->sel->range = range;
    e->span = (struct span){start, p->last_end};
    return e;
}

static struct expr *
parse_range(struct parser *p, struct expr *e)
{
    const uint32_t open = p->tok.span.start;
    struct lang_duration range, step = {0};
    parser_advance(p);
    if (p->tok.type == TOK_RBRACKET) {
        parser_unexpected(p, "subquery or range selector",
                          "number, duration, step(), or range()");
        return NULL;
    }
    if (!parse_range_duration(p, /* is_step= */ false, &range))
        return NULL;
    if (parser_accept(p, TOK_RBRACKET))
        return finish_range(p, e, range, (struct span){open, p->last_end});
    if (!parser_expect(p, TOK_COLON, "subquery or range", "\":\" or \"]\""))
        return NULL;
    if (p->tok.type != TOK_RBRACKET &&
        !parse_range_duration(p, /* is_step= */ true, &step))
        return NULL;
    if (!parser_expect(p, TOK_RBRACKET, "subquery selector", "\"]\""))
        return NULL;
    struct expr *sub = parser_expr(p, EXPR_SUBQUERY, e->span.start);
    if (sub == NULL || !parser_height(p, sub, e))
        return NULL;
    sub->subquery.arg = e;
    sub->subquery.range = range;
    sub->subquery.step = step;
    return sub;
}

/* --- modifiers ----------------------------------------------------------- */

static struct modifiers *
modifiers_of(struct expr *e)
{
    return e->kind == EXPR_SELECTOR   ? &e->sel->mod
           : e->kind == EXPR_SUBQUERY ? &e->subquery.mod
                                      : NULL;
}

static bool
parse_offset(struct parser *p, struct expr *e)
{
    struct lang_duration offset;
    parser_advance(p);
    if (!parse_offset_duration(p, &offset))
        return false;
    struct modifiers *mod = modifiers_of(e);
    if (mod == NULL)
        parser_error(p, e->span,
                     "offset modifier must be preceded by an instant vector "
                     "selector or range vector selector or a subquery");
    else if (mod->offset.us != 0 || mod->offset.expr != NULL)
        parser_error(p, e->span, "offset may not be set multiple times");
    else
        mod->offset = offset;
    e->span.end = p->last_end;
    return true;
}

/* The time behind "@": a number of seconds, start() or end(). */
static bool
parse_at_time(struct parser *p, const struct expr *e, struct modifiers *ret_mod)
{
    if (p->tok.type == TOK_START || p->tok.type == TOK_END) {
        ret_mod->at = p->tok.type == TOK_START ? AT_START : AT_END;
        parser_advance(p);
        if (parser_accept(p, TOK_LPAREN) && parser_accept(p, TOK_RPAREN))
            return true;
        parser_unexpected(p, "@", "timestamp");
        return false;
    }
    bool minus = p->tok.type == TOK_SUB;
    if (minus || p->tok.type == TOK_ADD)
        parser_advance(p);
    if (p->tok.type != TOK_NUMBER && p->tok.type != TOK_DURATION) {
        parser_unexpected(p, "@", "timestamp");
        return false;
    }
    double t;
    if (!parser_number(p, &t))
        return false;
    t = minus ? -t : t;
    ret_mod->at = AT_TIME;
    /* Time is held in microseconds: 292,000 years. */
    if (!(fabs(t) < 9.2e12)) {
        char text[STR_DOUBLE_MAX];
        str_format_double(t, STR_DOUBLE_F, text);
        parser_error(p, e->span, "timestamp out of bounds for @ modifier: %s",
                     text);
    } else {
        ret_mod->at_us = llround(t * 1e3) * USEC_PER_MSEC;
    }
    return true;
}

static bool
parse_at(struct parser *p, struct expr *e)
{
    struct modifiers at = {0};
    parser_advance(p);
    if (!parse_at_time(p, e, &at))
        return false;
    struct modifiers *mod = modifiers_of(e);
    if (mod == NULL) {
        parser_error(p, e->span,
                     "@ modifier must be preceded by an instant vector "
                     "selector or range vector selector or a subquery");
    } else if (mod->at != AT_NONE) {
        parser_error(p, e->span, "@ <timestamp> may not be set multiple times");
    } else {
        mod->at = at.at;
        mod->at_us = at.at_us;
    }
    e->span.end = p->last_end;
    return true;
}

static bool
parse_extend(struct parser *p, struct expr *e)
{
    const enum extend extend =
        p->tok.type == TOK_ANCHORED ? EXTEND_ANCHORED : EXTEND_SMOOTHED;
    const char *name = extend == EXTEND_ANCHORED ? "anchored" : "smoothed";
    parser_advance(p);
    if (e->kind == EXPR_SUBQUERY)
        parser_error(p, e->span, "%s modifier is not supported for subqueries",
                     name);
    else if (e->kind != EXPR_SELECTOR)
        parser_error(p, e->span, "%s modifier not implemented", name);
    else if (e->sel->extend != EXTEND_NONE && e->sel->extend != extend)
        parser_error(p, e->span,
                     "anchored and smoothed modifiers cannot be used together");
    else
        e->sel->extend = extend;
    e->span.end = p->last_end;
    return true;
}

struct expr *
parse_postfix(struct parser *p, struct expr *e)
{
    for (;;) {
        bool ok = true;
        if (p->tok.type == TOK_LBRACKET) {
            /* Each subquery is a level, which nothing else counts here. */
            e = parse_range(p, e);
            if (e == NULL)
                return NULL;
        } else if (p->tok.type == TOK_OFFSET) {
            ok = parse_offset(p, e);
        } else if (p->tok.type == TOK_AT) {
            ok = parse_at(p, e);
        } else if (p->tok.type == TOK_ANCHORED || p->tok.type == TOK_SMOOTHED) {
            ok = parse_extend(p, e);
        } else if (pipeline_follows(p, e)) {
            ok = parse_pipeline(p, e->sel);
            e->span.end = p->last_end;
        } else {
            break;
        }
        if (!ok)
            return NULL;
    }
    if (e->kind == EXPR_SELECTOR && e->sel->pipeline != NULL)
        bind_pipeline(p, e->sel, e->span);
    return e;
}
