/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <jansson.h>

#include "core/base/err.h"
#include "tests/lib/unit.h"

START_TEST(the_first_error_wins)
{
    struct err err = ERR_INIT;
    err_hint(&err, "too early");
    ck_assert_int_eq(err_set_at(&err, -EINVAL, "f.yaml", 3, 7, "bad %d", 1),
                     -EINVAL);
    ck_assert_int_eq(err_set(&err, -ENOMEM, "later"), -ENOMEM);
    ck_assert_int_eq(err_set_at(&err, -EIO, "g", 1, 1, "later"), -EIO);
    err_hint(&err, "use %s", "2");
    err_hint(&err, "later");
    err_set_retriable(&err);
    ck_assert_int_eq(err.code, -EINVAL);
    ck_assert(err.retriable);
    AUTO_FINI(buf) b = BUF_INIT(1000);
    err_print(&err, &b);
    ck_assert_str_eq(buf_str(&b), "f.yaml:3:7: bad 1 (use 2)");
    err_clear(&err);
    ck_assert_int_eq(err_set(&err, -EIO, "again"), -EIO);
    buf_reset(&b);
    err_print(&err, &b);
    ck_assert_str_eq(buf_str(&b), "again");
}
END_TEST

START_TEST(nobody_has_to_want_the_details)
{
    ck_assert_int_eq(err_set(NULL, -EINVAL, "x"), -EINVAL);
    ck_assert_int_eq(err_set_at(NULL, -EINVAL, NULL, 0, 0, "x"), -EINVAL);
    err_hint(NULL, "x");
    err_set_retriable(NULL);
}
END_TEST

START_TEST(a_long_message_is_cut_between_characters)
{
    for (int pad = 0; pad < 4; pad++) {
        struct err err = ERR_INIT;
        char text[2000] = "";
        size_t n = (size_t)pad;
        memset(text, 'x', n);
        for (; n < 1500; n += 3)
            memcpy(text + n, "\xe2\x82\xac", 3);
        (void)err_set(&err, -EINVAL, "%s", text);
        n = strlen(err.message);
        ck_assert_uint_gt(n, sizeof err.message - 4);
        ck_assert_uint_eq((n - (size_t)pad) % 3, 0);
    }
}
END_TEST

/* Lines of a file that isn't there. */
static bool
source(void *ctx, const char *file, uint32_t line, struct slice *ret_line)
{
    const char *const *lines = (const char *const *)ctx;
    if (strcmp(file, "r.yaml") != 0)
        return false;
    *ret_line = slice_from_str(lines[line - 1]);
    return true;
}

static const struct {
    const char *line;
    uint32_t column, end_column;
    const char *shown;
} carets[] = {
    {"expr: ratee(x[5m])", 7, 12, "    expr: ratee(x[5m])\n          ^~~~~\n"},
    {"expr: x", 1, 0, "    expr: x\n    ^\n"},
    {"expr: x", 8, 0, "    expr: x\n           ^\n"},
    {"expr: x", 7, 99, "    expr: x\n          ^\n"},
    {"\t\tx: y", 6, 7, "    \t\tx: y\n    \t\t   ^\n"},
    {"caf\xc3\xa9: \xe2\x82\xac x", 8, 9,
     "    caf\xc3\xa9: \xe2\x82\xac x\n           ^\n"},
    {"\xe6\xbc\xa2\xe5\xad\x97: x", 5, 6,
     "    \xe6\xbc\xa2\xe5\xad\x97: x\n          ^\n"},
    {"e\xcc\x81: x", 5, 6, "    e\xcc\x81: x\n       ^\n"},
    {"a\x1b[31m\xff z", 9, 0,
     "    a\xef\xbf\xbd[31m\xef\xbf\xbd z\n            ^\n"},
    {"x: y\r\n", 4, 0, "    x: y\n       ^\n"},
    {"x: y", 0, 0, "    x: y\n"},
    {"", 1, 0, "    \n    ^\n"},
};

