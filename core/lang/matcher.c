/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>

#include "core/base/regex.h"
#include "core/base/str.h"
#include "core/lang/matcher.h"

static enum match
negate(enum match m)
{
    return m == UNKNOWN ? UNKNOWN : m == MATCH ? NO_MATCH : MATCH;
}

enum match
matcher_match(const struct matcher *m, struct slice value)
{
    switch (m->op) {
    case MATCHER_EQ:
        return slice_eq(m->value, value) ? MATCH : NO_MATCH;
    case MATCHER_NE:
        return slice_eq(m->value, value) ? NO_MATCH : MATCH;
    case MATCHER_RE:
        return regex_match(m->re, value);
    default:
        return negate(regex_match(m->re, value));
    }
}

bool
matchers_take_name(const struct matcher *m, uint32_t n, struct slice name)
{
    for (uint32_t i = 0; i < n; i++) {
        if (slice_eq_str(m[i].name, "__name__") &&
            matcher_match(&m[i], name) != MATCH)
            return false;
    }
    return true;
}

bool
filter_compare(enum compare_op op, double value, double limit)
{
    switch (op) {
    case CMP_EQ:
        return value == limit;
    case CMP_NE:
        return value != limit;
    case CMP_GT:
        return value > limit;
    case CMP_GE:
        return value >= limit;
    case CMP_LT:
        return value < limit;
    default:
        return value <= limit;
    }
}

/* --- addresses ----------------------------------------------------------- */

static int
address_parse(struct slice s, uint8_t ret[static 16])
{
    char text[INET6_ADDRSTRLEN + 1];
    if (s.n == 0 || s.n >= sizeof text || memchr(s.p, '\0', s.n) != NULL)
        return -EINVAL;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0,    0,
                                       0, 0, 0, 0, 0xff, 0xff};
    memcpy(ret, mapped, sizeof mapped);
    if (inet_pton(AF_INET, text, ret + 12) == 1 ||
        inet_pton(AF_INET6, text, ret) == 1)
        return 0;
    return -EINVAL;
}

int
ip_range_parse(struct slice s, struct ip_range *ret_range)
{
    struct ip_range r;
    const char *slash = s.n > 0 ? memchr(s.p, '/', s.n) : NULL;
    const char *dash = s.n > 0 ? memchr(s.p, '-', s.n) : NULL;
    const char *sep = slash != NULL ? slash : dash;
    size_t n = sep != NULL ? (size_t)(sep - s.p) : s.n;
    struct slice first = slice_new(s.p, n);
    if (address_parse(first, r.first) < 0)
        return -EINVAL;
    memcpy(r.last, r.first, sizeof r.last);
    if (slash != NULL) {
        uint64_t bits;
        bool is_v4 = memchr(first.p, ':', first.n) == NULL;
        if (str_parse_u64(slice_skip(s, n + 1), &bits) < 0 ||
            bits > (is_v4 ? 32 : 128))
            return -EINVAL;
        for (unsigned i = (unsigned)bits + (is_v4 ? 96 : 0); i < 128; i++) {
            r.first[i / 8] &= (uint8_t) ~(0x80u >> i % 8);
            r.last[i / 8] |= (uint8_t)(0x80u >> i % 8);
        }
    } else if (dash != NULL &&
               (address_parse(slice_skip(s, n + 1), r.last) < 0 ||
                memcmp(r.first, r.last, 16) > 0)) {
        return -EINVAL;
    }
    *ret_range = r;
    return 0;
}

bool
ip_range_match(const struct ip_range *range, struct slice s)
{
    uint8_t a[16];
    return address_parse(s, a) == 0 && memcmp(a, range->first, 16) >= 0 &&
           memcmp(a, range->last, 16) <= 0;
}

static bool
is_address_char(char c)
{
    return (c >= '0' && c <= '9') || c == '.' || c == ':' ||
           (str_lower(c) >= 'a' && str_lower(c) <= 'f');
}

bool
ip_range_find(const struct ip_range *range, struct slice line)
{
    for (size_t i = 0; i < line.n;) {
        size_t n = 0;
        bool sign = false; /* a word without '.' or ':' is none */
        for (; i + n < line.n && is_address_char(line.p[i + n]); n++)
            sign |= line.p[i + n] == '.' || line.p[i + n] == ':';
        struct slice word = slice_new(line.p + i, n);
        i += n + 1;
        if (!sign)
            continue;
        /* "at 10.0.0.1:80" and "10.0.0.1." */
        const char *colon = memchr(word.p, ':', word.n);
        bool has_dot = memchr(word.p, '.', word.n) != NULL;
        if (ip_range_match(range, word))
            return true;
        if (colon != NULL && has_dot)
            word.n = (size_t)(colon - word.p);
        while (word.n > 0 &&
               (word.p[word.n - 1] == '.' || word.p[word.n - 1] == ':'))
            word.n--;
        if (ip_range_match(range, word))
            return true;
    }
    return false;
}

/* --- names --------------------------------------------------------------- */

const char *
matcher_op_name(enum matcher_op op)
{
    static const char *const names[] = {"=", "!=", "=~", "!~"};
    return names[op];
}

const char *
line_op_name(enum line_op op)
{
    static const char *const names[] = {"|=", "!=", "|~", "!~", "|>", "!>"};
    return names[op];
}

const char *
compare_op_name(enum compare_op op)
{
    static const char *const names[] = {"==", "!=", ">", ">=", "<", "<="};
    return names[op];
}
