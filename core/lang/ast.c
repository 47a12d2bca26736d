/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/lang/ast.h"

const struct expr *
expr_matrix_arg(const struct expr *call)
{
    for (uint32_t i = 0; i < call->call.count; i++) {
        const struct expr *a = expr_unparen(call->call.args[i]);
        if (a->type == LANG_MATRIX)
            return a;
    }
    return NULL;
}

uint32_t
expr_child_count(const struct expr *e)
{
    switch (e->kind) {
    case EXPR_SUBQUERY:
    case EXPR_UNARY:
    case EXPR_PAREN:
        return 1;
    case EXPR_CALL:
        return e->call.count;
    case EXPR_AGGREGATE:
        return e->agg.param != NULL ? 2 : 1;
    case EXPR_BINARY:
        return 2;
    default:
        return 0;
    }
}

const struct expr *
expr_child(const struct expr *e, uint32_t i)
{
    switch (e->kind) {
    case EXPR_SUBQUERY:
        return e->subquery.arg;
    case EXPR_UNARY:
        return e->unary.arg;
    case EXPR_PAREN:
        return e->paren;
    case EXPR_CALL:
        return e->call.args[i];
    case EXPR_AGGREGATE:
        return i == 0 && e->agg.param != NULL ? e->agg.param : e->agg.arg;
    case EXPR_BINARY:
        return i == 0 ? e->binary.left : e->binary.right;
    default:
        return NULL;
    }
}

int
expr_walk(const struct expr *e, expr_visit_fn enter, expr_visit_fn leave,
          void *arg)
{
    int r = enter == NULL ? 0 : enter(e, arg);
    if (r != 0 && r != EXPR_SKIP)
        return r;
    for (uint32_t i = 0; r == 0 && i < expr_child_count(e); i++) {
        int child = expr_walk(expr_child(e, i), enter, leave, arg);
        if (child != 0)
            return child;
    }
    return leave == NULL ? 0 : leave(e, arg);
}

const char *
lang_type_name(enum lang_type type)
{
    static const char *const names[] = {
        [LANG_NONE] = "none",
        [LANG_SCALAR] = "scalar",
        [LANG_VECTOR] = "instant vector",
        [LANG_MATRIX] = "range vector",
        [LANG_STRING] = "string",
    };
    return names[type];
}

const char *
binary_op_name(enum binary_op op)
{
    static const char *const names[] = {
        [BIN_ADD] = "+",         [BIN_SUB] = "-",   [BIN_MUL] = "*",
        [BIN_DIV] = "/",         [BIN_MOD] = "%",   [BIN_POW] = "^",
        [BIN_ATAN2] = "atan2",   [BIN_EQ] = "==",   [BIN_NE] = "!=",
        [BIN_LT] = "<",          [BIN_LE] = "<=",   [BIN_GT] = ">",
        [BIN_GE] = ">=",         [BIN_AND] = "and", [BIN_OR] = "or",
        [BIN_UNLESS] = "unless",
    };
    return names[op];
}

const char *
stage_kind_name(enum stage_kind kind)
{
    static const char *const names[] = {
        [STAGE_LINE_FILTER] = "line filter",
        [STAGE_FILTER] = "label filter",
        [STAGE_JSON] = "json",
        [STAGE_LOGFMT] = "logfmt",
        [STAGE_REGEXP] = "regexp",
        [STAGE_PATTERN] = "pattern",
        [STAGE_UNPACK] = "unpack",
        [STAGE_LINE_FORMAT] = "line_format",
        [STAGE_LABEL_FORMAT] = "label_format",
        [STAGE_DECOLORIZE] = "decolorize",
        [STAGE_DROP] = "drop",
        [STAGE_KEEP] = "keep",
        [STAGE_UNWRAP] = "unwrap",
    };
    return names[kind];
}
