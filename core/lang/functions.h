/* SPDX-License-Identifier: Apache-2.0 */
/* functions.h - the functions and aggregations of the language, as tables.
 *
 * The parser checks calls against them; the engine attaches behaviour by id
 * and says with struct lang_support what it can evaluate.  Constant. */
#ifndef TOCSIN_LANG_FUNCTIONS_H
#define TOCSIN_LANG_FUNCTIONS_H
#include "core/base/types.h"
#include "core/lang/ast.h"

#define FUNC_ANY 1000000 /* as many arguments as one likes */

/* F(id, name, result, arguments, fewest, most, flags): the types are letters, s
 * scalar, v instant vector, m range vector, t text; the last letter counts for
 * all arguments beyond it.  By name. */
#define LANG_FUNCTIONS(F)                                                      \
    F(ABS, "abs", 'v', "v", 1, 1, 0)                                           \
    F(ABSENT, "absent", 'v', "v", 1, 1, 0)                                     \
    F(ABSENT_OVER_TIME, "absent_over_time", 'v', "m", 1, 1,                    \
      FUNC_RAW | FUNC_UNWRAP)                                                  \
    F(ACOS, "acos", 'v', "v", 1, 1, 0)                                         \
    F(ACOSH, "acosh", 'v', "v", 1, 1, 0)                                       \
    F(ASIN, "asin", 'v', "v", 1, 1, 0)                                         \
    F(ASINH, "asinh", 'v', "v", 1, 1, 0)                                       \
    F(ATAN, "atan", 'v', "v", 1, 1, 0)                                         \
    F(ATANH, "atanh", 'v', "v", 1, 1, 0)                                       \
    F(AVG_OVER_TIME, "avg_over_time", 'v', "m", 1, 1,                          \
      FUNC_UNWRAP | FUNC_GROUPING)                                             \
    F(BYTES_OVER_TIME, "bytes_over_time", 'v', "m", 1, 1,                      \
      FUNC_RAW | FUNC_STREAM)                                                  \
    F(BYTES_RATE, "bytes_rate", 'v', "m", 1, 1, FUNC_RAW | FUNC_STREAM)        \
    F(CEIL, "ceil", 'v', "v", 1, 1, 0)                                         \
    F(CHANGES, "changes", 'v', "m", 1, 1, FUNC_METRIC)                         \
    F(CLAMP, "clamp", 'v', "vss", 3, 3, 0)                                     \
    F(CLAMP_MAX, "clamp_max", 'v', "vs", 2, 2, 0)                              \
    F(CLAMP_MIN, "clamp_min", 'v', "vs", 2, 2, 0)                              \
    F(COS, "cos", 'v', "v", 1, 1, 0)                                           \
    F(COSH, "cosh", 'v', "v", 1, 1, 0)                                         \
    F(COUNT_OVER_TIME, "count_over_time", 'v', "m", 1, 1, FUNC_RAW)            \
    F(DAY_OF_MONTH, "day_of_month", 'v', "v", 0, 1, FUNC_VOLATILE)             \
    F(DAY_OF_WEEK, "day_of_week", 'v', "v", 0, 1, FUNC_VOLATILE)               \
    F(DAY_OF_YEAR, "day_of_year", 'v', "v", 0, 1, FUNC_VOLATILE)               \
    F(DAYS_IN_MONTH, "days_in_month", 'v', "v", 0, 1, FUNC_VOLATILE)           \
    F(DEG, "deg", 'v', "v", 1, 1, 0)                                           \
    F(DELTA, "delta", 'v', "m", 1, 1, FUNC_METRIC)                             \
    F(DERIV, "deriv", 'v', "m", 1, 1, FUNC_METRIC)                             \
    F(DOUBLE_EXPONENTIAL_SMOOTHING, "double_exponential_smoothing", 'v',       \
      "mss", 3, 3, FUNC_METRIC | FUNC_EXPERIMENTAL)                            \
    F(END, "end", 's', "", 0, 0, FUNC_EXPERIMENTAL | FUNC_VOLATILE)            \
    F(EXP, "exp", 'v', "v", 1, 1, 0)                                           \
    F(FIRST_OVER_TIME, "first_over_time", 'v', "m", 1, 1,                      \
      FUNC_KEEPS_NAME | FUNC_UNWRAP | FUNC_GROUPING)                           \
    F(FLOOR, "floor", 'v', "v", 1, 1, 0)                                       \
    F(HISTOGRAM_AVG, "histogram_avg", 'v', "v", 1, 1, FUNC_NATIVE)             \
    F(HISTOGRAM_COUNT, "histogram_count", 'v', "v", 1, 1, FUNC_NATIVE)         \
    F(HISTOGRAM_FRACTION, "histogram_fraction", 'v', "ssv", 3, 3, 0)           \
    F(HISTOGRAM_QUANTILE, "histogram_quantile", 'v', "sv", 2, 2, 0)            \
    F(HISTOGRAM_QUANTILES, "histogram_quantiles", 'v', "vts", 3, 12,           \
      FUNC_EXPERIMENTAL)                                                       \
    F(HISTOGRAM_STDDEV, "histogram_stddev", 'v', "v", 1, 1, FUNC_NATIVE)       \
    F(HISTOGRAM_STDVAR, "histogram_stdvar", 'v', "v", 1, 1, FUNC_NATIVE)       \
    F(HISTOGRAM_SUM, "histogram_sum", 'v', "v", 1, 1, FUNC_NATIVE)             \
    F(HOUR, "hour", 'v', "v", 0, 1, FUNC_VOLATILE)                             \
    F(IDELTA, "idelta", 'v', "m", 1, 1, FUNC_METRIC)                           \
    F(INCREASE, "increase", 'v', "m", 1, 1, FUNC_METRIC)                       \
    F(INFO, "info", 'v', "vv", 1, 2, FUNC_KEEPS_NAME | FUNC_EXPERIMENTAL)      \
    F(IRATE, "irate", 'v', "m", 1, 1, FUNC_METRIC)                             \
    F(LABEL_JOIN, "label_join", 'v', "vttt", 3, FUNC_ANY, FUNC_KEEPS_NAME)     \
    F(LABEL_REPLACE, "label_replace", 'v', "vtttt", 5, 5, FUNC_KEEPS_NAME)     \
    F(LAST_OVER_TIME, "last_over_time", 'v', "m", 1, 1,                        \
      FUNC_KEEPS_NAME | FUNC_UNWRAP | FUNC_GROUPING)                           \
    F(LN, "ln", 'v', "v", 1, 1, 0)                                             \
    F(LOG10, "log10", 'v', "v", 1, 1, 0)                                       \
    F(LOG2, "log2", 'v', "v", 1, 1, 0)                                         \
    F(MAD_OVER_TIME, "mad_over_time", 'v', "m", 1, 1,                          \
      FUNC_METRIC | FUNC_EXPERIMENTAL)                                         \
    F(MAX_OF, "max_of", 's', "ss", 2, 2, FUNC_EXPERIMENTAL)                    \
    F(MAX_OVER_TIME, "max_over_time", 'v', "m", 1, 1,                          \
      FUNC_UNWRAP | FUNC_GROUPING)                                             \
    F(MIN_OF, "min_of", 's', "ss", 2, 2, FUNC_EXPERIMENTAL)                    \
    F(MIN_OVER_TIME, "min_over_time", 'v', "m", 1, 1,                          \
      FUNC_UNWRAP | FUNC_GROUPING)                                             \
    F(MINUTE, "minute", 'v', "v", 0, 1, FUNC_VOLATILE)                         \
    F(MONTH, "month", 'v', "v", 0, 1, FUNC_VOLATILE)                           \
    F(PI, "pi", 's', "", 0, 0, 0)                                              \
    F(PREDICT_LINEAR, "predict_linear", 'v', "ms", 2, 2,                       \
      FUNC_METRIC | FUNC_VOLATILE)                                             \
    F(PRESENT_OVER_TIME, "present_over_time", 'v', "m", 1, 1, FUNC_METRIC)     \
    F(QUANTILE_OVER_TIME, "quantile_over_time", 'v', "sm", 2, 2,               \
      FUNC_UNWRAP | FUNC_GROUPING)                                             \
    F(RAD, "rad", 'v', "v", 1, 1, 0)                                           \
    F(RANGE, "range", 's', "", 0, 0, FUNC_EXPERIMENTAL | FUNC_VOLATILE)        \
    F(RATE, "rate", 'v', "m", 1, 1, FUNC_RAW | FUNC_UNWRAP)                    \
    F(RATE_COUNTER, "rate_counter", 'v', "m", 1, 1, FUNC_UNWRAP | FUNC_STREAM) \
    F(RESETS, "resets", 'v', "m", 1, 1, FUNC_METRIC)                           \
    F(ROUND, "round", 'v', "vs", 1, 2, 0)                                      \
    F(SCALAR, "scalar", 's', "v", 1, 1, 0)                                     \
    F(SGN, "sgn", 'v', "v", 1, 1, 0)                                           \
    F(SIN, "sin", 'v', "v", 1, 1, 0)                                           \
    F(SINH, "sinh", 'v', "v", 1, 1, 0)                                         \
    F(SORT, "sort", 'v', "v", 1, 1, FUNC_KEEPS_NAME)                           \
    F(SORT_BY_LABEL, "sort_by_label", 'v', "vt", 1, FUNC_ANY,                  \
      FUNC_KEEPS_NAME | FUNC_EXPERIMENTAL)                                     \
    F(SORT_BY_LABEL_DESC, "sort_by_label_desc", 'v', "vt", 1, FUNC_ANY,        \
      FUNC_KEEPS_NAME | FUNC_EXPERIMENTAL)                                     \
    F(SORT_DESC, "sort_desc", 'v', "v", 1, 1, FUNC_KEEPS_NAME)                 \
    F(SQRT, "sqrt", 'v', "v", 1, 1, 0)                                         \
    F(START, "start", 's', "", 0, 0, FUNC_EXPERIMENTAL | FUNC_VOLATILE)        \
    F(START_TIMESTAMP, "start_timestamp", 'v', "v", 1, 1, FUNC_EXPERIMENTAL)   \
    F(STDDEV_OVER_TIME, "stddev_over_time", 'v', "m", 1, 1,                    \
      FUNC_UNWRAP | FUNC_GROUPING)                                             \
    F(STDVAR_OVER_TIME, "stdvar_over_time", 'v', "m", 1, 1,                    \
      FUNC_UNWRAP | FUNC_GROUPING)                                             \
    F(STEP, "step", 's', "", 0, 0, FUNC_EXPERIMENTAL | FUNC_VOLATILE)          \
    F(SUM_OVER_TIME, "sum_over_time", 'v', "m", 1, 1, FUNC_UNWRAP)             \
    F(TAN, "tan", 'v', "v", 1, 1, 0)                                           \
    F(TANH, "tanh", 'v', "v", 1, 1, 0)                                         \
    F(TIME, "time", 's', "", 0, 0, FUNC_VOLATILE)                              \
    F(TIMESTAMP, "timestamp", 'v', "v", 1, 1, FUNC_VOLATILE)                   \
    F(TS_OF_FIRST_OVER_TIME, "ts_of_first_over_time", 'v', "m", 1, 1,          \
      FUNC_METRIC | FUNC_EXPERIMENTAL)                                         \
    F(TS_OF_LAST_OVER_TIME, "ts_of_last_over_time", 'v', "m", 1, 1,            \
      FUNC_METRIC | FUNC_EXPERIMENTAL)                                         \
    F(TS_OF_MAX_OVER_TIME, "ts_of_max_over_time", 'v', "m", 1, 1,              \
      FUNC_METRIC | FUNC_EXPERIMENTAL)                                         \
    F(TS_OF_MIN_OVER_TIME, "ts_of_min_over_time", 'v', "m", 1, 1,              \
      FUNC_METRIC | FUNC_EXPERIMENTAL)                                         \
    F(VECTOR, "vector", 'v', "s", 1, 1, 0)                                     \
    F(YEAR, "year", 'v', "v", 0, 1, FUNC_VOLATILE)

