/* SPDX-License-Identifier: Apache-2.0 */
/* What functions, aggregations and operators give, beside Prometheus' own
 * cases: expected values come from their definitions. */
#include "config.h"

#include "tests/lib/promql_eval.h"
#include "tests/lib/unit.h"

struct c {
    const char *series;
    double minute;
    const char *expr, *want;
};

#define SOME "a{i=\"1\"} 1 2 3\na{i=\"2\"} 10 NaN 30\na{i=\"10\"} 5 4 -1\n"

static const struct c range_cases[] = {
    {SOME, 2, "ts_of_min_over_time(a[5m])",
     "{i=\"1\"} 0\n{i=\"10\"} 120\n{i=\"2\"} 0\n"},
    {SOME, 2, "ts_of_max_over_time(a[5m])",
     "{i=\"1\"} 120\n{i=\"10\"} 0\n{i=\"2\"} 120\n"},
    {"a{i=\"1\"} 3 3 1\n", 2, "ts_of_max_over_time(a[5m])", "{i=\"1\"} 60\n"},
    {"a{i=\"1\"} _ 3 1\n", 4, "ts_of_first_over_time(a[5m])", "{i=\"1\"} 60\n"},
    {"a{i=\"1\"} _ 3 1\n", 4, "ts_of_last_over_time(a[5m])", "{i=\"1\"} 120\n"},
    /* median 3, deviations 2 1 0 1 7 */
    {"a{i=\"1\"} 1 2 3 4 10\n", 4, "mad_over_time(a[5m])", "{i=\"1\"} 1\n"},
    {SOME, 2, "mad_over_time(a{i=\"2\"}[5m])", "{i=\"2\"} NaN\n"},
    /* level 1, slope 1; 2: .5*2 + .5*(1+1) = 2; slope .5*1+.5*1 = 1; 5:
     * .5*5 + .5*3 = 4 */
    {"a{i=\"1\"} 1 2 5\n", 2, "double_exponential_smoothing(a[5m], 0.5, 0.5)",
     "{i=\"1\"} 4\n"},
    /* 1 3 4 7.375, slopes 2 2 1.75 */
    {"a{i=\"1\"} 1 3 3 9\n", 3,
     "double_exponential_smoothing(a[5m], 0.5, 0.25)", "{i=\"1\"} 7.375\n"},
    {SOME, 2, "double_exponential_smoothing(a[5m], 1, 0.5)",
     "error: invalid smoothing factor. Expected: 0 < sf < 1, got: 1.000000\n"},
    {SOME, 2, "double_exponential_smoothing(a[5m], 0.5, 0)",
     "error: invalid trend factor. Expected: 0 < tf < 1, got: 0.000000\n"},
    {"", 2, "double_exponential_smoothing(a[5m], 0.5, 0)", ""},
    {SOME, 2, "first_over_time(a{i=\"1\"}[5m])",
     "{__name__=\"a\", i=\"1\"} 1\n"},
    {"a{i=\"1\"} 1 2 3\n", 2, "quantile_over_time(2, a[5m])",
     "{i=\"1\"} +Inf\nPromQL warning: quantile value should be between 0 and "
     "1, got 2 (1:20)\n"},
    {"a{i=\"1\"} 0 60\nb_total{i=\"1\"} 0 60\n", 1,
     "rate(b_total[2m]) + rate(a[2m])",
     "{i=\"1\"} 1\nPromQL info: metric might not be a counter, name does not "
     "end in _total/_sum/_count/_bucket: \"a\" (1:26)\n"},
    {"a{i=\"1\"} 0 60\n", 1, "count(rate(a[2m]) and increase(a[3m]))",
     "{} 1\nPromQL info: metric might not be a counter, name does not end in "
     "_total/_sum/_count/_bucket: \"a\" (1:12)\nPromQL info: metric might "
     "not be a counter, name does not end in _total/_sum/_count/_bucket: "
     "\"a\" (1:32)\n"},
    {"a{i=\"1\"} 0 60\n", 1, "delta(a[2m])", "{i=\"1\"} 120\n"},
};

