/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>

#include "core/base/str.h"
#include "core/lang/functions.h"

static const struct lang_func lang_funcs[] = {
#define F(id, name, result, args, min, max, flags)                             \
    [FUNC_##id] = {FUNC_##id, name, result, args, min, max, flags},
    LANG_FUNCTIONS(F)
#undef F
};

_Static_assert(ARRAY_SIZE(lang_funcs) == FUNC_ID_COUNT, "one for each");

static const struct lang_agg lang_aggs[] = {
    {AGG_SUM, "sum", LANG_NONE, false},
    {AGG_AVG, "avg", LANG_NONE, false},
    {AGG_COUNT, "count", LANG_NONE, false},
    {AGG_MIN, "min", LANG_NONE, false},
    {AGG_MAX, "max", LANG_NONE, false},
    {AGG_GROUP, "group", LANG_NONE, false},
    {AGG_STDDEV, "stddev", LANG_NONE, false},
    {AGG_STDVAR, "stdvar", LANG_NONE, false},
    {AGG_TOPK, "topk", LANG_SCALAR, false},
    {AGG_BOTTOMK, "bottomk", LANG_SCALAR, false},
    {AGG_COUNT_VALUES, "count_values", LANG_STRING, false},
    {AGG_QUANTILE, "quantile", LANG_SCALAR, false},
    {AGG_LIMITK, "limitk", LANG_SCALAR, true},
    {AGG_LIMIT_RATIO, "limit_ratio", LANG_SCALAR, true},
};
_Static_assert(ARRAY_SIZE(lang_aggs) == AGG_OP_COUNT, "one entry for each");

static int
func_order(const void *key, const void *elem)
{
    const struct slice *name = key;
    const struct lang_func *f = elem;
    return slice_cmp(*name, slice_from_str(f->name));
}

const struct lang_func *
lang_func_find(struct slice name)
{
    return bsearch(&name, lang_funcs, ARRAY_SIZE(lang_funcs),
                   sizeof lang_funcs[0], func_order);
}

const struct lang_func *
lang_func_get(enum func_id id)
{
    return &lang_funcs[id];
}

static enum lang_type
type_of(char letter)
{
    return letter == 's'   ? LANG_SCALAR
           : letter == 'v' ? LANG_VECTOR
           : letter == 'm' ? LANG_MATRIX
           : letter == 't' ? LANG_STRING
                           : LANG_NONE;
}

enum lang_type
lang_func_arg(const struct lang_func *f, uint32_t i)
{
    size_t n = strlen(f->args);
    return n == 0 ? LANG_NONE : type_of(f->args[i < n ? i : n - 1]);
}

enum lang_type
lang_func_result(const struct lang_func *f)
{
    return type_of(f->result);
}

const struct lang_agg *
lang_agg_find(struct slice name)
{
    for (size_t i = 0; i < ARRAY_SIZE(lang_aggs); i++)
        if (str_ieq(name, slice_from_str(lang_aggs[i].name)))
            return &lang_aggs[i];
    return NULL;
}

const struct lang_agg *
lang_agg_get(enum agg_op op)
{
    return &lang_aggs[op];
}
