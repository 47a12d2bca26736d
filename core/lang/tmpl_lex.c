/* SPDX-License-Identifier: Apache-2.0 */
/* tmpl_lex.c - the words of a template, as Go reads them. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/base/str.h"
#include "core/lang/tmpl.h"

static const struct {
    const char *name;
    enum tt type;
} words[] = {
    {"block", TT_BLOCK},
    {"break", TT_BREAK},
    {"continue", TT_CONTINUE},
    {"define", TT_DEFINE},
    {"else", TT_ELSE},
    {"end", TT_END},
    {"if", TT_IF},
    {"nil", TT_NIL},
    {"range", TT_RANGE},
    {"template", TT_TEMPLATE},
    {"with", TT_WITH},
    {"true", TT_BOOL},
    {"false", TT_BOOL},
};

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static char
at(const struct tlexer *lx, uint32_t ahead)
{
    return lx->pos + ahead < lx->text.n ? lx->text.p[lx->pos + ahead] : '\0';
}

static bool
follows(const struct tlexer *lx, const char *s)
{
    return slice_starts_with(slice_skip(lx->text, lx->pos), slice_from_str(s));
}

/* Letters, digits and '_'; any character beyond ASCII counts as a letter. */
static bool
is_alnum(char c)
{
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

PRINTF_LIKE(4, 5)
static void
fail(struct tlexer *lx, struct ttok *t, uint32_t where, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(lx->error, sizeof lx->error, fmt, ap);
    va_end(ap);
    lx->failed = true;
    lx->error_at = where;
    t->type = TT_ERROR;
    t->span = (struct span){where, (uint32_t)lx->text.n};
}

/* --- text and delimiters ------------------------------------------------- */

/* "{{- " and " -}}" take the blanks beyond them away. */
static bool
trims_left(const struct tlexer *lx)
{
    return at(lx, 2) == '-' && is_space(at(lx, 3));
}

static bool
at_right(const struct tlexer *lx, bool *ret_trim)
{
    *ret_trim = is_space(at(lx, 0)) && at(lx, 1) == '-' && at(lx, 2) == '}' &&
                at(lx, 3) == '}';
    return *ret_trim || follows(lx, "}}");
}

static bool
comment_follows(const struct tlexer *lx)
{
    uint32_t skip = trims_left(lx) ? 4 : 2;
    return at(lx, skip) == '/' && at(lx, skip + 1) == '*';
}

/* Skips a comment with its delimiters; false after an error. */
static bool
skip_comment(struct tlexer *lx, struct ttok *t)
{
    const uint32_t start = lx->pos;
    lx->pos += (trims_left(lx) ? 4 : 2) + 2;
    const char *end =
        memmem(lx->text.p + lx->pos, lx->text.n - lx->pos, "*/", 2);
    if (end == NULL) {
        fail(lx, t, start, "unclosed comment");
        return false;
    }
    lx->pos = (uint32_t)(end - lx->text.p) + 2;
    bool trim;
    if (!at_right(lx, &trim)) {
        fail(lx, t, start, "comment ends before closing delimiter");
        return false;
    }
    lx->pos += trim ? 4 : 2;
    lx->trim_next = trim;
    return true;
}

/* Text up to the next action; an empty one is left out. */
static bool
lex_text(struct tlexer *lx, struct ttok *t)
{
    if (lx->trim_next)
        while (lx->pos < lx->text.n && is_space(lx->text.p[lx->pos]))
            lx->pos++;
    lx->trim_next = false;
    const uint32_t start = lx->pos;
    const char *open = memmem(lx->text.p + start, lx->text.n - start, "{{", 2);
    uint32_t end =
        open == NULL ? (uint32_t)lx->text.n : (uint32_t)(open - lx->text.p);
    lx->pos = end;
    if (open != NULL && trims_left(lx))
        while (end > start && is_space(lx->text.p[end - 1]))
            end--;
    t->type = TT_TEXT;
    t->span = (struct span){start, end};
    return end > start;
}

static void
lex_outside(struct tlexer *lx, struct ttok *t)
{
    for (;;) {
        if (lex_text(lx, t))
            return;
        t->span = (struct span){lx->pos, lx->pos};
        t->type = TT_EOF;
        if (lx->pos >= lx->text.n)
            return;
        if (!comment_follows(lx))
            break;
        if (!skip_comment(lx, t))
            return;
    }
    t->type = TT_LEFT;
    lx->pos += trims_left(lx) ? 3 : 2;
    t->span.end = lx->pos;
    lx->inside = true;
    lx->parens = 0;
}

/* --- inside an action ---------------------------------------------------- */

static void
lex_quote(struct tlexer *lx, struct ttok *t, char quote)
{
    const char *what = quote == '"'   ? "unterminated quoted string"
                       : quote == '`' ? "unterminated raw quoted string"
                                      : "unterminated character constant";
    t->type = quote == '"'   ? TT_STRING
              : quote == '`' ? TT_RAW_STRING
                             : TT_CHAR_CONST;
    for (;;) {
        if (lx->pos >= lx->text.n || (at(lx, 0) == '\n' && quote != '`')) {
            fail(lx, t, t->span.start, "%s", what);
            return;
        }
        char c = lx->text.p[lx->pos++];
        if (c == quote)
            return;
        if (c == '\\' && quote != '`' && lx->pos < lx->text.n &&
            at(lx, 0) != '\n')
            lx->pos++;
    }
}

/* A name must end where a name can end. */
static void
check_end(struct tlexer *lx, struct ttok *t)
{
    char c = at(lx, 0);
    bool trim;
    if (lx->pos >= lx->text.n || is_space(c) || at_right(lx, &trim) ||
        (c != '\0' && strchr(".,|:()=", c) != NULL))
        return;
    fail(lx, t, t->span.start, "bad character U+%04X '%c'", (unsigned char)c,
         c);
}

static void
lex_word(struct tlexer *lx, struct ttok *t)
{
    while (is_alnum(at(lx, 0)))
        lx->pos++;
    struct slice word =
        slice_new(lx->text.p + t->span.start, lx->pos - t->span.start);
    t->type = TT_IDENT;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (slice_eq_str(word, words[i].name))
            t->type = words[i].type;
    check_end(lx, t);
}

/* ".name", "$name" */
static void
lex_name(struct tlexer *lx, struct ttok *t, enum tt with, enum tt without)
{
    if (!is_alnum(at(lx, 0))) {
        t->type = without;
    } else {
        t->type = with;
        while (is_alnum(at(lx, 0)))
            lx->pos++;
    }
    check_end(lx, t);
}

static void
lex_number(struct tlexer *lx, struct ttok *t)
{
    lx->pos = t->span.start;
    if (at(lx, 0) == '+' || at(lx, 0) == '-')
        lx->pos++;
    const uint32_t digits = lx->pos;
    for (;;) {
        char c = at(lx, 0), before = lx->text.p[lx->pos - (lx->pos > 0)];
        bool hex = at(lx, 0) != '\0' && lx->pos > digits + 1 &&
                   lx->text.p[digits] == '0' &&
                   str_lower(lx->text.p[digits + 1]) == 'x';
        bool sign = (c == '+' || c == '-') && lx->pos > digits &&
                    str_lower(before) == (hex ? 'p' : 'e');
        if (!is_alnum(c) && c != '.' && !sign)
            break;
        lx->pos++;
    }
    t->type = TT_NUMBER;
    if (lx->pos == digits)
        fail(lx, t, t->span.start, "bad number syntax: \"%.*s\"",
             (int)(lx->pos - t->span.start), lx->text.p + t->span.start);
}

static void
lex_sign(struct tlexer *lx, struct ttok *t, char c)
{
    switch (c) {
    case '|':
        t->type = TT_PIPE;
        return;
    case '=':
        t->type = TT_ASSIGN;
        return;
    case ':':
        t->type = TT_DECLARE;
        if (at(lx, 0) == '=')
            lx->pos++;
        else
            fail(lx, t, t->span.start, "expected :=");
        return;
    case '(':
        t->type = TT_LPAREN;
        lx->parens++;
        return;
    case ')':
        t->type = TT_RPAREN;
        if (lx->parens == 0)
            fail(lx, t, t->span.start, "unexpected right paren");
        else
            lx->parens--;
        return;
    default:
        t->type = TT_CHAR;
        if ((unsigned char)c < 0x20 || (unsigned char)c >= 0x7f)
            fail(lx, t, t->span.start,
                 "unrecognized character in action: U+%04X",
                 (unsigned)(unsigned char)c);
        return;
    }
}

static void
lex_right(struct tlexer *lx, struct ttok *t, bool trim)
{
    if (lx->parens > 0) {
        fail(lx, t, lx->pos, "unclosed left paren");
        return;
    }
    t->type = TT_RIGHT;
    lx->pos += trim ? 4 : 2;
    lx->trim_next = trim;
    lx->inside = false;
}

static void
lex_inside(struct tlexer *lx, struct ttok *t)
{
    bool trim;
    while (!at_right(lx, &trim) && is_space(at(lx, 0))) {
        lx->pos++;
        t->space = true;
    }
    t->span = (struct span){lx->pos, lx->pos};
    if (at_right(lx, &trim)) {
        lex_right(lx, t, trim);
    } else if (lx->pos >= lx->text.n) {
        fail(lx, t, lx->pos, "unclosed action");
    } else {
        char c = lx->text.p[lx->pos++];
        bool digit = at(lx, 0) >= '0' && at(lx, 0) <= '9';
        if (c == '"' || c == '`' || c == '\'')
            lex_quote(lx, t, c);
        else if (c == '$')
            lex_name(lx, t, TT_VARIABLE, TT_VARIABLE);
        else if (c == '.' && !digit)
            lex_name(lx, t, TT_FIELD, TT_DOT);
        else if ((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.')
            lex_number(lx, t);
        else if (is_alnum(c))
            lex_word(lx, t);
        else
            lex_sign(lx, t, c);
    }
    if (t->type != TT_ERROR)
        t->span.end = lx->pos;
}

void
tlexer_init(struct tlexer *lx, struct slice text)
{
    *lx = (struct tlexer){.text = text};
}

void
tlexer_next(struct tlexer *lx, struct ttok *ret_t)
{
    *ret_t = (struct ttok){.type = TT_ERROR};
    ret_t->span = (struct span){lx->error_at, (uint32_t)lx->text.n};
    if (lx->failed)
        return;
    if (lx->inside)
        lex_inside(lx, ret_t);
    else
        lex_outside(lx, ret_t);
}
