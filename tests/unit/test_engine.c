/* SPDX-License-Identifier: Apache-2.0 */
/* Scenarios: records and ticks in, transitions out.  The expected ones were
 * written down first. */
#include "config.h"

#include "tests/lib/engine_feed.h"
#include "tests/lib/unit.h"

#define LOG_MAX (16u << 20)

static struct feed *f;
static struct buf told;

static void
setup(void)
{
    f = feed_new();
    told = BUF_INIT(LOG_MAX);
}

static void
teardown(void)
{
    feed_free(f);
    buf_fini(&told);
}

#define STORM                                                                  \
    "groups:\n"                                                                \
    "- name: g\n"                                                              \
    "  rules:\n"                                                               \
    "  - alert: Storm\n"                                                       \
    "    expr: sum by (hub) (count_over_time(hub_logs{category=\"C\"}[1m]))"   \
    " > 2\n"

static void
expect(const char *lines)
{
    feed_expect(f, lines);
}

/* One event of category C. */
static void
event(double t, const char *fields)
{
    feed_event(f, t, "hub_logs", fields);
}

START_TEST(count_fires_on_arrival_and_slots_end_it)
{
    feed_schema(f, 10, 0);
    feed_rules(f, 0, STORM);
    feed_chunk(f, 20, "hub/0");
    event(11, "hub=eu category=C");
    event(12, "hub=eu category=C");
    event(13, "hub=us category=C");
    event(14, "hub=eu category=X");
    event(16, "hub=eu category=C");
    feed_end(f);
    for (double t = 30; t <= 120; t += 10)
        feed_tick(f, t, "hub/0 caught_up");
    /* Slot 75 sees (15, 75]: one event is left. */
    expect("16 firing Storm{hub=\"eu\"} 3 on arrival since 16\n"
           "75 resolved Storm{hub=\"eu\"} 3 since 16\n");
}
END_TEST

#define RULE(name, expr, more)                                                 \
    "  - alert: " name "\n    expr: '" expr "'\n" more
#define GROUP "groups:\n- name: g\n  rules:\n"
#define BUSY                                                                   \
    GROUP RULE("Busy",                                                         \
               "sum by (hub) (count_over_time(hub_logs{category=\"C\"}[1m]))"  \
               " > 0",                                                         \
               "    for: 2m\n")

/* Ticks that say the same, each 'step' seconds from 'from' to 'to'. */
static void
ticks(double from, double to, double step, const char *states)
{
    for (double t = from; t <= to; t += step)
        feed_tick(f, t, states);
}

/* One chunk of events of category C in hub eu, each 'step' seconds. */
static void
events(double time, double from, double to, double step)
{
    feed_chunk(f, time, "hub/0");
    for (double t = from; t <= to; t += step)
        event(t, "hub=eu category=C device_id=d1");
    feed_end(f);
}

START_TEST(arrival_and_then_an_earlier_slot_is_one_alert)
{
    feed_schema(f, 60, 0);
    feed_rules(f, 0, STORM);
    events(100, 90, 92, 1);
    /* Late, but not too late: slot 60 would see four of them. */
    events(101, 50, 53, 1);
    ticks(105, 230, 5, "hub/0 caught_up");
    expect("92 firing Storm{hub=\"eu\"} 3 on arrival since 92\n"
           "150 resolved Storm{hub=\"eu\"} 3 since 92\n");
}
END_TEST

START_TEST(source_that_was_down_and_brings_its_backlog_resolves_nothing)
{
    feed_schema(f, 10, 0);
    feed_rules(f, 0, BUSY);
    for (double t = 10; t <= 60; t += 10) {
        events(t + 1, t, t, 1);
        feed_tick(f, t + 1, "hub/0 caught_up");
    }
    ticks(70, 290, 10, "hub/0 down");
    feed_tick(f, 300, "hub/0 reading");
    for (double t = 70; t <= 300; t += 10)
        events(301, t, t, 1);
    ticks(310, 400, 10, "hub/0 caught_up");
    expect("15 pending Busy{hub=\"eu\"} 1 since 15\n"
           "135 firing Busy{hub=\"eu\"} 6 since 15\n"
           "360 resolved Busy{hub=\"eu\"} 2 since 15\n");
}
END_TEST

