/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that are no expression, and hysteresis: records and ticks in,
 * transitions out.  The expected ones were written down first. */
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

static void
expect(const char *lines)
{
    feed_expect(f, lines);
}

#define GROUP "groups:\n- name: g\n  rules:\n"
#define MISSING(name, more) "  - alert: " name "\n    missing: {" more "}\n"
#define SEQUENCE(name, more) "  - alert: " name "\n    sequence: {" more "}\n"
#define D1 "{device_id=\"d1\",hub=\"eu\"}"
#define D2 "{device_id=\"d2\",hub=\"eu\"}"

/* Ticks that say the same, each 'step' seconds from 'from' to 'to'. */
static void
ticks(double from, double to, double step, const char *states)
{
    for (double t = from; t <= to; t += step)
        feed_tick(f, t, states);
}

static void
sample(double time, double t, const char *device, double value)
{
    char labels[64];
    (void)snprintf(labels, sizeof labels, "hub=eu device_id=%s", device);
    feed_chunk(f, time, "edge/a");
    feed_sample(f, t, "queue_length", labels, value, 0);
    feed_end(f);
}

static void
event(double t, const char *operation, const char *device)
{
    char text[96];
    (void)snprintf(text, sizeof text, "hub=eu operation=%s device_id=%s",
                   operation, device);
    feed_event(f, t, "hub_logs", text);
}

/* One event in a chunk of its own. */
static void
single(double time, double t, const char *operation, const char *device)
{
    feed_chunk(f, time, "hub/0");
    event(t, operation, device);
    feed_end(f);
}

#define SILENT                                                                 \
    GROUP MISSING("Silent",                                                    \
                  "select: queue_length, by: [hub, device_id], after: 1m")

/* --- missing ------------------------------------------------------------ */

START_TEST(silent_key_fires_and_is_healed_by_a_record_only)
{
    feed_schema(f, 0, 0);
    feed_rules(f, 0, SILENT);
    sample(11, 10, "d1", 1);
    ticks(15, 1200, 15, "edge/a caught_up");
    sample(1202, 1201, "d1", 1);
    ticks(1205, 1220, 5, "edge/a caught_up");
    /* Due at 70: slot 75.  The look-back would have ended at 310. */
    expect("75 firing Silent" D1 " 65 since 75\n"
           "1215 resolved Silent" D1 " 1190 since 75\n");
}
END_TEST

START_TEST(key_that_is_heard_of_in_time_is_not_missing)
{
    feed_schema(f, 0, 0);
    feed_rules(f, 0, SILENT);
    for (double t = 5; t < 600; t += 59) {
        sample(t, t, "d1", 1);
        ticks(t + 1, t + 58, 7, "edge/a caught_up");
    }
    expect("");
}
END_TEST

START_TEST(what_a_slot_sees_does_not_depend_on_what_came_later)
{
    /* Seen at 10 and 100; at slot 75 and 90 nothing was seen since 10, though
     * both records are there when these slots are evaluated. */
    feed_schema(f, 0, 60);
    feed_rules(f, 0, SILENT);
    sample(11, 10, "d1", 1);
    sample(101, 100, "d1", 1);
    ticks(105, 240, 15, "edge/a caught_up");
    expect("75 firing Silent" D1 " 65 since 75\n"
           "105 resolved Silent" D1 " 80 since 75\n"
           "165 firing Silent" D1 " 65 since 165\n");
}
END_TEST

START_TEST(source_that_is_down_mutes_it)
{
    feed_schema(f, 0, 0);
    feed_rules(f, 0, SILENT);
    sample(11, 10, "d1", 1);
    ticks(15, 30, 15, "edge/a caught_up");
    ticks(45, 600, 15, "edge/a down");
    ticks(605, 700, 5, "edge/a caught_up");
    /* 20 of the 60 seconds were observed before, slots 45 to 600 were not: due
     * at 10 + 60 + 570. */
    expect("645 firing Silent" D1 " 635 since 645\n");
}
END_TEST

START_TEST(backlog_of_a_source_that_was_down_shows_what_was_missing)
{
    feed_schema(f, 0, 0);
    feed_rules(f, 0, SILENT);
    sample(11, 10, "d1", 1);
    ticks(15, 30, 15, "edge/a caught_up");
    ticks(45, 300, 15, "edge/a down");
    /* Its backlog: d2 was there all the time, d1 not. */
    feed_chunk(f, 305, "edge/a");
    for (double t = 40; t <= 300; t += 20)
        feed_sample(f, t, "queue_length", "hub=eu device_id=d2", 1, 0);
    feed_end(f);
    ticks(310, 320, 5, "edge/a caught_up");
    expect("75 firing Silent" D1 " 65 since 75\n");
}
END_TEST

