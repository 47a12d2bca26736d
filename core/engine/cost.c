/* SPDX-License-Identifier: Apache-2.0 */
/* cost.c - an estimate in points.  Its grounds are what the engine does: a
 * record meets only the selectors that an equality on one of its fields leads
 * to, a window of events is a counter for each key, samples are kept for the
 * length of a range and gone through at each slot. */
#include "config.h"

#include "core/engine/cost.h"

#include <stdio.h>

#include <tocsin/plugin.h>

#include "core/base/duration.h"
#include "core/engine/engine_priv.h"
#include "core/lang/catalog.h"
#include "core/lang/query.h"
#include "core/record/schema.h"

#define EXPENSIVE 50u
#define POINTS_MAX 1000000u
#define ALL_RECORDS 10u /* no equality leads there: each record is asked */
#define ONE_REGEX 5u    /* looked for in each record that came so far */
#define ONE_STAGE 2u
#define MANY_KEYS 10u      /* a counter for each device */
#define SAMPLES_A_POINT 20 /* of each series, gone through at each slot */
#define SAMPLE_EVERY_US (15 * USEC_PER_SEC)

struct costing {
    const struct plan *plan;
    const struct rule *rule;
    struct cost *cost;
    size_t used;  /* of the reasons */
    double times; /* subqueries evaluate what is in them so often */
};

PRINTF_LIKE(3, 4)
static void
add(struct costing *c, double points, const char *fmt, ...)
{
    double sum = c->cost->points + points * c->times;
    c->cost->points = (uint32_t)MIN(sum, (double)POINTS_MAX);
    if (fmt == NULL || c->used + 2 >= sizeof c->cost->reasons)
        return;
    char text[160];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    size_t room = sizeof c->cost->reasons - c->used;
    if (strstr(c->cost->reasons, text) != NULL || strlen(text) + 3 > room)
        return; /* said already */
    int n = snprintf(c->cost->reasons + c->used, room, "%s%s",
                     c->used > 0 ? ", " : "", text);
    c->used += (size_t)MAX(n, 0);
}

/* --- events -------------------------------------------------------------- */

static bool
filter_uses_regex(const struct pipe_filter *f)
{
    if (f->kind == FILTER_AND || f->kind == FILTER_OR)
        return filter_uses_regex(f->left) || filter_uses_regex(f->right);
    return f->kind == FILTER_STRING && f->matcher.op >= MATCHER_RE;
}

static void
cost_pipeline(struct costing *c, const struct selector *sel)
{
    for (const struct pipe_stage *st = sel->pipeline; st; st = st->next) {
        bool regex =
            st->kind == STAGE_REGEXP ||
            (st->kind == STAGE_LINE_FILTER &&
             (st->line.op == LINE_RE || st->line.op == LINE_NOT_RE)) ||
            (st->kind == STAGE_FILTER && filter_uses_regex(st->filter));
        if (regex)
            add(c, ONE_REGEX, "a regular expression on each record");
        else if (st->kind != STAGE_UNWRAP)
            add(c, ONE_STAGE, NULL);
    }
}

static void
cost_stream(struct costing *c, const struct selector *sel)
{
    bool indexed = false;
    add(c, 1, NULL);
    for (uint32_t i = 0; i < sel->matcher_count; i++) {
        const struct matcher *m = &sel->matchers[i];
        bool name = slice_eq_str(m->name, "__name__");
        indexed |= !name && m->op == MATCHER_EQ && m->value.n > 0;
        if (m->op >= MATCHER_RE)
            add(c, ONE_REGEX, "a regular expression on each record");
    }
    if (!indexed)
        add(c, ALL_RECORDS, "no equality: each record of %s is asked",
            sel->stream == NULL ? "every stream" : sel->stream->name);
    cost_pipeline(c, sel);
}

static bool
is_many(const struct schema *s, struct slice name)
{
    for (uint32_t i = 0; i < s->n_streams; i++) {
        int id = schema_stream_field(&s->streams[i], name);
        if (id >= 0 && (s->streams[i].fields[id].flags & TOCSIN_FIELD_MANY))
            return true;
    }
    return false;
}

