/* SPDX-License-Identifier: Apache-2.0 */
/* info.c - info(): labels of target_info and its like for series of the same
 * job and instance. */
#include "config.h"

#include <stdlib.h>

#include "core/base/buf.h"
#include "core/base/table.h"
#include "core/engine/call.h"
#include "core/lang/matcher.h"

#define IDS 2u
static const char *const id_names[IDS] = {"instance", "job"};

/* The newest sample of a series that informs. */
struct about {
    struct lset *labels, *sig; /* sig: its name and whom it is about */
    int64_t ms;
};

struct informing {
    struct call *c;
    uint32_t ids[IDS], name;
    struct about *a; /* one a signature */
    uint32_t n;
    struct table table;
    uint32_t *metrics; /* names of metrics that inform, each once */
    uint32_t n_metrics;
};

/* --- the selector ------------------------------------------------------- */

static bool
is_name(const struct matcher *m)
{
    return slice_eq_str(m->name, "__name__");
}

const struct selector *
info_selector(struct arena *a, const struct expr *call)
{
    static const struct selector none;
    const struct selector *given =
        call->call.count > 1 ? expr_unparen(call->call.args[1])->sel : &none;
    for (uint32_t i = 0; i < given->matcher_count; i++) {
        if (is_name(&given->matchers[i]))
            return given;
    }
    struct selector *s = arena_new(a, struct selector);
    struct matcher *m =
        arena_new_array(a, struct matcher, given->matcher_count + 1);
    if (s == NULL || m == NULL)
        return NULL;
    for (uint32_t i = 0; i < given->matcher_count; i++)
        m[i + 1] = given->matchers[i];
    m[0] = (struct matcher){.name = SLICE("__name__"),
                            .op = MATCHER_EQ,
                            .value = SLICE("target_info")};
    s->name = m[0].value;
    s->matchers = m;
    s->matcher_count = given->matcher_count + 1;
    s->binding = BOUND_METRIC;
    return s;
}

/* --- what informs ------------------------------------------------------- */

struct find {
    const struct informing *in;
    const struct lset *sig;
};

static bool
about_eq(const void *ctx, uint32_t index)
{
    const struct find *f = ctx;
    return f->in->a[index].sig == f->sig;
}

static uint32_t
about_find(const struct informing *in, const struct lset *sig)
{
    struct find f = {in, sig};
    return table_find(&in->table, sig->hash, about_eq, &f);
}

/* The signature of a series as metric 'name' has it; NULL: no memory. */
static struct lset *
signature(struct informing *in, struct lset *l, uint32_t name)
{
    struct labels *ls = in->c->ev->e->labels;
    struct lset *ids = lset_keep(ls, l, in->ids, IDS);
    struct lset *s =
        ids == NULL ? NULL : lset_set(ls, ids, in->name, labels_str(ls, name));
    lset_unref(ls, ids);
    return lset_pool(ls, s);
}

static bool
is_about_none(const struct informing *in, const struct lset *l)
{
    for (unsigned i = 0; i < IDS; i++) {
        if (lset_value(l, in->ids[i]) != 0)
            return false;
    }
    return true;
}

static int
error_conflict(struct informing *in, const struct about *a,
               const struct about *b)
{
    struct labels *ls = in->c->ev->e->labels;
    AUTO_FINI(buf) t = BUF_INIT(64 << 10);
    (void)buf_append_str(&t, "existing ");
    (void)lset_print(ls, a->labels, &t);
    (void)buf_printf(&t, " @ %lld, new ", (long long)a->ms);
    (void)lset_print(ls, b->labels, &t);
    (void)buf_printf(&t, " @ %lld", (long long)b->ms);
    return err_set(in->c->ev->err, -EINVAL,
                   "found duplicate series for info metric: %s", buf_str(&t));
}

static void
metric_add(struct informing *in, uint32_t name)
{
    for (uint32_t i = 0; i < in->n_metrics; i++) {
        if (in->metrics[i] == name)
            return;
    }
    in->metrics[in->n_metrics++] = name;
}

/* Of one signature the newest counts; two of one time are an error. */
static int
about_add(struct informing *in, struct lset *l, int64_t ms)
{
    uint32_t name = lset_value(l, in->name);
    if (name == 0 || is_about_none(in, l))
        return 0;
    struct about a = {l, signature(in, l, name), ms};
    if (a.sig == NULL)
        return -ENOMEM;
    uint32_t k = about_find(in, a.sig);
    if (k == TABLE_NONE) {
        metric_add(in, name);
        in->a[in->n] = a;
        return table_insert(&in->table, a.sig->hash, in->n++);
    }
    if (in->a[k].ms == ms)
        return error_conflict(in, &in->a[k], &a);
    if (in->a[k].ms < ms)
        in->a[k] = a;
    return 0;
}

