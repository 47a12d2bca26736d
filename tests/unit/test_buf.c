/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/base/buf.h"
#include "tests/lib/unit.h"

START_TEST(appends_add_up)
{
    AUTO_FINI(buf) b = BUF_INIT(1000);
    ck_assert_str_eq(buf_str(&b), "");
    ck_assert_int_eq(buf_append_str(&b, "ab"), 0);
    ck_assert_int_eq(buf_putc(&b, 'c'), 0);
    ck_assert_int_eq(buf_append_slice(&b, SLICE("de")), 0);
    ck_assert_int_eq(buf_printf(&b, "%d%s", 12, "xyz"), 0);
    ck_assert_int_eq(buf_printf(&b, "%0200d", 7), 0);
    ck_assert_uint_eq(b.n, 210);
    buf_truncate(&b, 10);
    ck_assert_str_eq(buf_str(&b), "abcde12xyz");
    ck_assert(slice_eq(buf_slice(&b), SLICE("abcde12xyz")));
}
END_TEST

START_TEST(the_maximum_can_be_filled_but_not_passed)
{
    AUTO_FINI(buf) b = BUF_INIT(100);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(buf_putc(&b, 'x'), 0);
    ck_assert_int_eq(buf_error(&b), 0);
    ck_assert_int_eq(buf_putc(&b, 'x'), -ENOSPC);
    ck_assert_uint_eq(b.n, 100);
    ck_assert_uint_eq(strlen(buf_str(&b)), 100);
}
END_TEST

START_TEST(the_first_failure_sticks_until_reset)
{
    AUTO_FINI(buf) b = BUF_INIT(10);
    ck_assert_int_eq(buf_append_str(&b, "12345678"), 0);
    ck_assert_int_eq(buf_append_str(&b, "too long"), -ENOSPC);
    ck_assert_int_eq(buf_putc(&b, 'x'), -ENOSPC);
    ck_assert_int_eq(buf_printf(&b, "x"), -ENOSPC);
    ck_assert_int_eq(buf_reserve(&b, 1), -ENOSPC);
    ck_assert_str_eq(buf_str(&b), "12345678");
    ck_assert_ptr_null(buf_take(&b, NULL));
    buf_reset(&b);
    ck_assert_int_eq(buf_putc(&b, 'y'), 0);
    ck_assert_str_eq(buf_str(&b), "y");
}
END_TEST

START_TEST(a_format_that_does_not_fit_adds_nothing)
{
    AUTO_FINI(buf) b = BUF_INIT(10);
    ck_assert_int_eq(buf_append_str(&b, "12345"), 0);
    ck_assert_int_eq(buf_printf(&b, "%s", "678901"), -ENOSPC);
    ck_assert_str_eq(buf_str(&b), "12345");
}
END_TEST

START_TEST(want_of_memory_is_an_error_of_the_buffer)
{
    AUTO_FINI(buf) b = BUF_INIT(1000);
    mem_fail_at(1);
    ck_assert_int_eq(buf_putc(&b, 'x'), -ENOMEM);
    ck_assert_int_eq(buf_error(&b), -ENOMEM);
    ck_assert_str_eq(buf_str(&b), "");
}
END_TEST

START_TEST(a_reset_buffer_allocates_nothing_again)
{
    AUTO_FINI(buf) b = BUF_INIT(100000);
    for (int i = 0; i < 5000; i++)
        (void)buf_append_str(&b, "text");
    uint64_t count = mem_count();
    buf_reset(&b);
    for (int i = 0; i < 5000; i++)
        (void)buf_append_str(&b, "text");
    ck_assert_uint_eq(mem_count(), count);
    ck_assert_uint_eq(b.n, 20000);
}
END_TEST

START_TEST(taking_leaves_an_empty_buffer)
{
    AUTO_FINI(buf) b = BUF_INIT(100);
    size_t n = 7;
    auto_free char *nothing = buf_take(&b, &n);
    ck_assert_str_eq(nothing, "");
    ck_assert_uint_eq(n, 0);
    (void)buf_append_str(&b, "text");
    auto_free char *text = buf_take(&b, &n);
    ck_assert_str_eq(text, "text");
    ck_assert_uint_eq(n, 4);
    ck_assert_uint_eq(b.n, 0);
    ck_assert_int_eq(buf_putc(&b, 'x'), 0);
}
END_TEST

static const struct {
    struct slice in;
    const char *out;
} json_cases[] = {
    {SLICE_INIT(""), "\"\""},
    {SLICE_INIT("plain"), "\"plain\""},
    {SLICE_INIT("a\"b\\c/"), "\"a\\\"b\\\\c/\""},
    {SLICE_INIT("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\""},
    {SLICE_INIT("\0\x1f\x7f"), "\"\\u0000\\u001f\x7f\""},
    {SLICE_INIT("h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
     "\"h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
    {SLICE_INIT("a\xff"
                "b"),
     "\"a\xef\xbf\xbd"
     "b\""},
    {SLICE_INIT("\xe2\x82"), "\"\xef\xbf\xbd\xef\xbf\xbd\""},
    {SLICE_INIT("\xc0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\""},
    {SLICE_INIT("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
};

START_TEST(json_strings_are_escaped)
{
    AUTO_FINI(buf) b = BUF_INIT(1000);
    ck_assert_int_eq(buf_append_json_string(&b, json_cases[_i].in), 0);
    ck_assert_str_eq(buf_str(&b), json_cases[_i].out);
}
END_TEST

START_TEST(a_json_string_that_does_not_fit_adds_nothing)
{
    AUTO_FINI(buf) b = BUF_INIT(8);
    ck_assert_int_eq(buf_append_str(&b, "ab"), 0);
    ck_assert_int_eq(buf_append_json_string(&b, SLICE("c\nde")), -ENOSPC);
    ck_assert_str_eq(buf_str(&b), "ab");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("buf");
    TCase *tc = tcase_create("buf");
    tcase_add_test(tc, appends_add_up);
    tcase_add_test(tc, the_maximum_can_be_filled_but_not_passed);
    tcase_add_test(tc, the_first_failure_sticks_until_reset);
    tcase_add_test(tc, a_format_that_does_not_fit_adds_nothing);
    tcase_add_test(tc, want_of_memory_is_an_error_of_the_buffer);
    tcase_add_test(tc, a_reset_buffer_allocates_nothing_again);
    tcase_add_test(tc, taking_leaves_an_empty_buffer);
    tcase_add_loop_test(tc, json_strings_are_escaped, 0,
                        (int)ARRAY_SIZE(json_cases));
    tcase_add_test(tc, a_json_string_that_does_not_fit_adds_nothing);
    suite_add_tcase(s, tc);
    return unit_main(s, NULL);
}
