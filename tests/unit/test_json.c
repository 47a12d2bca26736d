/* SPDX-License-Identifier: Apache-2.0 */
/* <tocsin/json.h>, with SIMD and (test_json_portable) without. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include <tocsin/json.h>

#include "tests/lib/json_dump.h"
#include "tests/lib/unit.h"

#define BYTES(text)                                                            \
    {                                                                          \
        text, sizeof text - 1                                                  \
    }

struct bytes {
    const char *p;
    size_t n;
};

static const struct bytes good[] = {
    BYTES("{}"),
    BYTES("[]"),
    BYTES(" [ ] "),
    BYTES("null"),
    BYTES("true"),
    BYTES("false"),
    BYTES("0"),
    BYTES("-0"),
    BYTES("-0.0e+00"),
    BYTES("12.5E-7"),
    BYTES("1e999"),
    BYTES("\"\""),
    BYTES("\"a\""),
    BYTES("\r\n\t {\"a\" : [ 1 , 2 ] , \"b\" : { } } \n"),
    BYTES("{\"a\":{\"b\":[[],[{}],{\"c\":[null,true,false,-1.5]}]}}"),
    BYTES("{\"a\":1,\"a\":2,\"\":3}"),
    BYTES("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20AC\\ud83d\\ude00\"]"),
    BYTES("[\"\\u0000\"]"),
    BYTES("[\"\x7f \xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 "
          "\xef\xbf\xbf \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf\"]"),
    BYTES("[\"a string of more than sixteen bytes, and more than thirty-two, "
          "and more than ninety-six so that longer runs are seen, then "
          "\\\\ and \xc3\xa9 and thirty-two bytes of plain text behind it\"]"),
    BYTES("[\"{\\\"a\\\":\\\"{\\\\\\\"b\\\\\\\":1}\\\"}\"]"),
};

static const struct bytes bad[] = {
    BYTES("x"),
    BYTES("{} x"),
    BYTES("[]]"),
    BYTES("[1,]"),
    BYTES("[,1]"),
    BYTES("[1 2]"),
    BYTES("[1}"),
    BYTES("{\"a\":1]"),
    BYTES("{\"a\"}"),
    BYTES("{\"a\",1}"),
    BYTES("{\"a\":}"),
    BYTES("{\"a\":1,}"),
    BYTES("{,\"a\":1}"),
    BYTES("{1:1}"),
    BYTES("{a:1}"),
    BYTES("{'a':1}"),
    BYTES("[01]"),
    BYTES("[-]"),
    BYTES("[+1]"),
    BYTES("[.5]"),
    BYTES("[1.]"),
    BYTES("[1.e5]"),
    BYTES("[1e]"),
    BYTES("[1e+]"),
    BYTES("[0x1]"),
    BYTES("[1_0]"),
    BYTES("[NaN]"),
    BYTES("[nul]"),
    BYTES("[True]"),
    BYTES("[truex]"),
    BYTES("[\"a\tb\"]"),
    BYTES("[\"a\nb\"]"),
    BYTES("[\"\0\"]"),
    BYTES("[\"\x1f\"]"),
    BYTES("[\"\\x\"]"),
    BYTES("[\"\\'\"]"),
    BYTES("[\"\\u12g4\"]"),
    BYTES("\"\\u1\""),
    BYTES("\"\\u\""),
    BYTES("\"\\ud83d\\ud\""),
    BYTES("\"\\ud83d\\\""),
    BYTES("\"\\ud83d\""),
    BYTES("[\"\\ud800\"]"),
    BYTES("[\"\\ud800x\"]"),
    BYTES("[\"\\ud800\\n\"]"),
    BYTES("[\"\\ud800\\u0041\"]"),
    BYTES("[\"\\udc00\\ud800\"]"),
    BYTES("[\"\\udc00\"]"),
    BYTES("[\"\\udc00\\udc00\"]"),
    BYTES("[\"\\ud800\\ud800\"]"),
    BYTES("[\"\x80\"]"),
    BYTES("[\"\xc0\x80\"]"),
    BYTES("[\"\xc1\xbf\"]"),
    BYTES("[\"\xc3(\"]"),
    BYTES("[\"\xe0\x80\x80\"]"),
    BYTES("[\"\xe0\x9f\xbf\"]"),
    BYTES("[\"\xed\xa0\x80\"]"),
    BYTES("[\"\xe2\x82(\"]"),
    BYTES("[\"\xf0\x8f\xbf\xbf\"]"),
    BYTES("[\"\xf4\x90\x80\x80\"]"),
    BYTES("[\"\xf5\x80\x80\x80\"]"),
    BYTES("[\"\xff\"]"),
    BYTES("\xef\xbb\xbf[]"),
    BYTES("[1]\0"),
    BYTES("\v[]"),
    BYTES("[\"0123456789abcdef0123456789abcdef\x01\"]"),
    BYTES("[\"0123456789abcdef0123456789abcde\x80\"]"),
};

/* Reads all; what is kept of it is freed. */
static int
read_all(const char *p, size_t n)
{
    struct tocsin_json r;
    char *text = NULL;
    tocsin_json_init(&r, p, n);
    const int result = json_dump_text(&r, &text);
    free(text);
    return result < 0 ? result : tocsin_json_finish(&r);
}

