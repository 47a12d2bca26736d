/* SPDX-License-Identifier: Apache-2.0 */
/* parse_duration.c - "[5m]", "[step() * 2]", "offset -(1h + 5m)". */
#include "config.h"

#include <errno.h>
#include <math.h>

#include "core/lang/functions.h"
#include "core/lang/parser.h"
#include "core/lang/query.h"

static struct expr *parse_sum(struct parser *p, int min);

/* --- values -------------------------------------------------------------- */

/* The longest duration that Prometheus holds, about 292 years. */
#define SECONDS_MAX 9223372036.0

static double
duration_value(const struct expr *e, const struct query_bounds *b)
{
    switch (e->kind) {
    case EXPR_NUMBER:
        return e->number;
    case EXPR_PAREN:
        return duration_value(e->paren, b);
    case EXPR_UNARY:
        return e->unary.minus ? -duration_value(e->unary.arg, b)
                              : duration_value(e->unary.arg, b);
    case EXPR_CALL: {
        if (e->call.func->id == FUNC_STEP)
            return (double)b->step / (double)USEC_PER_SEC;
        if (e->call.func->id == FUNC_RANGE)
            return (double)(b->end - b->start) / (double)USEC_PER_SEC;
        double x = duration_value(e->call.args[0], b);
        double y = duration_value(e->call.args[1], b);
        return e->call.func->id == FUNC_MAX_OF ? fmax(x, y) : fmin(x, y);
    }
    default:
        break;
    }
    double x = duration_value(e->binary.left, b);
    double y = duration_value(e->binary.right, b);
    switch (e->binary.op) {
    case BIN_ADD:
        return x + y;
    case BIN_SUB:
        return x - y;
    case BIN_MUL:
        return x * y;
    case BIN_DIV:
        return x / y;
    case BIN_MOD:
        return fmod(x, y);
    default:
        return pow(x, y);
    }
}

static bool
is_constant(const struct expr *e)
{
    if (e->kind == EXPR_CALL && e->call.count == 0)
        return false;
    for (uint32_t i = 0; i < expr_child_count(e); i++)
        if (!is_constant(expr_child(e, i)))
            return false;
    return true;
}

/* NULL, or what is wrong with it. */
static const char *
seconds_to_us(double seconds, bool positive, usec_t *ret_us)
{
    if (positive && !(seconds > 0))
        return "duration must be greater than 0";
    if (!(fabs(seconds) <= SECONDS_MAX))
        return "duration out of range";
    usec_t us = llround(seconds * (double)USEC_PER_SEC);
    *ret_us = positive && us == 0 ? 1 : us;
    return NULL;
}

int
lang_duration_eval(const struct lang_duration *d,
                   const struct query_bounds *bounds, bool positive,
                   usec_t *ret_us, struct err *err)
{
    if (d->expr == NULL) {
        *ret_us = d->us;
        return 0;
    }
    const char *why =
        seconds_to_us(duration_value(d->expr, bounds), positive, ret_us);
    return why == NULL ? 0 : err_set(err, -EINVAL, "%s", why);
}

/* --- grammar ------------------------------------------------------------- */

static struct expr *
parse_duration_number(struct parser *p)
{
    const struct span span = p->tok.span;
    double v;
    if (!parser_number(p, &v))
        return NULL;
    struct expr *e = parser_expr(p, EXPR_NUMBER, span.start);
    if (e == NULL)
        return NULL;
    e->type = LANG_SCALAR;
    e->number = v;
    if (!(fabs(v) <= SECONDS_MAX)) {
        parser_error(p, span, "duration out of range");
        e->number = 1;
    }
    return e;
}

/* "step()", "max_of(a, b)" */
static struct expr *
parse_duration_call(struct parser *p)
{
    static const enum func_id ids[] = {FUNC_STEP, FUNC_RANGE, FUNC_MAX_OF,
                                       FUNC_MIN_OF};
    const uint32_t start = p->tok.span.start;
    const uint32_t argc = p->tok.type >= TOK_MAX_OF ? 2 : 0;
    const struct lang_func *func = lang_func_get(ids[p->tok.type - TOK_STEP]);
    parser_advance(p);
    if (!parser_expect(p, TOK_LPAREN, p->duration_context,
                       p->duration_expected))
        return NULL;
    struct expr **args = parser_alloc(p, 2, sizeof(struct expr *));
    struct expr *e = parser_expr(p, EXPR_CALL, start);
    if (args == NULL || e == NULL)
        return NULL;
    for (uint32_t i = 0; i < argc; i++) {
        if (i > 0 && !parser_expect(p, TOK_COMMA, p->duration_context,
                                    p->duration_expected))
            return NULL;
        args[i] = parse_sum(p, 1);
        if (args[i] == NULL || !parser_height(p, e, args[i]))
            return NULL;
    }
    if (!parser_expect(p, TOK_RPAREN, p->duration_context,
                       p->duration_expected))
        return NULL;
    e->type = LANG_SCALAR;
    e->call.func = func;
    e->call.args = args;
    e->call.count = argc;
    e->span.end = p->last_end;
    return e;
}

static struct expr *
parse_duration_paren(struct parser *p)
{
    const uint32_t start = p->tok.span.start;
    parser_advance(p);
    struct expr *inner = parse_sum(p, 1);
    if (inner == NULL || !parser_expect(p, TOK_RPAREN, p->duration_context,
                                        p->duration_expected))
        return NULL;
    struct expr *e = parser_expr(p, EXPR_PAREN, start);
    if (e == NULL || !parser_height(p, e, inner))
        return NULL;
    e->type = LANG_SCALAR;
    e->paren = inner;
    return e;
}

