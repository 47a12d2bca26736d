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
#include <stdio.h>

#include "core/base/regex_priv.h"
#include "core/base/str.h"

#define DEPTH_MAX 100
#define REPEAT_MAX 1000 /* RE2's bound */

struct translator {
    struct slice in;
    size_t at;
    struct regex_pcre *out;
    struct err *err;
    unsigned depth;
    bool item;     /* something that can be repeated has just ended */
    bool repeated; /* … and is repeated already */
    bool lazy;     /* … and made lazy already */
};

#define FAIL(t, pos, ...)                                                      \
    err_set_at((t)->err, -EINVAL, NULL, 0, err_column((t)->in, (pos)),         \
               __VA_ARGS__)

static int
peek(const struct translator *t, size_t ahead)
{
    return t->at + ahead < t->in.n ? (unsigned char)t->in.p[t->at + ahead] : -1;
}

static bool
looking_at(const struct translator *t, const char *text)
{
    return slice_starts_with(slice_skip(t->in, t->at), slice_from_str(text));
}

/* Writes text that stands for the input at t->at. */
static void
emit(struct translator *t, const char *p, size_t n)
{
    uint16_t origin = (uint16_t)t->at;
    (void)buf_append(&t->out->text, p, n);
    for (size_t i = 0; i < n; i++)
        (void)buf_append(&t->out->origin, &origin, sizeof origin);
}

static void
emit_str(struct translator *t, const char *s)
{
    emit(t, s, strlen(s));
}

/* The next n bytes of the input, as they are. */
static void
copy(struct translator *t, size_t n)
{
    emit(t, t->in.p + t->at, n);
    t->at += n;
}

static void
emit_code(struct translator *t, unsigned code, size_t consumed)
{
    char text[16];
    (void)snprintf(text, sizeof text, "\\x{%x}", code);
    emit_str(t, text);
    t->at += consumed;
}

static void
set_item(struct translator *t, bool item)
{
    t->item = item;
    t->repeated = t->lazy = false;
}

static bool
is_octal(int c)
{
    return c >= '0' && c <= '7';
}

static bool
is_word(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || c == '_';
}