START_TEST(the_caret_stands_under_the_place)
{
    AUTO_FINI(errlist) el;
    errlist_init(&el);
    struct where w = {"r.yaml", 1, carets[_i].column, carets[_i].end_column};
    ck_assert_int_eq(errlist_error(&el, &w, "m"), -EINVAL);
    AUTO_FINI(buf) b = BUF_INIT(10000);
    const char *lines[] = {carets[_i].line};
    errlist_print(&el, &b, source, (void *)lines);
    const char *shown = strchr(buf_str(&b), '\n') + 1;
    ck_assert_str_eq(shown, carets[_i].shown);
}
END_TEST

START_TEST(a_long_line_is_shown_around_the_caret)
{
    char line[3001];
    memset(line, '-', sizeof line);
    line[3000] = '\0';
    line[2000] = 'X';
    AUTO_FINI(errlist) el;
    errlist_init(&el);
    struct where w = {"r.yaml", 1, 2001, 2002};
    (void)errlist_error(&el, &w, "m");
    AUTO_FINI(buf) b = BUF_INIT(10000);
    const char *lines[] = {line};
    errlist_print(&el, &b, source, (void *)lines);
    const char *shown = strchr(buf_str(&b), '\n') + 1;
    const char *under = strchr(shown, '\n') + 1;
    ck_assert_uint_lt(b.n, 800);
    /* The ellipsis before has three bytes and one column. */
    ck_assert_int_eq(strchr(shown, 'X') - shown,
                     strchr(under, '^') - under + 2);
}
END_TEST

START_TEST(diagnostics_come_sorted_with_their_hints)
{
    AUTO_FINI(errlist) el;
    errlist_init(&el);
    struct where late = {"r.yaml", 2, 1, 0}, early = {"r.yaml", 1, 4, 5};
    struct where other = {"a.yaml", 9, 9, 0};
    errlist_warn(&el, &late, "second line");
    errlist_hint(&el, "did you mean \"%s\"?", "x");
    errlist_hint(&el, "the first hint wins");
    (void)errlist_error(&el, &early, "first %s", "line");
    (void)errlist_error(&el, &other, "elsewhere");
    (void)errlist_error(&el, NULL, "nowhere");
    AUTO_FINI(buf) b = BUF_INIT(10000);
    const char *lines[] = {"ab: c", "de: f"};
    errlist_print(&el, &b, source, (void *)lines);
    ck_assert_str_eq(buf_str(&b), "error: nowhere\n"
                                  "a.yaml:9:9: error: elsewhere\n"
                                  "r.yaml:1:4: error: first line\n"
                                  "    ab: c\n"
                                  "       ^\n"
                                  "r.yaml:2:1: warning: second line\n"
                                  "    de: f\n"
                                  "    ^\n"
                                  "hint: did you mean \"x\"?\n");
    ck_assert_uint_eq(el.errors, 3);
    ck_assert_uint_eq(el.warnings, 1);
    errlist_hint(&el, "of the newest, wherever it is now");
    ck_assert_str_eq(el.diags[0].hint, "of the newest, wherever it is now");
}
END_TEST

START_TEST(what_is_beyond_the_bound_is_counted)
{
    AUTO_FINI(errlist) el;
    errlist_init(&el);
    for (uint32_t i = 0; i < ERRLIST_MAX + 5; i++) {
        struct where w = {"r.yaml", i + 1, 1, 0};
        (void)errlist_error(&el, &w, "e%u", i);
    }
    errlist_hint(&el, "of one that was dropped");
    ck_assert_uint_eq(el.n, ERRLIST_MAX);
    ck_assert_uint_eq(el.errors, ERRLIST_MAX + 5);
    ck_assert_uint_eq(el.dropped, 5);
    ck_assert_ptr_null(el.diags[ERRLIST_MAX - 1].hint);
    AUTO_FINI(buf) b = BUF_INIT(100000);
    errlist_print(&el, &b, NULL, NULL);
    ck_assert_ptr_nonnull(strstr(buf_str(&b), "\nand 5 more\n"));
}
END_TEST

START_TEST(want_of_memory_drops_but_counts)
{
    for (uint64_t n = 1; n < 4; n++) {
        AUTO_FINI(errlist) el;
        errlist_init(&el);
        struct where w = {"r.yaml", 1, 1, 0};
        mem_fail_at(n);
        (void)errlist_error(&el, &w, "e");
        mem_fail_at(0);
        ck_assert_uint_eq(el.errors, 1);
        ck_assert_uint_eq(el.n + el.dropped, 1);
        (void)errlist_error(&el, &w, "e");
        ck_assert_uint_eq(el.n + el.dropped, 2);
    }
}
END_TEST