START_TEST(for_stands_still_while_nobody_observed)
{
    feed_schema(f, 10, 0);
    feed_rules(f, 0, BUSY);
    events(11, 10, 10, 1);
    ticks(20, 60, 10, "hub/0 caught_up");
    ticks(70, 590, 20, "hub/0 down");
    feed_tick(f, 600, "hub/0 caught_up");
    for (double t = 605; t <= 800; t += 10) {
        events(t, t, t, 1);
        feed_tick(f, t + 1, "hub/0 caught_up");
    }
    /* Slots 15 to 45 saw it, 60 to 600 (37 of them) nobody: 15 + 555. */
    expect("15 pending Busy{hub=\"eu\"} 1 since 15\n"
           "690 firing Busy{hub=\"eu\"} 6 since 570\n");
}
END_TEST

START_TEST(silence_beyond_expect_every_is_down)
{
    feed_expect_every(f, 60);
    feed_schema(f, 0, 0);
    feed_rules(f, 0, STORM);
    events(13, 11, 13, 1);
    ticks(14, 200, 10, "hub/0 caught_up");
    /* Silent since 13: from 74 on nothing is known, so nothing resolves. */
    expect("13 firing Storm{hub=\"eu\"} 3 on arrival since 13\n");
}
END_TEST

START_TEST(event_from_the_future_moves_nothing)
{
    feed_schema(f, 10, 0);
    feed_rules(f, 0, STORM);
    feed_chunk(f, 20, "hub/0");
    event(2305843009, "hub=eu category=C");
    event(2305843009, "hub=eu category=C");
    event(2305843009, "hub=eu category=C");
    event(19, "hub=eu category=C");
    feed_end(f);
    ticks(30, 120, 10, "hub/0 caught_up");
    expect("");
    struct engine *e = feed_engine(&told, NULL);
    feed_run(f, e, 0, feed_count(f));
    struct engine_stats st;
    engine_get_stats(e, &st);
    ck_assert_uint_eq(st.future, 3);
    ck_assert_uint_eq(st.records, 4);
    ck_assert_uint_gt(st.slots, 0);
    engine_free(e);
}
END_TEST

START_TEST(collector_that_was_off_skips_what_nobody_saw)
{
    feed_schema(f, 0, 0);
    feed_rules(f, 0, STORM);
    events(13, 11, 13, 1);
    ticks(14, 60, 10, "hub/0 caught_up");
    /* Two hours later, on the same journal. */
    ticks(7260, 7300, 10, "hub/0 caught_up");
    expect("13 firing Storm{hub=\"eu\"} 3 on arrival since 13\n"
           "7275 resolved Storm{hub=\"eu\"} 3 since 13\n");
}
END_TEST

START_TEST(late_logs_do_not_delay_rules_on_scrapes)
{
    feed_schema(f, 120, 0);
    feed_rules(f, 0,
               GROUP RULE("Queue", "queue_length > 5", "")
                   RULE("Both",
                        "queue_length * on (hub) group_left sum by (hub) "
                        "(count_over_time(hub_logs[5m])) > 10",
                        ""));
    feed_chunk(f, 10, "edge/a");
    feed_sample(f, 10, "queue_length", "hub=eu device_id=d1", 6, 0);
    feed_end(f);
    events(10, 8, 9, 1);
    ticks(16, 160, 8, "hub/0 caught_up edge/a caught_up");
    expect("15 firing Queue{device_id=\"d1\",hub=\"eu\"} 6 since 15\n"
           "15 firing Both{device_id=\"d1\",hub=\"eu\"} 12 since 15\n");
}
END_TEST

START_TEST(stalled_partition_holds_its_rules)
{
    feed_schema(f, 10, 0);
    feed_rules(f, 0, STORM);
    events(13, 11, 13, 1);
    ticks(14, 300, 10, "hub/0 reading");
    expect("13 firing Storm{hub=\"eu\"} 3 on arrival since 13\n");
}
END_TEST

START_TEST(recording_rules_come_before_their_readers)
{
    feed_schema(f, 0, 0);
    feed_rules(f, 0,
               GROUP RULE("High", "hub:c:count1m > 2",
                          "") "  - record: hub:c:count1m\n"
                              "    expr: 'sum by (hub) (count_over_time("
                              "hub_logs{category=\"C\"}[1m]))'\n"
                              "    labels: {kind: c}\n");
    events(13, 11, 13, 1);
    ticks(15, 120, 5, "hub/0 caught_up");
    expect("15 firing High{hub=\"eu\",kind=\"c\"} 3 since 15\n"
           "75 resolved High{hub=\"eu\",kind=\"c\"} 3 since 15\n");
}
END_TEST

