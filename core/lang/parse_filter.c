/* SPDX-License-Identifier: Apache-2.0 */
/* parse_filter.c - "| duration_ms > 500 and protocol="Mqtt"". */
#include "config.h"

#include "core/lang/matcher.h"
#include "core/lang/parser.h"

#define CONDITIONS_MAX 500 /* of one filter */

struct filter_parser {
    struct parser *p;
    struct scope *scope;
    unsigned conditions;
};

static const struct pipe_filter *parse_or(struct filter_parser *fp);

static bool
compare_op_of(enum tok type, enum compare_op *ret_op)
{
    static const struct {
        enum tok tok;
        enum compare_op op;
    } ops[] = {{TOK_ASSIGN, CMP_EQ}, {TOK_EQ, CMP_EQ}, {TOK_NE, CMP_NE},
               {TOK_GT, CMP_GT},     {TOK_GE, CMP_GE}, {TOK_LT, CMP_LT},
               {TOK_LE, CMP_LE}};
    for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
        if (ops[i].tok == type) {
            *ret_op = ops[i].op;
            return true;
        }
    }
    return false;
}

static bool
is_compare(enum tok type)
{
    enum compare_op op;
    return type == TOK_RE || type == TOK_NRE || compare_op_of(type, &op);
}

static bool
parse_text_value(struct parser *p, struct pipe_filter *f, enum tok op,
                 struct span op_span)
{
    static const struct {
        enum tok tok;
        enum matcher_op op;
    } ops[] = {{TOK_ASSIGN, MATCHER_EQ},
               {TOK_EQ, MATCHER_EQ},
               {TOK_NE, MATCHER_NE},
               {TOK_RE, MATCHER_RE},
               {TOK_NRE, MATCHER_NRE}};
    bool found = false;
    f->kind = FILTER_STRING;
    for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
        if (ops[i].tok == op) {
            f->matcher.op = ops[i].op;
            found = true;
        }
    }
    if (!found)
        problems_error(p->ps, op_span, "write the number without quotes",
                       "a text can't be compared with \"%s\"",
                       op == TOK_GT   ? ">"
                       : op == TOK_GE ? ">="
                       : op == TOK_LT ? "<"
                                      : "<=");
    const struct span span = p->tok.span;
    if (!parser_string(p, &f->matcher.value))
        return false;
    if (f->matcher.op >= MATCHER_RE && found)
        f->matcher.re =
            parser_regex(p, f->matcher.value, span, /* search= */ false,
                         /* dotall= */ false);
    return true;
}

/* "500", "-1.5", "250ms", "20KB" */
static bool
parse_quantity(struct parser *p, struct pipe_filter *f)
{
    bool minus = p->tok.type == TOK_SUB;
    if (minus || p->tok.type == TOK_ADD)
        parser_advance(p);
    const struct slice text = parser_text(p);
    if (p->tok.type == TOK_NUMBER) {
        f->kind = FILTER_NUMBER;
        if (!parser_number(p, &f->number))
            return false;
    } else if (p->tok.type != TOK_DURATION && p->tok.type != TOK_QUANTITY) {
        parser_unexpected(p, "filter", "string, number, duration or size");
        return false;
    } else if (lang_parse_duration(text, &f->number) == 0) {
        f->kind = FILTER_DURATION;
        parser_advance(p);
    } else if (lang_parse_bytes(text, &f->number) == 0 && !minus) {
        f->kind = FILTER_BYTES;
        parser_advance(p);
    } else {
        parser_fatal(p, p->tok.span, "no number, duration or size: \"%.*s\"",
                     (int)MIN(text.n, (size_t)64), text.p);
        return false;
    }
    if (minus)
        f->number = -f->number;
    return true;
}

