/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/support.h"

#include "core/lang/functions.h"

static const bool funcs[FUNC_ID_COUNT] = {
    [FUNC_ABS] = true,
    [FUNC_ABSENT] = true,
    [FUNC_ABSENT_OVER_TIME] = true,
    [FUNC_ACOS] = true,
    [FUNC_ACOSH] = true,
    [FUNC_ASIN] = true,
    [FUNC_ASINH] = true,
    [FUNC_ATAN] = true,
    [FUNC_ATANH] = true,
    [FUNC_AVG_OVER_TIME] = true,
    [FUNC_BYTES_OVER_TIME] = true,
    [FUNC_BYTES_RATE] = true,
    [FUNC_CEIL] = true,
    [FUNC_CHANGES] = true,
    [FUNC_CLAMP] = true,
    [FUNC_CLAMP_MAX] = true,
    [FUNC_CLAMP_MIN] = true,
    [FUNC_COS] = true,
    [FUNC_COSH] = true,
    [FUNC_COUNT_OVER_TIME] = true,
    [FUNC_DAY_OF_MONTH] = true,
    [FUNC_DAY_OF_WEEK] = true,
    [FUNC_DAY_OF_YEAR] = true,
    [FUNC_DAYS_IN_MONTH] = true,
    [FUNC_DEG] = true,
    [FUNC_DELTA] = true,
    [FUNC_DERIV] = true,
    [FUNC_DOUBLE_EXPONENTIAL_SMOOTHING] = true,
    [FUNC_EXP] = true,
    [FUNC_FIRST_OVER_TIME] = true,
    [FUNC_FLOOR] = true,
    [FUNC_HISTOGRAM_FRACTION] = true,
    [FUNC_HISTOGRAM_QUANTILE] = true,
    [FUNC_HISTOGRAM_QUANTILES] = true,
    [FUNC_HOUR] = true,
    [FUNC_IDELTA] = true,
    [FUNC_INCREASE] = true,
    [FUNC_INFO] = true,
    [FUNC_IRATE] = true,
    [FUNC_LABEL_JOIN] = true,
    [FUNC_LABEL_REPLACE] = true,
    [FUNC_LAST_OVER_TIME] = true,
    [FUNC_LN] = true,
    [FUNC_LOG10] = true,
    [FUNC_LOG2] = true,
    [FUNC_MAD_OVER_TIME] = true,
    [FUNC_MAX_OF] = true,
    [FUNC_MAX_OVER_TIME] = true,
    [FUNC_MIN_OF] = true,
    [FUNC_MIN_OVER_TIME] = true,
    [FUNC_MINUTE] = true,
    [FUNC_MONTH] = true,
    [FUNC_PI] = true,
    [FUNC_PREDICT_LINEAR] = true,
    [FUNC_PRESENT_OVER_TIME] = true,
    [FUNC_QUANTILE_OVER_TIME] = true,
    [FUNC_RAD] = true,
    [FUNC_RATE] = true,
    [FUNC_RATE_COUNTER] = true,
    [FUNC_RESETS] = true,
    [FUNC_ROUND] = true,
    [FUNC_SCALAR] = true,
    [FUNC_SGN] = true,
    [FUNC_SIN] = true,
    [FUNC_SINH] = true,
    [FUNC_SORT] = true,
    [FUNC_SORT_BY_LABEL] = true,
    [FUNC_SORT_BY_LABEL_DESC] = true,
    [FUNC_SORT_DESC] = true,
    [FUNC_SQRT] = true,
    [FUNC_STDDEV_OVER_TIME] = true,
    [FUNC_STDVAR_OVER_TIME] = true,
    [FUNC_SUM_OVER_TIME] = true,
    [FUNC_TAN] = true,
    [FUNC_TANH] = true,
    [FUNC_START] = true,
    [FUNC_END] = true,
    [FUNC_STEP] = true,
    [FUNC_RANGE] = true,
    [FUNC_TIME] = true,
    [FUNC_TIMESTAMP] = true,
    [FUNC_TS_OF_FIRST_OVER_TIME] = true,
    [FUNC_TS_OF_LAST_OVER_TIME] = true,
    [FUNC_TS_OF_MAX_OVER_TIME] = true,
    [FUNC_TS_OF_MIN_OVER_TIME] = true,
    [FUNC_VECTOR] = true,
    [FUNC_YEAR] = true,
};

static const bool aggs[AGG_OP_COUNT] = {
    [AGG_SUM] = true,     [AGG_AVG] = true,          [AGG_COUNT] = true,
    [AGG_MIN] = true,     [AGG_MAX] = true,          [AGG_GROUP] = true,
    [AGG_STDDEV] = true,  [AGG_STDVAR] = true,       [AGG_TOPK] = true,
    [AGG_BOTTOMK] = true, [AGG_COUNT_VALUES] = true, [AGG_QUANTILE] = true,
    [AGG_LIMITK] = true,  [AGG_LIMIT_RATIO] = true,
};

static const bool stages[STAGE_KIND_COUNT] = {
    [STAGE_LINE_FILTER] = true,  [STAGE_FILTER] = true,
    [STAGE_JSON] = true,         [STAGE_LOGFMT] = true,
    [STAGE_REGEXP] = true,       [STAGE_PATTERN] = true,
    [STAGE_UNPACK] = true,       [STAGE_LINE_FORMAT] = true,
    [STAGE_LABEL_FORMAT] = true, [STAGE_DECOLORIZE] = true,
    [STAGE_DROP] = true,         [STAGE_KEEP] = true,
    [STAGE_UNWRAP] = true,
};

const struct lang_support *
engine_support(void)
{
    static const struct lang_support support = {
        .funcs = funcs,
        .aggs = aggs,
        .stages = stages,
        .features = LANG_ANY_STREAM | LANG_FILL | LANG_SUBQUERY | LANG_AT |
                    LANG_NEGATIVE_OFFSET | LANG_DURATION_EXPR |
                    LANG_EXTENDED_RANGE | LANG_IP | LANG_CALL_GROUPING,
    };
    return &support;
}
