/* SPDX-License-Identifier: Apache-2.0 */
/* binary.c - operators between scalars and vectors, with their matching. */
#include "config.h"

#include <math.h>

#include "core/base/buf.h"
#include "core/base/table.h"
#include "core/engine/engine_priv.h"

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

/* The result of one pair; false where a comparison leaves it out.  'kept' is
 * the value that a comparison keeps. */
static bool
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

static bool
drops_name(const struct node *n)
{
    return !binary_is_comparison(n->binary.op) || n->binary.is_bool;
}

/* --- a vector and a scalar ---------------------------------------------- */

static int
vector_scalar(struct eval *ev, struct node *n, const struct vector *v, double s,
              bool swapped, struct value *ret)
{
    struct vector *out = &ret->vec;
    if (vector_make(ev, v->n, out) < 0)
        return -ENOMEM;
    for (uint32_t i = 0; i < v->n; i++) {
        double x = v->values[i], r;
        if (!(swapped ? pair_value(n, s, x, x, &r)
                      : pair_value(n, x, s, x, &r)))
            continue;
        struct lset *l = v->labels[i];
        if (drops_name(n))
            l = labels_nameless(ev, l);
        if (l == NULL)
            return -ENOMEM;
        out->labels[out->n] = l;
        out->values[out->n++] = r;
    }
    out->ordered = v->ordered && !drops_name(n);
    return drops_name(n) ? vector_check_unique(ev, out) : 0;
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

/* --- two vectors -------------------------------------------------------- */

struct joining {
    struct eval *ev;
    struct node *n;
    const struct vector *left, *right;
    struct lset **left_sig, **right_sig;
    struct table table; /* signature → first of 'index' side */
    struct lset **keys;
};

static struct lset *
signature(struct joining *j, struct lset *l)
{
    struct labels *ls = j->ev->e->labels;
    const struct node *n = j->n;
    return lset_pool(
        ls, n->binary.on
                ? lset_keep(ls, l, n->binary.labels, n->binary.n_labels)
                : lset_drop(ls, l, n->binary.labels, n->binary.n_labels, true));
}

static struct lset **
signatures(struct joining *j, const struct vector *v)
{
    struct lset **s =
        arena_alloc(&j->ev->e->arena, (v->n + 1) * sizeof(struct lset *));
    for (uint32_t i = 0; s != NULL && i < v->n; i++) {
        s[i] = signature(j, v->labels[i]);
        if (s[i] == NULL)
            s = NULL;
    }
    return s;
}

static bool
key_eq(const void *ctx, uint32_t index)
{
    const void *const *c = ctx;
    const struct joining *j = c[0];
    return j->keys[index] == c[1];
}

static uint32_t
find_key(const struct joining *j, const struct lset *sig)
{
    const void *ctx[2] = {j, sig};
    return table_find(&j->table, sig->hash, key_eq, ctx);
}

static int
error_duplicate(struct joining *j, const char *side, const struct vector *v,
                uint32_t a, uint32_t b, const struct lset *sig)
{
    AUTO_FINI(buf) t = BUF_INIT(64 << 10);
    struct labels *ls = j->ev->e->labels;
    if (lset_cmp(ls, v->labels[a], v->labels[b]) > 0) {
        uint32_t c = a;
        a = b;
        b = c;
    }
    (void)lset_print(ls, sig, &t);
    (void)buf_printf(&t, " on the %s hand-side of the operation: [", side);
    (void)lset_print(ls, v->labels[a], &t);
    (void)buf_append_str(&t, ", ");
    (void)lset_print(ls, v->labels[b], &t);
    return err_set(j->ev->err, -EINVAL,
                   "found duplicate series for the match group %s];"
                   "many-to-many matching not allowed: matching labels must "
                   "be unique on one side",
                   buf_str(&t));
}

/* Indexes the side where each signature stands once. */
static int
index_one(struct joining *j, const struct vector *v, struct lset **sigs,
          const char *side)
{
    j->keys = sigs;
    for (uint32_t i = 0; i < v->n; i++) {
        uint32_t k = find_key(j, sigs[i]);
        if (k != TABLE_NONE)
            return error_duplicate(j, side, v, k, i, sigs[i]);
        if (table_insert(&j->table, sigs[i]->hash, i) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* Labels of a result: those of the many side (or the left), as the matching
 * says, with the included ones of the other. */
static struct lset *
result_labels(struct joining *j, struct lset *many, struct lset *one)
{
    struct labels *ls = j->ev->e->labels;
    const struct node *n = j->n;
    struct lset *l = lset_ref(many);
    if (n->binary.card == CARD_ONE_TO_ONE) {
        lset_unref(ls, l);
        l = n->binary.on
                ? lset_keep(ls, many, n->binary.labels, n->binary.n_labels)
                : lset_drop(ls, many, n->binary.labels, n->binary.n_labels,
                            false);
    }
    if (l != NULL && drops_name(n)) {
        struct lset *m = lset_drop(ls, l, NULL, 0, true);
        lset_unref(ls, l);
        l = m;
    }
    for (uint32_t i = 0; l != NULL && i < n->binary.n_include; i++) {
        uint32_t name = n->binary.include[i], v = lset_value(one, name);
        struct lset *m =
            lset_set(ls, l, name, v == 0 ? SLICE("") : labels_str(ls, v));
        lset_unref(ls, l);
        l = m;
    }
    return lset_pool(ls, l);
}

/* Pairs each of the many side with the one side's. */
static int
join_many(struct joining *j, bool many_left, struct vector *out)
{
    const struct vector *many = many_left ? j->left : j->right;
    const struct vector *one = many_left ? j->right : j->left;
    struct lset **sigs = many_left ? j->left_sig : j->right_sig;
    bool one_to_one = j->n->binary.card == CARD_ONE_TO_ONE;
    uint32_t *taken = arena_calloc(&j->ev->e->arena, one->n + 1, 1);
    if (taken == NULL)
        return -ENOMEM;
    uint8_t *used = (uint8_t *)taken;
    for (uint32_t i = 0; i < many->n; i++) {
        uint32_t k = find_key(j, sigs[i]);
        if (k == TABLE_NONE)
            continue;
        double l = many_left ? many->values[i] : one->values[k];
        double r = many_left ? one->values[k] : many->values[i];
        double v;
        if (!pair_value(j->n, l, r, l, &v))
            continue;
        if (one_to_one && used[k])
            return err_set(j->ev->err, -EINVAL,
                           "multiple matches for labels: many-to-one matching "
                           "must be explicit (group_left/group_right)");
        used[k] = 1;
        out->labels[out->n] = result_labels(j, many->labels[i], one->labels[k]);
        out->values[out->n] = v;
        if (out->labels[out->n++] == NULL)
            return -ENOMEM;
    }
    return 0;
}

static int
check_grouped(struct joining *j, const struct vector *out)
{
    int e = vector_check_unique(j->ev, out);
    if (e != -EINVAL || j->n->binary.card == CARD_ONE_TO_ONE)
        return e;
    if (j->ev->err != NULL)
        err_clear(j->ev->err);
    return err_set(j->ev->err, -EINVAL,
                   "multiple matches for labels: grouping labels must ensure "
                   "unique matches");
}

static int
join_arithmetic(struct joining *j, struct value *ret)
{
    bool many_left = j->n->binary.card != CARD_ONE_TO_MANY;
    const struct vector *one = many_left ? j->right : j->left;
    int e = index_one(j, one, many_left ? j->right_sig : j->left_sig,
                      many_left ? "right" : "left");
    if (e == 0)
        e = vector_make(j->ev, j->left->n + j->right->n, &ret->vec);
    if (e == 0)
        e = join_many(j, many_left, &ret->vec);
    return e < 0 ? e : check_grouped(j, &ret->vec);
}

/* and, or, unless: samples pass as they are. */
static int
join_set(struct joining *j, struct value *ret)
{
    enum binary_op op = j->n->binary.op;
    bool is_or = op == BIN_OR;
    const struct vector *v = is_or ? j->left : j->right;
    struct vector *out = &ret->vec;
    j->keys = is_or ? j->left_sig : j->right_sig;
    for (uint32_t i = 0; i < v->n; i++) {
        if (find_key(j, j->keys[i]) == TABLE_NONE &&
            table_insert(&j->table, j->keys[i]->hash, i) < 0)
            return -ENOMEM;
    }
    if (vector_make(j->ev, j->left->n + j->right->n, out) < 0)
        return -ENOMEM;
    for (uint32_t i = 0; i < j->left->n; i++) {
        if (!is_or &&
            (find_key(j, j->left_sig[i]) != TABLE_NONE) != (op == BIN_AND))
            continue;
        out->labels[out->n] = j->left->labels[i];
        out->values[out->n++] = j->left->values[i];
    }
    for (uint32_t i = 0; is_or && i < j->right->n; i++) {
        if (find_key(j, j->right_sig[i]) != TABLE_NONE)
            continue;
        out->labels[out->n] = j->right->labels[i];
        out->values[out->n++] = j->right->values[i];
    }
    out->ordered = !is_or && j->left->ordered;
    return 0;
}

static int
two_vectors(struct eval *ev, struct node *n, const struct vector *a,
            const struct vector *b, struct value *ret)
{
    struct joining j = {.ev = ev, .n = n, .left = a, .right = b};
    j.left_sig = signatures(&j, a);
    j.right_sig = signatures(&j, b);
    if (j.left_sig == NULL || j.right_sig == NULL)
        return -ENOMEM;
    table_init(&j.table, UINT32_MAX / 2);
    int e = binary_is_set(n->binary.op) ? join_set(&j, ret)
                                        : join_arithmetic(&j, ret);
    table_fini(&j.table);
    return e;
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
        return two_vectors(ev, n, &a->vec, &b->vec, ret);
    if (va)
        return vector_scalar(ev, n, &a->vec, b->scalar, false, ret);
    if (vb)
        return vector_scalar(ev, n, &b->vec, a->scalar, true, ret);
    ret->scalar = compute(n->binary.op, a->scalar, b->scalar);
    return 0;
}