START_TEST(key_is_retired_by_until_and_forgotten_after_remember)
{
    feed_schema(f, 0, 0);
    feed_rules(f, 0,
               GROUP MISSING("Silent",
                             "select: queue_length, by: [device_id], after: "
                             "1m, remember: 10m, until: "
                             "'dps_events{status=\"deleted\"}'"));
    feed_chunk(f, 11, "edge/a");
    feed_sample(f, 10, "queue_length", "hub=eu device_id=d1", 1, 0);
    feed_sample(f, 10, "queue_length", "hub=eu device_id=d2", 1, 0);
    feed_sample(f, 10, "queue_length", "hub=eu device_id=d3", 1, 0);
    feed_end(f);
    feed_tick(f, 15, "edge/a caught_up dps/0 caught_up");
    feed_chunk(f, 21, "dps/0");
    feed_event(f, 20, "dps_events", "dps=x status=deleted device_id=d3");
    feed_end(f);
    ticks(30, 195, 15, "edge/a caught_up dps/0 caught_up");
    feed_chunk(f, 201, "dps/0");
    feed_event(f, 200, "dps_events", "dps=x status=deleted device_id=d2");
    feed_end(f);
    ticks(210, 700, 15, "edge/a caught_up dps/0 caught_up");
    expect("75 firing Silent{device_id=\"d1\"} 65 since 75\n"
           "75 firing Silent{device_id=\"d2\"} 65 since 75\n"
           "210 resolved Silent{device_id=\"d2\"} 185 since 75\n"
           "615 resolved Silent{device_id=\"d1\"} 590 since 75\n");
}
END_TEST

#define LISTED                                                                 \
    GROUP MISSING("Silent", "select: queue_length, by: [hub, device_id], "     \
                            "after: 1m, inventory: devices.csv")

START_TEST(inventory_says_which_keys_there_are)
{
    feed_schema(f, 0, 0);
    feed_inventory(f, "devices.csv", "device_id,hub\nd1,eu\n\"d2\",eu\n");
    feed_rules(f, 0, LISTED);
    sample(11, 10, "d1", 1);
    sample(11, 10, "d9", 1); /* of whom it doesn't speak */
    ticks(15, 60, 15, "edge/a caught_up");
    sample(61, 60, "d1", 1);
    ticks(65, 100, 5, "edge/a caught_up");
    feed_inventory(f, "devices.csv", "hub,device_id\neu,d1\neu,d3\n");
    feed_rules(f, 101, LISTED);
    ticks(105, 180, 15, "edge/a caught_up");
    /* d2 was never seen: 1m from the rule's first slot.  Then it retires and
     * d3 is expected from the next slot on. */
    expect("75 firing Silent" D2 " 60 since 75\n"
           "105 resolved Silent" D2 " 75 since 75\n"
           "120 firing Silent" D1 " 60 since 120\n"
           "165 firing Silent{device_id=\"d3\",hub=\"eu\"} 60 since 165\n");
}
END_TEST

START_TEST(keys_past_the_bound_are_one_alert)
{
    struct engine_options o = {.max_keys_per_rule = 1};
    feed_schema(f, 0, 0);
    feed_rules(f, 0, SILENT);
    sample(11, 10, "d1", 1);
    sample(13, 12, "d2", 1);
    ticks(15, 90, 15, "edge/a caught_up");
    struct engine *e = feed_engine(&told, &o);
    feed_run(f, e, 0, feed_count(f));
    ck_assert_str_eq(
        buf_str(&told),
        "15 firing Silent{overflow=\"true\"} 1 overflow since 15\n"
        "75 firing Silent" D1 " 65 since 75\n"
        "75 resolved Silent{overflow=\"true\"} 1 overflow since 15\n");
    engine_free(e);
}
END_TEST

START_TEST(changed_after_goes_on_with_the_keys)
{
    feed_schema(f, 0, 0);
    feed_rules(f, 0, SILENT);
    sample(11, 10, "d1", 1);
    ticks(15, 30, 15, "edge/a caught_up");
    feed_rules(f, 31,
               GROUP MISSING("Silent", "select: queue_length, by: [hub, "
                                       "device_id], after: 2m"));
    ticks(45, 150, 15, "edge/a caught_up");
    expect("135 firing Silent" D1 " 125 since 135\n");
}
END_TEST

