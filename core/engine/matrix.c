/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/matrix.h"

#include "core/base/hash.h"
#include "core/engine/engine_priv.h"
#include "core/lang/query.h"

#define STEPS_MAX 100000

/* --- times --------------------------------------------------------------- */

static int64_t
ms_of(usec_t t)
{
    return t / 1000 - (t % 1000 < 0);
}

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
    int e = 0;
    if (m->offset.expr != NULL)
        e = lang_duration_eval(&m->offset, &ev->bounds, false, &offset,
                               ev->err);
    if (e == 0)
        *ret = t - offset;
    return e;
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

struct strand {
    struct lset *labels;
    bool unnamed;
    uint32_t n, cap;
    struct sample *s;
};

/* Found by their labels, in the order of their first sample. */
struct strands {
    uint32_t n, cap;
    struct strand *p;
    uint32_t *slots; /* index + 1, open addressing */
    uint32_t mask;
};

static int
strands_grow(struct strands *st, struct arena *a)
{
    uint32_t cap = MAX(st->cap * 2, 16u), size = cap * 2;
    struct strand *p = arena_alloc(a, cap * sizeof *p);
    uint32_t *slots = arena_alloc(a, size * sizeof *slots);
    if (p == NULL || slots == NULL)
        return -ENOMEM;
    if (st->n > 0)
        memcpy(p, st->p, st->n * sizeof *p);
    memset(slots, 0, size * sizeof *slots);
    for (uint32_t i = 0; i < st->n; i++) {
        uint32_t at = (uint32_t)p[i].labels->hash & (size - 1);
        while (slots[at] != 0)
            at = (at + 1) & (size - 1);
        slots[at] = i + 1;
    }
    st->p = p;
    st->cap = cap;
    st->slots = slots;
    st->mask = size - 1;
    return 0;
}

static struct strand *
strand_of(struct strands *st, struct arena *a, struct lset *l, bool unnamed)
{
    if (st->n == st->cap && strands_grow(st, a) < 0)
        return NULL;
    uint32_t at = (uint32_t)l->hash & st->mask;
    for (; st->slots[at] != 0; at = (at + 1) & st->mask) {
        if (st->p[st->slots[at] - 1].labels == l)
            return &st->p[st->slots[at] - 1];
    }
    st->slots[at] = st->n + 1;
    struct strand *s = &st->p[st->n++];
    *s = (struct strand){.labels = l, .unnamed = unnamed};
    return s;
}

static int
strand_add(struct strand *s, struct arena *a, struct sample x)
{
    if (s->n == s->cap) {
        uint32_t cap = MAX(s->cap * 2, 8u);
        struct sample *p = arena_alloc(a, cap * sizeof *p);
        if (p == NULL)
            return -ENOMEM;
        if (s->n > 0)
            memcpy(p, s->s, s->n * sizeof *p);
        s->s = p;
        s->cap = cap;
    }
    s->s[s->n++] = x;
    return 0;
}

static int
strands_take(struct strands *st, struct eval *ev, const struct vector *v)
{
    struct arena *a = &ev->e->arena;
    for (uint32_t i = 0; i < v->n; i++) {
        struct strand *s = strand_of(st, a, v->labels[i], v->unnamed[i]);
        struct sample x = {ms_of(ev->t), v->values[i]};
        if (s == NULL || strand_add(s, a, x) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* The first multiple of 'step' after 't'. */
static usec_t
step_after(usec_t t, usec_t step)
{
    usec_t past = t % step;
    return past < 0 ? t - past : t - past + step;
}

/* Evaluates what the subquery asks at each of its steps. */
static int
strands_fill(struct strands *st, struct eval *ev, struct node *n, usec_t from,
             usec_t to)
{
    usec_t step = ev->step_default_us;
    int e = 0;
    if (n->select.step != NULL && n->select.step->present)
        e = span_of(ev, n->select.step, &step);
    if (e == 0 && (to - from) / step > STEPS_MAX)
        return err_set(ev->err, -EINVAL,
                       "a subquery of more than %d steps: make its step longer",
                       STEPS_MAX);
    struct eval inner = *ev;
    for (usec_t t = step_after(from, step); e == 0 && t <= to; t += step) {
        const struct value *v;
        inner.t = t;
        e = eval_node(&inner, n->select.sub, &v);
        if (e == 0)
            e = strands_take(st, &inner, &v->vec);
    }
    return e;
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
    *ret = (struct matrix){.end_ms = ms_of(end) - n->select.previous,
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
    struct strands *st = arena_new(&ev->e->arena, struct strands);
    if (st == NULL)
        return -ENOMEM;
    e = strands_fill(st, ev, n, end - range, end);
    ret->strands = st;
    ret->n = st->n;
    return e;
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
        const struct strand *s = &m->strands->p[i];
        *ret = s->s;
        *ret_labels = s->labels;
        *ret_unnamed = s->unnamed;
        return s->n;
    }
    struct seriesdb *db = m->ev->e->series;
    uint32_t n = view_samples(db, m->view, i, m->from_ms, m->to_ms, ret);
    *ret_labels = view_labels(db, m->view, i);
    *ret_unnamed = false;
    return without_stale(&m->ev->e->arena, ret, n);
}
