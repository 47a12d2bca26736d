/* SPDX-License-Identifier: Apache-2.0 */
/* ruletest_clock.c - one test on its virtual clock: the moments at which
 * something arrives, is evaluated, or is looked at. */
#include "config.h"

#include <errno.h>

#include "core/base/duration.h"
#include "core/base/mem.h"
#include "core/engine/rulefile.h"
#include "core/record/chunk.h"
#include "core/run/ruletest_priv.h"

#define CHUNK_BYTES ((size_t)256 << 20)

/* --- what the engine tells ----------------------------------------------- */

static struct ruletest_rule *
rule_of(struct test_run *r, const struct rule_def *def)
{
    for (uint32_t i = 0; i < r->n_rules; i++) {
        /* They come in one order, again and again. */
        uint32_t k = (r->rule_hint + i) % r->n_rules;
        struct ruletest_rule *rule = &r->report->rules.p[r->rules[k]];
        if (rule->line == def->line && slice_eq_str(def->file, rule->file)) {
            r->rule_hint = k + 1;
            return rule;
        }
    }
    return NULL;
}

static void
told(void *arg, const struct trial_result *t)
{
    struct test_run *r = arg;
    if (t->rule->question > 0) {
        struct expr_check *c = &r->group->exprs[t->rule->question - 1];
        if (!c->done && check_answer(r, c, t) < 0)
            r->error = -ENOMEM;
        c->done = true;
        return;
    }
    struct ruletest_rule *rule = rule_of(r, t->rule);
    if (rule != NULL) {
        rule->evaluated++;
        rule->valued += t->n > 0;
        rule->fired += r->fired;
        rule->resolved += r->resolved;
    }
    r->fired = r->resolved = 0;
    if (t->error == NULL || r->broken)
        return;
    char at[DURATION_STR_MAX];
    (void)duration_format(t->slot - r->group->start, at);
    r->broken = true;
    if (test_fail(r, r->group->node->line, "", "rule %.*s (%.*s:%u) at %s: %s",
                  SLICE_FMT(t->rule->name), SLICE_FMT(t->rule->file),
                  t->rule->line, at, t->error) < 0)
        r->error = -ENOMEM;
}

/* One that was started by an event belongs to no evaluation. */
static void
count_arrival(struct test_run *r, const struct transition *t)
{
    for (uint32_t i = 0; i < r->n_rules; i++) {
        struct ruletest_rule *rule = &r->report->rules.p[r->rules[i]];
        if (rule->is_alert && slice_eq_str(t->rule, rule->name) &&
            slice_eq_str(t->group, rule->group) &&
            slice_eq_str(t->expr, rule->expr)) {
            rule->fired++;
            return;
        }
    }
}

static int
copy_labels(struct arena *a, const struct label *l, uint32_t n,
            const struct label **ret)
{
    struct label *to = arena_new_array(a, struct label, n + 1);
    for (uint32_t i = 0; to != NULL && i < n; i++) {
        if (arena_slice_dup(a, l[i].name, &to[i].name) < 0 ||
            arena_slice_dup(a, l[i].value, &to[i].value) < 0)
            return -ENOMEM;
    }
    *ret = to;
    return to == NULL ? -ENOMEM : 0;
}

static struct test_episode *
episode_of(struct test_run *r, const struct transition *t)
{
    for (uint32_t i = 0; i < r->episodes.n; i++) {
        struct test_episode *e = &r->episodes.p[i];
        if (e->fingerprint == t->fingerprint &&
            slice_eq_str(t->rule, e->alertname))
            return e;
    }
    struct test_episode e = {
        .alertname = arena_strndup(&r->arena, t->rule.p, t->rule.n),
        .fingerprint = t->fingerprint,
        .n_labels = t->n_labels,
    };
    if (e.alertname == NULL ||
        copy_labels(&r->arena, t->labels, t->n_labels, &e.labels) < 0 ||
        vec_push(&r->episodes, e) < 0)
        return NULL;
    return &r->episodes.p[r->episodes.n - 1];
}