static const struct c vector_cases[] = {
    {SOME, 2, "sort(a)",
     "{__name__=\"a\", i=\"10\"} -1\n{__name__=\"a\", i=\"1\"} 3\n"
     "{__name__=\"a\", i=\"2\"} 30\n"},
    {SOME, 1, "sort_desc(a)",
     "{__name__=\"a\", i=\"10\"} 4\n{__name__=\"a\", i=\"1\"} 2\n"
     "{__name__=\"a\", i=\"2\"} NaN\n"},
    {SOME, 0, "sort_by_label(a, \"i\")",
     "{__name__=\"a\", i=\"1\"} 1\n{__name__=\"a\", i=\"2\"} 10\n"
     "{__name__=\"a\", i=\"10\"} 5\n"},
    {SOME, 0, "sort_by_label_desc(a, \"i\")",
     "{__name__=\"a\", i=\"10\"} 5\n{__name__=\"a\", i=\"2\"} 10\n"
     "{__name__=\"a\", i=\"1\"} 1\n"},
    {"a{v=\"x2y10\"} 1\na{v=\"x2y9\"} 2\na{v=\"x10\"} 3\na{v=\"\"} 4\n", 0,
     "sort_by_label(a, \"v\")",
     "{__name__=\"a\"} 4\n{__name__=\"a\", v=\"x2y9\"} 2\n"
     "{__name__=\"a\", v=\"x2y10\"} 1\n{__name__=\"a\", v=\"x10\"} 3\n"},
    {"", 0, "max_of(3, NaN)", "NaN\n"},
    {"", 0, "max_of(Inf, NaN)", "+Inf\n"},
    {"", 0, "1 / min_of(0, -0)", "-Inf\n"},
    {"", 0, "clamp_min(vector(NaN), 1)", "{} NaN\n"},
    {"", 0, "clamp(vector(5), 3, 1)", ""},
    {"", 0, "1 / sgn(vector(-0))", "{} -Inf\n"},
    {"", 0, "day_of_week(vector(951782400))", "{} 2\n"},     /* 2000-02-29 */
    {"", 0, "days_in_month(vector(4107542399))", "{} 28\n"}, /* 2100-02-28 */
    {"", 0, "hour(vector(-1))", "{} 23\n"},
    {SOME, 0, "label_join(a{i=\"1\"}, \"d\", \"-\", \"\")",
     "error: invalid source label name in label_join(): \n"},
    {SOME, 0, "label_replace(a, \"\", \"x\", \"i\", \".*\")",
     "error: invalid destination label name in label_replace(): \n"},
    {SOME, 0, "label_replace(a, \"x\", \"y\", \"i\", \"(\")",
     "error: invalid regular expression in label_replace(): (\n"},
    {SOME, 0,
     "label_replace(-a{i=\"1\"}, \"__name__\", \"$1\", \"__name__\", "
     "\"(.*)\")",
     "{__name__=\"a\", i=\"1\"} -1\n"},
    {"a{i=\"1\"} 1\nb{i=\"1\"} 1\n", 0, "-{i=\"1\"}",
     "error: vector cannot contain metrics with the same labelset\n"},
    {"a{__type__=\"gauge\", __unit__=\"s\"} 1\n", 0, "abs(a)", "{} 1\n"},
};

#define BUCKETS                                                                \
    "h_bucket{le=\"1\"} 10\nh_bucket{le=\"2\"} 30\n"                           \
    "h_bucket{le=\"+Inf\"} 40\n"