static bool
parse_value(struct parser *p, struct pipe_filter *f)
{
    const enum tok op = p->tok.type;
    const struct span op_span = p->tok.span;
    if (!is_compare(op)) {
        parser_unexpected(p, "filter", "a comparison");
        return false;
    }
    parser_advance(p);
    if (p->tok.type == TOK_STRING)
        return parse_text_value(p, f, op, op_span);
    (void)compare_op_of(op, &f->op);
    if (parser_word_is(p, "ip")) {
        f->kind = FILTER_IP;
        if (op != TOK_ASSIGN && op != TOK_NE)
            parser_error(p, op_span,
                         "syntax error: unexpected ip: ip() needs \"=\" or "
                         "\"!=\"");
        return parse_ip(p, &f->matcher.value, &f->ip);
    }
    if (op == TOK_RE || op == TOK_NRE) {
        parser_unexpected(p, "filter", "string");
        return false;
    }
    return parse_quantity(p, f);
}

static const struct pipe_filter *
parse_condition(struct filter_parser *fp)
{
    struct parser *p = fp->p;
    const struct span name_span = p->tok.span;
    struct pipe_filter *f = parser_new(p, struct pipe_filter);
    if (f == NULL)
        return NULL;
    if (++fp->conditions > CONDITIONS_MAX) {
        parser_fatal(p, name_span, "filter has more than %d conditions",
                     CONDITIONS_MAX);
        return NULL;
    }
    if (!tok_is_label(p->tok.type) || p->tok.type == TOK_METRIC_IDENT) {
        parser_unexpected(p, "filter", "label name");
        return NULL;
    }
    f->matcher.name = parser_text(p);
    parser_advance(p);
    if (!parse_value(p, f))
        return NULL;
    f->span = (struct span){name_span.start, p->last_end};
    f->matcher.span = f->span;
    f->matcher.field = bind_field(fp->scope, f->matcher.name, name_span);
    bind_filter(p, f);
    return f;
}

static const struct pipe_filter *
parse_unit(struct filter_parser *fp)
{
    struct parser *p = fp->p;
    if (p->tok.type != TOK_LPAREN)
        return parse_condition(fp);
    if (!parser_enter(p))
        return NULL;
    parser_advance(p);
    const struct pipe_filter *f = parse_or(fp);
    parser_leave(p);
    if (f == NULL || !parser_expect(p, TOK_RPAREN, "filter", "\")\""))
        return NULL;
    return f;
}

static const struct pipe_filter *
join(struct parser *p, enum filter_kind kind, const struct pipe_filter *left,
     const struct pipe_filter *right)
{
    struct pipe_filter *f = left != NULL && right != NULL
                                ? parser_new(p, struct pipe_filter)
                                : NULL;
    if (f == NULL)
        return NULL;
    f->kind = kind;
    f->span = (struct span){left->span.start, right->span.end};
    f->left = left;
    f->right = right;
    return f;
}

/* Does another condition follow, after "and", "," or nothing?  A comma may
 * also part the arguments of a function. */
static bool
and_follows(struct parser *p)
{
    if (p->dead)
        return false;
    if (parser_accept(p, TOK_AND))
        return true;
    struct lexer ahead = p->lx;
    struct token first = p->tok, second;
    if (first.type == TOK_COMMA)
        lexer_next(&ahead, &first);
    if (first.type == TOK_LPAREN)
        return false;
    lexer_next(&ahead, &second);
    if (!tok_is_label(first.type) || !is_compare(second.type))
        return false;
    (void)parser_accept(p, TOK_COMMA);
    return true;
}

static const struct pipe_filter *
parse_and(struct filter_parser *fp)
{
    const struct pipe_filter *f = parse_unit(fp);
    while (f != NULL && and_follows(fp->p))
        f = join(fp->p, FILTER_AND, f, parse_unit(fp));
    return f;
}

static const struct pipe_filter *
parse_or(struct filter_parser *fp)
{
    const struct pipe_filter *f = parse_and(fp);
    while (f != NULL && parser_accept(fp->p, TOK_OR))
        f = join(fp->p, FILTER_OR, f, parse_and(fp));
    return f;
}

const struct pipe_filter *
parse_filter(struct parser *p, struct scope *scope)
{
    struct filter_parser fp = {.p = p, .scope = scope};
    return parse_or(&fp);
}
