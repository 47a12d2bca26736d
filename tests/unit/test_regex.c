/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "core/base/regex.h"
#include "core/base/str.h"
#include "tests/lib/unit.h"

static struct regex *
compile(struct slice pattern, enum regex_mode mode)
{
    struct regex *re = NULL;
    struct err err = ERR_INIT;
    int r = regex_new(pattern, mode, &re, &err);
    ck_assert_msg(r == 0, "%.*s: %s", SLICE_FMT(pattern), err.message);
    return re;
}

/* Expected as Go's regexp has it: "^(?s:…)$" for FULL. */
static const struct {
    enum regex_mode mode;
    struct slice pattern, subject;
    enum match want;
} cases[] = {
#define FULL(p, s, w)                                                          \
    {                                                                          \
        REGEX_FULL, SLICE_INIT(p), SLICE_INIT(s), w                            \
    }
#define FIND(p, s, w)                                                          \
    {                                                                          \
        REGEX_SEARCH, SLICE_INIT(p), SLICE_INIT(s), w                          \
    }
    /* texts and simple forms */
    FULL("", "", MATCH),
    FULL("", "a", NO_MATCH),
    FULL("abc", "abc", MATCH),
    FULL("abc", "xabc", NO_MATCH),
    FULL("abc", "abc\n", NO_MATCH),
    FULL("a|b|", "", MATCH),
    FULL("a|b|", "b", MATCH),
    FULL("a|b|", "c", NO_MATCH),
    FULL("(a|bc)", "bc", MATCH),
    FULL("(?:a|bc)", "bc", MATCH),
    FULL("(?:a|bc)", "abc", NO_MATCH),
    FULL("(?i:a|bc)", "BC", MATCH),
    FULL("(a)|(b)", "b", MATCH),
    FULL("a\\.b\\|c|d\\-e", "a.b|c", MATCH),
    FULL("a\\.b\\|c|d\\-e", "d-e", MATCH),
    FULL("a\\.b", "axb", NO_MATCH),
    FULL("foo.*", "foo\nbar", MATCH),
    FULL("foo.*", "fo", NO_MATCH),
    FULL("foo.+", "foo", NO_MATCH),
    FULL("foo.+", "foox", MATCH),
    FULL(".*foo", "xfoo", MATCH),
    FULL(".*foo", "foox", NO_MATCH),
    FULL(".+foo", "foo", NO_MATCH),
    FULL(".+foo",
         "\xc3\xa9"
         "foo",
         MATCH),
    FULL(".*foo.*", "a foo b", MATCH),
    FULL(".*foo.*", "a fo o b", NO_MATCH),
    FULL(".+foo.+", "foofoofoo", MATCH),
    FULL(".+foo.+", "foofoo", NO_MATCH),
    FULL(".+foo.*", "foofoo", MATCH),
    FULL(".*foo.+", "xfoo", NO_MATCH),
    FULL("foo.+foo", "foofoo", NO_MATCH),
    FULL(".*", "", MATCH),
    FULL(".+", "", NO_MATCH),
    FULL(".+", "\n", MATCH),
    FULL(".+.+", "\xc3\xa9", NO_MATCH),
    FULL(".+.+", "ab", MATCH),
    FULL("ab*", "a", MATCH),
    FULL("ab*", "abbb", MATCH),
    FULL("ab?", "ab", MATCH),
    FULL("x\xc3\xa9*", "x", MATCH),
    FULL("x\xc3\xa9*", "x\xc3\xa9\xc3\xa9", MATCH),
    FIND("foo", "a foo b", MATCH),
    FIND("foo|bar", "a bar b", MATCH),
    FIND("foo|bar", "a baz b", NO_MATCH),
    FIND("^foo", "foo b", MATCH),
    FIND("^foo", "a foo", NO_MATCH),
    FIND("^foo", "a\nfoo", NO_MATCH),
    FIND("foo$", "a foo", MATCH),
    FIND("foo$", "a foo\n", NO_MATCH),
    FIND("^foo$", "foo", MATCH),
    FIND("^foo$", "foofoo", NO_MATCH),
    FIND("^$", "", MATCH),
    FIND("", "x", MATCH),
    FIND("^.*foo", "a\nfoo", NO_MATCH),
    FIND(".*foo", "a\nfoo", MATCH),
    FIND(".+foo", "a\nfoo", NO_MATCH),
    FIND("a.b", "a\nb", NO_MATCH),
    FIND("(?s)a.b", "a\nb", MATCH),
    /* what PCRE2 means differently, unless told */
    FULL("a$", "a\n", NO_MATCH),
    FIND("[a]$", "a\n", NO_MATCH),
    FIND("(?m)^b$", "a\nb\nc", MATCH),
    FIND("(?m)^$", "a\n", MATCH),
    FULL("\\v", "\v", MATCH),
    FULL("\\v", "\n", NO_MATCH),
    FULL("\\s", "\v", NO_MATCH),
    FULL("\\S", "\v", MATCH),
    FULL("[\\S]", "\v", MATCH),
    FULL("[^\\s]", "\v", MATCH),
    FULL("[\\s-z]+", "z -", MATCH),
    FULL("[\\s-z]", "a", NO_MATCH),
    FULL("[[:space:]]", "\v", MATCH),
    FULL("\\12", "\n", MATCH),
    FULL("\\0", "\0", MATCH),
    FULL("\\x41\\x{20ac}", "A\xe2\x82\xac", MATCH),
    FULL("\\pL+\\p{Greek}", "a\xce\xbb", MATCH),
    FULL("\\Qa.b\\E+", "a.bbb", MATCH),
    FULL("\\Qa.b*", "a.b*", MATCH),
    FULL("\\_\\-\\/", "_-/", MATCH),
    FULL("a{,2}", "a{,2}", MATCH),
    FULL("a{x", "a{x", MATCH),
    FULL("a{2}{", "aa{", MATCH),
    FULL("[]a]+", "]a", MATCH),
    FULL("[^]a]", "b", MATCH),
    FULL("[[.a]+", "[.a", MATCH),
    FULL("[[:alpha:][:^digit:]-]+", "a-", MATCH),
    FULL("(?i)stra\xc3\x9f"
         "e",
         "STRA\xe1\xba\x9e"
         "E",
         MATCH),
    FULL("(?P<a>x)(?<b>y)", "xy", MATCH),
    FULL("(?U)a+?", "aaa", MATCH),
    FULL("(?i-s:A.)", "a\n", NO_MATCH),
    FULL("a|ab", "ab", MATCH),
    FULL("\\bfoo\\b.", "foo!", MATCH),
    /* bytes that can't be read are U+FFFD each */
    FULL(".", "\xff", MATCH),
    FULL("..", "\xe2\x82", MATCH),
    FULL("a.c",
         "a\xff"
         "c",
         MATCH),
    FULL("[^a]", "\xff", MATCH),
    FULL("\xef\xbf\xbd", "\xff", MATCH),
    FIND("\xef\xbf\xbd", "a\xff", MATCH),
    FULL("\xef\xbf\xbd.*", "\xff", MATCH),
    FULL("foo.*", "foo\xff", MATCH),
    FIND("b\\d",
         "\xff"
         "b1",
         MATCH),
    /* limits */
    FULL("(x+x+)+[yz]", "xxxxxxxxxxxx", NO_MATCH),
    FULL("(x+x+)+[yz]", "xxxxxxxxxxxxxxxxxxxx", UNKNOWN), /* PCRE2's own
                                                           limit allows it */
    FULL("(x+x+)+[yz]", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
         UNKNOWN),
    FIND("(a|aa)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
         UNKNOWN),
#undef FULL
#undef FIND
};

