/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/lang/functions.h"
#include "core/lang/matcher.h"
#include "core/lang/query.h"
#include "tests/lib/unit.h"
#include "tests/unit/lang_streams.h"

static struct query *
parse(const char *text, const struct query_options *options)
{
    struct query *q = NULL;
    struct err err = ERR_INIT;
    int r = query_parse(slice_from_str(text), options, &q, &err);
    ck_assert_msg(r == 0, "%s: %s", text, err.message);
    return q;
}

static const struct query_options with_streams = {.catalog = &test_catalog};

/* --- bounds -------------------------------------------------------------- */

static void
repeat(struct buf *b, const char *s, int n)
{
    for (int i = 0; i < n; i++)
        buf_append_str(b, s);
}

static int
parse_repeated(const char *open, int n, const char *middle, const char *close,
               int m, struct err *err)
{
    AUTO_FINI(buf) b = BUF_INIT(1 << 22);
    repeat(&b, open, n);
    buf_append_str(&b, middle);
    repeat(&b, close, m);
    AUTO(query) *q = NULL;
    return query_parse(buf_slice(&b), NULL, &q, err);
}

START_TEST(nesting_is_bounded)
{
    struct err err = ERR_INIT;
    ck_assert_int_eq(parse_repeated("(", 99, "1", ")", 99, NULL), 0);
    ck_assert_int_eq(parse_repeated("(", 100, "1", ")", 100, &err), -EINVAL);
    ck_assert_str_eq(err.message, "parse error: expression is nested more "
                                  "than 100 levels deep");
    ck_assert_int_eq(parse_repeated("(", 60000, "1", ")", 60000, NULL),
                     -EINVAL);
    ck_assert_int_eq(parse_repeated("-", 60000, "a", "", 0, NULL), -EINVAL);
    ck_assert_int_eq(parse_repeated("2^", 60000, "2", "", 0, NULL), -EINVAL);
    ck_assert_int_eq(parse_repeated("", 0, "a[2", "^2", 60000, NULL), -EINVAL);
    ck_assert_int_eq(parse_repeated("", 0, "a[", "-", 60000, NULL), -EINVAL);
    ck_assert_int_eq(parse_repeated("abs(", 30000, "a", "", 0, NULL), -EINVAL);
    ck_assert_int_eq(parse_repeated("", 0, "a[", "(", 60000, NULL), -EINVAL);
    ck_assert_int_eq(
        parse_repeated("", 0, "count_over_time(a | ", "(", 60000, NULL),
        -EINVAL);
}
END_TEST

START_TEST(chains_are_bounded)
{
    struct err err = ERR_INIT;
    ck_assert_int_eq(parse_repeated("a+", 900, "a", "", 0, NULL), 0);
    ck_assert_int_eq(parse_repeated("a+", 60000, "a", "", 0, &err), -EINVAL);
    ck_assert_str_eq(err.message, "parse error: expression has more than 1000 "
                                  "operators in a row");
    ck_assert_int_eq(parse_repeated("", 0, "a", "[5m:]", 20000, NULL), -EINVAL);
    ck_assert_int_eq(
        parse_repeated("", 0, "{a=\"b\"} | x=1", " or x=1", 9000, NULL),
        -EINVAL);
    ck_assert_int_eq(parse_repeated("", 0, "a[1", "+1", 60000, NULL), -EINVAL);
    /* Wide is not deep. */
    ck_assert_int_eq(parse_repeated("label_join(a,\"b\",\"c\"", 1, "", ",\"d\"",
                                    20000, NULL),
                     -EINVAL); /* only the last parenthesis is missing */
}
END_TEST

START_TEST(long_texts_are_refused)
{
    struct err err = ERR_INIT;
    ck_assert_int_eq(parse_repeated(" ", QUERY_TEXT_MAX - 1, "1", "", 0, &err),
                     0);
    ck_assert_int_eq(parse_repeated(" ", QUERY_TEXT_MAX, "1", "", 0, &err),
                     -EINVAL);
    ck_assert_str_eq(err.message,
                     "parse error: expression is longer than 131072 bytes");
}
END_TEST