static bool
reads_sink(const struct sink *s, const struct rule *r)
{
    for (uint32_t i = 0; i < s->readers.n; i++) {
        if (s->readers.p[i] == r)
            return true;
    }
    return false;
}

/* The fields that tell one device from another among those that a window is
 * kept for. */
static void
cost_keys(struct costing *c)
{
    const struct plan *p = c->plan;
    for (uint32_t i = 0; i < p->sinks.n; i++) {
        const struct sink *s = p->sinks.p[i];
        const uint32_t *names;
        uint32_t n = reads_sink(s, c->rule) ? keyset_names(s->ks, &names) : 0;
        for (uint32_t k = 0; k < n; k++) {
            struct slice name = labels_str(p->e->labels, names[k]);
            if (is_many(p->schema, name))
                add(c, MANY_KEYS, "a counter for each %.*s", SLICE_FMT(name));
        }
    }
}

/* --- samples ------------------------------------------------------------- */

static void
cost_samples(struct costing *c, const struct selector *sel)
{
    bool narrow = false;
    for (uint32_t i = 0; i < sel->matcher_count; i++) {
        const struct matcher *m = &sel->matchers[i];
        narrow |= !slice_eq_str(m->name, "__name__") && m->op == MATCHER_EQ;
    }
    add(c, narrow ? 1 : 2, NULL);
    if (sel->name.n == 0)
        add(c, ALL_RECORDS, "no name: series of every metric are asked");
    if (!sel->range.present || sel->range.expr != NULL)
        return;
    double n = (double)sel->range.us / (double)SAMPLE_EVERY_US;
    char text[DURATION_STR_MAX];
    (void)duration_format(sel->range.us, text);
    if (n >= 10 * SAMPLES_A_POINT)
        add(c, n / SAMPLES_A_POINT,
            "%s of samples of each series, about %.0f of them", text, n);
    else
        add(c, n / SAMPLES_A_POINT, NULL);
}

/* --- all ----------------------------------------------------------------- */

static double
subquery_steps(const struct costing *c, const struct expr *e)
{
    usec_t step = e->subquery.step.present && e->subquery.step.us > 0
                      ? e->subquery.step.us
                      : c->rule->def->interval_us;
    double n = (double)e->subquery.range.us / (double)step;
    return n < 1 ? 1 : n;
}

static int
cost_enter(const struct expr *e, void *arg)
{
    struct costing *c = arg;
    switch (e->kind) {
    case EXPR_SELECTOR:
        if (e->sel->binding == BOUND_STREAM)
            cost_stream(c, e->sel);
        else
            cost_samples(c, e->sel);
        break;
    case EXPR_SUBQUERY:
        add(c, 1, "a subquery of %.0f evaluations", subquery_steps(c, e));
        c->times *= subquery_steps(c, e);
        break;
    case EXPR_AGGREGATE:
    case EXPR_BINARY:
        add(c, 1, NULL);
        break;
    default:
        break;
    }
    return 0;
}

static int
cost_leave(const struct expr *e, void *arg)
{
    struct costing *c = arg;
    if (e->kind == EXPR_SUBQUERY)
        c->times /= subquery_steps(c, e);
    return 0;
}

void
rule_cost(const struct plan *p, const struct rule *r, struct cost *ret)
{
    struct costing c = {.plan = p, .rule = r, .cost = ret, .times = 1};
    const struct rule_query *q;
    struct rule_query room;
    *ret = (struct cost){.points = 0};
    for (uint32_t i = 0; (q = rule_def_query(r->def, i, &room)) != NULL; i++)
        (void)expr_walk(q->query->root, cost_enter, cost_leave, &c);
    cost_keys(&c);
    /* A count at a limit needs no slot to be looked at. */
    if (r->arrival != NULL && ret->points > 3)
        ret->points -= 2;
    ret->points = MAX(ret->points, 1u);
    ret->expensive = ret->points >= EXPENSIVE;
}
