/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/matrix.h"

#include <stdlib.h>

#include "core/base/table.h"
#include "core/engine/engine_priv.h"
#include "core/lang/query.h"

/* So far away that a range more is still a time. */
#define TIME_LEAST (INT64_MIN / 2)

/* --- times --------------------------------------------------------------- */

int
eval_moment(struct eval *ev, const struct modifiers *m, usec_t *ret)
{
    usec_t t = ev->t, offset = m->offset.us;
    if (m->at == AT_TIME)
        t = m->at_us;
    else if (m->at == AT_START)
        t = ev->bounds.start;
    else if (m->at == AT_END)
        t = ev->bounds.end;
    if (m->offset.expr != NULL) {
        int e = lang_duration_eval(&m->offset, &ev->bounds, false, &offset,
                                   ev->err);
        if (e < 0)
            return e;
    }
    if (__builtin_sub_overflow(t, offset, ret) || *ret < TIME_LEAST ||
        *ret > -TIME_LEAST)
        return err_set(ev->err, -EINVAL, "time out of range");
    return 0;
}

static int
span_of(struct eval *ev, const struct lang_duration *d, usec_t *ret)
{
    *ret = d->us;
    return d->expr == NULL
               ? 0
               : lang_duration_eval(d, &ev->bounds, true, ret, ev->err);
}

/* --- subqueries ---------------------------------------------------------- */

/* One series of a subquery's samples. */
struct strand {
    struct lset *labels;
    bool unnamed;
    uint32_t n;
    struct sample *s;
};

struct point {
    uint32_t strand;
    struct sample s;
};

/* What the steps find is kept here: their own memory is released. */
struct subquery {
    struct eval *ev;
    struct table table; /* strands by labels */
    VEC(struct strand) strands;
    VEC(struct point) points; /* by time */
};

static bool
strand_eq(const void *ctx, uint32_t index)
{
    const void *const *c = ctx;
    const struct subquery *q = c[0];
    return q->strands.p[index].labels == c[1];
}

static int
point_add(struct subquery *q, struct lset *l, bool unnamed, struct sample s)
{
    const void *ctx[2] = {q, l};
    uint32_t k = table_find(&q->table, l->hash, strand_eq, ctx);
    if (k == TABLE_NONE) {
        k = q->strands.n;
        if (vec_push(&q->strands, ((struct strand){.labels = l})) < 0)
            return -ENOMEM;
        (void)lset_ref(l);
        if (table_insert(&q->table, l->hash, k) < 0)
            return -ENOMEM;
    }
    q->strands.p[k].unnamed |= unnamed;
    q->strands.p[k].n++;
    return vec_push(&q->points, ((struct point){k, s}));
}

static int
subquery_step(struct subquery *q, struct node *asked, int64_t ms)
{
    struct engine *e = q->ev->e;
    struct eval ev = *q->ev;
    const struct value *v;
    if (*ev.steps == 0)
        return err_set(ev.err, -EINVAL,
                       "subqueries of more than %u steps, all together: make "
                       "their steps longer or their ranges shorter",
                       EVAL_STEPS_MAX);
    --*ev.steps;
    ev.t = ms * 1000;
    ev.serial = eval_serial(e);
    struct arena_mark mark = arena_mark(&e->arena);
    int r = eval_node(&ev, asked, &v);
    for (uint32_t i = 0; r == 0 && i < v->vec.n; i++)
        r = point_add(q, v->vec.labels[i], v->vec.unnamed[i],
                      (struct sample){ms, v->vec.values[i]});
    arena_release(&e->arena, mark);
    return r;
}

static int
strand_order(const void *a, const void *b, void *arg)
{
    const struct strand *x = a, *y = b;
    return lset_cmp(arg, x->labels, y->labels);
}

/* Moves what was found into the evaluation's arena, in order. */
static int
subquery_end(struct subquery *q, struct matrix *m)
{
    struct arena *a = &q->ev->e->arena;
    uint32_t n = q->strands.n;
    struct strand *strands = arena_alloc(a, (n + 1) * sizeof *strands);
    struct sample **at = arena_alloc(a, (n + 1) * sizeof *at);
    struct sample *all = arena_alloc(a, (q->points.n + 1) * sizeof *all);
    if (strands == NULL || at == NULL || all == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++) {
        strands[i] = q->strands.p[i];
        strands[i].s = at[i] = all;
        all += strands[i].n;
    }
    for (uint32_t i = 0; i < q->points.n; i++)
        *at[q->points.p[i].strand]++ = q->points.p[i].s;
    qsort_r(strands, n, sizeof *strands, strand_order, q->ev->e->labels);
    m->strands = strands;
    m->n = n;
    return 0;
}

