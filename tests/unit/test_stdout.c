/* SPDX-License-Identifier: Apache-2.0 */
/* test_stdout.c - what is printed, and what a closed pipe does.  Also the text
 * that exporters share. */
#include "config.h"

#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tocsin/plugin.h>

#include "core/base/clock.h"
#include "core/base/timefmt.h"
#include "core/host/instance.h"
#include "plugins/lib/plain.h"
#include "tests/lib/unit.h"

#define T(s)                                                                   \
    {                                                                          \
        "" s, sizeof(s) - 1                                                    \
    }

static const struct tocsin_pair labels[] = {
    {T("alertname"), T("Storm")},
    {T("device"), T("evil\x1b[2J\nFIRING")},
    {T("hub"), T("eu")},
};
static const struct tocsin_pair annotations[] = {
    {T("runbook_url"), T("https://run.example/storm")},
    {T("summary"), T("hub-eu: 812 disconnects in 5m")},
};
static const struct tocsin_text evidence[] = {T("{\"old\":1}"),
                                              T("{\"new\":1}")};
static const struct tocsin_alert alerts[] = {
    {
        .firing = 1,
        .n_labels = 3,
        .n_annotations = 2,
        .n_evidence = 2,
        .labels = labels,
        .annotations = annotations,
        .evidence = evidence,
        .starts_us = INT64_C(1777863310000000), /* 2026-05-04T02:55:10Z */
        .detected_us = INT64_C(1777863621250000),
        .value = 812,
    },
    {
        .n_labels = 1,
        .labels = labels,
        .starts_us = INT64_C(1777863310000000),
        .ends_us = INT64_C(1777950000000000),
        .value = 0.5,
    },
};
static const struct tocsin_notification note = {
    .struct_size = sizeof note,
    .firing = 1,
    .receiver = T("r"),
    .key = T("k"),
    .alerts = alerts,
    .n_alerts = 2,
    .alert_size = sizeof alerts[0],
    .n_truncated = 7,
};

/* Of the plugin's options struct. */
struct options {
    int32_t format, colour;
};

static struct instance *in;
static struct plugin plugin;
static char printed[65536];

/* Delivers with standard output in a pipe, whose reader is gone if so. */
static int
deliver(const struct options *o, struct tocsin_batch *b, bool closed)
{
    int fds[2], saved = dup(STDOUT_FILENO);
    struct err err = ERR_INIT;
    struct tocsin_answer a = {.struct_size = sizeof a};
    plugin.desc = *tocsin_plugin_v1();
    ck_assert_int_eq(instance_new(&plugin, "r", o, &in, &err), 0);
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    fflush(stdout);
    ck_assert_int_ge(dup2(fds[1], STDOUT_FILENO), 0);
    close(fds[1]);
    if (closed)
        close(fds[0]);
    b->struct_size = sizeof *b;
    b->deadline_us = clock_boot_us() + USEC_PER_SEC / 10;
    int r = plugin.desc.deliver(instance_self(in), b, &a);
    ck_assert_int_ge(dup2(saved, STDOUT_FILENO), 0);
    close(saved);
    memset(printed, 0, sizeof printed);
    if (!closed) {
        ck_assert_int_ge(read(fds[0], printed, sizeof printed - 1), 0);
        close(fds[0]);
    }
    return r;
}

static void
teardown(void)
{
    instance_free(in);
    in = NULL;
}

START_TEST(a_page_says_what_where_when)
{
    struct options o = {0, 2};
    struct tocsin_batch b = {.notification = &note};
    ck_assert_int_eq(deliver(&o, &b, false), TOCSIN_DELIVERED);
    ck_assert_str_eq(
        printed,
        "FIRING   hub-eu: 812 disconnects in 5m | since 02:55:10Z, detected "
        "03:00:21Z (+5m11s)\n"
        "         Storm | device=evil\\x1b[2J\\x0aFIRING hub=eu\n"
        "         runbook: https://run.example/storm\n"
        "         evidence: {\"new\":1}\n"
        "RESOLVED Storm = 0.5 | from 2026-05-04T02:55:10Z to "
        "2026-05-05T03:00:00Z (24h4m50s)\n"
        "         Storm | \n"
        "         and 7 more\n");
}
END_TEST

START_TEST(colours_are_asked_for)
{
    struct options o = {0, 1};
    struct tocsin_batch b = {.notification = &note};
    ck_assert_int_eq(deliver(&o, &b, false), TOCSIN_DELIVERED);
    ck_assert_ptr_nonnull(strstr(printed, "\033[1;31mFIRING  \033[0m"));
    ck_assert_ptr_nonnull(strstr(printed, "\033[1;32mRESOLVED\033[0m"));
    ck_assert_ptr_null(strstr(printed, "\033[2J"));
}
END_TEST

START_TEST(json_is_a_line_each)
{
    struct options o = {1, 0};
    struct tocsin_batch b = {.notification = &note};
    json_error_t e;
    ck_assert_int_eq(deliver(&o, &b, false), TOCSIN_DELIVERED);
    ck_assert_ptr_eq(strchr(printed, '\n'), printed + strlen(printed) - 1);
    json_t *j = json_loads(printed, 0, &e);
    ck_assert_msg(j != NULL, "%s: %s", e.text, printed);
    ck_assert_int_eq(json_integer_value(json_object_get(j, "truncated")), 7);
    json_decref(j);
}
END_TEST