START_TEST(expressions_match_as_in_re2)
{
    AUTO(regex) *re = compile(cases[_i].pattern, cases[_i].mode);
    enum match m = regex_match(re, cases[_i].subject);
    ck_assert_msg(m == cases[_i].want, "/%.*s/ on \"%.*s\": %d",
                  SLICE_FMT(cases[_i].pattern), SLICE_FMT(cases[_i].subject),
                  (int)m);
    /* The other way to ask must say the same. */
    struct slice group = SLICE("untouched");
    ck_assert_int_eq(regex_captures(re, cases[_i].subject, 1, &group), m);
    ck_assert(slice_eq_str(group, "untouched") == (m != MATCH));
    if (m == MATCH && cases[_i].mode == REGEX_FULL)
        ck_assert(slice_eq(group, cases[_i].subject));
    if (m == MATCH)
        ck_assert(slice_starts_with(cases[_i].subject, regex_prefix(re)));
}
END_TEST

static const struct {
    const char *pattern;
    uint32_t column;
    const char *words;
} refused[] = {
    {"a(?=b)", 2, "look-ahead"},
    {"(?!b)", 1, "look-ahead"},
    {"(?<=b)", 1, "look-behind"},
    {"x(?<!b)", 2, "look-behind"},
    {"(a)\\1", 4, "back references"},
    {"(?P<n>a)(?P=n)", 9, "back reference"},
    {"(?P<n>a)\\k<n>", 9, "back references"},
    {"(a)\\g1", 4, "back references"},
    {"(?R)", 1, "recursion"},
    {"(a(?1))", 3, "recursion"},
    {"(?P>n)", 1, "subroutine"},
    {"(?&n)", 1, "subroutine"},
    {"(?>a)", 1, "atomic"},
    {"a++", 3, "possessive"},
    {"a*+", 3, "possessive"},
    {"a{2}+", 5, "possessive"},
    {"a**", 3, "repetition of a repetition"},
    {"a??"
     "?",
     4, "repetition of a repetition"},
    {"(?|a)", 1, "branch reset"},
    {"(?#a)", 1, "comment"},
    {"(*ANY)", 1, "verb"},
    {"(?x)a", 1, "flag"},
    {"(?(1)a)", 1, "condition"},
    {"(?C1)", 1, "callout"},
    {"(?", 1, "flag"},
    {"(?P<>a)", 1, "name"},
    {"(?P<n a)", 1, "name"},
    {"*a", 1, "nothing to repeat"},
    {"a|+", 3, "nothing to repeat"},
    {"(?i)*", 5, "nothing to repeat"},
    {"a{1001}", 2, "repeat count"},
    {"a{2,1}", 2, "repeat count"},
    {"(a", 3, "missing closing \")\""},
    {"a)", 2, "unexpected \")\""},
    {"[a", 1, "missing closing \"]\""},
    {"\xc3\xa9[b-a]", 5, "range"},
    {"[[:foo:]]", 2, "unknown class"},
    {"a\\", 2, "backslash"},
    {"\\Z", 1, "\\z"},
    {"\\K", 1, "invalid escape"},
    {"\\C", 1, "invalid escape"},
    {"[\\b]", 2, "invalid escape"},
    {"\\x4", 1, "invalid escape"},
    {"\\x{110000}", 1, "invalid escape"},
    {"\\p{Nope}", 9, "property"},
    {"\\p", 1, "property"},
    {"\xff", 1, "UTF-8"},
    {"(?P<n>a)(?P<n>b)", 15, "two named"},
};

