/* SPDX-License-Identifier: Apache-2.0 */
/* quantity.c - durations and sizes as Go and LogQL write them. */
#include "config.h"

#include <errno.h>
#include <sys/types.h>

#include "core/base/str.h"
#include "core/lang/matcher.h"

struct unit {
    const char *name;
    double factor;
};

static const struct unit duration_units[] = {
    {"ns", 1e-9}, {"us", 1e-6},  {"\xc2\xb5s", 1e-6}, {"\xce\xbcs", 1e-6},
    {"ms", 1e-3}, {"s", 1},      {"m", 60},           {"h", 3600},
    {"d", 86400}, {"w", 604800}, {"y", 31536000},
};

static const struct unit size_units[] = {
    {"b", 1},
    {"k", 1e3},
    {"kb", 1e3},
    {"m", 1e6},
    {"mb", 1e6},
    {"g", 1e9},
    {"gb", 1e9},
    {"t", 1e12},
    {"tb", 1e12},
    {"p", 1e15},
    {"pb", 1e15},
    {"e", 1e18},
    {"eb", 1e18},
    {"ki", 1024},
    {"kib", 1024},
    {"mi", 1048576},
    {"mib", 1048576},
    {"gi", 1073741824},
    {"gib", 1073741824},
    {"ti", 1099511627776.0},
    {"tib", 1099511627776.0},
    {"pi", 1125899906842624.0},
    {"pib", 1125899906842624.0},
    {"ei", 1152921504606846976.0},
    {"eib", 1152921504606846976.0},
};

static size_t
number_length(struct slice s)
{
    size_t n = 0;
    while (n < s.n && ((s.p[n] >= '0' && s.p[n] <= '9') || s.p[n] == '.'))
        n++;
    return n;
}

static size_t
unit_length(struct slice s)
{
    size_t n = 0;
    while (n < s.n && !(s.p[n] >= '0' && s.p[n] <= '9') && s.p[n] != '.')
        n++;
    return n;
}

/* One number with its unit; the bytes read, or -EINVAL. */
static ssize_t
parse_term(struct slice s, const struct unit *units, size_t n_units,
           bool any_case, double *ret_v)
{
    size_t n = number_length(s);
    struct slice number = slice_new(s.p, n), rest = slice_skip(s, n);
    struct slice unit = slice_new(rest.p, unit_length(rest));
    double v;
    if (n == 0 || unit.n == 0 || str_parse_double(number, 0, &v) < 0)
        return -EINVAL;
    for (size_t i = 0; i < n_units; i++) {
        struct slice name = slice_from_str(units[i].name);
        if (any_case ? str_ieq(unit, name) : slice_eq(unit, name)) {
            *ret_v = v * units[i].factor;
            return (ssize_t)(n + unit.n);
        }
    }
    return -EINVAL;
}

int
lang_parse_duration(struct slice s, double *ret_seconds)
{
    double sum = 0;
    bool minus = s.n > 0 && s.p[0] == '-';
    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'))
        s = slice_skip(s, 1);
    if (slice_eq_str(s, "0")) {
        *ret_seconds = 0;
        return 0;
    }
    if (s.n == 0)
        return -EINVAL;
    while (s.n > 0) {
        double v;
        ssize_t n = parse_term(s, duration_units, ARRAY_SIZE(duration_units),
                               /* any_case= */ false, &v);
        if (n < 0)
            return -EINVAL;
        sum += v;
        s = slice_skip(s, (size_t)n);
    }
    *ret_seconds = minus ? -sum : sum;
    return 0;
}

int
lang_parse_bytes(struct slice s, double *ret_bytes)
{
    double v;
    /* "10 MB": a blank may stand between, in the values of fields. */
    size_t n = number_length(s);
    if (n > 0 && n == s.n && str_parse_double(s, 0, &v) == 0) {
        *ret_bytes = v;
        return 0;
    }
    if (n > 0 && n < s.n && s.p[n] == ' ' && n < 64) {
        char joined[128];
        struct slice unit = slice_skip(s, n + 1);
        if (unit.n > 8)
            return -EINVAL;
        memcpy(joined, s.p, n);
        memcpy(joined + n, unit.p, unit.n);
        return lang_parse_bytes(slice_new(joined, n + unit.n), ret_bytes);
    }
    ssize_t used = parse_term(s, size_units, ARRAY_SIZE(size_units),
                              /* any_case= */ true, &v);
    if (used < 0 || (size_t)used != s.n)
        return -EINVAL;
    *ret_bytes = v;
    return 0;
}