START_TEST(keep_firing_for_and_pending_that_comes_to_nothing)
{
    feed_schema(f, 0, 0);
    feed_rules(f, 0,
               GROUP RULE("Hot", "temperature > 50",
                          "    for: 30s\n    keep_firing_for: 1m\n"));
    static const double v[] = {60, 40, 60, 60, 60, 40, 40,
                               60, 40, 40, 40, 40, 40, 40};
    for (unsigned i = 0; i < sizeof v / sizeof *v; i++) {
        double t = 15 * (i + 1);
        feed_chunk(f, t, "edge/a");
        feed_sample(f, t, "temperature", "hub=eu device_id=d1", v[i], 0);
        feed_end(f);
        feed_tick(f, t, "edge/a caught_up");
    }
    expect("15 pending Hot{device_id=\"d1\",hub=\"eu\"} 60 since 15\n"
           "30 inactive Hot{device_id=\"d1\",hub=\"eu\"} 60 since 15\n"
           "45 pending Hot{device_id=\"d1\",hub=\"eu\"} 60 since 45\n"
           "75 firing Hot{device_id=\"d1\",hub=\"eu\"} 60 since 45\n"
           "195 resolved Hot{device_id=\"d1\",hub=\"eu\"} 60 since 45\n");
}
END_TEST

START_TEST(state_metric_holds_its_value_past_the_look_back)
{
    feed_schema(f, 0, 0);
    feed_rules(
        f, 0,
        GROUP RULE("Gone", "iothub_device_connected == 0", "    for: 10m\n"));
    feed_chunk(f, 10, "hub/0");
    feed_sample(f, 5, "iothub_device_connected", "hub=eu device_id=a", 1, 1);
    feed_sample(f, 7, "iothub_device_connected", "hub=eu device_id=a", 0, 2);
    /* An older one that comes late changes nothing. */
    feed_sample(f, 6, "iothub_device_connected", "hub=eu device_id=a", 1, 1);
    /* At equal times connect wins. */
    feed_sample(f, 8, "iothub_device_connected", "hub=eu device_id=b", 0, 0);
    feed_sample(f, 8, "iothub_device_connected", "hub=eu device_id=b", 1, 0);
    feed_end(f);
    ticks(15, 700, 20, "hub/0 caught_up");
    feed_chunk(f, 700, "hub/0");
    feed_sample(f, 699, "iothub_device_connected", "hub=eu device_id=a", 1, 3);
    feed_end(f);
    ticks(705, 720, 15, "hub/0 caught_up");
    expect("15 pending Gone{device_id=\"a\",hub=\"eu\"} 0 since 15\n"
           "615 firing Gone{device_id=\"a\",hub=\"eu\"} 0 since 15\n"
           "705 resolved Gone{device_id=\"a\",hub=\"eu\"} 0 since 15\n");
}
END_TEST

START_TEST(sample_is_gone_after_the_look_back_and_when_stale)
{
    feed_schema(f, 0, 0);
    feed_rules(f, 0,
               GROUP RULE("Queue", "queue_length > 5", "")
                   RULE("NoUp", "absent(up{instance=\"x\"})", ""));
    uint64_t bits = 0x7ff0000000000002;
    double stale;
    memcpy(&stale, &bits, sizeof stale);
    feed_chunk(f, 10, "edge/a");
    feed_sample(f, 10, "queue_length", "hub=eu device_id=d1", 6, 0);
    feed_sample(f, 10, "queue_length", "hub=eu device_id=d2", 7, 0);
    feed_sample(f, 10, "up", "instance=x", 1, 0);
    feed_end(f);
    ticks(20, 40, 10, "edge/a caught_up");
    feed_chunk(f, 41, "edge/a");
    feed_sample(f, 41, "queue_length", "hub=eu device_id=d2", stale, 0);
    feed_end(f);
    ticks(50, 330, 20, "edge/a caught_up");
    expect("15 firing Queue{device_id=\"d1\",hub=\"eu\"} 6 since 15\n"
           "15 firing Queue{device_id=\"d2\",hub=\"eu\"} 7 since 15\n"
           "45 resolved Queue{device_id=\"d2\",hub=\"eu\"} 7 since 15\n"
           "315 resolved Queue{device_id=\"d1\",hub=\"eu\"} 6 since 15\n"
           "315 firing NoUp{instance=\"x\"} 1 since 315\n");
}
END_TEST