START_TEST(collector_that_was_off_calls_nobody_missing)
{
    feed_schema(f, 0, 0);
    feed_rules(f, 0, SILENT);
    sample(11, 10, "d1", 1);
    ticks(15, 30, 15, "edge/a caught_up");
    /* Two hours later. */
    ticks(7230, 7320, 10, "edge/a caught_up");
    /* Slots 45 to 7230 were not observed: 10 + 60 + 7200 is due. */
    expect("7275 firing Silent" D1 " 7265 since 7275\n");
}
END_TEST

START_TEST(record_from_the_future_is_no_sign_of_life)
{
    feed_schema(f, 0, 0);
    feed_rules(f, 0, SILENT);
    feed_chunk(f, 11, "edge/a");
    feed_sample(f, 10, "queue_length", "hub=eu device_id=d1", 1, 0);
    feed_sample(f, 2305843009, "queue_length", "hub=eu device_id=d1", 1, 0);
    feed_sample(f, 2305843009, "queue_length", "hub=eu device_id=d2", 1, 0);
    feed_end(f);
    ticks(15, 90, 15, "edge/a caught_up");
    expect("75 firing Silent" D1 " 65 since 75\n");
}
END_TEST

START_TEST(scrape_that_fails_is_data)
{
    uint64_t bits = 0x7ff0000000000002;
    double stale;
    memcpy(&stale, &bits, sizeof stale);
    feed_schema(f, 0, 0);
    feed_rules(f, 0,
               SILENT "  - alert: Down\n    expr: up == 0\n"
                      "  - alert: Long\n    expr: queue_length > 5\n");
    for (int i = 0; i < 8; i++) {
        double t = 15 * i + 10;
        bool fails = i > 0 && i < 7;
        feed_chunk(f, t, "edge/a");
        feed_sample(f, t, "queue_length", "hub=eu device_id=d1",
                    fails ? stale : 6, 0);
        feed_sample(f, t, "up", "instance=x", !fails, 0);
        feed_end(f);
        feed_tick(f, t + 6, "edge/a caught_up");
    }
    /* It fails at 25 to 100 and is back at 115: slot 120.  The target can't be
     * read, and so the device is silent too; markers are no sign of life. */
    expect("15 firing Long" D1 " 6 since 15\n"
           "30 firing Down{instance=\"x\"} 0 since 30\n"
           "30 resolved Long" D1 " 6 since 15\n"
           "75 firing Silent" D1 " 65 since 75\n"
           "120 resolved Silent" D1 " 95 since 75\n"
           "120 resolved Down{instance=\"x\"} 0 since 30\n"
           "120 firing Long" D1 " 6 since 120\n");
}
END_TEST

/* 100,000 devices, each heard of in turn: what one costs. */
START_TEST(many_devices_cost_little)
{
    enum { DEVICES = 100000, ROUNDS = 3 };
    feed_schema(f, 0, 0);
    feed_rules(f, 0, SILENT);
    for (int r = 0; r < ROUNDS; r++) {
        for (int i = 0; i < DEVICES; i++) {
            char labels[48];
            double t = 10 + r * 50 + i * (40.0 / DEVICES);
            if (i % 1000 == 0)
                feed_chunk(f, t, "edge/a");
            (void)snprintf(labels, sizeof labels, "hub=eu device_id=device-%d",
                           i);
            feed_sample(f, t, "queue_length", labels, 1, 0);
            if (i % 1000 == 999)
                feed_end(f);
        }
        feed_tick(f, 55 + r * 50, "edge/a caught_up");
    }
    struct engine *e = feed_engine(&told, NULL);
    feed_run(f, e, 0, feed_count(f));
    struct engine_stats st;
    engine_get_stats(e, &st);
    ck_assert_str_eq(buf_str(&told), "");
    ck_assert_uint_eq(st.keys, DEVICES);
    ck_assert_uint_eq(st.series, 0);
    ck_assert_msg(st.bytes / DEVICES <= 200, "%llu bytes a device",
                  (unsigned long long)(st.bytes / DEVICES));
    engine_free(e);
}
END_TEST

/* --- sequence ----------------------------------------------------------- */

#define FLAPPING                                                               \
    GROUP SEQUENCE(                                                            \
        "Flapping",                                                            \
        "by: [hub, device_id], steps: ['hub_logs{operation=\"up\"}', "         \
        "{select: 'hub_logs{operation=\"down\"}', within: 30s}], times: 5, "   \
        "within: 10m")

