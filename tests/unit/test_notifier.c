/* SPDX-License-Identifier: Apache-2.0 */
/* What Alertmanager does with groups, and what a restart must not change. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/unit.h"
#include "tests/unit/notify_script.h"

#define RECEIVER                                                               \
    "receivers:\n"                                                             \
    "  - name: page\n"                                                         \
    "    webhook_configs: [{url: 'http://x'}]\n"
#define TWO                                                                    \
    "receivers:\n"                                                             \
    "  - name: page\n"                                                         \
    "    webhook_configs: [{url: 'http://x'}, {url: 'http://y'}]\n"
#define ROUTE                                                                  \
    "route: {receiver: page, group_by: [hub], group_wait: 10s, "               \
    "group_interval: 60s, repeat_interval: 10m}\n"

static const struct scenario {
    const char *name, *config;
    const char *steps[24];
    const char *want;
} scenarios[] = {
    {"the_first_alert_waits_for_more",
     RECEIVER ROUTE,
     {"0 fire A,hub=x", "5 fire B,hub=x", "9 to", "10 to"},
     "10 page/webhook_configs[0] firing {hub=x}: +A +B\n"},
    {"without_group_wait_it_leaves_at_once",
     RECEIVER "route: {receiver: page, group_by: [hub], group_wait: 0s}\n",
     {"0 fire A,hub=x", "1 fire B,hub=y"},
     "0 page/webhook_configs[0] firing {hub=x}: +A\n"
     "1 page/webhook_configs[0] firing {hub=y}: +B\n"},
    {"news_waits_for_group_interval",
     RECEIVER ROUTE,
     {"0 fire A,hub=x", "11 to", "12 fire B,hub=x", "75 to"},
     "10 page/webhook_configs[0] firing {hub=x}: +A\n"
     "70 page/webhook_configs[0] firing {hub=x}: +A +B\n"},
    {"an_end_is_told_with_what_still_fires",
     RECEIVER ROUTE,
     {"0 fire A,hub=x", "0 fire B,hub=x", "11 to", "12 resolve A,hub=x",
      "200 to", "201 resolve B,hub=x", "300 to"},
     "10 page/webhook_configs[0] firing {hub=x}: +A +B\n"
     "70 page/webhook_configs[0] firing {hub=x}: -A +B\n"
     "250 page/webhook_configs[0] resolved {hub=x}: -B\n"},
    {"what_ends_before_it_was_told_is_not_told",
     RECEIVER ROUTE,
     {"0 fire A,hub=x", "5 resolve A,hub=x", "100 to"},
     ""},
    {"a_group_that_ended_begins_anew",
     RECEIVER ROUTE,
     {"0 fire A,hub=x", "11 to", "15 resolve A,hub=x", "75 to",
      "80 fire A,hub=x", "95 to"},
     "10 page/webhook_configs[0] firing {hub=x}: +A\n"
     "70 page/webhook_configs[0] resolved {hub=x}: -A\n"
     "90 page/webhook_configs[0] firing {hub=x}: +A\n"},
    {"flapping_inside_of_an_interval_is_no_news",
     RECEIVER ROUTE,
     {"0 fire A,hub=x", "11 to", "12 resolve A,hub=x", "13 fire A,hub=x",
      "80 to"},
     "10 page/webhook_configs[0] firing {hub=x}: +A\n"},
    {"what_still_fires_is_told_again",
     RECEIVER ROUTE,
     {"0 fire A,hub=x", "700 to"},
     "10 page/webhook_configs[0] firing {hub=x}: +A\n"
     "670 page/webhook_configs[0] firing {hub=x}: +A\n"},
    {"send_resolved_false_leaves_ends_out",
     "receivers:\n"
     "  - name: page\n"
     "    webhook_configs: [{url: 'http://x', send_resolved: false}]\n" ROUTE,
     {"0 fire A,hub=x", "0 fire B,hub=x", "11 to", "12 resolve A,hub=x",
      "71 to", "72 fire C,hub=x", "131 to", "132 resolve B,hub=x",
      "132 resolve C,hub=x", "191 to", "192 fire A,hub=x", "203 to"},
     "10 page/webhook_configs[0] firing {hub=x}: +A +B\n"
     "130 page/webhook_configs[0] firing {hub=x}: +B +C\n"
     "202 page/webhook_configs[0] firing {hub=x}: +A\n"},
    {"a_dead_integration_is_told_later_and_delays_no_other",
     TWO ROUTE,
     {"0 dead 0", "0 fire A,hub=x", "70 to", "71 fire B,hub=x", "135 to",
      "136 alive 0", "200 to"},
     "10 page/webhook_configs[1] firing {hub=x}: +A\n"
     "130 page/webhook_configs[1] firing {hub=x}: +A +B\n"
     "136 page/webhook_configs[0] firing {hub=x}: +A +B\n"},
    {"what_was_attempted_stays_and_the_rest_follows_at_once",
     RECEIVER ROUTE,
     {"0 hangs 0", "0 fire A,hub=x", "30 to", "31 fire B,hub=x",
      "32 resolve A,hub=x", "75 to", "76 alive 0", "140 to"},
     "76 page/webhook_configs[0] firing {hub=x}: +A\n"
     "76 page/webhook_configs[0] firing {hub=x}: -A +B\n"},
    {"a_page_is_not_dropped_because_it_ended_on_its_way",
     RECEIVER ROUTE,
     {"0 dead 0", "0 fire A,hub=x", "30 to", "31 resolve A,hub=x", "75 to",
      "76 alive 0", "140 to"},
     "76 page/webhook_configs[0] firing {hub=x}: +A\n"
     "76 page/webhook_configs[0] resolved {hub=x}: -A\n"},
    {"news_on_its_way_is_not_dropped_because_all_ended",
     RECEIVER ROUTE,
     {"0 fire A,hub=x", "11 to", "12 dead 0", "13 fire B,hub=x", "75 to",
      "76 resolve A,hub=x", "76 resolve B,hub=x", "135 to", "136 alive 0"},
     "10 page/webhook_configs[0] firing {hub=x}: +A\n"
     "136 page/webhook_configs[0] firing {hub=x}: +A +B\n"
     "136 page/webhook_configs[0] resolved {hub=x}: -A -B\n"},
    {"after_a_restart_what_was_never_tried_and_ended_wakes_nobody",
     RECEIVER ROUTE,
     {"0 dead 0", "0 fire A,hub=x", "30 to", "31 resolve A,hub=x", "75 to",
      "76 start", "77 alive 0", "140 to"},
     ""},
    {"after_a_restart_what_was_tried_is_tried_again",
     RECEIVER ROUTE,
     {"0 hangs 0", "0 fire A,hub=x", "30 to", "31 resolve A,hub=x", "75 to",
      "76 start", "77 alive 0", "140 to"},
     "77 page/webhook_configs[0] firing {hub=x}: +A\n"
     "77 page/webhook_configs[0] resolved {hub=x}: -A\n"},
    {"what_may_have_been_heard_of_is_not_dropped",
     RECEIVER ROUTE,
     {"0 dead 0", "0 fire A,hub=x", "30 to", "31 takes", "32 fire B,hub=x",
      "75 to", "76 tries", "77 fire C,hub=x", "135 to", "136 resolve A,hub=x",
      "136 resolve B,hub=x", "136 resolve C,hub=x", "190 to", "191 start",
      "192 alive 0"},
     "192 page/webhook_configs[0] firing {hub=x}: +A +B +C\n"
     "192 page/webhook_configs[0] resolved {hub=x}: -A -B -C\n"},
    {"an_end_of_what_was_not_told_is_not_told",
     TWO ROUTE,
     {"0 fire A,hub=x", "11 to", "12 hangs 1", "13 resolve A,hub=x", "71 to",
      "72 fire B,hub=x", "73 resolve B,hub=x", "140 to"},
     "10 page/webhook_configs[0] firing {hub=x}: +A\n"
     "10 page/webhook_configs[1] firing {hub=x}: +A\n"
     "70 page/webhook_configs[0] resolved {hub=x}: -A\n"},
    {"what_is_refused_is_tried_anew_with_the_group",
     RECEIVER ROUTE,
     {"0 refuses 0", "0 fire A,hub=x", "11 to", "12 fire B,hub=x", "71 to",
      "72 alive 0", "140 to"},
     "10 page/webhook_configs[0] firing {hub=x}: +A\n"
     "70 page/webhook_configs[0] firing {hub=x}: +A +B\n"
     "130 page/webhook_configs[0] firing {hub=x}: +A +B\n"},
    {"an_end_that_is_refused_is_given_up",
     RECEIVER ROUTE,
     {"0 fire A,hub=x", "11 to", "12 refuses 0", "13 resolve A,hub=x",
      "200 to"},
     "10 page/webhook_configs[0] firing {hub=x}: +A\n"
     "70 page/webhook_configs[0] resolved {hub=x}: -A\n"},
    {"a_clock_that_steps_back_shifts_what_waits",
     RECEIVER ROUTE,
     {"1000 fire A,hub=x", "1005 to", "1005 back 900", "109 to", "110 to"},
     "110 page/webhook_configs[0] firing {hub=x}: +A\n"},
    {"a_long_gap_is_one_look_not_many",
     RECEIVER ROUTE,
     {"0 fire A,hub=x", "11 to", "5000 tick", "5059 tick", "5061 tick"},
     "10 page/webhook_configs[0] firing {hub=x}: +A\n"
     "5000 page/webhook_configs[0] firing {hub=x}: +A\n"},
    {"all_labels_group_with_dots",
     RECEIVER "route: {receiver: page, group_by: ['...'], group_wait: 0s}\n",
     {"0 fire A,hub=x", "1 fire A,hub=y"},
     "0 page/webhook_configs[0] firing {alertname=A,hub=x}: +\n"
     "1 page/webhook_configs[0] firing {alertname=A,hub=y}: +\n"},
    {"external_labels_group_and_are_told",
     "external_labels: {region: eu, hub: none}\n" RECEIVER
     "route: {receiver: page, group_by: [region], group_wait: 0s}\n",
     {"0 fire A,hub=x"},
     "0 page/webhook_configs[0] firing {region=eu}: +A/x\n"},
    {"alerts_are_told_by_job_instance_and_labels",
     RECEIVER "route: {receiver: page, group_wait: 1s}\n",
     {"0 fire D", "0 fire C,job=b", "0 fire B,job=a,instance=2",
      "0 fire A,job=a,instance=1", "0 fire A,z=1", "0 fire A,y=1", "2 to"},
     "1 page/webhook_configs[0] firing {}: +A/1/a +B/2/a +C/b +D +A/1 +A/1\n"},
    {"nobody_is_told_without_a_route",
     "state_dir: /tmp\n",
     {"0 fire A,hub=x", "100 to", "101 resolve A,hub=x", "200 to"},
     ""},
};

static struct config *
config_of(const char *text)
{
    static char whole[8192];
    const char *head =
        strncmp(text, "state_dir", 9) == 0 ? "" : "state_dir: /tmp\n";
    (void)snprintf(
        whole, sizeof whole,
        "%s%sinputs: [{name: i, source: 'null', decoders: ['null']}]\n", head,
        text);
    return script_config(whole);
}

START_TEST(scenario_is_told_as_alertmanager_would)
{
    const struct scenario *sc = &scenarios[_i];
    struct config *cfg = config_of(sc->config);
    struct buf plain = BUF_INIT(65536);
    script_run(cfg, sc->steps, SCRIPT_PLAIN, false, &plain);
    ck_assert_msg(strcmp(buf_str(&plain), sc->want) == 0,
                  "%s:\nwant\n%sgot\n%s", sc->name, sc->want, buf_str(&plain));
    buf_fini(&plain);
    config_free(cfg);
}
END_TEST

/* With keys: what is told, and under which names. */
START_TEST(restarts_change_nothing)
{
    const struct scenario *sc = &scenarios[_i];
    struct config *cfg = config_of(sc->config);
    struct buf plain = BUF_INIT(65536), other = BUF_INIT(65536);
    script_run(cfg, sc->steps, SCRIPT_PLAIN, true, &plain);
    for (int mode = SCRIPT_RESTORED; mode < SCRIPT_MODES; mode++) {
        buf_reset(&other);
        script_run(cfg, sc->steps, (enum script_mode)mode, true, &other);
        ck_assert_msg(strcmp(buf_str(&plain), buf_str(&other)) == 0,
                      "%s, mode %d:\nwant\n%sgot\n%s", sc->name, mode,
                      buf_str(&plain), buf_str(&other));
    }
    buf_fini(&plain);
    buf_fini(&other);
    config_free(cfg);
}
END_TEST

