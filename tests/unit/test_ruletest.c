/* SPDX-License-Identifier: Apache-2.0 */
/* test_ruletest.c - unit tests of rules: the notation of values, and that a
 * restart at any moment changes nothing. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "core/base/str.h"
#include "core/run/ruletest_priv.h"
#include "tests/lib/engine_feed.h"
#include "tests/lib/unit.h"

#undef fail /* Check's */

/* --- the notation -------------------------------------------------------- */

static const struct {
    const char *text, *values; /* NULL: wrong at byte 'at' */
    size_t at;
} notations[] = {
    {"", "", 0},
    {"1", "1", 0},
    {" 1  2\n3\t", "1 2 3", 0},
    {"-1 +2 1.5e3 1e-2", "-1 2 1500 0.01", 0},
    {"1x3", "1 1 1 1", 0},
    {"1x0", "1", 0},
    {"1+1x3", "1 2 3 4", 0},
    {"1-1x3", "1 0 -1 -2", 0},
    {"-2+4x3", "-2 2 6 10", 0},
    {"0.1+0.1x3", "0.1 0.2 0.30000000000000004 0.4", 0},
    {"_ _x2 1", "_ _ _ 1", 0},
    {"_x0 1", "1", 0},
    {"stale 1 stalex1", "stale 1 stale stale", 0},
    {"Inf -inf NaN +Infx1", "+Inf -Inf NaN +Inf +Inf", 0},
    {"5m 1h30m", "300 5400", 0},
    {"1e1+1e1x1", "10 20", 0},
    {"1+1", NULL, 3},
    {"1 a", NULL, 2},
    {"1x", NULL, 2},
    {"1x99999999999", NULL, 13},
    {"1,2", NULL, 1},
    {"_3", NULL, 1},
    {"{{schema:1}}", NULL, 0},
    {"1 -", NULL, 3},
    {"stales", NULL, 5},
};

static void
expand(struct test_series *s, struct buf *b)
{
    enum run_kind kind;
    double v;
    for (bool first = true; series_next(s, &kind, &v); first = false) {
        char text[STR_DOUBLE_MAX];
        (void)str_format_double(v, STR_DOUBLE_G, text);
        (void)buf_printf(b, "%s%s", first ? "" : " ",
                         kind == RUN_MISSING ? "_"
                         : kind == RUN_STALE ? "stale"
                                             : text);
    }
}

START_TEST(values_are_read_as_promtool_reads_them)
{
    struct test_series s = {0};
    AUTO_FINI(buf) b = BUF_INIT(4096);
    size_t at = 999;
    const char *why = NULL;
    int r = series_values(slice_from_str(notations[_i].text), &s, &at, &why);
    if (notations[_i].values == NULL) {
        ck_assert_int_eq(r, -EINVAL);
        ck_assert_uint_eq(at, notations[_i].at);
        ck_assert_ptr_nonnull(why);
    } else {
        ck_assert_int_eq(r, 0);
        expand(&s, &b);
        ck_assert_str_eq(buf_str(&b), notations[_i].values);
    }
    vec_free(&s.runs);
}
END_TEST

START_TEST(many_values_take_no_room)
{
    struct test_series s = {0};
    size_t at;
    const char *why;
    ck_assert_int_eq(
        series_values(SLICE("0+1x4000000000 _x4000000000"), &s, &at, &why), 0);
    ck_assert_uint_eq(s.runs.n, 2);
    vec_free(&s.runs);
}
END_TEST

/* --- restarts ------------------------------------------------------------ */

static const char rules[] =
    "groups:\n"
    "- name: g\n"
    "  rules:\n"
    "  - {alert: Storm, expr: 'sum by (hub) (count_over_time("
    "hub_logs{operation=\"out\"}[5m])) > 3'}\n"
    "  - {record: 'm:rate', expr: 'sum(rate(messages_total[4m]))'}\n"
    "  - {alert: Slow, expr: 'm:rate < 1', for: 3m, keep_firing_for: 2m}\n"
    "  - {alert: Quiet, expr: 'absent_over_time(hub_logs[3m])', for: 1m}\n";

