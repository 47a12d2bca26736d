/* SPDX-License-Identifier: Apache-2.0 */
/* math.c - functions of each number by itself. */
#include "config.h"

#include <math.h>

#include "core/engine/call.h"

static double
map_abs(double x, const struct call *c)
{
    return fabs(x);
}

static double
map_sgn(double x, const struct call *c)
{
    return x > 0 ? 1 : x < 0 ? -1 : x; /* 0 keeps its sign */
}

static double
map_round(double x, const struct call *c)
{
    double to = c->n_args > 1 ? c->args[1]->scalar : 1;
    double inverse = 1 / to; /* as Prometheus: exact for 0.1 and the like */
    return floor(x * inverse + 0.5) / inverse;
}

static double
map_clamp(double x, const struct call *c)
{
    return number_max(c->args[1]->scalar, number_min(c->args[2]->scalar, x));
}

static double
map_clamp_min(double x, const struct call *c)
{
    return number_max(c->args[1]->scalar, x);
}

static double
map_clamp_max(double x, const struct call *c)
{
    return number_max(-INFINITY, number_min(c->args[1]->scalar, x));
}

static double
map_timestamp(double x, const struct call *c)
{
    return (double)(c->ev->t / 1000) / 1000;
}

#define MAP_MATH(name, expr)                                                   \
    static double map_##name(double x, const struct call *c)                   \
    {                                                                          \
        return expr;                                                           \
    }
MAP_MATH(ceil, ceil(x))
MAP_MATH(floor, floor(x))
MAP_MATH(exp, exp(x))
MAP_MATH(ln, log(x))
MAP_MATH(log2, log2(x))
MAP_MATH(log10, log10(x))
MAP_MATH(sqrt, sqrt(x))
MAP_MATH(acos, acos(x))
MAP_MATH(acosh, acosh(x))
MAP_MATH(asin, asin(x))
MAP_MATH(asinh, asinh(x))
MAP_MATH(atan, atan(x))
MAP_MATH(atanh, atanh(x))
MAP_MATH(cos, cos(x))
MAP_MATH(cosh, cosh(x))
MAP_MATH(sin, sin(x))
MAP_MATH(sinh, sinh(x))
MAP_MATH(tan, tan(x))
MAP_MATH(tanh, tanh(x))
MAP_MATH(deg, x * 180 / M_PI)
MAP_MATH(rad, x *M_PI / 180)

static const map_fn fns[FUNC_ID_COUNT] = {
    [FUNC_ABS] = map_abs,
    [FUNC_ACOS] = map_acos,
    [FUNC_ACOSH] = map_acosh,
    [FUNC_ASIN] = map_asin,
    [FUNC_ASINH] = map_asinh,
    [FUNC_ATAN] = map_atan,
    [FUNC_ATANH] = map_atanh,
    [FUNC_CEIL] = map_ceil,
    [FUNC_CLAMP] = map_clamp,
    [FUNC_CLAMP_MAX] = map_clamp_max,
    [FUNC_CLAMP_MIN] = map_clamp_min,
    [FUNC_COS] = map_cos,
    [FUNC_COSH] = map_cosh,
    [FUNC_DEG] = map_deg,
    [FUNC_EXP] = map_exp,
    [FUNC_FLOOR] = map_floor,
    [FUNC_LN] = map_ln,
    [FUNC_LOG10] = map_log10,
    [FUNC_LOG2] = map_log2,
    [FUNC_RAD] = map_rad,
    [FUNC_ROUND] = map_round,
    [FUNC_SGN] = map_sgn,
    [FUNC_SIN] = map_sin,
    [FUNC_SINH] = map_sinh,
    [FUNC_SQRT] = map_sqrt,
    [FUNC_TAN] = map_tan,
    [FUNC_TANH] = map_tanh,
    [FUNC_TIMESTAMP] = map_timestamp,
};

map_fn
math_fn(enum func_id f)
{
    return fns[f];
}
