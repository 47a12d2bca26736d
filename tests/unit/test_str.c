/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>

#include "core/base/str.h"
#include "tests/lib/unit.h"

static const struct {
    struct slice text;
    bool valid;
    size_t count;
} utf8_cases[] = {
    {SLICE_INIT(""), true, 0},
    {SLICE_INIT("plain ascii, longer than eight"), true, 30},
    {SLICE_INIT("12345678\xc3\xa9"), true, 9},
    {SLICE_INIT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), true, 3},
    {SLICE_INIT("\xf4\x8f\xbf\xbf"), true, 1},
    {SLICE_INIT("\0"), true, 1},
    {SLICE_INIT("\xf4\x90\x80\x80"), false, 4}, /* U+110000 */
    {SLICE_INIT("\xed\xa0\x80"), false, 3},     /* a surrogate */
    {SLICE_INIT("\xc0\x80"), false, 2},         /* overlong */
    {SLICE_INIT("\xe0\x80\xaf"), false, 3},
    {SLICE_INIT("\xf0\x80\x80\x80"), false, 4},
    {SLICE_INIT("\xe2\x82"), false, 2}, /* cut off */
    {SLICE_INIT("12345678\x80"), false, 9},
    {SLICE_INIT("\xff"), false, 1},
    {SLICE_INIT("\xf8\x88\x80\x80\x80"), false, 5},
};

START_TEST(utf8_is_checked_strictly)
{
    ck_assert(utf8_valid(utf8_cases[_i].text) == utf8_cases[_i].valid);
    ck_assert_uint_eq(utf8_count(utf8_cases[_i].text), utf8_cases[_i].count);
}
END_TEST

START_TEST(every_character_round_trips)
{
    for (uint32_t cp = 0; cp <= 0x10ffff; cp++) {
        char text[4];
        uint32_t back = 0;
        size_t n = utf8_encode(cp, text);
        ck_assert_int_eq(utf8_decode(slice_new(text, n), &back), (int)n);
        bool surrogate = cp >= 0xd800 && cp <= 0xdfff;
        ck_assert_uint_eq(back, surrogate ? 0xfffd : cp);
    }
    uint32_t cp;
    ck_assert_int_eq(utf8_decode(SLICE(""), &cp), 0);
    ck_assert_int_eq(utf8_decode(SLICE("\x80"), &cp), -EILSEQ);
    ck_assert_int_eq(utf8_width('a'), 1);
    ck_assert_int_eq(utf8_width(0x0301), 0);
    ck_assert_int_eq(utf8_width(0x6f22), 2);
}
END_TEST

static const struct {
    const char *name, *nearest;
} near_cases[] = {
    {"brokers", "brokers"}, {"broker", "brokers"},
    {"borkers", "brokers"}, {"Topics", "topics"},
    {"topcis", "topics"},   {"grup", "group"},
    {"xyzzy", NULL},        {"", NULL},
    {"gr", NULL},           {"propertys", "properties"},
};

START_TEST(the_nearest_name_is_proposed)
{
    static const char *const names[] = {"brokers", "topics", "group",
                                        "properties", "event_hubs"};
    const char *near = str_nearest(slice_from_str(near_cases[_i].name), names,
                                   ARRAY_SIZE(names));
    if (near_cases[_i].nearest == NULL)
        ck_assert_ptr_null(near);
    else
        ck_assert_pstr_eq(near, near_cases[_i].nearest);
}
END_TEST

START_TEST(a_long_name_is_near_to_none)
{
    char name[65];
    memset(name, 'a', sizeof name);
    static const char *const names[] = {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                                        "aaaaaaaaaaaaaaaaaaaaaaaaaa"};
    ck_assert_ptr_null(str_nearest(slice_new(name, 65), names, 1));
    ck_assert_pstr_eq(str_nearest(slice_new(name, 64), names, 1), names[0]);
}
END_TEST

static const struct {
    const char *pattern, *text;
    bool match;
} glob_cases[] = {
    {"", "", true},
    {"", "a", false},
    {"*", "", true},
    {"*", "anything", true},
    {"?", "", false},
    {"?", "a", true},
    {"?", "\xc3\xa9", true},
    {"??", "\xc3\xa9", false},
    {"a*c", "abbbc", true},
    {"a*c", "abbbcd", false},
    {"edgehub_*", "edgehub_queue_length", true},
    {"edgehub_*", "edgeAgent_x", false},
    {"*_total", "a_total_total", true},
    {"*a*b*", "xxaxxbxx", true},
    {"*a*b*", "xxbxxaxx", false},
    {"a?c*", "abc", true},
    {"**a**", "a", true},
    {"[a]", "a", false},
    {"[a]", "[a]", true},
};

START_TEST(globs_match_the_whole_text)
{
    ck_assert(str_glob(slice_from_str(glob_cases[_i].pattern),
                       slice_from_str(glob_cases[_i].text)) ==
              glob_cases[_i].match);
}
END_TEST

START_TEST(a_hostile_glob_ends_soon)
{
    char text[2000], pattern[100];
    memset(text, 'a', sizeof text);
    for (size_t i = 0; i < sizeof pattern; i += 2)
        memcpy(pattern + i, "*a", 2);
    pattern[sizeof pattern - 1] = 'b';
    ck_assert(!str_glob(slice_new(pattern, sizeof pattern),
                        slice_new(text, sizeof text)));
}
END_TEST

START_TEST(case_of_ascii_is_ignored_on_demand)
{
    ck_assert(str_ieq(SLICE("Content-TYPE"), SLICE("content-type")));
    ck_assert(!str_ieq(SLICE("a"), SLICE("ab")));
    ck_assert(!str_ieq(SLICE("\xc3\xa9"), SLICE("\xc3\x89")));
    ck_assert_int_lt(str_icmp(SLICE("A"), SLICE("b")), 0);
    ck_assert_int_gt(str_icmp(SLICE("aB"), SLICE("A")), 0);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("str");
    TCase *tc = tcase_create("str");
    tcase_add_loop_test(tc, utf8_is_checked_strictly, 0,
                        (int)ARRAY_SIZE(utf8_cases));
    tcase_add_test(tc, every_character_round_trips);
    tcase_add_loop_test(tc, the_nearest_name_is_proposed, 0,
                        (int)ARRAY_SIZE(near_cases));
    tcase_add_test(tc, a_long_name_is_near_to_none);
    tcase_add_loop_test(tc, globs_match_the_whole_text, 0,
                        (int)ARRAY_SIZE(glob_cases));
    tcase_add_test(tc, a_hostile_glob_ends_soon);
    tcase_add_test(tc, case_of_ascii_is_ignored_on_demand);
    suite_add_tcase(s, tc);
    return unit_main(s, NULL);
}
