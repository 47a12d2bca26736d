/* SPDX-License-Identifier: Apache-2.0 */
/* check.c - rules compiled only to tell what they mean, and what about them
 * cannot be meant. */
#include "config.h"

#include "core/base/duration.h"
#include "core/config/yaml.h"
#include "core/engine/catalog.h"
#include "core/engine/engine_priv.h"
#include "core/lang/query.h"

/* One rule being looked at. */
struct checking {
    struct errlist *errs;
    const struct schema *schema;
    const struct rule_def *def;
};

static struct where
place_of(const struct rule_def *d, struct span span)
{
    size_t n = span.end > span.start ? span.end - span.start : 1;
    return yaml_where_at(d->expr_node, span.start, n);
}

#define CHECK_WARN(ck, span, ...)                                              \
    do {                                                                       \
        struct where where_ = place_of((ck)->def, (span));                     \
        errlist_warn((ck)->errs, &where_, __VA_ARGS__);                        \
    } while (0)

/* --- what an expression reads ------------------------------------------- */

struct reading {
    uint32_t streams, others;
    const struct selector *stream; /* one of them */
};

static int
read_selector(const struct expr *e, void *arg)
{
    struct reading *r = arg;
    if (e->kind == EXPR_CALL && (e->call.func->id == FUNC_LABEL_REPLACE ||
                                 e->call.func->id == FUNC_LABEL_JOIN))
        r->others++; /* labels may come from nowhere */
    if (e->kind == EXPR_AGGREGATE && e->agg.op == AGG_COUNT_VALUES)
        r->others++;
    if (e->kind != EXPR_SELECTOR)
        return 0;
    if (e->sel->binding == BOUND_STREAM) {
        r->streams++;
        r->stream = e->sel;
    } else {
        r->others++;
    }
    return 0;
}

static bool
stream_has(const struct schema *s, const struct selector *sel,
           struct slice field)
{
    for (uint32_t i = 0; i < s->n_streams; i++) {
        if ((sel->name.n == 0 || slice_eq(sel->name, s->streams[i].name)) &&
            schema_stream_field(&s->streams[i], field) >= 0)
            return true;
    }
    return false;
}

/* A label that no event can have would put all of them into one group. */
static void
check_grouping(struct checking *ck, const struct expr *e)
{
    struct reading r = {0};
    const struct grouping *g = &e->agg.grouping;
    (void)expr_walk(e->agg.arg, read_selector, NULL, &r);
    if (g->kind != GROUP_BY || r.streams == 0 || r.others > 0 || r.streams > 1)
        return;
    for (uint32_t i = 0; i < g->count; i++) {
        if (stream_has(ck->schema, r.stream, g->labels[i]))
            continue;
        struct where where = place_of(ck->def, e->span);
        (void)errlist_error(ck->errs, &where,
                            "stream \"%.*s\" has no field \"%.*s\" to group by",
                            SLICE_FMT(r.stream->name), SLICE_FMT(g->labels[i]));
    }
}

/* --- what can never be, or not as meant --------------------------------- */

static bool
is_count(const struct expr *e)
{
    e = expr_unparen(e);
    while (e->kind == EXPR_AGGREGATE)
        e = expr_unparen(e->agg.arg);
    if (e->kind != EXPR_CALL || (e->call.func->id != FUNC_COUNT_OVER_TIME &&
                                 e->call.func->id != FUNC_RATE))
        return false;
    const struct expr *m = expr_unparen(e->call.args[0]);
    return m->kind == EXPR_SELECTOR && m->sel->binding == BOUND_STREAM;
}

static void
check_compare(struct checking *ck, const struct expr *e)
{
    const struct expr *r = expr_unparen(e->binary.right);
    enum binary_op op = e->binary.op;
    if (r->kind != EXPR_NUMBER || !is_count(e->binary.left))
        return;
    bool below = op == BIN_LT || op == BIN_LE;
    bool zero = op == BIN_EQ && r->number == 0;
    if (!below && !zero)
        return;
    CHECK_WARN(ck, e->binary.op_span,
               "a count of events is compared by \"%s\", but an empty window "
               "has no value: the rule says nothing when no event comes",
               binary_op_name(op));
    errlist_hint(ck->errs, "%s",
                 zero ? "absent_over_time() tells that there are none"
                      : "add \"or vector(0)\" or use absent_over_time()");
}

static bool
somebody_brings(const struct schema *s, const struct selector *sel)
{
    for (uint32_t i = 0; i < s->n_inputs; i++) {
        const struct schema_input *in = &s->inputs[i];
        for (uint32_t k = 0; in->active && k < in->n_streams; k++) {
            if (sel->name.n == 0 ||
                slice_eq(sel->name, s->streams[in->streams[k]].name))
                return true;
        }
    }
    return false;
}

static void
check_selector(struct checking *ck, const struct expr *e)
{
    if (e->sel->binding == BOUND_STREAM && !somebody_brings(ck->schema, e->sel))
        CHECK_WARN(ck, e->span,
                   "no input brings stream \"%.*s\": this never has a value",
                   SLICE_FMT(e->sel->name));
}

