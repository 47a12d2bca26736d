/* SPDX-License-Identifier: Apache-2.0 */
/* match.c - pairs the samples of two vectors by their signatures: the labels
 * that "on" lists, or all but the name and those that "ignoring" lists. */
#include "config.h"

#include "core/engine/match.h"

#include <stdlib.h>

#include "core/base/buf.h"
#include "core/base/table.h"
#include "core/engine/memo.h"

/* One sample; 'sig' is what it is matched by. */
struct side {
    const struct vector *v;
    struct lset **sigs;
};

/* A pair that was made: what it may be made of once only. */
struct made {
    const struct lset *sig, *labels;
};

struct joining {
    struct eval *ev;
    struct node *n;
    struct side left, right;
    struct side many, one; /* the same; one-to-one: left, right */
    struct table table;    /* signature → the first of 'keys' with it */
    struct lset **keys;
    bool swapped; /* group_right: the many side is the right one */
    struct vector *out;
    struct made *made;
    uint32_t n_made;
};

/* --- signatures --------------------------------------------------------- */

static struct lset *
signature_make(struct joining *j, struct lset *l)
{
    struct labels *ls = j->ev->e->labels;
    const struct node *n = j->n;
    return n->binary.on
               ? lset_keep(ls, l, n->binary.labels, n->binary.n_labels)
               : lset_drop(ls, l, n->binary.labels, n->binary.n_labels, true);
}