START_TEST(reload_keeps_what_did_not_change)
{
    feed_schema(f, 0, 0);
    feed_rules(f, 0, BUSY);
    for (double t = 5; t <= 60; t += 5) {
        events(t, t, t, 1);
        feed_tick(f, t, "hub/0 caught_up");
    }
    /* Another rule before it, another file's worth of white space, another
     * annotation: the timer goes on. */
    feed_rules(f, 60,
               "groups:\n- name: other\n  rules:\n"
               "  - alert: X\n    expr: vector(1) > 2\n"
               "- name: h\n  rules:\n  - alert: Busy\n    for: 2m\n"
               "    annotations: {a: b}\n"
               "    expr: 'sum by(hub)(count_over_time(hub_logs{ "
               "category=\"C\" }[60s])) > 0'\n");
    for (double t = 65; t <= 140; t += 5) {
        events(t, t, t, 1);
        feed_tick(f, t, "hub/0 caught_up");
    }
    /* The limit changes: as in Prometheus the alert goes on. */
    feed_rules(f, 140,
               GROUP RULE("Busy",
                          "sum by (hub) (count_over_time("
                          "hub_logs{category=\"C\"}[1m])) > 1",
                          "    for: 2m\n"));
    for (double t = 145; t <= 160; t += 5) {
        events(t, t, t, 1);
        feed_tick(f, t, "hub/0 caught_up");
    }
    /* The rule goes: so do its alerts. */
    feed_rules(f, 161, GROUP RULE("Other", "vector(1) > 2", ""));
    feed_tick(f, 180, "hub/0 caught_up");
    expect("15 pending Busy{hub=\"eu\"} 3 since 15\n"
           "135 firing Busy{hub=\"eu\"} 12 since 15\n"
           "150 resolved Busy{hub=\"eu\"} 12 since 15\n");
}
END_TEST

START_TEST(past_the_bound_one_alert_stands_for_the_rest)
{
    feed_schema(f, 0, 0);
    feed_rules(f, 0,
               "groups:\n- name: g\n  limit: 2\n  rules:\n" RULE(
                   "Queue", "queue_length > 5", ""));
    feed_chunk(f, 10, "edge/a");
    for (int i = 5; i >= 1; i--) {
        char labels[64];
        (void)snprintf(labels, sizeof labels, "hub=eu device_id=d%d", i);
        feed_sample(f, 10, "queue_length", labels, 10 + i, 0);
    }
    feed_end(f);
    feed_tick(f, 20, "edge/a caught_up");
    feed_chunk(f, 25, "edge/a");
    feed_sample(f, 25, "queue_length", "hub=eu device_id=d1", 0, 0);
    feed_sample(f, 25, "queue_length", "hub=eu device_id=d4", 0, 0);
    feed_end(f);
    ticks(31, 50, 15, "edge/a caught_up");
    expect("15 firing Queue{device_id=\"d1\",hub=\"eu\"} 11 since 15\n"
           "15 firing Queue{device_id=\"d2\",hub=\"eu\"} 12 since 15\n"
           "15 firing Queue{overflow=\"true\"} 3 overflow since 15\n"
           "30 resolved Queue{device_id=\"d1\",hub=\"eu\"} 11 since 15\n"
           "45 firing Queue{device_id=\"d3\",hub=\"eu\"} 13 since 45\n");
}
END_TEST

START_TEST(clock_that_steps_back_does_not_stop_the_rules)
{
    feed_schema(f, 0, 0);
    feed_rules(f, 0, GROUP RULE("Queue", "queue_length > 5", "    for: 30s\n"));
    for (double t = 3605; t <= 3620; t += 5) {
        feed_chunk(f, t, "edge/a");
        feed_sample(f, t, "queue_length", "hub=eu device_id=d1", 6, 0);
        feed_end(f);
        feed_tick(f, t, "edge/a caught_up");
    }
    feed_rebase(f, 20, "edge/a caught_up");
    for (double t = 25; t <= 60; t += 5) {
        feed_chunk(f, t, "edge/a");
        feed_sample(f, t, "queue_length", "hub=eu device_id=d1", 6, 0);
        feed_end(f);
        feed_tick(f, t, "edge/a caught_up");
    }
    /* Pending since 3615, next slot 3630; the clock is now 3600 behind. */
    expect("3615 pending Queue{device_id=\"d1\",hub=\"eu\"} 6 since 3615\n"
           "45 firing Queue{device_id=\"d1\",hub=\"eu\"} 6 since 15\n");
}
END_TEST

START_TEST(late_records_are_counted_and_enter_what_is_open)
{
    feed_schema(f, 10, 0);
    feed_rules(f, 0, STORM);
    events(61, 60, 60, 1);
    ticks(75, 75, 1, "hub/0 caught_up");
    /* Slots up to 60 are over; 40 still enters those up to 90. */
    events(76, 40, 41, 1);
    events(77, 1, 1, 1);
    ticks(90, 130, 10, "hub/0 caught_up");
    expect("60 firing Storm{hub=\"eu\"} 3 on arrival since 60\n"
           "105 resolved Storm{hub=\"eu\"} 3 since 60\n");
    struct engine *e = feed_engine(&told, NULL);
    feed_run(f, e, 0, feed_count(f));
    struct engine_stats st;
    engine_get_stats(e, &st);
    ck_assert_uint_eq(st.late, 3);
    engine_free(e);
}
END_TEST

