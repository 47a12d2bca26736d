/* SPDX-License-Identifier: Apache-2.0 */
/* ast.h - an expression as a tree: PromQL with LogQL's pipelines.
 *
 * All nodes live in the arena of the struct query that query_parse made, and
 * never change after it returned: any number of threads may read them.  Every
 * node carries the bytes of the text it came from; query_position turns them
 * into line and column.  Times are usec_t; ranges and steps are positive. */
#ifndef TOCSIN_LANG_AST_H
#define TOCSIN_LANG_AST_H
#include "core/base/types.h"
#include "core/lang/selector.h"

struct buf;
struct lang_func; /* functions.h */

/* What an expression yields. */
enum lang_type {
    LANG_NONE,
    LANG_SCALAR,
    LANG_VECTOR,
    LANG_MATRIX,
    LANG_STRING
};

enum expr_kind {
    EXPR_NUMBER,
    EXPR_STRING,
    EXPR_SELECTOR,
    EXPR_SUBQUERY,
    EXPR_CALL,
    EXPR_AGGREGATE,
    EXPR_BINARY,
    EXPR_UNARY,
    EXPR_PAREN,
    EXPR_KIND_COUNT
};

enum grouping_kind { GROUP_NONE, GROUP_BY, GROUP_WITHOUT };

struct grouping {
    enum grouping_kind kind;
    const struct slice *labels; /* sorted, each once */
    uint32_t count;
};

/* The order is that of lang_aggs[] in functions.h. */
enum agg_op {
    AGG_SUM,
    AGG_AVG,
    AGG_COUNT,
    AGG_MIN,
    AGG_MAX,
    AGG_GROUP,
    AGG_STDDEV,
    AGG_STDVAR,
    AGG_TOPK,
    AGG_BOTTOMK,
    AGG_COUNT_VALUES,
    AGG_QUANTILE,
    AGG_LIMITK,
    AGG_LIMIT_RATIO,
    AGG_OP_COUNT
};

enum binary_op {
    BIN_ADD,
    BIN_SUB,
    BIN_MUL,
    BIN_DIV,
    BIN_MOD,
    BIN_POW,
    BIN_ATAN2,
    BIN_EQ, /* the six comparisons: binary_is_comparison */
    BIN_NE,
    BIN_LT,
    BIN_LE,
    BIN_GT,
    BIN_GE,
    BIN_AND, /* the three set operators: binary_is_set */
    BIN_OR,
    BIN_UNLESS,
    BIN_OP_COUNT
};

enum card { CARD_ONE_TO_ONE, CARD_MANY_TO_ONE, CARD_ONE_TO_MANY, CARD_MANY };

/* How the two sides of a vector operation meet.  MANY_TO_ONE is group_left. */
struct matching {
    enum card card;             /* CARD_MANY for and, or, unless */
    bool on;                    /* on(labels), else ignoring(labels) */
    bool given;                 /* on or ignoring was written */
    const struct slice *labels; /* these and 'include': sorted, each once */
    uint32_t label_count;
    const struct slice *include; /* of group_left and group_right */
    uint32_t include_count;
    bool has_fill_left, has_fill_right;
    double fill_left, fill_right;
};

/* Functions may call themselves along a tree. */
#define EXPR_HEIGHT_MAX 1000

struct expr {
    enum expr_kind kind;
    enum lang_type type; /* set by the parser's checks */
    struct span span;
    uint32_t height; /* levels, this one included: at most EXPR_HEIGHT_MAX */
    union {
        double number;        /* NUMBER */
        struct slice string;  /* STRING: unescaped, valid UTF-8 */
        struct selector *sel; /* SELECTOR */
        struct {
            struct expr *arg;
            struct lang_duration range, step; /* step absent = the default */
            struct modifiers mod;
        } subquery;
        struct {
            const struct lang_func *func;
            struct expr **args;
            uint32_t count;
            struct grouping grouping; /* LogQL: only over streams */
        } call;
        struct {
            enum agg_op op;
            struct expr *param; /* or NULL */
            struct expr *arg;
            struct grouping grouping;
        } agg;
        struct {
            enum binary_op op;
            bool is_bool;
            struct expr *left, *right;
            struct matching match;
            struct span op_span;
        } binary;
        struct {
            bool minus;
            struct expr *arg;
        } unary;
        struct expr *paren;
    };
};

static inline bool
binary_is_comparison(enum binary_op op)
{
    return op >= BIN_EQ && op <= BIN_GE;
}

static inline bool
binary_is_set(enum binary_op op)
{
    return op >= BIN_AND && op <= BIN_UNLESS;
}

/* Without parentheses around it. */
static inline const struct expr *
expr_unparen(const struct expr *e)
{
    while (e->kind == EXPR_PAREN)
        e = e->paren;
    return e;
}

/* The argument of a call that is a range vector, without parentheses; NULL:
 * none is. */
const struct expr *expr_matrix_arg(const struct expr *call);

/* Children in the order of the text (the parameter of an aggregation first);
 * expressions inside durations don't count. */
uint32_t expr_child_count(const struct expr *e);
const struct expr *expr_child(const struct expr *e, uint32_t i);

/* Calls 'enter' before and 'leave' after the children of each node; either may
 * be NULL.  What is not 0 ends the walk and is returned; but EXPR_SKIP from
 * 'enter' only leaves out the children. */
#define EXPR_SKIP 1
typedef int (*expr_visit_fn)(const struct expr *e, void *arg);
int expr_walk(const struct expr *e, expr_visit_fn enter, expr_visit_fn leave,
              void *arg);

/* Same meaning, node by node: without parentheses, spans, types and what
 * selectors are bound to; NaN equals NaN. */
bool expr_equal(const struct expr *a, const struct expr *b);

/* Appends the canonical text: one for all ways to write the same tree (white
 * space, comments, redundant parentheses, quotes, number formats), so that it
 * can be hashed, compared and kept as an id.  Parsing it gives an equal tree.
 * 0, -ENOMEM or -ENOSPC. */
int expr_print(const struct expr *e, struct buf *b);

const char *lang_type_name(enum lang_type type); /* "instant vector" */
const char *binary_op_name(enum binary_op op);

#endif