static void
emitted(void *arg, const struct transition *t)
{
    struct test_run *r = arg;
    if (t->state == ALERT_FIRING && t->on_arrival && t->time_us == t->fired_us)
        count_arrival(r, t);
    else if (t->state == ALERT_FIRING)
        r->fired++;
    r->resolved += t->state == ALERT_RESOLVED;
    if (t->state != ALERT_FIRING && t->state != ALERT_RESOLVED)
        return;
    struct test_episode *e = episode_of(r, t);
    if (e == NULL) {
        r->error = -ENOMEM;
        return;
    }
    e->resolved = t->state == ALERT_RESOLVED;
    e->n_annotations = t->n_annotations;
    if (copy_labels(&r->arena, t->annotations, t->n_annotations,
                    &e->annotations) < 0)
        r->error = -ENOMEM;
}

/* --- a restart ----------------------------------------------------------- */

struct kept {
    struct arena arena;
    VEC(struct engine_row) rows;
};

static int
keep_row(void *arg, const struct engine_row *row)
{
    struct kept *k = arg;
    struct engine_row copy = {.node = row->node};
    if (arena_slice_dup(&k->arena, row->key, &copy.key) < 0 ||
        arena_slice_dup(&k->arena, row->value, &copy.value) < 0)
        return -ENOMEM;
    return vec_push(&k->rows, copy);
}

static int
restore(struct kept *k, uint64_t position, struct engine *e)
{
    for (uint32_t i = 0; i < k->rows.n; i++) {
        int r = engine_restore_row(e, &k->rows.p[i]);
        if (r < 0)
            return r;
    }
    return engine_restore_end(e, position);
}

/* All that the engine keeps goes through a checkpoint into a fresh one. */
static int
restart(struct test_run *r)
{
    struct kept k = {0};
    arena_init(&k.arena, 64 << 10, (size_t)1 << 30);
    uint64_t position = engine_checkpoint_begin(r->engine, true);
    int e;
    do
        e = engine_checkpoint_step(r->engine, 4096, keep_row, &k);
    while (e == 1);
    engine_free(r->engine);
    r->engine = e < 0 ? NULL : engine_new(&r->options);
    if (e == 0)
        e = r->engine == NULL ? -ENOMEM : restore(&k, position, r->engine);
    vec_free(&k.rows);
    arena_fini(&k.arena);
    return e;
}

/* --- the clock ----------------------------------------------------------- */

static void
soonest(const struct test_run *r, usec_t *next, usec_t after_start)
{
    if (after_start <= 2 * TEST_TIME_MAX &&
        r->group->start + after_start > r->now)
        *next = MIN(*next, r->group->start + after_start);
}

/* The first slot, and where lateness holds it back, after now. */
static void
soonest_slot(const struct test_run *r, usec_t *next, usec_t lateness)
{
    usec_t past = r->now - r->group->start - lateness;
    usec_t interval = r->file->interval;
    usec_t slot = past < 0 ? 0 : past - past % interval + interval;
    soonest(r, next, slot + lateness);
}

static usec_t
next_moment(const struct test_run *r)
{
    const struct test_group *g = r->group;
    usec_t next = feed_next(r);
    soonest_slot(r, &next, 0);
    soonest_slot(r, &next, g->lateness);
    for (uint32_t i = 0; i < g->n_alerts; i++)
        soonest(r, &next, g->alerts[i].time);
    for (uint32_t i = 0; i < g->n_exprs; i++) {
        soonest(r, &next, g->exprs[i].time);
        soonest(r, &next, g->exprs[i].time + g->lateness);
    }
    for (uint32_t i = 0; i < g->n_restarts; i++)
        soonest(r, &next, g->restarts[i]);
    for (uint32_t i = 0; i < g->n_downs; i++) {
        soonest(r, &next, g->downs[i].from);
        soonest(r, &next, g->downs[i].until);
    }
    return next;
}