START_TEST(records_are_a_line_each)
{
    struct tocsin_record r[2] = {
        {.kind = TOCSIN_RECORD_EVENT,
         .name = T("hub_logs"),
         .key = T("8.0"),
         .time_us = INT64_C(1777863310000000),
         .n_pairs = 3,
         .n_labels = 1,
         .pairs = labels},
        {.kind = TOCSIN_RECORD_SAMPLE,
         .name = T("up"),
         .key = T("8.1"),
         .value = 1,
         .time_us = INT64_C(1777863310000000)},
    };
    struct tocsin_batch b = {
        .records = r, .n_records = 2, .record_size = sizeof r[0]};
    struct options text = {0, 2}, json = {1, 2};
    ck_assert_int_eq(deliver(&text, &b, false), TOCSIN_DELIVERED);
    ck_assert_str_eq(printed, "2026-05-04T02:55:10Z hub_logs "
                              "device=evil\\x1b[2J\\x0aFIRING hub=eu\n"
                              "2026-05-04T02:55:10Z up 1 \n");
    teardown();
    ck_assert_int_eq(deliver(&json, &b, false), TOCSIN_DELIVERED);
    ck_assert_ptr_nonnull(strstr(printed, "{\"key\":\"8.0\",\"stream\":"));
    ck_assert_ptr_nonnull(strstr(printed, "}\n{\"key\":\"8.1\",\"metric\":"));
}
END_TEST

START_TEST(a_closed_pipe_is_an_error_not_the_end)
{
    struct options o = {0, 2};
    struct tocsin_batch b = {.notification = &note};
    ck_assert_int_eq(deliver(&o, &b, true), TOCSIN_REJECTED);
    ck_assert_ptr_nonnull(strstr(instance_reason(in), "Broken pipe"));
}
END_TEST

START_TEST(a_reader_that_reads_nothing_is_left)
{
    static char big[200000];
    memset(big, 'x', sizeof big);
    struct tocsin_record r = {.kind = TOCSIN_RECORD_EVENT,
                              .name = {big, sizeof big}};
    struct tocsin_batch b = {
        .records = &r, .n_records = 1, .record_size = sizeof r};
    struct options o = {0, 2};
    ck_assert_int_eq(deliver(&o, &b, false), TOCSIN_RETRY);
    ck_assert_ptr_nonnull(strstr(instance_reason(in), "nobody reads"));
}
END_TEST

/* ---- shared text */

START_TEST(times_are_as_elsewhere)
{
    static const int64_t times[] = {0,
                                    1,
                                    -1,
                                    INT64_C(951782399999999),
                                    INT64_C(951782400000000),
                                    INT64_C(1777863310250000),
                                    INT64_C(4102444800000000),
                                    INT64_C(-2208988800000001)};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        struct out o = {0};
        char want[TIME_STR_MAX];
        out_time(&o, times[i]);
        out_char(&o, '\0');
        (void)time_format_rfc3339(times[i], TIME_SHORTEST, want);
        ck_assert_str_eq(o.p, want);
        out_fini(&o);
    }
}
END_TEST

START_TEST(strings_and_numbers_are_json)
{
    static const char bytes[] =
        "\"\\/\b\f\n\r\t\x01\x7f \xc3\xa4 \xed\xa0\x80 \xf0\x9f\x94\x94 \xc0";
    static const double numbers[] = {0,    -0.5,    1e300,    0.1,
                                     1e-7, 1.0 / 3, INFINITY, -INFINITY};
    struct out o = {0};
    out_char(&o, '[');
    out_json(&o, (struct tocsin_text){bytes, sizeof bytes - 1});
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        out_char(&o, ',');
        out_json_double(&o, numbers[i]);
    }
    out_str(&o, "]");
    out_char(&o, '\0');
    json_error_t e;
    json_t *j = json_loads(o.p, JSON_ALLOW_NUL, &e);
    ck_assert_msg(j != NULL, "%s: %s", e.text, o.p);
    ck_assert_str_eq(
        json_string_value(json_array_get(j, 0)),
        "\"\\/\b\f\n\r\t\x01\x7f \xc3\xa4 \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd "
        "\xf0\x9f\x94\x94 \xef\xbf\xbd");
    for (size_t i = 0; i < 6; i++)
        ck_assert(json_number_value(json_array_get(j, i + 1)) == numbers[i]);
    ck_assert_str_eq(json_string_value(json_array_get(j, 8)), "-Inf");
    json_decref(j);
    out_fini(&o);
}
END_TEST

START_TEST(a_bound_is_kept)
{
    struct out o = {.max = 1000};
    for (int i = 0; i < 300; i++)
        out_str(&o, "12345");
    ck_assert(out_failed(&o));
    ck_assert_uint_le(o.n, 1000);
    out_fini(&o);
}
END_TEST

static Suite *
stdout_suite(void)
{
    Suite *s = suite_create("stdout");
    TCase *tc = tcase_create("printing");
    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_test(tc, a_page_says_what_where_when);
    tcase_add_test(tc, colours_are_asked_for);
    tcase_add_test(tc, json_is_a_line_each);
    tcase_add_test(tc, records_are_a_line_each);
    tcase_add_test(tc, a_closed_pipe_is_an_error_not_the_end);
    tcase_add_test(tc, a_reader_that_reads_nothing_is_left);
    tcase_add_test(tc, times_are_as_elsewhere);
    tcase_add_test(tc, strings_and_numbers_are_json);
    tcase_add_test(tc, a_bound_is_kept);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return unit_main(stdout_suite(), NULL);
}