static int
skip_all(const char *p, size_t n)
{
    struct tocsin_json r;
    tocsin_json_init(&r, p, n);
    const int result = tocsin_json_skip(&r);
    return result < 0 ? result : tocsin_json_finish(&r);
}

/* In a block of just its size, so that a read behind it is seen. */
static char *
exact(const char *p, size_t n)
{
    char *copy = malloc(n > 0 ? n : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, p, n);
    return copy;
}

START_TEST(good_documents_are_taken)
{
    char *p = exact(good[_i].p, good[_i].n);
    ck_assert_msg(read_all(p, good[_i].n) == 0, "%s", good[_i].p);
    ck_assert_msg(skip_all(p, good[_i].n) == 0, "%s", good[_i].p);
    free(p);
}
END_TEST

START_TEST(bad_documents_are_refused_with_a_reason)
{
    const size_t n = bad[_i].n;
    char *p = exact(bad[_i].p, n);
    struct tocsin_json r;
    ck_assert_msg(read_all(p, n) == TOCSIN_JSON_BAD, "%s", bad[_i].p);
    tocsin_json_init(&r, p, n);
    if (tocsin_json_skip(&r) >= 0)
        ck_assert_int_eq(tocsin_json_finish(&r), TOCSIN_JSON_BAD);
    ck_assert_ptr_nonnull(r.error);
    ck_assert_uint_lt((size_t)(r.p - r.begin), n);
    free(p);
}
END_TEST

/* A document in brackets is unfinished at each of its bytes, and never wrong
 * there. */
START_TEST(the_start_of_a_good_document_wants_more)
{
    const struct bytes *b = &good[_i];
    for (size_t n = 0; n < b->n; n++) {
        char *p = exact(b->p, n);
        const int got = skip_all(p, n);
        const char first = b->p[strspn(b->p, " \r\n\t")];
        if (first == '{' || first == '[' || first == '"' || n == 0)
            ck_assert_msg(got == TOCSIN_JSON_MORE ||
                              strspn(b->p + n, " \r\n\t") == b->n - n,
                          "%s at %zu: %d", b->p, n, got);
        ck_assert_int_eq(read_all(p, n), got);
        free(p);
    }
}
END_TEST

START_TEST(depth_is_bounded)
{
    char text[6 * 65 + 2];
    for (size_t depth = 64; depth <= 65; depth++) {
        const int want = depth <= TOCSIN_JSON_DEPTH ? 0 : TOCSIN_JSON_BAD;
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        ck_assert_int_eq(skip_all(text, 2 * depth), want);
        ck_assert_int_eq(read_all(text, 2 * depth), want);
        for (size_t i = 0; i < depth; i++)
            memcpy(text + 5 * i, "{\"a\":", 5);
        text[5 * depth] = '1';
        memset(text + 5 * depth + 1, '}', depth);
        ck_assert_int_eq(skip_all(text, 6 * depth + 1), want);
        ck_assert_int_eq(read_all(text, 6 * depth + 1), want);
    }
}
END_TEST

/* The text as a JSON string holds it. */
static char *
quoted(const char *p, size_t n, size_t *ret_n)
{
    char *text = NULL;
    FILE *f = open_memstream(&text, ret_n);
    ck_assert_ptr_nonnull(f);
    putc('"', f);
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '"' || p[i] == '\\')
            putc('\\', f);
        putc(p[i], f);
    }
    putc('"', f);
    fclose(f);
    return text;
}

