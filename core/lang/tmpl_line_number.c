/* SPDX-License-Identifier: Apache-2.0 */
/* tmpl_line_number.c - functions of numbers that Loki gives to line_format and
 * label_format.  What is no number counts as 0, as in sprig. */
#include "config.h"

#include <math.h>

#include "core/base/str.h"
#include "core/lang/matcher.h"
#include "core/lang/tmpl.h"

#define FUNCTION(name)                                                         \
    static bool call_##name(struct texec *x, const struct tval *args,          \
                            size_t n, struct tval *ret_v)

static double
number(const struct tval *v)
{
    double f;
    switch (v->kind) {
    case TV_INT:
    case TV_DURATION:
        return (double)v->i;
    case TV_FLOAT:
        return v->f;
    case TV_BOOL:
        return v->b;
    case TV_STRING:
        return str_parse_double(v->s, STR_INF_NAN, &f) == 0 ? f : 0;
    default:
        return 0;
    }
}

static int64_t
integer(const struct tval *v)
{
    if (v->kind == TV_INT)
        return v->i;
    double f = trunc(number(v));
    return f >= 9223372036854775808.0    ? INT64_MAX
           : f <= -9223372036854775808.0 ? INT64_MIN
           : isnan(f)                    ? 0
                                         : (int64_t)f;
}

/* Of integers, which wrap around as Go's do. */
static bool
fold_int(struct texec *x, char op, const struct tval *args, size_t n,
         struct tval *ret_v)
{
    int64_t acc = integer(&args[0]);
    for (size_t i = 1; i < n; i++) {
        int64_t v = integer(&args[i]);
        if ((op == '/' || op == '%') && v == 0)
            return texec_fail(x, "runtime error: integer divide by zero");
        if (op == '+')
            acc = (int64_t)((uint64_t)acc + (uint64_t)v);
        else if (op == '-')
            acc = (int64_t)((uint64_t)acc - (uint64_t)v);
        else if (op == '*')
            acc = (int64_t)((uint64_t)acc * (uint64_t)v);
        else if (op == '/') /* the least number has no opposite */
            acc = v == -1 ? (int64_t)(0 - (uint64_t)acc) : acc / v;
        else if (op == '%')
            acc = v == -1 ? 0 : acc % v;
        else
            acc = op == '>' ? MAX(acc, v) : MIN(acc, v);
    }
    *ret_v = tval_int(acc);
    return true;
}

static bool
fold_float(char op, const struct tval *args, size_t n, struct tval *ret_v)
{
    double acc = number(&args[0]);
    for (size_t i = 1; i < n; i++) {
        double v = number(&args[i]);
        acc = op == '+'   ? acc + v
              : op == '-' ? acc - v
              : op == '*' ? acc * v
              : op == '/' ? acc / v
              : op == '>' ? fmax(acc, v)
                          : fmin(acc, v);
    }
    *ret_v = tval_float(acc);
    return true;
}

#define INTEGERS(name, op)                                                     \
    FUNCTION(name)                                                             \
    {                                                                          \
        return fold_int(x, op, args, n, ret_v);                                \
    }
#define FLOATS(name, op)                                                       \
    FUNCTION(name)                                                             \
    {                                                                          \
        return fold_float(op, args, n, ret_v);                                 \
    }
INTEGERS(add, '+')
INTEGERS(sub, '-')
INTEGERS(mul, '*')
INTEGERS(div, '/')
INTEGERS(mod, '%')
INTEGERS(max, '>')
INTEGERS(min, '<')
FLOATS(addf, '+')
FLOATS(subf, '-')
FLOATS(mulf, '*')
FLOATS(divf, '/')
FLOATS(maxf, '>')
FLOATS(minf, '<')

FUNCTION(int)
{
    *ret_v = tval_int(integer(&args[0]));
    return true;
}

FUNCTION(float64)
{
    *ret_v = tval_float(number(&args[0]));
    return true;
}

FUNCTION(ceil)
{
    *ret_v = tval_float(ceil(number(&args[0])));
    return true;
}

FUNCTION(floor)
{
    *ret_v = tval_float(floor(number(&args[0])));
    return true;
}

/* To a number of digits; what lies half way goes up. */
FUNCTION(round)
{
    double scale = pow(10, (double)integer(&args[1]));
    double v = number(&args[0]) * scale, down = floor(v);
    double round_on = n > 2 ? number(&args[2]) : 0.5;
    *ret_v = tval_float((v - down >= round_on ? ceil(v) : down) / scale);
    return true;
}

FUNCTION(bytes)
{
    double v;
    if (lang_parse_bytes(args[0].s, &v) < 0)
        return texec_fail(x, "no size: \"%.*s\"",
                          (int)MIN(args[0].s.n, (size_t)64), args[0].s.p);
    *ret_v = tval_float(v);
    return true;
}

FUNCTION(duration)
{
    double v;
    if (lang_parse_duration(args[0].s, &v) < 0)
        return texec_fail(x, "time: invalid duration \"%.*s\"",
                          (int)MIN(args[0].s.n, (size_t)64), args[0].s.p);
    *ret_v = tval_float(v);
    return true;
}

const struct tmpl_func tmpl_line_numbers[] = {
    {"add", "vv*", call_add},         {"addf", "vv*", call_addf},
    {"bytes", "s", call_bytes},       {"ceil", "v", call_ceil},
    {"div", "vv", call_div},          {"divf", "vv*", call_divf},
    {"duration", "s", call_duration}, {"duration_seconds", "s", call_duration},
    {"float64", "v", call_float64},   {"floor", "v", call_floor},
    {"int", "v", call_int},           {"max", "vv*", call_max},
    {"maxf", "vv*", call_maxf},       {"min", "vv*", call_min},
    {"minf", "vv*", call_minf},       {"mod", "vv", call_mod},
    {"mul", "vv*", call_mul},         {"mulf", "vv*", call_mulf},
    {"round", "vvv*", call_round},    {"sub", "vv", call_sub},
    {"subf", "vv*", call_subf},
};
const size_t tmpl_line_number_count = ARRAY_SIZE(tmpl_line_numbers);
