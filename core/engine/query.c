/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/query.h"

#include <stdlib.h>

#include "core/engine/catalog.h"
#include "core/engine/engine_priv.h"
#include "core/engine/matrix.h"
#include "core/engine/notes.h"
#include "core/engine/stretch.h"
#include "core/engine/support.h"

#define RESULT_BYTES_MAX ((size_t)1 << 30)
#define SUBQUERY_STEP_US USEC_PER_MINUTE

/* A series that grows from step to step. */
struct line {
    struct lset *labels;
    VEC(struct sample) samples;
};

struct asking {
    struct engine *e;
    const struct engine_query *q;
    struct catalog *catalog;
    struct query *query;
    struct plan *plan; /* of this query alone */
    struct rule_def def;
    struct rule rule;
    uint32_t first_view, steps;
    usec_t lookback_us;
    struct notes notes;
    struct query_result *r;
    struct err *err;
    VEC(struct line) lines; /* of a range */
    struct table table;     /* by labels */
};

/* --- the plan ------------------------------------------------------------ */

static int
parse(struct asking *a)
{
    if (a->e->schema != NULL) {
        a->catalog = catalog_new(a->e->schema);
        if (a->catalog == NULL)
            return -ENOMEM;
    }
    struct query_options o = {.support = engine_support()};
    if (a->catalog != NULL)
        o.catalog = catalog_lang(a->catalog);
    return query_parse(a->q->expr, &o, &a->query, a->err);
}

static int
refuse_events(const struct expr *e, void *arg)
{
    const struct asking *a = arg;
    if (e->kind != EXPR_SELECTOR || e->sel->binding != BOUND_STREAM)
        return 0;
    return err_set(a->err, -ERANGE,
                   "events of \"%.*s\" are counted for rules as they come and "
                   "not kept for queries",
                   SLICE_FMT(e->sel->name));
}

static int
plan_make(struct asking *a)
{
    struct plan *p = mem_new(struct plan);
    if (p == NULL)
        return -ENOMEM;
    a->plan = p;
    p->e = a->e;
    p->schema = a->e->schema;
    p->is_question = true;
    graph_init(&p->graph);
    table_init(&p->sinks_by_id, 1);
    table_init(&p->rules_by_id, 1);
    table_init(&p->rules_by_uid, 1);
    table_init(&p->kinds_by_node, 1);
    a->def.interval_us =
        a->q->subquery_step_us > 0 ? a->q->subquery_step_us : SUBQUERY_STEP_US;
    a->def.query = a->query;
    a->rule.def = &a->def;
    struct lowering l = {.plan = p,
                         .rule = &a->rule,
                         .base_us = a->q->when.start,
                         .bounds = a->q->when,
                         .lookback_us = a->lookback_us};
    a->rule.root = lower_rule(&l, a->query->root);
    if (a->rule.root == NULL)
        return l.error == 0 ? -ENOMEM : l.error;
    return seriesdb_fill_views(a->e->series, a->first_view);
}

/* --- is it kept? --------------------------------------------------------- */

static int
check_kept(struct asking *a)
{
    const struct seriesdb *db = a->e->series;
    int e = 0;
    for (uint32_t i = 0; e == 0 && i < a->plan->views.n; i++) {
        const struct view_use *u = &a->plan->views.p[i];
        e = seriesdb_check_kept(db, (uint32_t)u->view, a->first_view,
                                u->from_us / 1000, a->err);
    }
    if (e == -ERANGE)
        err_hint(a->err, "a rule that reads them keeps them, for as long as it "
                         "looks back");
    return e;
}

/* --- results ------------------------------------------------------------- */

static int
label_put(struct asking *a, const struct lpair *pair, struct label *ret)
{
    struct labels *ls = a->e->labels;
    if (arena_slice_dup(&a->r->arena, labels_str(ls, pair->name), &ret->name) <
            0 ||
        arena_slice_dup(&a->r->arena, labels_str(ls, pair->value),
                        &ret->value) < 0)
        return -ENOMEM;
    return 0;
}

static int
series_put_out(struct asking *a, const struct lset *l, const struct sample *s,
               uint32_t n, struct query_series *ret)
{
    struct arena *m = &a->r->arena;
    struct label *labels = arena_alloc(m, (l->n + 1) * sizeof *labels);
    struct sample *copy = arena_alloc(m, (n + 1) * sizeof *copy);
    if (labels == NULL || copy == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < l->n; i++) {
        if (label_put(a, &l->l[i], &labels[i]) < 0)
            return -ENOMEM;
    }
    if (n > 0)
        memcpy(copy, s, n * sizeof *copy);
    *ret = (struct query_series){labels, l->n, copy, n};
    return 0;
}

static struct query_series *
series_room_out(struct asking *a, uint32_t n)
{
    return arena_alloc(&a->r->arena, (n + 1) * sizeof(struct query_series));
}