static int
look(struct test_run *r)
{
    struct test_group *g = r->group;
    for (uint32_t i = 0; i < g->n_alerts; i++) {
        struct alert_check *c = &g->alerts[i];
        if (c->done || r->now < g->start + c->time)
            continue;
        c->done = true;
        if (check_alerts(r, c) < 0)
            return -ENOMEM;
    }
    for (uint32_t i = 0; i < g->n_restarts; i++) {
        if (r->now - g->start == g->restarts[i] && restart(r) < 0)
            return -ENOMEM;
    }
    return 0;
}

static usec_t
end_of(const struct test_group *g)
{
    usec_t end = 0;
    for (uint32_t i = 0; i < g->n_alerts; i++)
        end = MAX(end, g->alerts[i].time);
    for (uint32_t i = 0; i < g->n_exprs; i++)
        end = MAX(end, g->exprs[i].time + g->lateness);
    return g->start + end;
}

static int
run_clock(struct test_run *r)
{
    uint32_t steps = 0, max = r->file->options->max_steps;
    int e = 0;
    if (max == 0)
        max = RULETEST_STEPS_MAX;
    while (e == 0 && r->now <= r->end && !r->broken) {
        e = feed_now(r);
        if (e == 0 && !r->broken)
            e = look(r);
        if (e == 0)
            e = r->error;
        if (++steps == max)
            return test_fail(r, r->group->node->line, "",
                             "more than %u moments to look at: make the test "
                             "shorter, or its intervals longer",
                             max);
        r->now = next_moment(r);
    }
    return e;
}

/* Questions whose slot never came: their source was down, or is behind. */
static int
unanswered(struct test_run *r)
{
    int e = 0;
    for (uint32_t i = 0; e == 0 && i < r->group->n_exprs; i++) {
        const struct expr_check *c = &r->group->exprs[i];
        char at[DURATION_STR_MAX];
        (void)duration_format(c->time, at);
        if (!c->done && !r->broken)
            e = test_fail(r, c->line, "",
                          "expr %.*s at %s: unknown: a source that it reads "
                          "was down, or had not come so far",
                          SLICE_FMT(c->expr), at);
    }
    return e;
}

static int
make_questions(struct test_run *r)
{
    const struct test_group *g = r->group;
    struct trial_question *q =
        arena_new_array(&r->arena, struct trial_question, g->n_exprs + 1);
    for (uint32_t i = 0; q != NULL && i < g->n_exprs; i++)
        q[i] = (struct trial_question){g->exprs[i].expr,
                                       g->start + g->exprs[i].time};
    r->trial = (struct trial){.origin_us = g->start,
                              .interval_us = r->file->interval,
                              .questions = q,
                              .n_questions = g->n_exprs,
                              .told = told,
                              .arg = r};
    return q == NULL ? -ENOMEM : 0;
}

int
test_group_run(struct test_run *r)
{
    struct test_group *g = r->group;
    arena_init(&r->arena, 64 << 10, (size_t)1 << 30);
    buf_init(&r->payload, CHUNK_BYTES);
    r->pos = 8;
    r->now = g->start;
    r->end = end_of(g);
    r->series_next = g->n_series > 0 ? g->start : USEC_MAX;
    r->options =
        (struct engine_options){.emit = emitted, .arg = r, .trial = &r->trial};
    int e = make_questions(r);
    r->chunk = chunk_builder_new(CHUNK_BYTES);
    if (e == 0)
        r->engine = engine_new(&r->options);
    if (r->engine == NULL || r->chunk == NULL)
        e = -ENOMEM;
    if (e == 0)
        e = feed_start(r);
    if (e == 0 && r->schema != NULL)
        e = run_clock(r);
    if (e == 0 && r->schema != NULL)
        e = unanswered(r);
    engine_free(r->engine);
    chunk_builder_free(r->chunk);
    schema_free(r->schema);
    vec_free(&r->episodes);
    buf_fini(&r->payload);
    arena_fini(&r->arena);
    return e;
}
