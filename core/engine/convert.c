/* SPDX-License-Identifier: Apache-2.0 */
/* convert.c - numbers, durations and sizes in the values of labels, read as
 * Loki reads them, with Go's words for what is wrong. */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "core/base/str.h"
#include "core/engine/pipeline.h"

PRINTF_LIKE(2, 3)
static int
fail(char why[static CONVERT_WHY_MAX], const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(why, CONVERT_WHY_MAX, fmt, ap);
    va_end(ap);
    return -EINVAL;
}

#define SHORT(s) (int)MIN((s).n, (size_t)64), (s).p

int
convert_number(struct slice s, double *ret, char why[static CONVERT_WHY_MAX])
{
    int r = str_parse_double(s, STR_INF_NAN, ret);
    if (r < 0)
        return fail(why, "strconv.ParseFloat: parsing \"%.*s\": %s", SHORT(s),
                    r == -ERANGE ? "value out of range" : "invalid syntax");
    return 0;
}

/* --- durations ---------------------------------------------------------- */

static const struct {
    struct slice name;
    double ns;
} units[] = {{SLICE_INIT("ns"), 1},          {SLICE_INIT("us"), 1e3},
             {SLICE_INIT("\xc2\xb5s"), 1e3}, {SLICE_INIT("\xce\xbcs"), 1e3},
             {SLICE_INIT("ms"), 1e6},        {SLICE_INIT("s"), 1e9},
             {SLICE_INIT("m"), 60e9},        {SLICE_INIT("h"), 3600e9}};

static size_t
span_of(struct slice s, bool number)
{
    size_t n = 0;
    while (n < s.n &&
           number == ((s.p[n] >= '0' && s.p[n] <= '9') || s.p[n] == '.'))
        n++;
    return n;
}

/* One number with its unit, from the front of *rest. */
static int
duration_term(struct slice whole, struct slice *rest, double *ret_ns,
              char why[static CONVERT_WHY_MAX])
{
    struct slice number = slice_new(rest->p, span_of(*rest, true));
    double v;
    if (number.n == 0 || str_parse_double(number, 0, &v) < 0)
        return fail(why, "time: invalid duration \"%.*s\"", SHORT(whole));
    *rest = slice_skip(*rest, number.n);
    struct slice unit = slice_new(rest->p, span_of(*rest, false));
    *rest = slice_skip(*rest, unit.n);
    if (unit.n == 0)
        return fail(why, "time: missing unit in duration \"%.*s\"",
                    SHORT(whole));
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (slice_eq(unit, units[i].name)) {
            *ret_ns = v * units[i].ns;
            return 0;
        }
    }
    return fail(why, "time: unknown unit \"%.*s\" in duration \"%.*s\"",
                SHORT(unit), SHORT(whole));
}

int
convert_duration_ns(struct slice s, int64_t *ret,
                    char why[static CONVERT_WHY_MAX])
{
    bool minus = s.n > 0 && s.p[0] == '-';
    struct slice rest =
        s.n > 0 && (minus || s.p[0] == '+') ? slice_skip(s, 1) : s;
    double sum = 0;
    if (slice_eq_str(rest, "0")) {
        *ret = 0;
        return 0;
    }
    if (rest.n == 0)
        return fail(why, "time: invalid duration \"%.*s\"", SHORT(s));
    while (rest.n > 0) {
        double ns = 0;
        if (duration_term(s, &rest, &ns, why) < 0)
            return -EINVAL;
        sum += ns;
    }
    if (sum >= 9223372036854775807.0)
        return fail(why, "time: invalid duration \"%.*s\"", SHORT(s));
    *ret = (int64_t)(minus ? -sum : sum);
    return 0;
}

/* --- sizes -------------------------------------------------------------- */

/* The power of 1000 or 1024 that a unit means, in lower case. */
static int
unit_power(struct slice unit, double *ret_base)
{
    static const char letters[] = "kmgtpe";
    *ret_base = 1000;
    if (unit.n == 0 || slice_eq_str(unit, "b"))
        return 0;
    const char *at = unit.p[0] == '\0' ? NULL : strchr(letters, unit.p[0]);
    struct slice rest = slice_skip(unit, 1);
    if (at == NULL)
        return -1;
    if (rest.n > 0 && rest.p[0] == 'i') {
        *ret_base = 1024;
        rest = slice_skip(rest, 1);
    }
    return rest.n == 0 || slice_eq_str(rest, "b") ? (int)(at - letters) + 1
                                                  : -1;
}

int
convert_bytes(struct slice s, double *ret, char why[static CONVERT_WHY_MAX])
{
    char number[64], unit[8];
    size_t n = 0, i = 0, u = 0;
    for (; i < s.n && n < sizeof number; i++) {
        char c = s.p[i];
        if (!(c >= '0' && c <= '9') && c != '.' && c != ',')
            break;
        if (c != ',')
            number[n++] = c;
    }
    double v, base;
    if (convert_number(slice_new(number, n), &v, why) < 0)
        return -EINVAL;
    struct slice rest = slice_skip(s, i);
    while (rest.n > 0 && rest.p[0] == ' ')
        rest = slice_skip(rest, 1);
    while (rest.n > 0 && rest.p[rest.n - 1] == ' ')
        rest.n--;
    for (; u < rest.n && u < sizeof unit; u++)
        unit[u] = str_lower(rest.p[u]);
    int power = u < rest.n ? -1 : unit_power(slice_new(unit, u), &base);
    if (power < 0)
        return fail(why, "unhandled size name: %.*s", SHORT(rest));
    v *= pow(base, power);
    if (v >= 18446744073709551616.0)
        return fail(why, "too large: %.*s", SHORT(s));
    *ret = trunc(v);
    return 0;
}
