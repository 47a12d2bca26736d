/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions asked of an engine while its rules run, and rules whose
 * expressions look at other times. */
#include "config.h"

#include "core/base/str.h"
#include "core/engine/query.h"
#include "tests/lib/engine_feed.h"
#include "tests/lib/unit.h"

#define LOG_MAX (16u << 20)

static struct feed *f;
static struct buf told, out;
static struct engine *e;

static void
setup(void)
{
    f = feed_new();
    told = BUF_INIT(LOG_MAX);
    out = BUF_INIT(LOG_MAX);
    e = NULL;
}

static void
teardown(void)
{
    engine_free(e);
    feed_free(f);
    buf_fini(&told);
    buf_fini(&out);
}

#define RULES(expr)                                                            \
    "groups:\n- name: g\n  interval: 1m\n  rules:\n  - alert: A\n"             \
    "    expr: '" expr "'\n"

/* Every minute up to 'last', hub a has minute's number and b ten times that;
 * the engine with these rules that has seen it. */
static void
run(const char *rules, double last)
{
    feed_schema(f, 0, 0);
    feed_rules(f, 0, rules);
    for (double m = 0; m <= last; m++) {
        feed_chunk(f, m * 60, "edge/0");
        feed_sample(f, m * 60, "queue_length", "hub=a device_id=d", m, 0);
        feed_sample(f, m * 60, "queue_length", "hub=b device_id=d", 10 * m, 0);
        feed_sample(f, m * 60, "messages_total", "hub=a device_id=d", m, 0);
        feed_end(f);
        feed_tick(f, m * 60, "edge/0 caught_up");
    }
    e = feed_engine(&told, NULL);
    feed_run(f, e, 0, feed_count(f));
}

static void
print(const struct query_result *r)
{
    char number[STR_DOUBLE_MAX];
    if (r->type == LANG_SCALAR) {
        (void)str_format_double(r->scalar, STR_DOUBLE_G, number);
        (void)buf_printf(&out, "%s\n", number);
    }
    for (uint32_t i = 0; i < r->n_series; i++) {
        const struct query_series *s = &r->series[i];
        for (uint32_t k = 0; k < s->n_labels; k++) {
            if (slice_eq_str(s->labels[k].name, "hub"))
                (void)buf_append_slice(&out, s->labels[k].value);
        }
        for (uint32_t k = 0; k < s->n_samples; k++) {
            (void)str_format_double(s->samples[k].v, STR_DOUBLE_G, number);
            (void)buf_printf(&out, " %s", number);
        }
        (void)buf_putc(&out, '\n');
    }
    for (uint32_t i = 0; i < r->n_notes; i++)
        (void)buf_printf(&out, "%s\n", r->notes[i].text);
}

/* What it gives at these minutes; step 0: at the first.  It leaves no trace. */
static const char *
ask(const char *expr, double start, double end, double step)
{
    struct err err = ERR_INIT;
    struct query_result r;
    struct engine_query q = {
        .expr = slice_from_str(expr),
        .when = {FEED_T0 + (usec_t)(start * USEC_PER_MINUTE),
                 FEED_T0 + (usec_t)(end * USEC_PER_MINUTE),
                 (usec_t)(step * USEC_PER_MINUTE)}};
    uint64_t before = feed_digest(e, NULL);
    buf_reset(&out);
    int x = engine_query(e, &q, &r, &err);
    if (x == 0) {
        print(&r);
        query_result_fini(&r);
    } else {
        ck_assert_int_eq(x, err.code);
        (void)buf_printf(&out, "%s", err.message);
    }
    ck_assert(feed_digest(e, NULL) == before);
    return buf_str(&out);
}

#define ASK(expr, t) ask((expr), (t), (t), 0)