START_TEST(a_failed_allocation_leaks_nothing)
{
    static const char text[] =
        "sum by (a) (rate(x{b=~\"c.*d|e.f\"}[5m])) / on (a) group_left (b) "
        "count_over_time(hub_logs{hub=\"x\"} |= \"a\" | count > 5 [1h])";
    int failures = 0;
    for (uint64_t n = 1; n < 200; n++) {
        AUTO(query) *q = NULL;
        struct err err = ERR_INIT;
        mem_fail_at(n);
        int r = query_parse(slice_from_str(text), &with_streams, &q, &err);
        mem_fail_at(0);
        if (r == 0)
            break;
        ck_assert_int_eq(r, -ENOMEM);
        ck_assert_ptr_null(q);
        failures++;
    }
    ck_assert_int_gt(failures, 3);
}
END_TEST

/* --- problems ------------------------------------------------------------ */

struct told {
    int errors, warnings;
    struct problem last;
    char message[256], hint[256];
};

static void
tell(void *ctx, const struct problem *p)
{
    struct told *told = ctx;
    told->errors += p->severity == SEVERITY_ERROR;
    told->warnings += p->severity == SEVERITY_WARNING;
    told->last = *p;
    snprintf(told->message, sizeof told->message, "%s", p->message);
    snprintf(told->hint, sizeof told->hint, "%s", p->hint ? p->hint : "");
}

static struct told
problems_of(const char *text, const struct lang_support *support)
{
    struct told told = {0};
    const struct query_options options = {.catalog = &test_catalog,
                                          .support = support,
                                          .report = tell,
                                          .report_ctx = &told};
    AUTO(query) *q = NULL;
    int r = query_parse(slice_from_str(text), &options, &q, NULL);
    ck_assert_int_eq(r, told.errors > 0 ? -EINVAL : 0);
    return told;
}

START_TEST(places_count_lines_and_characters)
{
    struct told t = problems_of("sum(\n  a{x=\"\u00e9\u00e9\"} +\n"
                                "  \"\u00e9\u00e9\" + rate(b)\n)",
                                NULL);
    ck_assert_int_eq(t.errors, 2);
    ck_assert_uint_eq(t.last.line, 3);
    ck_assert_uint_eq(t.last.column, 15);
    ck_assert_uint_eq(t.last.end_column, 16);
    ck_assert_str_eq(t.message, "expected type range vector in call to "
                                "function \"rate\", got instant vector");
}
END_TEST

START_TEST(an_unknown_function_names_the_nearest)
{
    struct told t = problems_of("coutn(x)", NULL);
    ck_assert_str_eq(t.message, "unknown function with name \"coutn\"");
    ck_assert_str_eq(t.hint, "did you mean \"count\"?");
    t = problems_of("irat(x[5m])", NULL);
    ck_assert_str_eq(t.hint, "did you mean \"irate\"?");
    t = problems_of("holt_winters(x[5m], 0.1, 0.1)", NULL);
    ck_assert_str_eq(t.hint,
                     "it is now called \"double_exponential_smoothing\"");
}
END_TEST

START_TEST(problems_are_bounded)
{
    AUTO_FINI(buf) b = BUF_INIT(1 << 20);
    buf_append_str(&b, "topk(1");
    for (int i = 0; i < 10000; i++)
        buf_append_str(&b, ", nope(1)");
    struct told t = problems_of(buf_str(&b), NULL);
    ck_assert_int_le(t.errors, QUERY_PROBLEMS_MAX);
    ck_assert_int_gt(t.errors, 0);
}
END_TEST

