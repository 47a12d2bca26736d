/* SPDX-License-Identifier: Apache-2.0 */
/* eval.c - the value of a node at a time.
 *
 * A node's value is kept for the slot, so that the rules of all groups that
 * share it pay once.  Vectors live in the engine's arena until the slot is
 * done; label sets that are made on the way are pooled until then. */
#include "config.h"

#include <stdlib.h>

#include "core/base/buf.h"
#include "core/engine/engine_priv.h"
#include "core/engine/keys.h"
#include "core/engine/matrix.h"
#include "core/engine/staged.h"
#include "core/engine/stretch.h"

/* --- vectors ------------------------------------------------------------ */

int
vector_make(struct eval *ev, uint32_t n, struct vector *ret)
{
    struct arena *a = &ev->e->arena;
    ret->labels = arena_alloc(a, ((size_t)n + 1) * sizeof *ret->labels);
    ret->values = arena_alloc(a, ((size_t)n + 1) * sizeof *ret->values);
    ret->unnamed = arena_alloc(a, ((size_t)n + 1) * sizeof *ret->unnamed);
    ret->n = 0;
    ret->ordered = false;
    return !ret->labels || !ret->values || !ret->unnamed ? -ENOMEM : 0;
}

static int
labels_cmp(const void *a, const void *b)
{
    struct lset *const *x = a, *const *y = b;
    return ((uintptr_t)*x > (uintptr_t)*y) - ((uintptr_t)*x < (uintptr_t)*y);
}

int
vector_check_unique(struct eval *ev, const struct vector *v)
{
    if (v->n < 2)
        return 0;
    struct lset **copy = arena_alloc(&ev->e->arena, v->n * sizeof *copy);
    if (copy == NULL)
        return -ENOMEM;
    memcpy(copy, v->labels, v->n * sizeof *copy);
    qsort(copy, v->n, sizeof *copy, labels_cmp);
    for (uint32_t i = 1; i < v->n; i++) {
        if (copy[i] == copy[i - 1])
            return err_set(ev->err, -EINVAL,
                           "vector cannot contain metrics with the same "
                           "labelset");
    }
    return 0;
}

struct pair {
    struct lset *l;
    double v;
    bool unnamed;
};

static int
pair_cmp(const void *a, const void *b, void *arg)
{
    const struct pair *x = a, *y = b;
    return lset_cmp(arg, x->l, y->l);
}

int
vector_sort(struct eval *ev, const struct vector *v, struct vector *ret)
{
    if (v->ordered || v->n < 2) {
        *ret = *v;
        return 0;
    }
    struct pair *p = arena_alloc(&ev->e->arena, v->n * sizeof *p);
    struct vector out;
    if (p == NULL || vector_make(ev, v->n, &out) < 0)
        return -ENOMEM;
    for (uint32_t i = 0; i < v->n; i++)
        p[i] = (struct pair){v->labels[i], v->values[i], v->unnamed[i]};
    qsort_r(p, v->n, sizeof *p, pair_cmp, ev->e->labels);
    for (uint32_t i = 0; i < v->n; i++)
        vector_push(&out, p[i].l, p[i].v, p[i].unnamed);
    out.ordered = true;
    *ret = out;
    return 0;
}

/* --- leaves ------------------------------------------------------------- */

static int
eval_no_events(struct eval *ev, struct node *n, unsigned pos, struct value *ret)
{
    uint32_t cursor = 0, entry, count;
    if (vector_make(ev, 1, &ret->vec) < 0)
        return -ENOMEM;
    if (!window_next(n->events.window, pos, 1, &cursor, &entry, &count))
        vector_push(&ret->vec, n->absent_labels, 1, false);
    ret->vec.ordered = true;
    return 0;
}

int
eval_events(struct eval *ev, struct node *n, uint32_t need, struct value *ret)
{
    struct window *w = n->events.window;
    struct sink *s = plan_sink(ev->e->plan, window_node(w));
    unsigned pos = sink_position(s, ev->rule->set);
    if (s->errors.n > 0 && staged_check(ev, s) < 0)
        return -EINVAL;
    window_seek(w, pos, ev->t);
    if (n->events.absent)
        return eval_no_events(ev, n, pos, ret);
    /* Mostly few reach a limit; how many isn't known before. */
    VEC(uint32_t) found = {0};
    uint32_t cursor = 0, entry, count;
    int e = 0;
    while (e == 0 && window_next(w, pos, need, &cursor, &entry, &count)) {
        e = vec_push(&found, entry);
        if (e == 0)
            e = vec_push(&found, count);
    }
    if (e == 0)
        e = vector_make(ev, found.n / 2, &ret->vec);
    for (uint32_t i = 0; e == 0 && i < found.n; i += 2) {
        struct lset *l = keyset_labels(s->ks, window_key(w, found.p[i]));
        vector_push(&ret->vec, l, events_value(n, found.p[i + 1]), false);
        if (l == NULL)
            e = -ENOMEM;
    }
    vec_free(&found);
    return e;
}

