/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>

#include "core/base/duration.h"
#include "tests/lib/unit.h"

static const struct {
    const char *text;
    usec_t us;
    const char *canonical;
} good[] = {
    {"0", 0, "0s"},
    {"0s", 0, "0s"},
    {"0ms", 0, "0s"},
    {"5m", 5 * USEC_PER_MINUTE, "5m"},
    {"1h30m", 90 * USEC_PER_MINUTE, "1h30m"},
    {"90m", 90 * USEC_PER_MINUTE, "1h30m"},
    {"50ms", 50 * USEC_PER_MSEC, "50ms"},
    {"1s500ms", 1500 * USEC_PER_MSEC, "1s500ms"},
    {"1500ms", 1500 * USEC_PER_MSEC, "1s500ms"},
    {"7d", 7 * USEC_PER_DAY, "1w"},
    {"8d", 8 * USEC_PER_DAY, "8d"},
    {"2w", 14 * USEC_PER_DAY, "2w"},
    {"1y", 365 * USEC_PER_DAY, "1y"},
    {"1y1d", 366 * USEC_PER_DAY, "366d"},
    {"1y2w3d4h5m6s7ms",
     382 * USEC_PER_DAY + 4 * USEC_PER_HOUR + 5 * USEC_PER_MINUTE +
         6 * USEC_PER_SEC + 7 * USEC_PER_MSEC,
     "382d4h5m6s7ms"},
    {"292471y", 292471 * 365 * USEC_PER_DAY, "292471y"},
};

START_TEST(durations_are_read_and_written_back_canonical)
{
    usec_t us = -1, again = -1;
    char text[DURATION_STR_MAX];
    ck_assert_int_eq(duration_parse(slice_from_str(good[_i].text), &us, NULL),
                     0);
    ck_assert_int_eq(us, good[_i].us);
    ck_assert_uint_eq(duration_format(us, text), strlen(text));
    ck_assert_str_eq(text, good[_i].canonical);
    ck_assert_int_eq(duration_parse(slice_from_str(text), &again, NULL), 0);
    ck_assert_int_eq(again, us);
    ck_assert_uint_eq(duration_scan(slice_from_str(good[_i].text)),
                      strcmp(good[_i].text, "0") == 0 ? 0
                                                      : strlen(good[_i].text));
}
END_TEST

static const struct {
    const char *text;
    int result;
    size_t pos;
    const char *why; /* part of it */
    size_t scanned;
} bad[] = {
    {"", -EINVAL, 0, "expected", 0},
    {"5", -EINVAL, 1, "unit is missing", 0},
    {"00", -EINVAL, 2, "unit is missing", 0},
    {"m", -EINVAL, 0, "number", 0},
    {"-5m", -EINVAL, 0, "number", 0},
    {"1.5h", -EINVAL, 1, "unit is missing", 0},
    {"5min", -EINVAL, 1, "unknown unit", 2},
    {"5M", -EINVAL, 1, "unknown unit", 0},
    {"30m1h", -EINVAL, 4, "large to small", 3},
    {"1h2h", -EINVAL, 3, "large to small", 2},
    {"1h 30m", -EINVAL, 2, "number", 2},
    {"1h30", -EINVAL, 4, "unit is missing", 2},
    {"300000y", -ERANGE, 0, "too long", 7},
    {"292471y300d", -ERANGE, 7, "too long", 11},
    {"99999999999999999999s", -ERANGE, 0, "too long", 21},
};

START_TEST(a_bad_duration_is_refused_with_its_place)
{
    usec_t us = -1;
    struct fault f;
    struct slice s = slice_from_str(bad[_i].text);
    ck_assert_int_eq(duration_parse(s, &us, &f), bad[_i].result);
    ck_assert_int_eq(us, -1);
    ck_assert_uint_eq(f.pos, bad[_i].pos);
    ck_assert_msg(strstr(f.why, bad[_i].why) != NULL, "%s", f.why);
    ck_assert_uint_eq(duration_scan(s), bad[_i].scanned);
}
END_TEST

START_TEST(odd_spans_are_written_too)
{
    char text[DURATION_STR_MAX];
    (void)duration_format(-90 * USEC_PER_SEC, text);
    ck_assert_str_eq(text, "-1m30s");
    (void)duration_format(1999, text);
    ck_assert_str_eq(text, "1ms");
    (void)duration_format(-999, text);
    ck_assert_str_eq(text, "0s");
    ck_assert_uint_lt(duration_format(INT64_MIN, text), sizeof text);
    ck_assert_int_eq(text[0], '-');
    ck_assert_uint_lt(duration_format(INT64_MAX, text), sizeof text);
}
END_TEST

static const struct {
    const char *text;
    int result;
    uint64_t bytes;
    size_t pos;
} sizes[] = {
    {"0", 0, 0, 0},
    {"512", 0, 512, 0},
    {"512B", 0, 512, 0},
    {"10KB", 0, 10000, 0},
    {"10kB", 0, 10000, 0},
    {"1KiB", 0, 1024, 0},
    {"64MiB", 0, UINT64_C(64) << 20, 0},
    {"8GiB", 0, UINT64_C(8) << 30, 0},
    {"2tib", 0, UINT64_C(2) << 40, 0},
    {"9223372036854775807", 0, INT64_MAX, 0},
    {"9223372036854775808", -ERANGE, 0, 0},
    {"9999999TiB", -ERANGE, 0, 0},
    {"", -EINVAL, 0, 0},
    {"MiB", -EINVAL, 0, 0},
    {"-1", -EINVAL, 0, 0},
    {"1.5GiB", -EINVAL, 0, 1},
    {"64 MiB", -EINVAL, 0, 2},
    {"64M", -EINVAL, 0, 2},
    {"64MiBs", -EINVAL, 0, 2},
};

START_TEST(sizes_are_read_strictly)
{
    uint64_t bytes = 42;
    struct fault f = {0, NULL};
    int r = size_parse(slice_from_str(sizes[_i].text), &bytes, &f);
    ck_assert_int_eq(r, sizes[_i].result);
    ck_assert_uint_eq(bytes, r == 0 ? sizes[_i].bytes : 42);
    ck_assert_uint_eq(f.pos, sizes[_i].pos);
    ck_assert((f.why != NULL) == (r < 0));
}
END_TEST

START_TEST(sizes_are_written_in_the_largest_whole_unit)
{
    char text[SIZE_STR_MAX];
    (void)size_format(UINT64_C(64) << 20, text);
    ck_assert_str_eq(text, "64MiB");
    (void)size_format(1000, text);
    ck_assert_str_eq(text, "1000B");
    (void)size_format(0, text);
    ck_assert_str_eq(text, "0B");
    (void)size_format(UINT64_C(1) << 60, text);
    ck_assert_str_eq(text, "1048576TiB");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("duration");
    TCase *tc = tcase_create("duration");
    tcase_add_loop_test(tc, durations_are_read_and_written_back_canonical, 0,
                        (int)ARRAY_SIZE(good));
    tcase_add_loop_test(tc, a_bad_duration_is_refused_with_its_place, 0,
                        (int)ARRAY_SIZE(bad));
    tcase_add_test(tc, odd_spans_are_written_too);
    tcase_add_loop_test(tc, sizes_are_read_strictly, 0, (int)ARRAY_SIZE(sizes));
    tcase_add_test(tc, sizes_are_written_in_the_largest_whole_unit);
    suite_add_tcase(s, tc);
    return unit_main(s, NULL);
}