START_TEST(a_struct_err_joins_the_list)
{
    AUTO_FINI(errlist) el;
    errlist_init(&el);
    struct err err = ERR_INIT;
    errlist_add_err(&el, &err);
    ck_assert_uint_eq(el.n, 0);
    (void)err_set_at(&err, -EINVAL, "f", 2, 3, "bad 100%%");
    err_hint(&err, "do 50%%");
    errlist_add_err(&el, &err);
    AUTO_FINI(buf) b = BUF_INIT(10000);
    errlist_print(&el, &b, NULL, NULL);
    ck_assert_str_eq(buf_str(&b), "f:2:3: error: bad 100%\nhint: do 50%\n");
}
END_TEST

START_TEST(a_file_gets_the_same_text)
{
    AUTO_FINI(errlist) el;
    errlist_init(&el);
    (void)errlist_error(&el, NULL, "plain");
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    ck_assert_ptr_nonnull(out);
    errlist_print_file(&el, out, NULL, NULL);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_str_eq(text, "error: plain\n");
    mem_free(text);
}
END_TEST

START_TEST(the_list_is_json_too)
{
    AUTO_FINI(errlist) el;
    errlist_init(&el);
    struct where w = {"a\"b.yaml", 3, 7, 9};
    (void)errlist_error(&el, &w, "odd \"\xff\"");
    errlist_warn(&el, NULL, "plain");
    errlist_hint(&el, "a hint");
    AUTO_FINI(buf) b = BUF_INIT(10000);
    errlist_json(&el, &b);
    json_t *all = json_loadb(b.p, b.n, 0, NULL);
    ck_assert_uint_eq(json_array_size(all), 2);
    json_t *d = json_array_get(all, 1);
    ck_assert_str_eq(json_string_value(json_object_get(d, "severity")),
                     "error");
    ck_assert_str_eq(json_string_value(json_object_get(d, "file")),
                     "a\"b.yaml");
    ck_assert_int_eq(json_integer_value(json_object_get(d, "line")), 3);
    ck_assert_int_eq(json_integer_value(json_object_get(d, "column")), 7);
    ck_assert_int_eq(json_integer_value(json_object_get(d, "end_column")), 9);
    ck_assert_str_eq(json_string_value(json_object_get(d, "message")),
                     "odd \"\xef\xbf\xbd\"");
    ck_assert(json_is_null(json_object_get(d, "hint")));
    d = json_array_get(all, 0);
    ck_assert_str_eq(json_string_value(json_object_get(d, "hint")), "a hint");
    json_decref(all);
}
END_TEST

START_TEST(columns_count_characters)
{
    ck_assert_uint_eq(err_column(SLICE("abc"), 0), 1);
    ck_assert_uint_eq(err_column(SLICE("abc"), 2), 3);
    ck_assert_uint_eq(err_column(SLICE("abc"), 99), 4);
    ck_assert_uint_eq(err_column(SLICE("\xc3\xa9x"), 2), 2);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("err");
    TCase *tc = tcase_create("err");
    tcase_add_test(tc, the_first_error_wins);
    tcase_add_test(tc, nobody_has_to_want_the_details);
    tcase_add_test(tc, a_long_message_is_cut_between_characters);
    tcase_add_loop_test(tc, the_caret_stands_under_the_place, 0,
                        (int)ARRAY_SIZE(carets));
    tcase_add_test(tc, a_long_line_is_shown_around_the_caret);
    tcase_add_test(tc, diagnostics_come_sorted_with_their_hints);
    tcase_add_test(tc, what_is_beyond_the_bound_is_counted);
    tcase_add_test(tc, want_of_memory_drops_but_counts);
    tcase_add_test(tc, a_struct_err_joins_the_list);
    tcase_add_test(tc, a_file_gets_the_same_text);
    tcase_add_test(tc, the_list_is_json_too);
    tcase_add_test(tc, columns_count_characters);
    suite_add_tcase(s, tc);
    return unit_main(s, NULL);
}