/* The sample of the i-th series that counts at 'ms'. */
static bool
select_sample(struct eval *ev, const struct node *n, uint32_t i, int64_t ms,
              struct sample *ret)
{
    struct seriesdb *db = ev->e->series;
    uint32_t view = (uint32_t)n->select.view;
    int64_t back = ev->lookback_us / 1000;
    const struct sample *s;
    if (n->select.extend != EXTEND_SMOOTHED)
        return view_newest(db, view, i, ms - back, ms, ret);
    uint32_t count = view_samples(db, view, i, ms - back, ms + back, &s);
    ret->ms = ms;
    return smoothed_at(s, count, ms, &ret->v) && !value_is_stale(ret->v);
}

static int
eval_select(struct eval *ev, struct node *n, struct value *ret)
{
    struct seriesdb *db = ev->e->series;
    uint32_t view = (uint32_t)n->select.view, count = view_count(db, view);
    struct vector *v = &ret->vec;
    usec_t t;
    int e = eval_moment(ev, n->select.mod, &t);
    if (e == 0)
        e = vector_make(ev, count, v);
    if (e < 0)
        return e;
    int64_t to = ms_of(t);
    if (n->select.previous) /* what the rules behind have not made yet */
        to = MIN(to, ev->bounds.end / 1000 - 1);
    for (uint32_t i = 0; i < count; i++) {
        struct sample x;
        if (!select_sample(ev, n, i, to, &x))
            continue;
        bool time = n->select.timestamp;
        vector_push(v, view_labels(db, view, i),
                    time ? (double)x.ms / 1000 : x.v, time);
    }
    v->ordered = true;
    return 0;
}

static int
eval_negate(struct eval *ev, struct node *n, struct value *ret)
{
    const struct value *a;
    int e = eval_node(ev, n->args[0], &a);
    if (e < 0)
        return e;
    ret->scalar = -a->scalar;
    if (a->type != LANG_VECTOR)
        return 0;
    if (vector_make(ev, a->vec.n, &ret->vec) < 0)
        return -ENOMEM;
    for (uint32_t i = 0; i < a->vec.n; i++)
        vector_push(&ret->vec, a->vec.labels[i], -a->vec.values[i], true);
    ret->vec.ordered = a->vec.ordered;
    return 0;
}

/* --- nodes -------------------------------------------------------------- */

static int
eval_kind(struct eval *ev, struct node *n, struct value *ret)
{
    switch (n->kind) {
    case NODE_NUMBER:
        ret->scalar = n->number;
        return 0;
    case NODE_STRING:
        ret->string = n->string;
        return 0;
    case NODE_EVENTS:
        return eval_events(ev, n, 1, ret);
    case NODE_VALUES:
        return eval_values(ev, n, ret);
    case NODE_SELECT:
        return eval_select(ev, n, ret);
    case NODE_RANGE:
        return eval_range(ev, n, ret);
    case NODE_CALL:
        return eval_call(ev, n, ret);
    case NODE_AGGREGATE:
        return eval_aggregate(ev, n, ret);
    case NODE_BINARY:
        return eval_binary(ev, n, ret);
    case NODE_NEGATE:
        return eval_negate(ev, n, ret);
    }
    return -EINVAL;
}

/* A value stays as it is while the node is evaluated at other times, by a
 * subquery beside its reader. */
int
eval_node(struct eval *ev, struct node *n, const struct value **ret)
{
    if (n->serial == ev->serial && n->at == ev->t && n->error != -EINVAL) {
        *ret = n->value;
        return n->error;
    }
    /* An error's message went to the first that asked: ask once more. */
    struct value *v = arena_new(&ev->e->arena, struct value);
    if (v == NULL)
        return -ENOMEM;
    v->type = n->type;
    n->error = eval_kind(ev, n, v);
    n->value = v;
    n->serial = ev->serial;
    n->at = ev->t;
    *ret = v;
    return n->error;
}

uint64_t
eval_serial(struct engine *e)
{
    return UINT64_C(1) << 63 | ++e->inner;
}

static bool
any_unnamed(const struct vector *v)
{
    for (uint32_t i = 0; i < v->n; i++) {
        if (v->unnamed[i])
            return true;
    }
    return false;
}

int
eval_root(struct eval *ev, struct node *root, const struct value **ret)
{
    const struct value *v;
    int e = eval_node(ev, root, &v);
    if (e < 0 || v->type != LANG_VECTOR || !any_unnamed(&v->vec)) {
        *ret = v;
        return e;
    }
    struct value *bare = arena_new(&ev->e->arena, struct value);
    if (bare == NULL || vector_make(ev, v->vec.n, &bare->vec) < 0)
        return -ENOMEM;
    bare->type = LANG_VECTOR;
    for (uint32_t i = 0; i < v->vec.n; i++) {
        struct lset *l = v->vec.labels[i];
        if (v->vec.unnamed[i])
            l = lset_bare(ev->e->labels, l);
        if (l == NULL)
            return -ENOMEM;
        vector_push(&bare->vec, l, v->vec.values[i], false);
    }
    *ret = bare;
    return vector_check_unique(ev, &bare->vec);
}

struct eval
eval_of_rule(struct engine *e, struct rule *r, usec_t slot, struct err *err)
{
    usec_t t = slot - r->def->offset_us;
    e->steps_left = EVAL_STEPS_MAX;
    return (struct eval){.e = e,
                         .rule = r,
                         .t = t,
                         .serial = e->serial,
                         .err = err,
                         .bounds = {t, t, 0},
                         .lookback_us = LOOKBACK_US,
                         .steps = &e->steps_left,
                         .step_default_us =
                             e->plan->book->set.evaluation_interval_us};
}
