/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <time.h>

#include "core/base/auto.h"
#include "core/base/clock.h"
#include "core/base/timefmt.h"
#include "tests/lib/unit.h"

#define T0 (INT64_C(1777882262) * USEC_PER_SEC) /* 2026-05-04T08:11:02Z */

static const struct {
    const char *text;
    usec_t us;
} good[] = {
    {"2026-05-04T08:11:02Z", T0},
    {"2026-05-04t08:11:02z", T0},
    {"2026-05-04T08:11:02.5Z", T0 + 500000},
    {"2026-05-04T08:11:02.12Z", T0 + 120000},
    {"2026-05-04T08:11:02.123Z", T0 + 123000},
    {"2026-05-04T08:11:02.123456Z", T0 + 123456},
    {"2026-05-04T08:11:02.1234567Z", T0 + 123456},
    {"2026-05-04T08:11:02.999999999Z", T0 + 999999},
    {"2026-05-04T10:11:02+02:00", T0},
    {"2026-05-04T02:41:02.25-05:30", T0 + 250000},
    {"2026-05-04T08:11:02-00:00", T0},
    {"1970-01-01T00:00:00Z", 0},
    {"1969-12-31T23:59:59.75Z", -250000},
    {"0001-01-01T00:00:00Z", INT64_C(-62135596800) * USEC_PER_SEC},
    {"9999-12-31T23:59:59.999999Z", INT64_C(253402300800) * USEC_PER_SEC - 1},
    {"2024-02-29T00:00:00Z", INT64_C(1709164800) * USEC_PER_SEC},
    {"2000-02-29T00:00:00Z", INT64_C(951782400) * USEC_PER_SEC},
    {"2016-12-31T23:59:60Z", INT64_C(1483228800) * USEC_PER_SEC},
    {"2017-01-01T05:29:60+05:30", INT64_C(1483228800) * USEC_PER_SEC},
};

START_TEST(rfc_3339_times_are_read)
{
    /* A copy of exactly this size, so that a sanitizer sees an overrun. */
    size_t n = strlen(good[_i].text);
    auto_free char *copy = (char *)mem_dup(good[_i].text, n);
    usec_t us = -1;
    ck_assert_int_eq(time_parse_rfc3339(slice_new(copy, n), &us), 0);
    ck_assert_int_eq(us, good[_i].us);
}
END_TEST

static const char *const bad[] = {
    "",
    "2026-05-04",
    "2026-05-04T08:11:02",
    "2026-05-04 08:11:02Z",
    "2026-05-04T08:11:02.Z",
    "2026-05-04T08:11:02.1234567890Z",
    "2026-05-04T08:11:02.123",
    "2026-05-04T08:11:02,5Z",
    "2026-05-04T08:11:02ZZ",
    "2026-05-04T08:11:02Z ",
    " 2026-05-04T08:11:02Z",
    "2026-05-04T08:11:02+2:00",
    "2026-05-04T08:11:02+0200",
    "2026-05-04T08:11:02+24:00",
    "2026-05-04T08:11:02+02:60",
    "2026-05-04T08:11:02+02:00Z",
    "2026-05-04T24:00:00Z",
    "2026-05-04T08:60:00Z",
    "2026-05-04T08:11:61Z",
    "2026-05-04T08:11:60Z",
    "2026-00-04T08:11:02Z",
    "2026-13-04T08:11:02Z",
    "2026-05-00T08:11:02Z",
    "2026-04-31T08:11:02Z",
    "2026-02-29T08:11:02Z",
    "1900-02-29T08:11:02Z",
    "0000-01-01T00:00:00Z",
    "2026/05/04T08:11:02Z",
    "2026-05-04T08.11.02Z",
    "2026-05-04T08:11:0/Z",
    "2026-05-04T08:11::2Z",
    "-026-05-04T08:11:02Z",
};

START_TEST(what_is_no_rfc_3339_time_is_refused)
{
    usec_t us = 42;
    ck_assert_int_eq(time_parse_rfc3339(slice_from_str(bad[_i]), &us), -EINVAL);
    ck_assert_int_eq(us, 42);
}
END_TEST

