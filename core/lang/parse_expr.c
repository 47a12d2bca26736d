/* SPDX-License-Identifier: Apache-2.0 */
/* parse_expr.c - operators by precedence, and what they stand between. */
#include "config.h"

#include <stdlib.h>

#include "core/base/arena.h"
#include "core/lang/functions.h"
#include "core/lang/parser.h"

/* From loose to tight.  A sign in front binds like MUL: -1^2 is -(1^2). */
enum prec { PREC_OR = 1, PREC_AND, PREC_COMPARE, PREC_ADD, PREC_MUL, PREC_POW };

static const struct {
    enum tok tok;
    enum prec prec;
    enum binary_op op;
} operators[] = {
    {TOK_OR, PREC_OR, BIN_OR},          {TOK_AND, PREC_AND, BIN_AND},
    {TOK_UNLESS, PREC_AND, BIN_UNLESS}, {TOK_EQ, PREC_COMPARE, BIN_EQ},
    {TOK_NE, PREC_COMPARE, BIN_NE},     {TOK_LT, PREC_COMPARE, BIN_LT},
    {TOK_LE, PREC_COMPARE, BIN_LE},     {TOK_GT, PREC_COMPARE, BIN_GT},
    {TOK_GE, PREC_COMPARE, BIN_GE},     {TOK_ADD, PREC_ADD, BIN_ADD},
    {TOK_SUB, PREC_ADD, BIN_SUB},       {TOK_MUL, PREC_MUL, BIN_MUL},
    {TOK_DIV, PREC_MUL, BIN_DIV},       {TOK_MOD, PREC_MUL, BIN_MOD},
    {TOK_ATAN2, PREC_MUL, BIN_ATAN2},   {TOK_POW, PREC_POW, BIN_POW},
};