static const char test[] =
    "fuzzy_compare: true\n"
    "tests:\n"
    "- name: all\n"
    "  interval: 1m\n"
    "  lateness: 30s\n"
    "  restart_at: [%us]\n"
    "  input_series:\n"
    "  - {series: 'messages_total{hub=\"a\"}', values: '0+90x6 540x9 "
    "600+100x9'}\n"
    "  input_events:\n"
    "  - {stream: hub_logs, at: 61s, every: 7s, until: 3m, received: 70s, "
    "labels: {hub: a, operation: out}}\n"
    "  - {stream: hub_logs, at: 2m, received: 9m, labels: {hub: b, "
    "operation: out}}\n"
    "  alert_rule_test:\n"
    "  - {eval_time: 90s, alertname: Storm, exp_none: true}\n"
    "  - {eval_time: 91s, alertname: Storm, exp_alerts: [{exp_labels: {hub: "
    "a}}]}\n"
    "  - {eval_time: 8m, alertname: Storm, exp_alerts: [{exp_labels: {hub: "
    "a}}]}\n"
    "  - {eval_time: 9m, alertname: Storm, exp_resolved: [{exp_labels: {hub: "
    "a}}]}\n"
    "  - {eval_time: 7m, alertname: Quiet, exp_alerts: [{state: pending}]}\n"
    "  - {eval_time: 8m, alertname: Quiet, exp_alerts: [{}]}\n"
    "  - {eval_time: 9m, alertname: Slow, exp_alerts: [{state: pending}]}\n"
    "  - {eval_time: 13m, alertname: Slow, exp_alerts: [{}]}\n"
    "  - {eval_time: 17m, alertname: Slow, exp_alerts: [{}]}\n"
    "  - {eval_time: 23m, alertname: Slow, exp_resolved: [{}]}\n"
    "  promql_expr_test:\n"
    "  - {expr: 'm:rate', eval_time: 6m, exp_samples: [{labels: 'm:rate', "
    "value: 1.5}]}\n";

/* The failures of the test as text; the caller frees what it returns. */
static void
run_test(const char *text, struct buf *ret)
{
    struct feed *f = feed_new();
    feed_schema(f, 0, 0);
    struct ruleset_file file = {SLICE("r.yaml"), slice_from_str(rules)};
    struct ruletest_options o = {.decoders = feed_get_schema(f),
                                 .text = slice_from_str(text),
                                 .rules = &file,
                                 .n_rules = 1};
    AUTO_FINI(errlist) errs;
    AUTO_FINI(ruletest_report) report;
    errlist_init(&errs);
    ruletest_report_init(&report);
    ck_assert_int_eq(ruletest_run("t.yaml", &o, &errs, &report), 0);
    errlist_print(&errs, ret, NULL, NULL);
    ck_assert_uint_eq(report.suites.n, 1);
    ck_assert_ptr_null(report.suites.p[0].broken);
    ck_assert_uint_eq(report.suites.p[0].cases.n, 1);
    const struct ruletest_case *c = &report.suites.p[0].cases.p[0];
    for (uint32_t i = 0; i < c->failures.n; i++)
        (void)buf_printf(ret, "%u: %s\n%s", c->failures.p[i].line,
                         c->failures.p[i].what, c->failures.p[i].diff);
    for (uint32_t i = 0; i < report.rules.n; i++)
        ck_assert(ruletest_rule_covered(&report.rules.p[i]));
    feed_free(f);
}

START_TEST(a_restart_at_any_moment_changes_nothing)
{
    for (unsigned s = 0; s <= 23 * 60; s += 17) {
        char text[sizeof test + 16];
        AUTO_FINI(buf) b = BUF_INIT(1u << 20);
        (void)snprintf(text, sizeof text, test, s);
        run_test(text, &b);
        if (b.n > 0)
            ck_abort_msg("restarted at %us:\n%s", s, buf_str(&b));
    }
}
END_TEST

static Suite *
ruletest_suite(void)
{
    Suite *s = suite_create("ruletest");
    TCase *t = tcase_create("ruletest");
    tcase_add_loop_test(t, values_are_read_as_promtool_reads_them, 0,
                        ARRAY_SIZE(notations));
    tcase_add_test(t, many_values_take_no_room);
    tcase_add_test(t, a_restart_at_any_moment_changes_nothing);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(ruletest_suite(), NULL);
}