START_TEST(what_an_engine_cannot_do_is_refused)
{
    bool funcs[FUNC_ID_COUNT] = {
        [FUNC_RATE] = true, [FUNC_COUNT_OVER_TIME] = true};
    bool aggs[AGG_OP_COUNT] = {[AGG_SUM] = true};
    bool stages[STAGE_KIND_COUNT] = {[STAGE_LINE_FILTER] = true};
    const struct lang_support support = {funcs, aggs, stages, 0};
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"sum(rate(a[5m]))", NULL},
        {"irate(a[5m])", "function \"irate\" is not supported yet"},
        {"topk(1, a)", "aggregation \"topk\" is not supported yet"},
        {"a[5m:1m]", "a subquery is not supported yet"},
        {"a @ 5", "the @ modifier is not supported yet"},
        {"a offset 5m", NULL},
        {"a offset -5m", "a negative offset is not supported yet"},
        {"rate(a[step()])",
         "a duration that depends on the query is not supported yet"},
        {"rate(a[2 * 5m])", NULL},
        {"a smoothed", "\"smoothed\" is not supported yet"},
        {"a + fill(1) b", "\"fill\" is not supported yet"},
        {"count_over_time(hub_logs |= \"a\" [5m])", NULL},
        {"count_over_time(hub_logs | json [5m])",
         "stage \"json\" is not supported yet"},
        {"count_over_time(hub_logs |= ip(\"::1\") [5m])",
         "\"ip()\" is not supported yet"},
        {"count_over_time({hub=\"a\"} |= \"a\" [5m])",
         "a selector of any stream is not supported yet"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct told t = problems_of(cases[i].text, &support);
        ck_assert_msg(t.errors == (cases[i].message != NULL), "%s: %s",
                      cases[i].text, t.message);
        if (cases[i].message != NULL)
            ck_assert_str_eq(t.message, cases[i].message);
    }
}
END_TEST

/* --- trees --------------------------------------------------------------- */

START_TEST(names_are_bound)
{
    AUTO(query) *q = parse("count_over_time(hub_logs{device_id=\"x\", "
                           "hub=~\"a.*\"} | duration_ms > 1.5s and count=3"
                           "[5m])",
                           &with_streams);
    const struct selector *sel = q->root->call.args[0]->sel;
    ck_assert_int_eq(sel->binding, BOUND_STREAM);
    ck_assert_ptr_eq(sel->stream, &test_streams[0]);
    ck_assert_int_eq(sel->range.us, 5 * USEC_PER_MINUTE);
    ck_assert_uint_eq(sel->matcher_count, 3);
    ck_assert_ptr_null(sel->matchers[0].field);
    ck_assert(slice_eq_str(sel->matchers[0].name, "__name__"));
    ck_assert_ptr_eq(sel->matchers[1].field, &test_fields[1]);
    ck_assert_ptr_eq(sel->matchers[2].field, &test_fields[0]);
    const struct pipe_filter *f = sel->pipeline->filter;
    ck_assert_int_eq(f->kind, FILTER_AND);
    ck_assert_int_eq(f->left->kind, FILTER_DURATION);
    ck_assert_double_eq(f->left->number, 1.5);
    ck_assert_ptr_eq(f->left->matcher.field, &test_fields[4]);
    ck_assert_int_eq(f->right->kind, FILTER_NUMBER);
    ck_assert_int_eq(f->right->op, CMP_EQ);

    AUTO(query) *metric = parse("up{job=\"x\"}", &with_streams);
    ck_assert_int_eq(metric->root->sel->binding, BOUND_METRIC);
    ck_assert(slice_eq_str(metric->root->sel->name, "up"));
    AUTO(query) *plain = parse("{\"my.metric\"}", NULL);
    ck_assert_int_eq(plain->root->sel->binding, BOUND_NONE);
    ck_assert(slice_eq_str(plain->root->sel->name, "my.metric"));
}
END_TEST

START_TEST(a_selector_alone_can_be_asked_for)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {{"up{job=\"a\"}", true},
                 {"hub_logs{hub=\"a\"}", true},
                 {"hub_logs |= \"x\"", true},
                 {"up[5m]", false},
                 {"up offset 5m", false},
                 {"sum(up)", false},
                 {"{a=\"\"}", false},
                 {"up @ 5", false},
                 {"5", false}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO(query) *q = NULL;
        int r = query_parse_selector(slice_from_str(cases[i].text),
                                     &with_streams, &q, NULL);
        ck_assert_msg((r == 0) == cases[i].good, "%s", cases[i].text);
        if (r == 0)
            ck_assert_int_eq(q->root->kind, EXPR_SELECTOR);
    }
}
END_TEST

struct walk {
    int entered, left;
};

static int
enter(const struct expr *e, void *arg)
{
    ((struct walk *)arg)->entered++;
    return e->kind == EXPR_CALL ? EXPR_SKIP : 0;
}