static struct expr *
parse_negated(struct parser *p, struct expr *(*parse_arg)(struct parser *p))
{
    const bool minus = p->tok.type == TOK_SUB;
    const uint32_t start = p->tok.span.start;
    parser_advance(p);
    struct expr *arg = parse_arg(p);
    if (arg == NULL)
        return NULL;
    arg->span.start = start;
    if (arg->kind == EXPR_NUMBER)
        arg->number = minus ? -arg->number : arg->number;
    if (arg->kind == EXPR_NUMBER || !minus)
        return arg;
    struct expr *e = parser_expr(p, EXPR_UNARY, start);
    if (e == NULL || !parser_height(p, e, arg))
        return NULL;
    e->type = LANG_SCALAR;
    e->unary.minus = true;
    e->unary.arg = arg;
    return e;
}

struct expr *
parse_duration_operand(struct parser *p)
{
    if (p->tok.type == TOK_NUMBER || p->tok.type == TOK_DURATION)
        return parse_duration_number(p);
    if (p->tok.type == TOK_LPAREN)
        return parse_duration_paren(p);
    if (p->tok.type >= TOK_STEP && p->tok.type <= TOK_MIN_OF)
        return parse_duration_call(p);
    parser_unexpected(p, p->duration_context, p->duration_expected);
    return NULL;
}

#define DURATION_POW 3

static struct expr *
parse_power(struct parser *p)
{
    return parse_sum(p, DURATION_POW);
}

static struct expr *
parse_factor(struct parser *p)
{
    if (!parser_enter(p))
        return NULL;
    struct expr *e = p->tok.type == TOK_ADD || p->tok.type == TOK_SUB
                         ? parse_negated(p, parse_power)
                         : parse_duration_operand(p);
    parser_leave(p);
    return e;
}

static int
operator_of(enum tok type, enum binary_op *ret_op)
{
    static const struct {
        enum tok tok;
        enum binary_op op;
        int prec;
    } ops[] = {{TOK_ADD, BIN_ADD, 1}, {TOK_SUB, BIN_SUB, 1},
               {TOK_MUL, BIN_MUL, 2}, {TOK_DIV, BIN_DIV, 2},
               {TOK_MOD, BIN_MOD, 2}, {TOK_POW, BIN_POW, DURATION_POW}};
    for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
        if (ops[i].tok == type) {
            *ret_op = ops[i].op;
            return ops[i].prec;
        }
    }
    return 0;
}

static struct expr *
parse_sum(struct parser *p, int min)
{
    struct expr *left = parse_factor(p);
    enum binary_op op;
    int prec = operator_of(p->tok.type, &op);
    while (left != NULL && prec >= min && prec > 0) {
        const struct span span = p->tok.span;
        struct expr *e = parser_expr(p, EXPR_BINARY, left->span.start);
        parser_advance(p);
        if (!parser_enter(p))
            return NULL;
        struct expr *right =
            parse_sum(p, prec == DURATION_POW ? prec : prec + 1);
        parser_leave(p);
        if (e == NULL || right == NULL || !parser_height(p, e, left) ||
            !parser_height(p, e, right))
            return NULL;
        if ((op == BIN_DIV || op == BIN_MOD) && right->kind == EXPR_NUMBER &&
            right->number == 0)
            parser_error(p, span,
                         op == BIN_DIV ? "division by zero" : "modulo by zero");
        e->type = LANG_SCALAR;
        e->binary.op = op;
        e->binary.left = left;
        e->binary.right = right;
        e->binary.op_span = span;
        e->span.end = p->last_end;
        left = e;
        prec = operator_of(p->tok.type, &op);
    }
    return p->dead ? NULL : left;
}

static bool
finish(struct parser *p, const struct expr *e, bool positive,
       struct lang_duration *ret_d)
{
    if (e == NULL)
        return false;
    *ret_d = (struct lang_duration){.present = true};
    if (!is_constant(e)) {
        ret_d->expr = e;
        return true;
    }
    const struct query_bounds none = {0};
    const char *why =
        seconds_to_us(duration_value(e, &none), positive, &ret_d->us);
    if (why != NULL && p->ps->errors == 0)
        parser_error(p, e->span, "%s", why);
    return true;
}

bool
parse_range_duration(struct parser *p, bool is_step,
                     struct lang_duration *ret_d)
{
    p->duration_context =
        is_step ? "subquery selector" : "subquery or range selector";
    p->duration_expected = is_step
                               ? "number, duration, step(), range(), or \"]\""
                               : "number, duration, step(), or range()";
    return finish(p, parse_sum(p, 1), /* positive= */ true, ret_d);
}

/* An offset is one word with its sign, "x offset 5m + 1" adds to x; but where
 * it begins with a parenthesis all arithmetic belongs to it, as in Prometheus:
 * "x offset (5m) + 1" is an offset of 5m1s. */
bool
parse_offset_duration(struct parser *p, struct lang_duration *ret_d)
{
    struct expr *e;
    p->duration_context = "offset";
    p->duration_expected = "number, duration, step(), or range()";
    switch (p->tok.type) {
    case TOK_ADD:
    case TOK_SUB:
        e = parse_negated(p, parse_duration_operand);
        break;
    case TOK_LPAREN:
        e = parse_sum(p, 1);
        break;
    case TOK_NUMBER:
    case TOK_DURATION:
    case TOK_STEP:
    case TOK_RANGE:
    case TOK_MAX_OF:
    case TOK_MIN_OF:
        e = parse_duration_operand(p);
        break;
    default:
        parser_unexpected(p, p->duration_context, p->duration_expected);
        return false;
    }
    return finish(p, e, /* positive= */ false, ret_d);
}
