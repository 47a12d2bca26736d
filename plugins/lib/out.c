/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/lib/out.h"

void
out_fini(struct out *o)
{
    free(o->p);
    *o = (struct out){.max = o->max};
}

void
out_reset(struct out *o)
{
    o->n = 0;
    o->failed = false;
}

static bool
reserve(struct out *o, size_t n)
{
    size_t want = o->n + n, cap = o->cap < 256 ? 256 : o->cap;
    if (o->failed || want < n || (o->max > 0 && want > o->max)) {
        o->failed = true;
        return false;
    }
    if (want <= o->cap)
        return true;
    while (cap < want && cap < SIZE_MAX / 2)
        cap *= 2;
    char *p = cap < want ? NULL : realloc(o->p, cap);
    if (p == NULL) {
        o->failed = true;
        return false;
    }
    o->p = p;
    o->cap = cap;
    return true;
}

void
out_put(struct out *o, const char *p, size_t n)
{
    if (n == 0 || !reserve(o, n))
        return;
    memcpy(o->p + o->n, p, n);
    o->n += n;
}

void
out_char(struct out *o, char c)
{
    out_put(o, &c, 1);
}

void
out_str(struct out *o, const char *s)
{
    out_put(o, s, strlen(s));
}

void
out_text(struct out *o, struct tocsin_text t)
{
    out_put(o, t.p, t.n);
}

void
out_printf(struct out *o, const char *fmt, ...)
{
    char small[256];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    if (n < 0) {
        o->failed = true;
        return;
    }
    if ((size_t)n < sizeof small) {
        out_put(o, small, (size_t)n);
        return;
    }
    if (!reserve(o, (size_t)n + 1))
        return;
    va_start(ap, fmt);
    (void)vsnprintf(o->p + o->n, (size_t)n + 1, fmt, ap);
    va_end(ap);
    o->n += (size_t)n;
}

/* Bytes of the character at 'p', 0 where there is none: strict UTF-8. */
static size_t
utf8_length(const unsigned char *p, size_t n)
{
    if (p[0] < 0x80)
        return 1;
    size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || len > n)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool bad = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
               (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f);
    return bad ? 0 : len;
}

void
out_visible(struct out *o, struct tocsin_text t)
{
    const unsigned char *p = (const unsigned char *)t.p;
    for (size_t i = 0; i < t.n;) {
        size_t len = utf8_length(p + i, t.n - i);
        bool c1 = len == 2 && p[i] == 0xc2 && p[i + 1] < 0xa0;
        if (len == 0 || p[i] < 0x20 || p[i] == 0x7f || c1) {
            len = len == 0 ? 1 : len;
            for (size_t k = 0; k < len; k++)
                out_printf(o, "\\x%02x", p[i + k]);
        } else {
            out_put(o, t.p + i, len);
        }
        i += len;
    }
}

static void
json_char(struct out *o, unsigned char c)
{
    switch (c) {
    case '"':
    case '\\':
        out_char(o, '\\');
        out_char(o, (char)c);
        break;
    case '\n':
        out_str(o, "\\n");
        break;
    case '\r':
        out_str(o, "\\r");
        break;
    case '\t':
        out_str(o, "\\t");
        break;
    default:
        out_printf(o, "\\u%04x", c);
    }
}

void
out_json(struct out *o, struct tocsin_text t)
{
    const unsigned char *p = (const unsigned char *)t.p;
    size_t plain = 0;
    out_char(o, '"');
    for (size_t i = 0; i < t.n;) {
        size_t len = utf8_length(p + i, t.n - i);
        bool special = len == 1 && (p[i] < 0x20 || p[i] == '"' ||
                                    p[i] == '\\' || p[i] == 0x7f);
        if (len > 0 && !special) {
            i += len;
            continue;
        }
        out_put(o, t.p + plain, i - plain);
        if (special)
            json_char(o, p[i]);
        else
            out_str(o, "\xef\xbf\xbd");
        plain = ++i;
    }
    if (t.n > plain)
        out_put(o, t.p + plain, t.n - plain);
    out_char(o, '"');
}

void
out_json_str(struct out *o, const char *s)
{
    out_json(o, (struct tocsin_text){s, strlen(s)});
}

void
out_json_pairs(struct out *o, const struct tocsin_pair *pairs, size_t n)
{
    out_char(o, '{');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            out_char(o, ',');
        out_json(o, pairs[i].name);
        out_char(o, ':');
        out_json(o, pairs[i].value);
    }
    out_char(o, '}');
}

void
out_json_double(struct out *o, double v)
{
    char s[64];
    if (!isfinite(v)) {
        out_str(o, isnan(v) ? "\"NaN\"" : v > 0 ? "\"+Inf\"" : "\"-Inf\"");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(s, sizeof s, "%.*g", digits, v);
        if (strtod(s, NULL) == v)
            break;
    }
    out_str(o, s);
}

/* Days since 1970-01-01 to the calendar, proleptic Gregorian. */
static void
civil(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    days += 719468; /* from 0000-03-01 */
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned doe = (unsigned)(days - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;
    *day = doy - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = (int64_t)yoe + era * 400 + (*month <= 2);
}

void
out_time(struct out *o, int64_t us)
{
    int64_t day_us = 86400 * INT64_C(1000000);
    int64_t days = us / day_us - (us % day_us < 0);
    int64_t rest = us - days * day_us, year;
    unsigned month, day, seconds = (unsigned)(rest / 1000000);
    unsigned fraction = (unsigned)(rest % 1000000);
    civil(days, &year, &month, &day);
    out_printf(o, "%04lld-%02u-%02uT%02u:%02u:%02u", (long long)year, month,
               day, seconds / 3600, seconds / 60 % 60, seconds % 60);
    if (fraction % 1000 != 0)
        out_printf(o, ".%06u", fraction);
    else if (fraction != 0)
        out_printf(o, ".%03u", fraction / 1000);
    out_char(o, 'Z');
}

void
out_duration(struct out *o, int64_t us)
{
    if (us < 0) {
        out_char(o, '-');
        us = -us;
    }
    int64_t ms = us / 1000, s = ms / 1000;
    if (s < 10 && ms % 1000 != 0)
        out_printf(o, "%lld.%03llds", (long long)s, (long long)(ms % 1000));
    else if (s < 60)
        out_printf(o, "%llds", (long long)s);
    else if (s < 3600)
        out_printf(o, "%lldm%llds", (long long)(s / 60), (long long)(s % 60));
    else
        out_printf(o, "%lldh%lldm%llds", (long long)(s / 3600),
                   (long long)(s / 60 % 60), (long long)(s % 60));
}

struct tocsin_text
pairs_get(const struct tocsin_pair *pairs, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (text_is(pairs[i].name, name))
            return pairs[i].value;
    return (struct tocsin_text){"", 0};
}

bool
text_is(struct tocsin_text t, const char *s)
{
    size_t n = strlen(s);
    return t.n == n && memcmp(t.p, s, n) == 0;
}