static const struct c histogram_cases[] = {
    /* rank 20: in (1, 2], 10 of 20 */
    {BUCKETS, 0, "histogram_quantile(0.5, h_bucket)", "{} 1.5\n"},
    {BUCKETS, 0, "histogram_quantile(0.99, h_bucket)", "{} 2\n"},
    {BUCKETS, 0, "histogram_quantile(-1, h_bucket)",
     "{} -Inf\nPromQL warning: quantile value should be between 0 and 1, got "
     "-1 (1:20)\n"},
    {"h_bucket{le=\"1\"} 10\nh_bucket{le=\"2\"} 30\n", 0,
     "histogram_quantile(0.5, h_bucket)", "{} NaN\n"},
    {"h_bucket{le=\"-1\"} 30\nh_bucket{le=\"+Inf\"} 40\n", 0,
     "histogram_quantile(0.5, h_bucket)", "{} -1\n"},
    /* 10 20 15 40: the third is raised to 20 */
    {"h_bucket{le=\"1\"} 10\nh_bucket{le=\"2\"} 20\nh_bucket{le=\"3\"} 15\n"
     "h_bucket{le=\"+Inf\"} 40\n",
     0, "histogram_quantile(0.5, h_bucket)",
     "{} 2\nPromQL info: input to histogram_quantile needed to be fixed for "
     "monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/"
     "functions/#histogram_quantile) for metric name \"h_bucket\", from "
     "buckets 3 to 3, with a max diff of 5, over 1 samples from "
     "1970-01-01T00:00:00Z to 1970-01-01T00:00:00Z (1:25)\n"},
    /* 10 8 20 40: rank 19 is 9 of 10 behind 2 */
    {"h_bucket{le=\"1\"} 10\nh_bucket{le=\"2\"} 8\nh_bucket{le=\"3\"} 20\n"
     "h_bucket{le=\"+Inf\"} 40\n",
     0, "histogram_quantile(scalar(vector(0.475)), abs(h_bucket))",
     "{} 2.9\nPromQL info: input to histogram_quantile needed to be fixed for "
     "monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/"
     "functions/#histogram_quantile) for metric name \"h_bucket\", from "
     "buckets 2 to 2, with a max diff of 2, over 1 samples from "
     "1970-01-01T00:00:00Z to 1970-01-01T00:00:00Z (1:43)\n"},
    {"h_bucket{le=\"x\"} 1\n", 0, "histogram_quantile(0.5, -h_bucket)",
     "PromQL warning: bucket label \"le\" is missing or has a malformed value "
     "of \"x\" for metric name \"h_bucket\" (1:25)\n"},
    /* at most 1.5: 20; at most 0.5: 5 */
    {BUCKETS, 0, "histogram_fraction(0.5, 1.5, h_bucket)", "{} 0.375\n"},
    {BUCKETS, 0, "histogram_fraction(-Inf, 2, h_bucket)", "{} 0.75\n"},
    {BUCKETS, 0, "histogram_fraction(2, 1, h_bucket)", "{} 0\n"},
    {BUCKETS, 0, "histogram_fraction(NaN, 1, h_bucket)", "{} NaN\n"},
    {BUCKETS, 0, "histogram_fraction(3, Inf, h_bucket)", "{} 0.25\n"},
    {"h_bucket{le=\"-2\"} 10\nh_bucket{le=\"0\"} 30\n"
     "h_bucket{le=\"+Inf\"} 40\n",
     0, "histogram_fraction(-3, -1, h_bucket)", "{} 0.25\n"},
    {BUCKETS, 0, "histogram_quantiles(h_bucket, \"q\", 0.5, 1)",
     "{q=\"0.5\"} 1.5\n{q=\"1.0\"} 2\n"},
};

static const struct c aggregate_cases[] = {
    {SOME, 0, "topk(2, a)",
     "{__name__=\"a\", i=\"2\"} 10\n{__name__=\"a\", i=\"10\"} 5\n"},
    {SOME, 1, "bottomk(9, a)",
     "{__name__=\"a\", i=\"1\"} 2\n{__name__=\"a\", i=\"10\"} 4\n"
     "{__name__=\"a\", i=\"2\"} NaN\n"},
    {SOME, 0, "topk(0.5, a)", ""},
    {SOME, 0, "topk(1e20, a)", "error: Scalar value 1e+20 overflows int64\n"},
    {SOME, 0, "bottomk(-1e20, a)",
     "error: Scalar value -1e+20 underflows int64\n"},
    {SOME, 0, "limitk(2, a)",
     "{__name__=\"a\", i=\"1\"} 1\n{__name__=\"a\", i=\"10\"} 5\n"},
    {SOME, 0, "limitk(0, a)", ""},
    {SOME, 0, "limit_ratio(NaN, a)", "error: Ratio value is NaN\n"},
    {SOME, 0, "count(limit_ratio(2, a))",
     "{} 3\nPromQL warning: ratio value should be between -1 and 1, got 2, "
     "capping to 1 (1:19)\n"},
    /* They complement one another. */
    {SOME, 0, "count(limit_ratio(0.3, a) or limit_ratio(-0.7, a))", "{} 3\n"},
    {SOME, 0, "limit_ratio(0.3, a) and limit_ratio(-0.7, a)", ""},
    /* XXH64 of these labels / 2^64: 0.93467, 0.32631, 0.11216, 0.10144 */
    {"", 0, "limit_ratio(0.9346, vector(1))", ""},
    {"", 0, "limit_ratio(0.9347, vector(1))", "{} 1\n"},
    {"m{i=\"1\"} 1\n", 0, "limit_ratio(0.3263, m)", ""},
    {"m{i=\"1\"} 1\n", 0, "limit_ratio(0.3264, m)",
     "{__name__=\"m\", i=\"1\"} 1\n"},
    {"http_requests_total{instance=\"gateway-0\", job=\"edge\", "
     "path=\"/api/v1/alerts\"} 1\n",
     0, "sum(limit_ratio(0.1121, http_requests_total)) or vector(9)", "{} 9\n"},
    {"http_requests_total{instance=\"gateway-0\", job=\"edge\", "
     "path=\"/api/v1/alerts\"} 1\n",
     0, "sum(limit_ratio(0.1122, http_requests_total)) or vector(9)", "{} 1\n"},
    {SOME, 0, "quantile(1.5, a)",
     "{} +Inf\nPromQL warning: quantile value should be between 0 and 1, got "
     "1.5 (1:10)\n"},
    {"a{v=\"x\"} 1\na{v=\"y\"} 1\n", 0, "count_values(\"v\", a)",
     "{v=\"1\"} 2\n"},
    {"a{v=\"x\"} 1\na{v=\"y\"} 2\n", 0, "count_values without (v) (\"v\", a)",
     "{} 2\n"},
    {SOME, 0, "count_values(\"\", a)", "error: invalid label name \"\"\n"},
    {"a{i=\"1\"} 2\nb{i=\"1\"} 3\n", 0, "sum by (__name__) (-{i=\"1\"})",
     "error: vector cannot contain metrics with the same labelset\n"},
    {"a{i=\"1\"} 2\nb{i=\"1\"} 3\n", 0, "count by (__name__) ({i=\"1\"})",
     "{__name__=\"a\"} 1\n{__name__=\"b\"} 1\n"},
};