static int
hex_value(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "\012": at the backslash. */
static int
octal_escape(struct translator *t)
{
    unsigned code = 0;
    size_t n = 1;
    while (n < 4 && is_octal(peek(t, n)))
        code = code * 8 + (unsigned)(peek(t, n++) - '0');
    emit_code(t, code, n);
    return 0;
}

/* "\x41" or "\x{41}". */
static int
hex_escape(struct translator *t)
{
    unsigned code = 0;
    bool braces = peek(t, 2) == '{';
    size_t n = braces ? 3 : 2, first = n;
    while (hex_value(peek(t, n)) >= 0 && code <= 0x10ffff && (braces || n < 4))
        code = code * 16 + (unsigned)hex_value(peek(t, n++));
    bool whole = braces ? n > first && peek(t, n) == '}' : n == 4;
    if (!whole || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return FAIL(t, t->at, "invalid escape: \\x41 or \\x{10ffff} is meant");
    emit_code(t, code, n + braces);
    return 0;
}

/* "\pL" or "\p{Greek}"; PCRE2 knows the names. */
static int
property_escape(struct translator *t)
{
    size_t n = 3;
    if (peek(t, 2) == '{') {
        while (peek(t, n) >= 0 && peek(t, n) != '}')
            n++;
        n++;
    }
    if (t->at + n > t->in.n)
        return FAIL(t, t->at, "the name of a Unicode property is missing");
    copy(t, n);
    return 0;
}

static int
refuse_escape(struct translator *t)
{
    int c = peek(t, 1);
    if (c < 0)
        return FAIL(t, t->at, "a backslash at the end");
    if ((c >= '1' && c <= '9') || c == 'k' || c == 'g')
        return FAIL(t, t->at,
                    "back references (\\%c) are not supported: RE2 syntax has "
                    "none",
                    c);
    if (c >= 0x80)
        return FAIL(t, t->at, "invalid escape");
    return FAIL(t, t->at, "invalid escape \"\\%c\"%s", c,
                c == 'Z' ? ": RE2 has \\z" : "");
}

/* What is the same inside and outside of a class. */
static int
escape(struct translator *t, bool in_class)
{
    int c = peek(t, 1);
    switch (c) {
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
        return is_octal(peek(t, 2)) ? octal_escape(t) : refuse_escape(t);
    case '0':
        return octal_escape(t);
    case 'x':
        return hex_escape(t);
    case 'p':
    case 'P':
        return property_escape(t);
    case 'v':
        emit_code(t, '\v', 2);
        return 0;
    case 's':
        emit_str(t, in_class ? "\\t\\n\\f\\r " : "[\\t\\n\\f\\r ]");
        t->at += 2;
        return 0;
    case 'S':
        emit_str(t, in_class ? "\\S\\x{b}" : "[^\\t\\n\\f\\r ]");
        t->at += 2;
        return 0;
    case 'a':
    case 'f':
    case 'n':
    case 'r':
    case 't':
    case 'd':
    case 'D':
    case 'w':
    case 'W':
        copy(t, 2);
        return 0;
    case '_':
        emit_str(t, "_");
        t->at += 2;
        return 0;
    default:
        if (c < 0 || c >= 0x80 || is_word(c))
            return refuse_escape(t);
        copy(t, 2); /* punctuation means itself */
        return 0;
    }
}

/* "\Q…\E"; without \E up to the end. */
static void
quoted(struct translator *t)
{
    t->at += 2;
    while (t->at < t->in.n && !looking_at(t, "\\E")) {
        int c = peek(t, 0);
        if (c < 0x80 && !is_word(c))
            emit_str(t, "\\");
        copy(t, 1);
        set_item(t, true);
    }
    if (t->at < t->in.n)
        t->at += 2;
}

static int
escape_outside(struct translator *t)
{
    switch (peek(t, 1)) {
    case 'Q':
        quoted(t);
        return 0;
    case 'A':
    case 'b':
    case 'B':
    case 'z':
        copy(t, 2);
        set_item(t, false);
        return 0;
    default:
        set_item(t, true);
        return escape(t, false);
    }
}

/* "[:alpha:]" inside a class: its length, or 0. */
static size_t
posix_class(const struct translator *t)
{
    static const char *const names[] = {
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit",  "graph",
        "lower", "print", "punct", "space", "upper", "xdigit", "word",
    };
    size_t skip = looking_at(t, "[:^") ? 3 : 2;
    struct slice rest = slice_skip(t->in, t->at + skip);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct slice name = slice_from_str(names[i]);
        if (slice_starts_with(rest, name) &&
            slice_starts_with(slice_skip(rest, name.n), SLICE(":]")))
            return skip + name.n + 2;
    }
    return 0;
}

static int
class_member(struct translator *t)
{
    int c = peek(t, 0);
    if (c == '\\') {
        bool set = peek(t, 1) > 0 && strchr("dDsSwWpP", peek(t, 1)) != NULL;
        int r = escape(t, true);
        if (r == 0 && set && peek(t, 0) == '-') {
            emit_str(t, "\\"); /* a set begins no range */
            copy(t, 1);
        }
        return r;
    }
    if (c != '[') {
        copy(t, 1);
        return 0;
    }
    size_t n = looking_at(t, "[:") ? posix_class(t) : 0;
    if (n == 0)
        emit_str(t, "\\"); /* a bracket that means itself */
    copy(t, MAX(n, (size_t)1));
    return 0;
}

static int class(struct translator *t)
{
    size_t start = t->at;
    copy(t, peek(t, 1) == '^' ? 2 : 1);
    if (peek(t, 0) == ']') {
        emit_str(t, "\\");
        copy(t, 1);
    }
    while (peek(t, 0) != ']') {
        if (peek(t, 0) < 0)
            return FAIL(t, start, "missing closing \"]\"");
        int r = class_member(t);
        if (r < 0)
            return r;
    }
    copy(t, 1);
    set_item(t, true);
    return 0;
}

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
        if (looking_at(t, refused[i].prefix))
            return FAIL(t, t->at,
                        "%s, \"%s\", is not supported: RE2 syntax "
                        "has none",
                        refused[i].what, refused[i].prefix);
    if (peek(t, 2) >= '0' && peek(t, 2) <= '9')
        return FAIL(t, t->at,
                    "recursion, \"(?%c\", is not supported: RE2 "
                    "syntax has none",
                    peek(t, 2));
    return FAIL(t, t->at, "invalid group: unknown flag after \"(?\"");
}

/* "(?i-s)" or "(?i-s:": flags i, m, s, U. */
static int
flag_group(struct translator *t)
{
    size_t n = 2;
    bool minus = false, any = false;
    for (;; n++) {
        int c = peek(t, n);
        if (c == '-' && !minus) {
            minus = true;
            any = false;
        } else if (c > 0 && strchr("imsU", c) != NULL) {
            any = true;
        } else {
            break;
        }
    }
    int end = peek(t, n);
    if ((end != ')' && end != ':') || (minus && !any))
        return refuse_group(t);
    if (end == ':')
        t->depth++;
    copy(t, n + 1);
    set_item(t, false);
    return 0;
}