START_TEST(five_quick_pairs_fire_and_slow_ones_do_not)
{
    feed_schema(f, 0, 0);
    feed_rules(f, 0, FLAPPING);
    for (int i = 0; i < 5; i++) {
        double t = 10 + 60 * i;
        single(t, t, "up", "d1");
        single(t, t, "up", "d2");
        feed_tick(f, t + 1, "hub/0 caught_up");
        single(t + 10, t + 10, "down", "d1");
        feed_tick(f, t + 11, "hub/0 caught_up");
        single(t + 40, t + 40, "down", "d2");
        feed_tick(f, t + 41, "hub/0 caught_up");
    }
    ticks(310, 900, 15, "hub/0 caught_up");
    /* Pairs are complete at 20, 80, … 260. */
    expect("270 firing Flapping" D1 " 5 since 270\n"
           "870 resolved Flapping" D1 " 1 since 270\n");
}
END_TEST

START_TEST(order_of_arrival_and_repeats_do_not_matter)
{
    feed_schema(f, 300, 0);
    feed_rules(f, 0, FLAPPING);
    feed_chunk(f, 300, "hub/0");
    for (int twice = 0; twice < 2; twice++) {
        for (int i = 4; i >= 0; i--) {
            event(20 + 40 * i, "down", "d1");
            event(10 + 40 * i, "up", "d1");
            /* Four pairs only, each twice. */
            if (i > 0) {
                event(10 + 40 * i, "up", "d2");
                event(20 + 40 * i, "down", "d2");
            }
        }
    }
    feed_end(f);
    ticks(310, 500, 10, "hub/0 caught_up");
    expect("180 firing Flapping" D1 " 5 since 180\n");
}
END_TEST

START_TEST(start_with_nothing_behind_it_is_a_sequence_too)
{
    feed_schema(f, 0, 0);
    feed_rules(
        f, 0,
        GROUP SEQUENCE(
            "NoAnswer",
            "by: [hub, device_id], steps: ['hub_logs{operation=\"ask\"}', "
            "{no: 'hub_logs{operation=\"answer\"}', within: 1m}], within: 2m"));
    single(10, 10, "ask", "d1");
    single(10, 10, "ask", "d2");
    single(50, 50, "ask", "d1"); /* repeats don't put it off */
    single(70, 70, "answer", "d2");
    ticks(71, 300, 15, "hub/0 caught_up");
    expect("75 firing NoAnswer" D1 " 1 since 75\n"
           "195 resolved NoAnswer" D1 " 1 since 75\n");
}
END_TEST

START_TEST(nothing_came_says_nothing_while_nobody_looked)
{
    feed_schema(f, 0, 0);
    feed_rules(
        f, 0,
        GROUP SEQUENCE(
            "NoAnswer",
            "by: [device_id], steps: ['hub_logs{operation=\"ask\"}', {no: "
            "'hub_logs{operation=\"answer\"}', within: 1m}], within: 2m"));
    single(10, 10, "ask", "d1");
    ticks(15, 30, 15, "hub/0 caught_up");
    ticks(45, 300, 15, "hub/0 down");
    feed_tick(f, 305, "hub/0 caught_up");
    single(320, 320, "answer", "d1");
    ticks(325, 500, 15, "hub/0 caught_up");
    expect("");
}
END_TEST

/* --- keep_firing_while -------------------------------------------------- */

START_TEST(alert_goes_on_while_the_second_expression_holds)
{
    static const double v[] = {12, 8, 8, 12, 6, 8, 12};
    feed_schema(f, 0, 0);
    feed_rules(f, 0,
               GROUP "  - alert: Backlog\n"
                     "    expr: max by (device_id) (queue_length) > 10\n"
                     "    keep_firing_while: max by (device_id) (queue_length)"
                     " > 7\n");
    for (unsigned i = 0; i < sizeof v / sizeof *v; i++) {
        double t = 15 * (i + 1);
        sample(t, t, "d1", v[i]);
        feed_tick(f, t, "edge/a caught_up");
    }
    expect("15 firing Backlog{device_id=\"d1\"} 12 since 15\n"
           "75 resolved Backlog{device_id=\"d1\"} 12 since 15\n"
           "105 firing Backlog{device_id=\"d1\"} 12 since 105\n");
}
END_TEST

/* --- ALERTS -------------------------------------------------------------- */

