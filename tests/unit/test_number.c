/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "core/base/str.h"
#include "tests/lib/unit.h"

static const struct {
    const char *text;
    int result;
    int64_t value;
} integers[] = {
    {"0", 0, 0},
    {"-0", 0, 0},
    {"+7", 0, 7},
    {"007", 0, 7},
    {"9223372036854775807", 0, INT64_MAX},
    {"-9223372036854775808", 0, INT64_MIN},
    {"9223372036854775808", -ERANGE, 0},
    {"-9223372036854775809", -ERANGE, 0},
    {"99999999999999999999999", -ERANGE, 0},
    {"99999999999999999999999x", -EINVAL, 0},
    {"", -EINVAL, 0},
    {"-", -EINVAL, 0},
    {"+-1", -EINVAL, 0},
    {" 1", -EINVAL, 0},
    {"1 ", -EINVAL, 0},
    {"1.0", -EINVAL, 0},
    {"0x10", -EINVAL, 0},
};

START_TEST(integers_are_read_strictly)
{
    int64_t v = 42;
    int r = str_parse_i64(slice_from_str(integers[_i].text), &v);
    ck_assert_int_eq(r, integers[_i].result);
    ck_assert_int_eq(v, r == 0 ? integers[_i].value : 42);
}
END_TEST

START_TEST(unsigned_integers_use_all_bits)
{
    uint64_t v = 0;
    ck_assert_int_eq(str_parse_u64(SLICE("18446744073709551615"), &v), 0);
    ck_assert_uint_eq(v, UINT64_MAX);
    ck_assert_int_eq(str_parse_u64(SLICE("18446744073709551616"), &v), -ERANGE);
    ck_assert_int_eq(str_parse_u64(SLICE("-1"), &v), -EINVAL);
    ck_assert_int_eq(str_parse_u64(SLICE("+1"), &v), -EINVAL);
    char text[STR_I64_MAX];
    ck_assert_uint_eq(str_format_i64(INT64_MIN, text), 20);
    ck_assert_str_eq(text, "-9223372036854775808");
}
END_TEST

static const struct {
    const char *text;
    int result;
    double value;
} doubles[] = {
    {"0", 0, 0},
    {"1", 0, 1},
    {"-1.5", 0, -1.5},
    {"+.5", 0, 0.5},
    {"5.", 0, 5},
    {"1e3", 0, 1000},
    {"1E-3", 0, 0.001},
    {"1e+22", 0, 1e22},
    {"1e23", 0, 1e23},
    {"123456789012345678901234567890", 0, 123456789012345678901234567890.0},
    {"0.1234567890123456789012345", 0, 0.1234567890123456789012345},
    {"9007199254740993", 0, 9007199254740992.0},
    {"9007199254740993.0000000000000000000001", 0, 9007199254740994.0},
    {"2.2250738585072012e-308", 0, 2.2250738585072014e-308},
    {"4.9e-324", 0, 5e-324},
    {"1e-400", 0, 0},
    {"0e999999999999", 0, 0},
    {"1e400", -ERANGE, 0},
    {"1e999999999999", -ERANGE, 0},
    {"", -EINVAL, 0},
    {".", -EINVAL, 0},
    {"-", -EINVAL, 0},
    {"e5", -EINVAL, 0},
    {"1e", -EINVAL, 0},
    {"1e+", -EINVAL, 0},
    {"1 ", -EINVAL, 0},
    {"1_000", -EINVAL, 0},
    {"0x1p3", -EINVAL, 0},
    {"Inf", -EINVAL, 0},
    {"nan", -EINVAL, 0},
};

START_TEST(doubles_are_read_strictly_and_rounded_correctly)
{
    double v = 42;
    int r = str_parse_double(slice_from_str(doubles[_i].text), 0, &v);
    ck_assert_int_eq(r, doubles[_i].result);
    ck_assert_double_eq(v, r == 0 ? doubles[_i].value : 42);
}
END_TEST

