/* SPDX-License-Identifier: Apache-2.0 */
/* lexer.h - the words of an expression.  Private to core/lang.
 *
 * A lexer is a small value without memory of its own: copying it is looking
 * ahead.  Its first error stays. */
#ifndef TOCSIN_LANG_LEXER_H
#define TOCSIN_LANG_LEXER_H
#include <sys/types.h>

#include "core/base/types.h"
#include "core/lang/selector.h"

struct buf;

enum tok {
    TOK_EOF,
    TOK_ERROR, /* lexer.error says what */
    TOK_IDENT,
    TOK_METRIC_IDENT, /* with a ':' in it */
    TOK_NUMBER,
    TOK_DURATION,
    TOK_QUANTITY, /* "20KB": only in filters, lexer.error for elsewhere */
    TOK_STRING,   /* quotes included */
    TOK_LPAREN,
    TOK_RPAREN,
    TOK_LBRACE,
    TOK_RBRACE,
    TOK_LBRACKET,
    TOK_RBRACKET,
    TOK_COMMA,
    TOK_COLON,
    TOK_ASSIGN, /* = */
    TOK_ADD,    /* operators: TOK_ADD … TOK_AT, tok_is_operator */
    TOK_SUB,
    TOK_MUL,
    TOK_DIV,
    TOK_MOD,
    TOK_POW,
    TOK_EQ, /* == */
    TOK_NE,
    TOK_LT,
    TOK_LE,
    TOK_GT,
    TOK_GE,
    TOK_RE,         /* =~ */
    TOK_NRE,        /* !~ */
    TOK_TRIM_UPPER, /* </ */
    TOK_TRIM_LOWER, /* >/ */
    TOK_AND,
    TOK_OR,
    TOK_UNLESS,
    TOK_ATAN2,
    TOK_AT,
    TOK_PIPE,         /* | */
    TOK_PIPE_EQ,      /* |= */
    TOK_PIPE_RE,      /* |~ */
    TOK_PIPE_PATTERN, /* |> */
    TOK_NOT_PATTERN,  /* !> */
    TOK_AGG,          /* the text says which */
    TOK_OFFSET,       /* keywords: TOK_OFFSET … TOK_FILL_RIGHT */
    TOK_SMOOTHED,
    TOK_ANCHORED,
    TOK_BY,
    TOK_WITHOUT,
    TOK_ON,
    TOK_IGNORING,
    TOK_GROUP_LEFT,
    TOK_GROUP_RIGHT,
    TOK_BOOL,
    TOK_FILL,
    TOK_FILL_LEFT,
    TOK_FILL_RIGHT,
    TOK_START, /* words that are functions where '(' follows */
    TOK_END,
    TOK_STEP,
    TOK_RANGE,
    TOK_MAX_OF,
    TOK_MIN_OF
};

struct token {
    enum tok type;
    struct span span;
};

struct lexer {
    struct slice text;
    uint32_t pos;
    uint32_t parens;
    bool in_braces, in_brackets, in_duration, got_colon, got_duration;
    bool failed;
    uint32_t error_at;
    char error[96];
};

void lexer_init(struct lexer *lx, struct slice text);
void lexer_next(struct lexer *lx, struct token *ret_t);

struct slice token_text(const struct lexer *lx, const struct token *t);
/* "identifier \"foo\"", "<by>", "<op:and>": as Prometheus words it. */
void token_describe(const struct lexer *lx, const struct token *t,
                    struct buf *b);

/* A word that may name a metric where an expression may begin. */
bool tok_is_metric(enum tok type);
/* A word that may be a label where labels are listed. */
bool tok_is_label(enum tok type);

/* literal.c: what tokens stand for. */

/* Quotes and escapes removed, copied into 'out', which has room for as many
 * bytes as the token; returns the length, or -EINVAL if that is no UTF-8. */
ssize_t literal_string(struct slice token, char *out);
/* Numbers as Prometheus reads them: automatic base, underscores.  -EINVAL. */
int literal_number(struct slice token, double *ret_v);
/* "1h30m" into seconds; -EINVAL or -ERANGE. */
int literal_duration(struct slice token, double *ret_seconds);
/* Appends Go's %q of the text: what is printable stays. */
void literal_quote(struct buf *b, struct slice text);

#endif
