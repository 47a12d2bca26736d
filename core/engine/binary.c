/* SPDX-License-Identifier: Apache-2.0 */
/* binary.c - operators between scalars and vectors. */
#include "config.h"

#include <math.h>

#include "core/engine/engine_priv.h"
#include "core/engine/match.h"

/* --- values ------------------------------------------------------------- */

static bool
compare(enum binary_op op, double a, double b)
{
    switch (op) {
    case BIN_EQ:
        return a == b;
    case BIN_NE:
        return a != b;
    case BIN_LT:
        return a < b;
    case BIN_LE:
        return a <= b;
    case BIN_GT:
        return a > b;
    default:
        return a >= b;
    }
}

static double
compute(enum binary_op op, double a, double b)
{
    switch (op) {
    case BIN_ADD:
        return a + b;
    case BIN_SUB:
        return a - b;
    case BIN_MUL:
        return a * b;
    case BIN_DIV:
        return a / b;
    case BIN_MOD:
        return fmod(a, b);
    case BIN_POW:
        return pow(a, b);
    case BIN_ATAN2:
        return atan2(a, b);
    default:
        return compare(op, a, b);
    }
}

bool
pair_value(const struct node *n, double a, double b, double kept, double *ret)
{
    enum binary_op op = n->binary.op;
    if (!binary_is_comparison(op) || n->binary.is_bool) {
        *ret = compute(op, a, b);
        return true;
    }
    *ret = kept;
    return compare(op, a, b);
}

/* --- a vector and a scalar ---------------------------------------------- */

static int
vector_scalar(struct eval *ev, struct node *n, const struct vector *v, double s,
              bool swapped, struct value *ret)
{
    struct vector *out = &ret->vec;
    bool marks = !binary_is_comparison(n->binary.op) || n->binary.is_bool;
    if (vector_make(ev, v->n, out) < 0)
        return -ENOMEM;
    for (uint32_t i = 0; i < v->n; i++) {
        double x = v->values[i], r;
        if (!(swapped ? pair_value(n, s, x, x, &r)
                      : pair_value(n, x, s, x, &r)))
            continue;
        vector_push(out, v->labels[i], r, v->unnamed[i] || marks);
    }
    out->ordered = v->ordered;
    return 0;
}

/* A count of events compared with a number looks only at what reaches it. */
static int
events_scalar(struct eval *ev, struct node *n, struct value *ret)
{
    struct node *a = n->args[0];
    uint32_t need = MAX(events_need(a, n->binary.op, n->args[1]->number), 1u);
    struct value v = {.type = LANG_VECTOR};
    int e = eval_events(ev, a, need, &v);
    return e < 0 ? e
                 : vector_scalar(ev, n, &v.vec, n->args[1]->number, false, ret);
}

static bool
is_events_limit(const struct node *n)
{
    return n->args[0]->kind == NODE_EVENTS && !n->args[0]->events.absent &&
           n->args[1]->kind == NODE_NUMBER && !n->binary.is_bool &&
           (n->binary.op == BIN_GT || n->binary.op == BIN_GE);
}

int
eval_binary(struct eval *ev, struct node *n, struct value *ret)
{
    const struct value *a, *b;
    if (is_events_limit(n))
        return events_scalar(ev, n, ret);
    int e = eval_node(ev, n->args[0], &a);
    if (e == 0)
        e = eval_node(ev, n->args[1], &b);
    if (e < 0)
        return e;
    bool va = a->type == LANG_VECTOR, vb = b->type == LANG_VECTOR;
    if (va && vb)
        return match_vectors(ev, n, &a->vec, &b->vec, ret);
    if (va)
        return vector_scalar(ev, n, &a->vec, b->scalar, false, ret);
    if (vb)
        return vector_scalar(ev, n, &b->vec, a->scalar, true, ret);
    ret->scalar = compute(n->binary.op, a->scalar, b->scalar);
    return 0;
}