START_TEST(what_re2_does_not_have_is_refused_with_its_place)
{
    struct regex *re = NULL;
    struct err err = ERR_INIT;
    struct slice pattern = slice_from_str(refused[_i].pattern);
    ck_assert_int_eq(regex_new(pattern, REGEX_FULL, &re, &err), -EINVAL);
    ck_assert_ptr_null(re);
    ck_assert_msg(strstr(err.message, refused[_i].words) != NULL, "%s: %s",
                  refused[_i].pattern, err.message);
    ck_assert_msg(err.column == refused[_i].column, "%s: column %u: %s",
                  refused[_i].pattern, err.column, err.message);
}
END_TEST

static void
expect_too_big(const char *text, size_t n, const char *words)
{
    struct regex *re = NULL;
    struct err err = ERR_INIT;
    ck_assert_int_eq(regex_new(slice_new(text, n), REGEX_FULL, &re, &err),
                     -EINVAL);
    ck_assert_msg(strstr(err.message, words) != NULL, "%s", err.message);
}

START_TEST(length_depth_and_groups_are_bounded)
{
    static char text[REGEX_PATTERN_MAX + 1];
    memset(text, 'a', sizeof text);
    AUTO(regex) *re = compile(slice_new(text, REGEX_PATTERN_MAX), REGEX_FULL);
    ck_assert_int_eq(regex_match(re, slice_new(text, REGEX_PATTERN_MAX)),
                     MATCH);
    expect_too_big(text, sizeof text, "longer than");
    memset(text, '(', 1000);
    expect_too_big(text, 1000, "nested");
    for (size_t i = 0; i < 300; i += 3)
        memcpy(text + i, "(a)", 3);
    expect_too_big(text, 300, "groups");
}
END_TEST

