/* SPDX-License-Identifier: Apache-2.0 */
/* check.c - rules compiled only to tell what they mean, and what about them
 * cannot be meant. */
#include "config.h"

#include "core/config/yaml.h"
#include "core/engine/catalog.h"
#include "core/engine/cost.h"
#include "core/engine/engine_priv.h"
#include "core/engine/lint.h"
#include "core/lang/query.h"

/* One rule being looked at. */
struct checking {
    struct errlist *errs;
    const struct plan *plan;
    const struct schema *schema;
    const struct rule_def *def;
    const struct yaml_node *node; /* of the expression; NULL: the rule's */
};

static struct where
place_of(const struct checking *ck, struct span span)
{
    const struct yaml_node *node =
        ck->node != NULL ? ck->node : ck->def->expr_node;
    size_t n = span.end > span.start ? span.end - span.start : 1;
    return node->kind == YAML_SCALAR ? yaml_where_at(node, span.start, n)
                                     : yaml_where(node);
}

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
        struct where where = place_of(ck, e->span);
        (void)errlist_error(ck->errs, &where,
                            "stream \"%.*s\" has no field \"%.*s\" to group by",
                            SLICE_FMT(r.stream->name), SLICE_FMT(g->labels[i]));
    }
}

static int
check_expr(const struct expr *e, void *arg)
{
    struct checking *ck = arg;
    if (e->kind == EXPR_AGGREGATE)
        check_grouping(ck, e);
    return 0;
}

/* --- selectors of records ----------------------------------------------- */

/* Each stream that it selects must have what makes the key. */
static void
check_key(struct checking *ck, const struct selector *sel)
{
    const struct schema *s = ck->schema;
    for (uint32_t i = 0; i < s->n_streams; i++) {
        const struct schema_stream *st = &s->streams[i];
        if (sel->binding != BOUND_STREAM ||
            (sel->name.n > 0 && !slice_eq(sel->name, st->name)))
            continue;
        for (uint32_t k = 0; k < ck->def->n_by; k++) {
            if (schema_stream_field(st, ck->def->by[k]) >= 0)
                continue;
            struct where where = yaml_where(ck->node);
            (void)errlist_error(
                ck->errs, &where,
                "stream \"%.*s\" has no field \"%.*s\", which 'by' names",
                SLICE_FMT(st->name), SLICE_FMT(ck->def->by[k]));
        }
    }
}

static void
check_record_selector(struct checking *ck, const struct selector *sel)
{
    check_key(ck, sel);
    for (uint32_t i = 0; sel->binding != BOUND_STREAM && sel->name.n > 0 &&
                         i < ck->plan->rules.n;
         i++) {
        const struct rule_def *d = ck->plan->rules.p[i].def;
        if (d->is_alert || !slice_eq(d->name, sel->name))
            continue;
        struct where where = yaml_where(ck->node);
        (void)errlist_error(ck->errs, &where,
                            "\"%.*s\" is made by a recording rule: records of "
                            "inputs are selected here",
                            SLICE_FMT(sel->name));
        return;
    }
}

static void
check_queries(struct checking *ck, const struct rule *r)
{
    const struct rule_query *q;
    struct rule_query room;
    for (uint32_t i = 0; (q = rule_def_query(r->def, i, &room)) != NULL; i++) {
        ck->node = q->node;
        (void)expr_walk(q->query->root, check_expr, NULL, ck);
        if (r->def->kind != RULE_EXPR && q->query != r->def->hold.query)
            check_record_selector(ck, expr_unparen(q->query->root)->sel);
    }
    ck->node = NULL;
}

/* --- what a rule waits for ----------------------------------------------- */

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
    struct cost cost;
    rule_cost(p, r, &cost);
    struct rule_info info = {
        .file = d->file,
        .group = d->group,
        .name = d->name,
        .expr = d->expr,
        .line = d->line,
        .is_alert = d->is_alert,
        .interval_us = d->interval_us,
        .for_us = d->for_us,
        .delay_us = plan_lateness(p, r) + d->offset_us,
        .on_arrival = r->arrival != NULL,
        .arrival_reason = slice_from_str(
            why == NULL ? "more events can only make it truer" : why),
        .n_inputs = s->n,
        .inputs = inputs,
        .cost = cost.points,
        .expensive = cost.expensive,
        .cost_reasons = slice_from_str(cost.reasons),
    };
    fn(arg, &info);
    return 0;
}

/* --- all rules ---------------------------------------------------------- */

static int
check_rule(struct plan *p, struct rule *r, struct lint *lint,
           struct errlist *errs,
           void (*fn)(void *arg, const struct rule_info *r), void *arg)
{
    struct checking ck = {errs, p, p->schema, r->def, NULL};
    size_t before = errs->errors;
    errlist_about(errs, r->def->group, r->def->name);
    check_queries(&ck, r);
    if (errs->errors > before)
        return 0;
    int x = lint_rule(lint, r);
    return x < 0 || fn == NULL ? x : rule_tell(p, r, fn, arg);
}

static int
check_plan(struct plan *p, unsigned partial, struct errlist *errs,
           void (*fn)(void *arg, const struct rule_info *r), void *arg)
{
    struct lint *lint = lint_new(p, partial, errs);
    int x = lint == NULL ? -ENOMEM : 0;
    for (uint32_t i = 0; x == 0 && i < p->rules.n; i++)
        x = check_rule(p, &p->rules.p[i], lint, errs, fn, arg);
    errlist_about(errs, SLICE(""), SLICE(""));
    lint_free(lint);
    return x;
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
        r = check_plan(e->plan, rs->partial, errs, fn, arg);
    if (r < 0)
        return r;
    return errs->errors > 0 ? -EINVAL : 0;
}