static int
leave(const struct expr *e, void *arg)
{
    ((struct walk *)arg)->left++;
    return e->kind == EXPR_UNARY ? -7 : 0;
}

START_TEST(a_walk_skips_and_stops)
{
    struct walk w = {0};
    AUTO(query) *q = parse("topk(3, a + rate(b[5m])) * (c)", NULL);
    ck_assert_int_eq(expr_walk(q->root, enter, leave, &w), 0);
    ck_assert_int_eq(w.entered, 8);
    ck_assert_int_eq(w.left, 8);
    AUTO(query) *stop = parse("-a + b", NULL);
    w = (struct walk){0};
    ck_assert_int_eq(expr_walk(stop->root, NULL, leave, &w), -7);
    ck_assert_int_eq(w.left, 2);
}
END_TEST

START_TEST(different_trees_are_different)
{
    static const char *const texts[] = {
        "a",
        "b",
        "a{x=\"1\"}",
        "a{x!=\"1\"}",
        "a{x=\"2\"}",
        "a offset 5m",
        "a offset -5m",
        "a @ 5",
        "a @ start()",
        "a anchored",
        "a smoothed",
        "a[5m]",
        "a[5m:]",
        "a[5m:1m]",
        "a[step()]",
        "a[range()]",
        "-a",
        "+a",
        "a + b",
        "b + a",
        "a - b",
        "a > b",
        "a > bool b",
        "a + on() b",
        "a + on(x) b",
        "a + ignoring(x) b",
        "a + on(x) group_left b",
        "a + on(x) group_right b",
        "a + on(x) group_left(y) b",
        "a + fill(1) b",
        "a + fill_left(1) b",
        "sum(a)",
        "sum by (x) (a)",
        "sum without (x) (a)",
        "sum without () (a)",
        "avg(a)",
        "topk(1, a)",
        "topk(2, a)",
        "rate(a[5m])",
        "irate(a[5m])",
        "1",
        "-1",
        "\"1\"",
        "1 + 2 * 3",
        "(1 + 2) * 3",
        "{x=\"1\"} |= \"a\" [1m]",
        "{x=\"1\"} |~ \"a\" [1m]",
        "{x=\"1\"} |= \"a\" or \"b\" [1m]",
        "{x=\"1\"} | y=\"a\" [1m]",
        "{x=\"1\"} | y=5 [1m]",
        "{x=\"1\"} | y=5s [1m]",
        "{x=\"1\"} | y=5B [1m]",
        "{x=\"1\"} | y=5 or z=1 [1m]",
        "{x=\"1\"} | json [1m]",
        "{x=\"1\"} | json y [1m]",
        "{x=\"1\"} | logfmt [1m]",
        "{x=\"1\"} | logfmt --strict [1m]",
        "{x=\"1\"} | unwrap y [1m]",
        "{x=\"1\"} | unwrap duration(y) [1m]",
        "{x=\"1\"} | drop y [1m]",
        "{x=\"1\"} | drop y=\"1\" [1m]",
        "{x=\"1\"} | label_format y=z [1m]",
        "{x=\"1\"} | label_format y=\"z\" [1m]",
    };
    struct query *q[ARRAY_SIZE(texts)];
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        q[i] = parse(texts[i], NULL);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        for (size_t j = 0; j < ARRAY_SIZE(texts); j++) {
            AUTO_FINI(buf) a = BUF_INIT(4096), b = BUF_INIT(4096);
            ck_assert_msg(expr_equal(q[i]->root, q[j]->root) == (i == j),
                          "%s and %s", texts[i], texts[j]);
            expr_print(q[i]->root, &a);
            expr_print(q[j]->root, &b);
            ck_assert_msg(slice_eq(buf_slice(&a), buf_slice(&b)) == (i == j),
                          "%s and %s", buf_str(&a), buf_str(&b));
        }
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        query_free(q[i]);
}
END_TEST