START_TEST(rule_on_alerts_reads_the_slot_before)
{
    static const double v[] = {12, 12, 12, 6, 6};
    feed_schema(f, 0, 0);
    feed_rules(f, 0,
               GROUP "  - alert: Both\n"
                     "    expr: count by (alertstate) (ALERTS{alertname="
                     "\"Backlog\"})\n"
                     "  - alert: Since\n"
                     "    expr: ALERTS_FOR_STATE{alertname=\"Backlog\"}\n"
                     "  - alert: Backlog\n"
                     "    for: 15s\n"
                     "    labels: {severity: page}\n"
                     "    expr: queue_length > 10\n");
    for (unsigned i = 0; i < sizeof v / sizeof *v; i++) {
        double t = 15 * (i + 1);
        sample(t, t, "d1", v[i]);
        feed_tick(f, t, "edge/a caught_up");
    }
    expect("15 pending Backlog{device_id=\"d1\",hub=\"eu\",severity=\"page\"} "
           "12 since 15\n"
           "30 firing Both{alertstate=\"pending\"} 1 since 30\n"
           "30 firing Since{device_id=\"d1\",hub=\"eu\",severity=\"page\"} "
           "1767225615 since 30\n"
           "30 firing Backlog{device_id=\"d1\",hub=\"eu\",severity=\"page\"} "
           "12 since 15\n"
           "45 firing Both{alertstate=\"firing\"} 1 since 45\n"
           "45 resolved Both{alertstate=\"pending\"} 1 since 30\n"
           "60 resolved Backlog{device_id=\"d1\",hub=\"eu\",severity=\"page\"} "
           "12 since 15\n"
           "75 resolved Both{alertstate=\"firing\"} 1 since 45\n"
           "75 resolved Since{device_id=\"d1\",hub=\"eu\",severity=\"page\"} "
           "1767225615 since 30\n");
}
END_TEST

START_TEST(series_of_alerts_end_with_their_rule_and_hold_over_skipped_slots)
{
    feed_schema(f, 0, 0);
#define READER                                                                 \
    "  - alert: Any\n    expr: count(ALERTS{alertname=\"Backlog\"})\n"
    feed_rules(f, 0,
               GROUP READER "  - alert: Backlog\n"
                            "    expr: iothub_device_connected == 0\n");
    feed_chunk(f, 10, "hub/0");
    feed_sample(f, 10, "iothub_device_connected", "hub=eu device_id=d1", 0, 0);
    feed_end(f);
    ticks(15, 30, 15, "hub/0 caught_up");
    ticks(45, 1200, 15, "hub/0 down");
    ticks(1201, 1231, 15, "hub/0 caught_up");
    feed_rules(f, 1232, GROUP READER);
    ticks(1240, 1270, 15, "hub/0 caught_up");
    expect("15 firing Backlog" D1 " 0 since 15\n"
           "30 firing Any{} 1 since 30\n"
           "1230 resolved Backlog" D1 " 0 since 15\n"
           "1245 resolved Any{} 1 since 30\n");
}
END_TEST

/* --- evidence ----------------------------------------------------------- */

static void
keep_evidence(void *arg, const struct transition *t)
{
    for (uint32_t i = 0; i < t->n_evidence; i++)
        (void)buf_printf(arg, "%s: %.*s\n", alert_state_name(t->state),
                         SLICE_FMT(t->evidence[i]));
}

START_TEST(alerts_say_what_moved_them)
{
    struct engine_options o = {.emit = keep_evidence, .arg = &told};
    feed_schema(f, 0, 0);
    feed_rules(
        f, 0,
        SILENT SEQUENCE("Two",
                        "by: [device_id], steps: ['hub_logs{operation=\"a\"}', "
                        "'hub_logs{operation=\"b\"}'], within: 1m"));
    sample(11, 10, "d1", 1);
    single(12, 12.5, "a", "d1");
    single(14, 14, "b", "d1");
    ticks(15, 90, 15, "edge/a caught_up hub/0 caught_up");
    struct engine *e = engine_new(&o);
    feed_run(f, e, 0, feed_count(f));
    ck_assert_str_eq(
        buf_str(&told),
        "firing: 2026-01-01T00:00:12.500Z hub_logs{operation=\"a\"}\n"
        "firing: 2026-01-01T00:00:14Z hub_logs{operation=\"b\"}\n"
        "firing: last seen 2026-01-01T00:00:10Z\n");
    engine_free(e);
}
END_TEST

