/* SPDX-License-Identifier: Apache-2.0 */
/* evidence.c - what an alert says moved it.
 *
 * On arrival it is the record that arrived; of samples the newest of series
 * that the rule reads and that have no other labels than the alert's element;
 * of keys that are followed, what their kind knows (kind.h).  Of events that
 * were counted before only their number is kept.
 *
 * To look for series costs: there is a budget for each slot, and alerts past
 * it say nothing. */
#include "config.h"

#include "core/base/buf.h"
#include "core/base/str.h"
#include "core/base/timefmt.h"
#include "core/engine/engine_priv.h"
#include "core/engine/kind.h"
#include "core/engine/matrix.h"

#define TEXT_MAX ((size_t)EVIDENCE_BYTES)

struct looking {
    struct engine *e;
    struct eval ev;
    const struct lset *sample;
    uint32_t n;
    struct slice *ret; /* newest first */
};

static bool
fits(const struct lset *series, const struct lset *sample)
{
    for (uint32_t i = 0; i < sample->n; i++) {
        uint32_t v = lset_value(series, sample->l[i].name);
        if (v != 0 && v != sample->l[i].value)
            return false;
    }
    return true;
}

static int
tell_sample(struct looking *lk, const struct lset *l, const struct sample *x)
{
    AUTO_FINI(buf) b = BUF_INIT(TEXT_MAX);
    char at[TIME_STR_MAX], value[STR_DOUBLE_MAX];
    struct labels *ls = lk->e->labels;
    struct lset *rest = lset_drop(ls, (struct lset *)l, NULL, 0, true);
    if (rest == NULL)
        return -ENOMEM;
    (void)time_format_rfc3339(x->ms * 1000, TIME_SHORTEST, at);
    (void)buf_append_slice(&b, lset_get(ls, l, SLICE("__name__")));
    (void)lset_print(ls, rest, &b);
    (void)buf_putc(&b, ' ');
    (void)buf_append(&b, value, str_format_double(x->v, STR_DOUBLE_G, value));
    (void)buf_printf(&b, " at %s", at);
    lset_unref(ls, rest);
    return arena_slice_dup(&lk->e->arena, buf_slice(&b), &lk->ret[lk->n++]);
}

/* Of one series: the newest sample, or of a range as many as there is room. */
static int
look_series(struct looking *lk, const struct node *n, uint32_t i, usec_t t)
{
    struct seriesdb *db = lk->e->series;
    uint32_t view = (uint32_t)n->select.view, m = 0;
    int64_t to = t / 1000, back = lk->ev.lookback_us / 1000;
    const struct lset *l = view_labels(db, view, i);
    const struct sample *x;
    struct sample newest;
    if (!fits(l, lk->sample))
        return 0;
    if (n->kind == NODE_RANGE)
        m = view_samples(db, view, i, to - n->select.range->us / 1000, to, &x);
    if (m == 0 && view_newest(db, view, i, to - back, to, &newest)) {
        x = &newest;
        m = 1;
    }
    for (; m > 0 && lk->n < EVIDENCE_MAX; m--) {
        if (!value_is_stale(x[m - 1].v) && tell_sample(lk, l, &x[m - 1]) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int
look_view(struct looking *lk, const struct node *n)
{
    uint32_t count = view_count(lk->e->series, (uint32_t)n->select.view);
    usec_t t;
    if (eval_moment(&lk->ev, n->select.mod, &t) < 0)
        return 0; /* the rule has an error then */
    for (uint32_t i = 0;
         i < count && lk->n < EVIDENCE_MAX && lk->e->evidence_left > 0; i++) {
        lk->e->evidence_left--;
        if (look_series(lk, n, i, t) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int
look_node(struct looking *lk, const struct node *n)
{
    bool reads = n->kind == NODE_SELECT || n->kind == NODE_RANGE;
    if (reads && n->kind == NODE_RANGE && n->select.sub != NULL)
        return look_node(lk, n->select.sub);
    if (reads && look_view(lk, n) < 0)
        return -ENOMEM;
    for (uint32_t i = 0; i < n->n_args && lk->n < EVIDENCE_MAX; i++) {
        if (look_node(lk, n->args[i]) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int
expr_evidence(struct rule *r, const struct alert *a, usec_t time,
              struct slice *ret)
{
    struct err err = ERR_INIT;
    struct looking lk = {.e = r->state->e,
                         .ev = eval_of_rule(r->state->e, r, time, &err),
                         .sample = a->sample,
                         .ret = ret};
    if (look_node(&lk, r->root) < 0)
        return -ENOMEM;
    for (uint32_t i = 0; i < lk.n / 2; i++) {
        struct slice x = ret[i];
        ret[i] = ret[lk.n - 1 - i];
        ret[lk.n - 1 - i] = x;
    }
    return (int)lk.n;
}

/* Cuts the oldest where all are too much; returns how many are left out. */
static uint32_t
shorten(struct slice *list, uint32_t n)
{
    size_t left = EVIDENCE_BYTES;
    while (n > 0 && left > 0) {
        n--;
        list[n].n = MIN(list[n].n, left);
        left -= list[n].n;
    }
    return n;
}

int
alert_evidence(struct rule *r, const struct alert *a, struct transition *t,
               struct slice *room)
{
    struct engine *e = r->state->e;
    int n = 0;
    if (t->state != ALERT_FIRING || a->overflow)
        return 0;
    if (r->state->kind != NULL) {
        n = kind_evidence(r, a->sample, room);
    } else if (a->on_arrival && e->cur.rec != NULL) {
        room[0] = e->cur.raw;
        n = room[0].n > 0;
    } else {
        n = expr_evidence(r, a, t->time_us, room);
    }
    if (n < 0)
        return n;
    uint32_t out = shorten(room, (uint32_t)n);
    t->evidence = room + out;
    t->n_evidence = (uint32_t)n - out;
    return 0;
}