START_TEST(infinities_and_nan_are_read_on_demand)
{
    static const char *const texts[] = {"Inf", "+inf", "INFINITY", "-Inf"};
    double v = 0;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct slice s = slice_from_str(texts[i]);
        ck_assert_int_eq(str_parse_double(s, STR_INF_NAN, &v), 0);
        ck_assert(isinf(v));
        ck_assert(signbit(v) == (texts[i][0] == '-'));
    }
    ck_assert_int_eq(str_parse_double(SLICE("NaN"), STR_INF_NAN, &v), 0);
    ck_assert(isnan(v));
    ck_assert_int_eq(str_parse_double(SLICE("Infi"), STR_INF_NAN, &v), -EINVAL);
}
END_TEST

START_TEST(a_text_of_a_thousand_digits_is_read)
{
    char text[1101];
    memset(text, '0', sizeof text);
    memcpy(text, "0.", 2);
    text[1050] = '1';
    double v = 1;
    ck_assert_int_eq(str_parse_double(slice_new(text, 1100), 0, &v), 0);
    ck_assert_double_eq(v, 0);
    memset(text, '9', 300);
    text[300] = '.';
    ck_assert_int_eq(str_parse_double(slice_new(text, 1100), 0, &v), 0);
    ck_assert_double_eq(v, 1e300);
}
END_TEST

/* What Go's strconv.FormatFloat(v, 'f' and 'g', -1, 64) gives; in between, for
 * people. */
static const struct {
    double value;
    const char *f, *g, *go;
} formats[] = {
    {0, "0", "0", "0"},
    {-0.0, "-0", "-0", "-0"},
    {1, "1", "1", "1"},
    {-1.5, "-1.5", "-1.5", "-1.5"},
    {0.1, "0.1", "0.1", "0.1"},
    {0.3, "0.3", "0.3", "0.3"},
    {0.1 + 0.2, "0.30000000000000004", "0.30000000000000004",
     "0.30000000000000004"},
    {1.0 / 3, "0.3333333333333333", "0.3333333333333333", "0.3333333333333333"},
    {100, "100", "100", "100"},
    {123456, "123456", "123456", "123456"},
    {999999.5, "999999.5", "999999.5", "999999.5"},
    {1e6, "1000000", "1000000", "1e+06"},
    {1234567.875, "1234567.875", "1234567.875", "1.234567875e+06"},
    {0.0001, "0.0001", "0.0001", "0.0001"},
    {0.00001, "0.00001", "1e-05", "1e-05"},
    {1e20, "100000000000000000000", "100000000000000000000", "1e+20"},
    {1e21, "1000000000000000000000", "1e+21", "1e+21"},
    {1e23, "100000000000000000000000", "1e+23", "1e+23"},
    {9007199254740992.0, "9007199254740992", "9007199254740992",
     "9.007199254740992e+15"},
    {1697040371123456.0, "1697040371123456", "1697040371123456",
     "1.697040371123456e+15"},
    {1697040371.123, "1697040371.123", "1697040371.123", "1.697040371123e+09"},
    {0x1p-44, "0.00000000000005684341886080802", "5.684341886080802e-14",
     "5.684341886080802e-14"},
    {-1.7976931348623157e308, NULL, "-1.7976931348623157e+308",
     "-1.7976931348623157e+308"},
    {5e-324, NULL, "5e-324", "5e-324"},
    {2.2250738585072014e-308, NULL, "2.2250738585072014e-308",
     "2.2250738585072014e-308"},
    {1e-310, NULL, "1e-310", "1e-310"},
    {INFINITY, "+Inf", "+Inf", "+Inf"},
    {-INFINITY, "-Inf", "-Inf", "-Inf"},
    {NAN, "NaN", "NaN", "NaN"},
};