START_TEST(durations_may_depend_on_the_query)
{
    AUTO(query) *q = parse("a[max_of(step() * 2, range() / 10)]", NULL);
    const struct lang_duration *d = &q->root->sel->range;
    struct query_bounds b = {0, 100 * USEC_PER_SEC, 15 * USEC_PER_SEC};
    usec_t us;
    ck_assert_int_eq(lang_duration_eval(d, &b, true, &us, NULL), 0);
    ck_assert_int_eq(us, 30 * USEC_PER_SEC);
    b.step = USEC_PER_SEC;
    ck_assert_int_eq(lang_duration_eval(d, &b, true, &us, NULL), 0);
    ck_assert_int_eq(us, 10 * USEC_PER_SEC);
    struct err err = ERR_INIT;
    b = (struct query_bounds){0, 0, 0};
    ck_assert_int_eq(lang_duration_eval(d, &b, true, &us, &err), -EINVAL);
    ck_assert_str_eq(err.message, "duration must be greater than 0");
    AUTO(query) *fixed = parse("a offset -(1h30m / 2)", NULL);
    ck_assert_int_eq(fixed->root->sel->mod.offset.us, -45 * USEC_PER_MINUTE);
    ck_assert_ptr_null(fixed->root->sel->mod.offset.expr);
}
END_TEST

START_TEST(tables_agree_with_themselves)
{
    for (unsigned i = 0; i < FUNC_ID_COUNT; i++) {
        const struct lang_func *f = lang_func_get((enum func_id)i);
        ck_assert_ptr_eq(lang_func_find(slice_from_str(f->name)), f);
        ck_assert_uint_eq(f->id, i);
        ck_assert_uint_le(f->min_args, f->max_args);
    }
    for (unsigned i = 0; i < AGG_OP_COUNT; i++) {
        const struct lang_agg *a = lang_agg_get((enum agg_op)i);
        ck_assert_ptr_eq(lang_agg_find(slice_from_str(a->name)), a);
        ck_assert_uint_eq(a->op, i);
    }
    ck_assert_ptr_null(lang_func_find(SLICE("rat")));
    ck_assert_ptr_null(lang_func_find(SLICE("")));
}
END_TEST

/* --- matchers ------------------------------------------------------------ */

START_TEST(an_absent_label_is_the_empty_value)
{
    static const struct {
        const char *text, *value;
        enum match want;
    } cases[] = {
        {"{x!=\"\",a=\"\"}", "", MATCH},
        {"{x!=\"\",a=\"\"}", "b", NO_MATCH},
        {"{x!=\"\",a!=\"\"}", "", NO_MATCH},
        {"{x!=\"\",a!=\"\"}", "b", MATCH},
        {"{x!=\"\",a=~\".*\"}", "", MATCH},
        {"{x!=\"\",a=~\".+\"}", "", NO_MATCH},
        {"{x!=\"\",a!~\"b\"}", "", MATCH},
        {"{x!=\"\",a=~\"b\"}", "ab", NO_MATCH},
        {"{x!=\"\",a=~\"b|c\"}", "c", MATCH},
        {"{x!=\"\",a=~\"b.c\"}", "b\nc", MATCH},
        {"{x!=\"\",a!~\"b.c\"}", "b\nc", NO_MATCH},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO(query) *q = parse(cases[i].text, NULL);
        const struct matcher *m = &q->root->sel->matchers[0];
        ck_assert_msg(matcher_match(m, slice_from_str(cases[i].value)) ==
                          cases[i].want,
                      "%s with \"%s\"", cases[i].text, cases[i].value);
    }
    /* In pipelines the dot stops at a newline, as in LogQL. */
    AUTO(query) *q =
        parse("count_over_time({x=\"y\"} | a=~\"b.c\" [1m])", NULL);
    const struct matcher *m =
        &q->root->call.args[0]->sel->pipeline->filter->matcher;
    ck_assert_int_eq(matcher_match(m, SLICE("b\nc")), NO_MATCH);
    ck_assert_int_eq(matcher_match(m, SLICE("b-c")), MATCH);
    ck_assert_int_eq(matcher_match(m, SLICE("ab-c")), NO_MATCH);
}
END_TEST

