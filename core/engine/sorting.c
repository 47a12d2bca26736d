/* SPDX-License-Identifier: Apache-2.0 */
/* sorting.c - sort(), sort_by_label() and their kin. */
#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/str.h"
#include "core/engine/call.h"
#include "core/engine/notes.h"

struct order {
    const struct call *c;
    const struct labels *ls;
    bool down;
};

struct entry {
    struct lset *l;
    double v;
    bool unnamed;
};

/* NaN last, whichever way; equals by their labels. */
static int
value_order(const void *a, const void *b, void *arg)
{
    const struct entry *x = a, *y = b;
    const struct order *o = arg;
    if (isnan(x->v) != isnan(y->v))
        return isnan(x->v) ? 1 : -1;
    if (x->v != y->v && !isnan(x->v))
        return (x->v < y->v) == o->down ? 1 : -1;
    return lset_cmp(o->ls, x->l, y->l);
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A run of digits, or of anything else. */
static struct slice
next_run(struct slice s)
{
    size_t n = 1;
    while (n < s.n && is_digit(s.p[n]) == is_digit(s.p[0]))
        n++;
    return slice_new(s.p, n);
}

/* Digits by the number that they are, all else as text: "a2" before "a10". */
static int
natural_cmp(struct slice a, struct slice b)
{
    while (a.n > 0 && b.n > 0) {
        struct slice x = next_run(a), y = next_run(b);
        uint64_t i, j;
        int r = slice_cmp(x, y);
        if (str_parse_u64(x, &i) == 0 && str_parse_u64(y, &j) == 0)
            r = (i > j) - (i < j);
        if (r != 0)
            return r;
        a = slice_skip(a, x.n);
        b = slice_skip(b, y.n);
    }
    return (a.n > 0) - (b.n > 0);
}

static int
label_order(const void *a, const void *b, void *arg)
{
    const struct entry *x = a, *y = b;
    const struct order *o = arg;
    int r = 0;
    for (uint32_t i = 1; r == 0 && i < o->c->n_args; i++) {
        struct slice name = o->c->args[i]->string;
        r = natural_cmp(lset_get(o->ls, x->l, name),
                        lset_get(o->ls, y->l, name));
    }
    if (r == 0)
        r = lset_cmp(o->ls, x->l, y->l);
    return o->down ? -r : r;
}

static int
sort_by(struct call *c, int (*cmp)(const void *, const void *, void *),
        bool down, struct value *ret)
{
    const struct vector *v = &c->args[0]->vec;
    struct order o = {c, c->ev->e->labels, down};
    struct entry *p = arena_alloc(&c->ev->e->arena, (v->n + 1) * sizeof *p);
    if (p == NULL || vector_make(c->ev, v->n, &ret->vec) < 0)
        return -ENOMEM;
    for (uint32_t i = 0; i < v->n; i++)
        p[i] = (struct entry){v->labels[i], v->values[i], v->unnamed[i]};
    qsort_r(p, v->n, sizeof *p, cmp, &o);
    for (uint32_t i = 0; i < v->n; i++)
        vector_push(&ret->vec, p[i].l, p[i].v, p[i].unnamed);
    return 0;
}

static void
note_ineffective(struct call *c)
{
    if (c->ev->bounds.step > 0)
        eval_note(c->ev, NOTE_WARNING, c->n->expr,
                  "sort is ineffective for range queries since results are "
                  "always ordered by labels");
}

int
call_sort(struct call *c, struct value *ret)
{
    note_ineffective(c);
    return sort_by(c, value_order, c->n->call.func == FUNC_SORT_DESC, ret);
}

int
call_sort_by_label(struct call *c, struct value *ret)
{
    note_ineffective(c);
    return sort_by(c, label_order, c->n->call.func == FUNC_SORT_BY_LABEL_DESC,
                   ret);
}