/* Every document, put into a string, and that into another, up to the limit. */
START_TEST(inner_documents_are_walked_where_they_stand)
{
    char *want = NULL;
    struct tocsin_json r[TOCSIN_JSON_LEVELS + 1];
    tocsin_json_init(&r[0], good[_i].p, good[_i].n);
    ck_assert_int_eq(json_dump_text(&r[0], &want), 0);
    size_t n = good[_i].n;
    char *text = exact(good[_i].p, n);
    /* Line ends would be escapes: see the test of hidden structure. */
    for (size_t i = 0; i < n; i++)
        text[i] = strchr("\r\n\t", text[i]) ? ' ' : text[i];
    for (int level = 1; level <= TOCSIN_JSON_LEVELS; level++) {
        char *outer = quoted(text, n, &n);
        free(text);
        text = exact(outer, n);
        free(outer);
        char *got = NULL;
        tocsin_json_init(&r[0], text, n);
        for (int i = 0; i < level; i++)
            ck_assert_int_eq(tocsin_json_enter_text(&r[i], &r[i + 1]), 0);
        ck_assert_msg(json_dump_text(&r[level], &got) == 0, "%.*s: %s", (int)n,
                      text, r[level].error);
        ck_assert_str_eq(got, want);
        for (int i = level - 1; i >= 0; i--)
            ck_assert_int_eq(tocsin_json_leave_text(&r[i], &r[i + 1]), 0);
        ck_assert_int_eq(tocsin_json_finish(&r[0]), 0);
        free(got);
    }
    free(text);
    free(want);
}
END_TEST

static int
inner(const char *text)
{
    struct tocsin_json r, in;
    const size_t n = strlen(text);
    char *p = exact(text, n);
    tocsin_json_init(&r, p, n);
    int result = tocsin_json_enter_text(&r, &in);
    if (result >= 0)
        result = tocsin_json_skip(&in);
    if (result >= 0)
        result = tocsin_json_leave_text(&r, &in);
    free(p);
    return result;
}

START_TEST(hidden_structure_is_told_from_what_is_wrong)
{
    ck_assert_int_eq(inner("\"{\\\"a\\\":1}\""), 0);
    ck_assert_int_eq(inner("\" 12 \""), 0);
    ck_assert_int_eq(inner("\"{\\u0022a\\\":1}\""), TOCSIN_JSON_HIDDEN);
    ck_assert_int_eq(inner("\"{\\\"a\\u0022:1}\""), TOCSIN_JSON_HIDDEN);
    ck_assert_int_eq(inner("\"{\\\"a\\/\\\":1}\""), TOCSIN_JSON_HIDDEN);
    ck_assert_int_lt(inner("\"{\\n\\\"a\\\":1}\""), TOCSIN_JSON_MORE);
    ck_assert_int_eq(inner("\"{\\\"a\\\":1\""), TOCSIN_JSON_BAD);
    ck_assert_int_eq(inner("\"{\\\"a\""), TOCSIN_JSON_BAD);
    ck_assert_int_eq(inner("\"{\\\"a\\\":1} x\""), TOCSIN_JSON_BAD);
    ck_assert_int_eq(inner("\"\\\"\\\\u0\""), TOCSIN_JSON_BAD);
    ck_assert_int_eq(inner("\"{\\\"a\\\":1"), TOCSIN_JSON_MORE);
    ck_assert_int_eq(inner("\"{\\\"a\\"), TOCSIN_JSON_MORE);
    ck_assert_int_eq(inner("\"{\\\"a\\\\\\\"\\\":1}\""), 0);
}
END_TEST

START_TEST(strings_lose_their_escapes)
{
    static const struct {
        const char *raw, *want;
    } t[] = {
        {"", ""},
        {"plain", "plain"},
        {"\\\"\\\\\\/", "\"\\/"},
        {"\\b\\f\\n\\r\\t", "\b\f\n\r\t"},
        {"a\\u0041b", "aAb"},
        {"\\u00e9\\u20AC", "\xc3\xa9\xe2\x82\xac"},
        {"\\ud83d\\ude00.", "\xf0\x9f\x98\x80."},
        {"\\", NULL},
        {"\\x", NULL},
        {"\\u12", NULL},
        {"\\ud83d", NULL},
        {"\\ude00", NULL},
        {"\\ud83d\\u0041", NULL},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        size_t n = strlen(t[i].raw);
        char *p = exact(t[i].raw, n);
        n = tocsin_json_unescape(p, p, n);
        if (t[i].want == NULL)
            ck_assert_uint_eq(n, TOCSIN_JSON_NO_SIZE);
        else
            ck_assert_msg(n == strlen(t[i].want) &&
                              memcmp(p, t[i].want, n) == 0,
                          "%s", t[i].raw);
        free(p);
    }
}
END_TEST