enum func_id {
#define F(id, ...) FUNC_##id,
    LANG_FUNCTIONS(F)
#undef F
        FUNC_ID_COUNT
};

/* What the argument that is a matrix may be. */
#define FUNC_METRIC 1u /* samples of metrics only */
#define FUNC_STREAM 2u /* events of streams only */
#define FUNC_RAW 4u    /* events as they are (no unwrap) */
#define FUNC_UNWRAP 8u /* events with unwrap */
/* FUNC_RAW or FUNC_UNWRAP without FUNC_STREAM: samples too. */
#define FUNC_GROUPING 16u     /* "by (…)" may stand behind the call: LogQL */
#define FUNC_KEEPS_NAME 32u   /* the result keeps __name__ */
#define FUNC_EXPERIMENTAL 64u /* of Prometheus, behind a flag there */
#define FUNC_VOLATILE 128u    /* differs from one evaluation to the next */
#define FUNC_NATIVE 256u      /* of native histograms alone */

struct lang_func {
    enum func_id id;
    const char *name;
    char result;                 /* letters as above */
    const char *args;            /* the last counts for all beyond */
    uint32_t min_args, max_args; /* max FUNC_ANY: any number */
    unsigned flags;
};

/* By exact name; NULL if there is none. */
const struct lang_func *lang_func_find(struct slice name);
const struct lang_func *lang_func_get(enum func_id id);
enum lang_type lang_func_arg(const struct lang_func *f, uint32_t i);
enum lang_type lang_func_result(const struct lang_func *f);

