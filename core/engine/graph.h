/* SPDX-License-Identifier: Apache-2.0 */
/* graph.h - the expressions of all rules as one graph of nodes, in which
 * equal sub-expressions stand once.
 *
 * A node is found by a text that says all that decides its value: what it
 * does, to which nodes.  Its number is that text's hash, the same after a
 * restart or a reload; leaves that count events keep their windows by it.
 * The graph belongs to a plan and is made anew with it. */
#ifndef TOCSIN_ENGINE_GRAPH_H
#define TOCSIN_ENGINE_GRAPH_H

#include "core/base/arena.h"
#include "core/base/table.h"
#include "core/base/types.h"
#include "core/engine/vec.h"
#include "core/lang/ast.h"
#include "core/lang/functions.h"

struct labels;
struct lset;
struct memo;
struct regex;
struct sink;
struct window;

/* Samples of one time: columns of label sets (borrowed: pooled, or of what
 * lives longer) and values.  What changes the meaning of a sample leaves its
 * name in place, for what stands around it to see, and marks it to be dropped
 * at the end. */
struct vector {
    struct lset **labels;
    double *values;
    bool *unnamed;
    uint32_t n;
    bool ordered; /* by lset_cmp */
};

static inline void
vector_push(struct vector *v, struct lset *l, double x, bool unnamed)
{
    v->labels[v->n] = l;
    v->values[v->n] = x;
    v->unnamed[v->n++] = unnamed;
}

struct value {
    enum lang_type type;
    double scalar;
    struct slice string;
    struct vector vec;
};

enum node_kind {
    NODE_NUMBER,
    NODE_STRING,
    NODE_EVENTS, /* a count of events in a window, or its rate */
    NODE_VALUES, /* a function of the numbers of events in a window */
    NODE_SELECT, /* newest samples of a view */
    NODE_RANGE,  /* a function of each series' samples in a range, or those
                    samples themselves */
    NODE_CALL,
    NODE_AGGREGATE,
    NODE_BINARY,
    NODE_NEGATE,
};

struct node {
    enum node_kind kind;
    enum lang_type type;
    uint64_t id;
    struct slice text; /* by which it's found */
    uint32_t n_args;
    struct node **args;
    const struct expr *expr; /* as written, of the first that did */

    /* The value for one evaluation: see eval.c. */
    uint64_t serial;
    usec_t at;
    int error;                 /* negative: evaluating it failed */
    const struct value *value; /* in the engine's arena */

    union {
        double number;
        struct slice string;
        struct {
            struct window *window;
            double per_s; /* rate: seconds of the range, else 0 */
            bool absent;  /* absent_over_time: 1 if there are none */
        } events;
        struct {
            struct sink *of;
            enum func_id func;
            double range_s;
        } values;
        struct {
            int view;
            bool timestamp;    /* its time instead of its value */
            bool previous;     /* not those of the evaluation's own time */
            enum func_id func; /* RANGE; FUNC_ID_COUNT: none */
            struct node *sub;  /* RANGE of a subquery, else NULL */
            const struct modifiers *mod;
            enum extend extend;
            const struct lang_duration *range, *step; /* of the RANGE */
        } select;                                     /* SELECT and RANGE */
        struct {
            enum func_id func;
            const struct regex *re;     /* label_replace */
            const struct selector *sel; /* info: what informs, */
            int view;                   /* and its series */
        } call;
        struct {
            enum agg_op op;
            bool without;
            uint32_t n_labels;
            uint32_t *labels; /* strings */
        } agg;
        struct {
            enum binary_op op;
            bool is_bool;
            enum card card;
            bool on, given;
            uint32_t n_labels, n_include;
            uint32_t *labels, *include;
            const double *fill[2]; /* left, right: for what is missing */
        } binary;
    };
    struct memo *memo; /* of label sets: made from those of the arguments */
    /* absent() and absent_over_time(): the labels that they answer with. */
    struct lset *absent_labels;
};

struct graph {
    struct arena arena;
    VEC(struct node *) nodes;
    struct table table;
};

void graph_init(struct graph *g);
void graph_fini(struct graph *g);
/* The node of this text; a cleared new one (*ret_new) if there is none.  NULL:
 * no memory. */
MUST_CHECK struct node *graph_node(struct graph *g, struct slice text,
                                   bool *ret_new);

/* The smallest count of events whose value is 'op' (> or >=) 'limit'; 0 where
 * any count is, UINT32_MAX where none. */
uint32_t events_need(const struct node *n, enum binary_op op, double limit);
double events_value(const struct node *n, uint32_t count);

#endif