START_TEST(doubles_are_written_as_go_does)
{
    char text[STR_DOUBLE_MAX];
    double v = formats[_i].value;
    size_t n = str_format_double(v, STR_DOUBLE_F, text);
    ck_assert_uint_eq(n, strlen(text));
    if (formats[_i].f != NULL)
        ck_assert_str_eq(text, formats[_i].f);
    (void)str_format_double(v, STR_DOUBLE_G, text);
    ck_assert_str_eq(text, formats[_i].g);
    (void)str_format_double(v, STR_DOUBLE_GO_G, text);
    ck_assert_str_eq(text, formats[_i].go);
}
END_TEST

/* No shorter text reads back as the same number. */
static bool
is_shortest(double v, const char *text)
{
    int digits = 0;
    for (const char *p = text; *p != '\0' && *p != 'e'; p++)
        digits += *p >= '0' && *p <= '9';
    char shorter[64];
    (void)snprintf(shorter, sizeof shorter, "%.*e", MAX(digits - 2, 0), v);
    return digits == 1 || strtod(shorter, NULL) != v;
}

START_TEST(random_doubles_round_trip_shortest)
{
    uint64_t x = 88172645463325252u;
    char text[STR_DOUBLE_MAX];
    for (int i = 0; i < 50000; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        double v, back;
        memcpy(&v, &x, sizeof v);
        if (i % 2) /* few decimals, as measurements have them */
            v = (double)(x % 100000000) / (double[]){1, 10, 100, 1e6}[x >> 62];
        if (!isfinite(v))
            continue;
        (void)str_format_double(fabs(v), STR_DOUBLE_GO_G, text);
        ck_assert_int_eq(str_parse_double(slice_from_str(text), 0, &back), 0);
        ck_assert_double_eq(back, fabs(v));
        if (strchr(text, 'e') != NULL)
            ck_assert_msg(is_shortest(fabs(v), text), "%s", text);
        (void)str_format_double(v, STR_DOUBLE_F, text);
        ck_assert_int_eq(str_parse_double(slice_from_str(text), 0, &back), 0);
        ck_assert_double_eq(back, v);
    }
}
END_TEST

START_TEST(powers_of_two_and_ten_round_trip)
{
    char text[STR_DOUBLE_MAX];
    double back;
    for (int e = -1074; e < 1024; e++) {
        double v = ldexp(1, e);
        (void)str_format_double(v, STR_DOUBLE_G, text);
        ck_assert_int_eq(str_parse_double(slice_from_str(text), 0, &back), 0);
        ck_assert_double_eq(back, v);
    }
    for (int e = -323; e <= 308; e++) {
        char ten[16], want[16];
        (void)snprintf(ten, sizeof ten, "1e%d", e);
        (void)snprintf(want, sizeof want, "1e%c%02d", e < 0 ? '-' : '+',
                       abs(e));
        (void)str_format_double(strtod(ten, NULL), STR_DOUBLE_GO_G, text);
        if (e < -4 || e >= 6)
            ck_assert_str_eq(text, want);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("number");
    TCase *tc = tcase_create("number");
    tcase_add_loop_test(tc, integers_are_read_strictly, 0,
                        (int)ARRAY_SIZE(integers));
    tcase_add_test(tc, unsigned_integers_use_all_bits);
    tcase_add_loop_test(tc, doubles_are_read_strictly_and_rounded_correctly, 0,
                        (int)ARRAY_SIZE(doubles));
    tcase_add_test(tc, infinities_and_nan_are_read_on_demand);
    tcase_add_test(tc, a_text_of_a_thousand_digits_is_read);
    tcase_add_loop_test(tc, doubles_are_written_as_go_does, 0,
                        (int)ARRAY_SIZE(formats));
    tcase_add_test(tc, random_doubles_round_trip_shortest);
    tcase_add_test(tc, powers_of_two_and_ten_round_trip);
    suite_add_tcase(s, tc);
    return unit_main(s, NULL);
}