struct lang_agg {
    enum agg_op op;
    const char *name;
    enum lang_type param; /* LANG_NONE, SCALAR or STRING */
    bool experimental;
};

const struct lang_agg *lang_agg_find(struct slice name); /* any case */
const struct lang_agg *lang_agg_get(enum agg_op op);

/* What an evaluator can do.  Anything else is refused when a query is parsed:
 * 'function "holt_winters" is not supported yet'.  A NULL array: all. */
#define LANG_SUBQUERY 1u
#define LANG_AT 2u
#define LANG_NEGATIVE_OFFSET 4u
#define LANG_DURATION_EXPR 8u /* those that depend on the query */
#define LANG_EXTENDED_RANGE 16u
#define LANG_FILL 32u
#define LANG_IP 64u             /* ip() in filters */
#define LANG_ANY_STREAM 128u    /* a selector of streams without a name */
#define LANG_CALL_GROUPING 256u /* "by (…)" behind a function */
#define LANG_ALL (~0u)

struct lang_support {
    const bool *funcs;  /* FUNC_ID_COUNT, by id */
    const bool *aggs;   /* AGG_OP_COUNT, by op */
    const bool *stages; /* STAGE_KIND_COUNT, by kind */
    unsigned features;  /* LANG_… */
};

#endif
