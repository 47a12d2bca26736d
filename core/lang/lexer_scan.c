/* SPDX-License-Identifier: Apache-2.0 */
/* lexer_scan.c - numbers, durations and strings. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/base/str.h"
#include "core/lang/lexer_priv.h"

/* Puts c as Go's %q would: 'a'. */
static void
quote_char(const struct lexer *lx, uint32_t at, char ret[static 16])
{
    if (at >= lx->text.n) {
        snprintf(ret, 16, "'\xef\xbf\xbd'");
        return;
    }
    struct slice rest = slice_skip(lx->text, at);
    uint32_t cp = 0;
    int n = utf8_decode(rest, &cp);
    if (n <= 0)
        snprintf(ret, 16, "'\xef\xbf\xbd'");
    else if (cp == '\'' || cp == '\\')
        snprintf(ret, 16, "'\\%c'", (int)cp);
    else if (cp < 0x20 || cp == 0x7f)
        snprintf(ret, 16, "'\\x%02x'", (unsigned)cp);
    else
        snprintf(ret, 16, "'%.*s'", n, rest.p);
}

void
lex_fail(struct lexer *lx, struct token *t, uint32_t at, const char *fmt, ...)
{
    if (!lx->failed) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(lx->error, sizeof lx->error, fmt, ap);
        va_end(ap);
        lx->failed = true;
        lx->error_at = at;
    }
    t->type = TOK_ERROR;
    t->span = (struct span){lx->error_at, (uint32_t)lx->text.n};
}

void
lex_fail_char(struct lexer *lx, struct token *t, const char *before,
              uint32_t at, const char *behind)
{
    char quoted[16];
    quote_char(lx, at, quoted);
    lex_fail(lx, t, t->span.start, "%s%s%s", before, quoted, behind);
}

/* --- numbers and durations ----------------------------------------------- */

/* What may follow "." and "_" and "e" is Prometheus' rule, to the letter. */
static bool
scan_number(struct lexer *lx)
{
    const uint32_t start = lx->pos;
    const char *digits = "0123456789";
    bool hex = false, dot = false, exponent = false;
    if (lex_accept(lx, "0") && lex_accept(lx, "xX")) {
        lex_accept(lx, "_");
        digits = "0123456789abcdefABCDEF";
        hex = true;
    }
    lex_accept(lx, ".");
    lex_accept(lx, digits);
    for (;;) {
        int c = lex_peek(lx);
        if (c <= 0)
            break;
        bool is_exponent = c == 'e' || c == 'E';
        if ((c == '.' && dot) || (is_exponent && exponent)) {
            lx->pos++;
            return false;
        }
        if (c == '.') {
            lx->pos++;
            dot = true;
            if (lex_accept(lx, "_.") || hex)
                return false;
        } else if (is_exponent) {
            lx->pos++;
            exponent = true;
            lex_accept(lx, "+-");
            if (lex_accept(lx, "._eE") || lex_peek(lx) == LEX_EOF)
                return false;
        } else if (c == '_') {
            lx->pos++;
            if (lex_accept(lx, "._eE") || lex_peek(lx) == LEX_EOF)
                return false;
        } else if (strchr(digits, c) != NULL) {
            while (lex_accept(lx, digits))
                ;
        } else {
            break;
        }
    }
    return lx->pos > start && !is_alnum(lex_peek(lx));
}

static bool
scan_duration(struct lexer *lx)
{
    if (!lex_accept(lx, "smhdwy"))
        return false;
    lex_accept(lx, "s");
    while (lex_accept(lx, "0123456789")) {
        while (lex_accept(lx, "0123456789"))
            ;
        if (!lex_accept(lx, "smhdw"))
            return false;
        lex_accept(lx, "s");
    }
    if (!is_alnum(lex_peek(lx)))
        return true;
    lx->pos++; /* the message shows it */
    return false;
}