static const struct {
    usec_t us;
    enum time_precision precision;
    const char *text;
} formats[] = {
    {T0, TIME_SECONDS, "2026-05-04T08:11:02Z"},
    {T0 + 123456, TIME_SECONDS, "2026-05-04T08:11:02Z"},
    {T0 + 123456, TIME_MILLIS, "2026-05-04T08:11:02.123Z"},
    {T0 + 123456, TIME_MICROS, "2026-05-04T08:11:02.123456Z"},
    {T0, TIME_SHORTEST, "2026-05-04T08:11:02Z"},
    {T0 + 120000, TIME_SHORTEST, "2026-05-04T08:11:02.120Z"},
    {T0 + 1, TIME_SHORTEST, "2026-05-04T08:11:02.000001Z"},
    {-1, TIME_MICROS, "1969-12-31T23:59:59.999999Z"},
    {USEC_NONE, TIME_MILLIS, "-"},
    {USEC_MIN, TIME_SECONDS, "0001-01-01T00:00:00Z"},
    {USEC_MAX, TIME_SECONDS, "9999-12-31T23:59:59Z"},
};

START_TEST(times_are_written)
{
    char text[TIME_STR_MAX];
    size_t n = time_format_rfc3339(formats[_i].us, formats[_i].precision, text);
    ck_assert_uint_eq(n, strlen(text));
    ck_assert_str_eq(text, formats[_i].text);
}
END_TEST

START_TEST(every_day_of_a_thousand_years_agrees_with_libc)
{
    for (int64_t day = -200000; day < 200000; day++) {
        time_t at = (time_t)(day * 86400 + 3661);
        struct tm tm;
        struct civil c;
        ck_assert_ptr_nonnull(gmtime_r(&at, &tm));
        time_to_civil((usec_t)at * USEC_PER_SEC + 5, &c);
        bool same = c.year == tm.tm_year + 1900 && c.month == tm.tm_mon + 1 &&
                    c.day == tm.tm_mday && c.hour == 1 && c.minute == 1 &&
                    c.second == 1 && c.microsecond == 5 &&
                    c.weekday == tm.tm_wday && c.yearday == tm.tm_yday + 1;
        ck_assert_msg(same, "day %lld", (long long)day);
        ck_assert_int_eq(time_days_from_civil(c.year, c.month, c.day), day);
    }
    ck_assert_int_eq(time_days_in_month(2024, 2), 29);
    ck_assert_int_eq(time_days_in_month(2100, 2), 28);
    ck_assert_int_eq(time_days_in_month(2026, 12), 31);
}
END_TEST

START_TEST(what_is_written_is_read_back)
{
    uint64_t x = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        usec_t us = (usec_t)(x % 253402300800000000u), back;
        char text[TIME_STR_MAX];
        size_t n = time_format_rfc3339(us, TIME_MICROS, text);
        ck_assert_int_eq(time_parse_rfc3339(slice_new(text, n), &back), 0);
        ck_assert_int_eq(back, us);
    }
}
END_TEST

START_TEST(clocks_go_forward)
{
    usec_t boot = clock_boot_us(), mono = clock_monotonic_us();
    ck_assert_int_ge(clock_boot_us(), boot);
    ck_assert_int_ge(clock_monotonic_us(), mono);
    ck_assert_int_ge(clock_boot_us(), mono);
    ck_assert_int_gt(clock_wall_us(), INT64_C(1600000000) * USEC_PER_SEC);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("timefmt");
    TCase *tc = tcase_create("timefmt");
    tcase_add_loop_test(tc, rfc_3339_times_are_read, 0, (int)ARRAY_SIZE(good));
    tcase_add_loop_test(tc, what_is_no_rfc_3339_time_is_refused, 0,
                        (int)ARRAY_SIZE(bad));
    tcase_add_loop_test(tc, times_are_written, 0, (int)ARRAY_SIZE(formats));
    tcase_add_test(tc, every_day_of_a_thousand_years_agrees_with_libc);
    tcase_add_test(tc, what_is_written_is_read_back);
    tcase_add_test(tc, clocks_go_forward);
    suite_add_tcase(s, tc);
    return unit_main(s, NULL);
}