#define SIDES                                                                  \
    "l{i=\"1\", x=\"p\"} 1\nl{i=\"1\", x=\"q\"} 2\nl{i=\"2\", x=\"p\"} 3\n"    \
    "r{i=\"1\", o=\"me\"} 10\nr{i=\"3\", o=\"you\"} 30\n"

static const struct c operator_cases[] = {
    {SIDES, 0, "l * on (i) group_left (o) r",
     "{i=\"1\", o=\"me\", x=\"p\"} 10\n{i=\"1\", o=\"me\", x=\"q\"} 20\n"},
    {SIDES, 0, "r > bool on (i) group_right () l",
     "{i=\"1\", x=\"p\"} 1\n{i=\"1\", x=\"q\"} 1\n"},
    {SIDES, 0, "l + on (i) r",
     "error: multiple matches for labels: many-to-one matching must be "
     "explicit "
     "(group_left/group_right)\n"},
    /* Also where a comparison would leave it out. */
    {SIDES, 0, "l > on (i) r",
     "error: multiple matches for labels: many-to-one matching must be "
     "explicit "
     "(group_left/group_right)\n"},
    {SIDES, 0, "r + on (i) l",
     "error: found duplicate series for the match group {i=\"1\"} on the right "
     "hand-side of the operation: [{__name__=\"l\", i=\"1\", x=\"p\"}, "
     "{__name__=\"l\", i=\"1\", x=\"q\"}];many-to-many matching not allowed: "
     "matching labels must be unique on one side\n"},
    {SIDES, 0, "l + on (i) group_right () r",
     "error: found duplicate series for the match group {i=\"1\"} on the left "
     "hand-side of the operation: [{__name__=\"l\", i=\"1\", x=\"p\"}, "
     "{__name__=\"l\", i=\"1\", x=\"q\"}];many-to-many matching not allowed: "
     "matching labels must be unique on one side\n"},
    {SIDES, 0, "l + ignoring (x, o) group_left (x) r",
     "error: multiple matches for labels: grouping labels must ensure unique "
     "matches\n"},
    {SIDES, 0, "l + on (i) nothing_at_all", ""},
    {SIDES, 0, "sum by (i) (l) - on (i) fill (0) r",
     "{i=\"1\"} -7\n{i=\"2\"} 3\n{i=\"3\"} -30\n"},
    {SIDES, 0, "l + on (i) group_left () fill (100) r",
     "{i=\"1\", x=\"p\"} 11\n{i=\"1\", x=\"q\"} 12\n{i=\"2\", x=\"p\"} 103\n"
     "{i=\"3\"} 130\n"},
    {"a{i=\"1\"} 1\n", 0, "a atan2 on (x) a", "{} 0.7853981633974483\n"},
    {"a{i=\"1\"} 3\n", 0, "-a % 2", "{i=\"1\"} -1\n"},
    {"a{i=\"1\"} NaN\n", 0, "a != a", "{__name__=\"a\", i=\"1\"} NaN\n"},
    {"a{i=\"1\"} NaN\n", 0, "a == bool a", "{i=\"1\"} 0\n"},
    {"a{i=\"1\"} 1\nb{i=\"2\"} 2\n", 0, "a or -b or a unless on () vector(1)",
     "{__name__=\"a\", i=\"1\"} 1\n{i=\"2\"} -2\n"},
    {"", 0, "1 > 0",
     "error: group \"g\", rule 1, \"A\": could not parse "
     "expression: comparisons between scalars must use BOOL "
     "modifier\n"},
};

