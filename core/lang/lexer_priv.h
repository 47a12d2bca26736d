/* SPDX-License-Identifier: Apache-2.0 */
/* lexer_priv.h - what lexer.c and lexer_scan.c share. */
#ifndef TOCSIN_LANG_LEXER_PRIV_H
#define TOCSIN_LANG_LEXER_PRIV_H
#include "core/lang/lexer.h"

#define LEX_EOF (-1)

static inline bool
is_space(int c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static inline bool
is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static inline bool
is_alpha(int c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool
is_alnum(int c)
{
    return is_alpha(c) || is_digit(c);
}

static inline int
lex_peek_at(const struct lexer *lx, uint32_t ahead)
{
    return lx->pos + ahead < lx->text.n
               ? (unsigned char)lx->text.p[lx->pos + ahead]
               : LEX_EOF;
}

static inline int
lex_peek(const struct lexer *lx)
{
    return lex_peek_at(lx, 0);
}

static inline bool
lex_accept(struct lexer *lx, const char *set)
{
    int c = lex_peek(lx);
    if (c <= 0 || strchr(set, c) == NULL)
        return false;
    lx->pos++;
    return true;
}

/* Tells of an error at 'at'; the first one stays. */
PRINTF_LIKE(4, 5)
void lex_fail(struct lexer *lx, struct token *t, uint32_t at, const char *fmt,
              ...);
/* About the character at 'at', between the two texts. */
void lex_fail_char(struct lexer *lx, struct token *t, const char *before,
                   uint32_t at, const char *behind);

void lex_number(struct lexer *lx, struct token *t);
/* The opening quote is taken. */
void lex_string(struct lexer *lx, struct token *t, int quote);

#endif