START_TEST(what_rules_read_can_be_asked)
{
    run(RULES("max_over_time(queue_length[10m]) > 1000"), 30);
    ck_assert_str_eq(ASK("queue_length", 30), "a 30\nb 300\n");
    ck_assert_str_eq(ASK("sum(queue_length) / 2", 30), " 165\n");
    ck_assert_str_eq(ASK("queue_length{hub=\"b\"}[3m]", 30), "b 280 290 300\n");
    ck_assert_str_eq(ASK("time() - 1767225600", 30), "1800\n");
    ck_assert_str_eq(ask("queue_length", 28, 30, 1),
                     "a 28 29 30\nb 280 290 300\n");
    ck_assert_str_eq(ASK("sum(rate(queue_length[5m]))", 30),
                     " 0.18333333333333332\nPromQL info: metric might not be a "
                     "counter, name does not end in _total/_sum/_count/_bucket:"
                     " \"queue_length\" (1:10)\n");
}
END_TEST

START_TEST(a_query_may_look_back_as_far_as_rules_at_their_newest_slot)
{
    run(RULES("queue_length > 1000"), 30);
    ck_assert_str_eq(ASK("queue_length", 30), "a 30\nb 300\n");
    ck_assert_str_eq(ASK("queue_length", 30.9), "a 30\nb 300\n");
}
END_TEST

START_TEST(what_is_not_kept_is_an_error)
{
    run(RULES("max_over_time(queue_length{hub=\"a\"}[10m]) > 1000"), 30);
    ck_assert_str_eq(ASK("queue_length{hub=\"a\"}", 30), "a 30\n");
    ck_assert_str_eq(ASK("queue_length{hub=\"a\",device_id!=\"x\"}", 30),
                     "a 30\n");
    ck_assert_str_eq(ASK("queue_length", 30),
                     "not all series of \"queue_length\" that this selects are "
                     "kept: no rule reads them");
    ck_assert_str_eq(ASK("queue_length{hub=\"b\"}", 30),
                     "not all series of \"queue_length\" that this selects are "
                     "kept: no rule reads them");
    ck_assert_str_eq(ASK("messages_total or vector(1)", 30),
                     "nothing is kept of \"messages_total\": no rule reads it");
    ck_assert_str_eq(ASK("nobody_makes_this", 30),
                     "nothing is kept of \"nobody_makes_this\": no rule reads "
                     "it");
    ck_assert_str_eq(ASK("{__name__=~\"no.*\"}", 30),
                     "no metric that is kept has such a name");
    ck_assert_str_eq(ASK("{hub=\"a\",__name__=~\"queue.*\"}", 30), "a 30\n");
    ck_assert_str_eq(
        ASK("max_over_time(queue_length{hub=\"a\"}[15m])", 30),
        "samples of \"queue_length\" are kept from 2026-01-01T00:19:59.998Z "
        "on, as long as rules need them, but this asks for them from "
        "2026-01-01T00:15:00.000Z on");
    ck_assert(strncmp(ASK("queue_length{hub=\"a\"}", 3), "samples of", 10) ==
              0);
    ck_assert(strncmp(ASK("queue_length{hub=\"a\"} @ 1767225900", 30),
                      "samples of", 10) == 0);
    ck_assert_str_eq(ASK("queue_length{hub=\"a\"} @ 1767227100", 99), "a 25\n");
    ck_assert_str_eq(ASK("count_over_time(hub_logs[5m])", 30),
                     "events of \"hub_logs\" are counted for rules as they "
                     "come and not kept for queries");
}
END_TEST

START_TEST(a_query_has_bounds)
{
    run(RULES("queue_length > 1000"), 3);
    ck_assert_str_eq(ASK("1 +", 3), "parse error: unexpected end of input");
    ck_assert_str_eq(ask("vector(1)", 3, 2, 1),
                     "a query must not end before it starts, and the step of a "
                     "range must be positive");
    ck_assert_str_eq(ask("vector(1)", 0, 11000, 1),
                     "exceeded maximum resolution of 11000 points per "
                     "timeseries. Try increasing the value of the step");
    ck_assert_str_eq(ask("\"text\"", 0, 2, 1),
                     "invalid expression type \"string\" for range query, must "
                     "be Scalar or instant Vector");
    ck_assert_str_eq(ASK("sum_over_time(vector(1)[1d:1s] offset 1d)", 3),
                     " 86400\n");
    ck_assert_str_eq(
        ASK("sum_over_time(sum_over_time(vector(1)[1d:1s])[1d:1s])", 3),
        "subqueries of more than 1000000 steps, all together: make their steps "
        "longer or their ranges shorter");
}
END_TEST