START_TEST(sets_of_texts_are_given_sorted_and_once)
{
    static const struct {
        const char *pattern;
        size_t n; /* 0 = none */
    } sets[] = {
        {"b|a|c|a", 3}, {"(x)", 1},   {"", 1},      {"a|b.*", 0},
        {"a.b", 0},     {"a\\.b", 1}, {"(?i)a", 0}, {"a|", 2},
    };
    for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
        AUTO(regex) *re = compile(slice_from_str(sets[i].pattern), REGEX_FULL);
        const struct slice *texts;
        size_t n = 0;
        ck_assert(regex_literals(re, &texts, &n) == (sets[i].n > 0));
        ck_assert_uint_eq(n, sets[i].n);
        for (size_t k = 1; k < n; k++)
            ck_assert_int_lt(slice_cmp(texts[k - 1], texts[k]), 0);
    }
    AUTO(regex) *search = compile(SLICE("a|b"), REGEX_SEARCH);
    const struct slice *texts;
    size_t n;
    ck_assert(!regex_literals(search, &texts, &n));
}
END_TEST

START_TEST(a_common_prefix_is_known)
{
    static const struct {
        const char *pattern, *prefix;
    } prefixes[] = {
        {"edge.*[0-9]", "edge"}, {"ab*c", "a"},        {"ab+c", "a"},
        {"ab|ac", ""},           {"(ab)c", ""},        {"a\\.b[c]", "a.b"},
        {"(?i)abc[d]", ""},      {"x\xc3\xa9?y", "x"}, {"a{0}b[c]", ""},
        {"ab{2}c[d]", "a"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        AUTO(regex) *re =
            compile(slice_from_str(prefixes[i].pattern), REGEX_FULL);
        struct slice p = regex_prefix(re);
        ck_assert_msg(slice_eq_str(p, prefixes[i].prefix), "%s: %.*s",
                      prefixes[i].pattern, SLICE_FMT(p));
    }
}
END_TEST

START_TEST(groups_are_captured_by_number_and_name)
{
    AUTO(regex) *re =
        compile(SLICE("(?P<ip>\\d+\\.\\d+) (x)?(?<ms>[0-9]+)ms"), REGEX_SEARCH);
    ck_assert_uint_eq(regex_group_count(re), 3);
    ck_assert_str_eq(regex_group_name(re, 1), "ip");
    ck_assert_ptr_null(regex_group_name(re, 2));
    ck_assert_str_eq(regex_group_name(re, 3), "ms");
    ck_assert_ptr_null(regex_group_name(re, 0));
    ck_assert_ptr_null(regex_group_name(re, 4));
    struct slice g[6];
    ck_assert_int_eq(regex_captures(re, SLICE("from 10.2 33ms."), 6, g), MATCH);
    ck_assert(slice_eq_str(g[0], "10.2 33ms"));
    ck_assert(slice_eq_str(g[1], "10.2"));
    ck_assert_ptr_null(g[2].p);
    ck_assert(slice_eq_str(g[3], "33"));
    ck_assert_ptr_null(g[4].p);
    /* Offsets stay those of the subject where it can't be read. */
    ck_assert_int_eq(
        regex_captures(re, SLICE("\xff\xe2\x82 1.2 x3ms\xff"), 4, g), MATCH);
    ck_assert(slice_eq_str(g[0], "1.2 x3ms"));
    ck_assert(slice_eq_str(g[2], "x"));
    ck_assert(slice_eq_str(g[3], "3"));
    ck_assert(slice_eq_str(regex_pattern(re),
                           "(?P<ip>\\d+\\.\\d+) (x)?(?<ms>[0-9]+)ms"));
    AUTO(regex) *simple = compile(SLICE("(a|b)"), REGEX_FULL);
    ck_assert_int_eq(regex_captures(simple, SLICE("b"), 2, g), MATCH);
    ck_assert(slice_eq_str(g[1], "b"));
}
END_TEST

START_TEST(a_quoted_text_matches_itself)
{
    char all[128];
    for (int i = 0; i < 127; i++)
        all[i] = (char)(i + 1);
    struct slice text = slice_new(all, 127);
    AUTO_FINI(buf) b = BUF_INIT(1000);
    regex_quote(&b, text);
    AUTO(regex) *re = compile(buf_slice(&b), REGEX_FULL);
    ck_assert_int_eq(regex_match(re, text), MATCH);
    (void)buf_append_str(&b, "[x]");
    AUTO(regex) *longer = compile(buf_slice(&b), REGEX_FULL);
    ck_assert_int_eq(regex_match(longer, text), NO_MATCH);
}
END_TEST

START_TEST(matching_allocates_nothing_in_steady_state)
{
    AUTO(regex) *re = compile(SLICE("dev-[0-9]+"), REGEX_FULL);
    ck_assert_int_eq(regex_match(re, SLICE("dev-1")), MATCH);
    uint64_t count = mem_count();
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(regex_match(re, SLICE("dev-12")), MATCH);
    ck_assert_uint_eq(mem_count(), count);
}
END_TEST

START_TEST(want_of_memory_is_an_error_and_no_answer)
{
    int failures = 0, n = 1;
    for (; n < 200; n++) {
        struct regex *re = NULL;
        struct err err = ERR_INIT;
        mem_fail_at((uint64_t)n);
        int r = regex_new(SLICE("(?P<a>dev)-[0-9]+|x"), REGEX_FULL, &re, &err);
        bool reached = mem_count() > 0 && r == 0;
        mem_fail_at(0);
        if (reached) {
            regex_free(re);
            break;
        }
        ck_assert_int_eq(r, -ENOMEM);
        ck_assert_ptr_null(re);
        ck_assert_str_eq(err.message, "out of memory");
        failures++;
    }
    ck_assert_int_gt(failures, 3);
    ck_assert_int_lt(n, 200);
}
END_TEST

static void *
match_many(void *p)
{
    const struct regex *re = (const struct regex *)p;
    uintptr_t wrong = 0;
    for (int i = 0; i < 2000; i++) {
        struct slice g[2];
        char text[32];
        int n = snprintf(text, sizeof text, "dev-%d%s", i, i % 2 ? "\xff" : "");
        uint64_t v = UINT64_MAX;
        bool right =
            regex_captures(re, slice_new(text, (size_t)n), 2, g) == MATCH &&
            str_parse_u64(g[1], &v) == 0 && v == (uint64_t)i;
        wrong += !right;
    }
    return (void *)wrong;
}

START_TEST(threads_share_one_expression)
{
    AUTO(regex) *re = compile(SLICE("dev-([0-9]+).?"), REGEX_FULL);
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, match_many, re), 0);
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
        void *wrong;
        ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
        ck_assert_ptr_null(wrong);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("regex");
    TCase *tc = tcase_create("regex");
    tcase_add_loop_test(tc, expressions_match_as_in_re2, 0,
                        (int)ARRAY_SIZE(cases));
    tcase_add_loop_test(tc, what_re2_does_not_have_is_refused_with_its_place, 0,
                        (int)ARRAY_SIZE(refused));
    tcase_add_test(tc, length_depth_and_groups_are_bounded);
    tcase_add_test(tc, sets_of_texts_are_given_sorted_and_once);
    tcase_add_test(tc, a_common_prefix_is_known);
    tcase_add_test(tc, groups_are_captured_by_number_and_name);
    tcase_add_test(tc, a_quoted_text_matches_itself);
    tcase_add_test(tc, matching_allocates_nothing_in_steady_state);
    tcase_add_test(tc, want_of_memory_is_an_error_and_no_answer);
    tcase_add_test(tc, threads_share_one_expression);
    suite_add_tcase(s, tc);
    return unit_main(s, NULL);
}