/* ---- another configuration */

static const struct change {
    const char *name, *before, *after;
    const char *steps[16];
    const char *want;
} changes[] = {
    {"other_intervals_page_nobody",
     RECEIVER ROUTE,
     RECEIVER "route: {receiver: page, group_by: [hub], group_wait: 1s, "
              "group_interval: 30s, repeat_interval: 20m}\n",
     {"0 fire A,hub=x", "12 to", "13 config", "200 to", "201 resolve A,hub=x",
      "300 to"},
     "10 page/webhook_configs[0] firing {hub=x}: +A\n"
     "220 page/webhook_configs[0] resolved {hub=x}: -A\n"},
    {"another_receiver_is_told_what_fires",
     RECEIVER ROUTE,
     "receivers:\n"
     "  - {name: page, webhook_configs: [{url: 'http://x'}]}\n"
     "  - {name: new, webhook_configs: [{url: 'http://y'}]}\n"
     "route: {receiver: page, group_by: [hub], group_wait: 5s, "
     "group_interval: 60s, routes: [{matchers: ['hub=y'], receiver: new}]}\n",
     {"0 fire A,hub=x", "0 fire A,hub=y", "12 to", "13 config", "200 to"},
     "10 page/webhook_configs[0] firing {hub=x}: +A\n"
     "10 page/webhook_configs[0] firing {hub=y}: +A\n"
     "17 new/webhook_configs[0] firing {hub=y}: +A\n"},
    {"other_groups_are_told_anew",
     RECEIVER ROUTE,
     RECEIVER "route: {receiver: page, group_by: [alertname], group_wait: 5s, "
              "group_interval: 60s}\n",
     {"0 fire A,hub=x", "0 fire A,hub=y", "12 to", "13 config", "100 to"},
     "10 page/webhook_configs[0] firing {hub=x}: +A\n"
     "10 page/webhook_configs[0] firing {hub=y}: +A\n"
     "17 page/webhook_configs[0] firing {alertname=A}: +x +y\n"},
    {"a_second_integration_is_told_with_the_group",
     RECEIVER ROUTE,
     TWO ROUTE,
     {"0 fire A,hub=x", "12 to", "13 config", "100 to"},
     "10 page/webhook_configs[0] firing {hub=x}: +A\n"
     "70 page/webhook_configs[1] firing {hub=x}: +A\n"},
    {"an_end_that_waits_is_told",
     RECEIVER ROUTE,
     TWO ROUTE,
     {"0 fire A,hub=x", "12 to", "13 resolve A,hub=x", "14 config", "100 to"},
     "10 page/webhook_configs[0] firing {hub=x}: +A\n"
     "70 page/webhook_configs[0] resolved {hub=x}: -A\n"},
    {"what_is_on_its_way_arrives",
     RECEIVER ROUTE,
     TWO ROUTE,
     {"0 hangs 0", "0 fire A,hub=x", "12 to", "13 config", "14 alive 0"},
     "14 page/webhook_configs[0] firing {hub=x}: +A\n"},
    {"without_a_route_what_fires_is_remembered",
     "state_dir: /tmp\n",
     RECEIVER ROUTE,
     {"0 fire A,hub=x", "0 fire B,hub=x", "5 resolve B,hub=x", "100 to",
      "101 config", "120 to"},
     "110 page/webhook_configs[0] firing {hub=x}: +A\n"},
};

START_TEST(a_change_of_routes_loses_nothing)
{
    const struct change *c = &changes[_i];
    struct config *before = config_of(c->before), *after = config_of(c->after);
    struct buf b = BUF_INIT(65536);
    script_run_changed(before, after, c->steps, &b);
    ck_assert_msg(strcmp(buf_str(&b), c->want) == 0, "%s:\nwant\n%sgot\n%s",
                  c->name, c->want, buf_str(&b));
    buf_fini(&b);
    config_free(before);
    config_free(after);
}
END_TEST

static Suite *
notifier_suite(void)
{
    Suite *s = suite_create("notifier");
    TCase *tc = tcase_create("scenarios");
    int n = (int)(sizeof scenarios / sizeof scenarios[0]);
    tcase_add_loop_test(tc, scenario_is_told_as_alertmanager_would, 0, n);
    tcase_add_loop_test(tc, restarts_change_nothing, 0, n);
    tcase_add_loop_test(tc, a_change_of_routes_loses_nothing, 0,
                        (int)(sizeof changes / sizeof changes[0]));
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return unit_main(notifier_suite(), NULL);
}
