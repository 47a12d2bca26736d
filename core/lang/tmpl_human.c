/* SPDX-License-Identifier: Apache-2.0 */
/* tmpl_human.c - numbers for people. */
#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/str.h"
#include "core/lang/lexer.h"
#include "core/lang/tmpl.h"

bool
tmpl_to_float(struct texec *x, const struct tval *v, double *ret_f)
{
    switch (v->kind) {
    case TV_FLOAT:
        *ret_f = v->f;
        return true;
    case TV_INT:
        *ret_f = (double)v->i;
        return true;
    case TV_DURATION:
        *ret_f = (double)v->i / 1e9;
        return true;
    case TV_STRING:
        if (str_parse_double(v->s, STR_INF_NAN, ret_f) == 0)
            return true;
        {
            AUTO_FINI(buf) quoted = BUF_INIT(200);
            literal_quote(&quoted, slice_new(v->s.p, MIN(v->s.n, (size_t)64)));
            return texec_fail(x,
                              "strconv.ParseFloat: parsing %s: invalid syntax",
                              buf_str(&quoted));
        }
    default:
        return texec_fail(x, "can't convert %s to float", tval_type_name(v));
    }
}

/* Divides by 'base' through the prefixes while it is large, or multiplies
 * while it is small, and prints four digits. */
static bool
print_scaled(struct texec *x, double v, double base,
             const char *const *prefixes, const char *unit, struct tval *ret_v)
{
    AUTO_FINI(buf) b = BUF_INIT(64);
    const char *prefix = "";
    const bool small = base < 1;
    for (; *prefixes != NULL; prefixes++) {
        if (small ? fabs(v) >= 1 : fabs(v) < base)
            break;
        prefix = *prefixes;
        v = small ? v * 1000 : v / base;
    }
    tmpl_format_g(&b, v, 4);
    (void)buf_append_str(&b, prefix);
    (void)buf_append_str(&b, unit);
    return texec_string(x, &b, ret_v);
}

static bool
print_plain(struct texec *x, double v, const char *unit, struct tval *ret_v)
{
    static const char *const none[] = {NULL};
    return print_scaled(x, v, 1000, none, unit, ret_v);
}

static const char *const large[] = {"k", "M", "G", "T", "P",
                                    "E", "Z", "Y", NULL};
static const char *const fractions[] = {"m", "u", "n", "p", "f",
                                        "a", "z", "y", NULL};
static const char *const binary[] = {"ki", "Mi", "Gi", "Ti", "Pi",
                                     "Ei", "Zi", "Yi", NULL};

bool
tmpl_humanize(struct texec *x, const struct tval *args, size_t n,
              struct tval *ret_v)
{
    (void)n;
    double v;
    if (!tmpl_to_float(x, &args[0], &v))
        return false;
    if (v == 0 || !isfinite(v))
        return print_plain(x, v, "", ret_v);
    return fabs(v) >= 1 ? print_scaled(x, v, 1000, large, "", ret_v)
                        : print_scaled(x, v, 1e-3, fractions, "", ret_v);
}

bool
tmpl_humanize1024(struct texec *x, const struct tval *args, size_t n,
                  struct tval *ret_v)
{
    (void)n;
    double v;
    if (!tmpl_to_float(x, &args[0], &v))
        return false;
    if (fabs(v) <= 1 || !isfinite(v))
        return print_plain(x, v, "", ret_v);
    return print_scaled(x, v, 1024, binary, "", ret_v);
}

bool
tmpl_humanize_percentage(struct texec *x, const struct tval *args, size_t n,
                         struct tval *ret_v)
{
    (void)n;
    double v;
    return tmpl_to_float(x, &args[0], &v) &&
           print_plain(x, v * 100, "%", ret_v);
}

bool
tmpl_humanize_duration(struct texec *x, const struct tval *args, size_t n,
                       struct tval *ret_v)
{
    (void)n;
    double v;
    if (!tmpl_to_float(x, &args[0], &v))
        return false;
    if (!isfinite(v))
        return print_plain(x, v, "", ret_v);
    if (v == 0)
        return print_plain(x, v, "s", ret_v);
    if (fabs(v) < 1)
        return print_scaled(x, v, 1e-3, fractions, "s", ret_v);
    if (fabs(v) < 60)
        return print_plain(x, v, "s", ret_v);
    AUTO_FINI(buf) b = BUF_INIT(64);
    long long s = fabs(v) < 9e18 ? (long long)fabs(v) : INT64_MAX;
    (void)buf_append_str(&b, v < 0 ? "-" : "");
    if (s >= 86400)
        (void)buf_printf(&b, "%lldd ", s / 86400);
    if (s >= 3600)
        (void)buf_printf(&b, "%lldh ", s / 3600 % 24);
    (void)buf_printf(&b, "%lldm %llds", s / 60 % 60, s % 60);
    return texec_string(x, &b, ret_v);
}

/* Milliseconds, from seconds that fit into 64 bits of nanoseconds. */
static bool
to_ms(struct texec *x, double v, int64_t *ret_ms)
{
    if (!isfinite(v))
        return texec_fail(x, "value is NaN or Inf");
    double ns = v * 1e9;
    if (!(fabs(ns) <= 9223372036854775807.0)) {
        char text[STR_DOUBLE_MAX];
        str_format_double(v, STR_DOUBLE_GO_G, text);
        return texec_fail(x,
                          "%s cannot be represented as a nanoseconds "
                          "timestamp since it overflows int64",
                          text);
    }
    /* 2^63 itself doesn't fit; a time that far off needs no precision. */
    *ret_ms = (int64_t)(ns / 1e6);
    return true;
}

bool
tmpl_humanize_timestamp(struct texec *x, const struct tval *args, size_t n,
                        struct tval *ret_v)
{
    (void)n;
    double v;
    int64_t ms = 0;
    if (!tmpl_to_float(x, &args[0], &v))
        return false;
    if (!isfinite(v))
        return print_plain(x, v, "", ret_v);
    if (!to_ms(x, v, &ms))
        return false;
    AUTO_FINI(buf) b = BUF_INIT(64);
    tmpl_format_time(&b, ms);
    return texec_string(x, &b, ret_v);
}

bool
tmpl_to_time(struct texec *x, const struct tval *args, size_t n,
             struct tval *ret_v)
{
    (void)n;
    double v;
    ret_v->kind = TV_TIME;
    return tmpl_to_float(x, &args[0], &v) && to_ms(x, v, &ret_v->i);
}

bool
tmpl_to_duration(struct texec *x, const struct tval *args, size_t n,
                 struct tval *ret_v)
{
    (void)n;
    double v;
    if (!tmpl_to_float(x, &args[0], &v))
        return false;
    double ns = v * 1e9;
    ret_v->kind = TV_DURATION;
    ret_v->i = fabs(ns) < 9.2e18 ? (int64_t)ns : INT64_MIN;
    return true;
}