static int
about_all(struct informing *in)
{
    struct eval *ev = in->c->ev;
    struct seriesdb *db = ev->e->series;
    uint32_t view = (uint32_t)in->c->n->call.view, n = view_count(db, view);
    int64_t to = ms_of(ev->t);
    in->a = arena_alloc(&ev->e->arena, (n + 1) * sizeof *in->a);
    in->metrics = arena_alloc(&ev->e->arena, (n + 1) * sizeof *in->metrics);
    int e = in->a == NULL || in->metrics == NULL ? -ENOMEM : 0;
    for (uint32_t i = 0; e == 0 && i < n; i++) {
        struct sample x;
        if (view_newest(db, view, i, to - ev->lookback_us / 1000, to, &x))
            e = about_add(in, view_labels(db, view, i), x.ms);
    }
    return e;
}

/* --- what it tells ------------------------------------------------------ */

/* Only labels that the selector names, if it names any. */
static bool
is_wanted(const struct selector *sel, struct slice name)
{
    bool any = false;
    for (uint32_t i = 0; i < sel->matcher_count; i++) {
        const struct matcher *m = &sel->matchers[i];
        if (is_name(m))
            continue;
        any = true;
        if (slice_eq(m->name, name))
            return true;
    }
    return !any;
}

/* Must a series that nothing informs about be left out? */
static bool
needs_info(const struct selector *sel)
{
    for (uint32_t i = 0; i < sel->matcher_count; i++) {
        if (!is_name(&sel->matchers[i]) &&
            matcher_match(&sel->matchers[i], SLICE("")) != MATCH)
            return true;
    }
    return false;
}

/* A series that the selector itself selects isn't informed about. */
static bool
informs(const struct informing *in, const struct lset *l)
{
    const struct selector *sel = in->c->n->call.sel;
    struct labels *ls = in->c->ev->e->labels;
    uint32_t id = lset_value(l, in->name);
    struct slice name = id == 0 ? SLICE("") : labels_str(ls, id);
    for (uint32_t i = 0; i < sel->matcher_count; i++) {
        const struct matcher *m = &sel->matchers[i];
        if (is_name(m) && matcher_match(m, name) != MATCH)
            return false;
    }
    return true;
}

/* Adds to *l, which is pooled, what 'a' has that 'base' has not. */
static int
tell(struct informing *in, const struct lset *base, const struct about *a,
     struct lset **l)
{
    struct labels *ls = in->c->ev->e->labels;
    for (uint32_t i = 0; i < a->labels->n; i++) {
        struct lpair p = a->labels->l[i];
        struct slice name = labels_str(ls, p.name);
        if (p.name == in->name || lset_value(base, p.name) != 0 ||
            !is_wanted(in->c->n->call.sel, name))
            continue;
        uint32_t there = lset_value(*l, p.name);
        if (there != 0 && there != p.value)
            return err_set(in->c->ev->err, -EINVAL, "conflicting label: %.*s",
                           SLICE_FMT(name));
        *l = lset_pool(ls, lset_set(ls, *l, p.name, labels_str(ls, p.value)));
        if (*l == NULL)
            return -ENOMEM;
    }
    return 0;
}

static int
inform(struct informing *in, struct lset *base, struct lset **ret, bool *told)
{
    *ret = base;
    *told = informs(in, base);
    for (uint32_t i = 0; !informs(in, base) && i < in->n_metrics; i++) {
        struct lset *sig = signature(in, base, in->metrics[i]);
        if (sig == NULL)
            return -ENOMEM;
        uint32_t k = about_find(in, sig);
        if (k == TABLE_NONE)
            continue;
        *told = true;
        int e = tell(in, base, &in->a[k], ret);
        if (e < 0)
            return e;
    }
    return 0;
}

static int
inform_all(struct informing *in, struct value *ret)
{
    const struct vector *v = &in->c->args[0]->vec;
    bool needed = needs_info(in->c->n->call.sel);
    int e = vector_make(in->c->ev, v->n, &ret->vec);
    for (uint32_t i = 0; e == 0 && i < v->n; i++) {
        struct lset *l;
        bool told;
        e = inform(in, v->labels[i], &l, &told);
        if (e == 0 && (told || !needed))
            vector_push(&ret->vec, l, v->values[i], v->unnamed[i]);
    }
    return e < 0 ? e : vector_check_unique(in->c->ev, &ret->vec);
}

int
call_info(struct call *c, struct value *ret)
{
    struct labels *ls = c->ev->e->labels;
    struct informing in = {.c = c, .name = labels_name(ls)};
    int e = 0;
    for (unsigned i = 0; i < IDS; i++) {
        in.ids[i] = labels_intern(ls, slice_from_str(id_names[i]));
        e = in.ids[i] == 0 ? -ENOMEM : e;
    }
    table_init(&in.table, UINT32_MAX / 2);
    if (e == 0)
        e = about_all(&in);
    if (e == 0)
        e = inform_all(&in, ret);
    table_fini(&in.table);
    for (unsigned i = 0; i < IDS; i++)
        labels_release(ls, in.ids[i]);
    return e;
}