static int
label_order(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

/* Sorted, each once; returns how many are left. */
static uint32_t
sort_labels(struct slice *labels, uint32_t n)
{
    if (n == 0)
        return 0;
    qsort(labels, n, sizeof *labels, label_order);
    uint32_t kept = 1;
    for (uint32_t i = 1; i < n; i++)
        if (!slice_eq(labels[i], labels[kept - 1]))
            labels[kept++] = labels[i];
    return kept;
}

bool
parse_labels(struct parser *p, const struct slice **ret_labels, uint32_t *ret_n)
{
    if (!parser_expect(p, TOK_LPAREN, "grouping opts", "\"(\""))
        return false;
    struct slice *labels = NULL;
    uint32_t n = 0;
    while (p->tok.type != TOK_RPAREN) {
        labels = parser_grow(p, labels, n, sizeof *labels);
        if (labels == NULL)
            return false;
        if (p->tok.type == TOK_STRING) {
            const struct span span = p->tok.span;
            if (!parser_string(p, &labels[n]))
                return false;
            if (labels[n].n == 0)
                parser_error(p, span, "invalid label name for grouping: \"\"");
        } else if (tok_is_label(p->tok.type)) {
            labels[n] = parser_text(p);
            parser_advance(p);
        } else {
            parser_unexpected(p, "grouping opts", "label");
            return false;
        }
        n++;
        if (!parser_accept(p, TOK_COMMA) && p->tok.type != TOK_RPAREN) {
            parser_unexpected(p, "grouping opts", "\",\" or \")\"");
            return false;
        }
    }
    parser_advance(p);
    *ret_labels = labels;
    *ret_n = sort_labels(labels, n);
    return true;
}

/* "fill(0)", "fill_left(NaN)". */
static bool
parse_fill(struct parser *p, struct matching *m)
{
    const enum tok which = p->tok.type;
    const struct span span = p->tok.span;
    parser_advance(p);
    if (!parser_expect(p, TOK_LPAREN, "", ""))
        return false;
    bool minus = p->tok.type == TOK_SUB;
    if (minus || p->tok.type == TOK_ADD)
        parser_advance(p);
    if (p->tok.type != TOK_NUMBER && p->tok.type != TOK_DURATION) {
        parser_unexpected(p, "", "");
        return false;
    }
    double v;
    if (!parser_number(p, &v) || !parser_expect(p, TOK_RPAREN, "", ""))
        return false;
    bool left = which != TOK_FILL_RIGHT, right = which != TOK_FILL_LEFT;
    if ((left && m->has_fill_left) || (right && m->has_fill_right))
        parser_error(p, span, "fill may not be set multiple times");
    if (left) {
        m->has_fill_left = true;
        m->fill_left = minus ? -v : v;
    }
    if (right) {
        m->has_fill_right = true;
        m->fill_right = minus ? -v : v;
    }
    return true;
}

/* All that may stand between an operator and its right side. */
static bool
parse_matching(struct parser *p, struct expr *e)
{
    struct matching *m = &e->binary.match;
    m->card = binary_is_set(e->binary.op) ? CARD_MANY : CARD_ONE_TO_ONE;
    e->binary.is_bool = parser_accept(p, TOK_BOOL);
    if (p->tok.type == TOK_ON || p->tok.type == TOK_IGNORING) {
        m->given = true;
        m->on = p->tok.type == TOK_ON;
        parser_advance(p);
        if (!parse_labels(p, &m->labels, &m->label_count))
            return false;
        if (p->tok.type == TOK_GROUP_LEFT || p->tok.type == TOK_GROUP_RIGHT) {
            m->card = p->tok.type == TOK_GROUP_LEFT ? CARD_MANY_TO_ONE
                                                    : CARD_ONE_TO_MANY;
            parser_advance(p);
            if (p->tok.type == TOK_LPAREN &&
                !parse_labels(p, &m->include, &m->include_count))
                return false;
        }
    }
    while (p->tok.type >= TOK_FILL && p->tok.type <= TOK_FILL_RIGHT &&
           parser_peek(p).type == TOK_LPAREN)
        if (!parse_fill(p, m))
            return false;
    return true;
}

static struct expr *
parse_number(struct parser *p)
{
    const uint32_t start = p->tok.span.start;
    double v;
    if (!parser_number(p, &v))
        return NULL;
    struct expr *e = parser_expr(p, EXPR_NUMBER, start);
    if (e != NULL)
        e->number = v;
    return e;
}

static struct expr *
parse_string(struct parser *p)
{
    const uint32_t start = p->tok.span.start;
    struct slice s;
    if (!parser_string(p, &s))
        return NULL;
    struct expr *e = parser_expr(p, EXPR_STRING, start);
    if (e != NULL)
        e->string = s;
    return e;
}

static struct expr *
parse_paren(struct parser *p)
{
    const uint32_t start = p->tok.span.start;
    parser_advance(p);
    struct expr *inner = parse_expr(p);
    if (inner == NULL || !parser_expect(p, TOK_RPAREN, "", ""))
        return NULL;
    struct expr *e = parser_expr(p, EXPR_PAREN, start);
    if (e == NULL || !parser_height(p, e, inner))
        return NULL;
    e->paren = inner;
    return e;
}

static struct expr *
parse_word(struct parser *p)
{
    const enum tok type = p->tok.type, next = parser_peek(p).type;
    if (type == TOK_AGG &&
        (next == TOK_LPAREN || next == TOK_BY || next == TOK_WITHOUT))
        return parse_aggregate(p);
    if (next == TOK_LPAREN && (type == TOK_IDENT || type >= TOK_START))
        return parse_call(p);
    return parse_selector(p);
}

bool
parse_expr_follows(const struct parser *p)
{
    switch (p->tok.type) {
    case TOK_NUMBER:
    case TOK_DURATION:
    case TOK_STRING:
    case TOK_LPAREN:
    case TOK_LBRACE:
    case TOK_ADD:
    case TOK_SUB:
        return true;
    default:
        return tok_is_metric(p->tok.type);
    }
}

static struct expr *
parse_operand(struct parser *p)
{
    switch (p->tok.type) {
    case TOK_NUMBER:
    case TOK_DURATION:
        return parse_number(p);
    case TOK_STRING:
        return parse_string(p);
    case TOK_LPAREN:
        return parse_paren(p);
    case TOK_LBRACE:
        return parse_selector(p);
    default:
        if (tok_is_metric(p->tok.type))
            return parse_word(p);
        parser_unexpected(p, "", "");
        return NULL;
    }
}

static struct expr *parse_binary(struct parser *p, enum prec min);

static struct expr *
parse_signed(struct parser *p)
{
    const bool minus = p->tok.type == TOK_SUB;
    const uint32_t start = p->tok.span.start;
    parser_advance(p);
    struct expr *arg = parse_binary(p, PREC_POW);
    if (arg == NULL)
        return NULL;
    if (arg->kind == EXPR_NUMBER) {
        arg->number = minus ? -arg->number : arg->number;
        arg->span.start = start;
        return arg;
    }
    struct expr *e = parser_expr(p, EXPR_UNARY, start);
    if (e == NULL || !parser_height(p, e, arg))
        return NULL;
    e->unary.minus = minus;
    e->unary.arg = arg;
    return e;
}

static struct expr *
parse_unary(struct parser *p)
{
    struct expr *e = NULL;
    if (!parser_enter(p))
        return NULL;
    if (p->tok.type == TOK_ADD || p->tok.type == TOK_SUB) {
        e = parse_signed(p);
    } else {
        e = parse_operand(p);
        if (e != NULL)
            e = parse_postfix(p, e);
    }
    parser_leave(p);
    return e;
}

static struct expr *
parse_right(struct parser *p, struct expr *left, size_t which)
{
    struct expr *e = parser_expr(p, EXPR_BINARY, left->span.start);
    if (e == NULL)
        return NULL;
    e->binary.op = operators[which].op;
    e->binary.left = left;
    e->binary.op_span = p->tok.span;
    parser_advance(p);
    if (!parse_matching(p, e))
        return NULL;
    e->binary.op_span.end = p->last_end;
    /* a ^ b ^ c … goes deeper with each. */
    const enum prec prec = operators[which].prec;
    if (!parser_enter(p))
        return NULL;
    struct expr *right = parse_binary(p, prec == PREC_POW ? prec : prec + 1);
    if (right == NULL)
        return NULL;
    parser_leave(p);
    e->binary.right = right;
    e->span.end = right->span.end;
    if (!parser_height(p, e, left) || !parser_height(p, e, right))
        return NULL;
    return e;
}

static struct expr *
parse_binary(struct parser *p, enum prec min)
{
    struct expr *left = parse_unary(p);
    while (left != NULL) {
        size_t i = 0;
        while (i < ARRAY_SIZE(operators) && operators[i].tok != p->tok.type)
            i++;
        if (p->tok.type == TOK_TRIM_UPPER || p->tok.type == TOK_TRIM_LOWER) {
            parser_fatal(p, p->tok.span,
                         "operator \"%.*s\" is only defined on native "
                         "histograms, which are not supported",
                         SLICE_FMT(parser_text(p)));
            return NULL;
        }
        if (i == ARRAY_SIZE(operators) || operators[i].prec < min)
            break;
        left = parse_right(p, left, i);
    }
    return p->dead ? NULL : left;
}

struct expr *
parse_expr(struct parser *p)
{
    return parse_binary(p, PREC_OR);
}