/* "20KB", "1.5h30m", "5µs": a number and letters; filters know more units. */
static void
scan_quantity(struct lexer *lx)
{
    for (;;) {
        int c = lex_peek(lx);
        if (is_alnum(c) || c == '.')
            lx->pos++;
        else if ((c == 0xc2 && lex_peek_at(lx, 1) == 0xb5) ||
                 (c == 0xce && lex_peek_at(lx, 1) == 0xbc))
            lx->pos += 2; /* micro sign, mu */
        else
            break;
    }
}

void
lex_number(struct lexer *lx, struct token *t)
{
    lx->pos = t->span.start;
    bool is_number = scan_number(lx);
    if (is_number || scan_duration(lx)) {
        t->type = is_number ? TOK_NUMBER : TOK_DURATION;
        return;
    }
    snprintf(
        lx->error, sizeof lx->error, "bad number or duration syntax: \"%.*s\"",
        (int)MIN(lx->pos - t->span.start, 48u), lx->text.p + t->span.start);
    t->type = TOK_QUANTITY;
    lx->pos = t->span.start;
    scan_quantity(lx);
}

/* --- strings ------------------------------------------------------------- */

static int
hex_value(int c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 16;
}

/* One escape, the backslash consumed; false after an error. */
static bool
scan_escape(struct lexer *lx, struct token *t, int quote)
{
    int c = lex_peek(lx);
    if (c == LEX_EOF) {
        lex_fail(lx, t, t->span.start, "escape sequence not terminated");
        return false;
    }
    if (c == quote || strchr("abfnrtv\\", c) != NULL) {
        lx->pos++;
        return true;
    }
    int digits = 0, base = 16;
    uint32_t max = 0x10ffff;
    if (c >= '0' && c <= '7') {
        digits = 3, base = 8, max = 255;
    } else if (c == 'x' || c == 'u' || c == 'U') {
        digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
        max = c == 'x' ? 255 : 0x10ffff;
        lx->pos++;
    } else {
        uint32_t cp = 0;
        struct slice rest = slice_skip(lx->text, lx->pos);
        int n = utf8_decode(rest, &cp);
        if (n <= 0)
            lex_fail(lx, t, t->span.start, "invalid UTF-8 rune");
        else
            lex_fail(lx, t, t->span.start,
                     "unknown escape sequence U+%04X '%.*s'", (unsigned)cp, n,
                     rest.p);
        return false;
    }
    uint32_t value = 0;
    for (int i = 0; i < digits; i++) {
        c = lex_peek(lx);
        if (c == LEX_EOF) {
            lex_fail(lx, t, t->span.start, "escape sequence not terminated");
            return false;
        }
        int digit = hex_value(c);
        if (digit >= base) {
            lex_fail(lx, t, t->span.start,
                     "illegal character U+%04X in escape sequence",
                     (unsigned)c);
            return false;
        }
        value = value < 0x1000000 ? value * (uint32_t)base + (uint32_t)digit
                                  : value;
        lx->pos++;
    }
    if (value > max || (digits > 3 && value >= 0xd800 && value < 0xe000)) {
        lex_fail(lx, t, t->span.start,
                 "escape sequence is an invalid Unicode code point");
        return false;
    }
    return true;
}

void
lex_string(struct lexer *lx, struct token *t, int quote)
{
    t->type = TOK_STRING;
    for (;;) {
        int c = lex_peek(lx);
        if (c == LEX_EOF || (c == '\n' && quote != '`')) {
            lex_fail(lx, t, t->span.start,
                     quote == '`' ? "unterminated raw string"
                                  : "unterminated quoted string");
            return;
        }
        if (c == '\\' && quote != '`') {
            lx->pos++;
            if (!scan_escape(lx, t, quote))
                return;
            continue;
        }
        uint32_t cp = 0;
        int n = utf8_decode(slice_skip(lx->text, lx->pos), &cp);
        if (n <= 0 || cp == 0xfffd) {
            lex_fail(lx, t, t->span.start, "invalid UTF-8 rune");
            return;
        }
        lx->pos += (uint32_t)n;
        if (c == quote)
            return;
    }
}
