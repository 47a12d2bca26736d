/* SPDX-License-Identifier: Apache-2.0 */
/* regex_escape.c - escapes and classes of RE2 as PCRE2 understands them. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "core/base/regex_re2.h"

void
re2_emit(struct translator *t, const char *p, size_t n)
{
    uint16_t origin = (uint16_t)t->at;
    (void)buf_append(&t->out->text, p, n);
    for (size_t i = 0; i < n; i++)
        (void)buf_append(&t->out->origin, &origin, sizeof origin);
}

void
re2_emit_str(struct translator *t, const char *s)
{
    re2_emit(t, s, strlen(s));
}

void
re2_copy(struct translator *t, size_t n)
{
    re2_emit(t, t->in.p + t->at, n);
    t->at += n;
}

static void
emit_code(struct translator *t, unsigned code, size_t consumed)
{
    char text[16];
    (void)snprintf(text, sizeof text, "\\x{%x}", code);
    re2_emit_str(t, text);
    t->at += consumed;
}

static bool
is_octal(int c)
{
    return c >= '0' && c <= '7';
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
    while (n < 4 && is_octal(re2_peek(t, n)))
        code = code * 8 + (unsigned)(re2_peek(t, n++) - '0');
    emit_code(t, code, n);
    return 0;
}

/* "\x41" or "\x{41}". */
static int
hex_escape(struct translator *t)
{
    unsigned code = 0;
    bool braces = re2_peek(t, 2) == '{';
    size_t n = braces ? 3 : 2, first = n;
    while (hex_value(re2_peek(t, n)) >= 0 && code <= 0x10ffff &&
           (braces || n < 4))
        code = code * 16 + (unsigned)hex_value(re2_peek(t, n++));
    bool whole = braces ? n > first && re2_peek(t, n) == '}' : n == 4;
    if (!whole || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return RE2_FAIL(t, t->at,
                        "invalid escape: \\x41 or \\x{10ffff} is meant");
    emit_code(t, code, n + braces);
    return 0;
}

/* "\pL" or "\p{Greek}"; PCRE2 knows the names. */
static int
property_escape(struct translator *t)
{
    size_t n = 3;
    if (re2_peek(t, 2) == '{') {
        while (re2_peek(t, n) >= 0 && re2_peek(t, n) != '}')
            n++;
        n++;
    }
    if (t->at + n > t->in.n)
        return RE2_FAIL(t, t->at, "the name of a Unicode property is missing");
    re2_copy(t, n);
    return 0;
}

static int
refuse_escape(struct translator *t)
{
    int c = re2_peek(t, 1);
    if (c < 0)
        return RE2_FAIL(t, t->at, "a backslash at the end");
    if ((c >= '1' && c <= '9') || c == 'k' || c == 'g')
        return RE2_FAIL(
            t, t->at,
            "back references (\\%c) are not supported: RE2 syntax has "
            "none",
            c);
    if (c >= 0x80)
        return RE2_FAIL(t, t->at, "invalid escape");
    return RE2_FAIL(t, t->at, "invalid escape \"\\%c\"%s", c,
                    c == 'Z' ? ": RE2 has \\z" : "");
}

/* What is written otherwise, outside of a class and inside of one. */
static const struct {
    char letter;
    const char *outside, *inside;
} rewritten[] = {
    {'v', "\\x{b}", "\\x{b}"},
    {'s', "[\\t\\n\\f\\r ]", "\\t\\n\\f\\r "},
    {'S', "[^\\t\\n\\f\\r ]", "\\S\\x{b}"},
    {'_', "_", "_"},
};

/* What is the same inside and outside of a class. */
static int
escape(struct translator *t, bool in_class)
{
    int c = re2_peek(t, 1);
    for (size_t i = 0; i < ARRAY_SIZE(rewritten); i++) {
        if (c == rewritten[i].letter) {
            re2_emit_str(t,
                         in_class ? rewritten[i].inside : rewritten[i].outside);
            t->at += 2;
            return 0;
        }
    }
    if (c == '0' || (is_octal(c) && is_octal(re2_peek(t, 2))))
        return octal_escape(t);
    if (c == 'x')
        return hex_escape(t);
    if (c == 'p' || c == 'P')
        return property_escape(t);
    bool same = c > 0 && strchr("afnrtdDwW", c) != NULL;
    if (!same && (c < 0 || c >= 0x80 || re2_is_word(c)))
        return refuse_escape(t);
    re2_copy(t, 2); /* punctuation means itself */
    return 0;
}

/* "\Q…\E"; without \E up to the end. */
static void
quoted(struct translator *t)
{
    t->at += 2;
    while (t->at < t->in.n && !re2_looking_at(t, "\\E")) {
        int c = re2_peek(t, 0);
        if (c < 0x80 && !re2_is_word(c))
            re2_emit_str(t, "\\");
        re2_copy(t, 1);
        re2_set_item(t, true);
    }
    if (t->at < t->in.n)
        t->at += 2;
}

int
re2_escape(struct translator *t)
{
    switch (re2_peek(t, 1)) {
    case 'Q':
        quoted(t);
        return 0;
    case 'A':
    case 'b':
    case 'B':
    case 'z':
        re2_copy(t, 2);
        re2_set_item(t, false);
        return 0;
    default:
        re2_set_item(t, true);
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
    size_t skip = re2_looking_at(t, "[:^") ? 3 : 2;
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
    int c = re2_peek(t, 0);
    if (c == '\\') {
        bool set =
            re2_peek(t, 1) > 0 && strchr("dDsSwWpP", re2_peek(t, 1)) != NULL;
        int r = escape(t, true);
        if (r == 0 && set && re2_peek(t, 0) == '-') {
            re2_emit_str(t, "\\"); /* a set begins no range */
            re2_copy(t, 1);
        }
        return r;
    }
    if (c != '[') {
        re2_copy(t, 1);
        return 0;
    }
    size_t n = re2_looking_at(t, "[:") ? posix_class(t) : 0;
    if (n == 0 && re2_looking_at(t, "[:")) {
        struct slice rest = slice_skip(t->in, t->at + 2);
        if (memmem(rest.p, rest.n, ":]", 2) != NULL)
            return RE2_FAIL(t, t->at, "unknown class of characters");
    }
    if (n == 0)
        re2_emit_str(t, "\\"); /* a bracket that means itself */
    re2_copy(t, MAX(n, (size_t)1));
    return 0;
}

int
re2_class(struct translator *t)
{
    size_t start = t->at;
    re2_copy(t, re2_peek(t, 1) == '^' ? 2 : 1);
    if (re2_peek(t, 0) == ']') {
        re2_emit_str(t, "\\");
        re2_copy(t, 1);
    }
    while (re2_peek(t, 0) != ']') {
        if (re2_peek(t, 0) < 0)
            return RE2_FAIL(t, start, "missing closing \"]\"");
        int r = class_member(t);
        if (r < 0)
            return r;
    }
    re2_copy(t, 1);
    re2_set_item(t, true);
    return 0;
}