START_TEST(alerts_on_samples_show_them)
{
    struct engine_options o = {.emit = keep_evidence, .arg = &told};
    feed_schema(f, 0, 0);
    feed_rules(f, 0,
               GROUP "  - alert: Long\n"
                     "    expr: max_over_time(queue_length[1m]) > 10\n"
                     "  - alert: Sum\n"
                     "    expr: sum by (hub) (queue_length) > 10\n");
    sample(11, 10, "d1", 4);
    sample(12, 11, "d2", 8.5);
    sample(13, 12.5, "d1", 11);
    feed_tick(f, 15, "edge/a caught_up");
    struct engine *e = engine_new(&o);
    feed_run(f, e, 0, feed_count(f));
    ck_assert_str_eq(
        buf_str(&told),
        "firing: queue_length{device_id=\"d1\", hub=\"eu\"} 4 at "
        "2026-01-01T00:00:10Z\n"
        "firing: queue_length{device_id=\"d1\", hub=\"eu\"} 11 at "
        "2026-01-01T00:00:12.500Z\n"
        "firing: queue_length{device_id=\"d2\", hub=\"eu\"} 8.5 at "
        "2026-01-01T00:00:11Z\n"
        "firing: queue_length{device_id=\"d1\", hub=\"eu\"} 11 at "
        "2026-01-01T00:00:12.500Z\n");
    engine_free(e);
}
END_TEST

static void
keep_annotations(void *arg, const struct transition *t)
{
    for (uint32_t i = 0; i < t->n_annotations; i++)
        (void)buf_printf(arg, "%.*s: %.*s\n", SLICE_FMT(t->annotations[i].name),
                         SLICE_FMT(t->annotations[i].value));
}

START_TEST(alert_that_stands_for_others_says_so)
{
    struct engine_options o = {.emit = keep_annotations, .arg = &told};
    feed_schema(f, 0, 0);
    feed_rules(f, 0,
               "groups:\n- name: g\n  limit: 1\n  rules:\n"
               "  - alert: Long\n    expr: queue_length > 5\n"
               "    annotations: {a: '{{ $labels.device_id }}', z: 'is {{ "
               "$value }}'}\n");
    sample(11, 10, "d1", 6);
    sample(11, 10, "d2", 7);
    sample(11, 10, "d3", 8);
    feed_tick(f, 15, "edge/a caught_up");
    struct engine *e = engine_new(&o);
    feed_run(f, e, 0, feed_count(f));
    ck_assert_str_eq(buf_str(&told),
                     "a: d1\nz: is 6\n"
                     "a: \n"
                     "overflow: stands for 2 results past the rule's bound\n"
                     "z: is 2\n");
    engine_free(e);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("engine_kinds");
    TCase *tc = tcase_create("scenarios");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, silent_key_fires_and_is_healed_by_a_record_only);
    tcase_add_test(tc, key_that_is_heard_of_in_time_is_not_missing);
    tcase_add_test(tc, what_a_slot_sees_does_not_depend_on_what_came_later);
    tcase_add_test(tc, source_that_is_down_mutes_it);
    tcase_add_test(tc,
                   backlog_of_a_source_that_was_down_shows_what_was_missing);
    tcase_add_test(tc, key_is_retired_by_until_and_forgotten_after_remember);
    tcase_add_test(tc, inventory_says_which_keys_there_are);
    tcase_add_test(tc, keys_past_the_bound_are_one_alert);
    tcase_add_test(tc, changed_after_goes_on_with_the_keys);
    tcase_add_test(tc, collector_that_was_off_calls_nobody_missing);
    tcase_add_test(tc, record_from_the_future_is_no_sign_of_life);
    tcase_add_test(tc, scrape_that_fails_is_data);
    tcase_add_test(tc, many_devices_cost_little);
    tcase_add_test(tc, five_quick_pairs_fire_and_slow_ones_do_not);
    tcase_add_test(tc, order_of_arrival_and_repeats_do_not_matter);
    tcase_add_test(tc, start_with_nothing_behind_it_is_a_sequence_too);
    tcase_add_test(tc, nothing_came_says_nothing_while_nobody_looked);
    tcase_add_test(tc, alert_goes_on_while_the_second_expression_holds);
    tcase_add_test(tc, rule_on_alerts_reads_the_slot_before);
    tcase_add_test(
        tc, series_of_alerts_end_with_their_rule_and_hold_over_skipped_slots);
    tcase_add_test(tc, alerts_say_what_moved_them);
    tcase_add_test(tc, alerts_on_samples_show_them);
    tcase_add_test(tc, alert_that_stands_for_others_says_so);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return unit_main(suite(), NULL);
}