static int
line_cmp(const void *x, const void *y, void *arg)
{
    const struct line *a = x, *b = y;
    return lset_cmp(arg, a->labels, b->labels);
}

/* The lines as a matrix. */
static int
lines_out(struct asking *a)
{
    struct query_series *out = series_room_out(a, a->lines.n);
    if (out == NULL)
        return -ENOMEM;
    if (a->lines.n > 1)
        qsort_r(a->lines.p, a->lines.n, sizeof *a->lines.p, line_cmp,
                a->e->labels);
    for (uint32_t i = 0; i < a->lines.n; i++) {
        const struct line *k = &a->lines.p[i];
        if (series_put_out(a, k->labels, k->samples.p, k->samples.n, &out[i]) <
            0)
            return -ENOMEM;
    }
    a->r->type = LANG_MATRIX;
    a->r->series = out;
    a->r->n_series = a->lines.n;
    return 0;
}

struct line_ctx {
    const struct asking *a;
    const struct lset *l;
};

static bool
line_eq(const void *ctx, uint32_t index)
{
    const struct line_ctx *c = ctx;
    return c->a->lines.p[index].labels == c->l;
}

static int
line_add(struct asking *a, struct lset *l, struct sample x)
{
    struct line_ctx ctx = {a, l};
    uint32_t i = table_find(&a->table, l->hash, line_eq, &ctx);
    if (i == TABLE_NONE) {
        i = a->lines.n;
        if (vec_push(&a->lines, ((struct line){.labels = l})) < 0)
            return -ENOMEM;
        (void)lset_ref(l);
        if (table_insert(&a->table, l->hash, i) < 0)
            return -ENOMEM;
    }
    return vec_push(&a->lines.p[i].samples, x);
}

/* --- evaluating ---------------------------------------------------------- */

static struct eval
eval_at(struct asking *a, usec_t t)
{
    return (struct eval){
        .e = a->e,
        .rule = &a->rule,
        .t = t,
        .serial = eval_serial(a->e),
        .err = a->err,
        .notes = &a->notes,
        .bounds = a->q->when,
        .steps = &a->steps,
        .lookback_us = a->lookback_us,
        .step_default_us = a->def.interval_us,
    };
}

/* Samples of a range, as they are. */
static int
matrix_out(struct asking *a)
{
    struct eval ev = eval_at(a, a->q->when.start);
    struct matrix m;
    int e = matrix_open(&ev, a->rule.root, &m);
    for (uint32_t i = 0; e == 0 && i < m.n; i++) {
        struct stretch sp = {
            .start_ms = m.start_ms, .end_ms = m.end_ms, .arena = &a->e->arena};
        struct lset *l;
        bool unnamed;
        int64_t n = matrix_get(&m, i, &sp.s, &l, &unnamed);
        if (n >= 0 && unnamed)
            l = lset_bare(a->e->labels, l);
        if (n < 0 || l == NULL)
            return -ENOMEM;
        sp.n = (uint32_t)n;
        e = extended_cut(a->rule.root->select.extend, &sp);
        for (uint32_t k = 0; e == 0 && k < sp.n; k++)
            e = line_add(a, l, sp.s[k]);
    }
    return e < 0 ? e : lines_out(a);
}

static int
instant_out(struct asking *a)
{
    struct eval ev = eval_at(a, a->q->when.start);
    const struct value *v;
    int e = eval_root(&ev, a->rule.root, &v);
    if (e < 0)
        return e;
    a->r->type = v->type;
    a->r->scalar = v->scalar;
    if (v->type == LANG_STRING)
        return arena_slice_dup(&a->r->arena, v->string, &a->r->string);
    if (v->type != LANG_VECTOR)
        return 0;
    struct query_series *out = series_room_out(a, v->vec.n);
    if (out == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < v->vec.n; i++) {
        struct sample s = {ev.t / 1000, v->vec.values[i]};
        if (series_put_out(a, v->vec.labels[i], &s, 1, &out[i]) < 0)
            return -ENOMEM;
    }
    a->r->series = out;
    a->r->n_series = v->vec.n;
    return 0;
}

static int
step_take(struct asking *a, usec_t t, const struct value *v)
{
    struct labels *ls = a->e->labels;
    int e = 0;
    if (v->type == LANG_SCALAR) {
        struct lset *l = lset_pool(ls, lset_empty(ls));
        return l == NULL ? -ENOMEM
                         : line_add(a, l, (struct sample){t / 1000, v->scalar});
    }
    for (uint32_t i = 0; e == 0 && i < v->vec.n; i++)
        e = line_add(a, v->vec.labels[i],
                     (struct sample){t / 1000, v->vec.values[i]});
    return e;
}

