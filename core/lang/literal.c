/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "core/base/buf.h"
#include "core/base/duration.h"
#include "core/base/str.h"
#include "core/lang/lexer.h"

static int
digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = str_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* The value of "\x41", "\101", "\u…" behind its letter; the lexer has checked
 * it.  Returns the bytes read. */
static size_t
escape_number(const char *p, uint32_t *ret_v, bool *ret_is_byte)
{
    size_t digits = *p == 'x' ? 2 : *p == 'u' ? 4 : *p == 'U' ? 8 : 3;
    int base = digits == 3 ? 8 : 16;
    size_t skip = base == 8 ? 0 : 1;
    uint32_t v = 0;
    for (size_t i = 0; i < digits; i++)
        v = v * (uint32_t)base + (uint32_t)digit_value(p[skip + i]);
    *ret_v = v;
    *ret_is_byte = digits <= 3;
    return skip + digits;
}

ssize_t
literal_string(struct slice token, char *out)
{
    if (token.n < 2)
        return -EINVAL;
    const char quote = token.p[0];
    const char *p = token.p + 1, *end = token.p + token.n - 1;
    char *o = out;
    while (p < end) {
        if (*p != '\\' || quote == '`') {
            /* A raw string loses its carriage returns, as in Go. */
            if (quote != '`' || *p != '\r')
                *o++ = *p;
            p++;
            continue;
        }
        p++;
        static const char names[] = "abfnrtv", values[] = "\a\b\f\n\r\t\v";
        const char *name = strchr(names, *p);
        if (name != NULL && *p != '\0') {
            *o++ = values[name - names];
            p++;
        } else if (*p == '\\' || *p == quote) {
            *o++ = *p++;
        } else {
            uint32_t v;
            bool is_byte;
            p += escape_number(p, &v, &is_byte);
            if (is_byte)
                *o++ = (char)v;
            else
                o += utf8_encode(v, o);
        }
    }
    struct slice s = slice_new(out, (size_t)(o - out));
    return utf8_valid(s) ? o - out : -EINVAL;
}

/* Digits of one base, underscores between; -ERANGE above 2^63-1. */
static int
parse_integer(const char *p, const char *end, unsigned base, double *ret_v)
{
    uint64_t v = 0;
    bool any = false;
    for (; p < end; p++) {
        if (*p == '_')
            continue;
        unsigned digit = (unsigned)digit_value(*p);
        if (digit >= base)
            return -EINVAL;
        if (v > ((uint64_t)INT64_MAX - digit) / base)
            return -ERANGE;
        v = v * base + digit;
        any = true;
    }
    if (!any)
        return -EINVAL;
    *ret_v = (double)v;
    return 0;
}

int
literal_number(struct slice token, double *ret_v)
{
    if (token.n == 0 || token.n > 1024)
        return -EINVAL;
    const char *p = token.p, *end = p + token.n;
    if (p[0] == '0' && token.n > 1 && str_lower(p[1]) == 'x')
        return parse_integer(p + 2, end, 16, ret_v) < 0 ? -EINVAL : 0;
    /* A leading zero is octal, unless that fails: "08" is eight. */
    unsigned base = p[0] == '0' && token.n > 1 ? 8 : 10;
    if (parse_integer(p, end, base, ret_v) == 0)
        return 0;
    char plain[1024];
    size_t n = 0;
    for (; p < end; p++)
        if (*p != '_')
            plain[n++] = *p;
    return str_parse_double(slice_new(plain, n), STR_INF_NAN, ret_v);
}

int
literal_duration(struct slice token, double *ret_seconds)
{
    usec_t us;
    int r = duration_parse(token, &us, NULL);
    if (r < 0)
        return r;
    *ret_seconds = (double)us / (double)USEC_PER_SEC;
    return 0;
}

void
literal_quote(struct buf *b, struct slice text)
{
    (void)buf_putc(b, '"');
    for (size_t i = 0; i < text.n;) {
        uint32_t cp;
        int n = utf8_decode(slice_skip(text, i), &cp);
        unsigned char c = (unsigned char)text.p[i];
        static const char names[] = "abfnrtv", values[] = "\a\b\f\n\r\t\v";
        const char *value = c < 0x20 && c != 0 ? strchr(values, c) : NULL;
        if (n <= 0)
            (void)buf_printf(b, "\\x%02x", c);
        else if (cp == 0xfffd)
            (void)buf_append_str(b, "\\ufffd"); /* raw, it looks invalid */
        else if (c == '"' || c == '\\')
            (void)buf_printf(b, "\\%c", c);
        else if (value != NULL)
            (void)buf_printf(b, "\\%c", names[value - values]);
        else if (c < 0x20 || c == 0x7f)
            (void)buf_printf(b, "\\x%02x", c);
        else
            (void)buf_append(b, text.p + i, (size_t)n);
        i += n > 0 ? (size_t)n : 1;
    }
    (void)buf_putc(b, '"');
}