START_TEST(quantities_are_go_and_logql)
{
    static const struct {
        const char *text;
        double want; /* NaN: refused */
    } durations[] = {{"1.5s", 1.5},   {"2h45m", 9900},
                     {"300ms", 0.3},  {"20\u00b5s", 2e-5},
                     {"5d", 432000},  {"-1m", -60},
                     {"0", 0},        {"5", NAN},
                     {"s", NAN},      {"", NAN},
                     {"1.2.3s", NAN}, {"5x", NAN}},
      sizes[] = {
          {"20KB", 20000}, {"1.5MiB", 1572864}, {"42b", 42},    {"10k", 10000},
          {"7", 7},        {"1 GB", 1e9},       {"5kib", 5120}, {"KB", NAN},
          {"", NAN},       {"5xb", NAN},        {"-5B", NAN}};
    for (size_t i = 0; i < ARRAY_SIZE(durations); i++) {
        double v = NAN;
        int r = lang_parse_duration(slice_from_str(durations[i].text), &v);
        ck_assert_msg((r < 0) == isnan(durations[i].want), "%s",
                      durations[i].text);
        if (r == 0)
            ck_assert_double_eq_tol(v, durations[i].want, 1e-12);
    }
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        double v = NAN;
        int r = lang_parse_bytes(slice_from_str(sizes[i].text), &v);
        ck_assert_msg((r < 0) == isnan(sizes[i].want), "%s", sizes[i].text);
        if (r == 0)
            ck_assert_double_eq(v, sizes[i].want);
    }
}
END_TEST

START_TEST(addresses_are_found)
{
    static const struct {
        const char *range, *address;
        bool want;
    } cases[] = {{"10.0.0.0/8", "10.200.3.4", true},
                 {"10.0.0.0/8", "11.0.0.0", false},
                 {"10.0.0.1", "10.0.0.1", true},
                 {"10.0.0.1", "10.0.0.2", false},
                 {"10.0.0.1-10.0.0.9", "10.0.0.9", true},
                 {"10.0.0.1-10.0.0.9", "10.0.0.10", false},
                 {"2001:db8::/32", "2001:db8:1::5", true},
                 {"2001:db8::/32", "2001:db9::", false},
                 {"0.0.0.0/0", "::1", false},
                 {"::/0", "10.0.0.1", true},
                 {"10.0.0.0/8", "10.0.0", false}};
    struct ip_range r;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        ck_assert_int_eq(ip_range_parse(slice_from_str(cases[i].range), &r), 0);
        ck_assert_msg(ip_range_match(&r, slice_from_str(cases[i].address)) ==
                          cases[i].want,
                      "%s in %s", cases[i].address, cases[i].range);
    }
    static const char *const bad[] = {
        "",  "10.0.0",    "10.0.0.0/33", "10.0.0.9-10.0.0.1",
        "x", "1.2.3.4/x", "::1/129"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        ck_assert_int_eq(ip_range_parse(slice_from_str(bad[i]), &r), -EINVAL);
    ck_assert_int_eq(ip_range_parse(SLICE("10.0.0.0/8"), &r), 0);
    ck_assert(ip_range_find(&r, SLICE("from 10.1.2.3:8080, face")));
    ck_assert(ip_range_find(&r, SLICE("from=10.1.2.3.")));
    ck_assert(!ip_range_find(&r, SLICE("from 11.1.2.3 110.1.2.3 v1.10")));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("lang");
    TCase *t = tcase_create("lang");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, nesting_is_bounded);
    tcase_add_test(t, chains_are_bounded);
    tcase_add_test(t, long_texts_are_refused);
    tcase_add_test(t, a_failed_allocation_leaks_nothing);
    tcase_add_test(t, places_count_lines_and_characters);
    tcase_add_test(t, an_unknown_function_names_the_nearest);
    tcase_add_test(t, problems_are_bounded);
    tcase_add_test(t, what_an_engine_cannot_do_is_refused);
    tcase_add_test(t, names_are_bound);
    tcase_add_test(t, a_selector_alone_can_be_asked_for);
    tcase_add_test(t, a_walk_skips_and_stops);
    tcase_add_test(t, different_trees_are_different);
    tcase_add_test(t, durations_may_depend_on_the_query);
    tcase_add_test(t, tables_agree_with_themselves);
    tcase_add_test(t, an_absent_label_is_the_empty_value);
    tcase_add_test(t, quantities_are_go_and_logql);
    tcase_add_test(t, addresses_are_found);
    suite_add_tcase(s, t);
    return unit_main(s, NULL);
}