/* --- rules --------------------------------------------------------------- */

START_TEST(a_rule_sees_now_beside_what_was)
{
    run(RULES("sum(queue_length + max_over_time(queue_length[2m:1m] offset "
              "10m)) > 520"),
        31);
    /* 330 + 220 at 30, 341 + 231 at 31; 319 + 209 is the first. */
    ck_assert_str_eq(buf_str(&told), "1740 firing A{} 528 since 1740\n");
}
END_TEST

START_TEST(samples_are_kept_for_subqueries)
{
    run(RULES("sum(max_over_time(rate(messages_total[5m])[20m:5m] offset 3m)) "
              "> 0"),
        40);
    ck_assert_str_eq(
        ASK("sum(max_over_time(rate(messages_total[5m])[20m:5m] offset 3m))",
            40),
        " 0.016666666666666666\n");
    ck_assert_str_eq(ASK("count_over_time(messages_total{hub=\"a\"}[28m])", 40),
                     "a 28\n");
}
END_TEST

/* The first problem of a rule. */
static const char *
refused(const char *expr)
{
    AUTO_FINI(errlist) errs;
    AUTO_FINI(buf) yaml = BUF_INIT(4096);
    (void)buf_printf(&yaml, RULES("%s"), expr);
    struct ruleset_file file = {SLICE("r.yaml"), buf_slice(&yaml)};
    struct ruleset rs = {.engine_version = ENGINE_VERSION,
                         .evaluation_interval_us = USEC_PER_MINUTE,
                         .n_files = 1,
                         .files = &file};
    errlist_init(&errs);
    int x = ruleset_check(&rs, feed_get_schema(f), &errs, NULL, NULL);
    buf_reset(&out);
    for (size_t i = 0; x < 0 && i < errs.n && out.n == 0; i++) {
        if (errs.diags[i].severity == SEVERITY_ERROR)
            (void)buf_printf(&out, "%u: %s", errs.diags[i].where.column,
                             errs.diags[i].message);
    }
    return buf_str(&out);
}

START_TEST(a_rule_cannot_look_at_what_is_to_come)
{
    feed_schema(f, 0, 0);
    static const struct {
        const char *expr, *want;
    } cases[] = {
        {"queue_length > 1", ""},
        {"queue_length offset 5m > 1", ""},
        {"queue_length @ end() > 1", ""},
        {"delta(queue_length[5m] anchored) > 1", ""},
        {"1 + queue_length offset -5m > 1",
         "16: a rule can't look at samples that are still to come"},
        {"max_over_time(queue_length[5m:1m] offset -5m)",
         "26: a rule can't look at samples that are still to come"},
        {"queue_length @ 1767225600",
         "12: a rule can't look at a fixed time: it has not come yet, or is "
         "not kept"},
        {"queue_length smoothed > 1",
         "12: \"smoothed\" needs the sample after the evaluation, which is "
         "still to come"},
        {"rate(queue_length[step()])",
         "17: a rule has no step and no range of its own"},
        {"max_over_time(count_over_time(hub_logs[5m])[1h:5m]) > 1",
         "42: events are counted up to the rule's own slots, and not at other "
         "times"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        ck_assert_str_eq(refused(cases[i].expr), cases[i].want);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("query");
    TCase *t = tcase_create("cases");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, what_rules_read_can_be_asked);
    tcase_add_test(t,
                   a_query_may_look_back_as_far_as_rules_at_their_newest_slot);
    tcase_add_test(t, what_is_not_kept_is_an_error);
    tcase_add_test(t, a_query_has_bounds);
    tcase_add_test(t, a_rule_sees_now_beside_what_was);
    tcase_add_test(t, samples_are_kept_for_subqueries);
    tcase_add_test(t, a_rule_cannot_look_at_what_is_to_come);
    suite_add_tcase(s, t);
    return unit_main(s, NULL);
}
