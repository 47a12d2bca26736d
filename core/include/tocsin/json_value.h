/* SPDX-License-Identifier: Apache-2.0 */
/* json_value.h - what the texts that <tocsin/json.h> finds stand for: strings
 * without their escapes, and numbers.  Included by json.h. */
#ifndef TOCSIN_JSON_VALUE_H
#define TOCSIN_JSON_VALUE_H

#include <tocsin/json.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_JSON_NO_SIZE ((size_t)-1)

/* ------------------------------------------------------------- strings */

TOCSIN_JSON_COLD size_t
tocsin_json_put_utf8(char *dst, uint32_t c)
{
    if (c < 0x80) {
        dst[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        dst[0] = (char)(0xc0 | c >> 6);
        dst[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        dst[0] = (char)(0xe0 | c >> 12);
        dst[1] = (char)(0x80 | (c >> 6 & 0x3f));
        dst[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    dst[0] = (char)(0xf0 | c >> 18);
    dst[1] = (char)(0x80 | (c >> 12 & 0x3f));
    dst[2] = (char)(0x80 | (c >> 6 & 0x3f));
    dst[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* The character of the \u whose digits are at p; *ret_n are the bytes behind p
 * that belong to it.  0xffffffff: it is wrong. */
TOCSIN_JSON_COLD uint32_t
tocsin_json_get_unicode(const char *p, const char *end, size_t *ret_n)
{
    int32_t c = end - p < 4 ? -1 : tocsin_json_hex4(p);
    *ret_n = 4;
    if (c < 0xd800 || c > 0xdfff)
        return (uint32_t)c;
    if (c > 0xdbff || end - p < 10 || p[4] != '\\' || p[5] != 'u')
        return 0xffffffffu;
    int32_t low = tocsin_json_hex4(p + 6);
    if (low < 0xdc00 || low > 0xdfff)
        return 0xffffffffu;
    *ret_n = 10;
    return 0x10000u + ((uint32_t)(c - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
}

/* Takes the escapes out of a string's contents.  'dst' has room for n bytes
 * and may be 'src' itself: the result is never longer.  Returns its length, or
 * TOCSIN_JSON_NO_SIZE where an escape is wrong. */
TOCSIN_JSON_OUTLINE size_t
tocsin_json_unescape(char *dst, const char *src, size_t n)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *p = src, *end = src + n;
    char *d = dst;
    while (p < end) {
        const char *q = (const char *)memchr(p, '\\', (size_t)(end - p));
        size_t plain = (size_t)((q != 0 ? q : end) - p);
        memmove(d, p, plain);
        d += plain;
        p += plain;
        if (p == end)
            break;
        if (end - p < 2)
            return TOCSIN_JSON_NO_SIZE;
        const char c = p[1];
        p += 2;
        if (c == 'u') {
            size_t used;
            uint32_t u = tocsin_json_get_unicode(p, end, &used);
            if (u == 0xffffffffu)
                return TOCSIN_JSON_NO_SIZE;
            d += tocsin_json_put_utf8(d, u);
            p += used;
            continue;
        }
        const char *at = c != '\0' ? strchr(from, c) : 0;
        if (at == 0)
            return TOCSIN_JSON_NO_SIZE;
        *d++ = to[at - from];
    }
    return (size_t)(d - dst);
}

/* The text of a value read at 'level': a string's characters, or the JSON of
 * anything else.  As tocsin_json_unescape, with room for v->n bytes. */
TOCSIN_JSON_OUTLINE size_t
tocsin_json_unescape_all(char *dst, const struct tocsin_json_text *v,
                         uint32_t level)
{
    uint32_t times = level + (v->type == TOCSIN_JSON_STRING);
    size_t n = v->n;
    const char *src = v->p;
    if (times == 0)
        memmove(dst, src, n);
    for (; times > 0 && n != TOCSIN_JSON_NO_SIZE; times--, src = dst)
        n = tocsin_json_unescape(dst, src, n);
    return n;
}

/* ------------------------------------------------------------- numbers */

/* A number's text as an integer.  0, or -1 where it has a fraction or an
 * exponent, is no number, or does not fit. */
TOCSIN_JSON_OUTLINE int
tocsin_json_int64(const char *p, size_t n, int64_t *ret)
{
    const size_t sign = n > 0 && *p == '-';
    const uint64_t max = (uint64_t)INT64_MAX + sign;
    uint64_t v = 0;
    if (n == sign)
        return -1;
    for (size_t i = sign; i < n; i++) {
        const unsigned digit = (unsigned char)p[i] - (unsigned)'0';
        if (digit > 9 || v > (max - digit) / 10)
            return -1;
        v = v * 10 + digit;
    }
    *ret = sign ? (int64_t)(0 - v) : (int64_t)v;
    return 0;
}

/* A decimal number 0.d1d2d3… * 10^point, shifted by powers of two until what
 * stands before the point is the double's 53 bits: slow, exact, and needed
 * for one number in a thousand. */
#define TOCSIN_JSON_DIGITS 800

struct tocsin_json_decimal {
    int n;     /* digits */
    int point; /* where the point stands */
    int more;  /* a digit other than 0 was cut off behind the last */
    unsigned char d[TOCSIN_JSON_DIGITS];
};

TOCSIN_JSON_COLD void
tocsin_json_decimal_trim(struct tocsin_json_decimal *a)
{
    while (a->n > 0 && a->d[a->n - 1] == 0)
        a->n--;
    if (a->n == 0)
        a->point = 0;
}

/* Divides by 2^bits, bits <= 59. */
TOCSIN_JSON_COLD void
tocsin_json_decimal_right(struct tocsin_json_decimal *a, int bits)
{
    int from = 0, to = 0;
    uint64_t v = 0;
    const uint64_t mask = ((uint64_t)1 << bits) - 1;
    while (v >> bits == 0 && (from < a->n || v != 0)) {
        v = v * 10 + (from < a->n ? a->d[from] : 0u);
        from++;
    }
    a->point -= from - 1;
    while (from < a->n || v != 0) {
        const unsigned char digit = (unsigned char)(v >> bits);
        if (to < TOCSIN_JSON_DIGITS)
            a->d[to++] = digit;
        else if (digit != 0)
            a->more = 1;
        v = (v & mask) * 10 + (from < a->n ? a->d[from] : 0u);
        if (from >= a->n && v == 0)
            break;
        from++;
    }
    a->n = to;
    tocsin_json_decimal_trim(a);
}

/* Multiplies by 2^bits, bits <= 59: at most 18 digits more. */
TOCSIN_JSON_COLD void
tocsin_json_decimal_left(struct tocsin_json_decimal *a, int bits)
{
    unsigned char head[20];
    int n_head = 0;
    uint64_t carry = 0;
    for (int i = a->n - 1; i >= 0; i--) {
        carry += (uint64_t)a->d[i] << bits;
        a->d[i] = (unsigned char)(carry % 10);
        carry /= 10;
    }
    for (; carry > 0; carry /= 10)
        head[n_head++] = (unsigned char)(carry % 10);
    int keep = a->n;
    for (; keep + n_head > TOCSIN_JSON_DIGITS; keep--)
        a->more |= a->d[keep - 1] != 0;
    memmove(a->d + n_head, a->d, (size_t)keep);
    for (int i = 0; i < n_head; i++)
        a->d[i] = head[n_head - 1 - i];
    a->n = keep + n_head;
    a->point += n_head;
    tocsin_json_decimal_trim(a);
}

/* The digits before the point as an integer, half to even. */
TOCSIN_JSON_COLD uint64_t
tocsin_json_decimal_round(const struct tocsin_json_decimal *a)
{
    uint64_t v = 0;
    int i = 0;
    if (a->point < 0)
        return 0;
    for (; i < a->point; i++)
        v = v * 10 + (i < a->n ? a->d[i] : 0u);
    if (i >= a->n || a->d[i] < 5)
        return v;
    if (a->d[i] == 5 && i + 1 == a->n && !a->more)
        return v + (v & 1);
    return v + 1;
}

/* -1: too large for a double. */
TOCSIN_JSON_COLD int
tocsin_json_decimal_double(struct tocsin_json_decimal *a, double *ret)
{
    int exponent = 0;
    uint64_t bits = 0;
    *ret = 0;
    if (a->n == 0 || a->point < -330)
        return 0;
    if (a->point > 310)
        return -1;
    while (a->point > 0) {
        const int by = a->point > 17 ? 59 : a->point > 3 ? 9 : 1;
        tocsin_json_decimal_right(a, by);
        exponent += by;
    }
    while (a->point < 0 || a->d[0] < 5) {
        const int by = a->point < -17 ? 59 : a->point < -3 ? 9 : 1;
        tocsin_json_decimal_left(a, by);
        exponent -= by;
    }
    /* 0.5 <= a < 1 now, and the number is a * 2^exponent. */
    while (exponent < -1021) { /* subnormal */
        const int by = exponent < -1021 - 59 ? 59 : -1021 - exponent;
        tocsin_json_decimal_right(a, by);
        exponent += by;
    }
    tocsin_json_decimal_left(a, 53);
    uint64_t m = tocsin_json_decimal_round(a);
    if (m == (uint64_t)1 << 53) {
        m >>= 1;
        exponent++;
    }
    if (exponent > 1024)
        return -1;
    if (m >> 52 != 0) /* else subnormal: the exponent's bits are 0 */
        bits = (uint64_t)(exponent + 1022) << 52;
    bits |= m & (((uint64_t)1 << 52) - 1);
    memcpy(ret, &bits, sizeof *ret);
    return 0;
}

TOCSIN_JSON_COLD int
tocsin_json_double_slow(const char *p, size_t n, int64_t exponent, double *ret)
{
    struct tocsin_json_decimal a;
    int seen_point = 0;
    a.n = a.point = a.more = 0;
    for (size_t i = 0; i < n && *p != 'e' && *p != 'E'; i++, p++) {
        if (*p == '.') {
            seen_point = 1;
            continue;
        }
        if (a.n == 0 && *p == '0') {
            exponent -= seen_point;
            continue;
        }
        exponent += !seen_point;
        if (a.n < TOCSIN_JSON_DIGITS)
            a.d[a.n++] = (unsigned char)(*p - '0');
        else
            a.more |= *p != '0';
    }
    tocsin_json_decimal_trim(&a);
    if (a.n == 0)
        exponent = 0;
    a.point = exponent > 100000    ? 100000
              : exponent < -100000 ? -100000
                                   : (int)exponent;
    return tocsin_json_decimal_double(&a, ret);
}

/* A number's text as the double nearest to it.  0, or -1 where it is too large
 * for one.  The text must be a number as the reader takes them. */
TOCSIN_JSON_OUTLINE int
tocsin_json_double(const char *p, size_t n, double *ret)
{
    static const double tens[] = {
        1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const size_t sign = n > 0 && *p == '-';
    uint64_t m = 0;
    int64_t scale = 0, exponent = 0;
    size_t i = sign, digits = 0;
    int seen_point = 0;
    for (; i < n && (p[i] == '.' || (p[i] >= '0' && p[i] <= '9')); i++) {
        if (p[i] == '.') {
            seen_point = 1;
            continue;
        }
        digits += digits > 0 || p[i] != '0';
        if (digits <= 19)
            m = m * 10 + (uint64_t)(p[i] - '0');
        scale -= seen_point;
    }
    if (i < n) { /* 'e' */
        const size_t minus = i + 1 < n && p[i + 1] == '-';
        for (i += minus || p[i + 1] == '+' ? 2 : 1; i < n; i++)
            if (exponent < 100000000)
                exponent = exponent * 10 + (p[i] - '0');
        exponent = minus ? -exponent : exponent;
    }
    scale += exponent;
    double v;
    /* Both exact: one rounding, as IEEE 754 does it. */
    if (digits <= 19 && m <= (uint64_t)1 << 53 && scale >= -22 && scale <= 22)
        v = scale < 0 ? (double)m / tens[-scale] : (double)m * tens[scale];
    else if (tocsin_json_double_slow(p + sign, n - sign, exponent, &v) < 0)
        return -1;
    *ret = sign ? -v : v;
    return 0;
}

#ifdef __cplusplus
}
#endif

#endif