static int
side_init(struct joining *j, const struct vector *v, struct side *ret)
{
    struct memo *memo = j->n->memo;
    struct lset **s = arena_alloc(&j->ev->e->arena, (v->n + 1) * sizeof *s);
    if (s == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < v->n; i++) {
        struct lset *l = v->labels[i];
        s[i] = memo_get(memo, l, MEMO_MATCH);
        if (s[i] == NULL)
            s[i] = memo_put(memo, j->ev->e->labels, l, MEMO_MATCH,
                            signature_make(j, l));
        if (s[i] == NULL)
            return -ENOMEM;
    }
    *ret = (struct side){v, s};
    return 0;
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

/* --- errors ------------------------------------------------------------- */

static int
error_duplicate(struct joining *j, const struct vector *v, uint32_t a,
                uint32_t b, const struct lset *sig)
{
    AUTO_FINI(buf) t = BUF_INIT(64 << 10);
    struct labels *ls = j->ev->e->labels;
    if (lset_cmp(ls, v->labels[a], v->labels[b]) > 0) {
        uint32_t c = a;
        a = b;
        b = c;
    }
    (void)lset_print(ls, sig, &t);
    (void)buf_printf(&t, " on the %s hand-side of the operation: [",
                     j->swapped ? "left" : "right");
    (void)lset_print(ls, v->labels[a], &t);
    (void)buf_append_str(&t, ", ");
    (void)lset_print(ls, v->labels[b], &t);
    return err_set(j->ev->err, -EINVAL,
                   "found duplicate series for the match group %s];"
                   "many-to-many matching not allowed: matching labels must "
                   "be unique on one side",
                   buf_str(&t));
}

static int
error_many(struct joining *j)
{
    return err_set(j->ev->err, -EINVAL,
                   "multiple matches for labels: many-to-one matching must be "
                   "explicit (group_left/group_right)");
}

static int
made_order(const void *a, const void *b)
{
    const struct made *x = a, *y = b;
    if (x->sig != y->sig)
        return (uintptr_t)x->sig < (uintptr_t)y->sig ? -1 : 1;
    return ((uintptr_t)x->labels > (uintptr_t)y->labels) -
           ((uintptr_t)x->labels < (uintptr_t)y->labels);
}

/* A group's results must differ; without groups there is one a signature. */
static int
check_made(struct joining *j)
{
    bool groups = j->n->binary.card != CARD_ONE_TO_ONE;
    if (j->n_made < 2)
        return 0;
    qsort(j->made, j->n_made, sizeof *j->made, made_order);
    for (uint32_t i = 1; i < j->n_made; i++) {
        const struct made *a = &j->made[i - 1], *b = &j->made[i];
        if (a->sig != b->sig || (groups && a->labels != b->labels))
            continue;
        return !groups ? error_many(j)
                       : err_set(j->ev->err, -EINVAL,
                                 "multiple matches for labels: grouping "
                                 "labels must ensure unique matches");
    }
    return 0;
}

/* --- arithmetic and comparisons ----------------------------------------- */

/* Indexes the side where each signature stands once. */
static int
index_one(struct joining *j)
{
    j->keys = j->one.sigs;
    for (uint32_t i = 0; i < j->one.v->n; i++) {
        uint32_t k = find_key(j, j->keys[i]);
        if (k != TABLE_NONE)
            return error_duplicate(j, j->one.v, k, i, j->keys[i]);
        if (table_insert(&j->table, j->keys[i]->hash, i) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* With the labels that the clause includes from the other side; takes the
 * reference of 'l', which may be NULL. */
static struct lset *
include_labels(struct joining *j, struct lset *l, const struct lset *one)
{
    struct labels *ls = j->ev->e->labels;
    for (uint32_t i = 0; l != NULL && i < j->n->binary.n_include; i++) {
        uint32_t name = j->n->binary.include[i], v = lset_value(one, name);
        struct lset *m =
            lset_set(ls, l, name, v == 0 ? SLICE("") : labels_str(ls, v));
        lset_unref(ls, l);
        l = m;
    }
    return l;
}

/* Those of the many side (or the left), as the matching says. */
static struct lset *
result_make(struct joining *j, struct lset *many)
{
    struct labels *ls = j->ev->e->labels;
    const struct node *n = j->n;
    if (!binary_is_comparison(n->binary.op))
        many = lset_bare(ls, many);
    if (many == NULL)
        return NULL;
    if (n->binary.card != CARD_ONE_TO_ONE)
        return lset_ref(many);
    return n->binary.on
               ? lset_keep(ls, many, n->binary.labels, n->binary.n_labels)
               : lset_drop(ls, many, n->binary.labels, n->binary.n_labels,
                           false);
}

static struct lset *
result_labels(struct joining *j, struct lset *many, const struct lset *one)
{
    struct labels *ls = j->ev->e->labels;
    struct lset *l = memo_get(j->n->memo, many, MEMO_RESULT);
    if (l == NULL)
        l = memo_put(j->n->memo, ls, many, MEMO_RESULT, result_make(j, many));
    if (l == NULL || j->n->binary.n_include == 0)
        return l;
    return lset_pool(ls, include_labels(j, lset_ref(l), one));
}

/* One sample of a pair: of a vector, or filled in. */
struct half {
    struct lset *labels;
    double v;
    bool unnamed;
};

static struct half
half_of(const struct vector *v, uint32_t i)
{
    return (struct half){v->labels[i], v->values[i], v->unnamed[i]};
}

static int
join_pair(struct joining *j, struct half many, struct half one,
          const struct lset *sig, bool may_repeat)
{
    struct lset *l = result_labels(j, many.labels, one.labels);
    if (l == NULL)
        return -ENOMEM;
    if (may_repeat)
        j->made[j->n_made++] = (struct made){sig, l};
    double a = j->swapped ? one.v : many.v, b = j->swapped ? many.v : one.v;
    double x;
    if (pair_value(j->n, a, b, a, &x))
        vector_push(j->out, l, x, many.unnamed || j->n->binary.is_bool);
    return 0;
}

/* Each of the many side with the one side's, or with what fills it.  'used'
 * tells which of the one side were. */
static int
join_many(struct joining *j, const double *fill, bool *used)
{
    bool one_to_one = j->n->binary.card == CARD_ONE_TO_ONE;
    for (uint32_t i = 0; i < j->many.v->n; i++) {
        struct lset *sig = j->many.sigs[i];
        uint32_t k = find_key(j, sig);
        bool found = k != TABLE_NONE;
        if (!found && fill == NULL)
            continue;
        if (found && one_to_one && used[k])
            return error_many(j);
        if (found)
            used[k] = true;
        struct half one =
            found ? half_of(j->one.v, k) : (struct half){sig, *fill, false};
        if (join_pair(j, half_of(j->many.v, i), one, sig,
                      !found || !one_to_one) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* What nothing of the many side met. */
static int
join_rest(struct joining *j, double fill, const bool *used)
{
    for (uint32_t i = 0; i < j->one.v->n; i++) {
        struct lset *sig = j->one.sigs[i];
        if (!used[i] && join_pair(j, (struct half){sig, fill, false},
                                  half_of(j->one.v, i), sig, false) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* group_right turns the sides around but not what fills them: as Prometheus
 * does, fill_left() is then for the right side. */
static int
join_arithmetic(struct joining *j, struct value *ret)
{
    const double *fill_many = j->n->binary.fill[0];
    const double *fill_one = j->n->binary.fill[1];
    uint32_t n_left = j->left.v->n, n_right = j->right.v->n;
    struct arena *a = &j->ev->e->arena;
    j->out = &ret->vec;
    j->swapped = j->n->binary.card == CARD_ONE_TO_MANY;
    j->many = j->swapped ? j->right : j->left;
    j->one = j->swapped ? j->left : j->right;
    if (vector_make(j->ev, n_left + n_right, j->out) < 0)
        return -ENOMEM;
    if ((n_left == 0 || n_right == 0) && !fill_many && !fill_one)
        return 0;
    bool *used = arena_calloc(a, j->one.v->n + 1, sizeof *used);
    j->made = arena_alloc(a, (j->many.v->n + 1) * sizeof *j->made);
    if (used == NULL || j->made == NULL)
        return -ENOMEM;
    int e = index_one(j);
    if (e == 0)
        e = join_many(j, fill_one, used);
    if (e == 0)
        e = check_made(j);
    if (e == 0 && fill_many != NULL)
        e = join_rest(j, *fill_many, used);
    return e;
}

/* --- and, or, unless ---------------------------------------------------- */

/* Samples pass as they are. */
static int
join_set(struct joining *j, struct value *ret)
{
    enum binary_op op = j->n->binary.op;
    bool is_or = op == BIN_OR;
    const struct vector *l = j->left.v, *r = j->right.v;
    const struct side *s = is_or ? &j->left : &j->right;
    struct vector *out = &ret->vec;
    j->keys = s->sigs;
    for (uint32_t i = 0; i < s->v->n; i++) {
        if (find_key(j, j->keys[i]) == TABLE_NONE &&
            table_insert(&j->table, j->keys[i]->hash, i) < 0)
            return -ENOMEM;
    }
    if (vector_make(j->ev, l->n + r->n, out) < 0)
        return -ENOMEM;
    for (uint32_t i = 0; i < l->n; i++) {
        if (is_or ||
            (find_key(j, j->left.sigs[i]) != TABLE_NONE) == (op == BIN_AND))
            vector_push(out, l->labels[i], l->values[i], l->unnamed[i]);
    }
    for (uint32_t i = 0; is_or && i < r->n; i++) {
        if (find_key(j, j->right.sigs[i]) == TABLE_NONE)
            vector_push(out, r->labels[i], r->values[i], r->unnamed[i]);
    }
    out->ordered = !is_or && l->ordered;
    return 0;
}

int
match_vectors(struct eval *ev, struct node *n, const struct vector *left,
              const struct vector *right, struct value *ret)
{
    struct joining j = {.ev = ev, .n = n};
    int e = memo_ready(&n->memo, ev->e->labels, 2 * (left->n + right->n));
    if (e == 0)
        e = side_init(&j, left, &j.left);
    if (e == 0)
        e = side_init(&j, right, &j.right);
    if (e < 0)
        return e;
    table_init(&j.table, UINT32_MAX / 2);
    e = binary_is_set(n->binary.op) ? join_set(&j, ret)
                                    : join_arithmetic(&j, ret);
    table_fini(&j.table);
    return e;
}
