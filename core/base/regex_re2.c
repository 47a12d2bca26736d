/* SPDX-License-Identifier: Apache-2.0 */
/* regex_re2.c - reads RE2's syntax (github.com/google/re2/wiki/Syntax, as Go's
 * regexp/syntax has it) and writes PCRE2's.
 *
 * Most of it is the same.  What is written otherwise: \v (a vertical tab to
 * RE2, any vertical space to PCRE2), \s (without the vertical tab), octal
 * escapes (back references to PCRE2), braces and brackets that mean
 * themselves. */
#include "config.h"

#include <errno.h>

#include "core/base/regex_re2.h"
#include "core/base/str.h"

#define DEPTH_MAX 100
#define REPEAT_MAX 1000 /* RE2's bound */

/* Why PCRE2 would accept what RE2 doesn't know; the longest prefix first. */
static const struct {
    const char *prefix, *what;
} refused[] = {
    {"(?<=", "look-behind"},
    {"(?<!", "look-behind"},
    {"(?=", "look-ahead"},
    {"(?!", "look-ahead"},
    {"(?>", "an atomic group"},
    {"(?|", "a branch reset"},
    {"(?#", "a comment"},
    {"(?(", "a condition"},
    {"(?C", "a callout"},
    {"(?&", "a subroutine call"},
    {"(?P>", "a subroutine call"},
    {"(?P=", "a back reference"},
    {"(?R", "recursion"},
    {"(?+", "recursion"},
    {"(*", "a verb"},
};

static int
refuse_group(struct translator *t)
{
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
        if (re2_looking_at(t, refused[i].prefix))
            return RE2_FAIL(t, t->at,
                            "%s, \"%s\", is not supported: RE2 syntax "
                            "has none",
                            refused[i].what, refused[i].prefix);
    if (re2_peek(t, 2) >= '0' && re2_peek(t, 2) <= '9')
        return RE2_FAIL(t, t->at,
                        "recursion, \"(?%c\", is not supported: RE2 "
                        "syntax has none",
                        re2_peek(t, 2));
    return RE2_FAIL(t, t->at, "invalid group: unknown flag after \"(?\"");
}

/* "(?i-s)" or "(?i-s:": flags i, m, s, U. */
static int
flag_group(struct translator *t)
{
    size_t n = 2;
    bool minus = false, any = false;
    for (;; n++) {
        int c = re2_peek(t, n);
        if (c == '-' && !minus) {
            minus = true;
            any = false;
        } else if (c > 0 && strchr("imsU", c) != NULL) {
            any = true;
        } else {
            break;
        }
    }
    int end = re2_peek(t, n);
    if ((end != ')' && end != ':') || (minus && !any))
        return refuse_group(t);
    if (end == ':')
        t->depth++;
    re2_copy(t, n + 1);
    re2_set_item(t, false);
    return 0;
}

static int
named_group(struct translator *t, size_t skip)
{
    size_t n = skip;
    while (re2_is_word(re2_peek(t, n)))
        n++;
    if (n == skip || re2_peek(t, n) != '>')
        return RE2_FAIL(t, t->at, "invalid name of a group");
    t->out->groups++;
    t->depth++;
    re2_copy(t, n + 1);
    re2_set_item(t, false);
    return 0;
}

static int
group(struct translator *t)
{
    if (t->depth >= DEPTH_MAX)
        return RE2_FAIL(t, t->at, "groups are nested deeper than %d",
                        DEPTH_MAX);
    if (re2_looking_at(t, "(?P<"))
        return named_group(t, 4);
    if (re2_looking_at(t, "(?<") && re2_is_word(re2_peek(t, 3)))
        return named_group(t, 3);
    if (re2_looking_at(t, "(*"))
        return refuse_group(t);
    if (re2_looking_at(t, "(?"))
        return flag_group(t);
    t->out->groups++;
    t->depth++;
    re2_copy(t, 1);
    re2_set_item(t, false);
    return 0;
}