#define TARGETS                                                                \
    "m{job=\"j\", instance=\"a\"} 1\nm{job=\"j\", instance=\"b\"} 2\n"         \
    "target_info{job=\"j\", instance=\"a\", v=\"1\", os=\"x\"} 1\n"            \
    "build_info{job=\"j\", instance=\"a\", v=\"2\"} 1\n"
#define M(labels) "{__name__=\"m\", " labels "}"

static const struct c info_cases[] = {
    {TARGETS, 0, "info(m)",
     M("instance=\"a\", job=\"j\", os=\"x\", v=\"1\"") " 1\n" M(
         "instance=\"b\", job=\"j\"") " 2\n"},
    {TARGETS, 0, "info(m, {v=~\".+\"})",
     M("instance=\"a\", job=\"j\", v=\"1\"") " 1\n"},
    {TARGETS, 0, "info(m, {v=\"2\"})", ""},
    {TARGETS, 0, "info(m, {v=\"\"})",
     M("instance=\"a\", job=\"j\"") " 1\n" M(
         "instance=\"b\", job=\"j\"") " 2\n"},
    {TARGETS, 0, "info(m, {__name__=\"build_info\"})",
     M("instance=\"a\", job=\"j\", v=\"2\"") " 1\n" M(
         "instance=\"b\", job=\"j\"") " 2\n"},
    {TARGETS, 0, "info(m, {__name__=~\".+_info\"})",
     "error: conflicting label: v\n"},
    {TARGETS, 0, "info(-m)",
     "{instance=\"a\", job=\"j\", os=\"x\", v=\"1\"} -1\n"
     "{instance=\"b\", job=\"j\"} -2\n"},
    {"m{job=\"j\"} 1\ntarget_info{job=\"j\", v=\"1\"} 1\n"
     "target_info{job=\"j\", v=\"2\"} 1\n",
     0, "info(m)",
     "error: found duplicate series for info metric: existing "
     "{__name__=\"target_info\", job=\"j\", v=\"1\"} @ 0, new "
     "{__name__=\"target_info\", job=\"j\", v=\"2\"} @ 0\n"},
    {"m{job=\"j\"} 1 1\ntarget_info{job=\"j\", v=\"1\"} 1\n"
     "target_info{job=\"j\", v=\"2\"} 1 1\n",
     1, "info(m)", "{__name__=\"m\", job=\"j\", v=\"2\"} 1\n"},
    {"m{x=\"y\"} 1\ntarget_info{v=\"1\"} 1\n", 0, "info(m)",
     "{__name__=\"m\", x=\"y\"} 1\n"},
};

static void
check_all(const struct c *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct promql *p = promql_new(cases[i].series);
        const char *got = promql_eval(p, cases[i].minute, cases[i].expr);
        ck_assert_msg(strcmp(got, cases[i].want) == 0,
                      "%s\n--- got\n%s--- expected\n%s", cases[i].expr, got,
                      cases[i].want);
        promql_free(p);
    }
}

START_TEST(functions_of_a_range)
{
    check_all(range_cases, ARRAY_SIZE(range_cases));
}
END_TEST

START_TEST(functions_of_a_vector)
{
    check_all(vector_cases, ARRAY_SIZE(vector_cases));
}
END_TEST

START_TEST(classic_histograms)
{
    check_all(histogram_cases, ARRAY_SIZE(histogram_cases));
}
END_TEST

START_TEST(aggregations)
{
    check_all(aggregate_cases, ARRAY_SIZE(aggregate_cases));
}
END_TEST

START_TEST(operators)
{
    check_all(operator_cases, ARRAY_SIZE(operator_cases));
}
END_TEST

START_TEST(info_joins_by_job_and_instance)
{
    check_all(info_cases, ARRAY_SIZE(info_cases));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("promql_functions");
    TCase *tc = tcase_create("cases");
    tcase_add_test(tc, functions_of_a_range);
    tcase_add_test(tc, functions_of_a_vector);
    tcase_add_test(tc, classic_histograms);
    tcase_add_test(tc, aggregations);
    tcase_add_test(tc, operators);
    tcase_add_test(tc, info_joins_by_job_and_instance);
    suite_add_tcase(s, tc);
    return unit_main(s, NULL);
}
