/* SPDX-License-Identifier: Apache-2.0 */
/* lower.c - from the tree of an expression to nodes of the graph. */
#include "config.h"

#include <stdlib.h>

#include <tocsin/plugin.h>

#include "core/base/codec.h"
#include "core/base/hash.h"
#include "core/base/regex.h"
#include "core/engine/engine_priv.h"
#include "core/engine/keys.h"
#include "core/engine/staged.h"
#include "core/engine/tally.h"
#include "core/lang/query.h"

#define TEXT_MAX ((size_t)1 << 20)

static struct node *lower(struct lowering *l, const struct expr *e);

static struct node *
fail(struct lowering *l, int error)
{
    l->error = error;
    return NULL;
}

/* The node of a text that begins with what it does and ends with its
 * arguments. */
static struct node *
node_of(struct lowering *l, struct buf *text, enum node_kind kind,
        const struct expr *e, struct node **args, uint32_t n, bool *ret_new)
{
    /* What there is to say of a part of a question has its place. */
    if (l->plan->is_question)
        (void)buf_printf(text, " @%u", e->span.start);
    for (uint32_t i = 0; i < n; i++)
        (void)buf_printf(text, " #%016llx", (unsigned long long)args[i]->id);
    if (buf_error(text) < 0)
        return fail(l, -ENOMEM);
    struct node *nd = graph_node(&l->plan->graph, buf_slice(text), ret_new);
    if (nd == NULL)
        return fail(l, -ENOMEM);
    if (!*ret_new)
        return nd;
    nd->kind = kind;
    nd->type = e->type;
    nd->expr = e;
    nd->n_args = n;
    nd->args = arena_new_array(&l->plan->graph.arena, struct node *, n + 1);
    if (nd->args == NULL)
        return fail(l, -ENOMEM);
    if (n > 0)
        memcpy(nd->args, args, n * sizeof *args);
    return nd;
}

/* Names as strings that live as long as the graph. */
static uint32_t *
intern_names(struct lowering *l, const struct slice *names, uint32_t n)
{
    uint32_t *ids = arena_new_array(&l->plan->graph.arena, uint32_t, n + 1);
    for (uint32_t i = 0; ids != NULL && i < n; i++) {
        ids[i] = labels_intern(l->plan->e->labels, names[i]);
        if (ids[i] == 0)
            ids = NULL;
    }
    if (ids == NULL)
        (void)fail(l, -ENOMEM);
    return ids;
}

static void
print_names(struct buf *b, const struct slice *names, uint32_t n)
{
    (void)buf_putc(b, '(');
    for (uint32_t i = 0; i < n; i++)
        (void)buf_append_json_string(b, names[i]);
    (void)buf_putc(b, ')');
}

/* --- windows ------------------------------------------------------------ */