/* A number inside braces; more digits than REPEAT_MAX has are cut. */
static size_t
brace_number(const struct translator *t, size_t n, unsigned *ret_v)
{
    unsigned v = 0;
    while (re2_peek(t, n) >= '0' && re2_peek(t, n) <= '9')
        v = MIN(v * 10 + (unsigned)(re2_peek(t, n++) - '0'), 100000u);
    *ret_v = v;
    return n;
}

/* "{2}", "{2,}", "{2,5}": its length, or 0 if the brace means itself. */
static size_t
brace_length(const struct translator *t, unsigned *ret_min, unsigned *ret_max)
{
    size_t n = brace_number(t, 1, ret_min);
    *ret_max = *ret_min;
    if (n == 1)
        return 0;
    if (re2_peek(t, n) == ',') {
        size_t first = n + 1;
        n = brace_number(t, first, ret_max);
        if (n == first)
            *ret_max = *ret_min;
    }
    return re2_peek(t, n) == '}' ? n + 1 : 0;
}

static int
repeat(struct translator *t, size_t n)
{
    int c = re2_peek(t, 0);
    if (t->repeated && c == '?' && !t->lazy) {
        re2_copy(t, 1);
        t->lazy = true;
        return 0;
    }
    if (t->repeated && c == '+' && !t->lazy)
        return RE2_FAIL(t, t->at,
                        "possessive repetition is not supported: RE2 "
                        "syntax has none");
    if (t->repeated)
        return RE2_FAIL(t, t->at, "a repetition of a repetition");
    if (!t->item)
        return RE2_FAIL(t, t->at, "nothing to repeat before \"%c\"", c);
    re2_copy(t, n);
    t->repeated = true;
    return 0;
}

static int
brace(struct translator *t)
{
    unsigned min, max;
    size_t n = brace_length(t, &min, &max);
    if (n == 0) {
        re2_emit_str(t, "\\");
        re2_copy(t, 1);
        re2_set_item(t, true);
        return 0;
    }
    if (min > REPEAT_MAX || max > REPEAT_MAX || max < min)
        return RE2_FAIL(t, t->at, "invalid repeat count: 0 to %d", REPEAT_MAX);
    return repeat(t, n);
}

static int
token(struct translator *t)
{
    int c = re2_peek(t, 0);
    switch (c) {
    case '\\':
        return re2_escape(t);
    case '[':
        return re2_class(t);
    case '(':
        return group(t);
    case ')':
        if (t->depth == 0)
            return RE2_FAIL(t, t->at, "unexpected \")\"");
        t->depth--;
        re2_copy(t, 1);
        re2_set_item(t, true);
        return 0;
    case '*':
    case '+':
    case '?':
        return repeat(t, 1);
    case '{':
        return brace(t);
    case '|':
    case '^':
    case '$':
        re2_copy(t, 1);
        re2_set_item(t, false);
        return 0;
    default: /* of a character the first byte; its others come the same way */
        re2_copy(t, 1);
        re2_set_item(t, true);
        return 0;
    }
}

int
regex_translate(struct slice pattern, struct regex_pcre *ret, struct err *err)
{
    struct translator t = {.in = pattern, .out = ret, .err = err};
    if (pattern.n > REGEX_PATTERN_MAX)
        return RE2_FAIL(&t, 0, "the regular expression is longer than %d bytes",
                        REGEX_PATTERN_MAX);
    if (!utf8_valid(pattern))
        return RE2_FAIL(&t, 0, "the regular expression is not valid UTF-8");
    while (t.at < pattern.n) {
        int r = token(&t);
        if (r < 0)
            return r;
    }
    if (t.depth > 0)
        return RE2_FAIL(&t, pattern.n, "missing closing \")\"");
    if (ret->groups > REGEX_GROUPS_MAX)
        return RE2_FAIL(&t, 0, "more than %d groups", REGEX_GROUPS_MAX);
    if (buf_error(&ret->text) < 0 || buf_error(&ret->origin) < 0)
        return -ENOMEM;
    return 0;
}
