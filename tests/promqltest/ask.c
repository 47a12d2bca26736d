/* SPDX-License-Identifier: Apache-2.0 */
/* ask.c - runs one statement. */
#include "config.h"

#include "tests/promqltest/promqltest.h"

#include "core/base/check.h"
#include "core/lang/functions.h"
#include "core/lang/matcher.h"

/* --- running ------------------------------------------------------------- */

static bool
selects(const struct selector *sel, const struct absent *a)
{
    for (uint32_t i = 0; i < sel->matcher_count; i++) {
        const struct matcher *m = &sel->matchers[i];
        struct slice v = SLICE("");
        for (uint32_t k = 0; k < a->n_labels; k++) {
            if (slice_eq(a->labels[k].name, m->name))
                v = a->labels[k].value;
        }
        if (slice_eq_str(m->name, "__name__"))
            v = a->metric;
        if (matcher_match(m, v) != MATCH)
            return false;
    }
    return true;
}

struct seeking {
    const struct runner *r;
    const char *found;
};

static int
seek_absent(const struct expr *e, void *arg)
{
    struct seeking *k = arg;
    const struct runner *r = k->r;
    for (uint32_t i = 0; e->kind == EXPR_SELECTOR && i < r->absent.n; i++) {
        if (selects(e->sel, &r->absent.p[i]))
            k->found = r->absent.p[i].why;
    }
    return 0;
}

/* NULL, or what it needs that is not there. */
const char *
needs(const struct runner *r, const struct statement *st)
{
    AUTO(query) *q = NULL;
    struct err err = ERR_INIT;
    struct seeking k = {r, st->native ? NATIVE : NULL};
    if (query_parse(st->expr, NULL, &q, &err) == 0)
        (void)expr_walk(q->root, seek_absent, NULL, &k);
    else if (strstr(err.message, NATIVE) != NULL)
        k.found = NATIVE;
    return k.found;
}

/* Does it say something else where it is asked in a range? */
static int
tells_bounds(const struct expr *e, void *arg)
{
    bool *yes = arg;
    if (e->kind == EXPR_CALL)
        *yes |= e->call.func->id == FUNC_START ||
                e->call.func->id == FUNC_END || e->call.func->id == FUNC_STEP ||
                e->call.func->id == FUNC_RANGE;
    if (e->kind == EXPR_SELECTOR)
        *yes |= e->sel->mod.at > AT_TIME || e->sel->mod.offset.expr != NULL ||
                e->sel->range.expr != NULL;
    if (e->kind == EXPR_SUBQUERY)
        *yes |= e->subquery.mod.at > AT_TIME ||
                e->subquery.mod.offset.expr != NULL ||
                e->subquery.range.expr != NULL || e->subquery.step.expr != NULL;
    return 0;
}

static bool
is_same_in_range(const struct statement *st)
{
    AUTO(query) *q = NULL;
    bool tells = false;
    if (st->is_range || st->fails || st->ordered || st->has_string ||
        st->has_matrix || st->has_scalar ||
        query_parse(st->expr, NULL, &q, NULL) < 0)
        return false;
    (void)expr_walk(q->root, tells_bounds, NULL, &tells);
    return !tells;
}

/* Leaves the points at 'ms'. */
static void
keep_points(struct query_result *q, int64_t ms)
{
    struct query_series *s = (struct query_series *)q->series;
    uint32_t n = 0;
    for (uint32_t i = 0; i < q->n_series; i++) {
        struct query_series one = s[i];
        for (uint32_t k = 0; k < s[i].n_samples; k++) {
            if (s[i].samples[k].ms != ms)
                continue;
            one.samples = &s[i].samples[k];
            one.n_samples = 1;
            s[n++] = one;
            break;
        }
    }
    q->n_series = n;
}

static void
ask_in_range(struct runner *r, struct statement *st, struct buf *why)
{
    struct err err = ERR_INIT;
    struct query_result q;
    struct engine_query eq = {.expr = st->expr,
                              .when = {st->start - USEC_PER_MINUTE,
                                       st->start + USEC_PER_MINUTE,
                                       USEC_PER_MINUTE}};
    int x = engine_query(r->e, &eq, &q, &err);
    if (x < 0) {
        (void)buf_printf(why, "as a range: error: %s\n", err.message);
        return;
    }
    keep_points(&q, st->start / 1000);
    check_series(st, &q, why);
    if (why->n > 0)
        (void)buf_append_str(why, "(in the middle of a range)\n");
    query_result_fini(&q);
}

/* That of an expression that can't be read has its place in front. */
static bool
error_matches(const struct expected_texts *ts, const struct err *err)
{
    AUTO_FINI(buf) b = BUF_INIT(4096);
    if (err->line > 0)
        (void)buf_printf(&b, "%u:%u: ", err->line, err->column);
    (void)buf_append_str(&b, err->message);
    return texts_match(ts, buf_str(&b));
}

static void
ask_once(struct runner *r, struct statement *st, struct buf *why)
{
    struct err err = ERR_INIT;
    struct query_result q;
    struct engine_query eq = {.expr = st->expr,
                              .when = {st->start, st->end, st->step}};
    int x = engine_query(r->e, &eq, &q, &err);
    if (x < 0) {
        if (!st->fails)
            (void)buf_printf(why, "error: %s\n", err.message);
        else if (!error_matches(&st->fail, &err))
            (void)buf_printf(why, "the error is: %s\n", err.message);
        return;
    }
    if (st->fails)
        (void)buf_append_str(why, "it did not fail\n");
    else if (check_annotations(st, &q, WARN, why) &&
             check_annotations(st, &q, INFO, why))
        check_value(st, &q, why);
    query_result_fini(&q);
}

void
ask(struct runner *r, struct statement *st, struct buf *why)
{
    ask_once(r, st, why);
    if (why->n == 0 && is_same_in_range(st))
        ask_in_range(r, st, why);
}
