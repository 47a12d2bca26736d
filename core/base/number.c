/* SPDX-License-Identifier: Apache-2.0 */
/* number.c - numbers from and to text: the parts of str.h about them.
 *
 * strtod and printf decide where the short ways don't: the program never
 * calls setlocale, so that the decimal point is a point. */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/base/str.h"

/* Powers of ten that a double holds exactly. */
static const double pow10_exact[] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

static inline bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int
str_parse_u64(struct slice s, uint64_t *ret_v)
{
    uint64_t v = 0;
    bool overflow = false;
    if (s.n == 0)
        return -EINVAL;
    for (size_t i = 0; i < s.n; i++) {
        if (!is_digit(s.p[i]))
            return -EINVAL;
        overflow |= __builtin_mul_overflow(v, 10u, &v);
        overflow |= __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v);
    }
    if (overflow)
        return -ERANGE;
    *ret_v = v;
    return 0;
}

int
str_parse_i64(struct slice s, int64_t *ret_v)
{
    bool negative = s.n > 0 && s.p[0] == '-';
    if (negative || (s.n > 0 && s.p[0] == '+'))
        s = slice_skip(s, 1);
    uint64_t v;
    int r = str_parse_u64(s, &v);
    if (r < 0)
        return r;
    if (v > (uint64_t)INT64_MAX + negative)
        return -ERANGE;
    *ret_v = negative ? (int64_t)(~v + 1) : (int64_t)v;
    return 0;
}

/* A number's text, taken apart: digits * 10^exponent. */
struct decimal {
    uint64_t digits;
    int64_t exponent;
    bool negative;
    bool exact; /* 'digits' holds all of them */
};

static size_t
decimal_digits(struct slice s, size_t i, bool fraction, struct decimal *d)
{
    for (; i < s.n && is_digit(s.p[i]); i++) {
        if (d->digits <= (UINT64_MAX - 9) / 10) {
            d->digits = d->digits * 10 + (uint64_t)(s.p[i] - '0');
            d->exponent -= fraction;
        } else {
            d->exact = false;
        }
    }
    return i;
}

static bool
decimal_exponent(struct slice s, size_t i, struct decimal *d)
{
    bool negative = i < s.n && s.p[i] == '-';
    if (negative || (i < s.n && s.p[i] == '+'))
        i++;
    if (i == s.n)
        return false;
    int64_t e = 0;
    for (; i < s.n; i++) {
        if (!is_digit(s.p[i]))
            return false;
        e = MIN(e * 10 + (s.p[i] - '0'), INT64_C(1000000));
    }
    d->exponent += negative ? -e : e;
    return true;
}

static bool
decimal_scan(struct slice s, struct decimal *ret_d)
{
    struct decimal d = {.exact = true};
    size_t i = 0;
    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'))
        d.negative = s.p[i++] == '-';
    size_t start = i;
    i = decimal_digits(s, i, false, &d);
    size_t digits = i - start;
    if (i < s.n && s.p[i] == '.') {
        start = i + 1;
        i = decimal_digits(s, start, true, &d);
        digits += i - start;
    }
    if (digits == 0)
        return false;
    if (i < s.n) {
        if ((s.p[i] | 0x20) != 'e' || !decimal_exponent(s, i + 1, &d))
            return false;
    }
    *ret_d = d;
    return true;
}

static int
parse_inf_nan(struct slice s, double *ret_v)
{
    bool negative = s.n > 0 && s.p[0] == '-';
    if (negative || (s.n > 0 && s.p[0] == '+'))
        s = slice_skip(s, 1);
    if (str_ieq(s, SLICE("inf")) || str_ieq(s, SLICE("infinity")))
        *ret_v = negative ? -INFINITY : INFINITY;
    else if (str_ieq(s, SLICE("nan")))
        *ret_v = NAN;
    else
        return -EINVAL;
    return 0;
}

/* The text is known to be a number. */
static int
parse_with_strtod(struct slice s, double *ret_v)
{
    char small[128], *large = NULL, *text = small;
    if (s.n < sizeof small) {
        memcpy(small, s.p, s.n);
        small[s.n] = '\0';
    } else {
        text = large = mem_strndup(s.p, s.n);
        if (large == NULL)
            return -ENOMEM;
    }
    double v = strtod(text, NULL);
    mem_free(large);
    if (isinf(v))
        return -ERANGE;
    *ret_v = v;
    return 0;
}

int
str_parse_double(struct slice s, unsigned flags, double *ret_v)
{
    struct decimal d;
    if (!decimal_scan(s, &d))
        return flags & STR_INF_NAN ? parse_inf_nan(s, ret_v) : -EINVAL;
    /* Both operands exact, so the one operation rounds once, correctly. */
    if (d.exact && d.digits <= UINT64_C(1) << 53 && d.exponent >= -22 &&
        d.exponent <= 22) {
        double v = (double)d.digits;
        if (d.exponent < 0)
            v /= pow10_exact[-d.exponent];
        else
            v *= pow10_exact[d.exponent];
        *ret_v = d.negative ? -v : v;
        return 0;
    }
    return parse_with_strtod(s, ret_v);
}

/* The shortest digits of a positive number: 0.DIGITS * 10^point. */
struct shortest {
    char digits[20];
    int n;
    int point;
};