START_TEST(rule_with_an_error_keeps_its_alerts)
{
    feed_schema(f, 0, 0);
    feed_rules(f, 0,
               GROUP RULE("Same", "queue_length > on (hub) temperature", ""));
    feed_chunk(f, 10, "edge/a");
    feed_sample(f, 10, "queue_length", "hub=eu device_id=d1", 6, 0);
    feed_sample(f, 10, "temperature", "hub=eu device_id=d1", 1, 0);
    feed_end(f);
    feed_tick(f, 16, "edge/a caught_up");
    feed_chunk(f, 20, "edge/a");
    feed_sample(f, 20, "temperature", "hub=eu device_id=d2", 1, 0);
    feed_end(f);
    ticks(30, 60, 10, "edge/a caught_up");
    expect("15 firing Same{hub=\"eu\"} 6 since 15\n");
}
END_TEST

START_TEST(fields_become_labels_where_an_expression_groups_by_them)
{
    feed_schema(f, 0, 0);
    feed_rules(f, 0,
               GROUP RULE("Max",
                          "max by (hub) (count_over_time(hub_logs"
                          "{category=\"C\"}[1m])) > 1",
                          "")
                   RULE("Device",
                        "max by (hub, device_id) (count_over_time(hub_logs"
                        "{category=\"C\"}[1m])) > 1",
                        "") RULE("Plain",
                                 "count_over_time(hub_logs{category=\"C\"}"
                                 " | result_type=\"401003\" [1m]) > 0",
                                 ""));
    feed_chunk(f, 10, "hub/0");
    event(5, "hub=eu category=C operation=a device_id=d1");
    event(6, "hub=eu category=C operation=b device_id=d1");
    event(7, "hub=eu category=C operation=a device_id=d2");
    event(8, "hub=eu category=C operation=a device_id=d1");
    event(8, "hub=us category=C level=Error result_type=401003");
    feed_end(f);
    feed_tick(f, 16, "hub/0 caught_up");
    expect("8 firing Plain{category=\"C\",hub=\"us\",level=\"Error\"} 1 on "
           "arrival since 8\n"
           "15 firing Max{hub=\"eu\"} 3 since 15\n"
           "15 firing Device{device_id=\"d1\",hub=\"eu\"} 2 since 15\n");
}
END_TEST

START_TEST(rules_without_inputs_follow_the_journal)
{
    feed_schema(f, 10, 0);
    feed_rules(f, 1, GROUP RULE("Watchdog", "vector(1)", ""));
    ticks(2, 40, 2, "");
    expect("15 firing Watchdog{} 1 since 15\n");
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("engine");
    TCase *tc = tcase_create("scenarios");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, count_fires_on_arrival_and_slots_end_it);
    tcase_add_test(tc, arrival_and_then_an_earlier_slot_is_one_alert);
    tcase_add_test(
        tc, source_that_was_down_and_brings_its_backlog_resolves_nothing);
    tcase_add_test(tc, for_stands_still_while_nobody_observed);
    tcase_add_test(tc, silence_beyond_expect_every_is_down);
    tcase_add_test(tc, event_from_the_future_moves_nothing);
    tcase_add_test(tc, collector_that_was_off_skips_what_nobody_saw);
    tcase_add_test(tc, late_logs_do_not_delay_rules_on_scrapes);
    tcase_add_test(tc, stalled_partition_holds_its_rules);
    tcase_add_test(tc, recording_rules_come_before_their_readers);
    tcase_add_test(tc, keep_firing_for_and_pending_that_comes_to_nothing);
    tcase_add_test(tc, state_metric_holds_its_value_past_the_look_back);
    tcase_add_test(tc, sample_is_gone_after_the_look_back_and_when_stale);
    tcase_add_test(tc, reload_keeps_what_did_not_change);
    tcase_add_test(tc, past_the_bound_one_alert_stands_for_the_rest);
    tcase_add_test(tc, clock_that_steps_back_does_not_stop_the_rules);
    tcase_add_test(tc, late_records_are_counted_and_enter_what_is_open);
    tcase_add_test(tc, rule_with_an_error_keeps_its_alerts);
    tcase_add_test(tc, fields_become_labels_where_an_expression_groups_by_them);
    tcase_add_test(tc, rules_without_inputs_follow_the_journal);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return unit_main(suite(), NULL);
}