static usec_t
gcd(usec_t a, usec_t b)
{
    while (b != 0) {
        usec_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

static struct window *
take_window(struct plan *old, uint64_t id)
{
    struct sink *s = old == NULL ? NULL : plan_sink(old, id);
    return s == NULL ? NULL : TAKE(s->window);
}

static struct values *
take_values(struct plan *old, uint64_t id)
{
    struct sink *s = old == NULL ? NULL : plan_sink(old, id);
    return s == NULL ? NULL : TAKE(s->values);
}

/* Which field of a stream each name of the key set is. */
static uint8_t *
sink_ids(struct lowering *l, const struct names *ns)
{
    const struct schema *s = l->plan->schema;
    uint8_t *ids =
        arena_alloc(&l->plan->graph.arena, (size_t)s->n_streams * ns->n + 1);
    for (uint32_t i = 0; ids != NULL && i < s->n_streams; i++) {
        for (uint32_t k = 0; k < ns->n; k++) {
            int id = schema_stream_field(&s->streams[i], ns->p[k]);
            ids[i * ns->n + k] = id < 0 ? KEY_ABSENT : (uint8_t)id;
        }
    }
    return ids;
}

/* What runs on each record, and its key, which isn't that of its fields. */
static int
sink_stages(struct lowering *l, struct sink *s, const struct tally *sh)
{
    s->first = sh->first;
    s->open = sh->open;
    s->measure = sh->measure;
    if (!sh->open)
        return 0;
    s->fields = intern_names(l, sh->names.p, sh->names.n);
    s->n_fields = s->fields == NULL ? 0 : sh->names.n;
    s->except = intern_names(l, sh->except.p, sh->except.n);
    s->n_except = s->except == NULL ? 0 : sh->except.n;
    return s->fields == NULL || s->except == NULL ? -ENOMEM : 0;
}

/* The window, or the numbers, that the plan before had, or new ones. */
static int
sink_state(struct lowering *l, struct sink *s, const struct tally *sh,
           uint64_t id)
{
    struct plan *p = l->plan;
    struct window_options o = {.node = id,
                               .range = s->range,
                               .offset = s->offset,
                               .max_keys = (uint32_t)p->e->o.max_keys_per_rule};
    o.width = gcd(gcd(s->interval, s->range), gcd(s->offset, s->query_offset));
    o.width = gcd(o.width, s->origin < 0 ? -s->origin : s->origin);
    if (sh->measure != MEASURE_COUNT) {
        s->values = take_values(l->old, id);
        if (s->values == NULL)
            s->values =
                values_new(&p->e->rows, s->ks, (enum values_mode)sh->mode, &o);
        return s->values == NULL ? -ENOMEM : 0;
    }
    s->window = take_window(l->old, id);
    if (s->window == NULL)
        s->window = window_new(&p->e->rows, s->ks, &o);
    return s->window == NULL ? -ENOMEM : 0;
}

static struct sink *
sink_new(struct lowering *l, const struct expr *e, const struct tally *sh,
         uint64_t id)
{
    static const struct names open = {{SLICE_INIT(KEYS_OPEN)}, 1};
    const struct names *ns = sh->open ? &open : &sh->names;
    struct plan *p = l->plan;
    const struct selector *sel = e->sel;
    const struct rule_def *def = l->rule->def;
    struct sink *s = arena_new(&p->graph.arena, struct sink);
    if (s == NULL || vec_push(&p->sinks, s) < 0 ||
        table_insert(&p->sinks_by_id, id, p->sinks.n - 1) < 0)
        return NULL;
    s->id = id;
    s->need = UINT32_MAX;
    s->sel = sel;
    s->interval = def->interval_us;
    s->origin = def->origin_us;
    s->query_offset = def->offset_us;
    s->range = sel->range.us;
    s->offset = sel->mod.offset.us;
    s->evaluated = s->arrival_slot = USEC_NONE;
    s->ids = sink_ids(l, ns);
    s->ks = keysets_get(&p->e->keysets, ns->p, ns->n);
    if (s->ids == NULL || s->ks == NULL || sink_stages(l, s, sh) < 0 ||
        sink_state(l, s, sh, id) < 0 ||
        router_add(p->router, sel, s->first, s) < 0)
        return NULL;
    return s;
}

/* The window of a selector's events, told apart and added so. */
static struct sink *
sink_of(struct lowering *l, const struct expr *e, const struct tally *sh)
{
    AUTO_FINI(buf) b = BUF_INIT(TEXT_MAX);
    (void)expr_print(e, &b);
    tally_print(sh, &b);
    (void)buf_printf(&b, " %lld %lld", (long long)l->rule->def->interval_us,
                     (long long)l->rule->def->offset_us);
    if (l->rule->def->origin_us != 0)
        (void)buf_printf(&b, " %lld", (long long)l->rule->def->origin_us);
    uint64_t id = hash_mix(UINT64_C(0x77696e646f77), hash_slice(buf_slice(&b)));
    struct sink *s = plan_sink(l->plan, id);
    if (s != NULL)
        return s;
    s = buf_error(&b) < 0 ? NULL : sink_new(l, e, sh, id);
    if (s == NULL)
        (void)fail(l, -ENOMEM);
    return s;
}

static int
sink_read(struct lowering *l, struct sink *s)
{
    for (uint32_t i = 0; i < s->readers.n; i++) {
        if (s->readers.p[i] == l->rule)
            return 0;
    }
    return vec_push(&s->readers, l->rule);
}

/* --- leaves ------------------------------------------------------------- */

/* Labels that absent() answers with: those that the selector asks to be equal
 * to something, once. */
static struct lset *
absent_labels(struct lowering *l, const struct selector *sel)
{
    struct label made[NAMES_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < sel->matcher_count && n < NAMES_MAX; i++) {
        const struct matcher *m = &sel->matchers[i];
        bool once = true;
        for (uint32_t k = 0; k < sel->matcher_count; k++)
            once &= k == i || !slice_eq(sel->matchers[k].name, m->name);
        if (once && m->op == MATCHER_EQ && !slice_eq_str(m->name, "__name__"))
            made[n++] = (struct label){m->name, m->value};
    }
    struct lset *s = lset_new(l->plan->e->labels, made, n);
    if (s == NULL)
        (void)fail(l, -ENOMEM);
    return s;
}

static struct node *
lower_values(struct lowering *l, const struct expr *call, struct sink *s)
{
    struct node *args[1];
    uint32_t n_args = 0;
    if (call->call.func->id == FUNC_QUANTILE_OVER_TIME) {
        args[0] = lower(l, call->call.args[0]);
        if (args[n_args++] == NULL)
            return NULL;
    }
    AUTO_FINI(buf) b = BUF_INIT(TEXT_MAX);
    (void)buf_printf(&b, "values %s %016llx", call->call.func->name,
                     (unsigned long long)s->id);
    bool fresh;
    struct node *n = node_of(l, &b, NODE_VALUES, call, args, n_args, &fresh);
    if (n == NULL || !fresh)
        return n;
    n->values.of = s;
    n->values.func = call->call.func->id;
    n->values.range_s = (double)s->range / USEC_PER_SEC;
    return n;
}

static struct node *
lower_events(struct lowering *l, const struct expr *call,
             const struct grouping *only)
{
    const struct expr *e = expr_matrix_arg(call);
    enum func_id func = call->call.func->id;
    struct tally sh;
    tally_of(l, call, e->sel, only, &sh);
    struct sink *s = sink_of(l, e, &sh);
    if (s == NULL)
        return NULL;
    if (sink_read(l, s) < 0)
        return fail(l, -ENOMEM);
    if (s->values != NULL)
        return lower_values(l, call, s);
    AUTO_FINI(buf) b = BUF_INIT(TEXT_MAX);
    (void)buf_printf(&b, "events %s %016llx", call->call.func->name,
                     (unsigned long long)window_node(s->window));
    bool fresh;
    struct node *n = node_of(l, &b, NODE_EVENTS, call, NULL, 0, &fresh);
    if (n == NULL || !fresh)
        return n;
    s->node = n;
    n->events.window = s->window;
    if (func == FUNC_RATE)
        n->events.per_s = (double)s->range / USEC_PER_SEC;
    if (func == FUNC_ABSENT_OVER_TIME) {
        n->events.absent = true;
        n->absent_labels = absent_labels(l, e->sel);
        if (n->absent_labels == NULL)
            return NULL;
    }
    return n;
}

static int
view_of(struct lowering *l, const struct selector *sel)
{
    struct plan *p = l->plan;
    int v = seriesdb_add_view(p->e->series, sel->name, sel->matchers,
                              sel->matcher_count);
    struct view_use use = {.view = v, .from_us = INT64_MAX};
    struct metric_kind state = {.is_state = true};
    bool alerts = name_is_of_alerts(sel->name);
    if (sel->name.n > 0 && !p->is_question &&
        seriesdb_metric(p->e->series, sel->name, alerts ? &state : NULL) < 0)
        return -ENOMEM;
    if (v < 0 || vec_push(&p->views, use) < 0)
        return -ENOMEM;
    return v;
}

/* A duration that can't be is told of when it is evaluated. */
static usec_t
duration_of(const struct lowering *l, const struct lang_duration *d)
{
    usec_t us = 0;
    return lang_duration_eval(d, &l->bounds, false, &us, NULL) < 0 ? 0 : us;
}

/* "@" looks from another time than what is around it. */
static void
look_from(struct lowering *l, const struct modifiers *m)
{
    if (m->at != AT_NONE) {
        l->reach_us = 0;
        l->base_us = m->at == AT_TIME    ? m->at_us
                     : m->at == AT_START ? l->bounds.start
                                         : l->bounds.end;
    }
    l->reach_us += duration_of(l, &m->offset);
}

/* The rule looks back so far, seen from where it is evaluated; subqueries
 * around it look further. */
static int
view_read(struct lowering *l, int view, usec_t span_us)
{
    struct plan *p = l->plan;
    struct view_use *u = &p->views.p[view - p->views.p[0].view];
    usec_t from;
    span_us += l->reach_us;
    if (__builtin_sub_overflow(l->base_us, span_us, &from))
        from = INT64_MIN;
    u->from_us = MIN(u->from_us, from);
    /* One slot more, so that a query behind the newest can look as far. */
    u->span_ms =
        MAX(u->span_ms, (span_us + l->rule->def->interval_us) / 1000 + 1);
    for (uint32_t i = 0; i < u->readers.n; i++) {
        if (u->readers.p[i] == l->rule)
            return 0;
    }
    return vec_push(&u->readers, l->rule);
}

/* A rule in a cycle reads what the rules behind it made for the slot before. */
static bool
reads_previous(const struct lowering *l, const struct selector *sel)
{
    const struct plan *p = l->plan;
    if (name_is_of_alerts(sel->name))
        return !p->is_question && l->rule->def->question == 0;
    for (uint32_t i = 0; l->rule->in_cycle && i < p->rules.n; i++) {
        const struct rule *r = &p->rules.p[i];
        if (!r->def->is_alert && r->rank >= l->rule->rank &&
            (sel->name.n == 0 || slice_eq(sel->name, r->def->name)))
            return true;
    }
    return false;
}

/* What every node that reads samples has. */
static void
select_fill(struct node *n, enum func_id func, const struct modifiers *mod,
            const struct lang_duration *range)
{
    n->type = LANG_VECTOR;
    n->select.func = func;
    n->select.mod = mod;
    n->select.range = range;
}

/* 'func' FUNC_ID_COUNT: the selector itself. */
static struct node *
lower_select(struct lowering *l, const struct expr *e,
             const struct expr *sel_expr, enum func_id func, bool timestamp,
             struct node **args, uint32_t n_args)
{
    const struct selector *sel = sel_expr->sel;
    bool previous = reads_previous(l, sel);
    AUTO_FINI(buf) b = BUF_INIT(TEXT_MAX);
    (void)buf_printf(&b, "select %d %d %d ", (int)func, timestamp, previous);
    (void)expr_print(sel_expr, &b);
    bool fresh;
    bool range = sel->range.present;
    struct node *n = node_of(l, &b, range ? NODE_RANGE : NODE_SELECT, e, args,
                             n_args, &fresh);
    if (n == NULL)
        return NULL;
    if (fresh) {
        select_fill(n, func, &sel->mod, &sel->range);
        n->select.timestamp = timestamp;
        n->select.extend = sel->extend;
        n->select.previous = previous;
        n->select.view = view_of(l, sel);
        if (n->select.view < 0)
            return fail(l, -ENOMEM);
        if (func == FUNC_ABSENT_OVER_TIME) {
            n->absent_labels = absent_labels(l, sel);
            if (n->absent_labels == NULL)
                return NULL;
        }
    }
    usec_t span = range ? duration_of(l, &sel->range) : 0;
    if (!range || sel->extend != EXTEND_NONE)
        span += l->lookback_us;
    usec_t reach = l->reach_us, base = l->base_us;
    look_from(l, &sel->mod);
    int r = view_read(l, n->select.view, span);
    l->reach_us = reach;
    l->base_us = base;
    return r < 0 ? fail(l, -ENOMEM) : n;
}

static struct node *
lower_subquery(struct lowering *l, const struct expr *e, const struct expr *q,
               enum func_id func, struct node **args, uint32_t n_args)
{
    usec_t reach = l->reach_us, base = l->base_us;
    look_from(l, &q->subquery.mod);
    l->reach_us += duration_of(l, &q->subquery.range);
    struct node *inner = lower(l, q->subquery.arg);
    l->reach_us = reach;
    l->base_us = base;
    if (inner == NULL)
        return NULL;
    AUTO_FINI(buf) b = BUF_INIT(TEXT_MAX);
    (void)buf_printf(&b, "subquery %d %016llx ", (int)func,
                     (unsigned long long)inner->id);
    (void)expr_print(q, &b);
    bool fresh;
    struct node *n = node_of(l, &b, NODE_RANGE, e, args, n_args, &fresh);
    if (n == NULL || !fresh)
        return n;
    select_fill(n, func, &q->subquery.mod, &q->subquery.range);
    n->select.step = &q->subquery.step;
    n->select.sub = inner;
    if (func == FUNC_ABSENT_OVER_TIME) {
        n->absent_labels = lset_empty(l->plan->e->labels);
        if (n->absent_labels == NULL)
            return fail(l, -ENOMEM);
    }
    return n;
}

/* --- calls -------------------------------------------------------------- */

static struct node *
lower_range(struct lowering *l, const struct expr *e, const struct expr *m)
{
    struct node *args[8];
    uint32_t n = 0;
    for (uint32_t i = 0; i < e->call.count && n < ARRAY_SIZE(args); i++) {
        if (e->call.args[i]->type == LANG_MATRIX)
            continue;
        args[n] = lower(l, e->call.args[i]);
        if (args[n++] == NULL)
            return NULL;
    }
    enum func_id func = e->call.func->id;
    if (m->kind == EXPR_SUBQUERY)
        return lower_subquery(l, e, m, func, args, n);
    return lower_select(l, e, m, func, false, args, n);
}

static int
call_finish(struct lowering *l, const struct expr *e, struct node *n)
{
    n->call.func = e->call.func->id;
    if (n->call.func == FUNC_LABEL_REPLACE && n->args[4]->kind == NODE_STRING) {
        struct regex *re = NULL;
        int r = regex_new(n->args[4]->string, REGEX_FULL, &re, NULL);
        if (r == -ENOMEM || (r == 0 && vec_push(&l->plan->regexes, re) < 0))
            return -ENOMEM;
        n->call.re = re; /* NULL: evaluating it is an error */
    }
    if (n->call.func == FUNC_ABSENT) {
        const struct expr *a = expr_unparen(e->call.args[0]);
        n->absent_labels = a->kind == EXPR_SELECTOR
                               ? absent_labels(l, a->sel)
                               : lset_empty(l->plan->e->labels);
        return n->absent_labels == NULL ? -ENOMEM : 0;
    }
    return 0;
}

/* What informs is no argument but a view of the call's own. */
static int
info_finish(struct lowering *l, struct node *n, const struct selector *sel)
{
    n->call.sel = sel;
    n->call.view = view_of(l, sel);
    return MIN(n->call.view, 0);
}

static struct node *
lower_info(struct lowering *l, const struct expr *e)
{
    const struct selector *sel = info_selector(&l->plan->graph.arena, e);
    struct node *arg = lower(l, e->call.args[0]);
    if (sel == NULL || arg == NULL)
        return arg == NULL ? NULL : fail(l, -ENOMEM);
    AUTO_FINI(buf) b = BUF_INIT(TEXT_MAX);
    (void)buf_append_str(&b, "call info ");
    if (e->call.count > 1)
        (void)expr_print(e->call.args[1], &b);
    bool fresh;
    struct node *n = node_of(l, &b, NODE_CALL, e, &arg, 1, &fresh);
    if (n == NULL)
        return NULL;
    n->call.func = FUNC_INFO;
    if ((fresh && info_finish(l, n, sel) < 0) ||
        view_read(l, n->call.view, l->lookback_us) < 0)
        return fail(l, -ENOMEM);
    return n;
}

static struct node *
lower_call(struct lowering *l, const struct expr *e)
{
    enum func_id func = e->call.func->id;
    const struct expr *m = expr_matrix_arg(e);
    if (m != NULL && m->kind == EXPR_SELECTOR &&
        m->sel->binding == BOUND_STREAM)
        return lower_events(l, e, NULL);
    if (m != NULL)
        return lower_range(l, e, m);
    if (func == FUNC_INFO)
        return lower_info(l, e);
    if (func == FUNC_TIMESTAMP) {
        const struct expr *a = expr_unparen(e->call.args[0]);
        if (a->kind == EXPR_SELECTOR)
            return lower_select(l, e, a, FUNC_ID_COUNT, true, NULL, 0);
    }
    struct node *args[64];
    uint32_t n = 0;
    for (; n < e->call.count && n < ARRAY_SIZE(args); n++) {
        args[n] = lower(l, e->call.args[n]);
        if (args[n] == NULL)
            return NULL;
    }
    AUTO_FINI(buf) b = BUF_INIT(TEXT_MAX);
    (void)buf_printf(&b, "call %s", e->call.func->name);
    if (func == FUNC_ABSENT) /* its labels are the text's */
        (void)expr_print(e, &b);
    bool fresh;
    struct node *nd = node_of(l, &b, NODE_CALL, e, args, n, &fresh);
    if (nd != NULL && fresh && call_finish(l, e, nd) < 0)
        return fail(l, -ENOMEM);
    return nd;
}

/* --- the rest ----------------------------------------------------------- */

/* Lowers with more names that an enclosing clause groups by. */
static struct node *
lower_with(struct lowering *l, const struct expr *e, const struct slice *names,
           uint32_t n)
{
    struct slice all[NAMES_MAX];
    const struct slice *before = l->fields;
    uint32_t n_before = l->n_fields, total = 0;
    for (uint32_t i = 0; i < n_before && total < NAMES_MAX; i++)
        all[total++] = before[i];
    for (uint32_t i = 0; i < n && total < NAMES_MAX; i++)
        all[total++] = names[i];
    l->fields = all;
    l->n_fields = total;
    struct node *nd = lower(l, e);
    l->fields = before;
    l->n_fields = n_before;
    return nd;
}

static struct node *
lower_aggregate(struct lowering *l, const struct expr *e)
{
    const struct grouping *g = &e->agg.grouping;
    const struct expr *counted = tally_joined(e);
    if (counted != NULL)
        return lower_events(l, counted, g);
    struct node *args[2];
    uint32_t n = 0;
    uint32_t n_names = g->kind == GROUP_BY ? g->count : 0;
    args[n] = lower_with(l, e->agg.arg, g->labels, n_names);
    if (args[n++] == NULL)
        return NULL;
    if (e->agg.param != NULL) {
        args[n] = lower(l, e->agg.param);
        if (args[n++] == NULL)
            return NULL;
    }
    AUTO_FINI(buf) b = BUF_INIT(TEXT_MAX);
    (void)buf_printf(&b, "aggregate %d %d", (int)e->agg.op, (int)g->kind);
    print_names(&b, g->labels, g->count);
    bool fresh;
    struct node *nd = node_of(l, &b, NODE_AGGREGATE, e, args, n, &fresh);
    if (nd == NULL || !fresh)
        return nd;
    nd->agg.op = e->agg.op;
    nd->agg.without = g->kind == GROUP_WITHOUT;
    nd->agg.n_labels = g->count;
    nd->agg.labels = intern_names(l, g->labels, g->count);
    return nd->agg.labels == NULL ? NULL : nd;
}

static struct node *
lower_binary(struct lowering *l, const struct expr *e)
{
    const struct matching *m = &e->binary.match;
    struct slice names[NAMES_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; m->on && i < m->label_count && n < NAMES_MAX; i++)
        names[n++] = m->labels[i];
    for (uint32_t i = 0; i < m->include_count && n < NAMES_MAX; i++)
        names[n++] = m->include[i];
    struct node *args[2];
    args[0] = lower_with(l, e->binary.left, names, n);
    args[1] = args[0] == NULL ? NULL : lower_with(l, e->binary.right, names, n);
    if (args[1] == NULL)
        return NULL;
    AUTO_FINI(buf) b = BUF_INIT(TEXT_MAX);
    const double *fill[2] = {m->has_fill_left ? &m->fill_left : NULL,
                             m->has_fill_right ? &m->fill_right : NULL};
    (void)buf_printf(&b, "binary %d %d %d %d %d", (int)e->binary.op,
                     e->binary.is_bool, (int)m->card, m->on, m->given);
    for (unsigned i = 0; i < ARRAY_SIZE(fill); i++) {
        (void)buf_putc(&b, fill[i] == NULL ? '-' : '=');
        if (fill[i] != NULL)
            (void)buf_put_double(&b, *fill[i]);
    }
    print_names(&b, m->labels, m->label_count);
    print_names(&b, m->include, m->include_count);
    bool fresh;
    struct node *nd = node_of(l, &b, NODE_BINARY, e, args, 2, &fresh);
    if (nd == NULL || !fresh)
        return nd;
    nd->binary.op = e->binary.op;
    nd->binary.is_bool = e->binary.is_bool;
    nd->binary.card = m->card;
    nd->binary.on = m->on;
    nd->binary.given = m->given;
    nd->binary.fill[0] = fill[0];
    nd->binary.fill[1] = fill[1];
    nd->binary.n_labels = m->label_count;
    nd->binary.n_include = m->include_count;
    nd->binary.labels = intern_names(l, m->labels, m->label_count);
    nd->binary.include = intern_names(l, m->include, m->include_count);
    return nd->binary.labels && nd->binary.include ? nd : NULL;
}

static struct node *
lower_literal(struct lowering *l, const struct expr *e)
{
    AUTO_FINI(buf) b = BUF_INIT(TEXT_MAX);
    bool number = e->kind == EXPR_NUMBER;
    if (number) {
        (void)buf_append_str(&b, "number ");
        (void)buf_put_double(&b, e->number);
    } else {
        (void)buf_append_str(&b, "string ");
        (void)buf_append_slice(&b, e->string);
    }
    bool fresh;
    struct node *n =
        node_of(l, &b, number ? NODE_NUMBER : NODE_STRING, e, NULL, 0, &fresh);
    if (n != NULL && fresh) {
        if (number)
            n->number = e->number;
        else
            n->string = e->string;
    }
    return n;
}

static struct node *
lower_unary(struct lowering *l, const struct expr *e)
{
    struct node *arg = lower(l, e->unary.arg);
    if (arg == NULL || !e->unary.minus)
        return arg;
    AUTO_FINI(buf) b = BUF_INIT(TEXT_MAX);
    (void)buf_append_str(&b, "negate");
    bool fresh;
    return node_of(l, &b, NODE_NEGATE, e, &arg, 1, &fresh);
}

static struct node *
lower(struct lowering *l, const struct expr *e)
{
    e = expr_unparen(e);
    switch (e->kind) {
    case EXPR_NUMBER:
    case EXPR_STRING:
        return lower_literal(l, e);
    case EXPR_SELECTOR:
        return lower_select(l, e, e, FUNC_ID_COUNT, false, NULL, 0);
    case EXPR_SUBQUERY:
        return lower_subquery(l, e, e, FUNC_ID_COUNT, NULL, 0);
    case EXPR_CALL:
        return lower_call(l, e);
    case EXPR_AGGREGATE:
        return lower_aggregate(l, e);
    case EXPR_BINARY:
        return lower_binary(l, e);
    case EXPR_UNARY:
        return lower_unary(l, e);
    default:
        /* The parser refuses what engine_support() doesn't list. */
        return fail(l, -EOPNOTSUPP);
    }
}

struct node *
lower_rule(struct lowering *l, const struct expr *e)
{
    l->fields = NULL;
    l->n_fields = 0;
    return lower(l, e);
}