static void
shortest_from_integer(uint64_t v, int decimals, struct shortest *ret)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%llu", (unsigned long long)v);
    ret->point = n - decimals;
    while (n > 1 && text[n - 1] == '0')
        n--;
    memcpy(ret->digits, text, (size_t)n);
    ret->n = n;
}

/* Integers, and what has few decimals: most values there are.  A decimal of
 * up to 15 digits that reads back is the only one of its length. */
static bool
shortest_simple(double v, struct shortest *ret)
{
    if (v < 9007199254740992.0 && v == floor(v)) {
        shortest_from_integer((uint64_t)v, 0, ret);
        return true;
    }
    for (int k = 1; k < (int)ARRAY_SIZE(pow10_exact); k++) {
        double scaled = v * pow10_exact[k];
        if (scaled >= 1e15)
            return false;
        double whole = nearbyint(scaled);
        if (whole >= 1 && whole / pow10_exact[k] == v) {
            shortest_from_integer((uint64_t)whole, k, ret);
            return true;
        }
    }
    return false;
}

/* Adds one in the last place of "d.ddd"; false if a nine carries too far. */
static bool
decimal_text_up(char *text)
{
    char *p = strchr(text, 'e');
    while (p > text) {
        p--;
        if (*p == '.')
            continue;
        if (*p != '9') {
            ++*p;
            return true;
        }
        *p = '0';
    }
    return false;
}

/* "d.ddde±x" with this many digits, if that reads back as 'v'. */
static bool
shortest_try(double v, int digits, char *text, size_t size)
{
    (void)snprintf(text, size, "%.*e", digits - 1, v);
    if (strtod(text, NULL) == v)
        return true;
    /* Below a power of two the doubles are twice as dense, so that the nearest
     * decimal, from below, may miss it where the next one above doesn't. */
    int exponent;
    return frexp(v, &exponent) == 0.5 && decimal_text_up(text) &&
           strtod(text, NULL) == v;
}

static void
shortest_digits(double v, struct shortest *ret)
{
    if (shortest_simple(v, ret))
        return;
    char text[40];
    /* 15 digits are exact for normal numbers, 1 may do for tiny ones. */
    int digits = v < 2.2250738585072014e-308 ? 1 : 15;
    while (digits < 17 && !shortest_try(v, digits, text, sizeof text))
        digits++;
    if (digits == 17)
        (void)snprintf(text, sizeof text, "%.16e", v);
    char *e = strchr(text, 'e');
    ret->point = (int)strtol(e + 1, NULL, 10) + 1;
    ret->n = 0;
    for (char *p = text; p < e; p++)
        if (*p != '.')
            ret->digits[ret->n++] = *p;
    while (ret->n > 1 && ret->digits[ret->n - 1] == '0')
        ret->n--;
}

static char *
put_digits(char *out, const char *digits, int n)
{
    memcpy(out, digits, (size_t)n);
    return out + n;
}

static char *
put_zeros(char *out, int n)
{
    memset(out, '0', (size_t)n);
    return out + n;
}

static char *
put_fixed(char *out, const struct shortest *d)
{
    int whole = CLAMP(d->point, 0, d->n); /* digits before the point */
    if (d->point <= 0)
        *out++ = '0';
    out = put_digits(out, d->digits, whole);
    out = put_zeros(out, MAX(d->point - d->n, 0));
    if (whole == d->n)
        return out;
    *out++ = '.';
    out = put_zeros(out, MAX(-d->point, 0));
    return put_digits(out, d->digits + whole, d->n - whole);
}

static char *
put_exponent(char *out, const struct shortest *d)
{
    *out++ = d->digits[0];
    if (d->n > 1) {
        *out++ = '.';
        out = put_digits(out, d->digits + 1, d->n - 1);
    }
    int exponent = d->point - 1;
    *out++ = 'e';
    *out++ = exponent < 0 ? '-' : '+';
    exponent = abs(exponent);
    if (exponent >= 100)
        *out++ = (char)('0' + exponent / 100);
    *out++ = (char)('0' + exponent / 10 % 10);
    *out++ = (char)('0' + exponent % 10);
    return out;
}

size_t
str_format_double(double v, enum str_double_style style,
                  char ret[static STR_DOUBLE_MAX])
{
    if (!isfinite(v)) {
        const char *text = isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf";
        size_t n = strlen(text);
        memcpy(ret, text, n + 1);
        return n;
    }
    char *out = ret;
    if (signbit(v))
        *out++ = '-';
    struct shortest d = {.digits = "0", .n = 1, .point = 1};
    if (v != 0)
        shortest_digits(fabs(v), &d);
    int exponent = d.point - 1;
    int limit = style == STR_DOUBLE_GO_G ? 6 : 21;
    bool fixed = style == STR_DOUBLE_F || (exponent >= -4 && exponent < limit);
    out = fixed ? put_fixed(out, &d) : put_exponent(out, &d);
    *out = '\0';
    return (size_t)(out - ret);
}

size_t
str_format_i64(int64_t v, char ret[static STR_I64_MAX])
{
    int n = snprintf(ret, STR_I64_MAX, "%lld", (long long)v);
    return (size_t)n;
}