START_TEST(integers_are_exact_or_refused)
{
    static const struct {
        const char *text;
        int fits;
        int64_t want;
    } t[] = {
        {"0", 1, 0},
        {"-0", 1, 0},
        {"9223372036854775807", 1, INT64_MAX},
        {"9223372036854775808", 0, 0},
        {"-9223372036854775808", 1, INT64_MIN},
        {"-9223372036854775809", 0, 0},
        {"99999999999999999999", 0, 0},
        {"1.0", 0, 0},
        {"1e3", 0, 0},
        {"", 0, 0},
        {"-", 0, 0},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        int64_t got = 0;
        const int r = tocsin_json_int64(t[i].text, strlen(t[i].text), &got);
        ck_assert_msg(r == (t[i].fits ? 0 : -1) && got == t[i].want, "%s",
                      t[i].text);
    }
}
END_TEST

static void
double_as_strtod(const char *text)
{
    const double want = strtod(text, NULL);
    double got = 0;
    const int r = tocsin_json_double(text, strlen(text), &got);
    if (want - want != 0) /* infinite */
        ck_assert_msg(r == -1, "%s", text);
    else
        ck_assert_msg(r == 0 && memcmp(&got, &want, sizeof got) == 0,
                      "%s: %a, not %a", text, got, want);
}

START_TEST(doubles_are_the_nearest)
{
    static const char *const texts[] = {
        "0",
        "-0",
        "0.0e5",
        "0e999999999999",
        "1",
        "-1.5",
        "0.1",
        "1e22",
        "1e23",
        "123456789012345678901234567890",
        "9007199254740993",
        "9007199254740993.0000000000000000000000000000000001",
        "1e308",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "1e309",
        "1e999999999999",
        "5e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "1e-400",
        "1e-999999999999",
        "2.2250738585072011e-308",
        "2.2250738585072014e-308",
        "0.000000000000000000000000000000000000000000000000000001e40",
        "8.442911973260991817129021e-309",
        "1448997445238699",
        "7.2057594037927933e16",
        "4.4501477170144023e-308"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        double_as_strtod(texts[i]);
    uint64_t seed = 7;
    for (int i = 0; i < 20000; i++) {
        char text[64];
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        snprintf(text, sizeof text, "%s%llu.%llue%d", i & 1 ? "-" : "",
                 (unsigned long long)(seed >> (i % 64)),
                 (unsigned long long)(seed >> 20),
                 (int)(seed >> 40) % 700 - 350);
        double_as_strtod(text);
    }
    /* More digits than are kept. */
    char *text = malloc(5001);
    ck_assert_ptr_nonnull(text);
    memset(text, '7', 5000);
    text[1] = '.';
    text[5000] = '\0';
    double_as_strtod(text);
    text[1] = '7';
    double_as_strtod(text);
    /* Half way between two, but for the last digit. */
    memset(text, '0', 5000);
    memcpy(text, "9007199254740993.", 17);
    double_as_strtod(text);
    text[4999] = '1';
    double_as_strtod(text);
    free(text);
}
END_TEST

/* The block at which plain text ends must not matter. */
START_TEST(plain_text_ends_at_the_first_odd_byte)
{
    static const unsigned char odd[] = {'"', '\\', 0, 0x1f, 0x80, 0xff};
    char text[200];
    for (size_t n = 0; n < sizeof text; n++)
        for (size_t k = 0; k < sizeof odd; k++) {
            memset(text, 'a', sizeof text);
            text[n] = (char)odd[k];
            ck_assert_uint_eq(
                (size_t)(tocsin_json_plain(text, text + sizeof text) - text),
                n);
            ck_assert_uint_eq(
                (size_t)(tocsin_json_plain(text, text + n) - text), n);
        }
}
END_TEST

#define COUNT(t) ((int)(sizeof t / sizeof *t))

static Suite *
json_suite(void)
{
    Suite *s = suite_create("json");
    TCase *tc = tcase_create("json");
    tcase_add_loop_test(tc, good_documents_are_taken, 0, COUNT(good));
    tcase_add_loop_test(tc, bad_documents_are_refused_with_a_reason, 0,
                        COUNT(bad));
    tcase_add_loop_test(tc, the_start_of_a_good_document_wants_more, 0,
                        COUNT(good));
    tcase_add_test(tc, depth_is_bounded);
    tcase_add_loop_test(tc, inner_documents_are_walked_where_they_stand, 0,
                        COUNT(good));
    tcase_add_test(tc, hidden_structure_is_told_from_what_is_wrong);
    tcase_add_test(tc, strings_lose_their_escapes);
    tcase_add_test(tc, integers_are_exact_or_refused);
    tcase_add_test(tc, doubles_are_the_nearest);
    tcase_add_test(tc, plain_text_ends_at_the_first_odd_byte);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return unit_main(json_suite(), NULL);
}