/* The label sets live as long as the evaluation. */
static int
subquery_fini(struct subquery *q)
{
    int e = 0;
    for (uint32_t i = 0; i < q->strands.n; i++) {
        if (lset_pool(q->ev->e->labels, q->strands.p[i].labels) == NULL)
            e = -ENOMEM;
    }
    table_fini(&q->table);
    vec_free(&q->strands);
    vec_free(&q->points);
    return e;
}

/* Evaluates what the subquery asks at the multiples of its step. */
static int
subquery_run(struct eval *ev, struct node *n, struct matrix *m)
{
    usec_t us = ev->step_default_us;
    int e = 0;
    if (n->select.step != NULL && n->select.step->present)
        e = span_of(ev, n->select.step, &us);
    int64_t step = MAX(us / 1000, (int64_t)1);
    int64_t t = m->start_ms - m->start_ms % step;
    struct subquery q = {.ev = ev};
    table_init(&q.table, UINT32_MAX / 2);
    if (t <= m->start_ms)
        t += step;
    for (; e == 0 && t <= m->end_ms; t += step)
        e = subquery_step(&q, n->select.sub, t);
    if (e == 0)
        e = subquery_end(&q, m);
    int f = subquery_fini(&q);
    return e < 0 ? e : f;
}

/* --- matrices ------------------------------------------------------------ */

int
matrix_open(struct eval *ev, struct node *n, struct matrix *ret)
{
    usec_t end, range;
    int e = eval_moment(ev, n->select.mod, &end);
    if (e == 0)
        e = span_of(ev, n->select.range, &range);
    if (e < 0)
        return e;
    *ret = (struct matrix){.end_ms = ms_of(end),
                           .previous = n->select.previous,
                           .range_us = range,
                           .ev = ev,
                           .view = (uint32_t)n->select.view};
    ret->start_ms = ret->from_ms = ret->end_ms - range / 1000;
    ret->to_ms = ret->end_ms;
    if (n->select.extend != EXTEND_NONE)
        ret->from_ms -= ev->lookback_us / 1000;
    if (n->select.extend == EXTEND_SMOOTHED)
        ret->to_ms += ev->lookback_us / 1000;
    if (n->select.sub == NULL) {
        ret->n = view_count(ev->e->series, ret->view);
        return 0;
    }
    return subquery_run(ev, n, ret);
}

/* Leaves out stale markers; mostly there are none and nothing is copied. */
static int64_t
without_stale(struct arena *a, const struct sample **s, uint32_t n)
{
    uint32_t stale = 0, kept = 0;
    for (uint32_t i = 0; i < n; i++)
        stale += value_is_stale((*s)[i].v);
    if (stale == 0)
        return n;
    struct sample *p = arena_alloc(a, (n - stale + 1) * sizeof *p);
    if (p == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++) {
        if (!value_is_stale((*s)[i].v))
            p[kept++] = (*s)[i];
    }
    *s = p;
    return kept;
}

int64_t
matrix_get(const struct matrix *m, uint32_t i, const struct sample **ret,
           struct lset **ret_labels, bool *ret_unnamed)
{
    if (m->strands != NULL) {
        const struct strand *s = &m->strands[i];
        *ret = s->s;
        *ret_labels = s->labels;
        *ret_unnamed = s->unnamed;
        return s->n;
    }
    struct seriesdb *db = m->ev->e->series;
    int64_t to = m->to_ms;
    if (m->previous) /* what the rules behind have not made yet */
        to = MIN(to, m->ev->bounds.end / 1000 - 1);
    uint32_t n = view_samples(db, m->view, i, m->from_ms, to, ret);
    *ret_labels = view_labels(db, m->view, i);
    *ret_unnamed = false;
    return without_stale(&m->ev->e->arena, ret, n);
}
