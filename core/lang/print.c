/* SPDX-License-Identifier: Apache-2.0 */
/* print.c - an expression as canonical text. */
#include "config.h"

#include <math.h>

#include "core/lang/functions.h"
#include "core/lang/lexer.h"
#include "core/lang/print.h"

static void
put(struct buf *b, const char *s)
{
    (void)buf_append_str(b, s);
}

/* How tight it binds; a sign as a product does, what needs no parentheses
 * tightest of all. */
#define PREC_SIGN 5
#define PREC_POW 6
#define PREC_ATOM 9

/* Behind an offset in parentheses "+ 1" would be part of the offset. */
static bool
ends_in_parens(const struct expr *e)
{
    const struct lang_duration *d = NULL;
    if (e->kind == EXPR_SELECTOR)
        d = &e->sel->mod.offset;
    else if (e->kind == EXPR_SUBQUERY)
        d = &e->subquery.mod.offset;
    return d != NULL && d->expr != NULL &&
           expr_unparen(d->expr)->kind != EXPR_CALL;
}

static int
precedence(const struct expr *e)
{
    static const int of_op[BIN_OP_COUNT] = {
        [BIN_OR] = 1,          [BIN_AND] = 2,         [BIN_UNLESS] = 2,
        [BIN_EQ] = 3,          [BIN_NE] = 3,          [BIN_LT] = 3,
        [BIN_LE] = 3,          [BIN_GT] = 3,          [BIN_GE] = 3,
        [BIN_ADD] = 4,         [BIN_SUB] = 4,         [BIN_MUL] = PREC_SIGN,
        [BIN_DIV] = PREC_SIGN, [BIN_MOD] = PREC_SIGN, [BIN_ATAN2] = PREC_SIGN,
        [BIN_POW] = PREC_POW,
    };
    switch (e->kind) {
    case EXPR_BINARY:
        return of_op[e->binary.op];
    case EXPR_UNARY:
        return PREC_SIGN;
    case EXPR_NUMBER:
        return signbit(e->number) && !isnan(e->number) ? PREC_SIGN : PREC_ATOM;
    default:
        return ends_in_parens(e) ? 0 : PREC_ATOM;
    }
}

static void
print_at_least(struct buf *b, const struct expr *e, int prec)
{
    e = expr_unparen(e);
    bool parens = precedence(e) < prec;
    put(b, parens ? "(" : "");
    print_expr(b, e);
    put(b, parens ? ")" : "");
}

static void
print_labels(struct buf *b, const struct slice *labels, uint32_t n)
{
    put(b, "(");
    for (uint32_t i = 0; i < n; i++) {
        put(b, i > 0 ? ", " : "");
        print_label(b, labels[i]);
    }
    put(b, ")");
}

static void
print_grouping(struct buf *b, const struct grouping *g)
{
    if (g->kind == GROUP_NONE)
        return;
    put(b, g->kind == GROUP_BY ? " by " : " without ");
    print_labels(b, g->labels, g->count);
}

static void
print_fill(struct buf *b, const char *name, double v)
{
    (void)buf_printf(b, " %s(", name);
    print_number(b, v);
    put(b, ")");
}

static void
print_matching(struct buf *b, const struct matching *m)
{
    bool grouped = m->card == CARD_MANY_TO_ONE || m->card == CARD_ONE_TO_MANY;
    if (m->on || m->label_count > 0 || grouped) {
        put(b, m->on ? " on " : " ignoring ");
        print_labels(b, m->labels, m->label_count);
    }
    if (grouped) {
        put(b, m->card == CARD_MANY_TO_ONE ? " group_left " : " group_right ");
        print_labels(b, m->include, m->include_count);
    }
    bool same = m->has_fill_left && m->has_fill_right &&
                memcmp(&m->fill_left, &m->fill_right, sizeof(double)) == 0;
    if (m->has_fill_left)
        print_fill(b, same ? "fill" : "fill_left", m->fill_left);
    if (m->has_fill_right && !same)
        print_fill(b, "fill_right", m->fill_right);
}

static void
print_binary(struct buf *b, const struct expr *e)
{
    const int prec = precedence(e);
    bool right_assoc = prec == PREC_POW;
    print_at_least(b, e->binary.left, prec + right_assoc);
    (void)buf_printf(b, " %s", binary_op_name(e->binary.op));
    put(b, e->binary.is_bool ? " bool" : "");
    print_matching(b, &e->binary.match);
    put(b, " ");
    /* A sign there can't be taken for anything else: "a ^ -b". */
    const struct expr *right = expr_unparen(e->binary.right);
    bool is_signed =
        precedence(right) == PREC_SIGN && right->kind != EXPR_BINARY;
    print_at_least(b, right, is_signed ? 0 : prec + !right_assoc);
}

static void
print_args(struct buf *b, const struct expr *e)
{
    put(b, "(");
    for (uint32_t i = 0; i < expr_child_count(e); i++) {
        put(b, i > 0 ? ", " : "");
        print_expr(b, expr_child(e, i));
    }
    put(b, ")");
}

static void
print_subquery(struct buf *b, const struct expr *e)
{
    print_at_least(b, e->subquery.arg, PREC_ATOM);
    put(b, "[");
    print_duration(b, &e->subquery.range);
    put(b, ":");
    if (e->subquery.step.present)
        print_duration(b, &e->subquery.step);
    put(b, "]");
    print_modifiers(b, &e->subquery.mod);
}

static void
print_unary(struct buf *b, const struct expr *e)
{
    const struct expr *arg = expr_unparen(e->unary.arg);
    put(b, e->unary.minus ? "-" : "+");
    /* "-5" would be read as a number. */
    print_at_least(b, arg,
                   arg->kind == EXPR_NUMBER  ? PREC_ATOM + 1
                   : arg->kind == EXPR_UNARY ? 0
                                             : PREC_POW);
}

void
print_expr(struct buf *b, const struct expr *e)
{
    e = expr_unparen(e);
    switch (e->kind) {
    case EXPR_NUMBER:
        print_number(b, e->number);
        break;
    case EXPR_STRING:
        literal_quote(b, e->string);
        break;
    case EXPR_SELECTOR:
        print_selector(b, e->sel);
        break;
    case EXPR_SUBQUERY:
        print_subquery(b, e);
        break;
    case EXPR_CALL:
        put(b, e->call.func->name);
        print_args(b, e);
        print_grouping(b, &e->call.grouping);
        break;
    case EXPR_AGGREGATE:
        put(b, lang_agg_get(e->agg.op)->name);
        print_grouping(b, &e->agg.grouping);
        put(b, e->agg.grouping.kind == GROUP_NONE ? "" : " ");
        print_args(b, e);
        break;
    case EXPR_BINARY:
        print_binary(b, e);
        break;
    case EXPR_UNARY:
        print_unary(b, e);
        break;
    default:
        break;
    }
}

int
expr_print(const struct expr *e, struct buf *b)
{
    print_expr(b, e);
    return buf_error(b);
}