static int
named_group(struct translator *t, size_t skip)
{
    size_t n = skip;
    while (is_word(peek(t, n)))
        n++;
    if (n == skip || peek(t, n) != '>')
        return FAIL(t, t->at, "invalid name of a group");
    t->out->groups++;
    t->depth++;
    copy(t, n + 1);
    set_item(t, false);
    return 0;
}

static int
group(struct translator *t)
{
    if (t->depth >= DEPTH_MAX)
        return FAIL(t, t->at, "groups are nested deeper than %d", DEPTH_MAX);
    if (looking_at(t, "(?P<"))
        return named_group(t, 4);
    if (looking_at(t, "(?<") && is_word(peek(t, 3)))
        return named_group(t, 3);
    if (looking_at(t, "(*"))
        return refuse_group(t);
    if (looking_at(t, "(?"))
        return flag_group(t);
    t->out->groups++;
    t->depth++;
    copy(t, 1);
    set_item(t, false);
    return 0;
}

/* A number inside braces; more digits than REPEAT_MAX has are cut. */
static size_t
brace_number(const struct translator *t, size_t n, unsigned *ret_v)
{
    unsigned v = 0;
    while (peek(t, n) >= '0' && peek(t, n) <= '9')
        v = MIN(v * 10 + (unsigned)(peek(t, n++) - '0'), 100000u);
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
    if (peek(t, n) == ',') {
        size_t first = n + 1;
        n = brace_number(t, first, ret_max);
        if (n == first)
            *ret_max = *ret_min;
    }
    return peek(t, n) == '}' ? n + 1 : 0;
}

static int
repeat(struct translator *t, size_t n)
{
    int c = peek(t, 0);
    if (t->repeated && c == '?' && !t->lazy) {
        copy(t, 1);
        t->lazy = true;
        return 0;
    }
    if (t->repeated && c == '+' && !t->lazy)
        return FAIL(t, t->at,
                    "possessive repetition is not supported: RE2 "
                    "syntax has none");
    if (t->repeated)
        return FAIL(t, t->at, "a repetition of a repetition");
    if (!t->item)
        return FAIL(t, t->at, "nothing to repeat before \"%c\"", c);
    copy(t, n);
    t->repeated = true;
    return 0;
}

static int
brace(struct translator *t)
{
    unsigned min, max;
    size_t n = brace_length(t, &min, &max);
    if (n == 0) {
        emit_str(t, "\\");
        copy(t, 1);
        set_item(t, true);
        return 0;
    }
    if (min > REPEAT_MAX || max > REPEAT_MAX || max < min)
        return FAIL(t, t->at, "invalid repeat count: 0 to %d", REPEAT_MAX);
    return repeat(t, n);
}

static int
token(struct translator *t)
{
    int c = peek(t, 0);
    switch (c) {
    case '\\':
        return escape_outside(t);
    case '[':
        return class(t);
    case '(':
        return group(t);
    case ')':
        if (t->depth == 0)
            return FAIL(t, t->at, "unexpected \")\"");
        t->depth--;
        copy(t, 1);
        set_item(t, true);
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
        copy(t, 1);
        set_item(t, false);
        return 0;
    default: /* of a character the first byte; its others come the same way */
        copy(t, 1);
        set_item(t, true);
        return 0;
    }
}

int
regex_translate(struct slice pattern, struct regex_pcre *ret, struct err *err)
{
    struct translator t = {.in = pattern, .out = ret, .err = err};
    if (pattern.n > REGEX_PATTERN_MAX)
        return FAIL(&t, 0, "the regular expression is longer than %d bytes",
                    REGEX_PATTERN_MAX);
    if (!utf8_valid(pattern))
        return FAIL(&t, 0, "the regular expression is not valid UTF-8");
    while (t.at < pattern.n) {
        int r = token(&t);
        if (r < 0)
            return r;
    }
    if (t.depth > 0)
        return FAIL(&t, pattern.n, "missing closing \")\"");
    if (ret->groups > REGEX_GROUPS_MAX)
        return FAIL(&t, 0, "more than %d groups", REGEX_GROUPS_MAX);
    if (buf_error(&ret->text) < 0 || buf_error(&ret->origin) < 0)
        return -ENOMEM;
    return 0;
}