static int
range_out(struct asking *a)
{
    const struct query_bounds *b = &a->q->when;
    struct engine *e = a->e;
    int x = 0;
    for (usec_t t = b->start; x == 0;) {
        struct arena_mark mark = arena_mark(&e->arena);
        size_t pooled = labels_pooled(e->labels);
        struct eval ev = eval_at(a, t);
        const struct value *v;
        x = eval_root(&ev, a->rule.root, &v);
        if (x == 0)
            x = step_take(a, t, v);
        labels_drain_to(e->labels, pooled);
        arena_release(&e->arena, mark);
        if (b->end - t < b->step)
            break;
        t += b->step;
    }
    return x < 0 ? x : lines_out(a);
}

static int
evaluate(struct asking *a)
{
    enum lang_type type = a->query->root->type;
    if (a->q->when.step == 0)
        return type == LANG_MATRIX ? matrix_out(a) : instant_out(a);
    if (type != LANG_VECTOR && type != LANG_SCALAR)
        return err_set(a->err, -EINVAL,
                       "invalid expression type \"%s\" for range query, must "
                       "be Scalar or instant Vector",
                       lang_type_name(type));
    return range_out(a);
}

static int
notes_out(struct asking *a)
{
    struct query_note *out =
        arena_alloc(&a->r->arena, (a->notes.n + 1) * sizeof *out);
    for (uint32_t i = 0; out != NULL && i < a->notes.n; i++) {
        AUTO_FINI(buf) b = BUF_INIT((size_t)64 << 10);
        const struct note *n = &a->notes.p[i];
        if (note_print(n, a->query->text, &b) < 0)
            return -ENOMEM;
        out[i] = (struct query_note){n->kind == NOTE_INFO,
                                     arena_strdup(&a->r->arena, buf_str(&b))};
        if (out[i].text == NULL)
            return -ENOMEM;
    }
    a->r->notes = out;
    a->r->n_notes = a->notes.n;
    return out == NULL ? -ENOMEM : 0;
}

/* --- all ----------------------------------------------------------------- */

static void
asking_fini(struct asking *a)
{
    for (uint32_t i = 0; i < a->lines.n; i++) {
        vec_free(&a->lines.p[i].samples);
        lset_unref(a->e->labels, a->lines.p[i].labels);
    }
    vec_free(&a->lines);
    table_fini(&a->table);
    plan_free(a->plan);
    query_free(a->query);
    catalog_free(a->catalog);
}

static int
check_bounds(const struct query_bounds *b, struct err *err)
{
    usec_t far = INT64_MAX / 4;
    if (b->start < -far || b->end > far)
        return err_set(err, -EINVAL, "time out of range");
    if (b->step < 0 || b->end < b->start ||
        (b->step == 0 && b->start != b->end))
        return err_set(err, -EINVAL,
                       "a query must not end before it starts, and the step of "
                       "a range must be positive");
    if (b->step > 0 && (b->end - b->start) / b->step >= QUERY_STEPS_MAX)
        return err_set(err, -EINVAL,
                       "exceeded maximum resolution of %d points per "
                       "timeseries. Try increasing the value of the step",
                       QUERY_STEPS_MAX);
    return 0;
}

static int
asking_run(struct asking *a)
{
    int x = parse(a);
    if (x == 0)
        x = expr_walk(a->query->root, refuse_events, NULL, a);
    if (x == 0)
        x = plan_make(a);
    if (x == 0)
        x = check_kept(a);
    if (x == 0)
        x = evaluate(a);
    return x < 0 ? x : notes_out(a);
}

/* All that it takes from the engine is given back as it was: the engine may
 * be in the middle of an evaluation. */
int
engine_query(struct engine *e, const struct engine_query *q,
             struct query_result *ret, struct err *err)
{
    int x = check_bounds(&q->when, err);
    if (x < 0)
        return x;
    struct query_result r = {.type = LANG_NONE};
    struct asking a = {
        .e = e,
        .q = q,
        .r = &r,
        .err = err,
        .steps = q->max_steps > 0 ? q->max_steps : EVAL_STEPS_MAX,
        .lookback_us = q->lookback_us > 0 ? q->lookback_us : LOOKBACK_US,
        .first_view = seriesdb_view_count(e->series)};
    struct arena_mark mark = arena_mark(&e->arena);
    size_t pooled = labels_pooled(e->labels);
    arena_init(&r.arena, 4096, RESULT_BYTES_MAX);
    table_init(&a.table, UINT32_MAX / 2);
    notes_init(&a.notes, &r.arena);
    x = asking_run(&a);
    asking_fini(&a);
    labels_drain_to(e->labels, pooled);
    arena_release(&e->arena, mark);
    seriesdb_drop_views(e->series, a.first_view);
    if (x == 0)
        *ret = r;
    else
        query_result_fini(&r);
    return x == -ENOMEM ? err_set(err, x, "out of memory") : x;
}

void
query_result_fini(struct query_result *r)
{
    arena_fini(&r->arena);
}