static int
check_expr(const struct expr *e, void *arg)
{
    struct checking *ck = arg;
    if (e->kind == EXPR_AGGREGATE)
        check_grouping(ck, e);
    else if (e->kind == EXPR_BINARY)
        check_compare(ck, e);
    else if (e->kind == EXPR_SELECTOR)
        check_selector(ck, e);
    return 0;
}

/* --- what a rule costs and waits for ------------------------------------ */

static int
cost_of(const struct expr *e, void *arg)
{
    static const uint32_t costs[EXPR_KIND_COUNT] = {
        [EXPR_SELECTOR] = 1,  [EXPR_SUBQUERY] = 20, [EXPR_CALL] = 1,
        [EXPR_AGGREGATE] = 2, [EXPR_BINARY] = 1,    [EXPR_UNARY] = 1};
    uint32_t *cost = arg;
    *cost += costs[e->kind];
    if (e->kind != EXPR_SELECTOR)
        return 0;
    for (uint32_t i = 0; i < e->sel->matcher_count; i++)
        *cost += e->sel->matchers[i].op >= MATCHER_RE ? 2 : 0;
    for (const struct pipe_stage *st = e->sel->pipeline; st; st = st->next)
        *cost += 2;
    return 0;
}

/* A count of events at a limit is one counter a record. */
static uint32_t
rule_cost(const struct rule *r)
{
    uint32_t cost = 0;
    (void)expr_walk(r->def->query->root, cost_of, NULL, &cost);
    return r->arrival != NULL && cost > 4 ? cost - 4 : MAX(cost, 1u);
}

static usec_t
longest_wait(const struct plan *p, const struct rule *r)
{
    const struct inputset *s = &p->sets.p[r->set];
    usec_t late = 0;
    for (uint32_t i = 0; i < s->n; i++)
        late = MAX(late, p->schema->inputs[s->ids[i]].lateness_us);
    return late;
}

static void
check_offsets(struct checking *ck, const struct plan *p, const struct rule *r)
{
    usec_t late = longest_wait(p, r);
    char text[DURATION_STR_MAX];
    if (late == 0 || r->def->offset_us == 0)
        return;
    (void)duration_format(late, text);
    CHECK_WARN(ck, r->def->query->root->span,
               "the group's query_offset comes on top of the %s that the "
               "rule's inputs are waited for anyway",
               text);
}

static int
rule_tell(struct plan *p, struct rule *r,
          void (*fn)(void *arg, const struct rule_info *info), void *arg)
{
    const struct inputset *s = &p->sets.p[r->set];
    const struct rule_def *d = r->def;
    struct slice *inputs =
        arena_new_array(&p->graph.arena, struct slice, s->n + 1);
    if (inputs == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < s->n; i++)
        inputs[i] = p->schema->inputs[s->ids[i]].name;
    const char *why = r->arrival_reason;
    struct rule_info info = {
        .file = d->file,
        .group = d->group,
        .name = d->name,
        .expr = d->expr,
        .line = d->line,
        .is_alert = d->is_alert,
        .interval_us = d->interval_us,
        .for_us = d->for_us,
        .delay_us = longest_wait(p, r) + d->offset_us,
        .on_arrival = r->arrival != NULL,
        .arrival_reason = slice_from_str(
            why == NULL ? "more events can only make it truer" : why),
        .n_inputs = s->n,
        .inputs = inputs,
        .cost = rule_cost(r),
    };
    fn(arg, &info);
    return 0;
}

/* --- all rules ---------------------------------------------------------- */

static int
check_plan(struct plan *p, struct errlist *errs,
           void (*fn)(void *arg, const struct rule_info *r), void *arg)
{
    for (uint32_t i = 0; i < p->rules.n; i++) {
        struct rule *r = &p->rules.p[i];
        struct checking ck = {errs, p->schema, r->def};
        size_t before = errs->errors;
        (void)expr_walk(r->def->query->root, check_expr, NULL, &ck);
        check_offsets(&ck, p, r);
        if (fn != NULL && errs->errors == before &&
            rule_tell(p, r, fn, arg) < 0)
            return -ENOMEM;
    }
    return 0;
}

int
ruleset_check(const struct ruleset *rs, const struct schema *schema,
              struct errlist *errs,
              void (*fn)(void *arg, const struct rule_info *r), void *arg)
{
    struct engine_options o = {0};
    AUTO(engine) *e = engine_new(&o);
    struct rulebook *book = e == NULL ? NULL : rulebook_parse(rs, schema, errs);
    if (book == NULL)
        return -ENOMEM;
    int r = ingest_schema(e, schema);
    if (r < 0)
        rulebook_free(book);
    else
        r = plan_new(e, book, schema, NULL, &e->plan);
    if (r == 0)
        r = check_plan(e->plan, errs, fn, arg);
    if (r < 0)
        return r;
    return errs->errors > 0 ? -EINVAL : 0;
}
