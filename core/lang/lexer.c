/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/base/str.h"
#include "core/lang/functions.h"
#include "core/lang/lexer_priv.h"

static const struct {
    const char *name;
    enum tok type;
} keywords[] = {
    {"and", TOK_AND},
    {"or", TOK_OR},
    {"unless", TOK_UNLESS},
    {"atan2", TOK_ATAN2},
    {"offset", TOK_OFFSET},
    {"smoothed", TOK_SMOOTHED},
    {"anchored", TOK_ANCHORED},
    {"by", TOK_BY},
    {"without", TOK_WITHOUT},
    {"on", TOK_ON},
    {"ignoring", TOK_IGNORING},
    {"group_left", TOK_GROUP_LEFT},
    {"group_right", TOK_GROUP_RIGHT},
    {"bool", TOK_BOOL},
    {"fill", TOK_FILL},
    {"fill_left", TOK_FILL_LEFT},
    {"fill_right", TOK_FILL_RIGHT},
    {"start", TOK_START},
    {"end", TOK_END},
    {"step", TOK_STEP},
    {"range", TOK_RANGE},
    {"max_of", TOK_MAX_OF},
    {"min_of", TOK_MIN_OF},
    {"inf", TOK_NUMBER},
    {"nan", TOK_NUMBER},
};

/* --- words --------------------------------------------------------------- */

static bool
paren_follows(const struct lexer *lx)
{
    uint32_t i = 0;
    while (is_space(lex_peek_at(lx, i)))
        i++;
    return lex_peek_at(lx, i) == '(';
}

static void
lex_word(struct lexer *lx, struct token *t)
{
    bool colon = lx->text.p[t->span.start] == ':';
    while (is_alnum(lex_peek(lx)) ||
           (lex_peek(lx) == ':' && !lx->in_brackets)) {
        colon |= lex_peek(lx) == ':';
        lx->pos++;
    }
    t->type = colon ? TOK_METRIC_IDENT : TOK_IDENT;
    struct slice word =
        slice_new(lx->text.p + t->span.start, lx->pos - t->span.start);
    if (colon)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(keywords); i++) {
        if (!str_ieq(word, slice_from_str(keywords[i].name)))
            continue;
        enum tok type = keywords[i].type;
        /* "fill + fill" are metrics. */
        if (type < TOK_FILL || type > TOK_FILL_RIGHT || paren_follows(lx))
            t->type = type;
        return;
    }
    if (lang_agg_find(word) != NULL)
        t->type = TOK_AGG;
}

/* In brackets only the words of duration expressions are known. */
static void
lex_duration_word(struct lexer *lx, struct token *t)
{
    static const char starts[] = "srmSRM";
    if (strchr(starts, lx->text.p[t->span.start]) != NULL) {
        lex_word(lx, t);
        if (t->type >= TOK_STEP && t->type <= TOK_MIN_OF) {
            lx->got_duration = true;
            return;
        }
    }
    if (lx->in_duration)
        lex_fail_char(lx, t, "unexpected character in duration expression: ",
                      t->span.start, "");
    else
        lex_fail_char(lx, t, "unexpected character: ", t->span.start,
                      ", expected ':'");
}

/* --- signs --------------------------------------------------------------- */

static void
lex_colon(struct lexer *lx, struct token *t)
{
    t->type = TOK_COLON;
    if (!lx->got_duration)
        lex_fail(lx, t, t->span.start + 1,
                 "unexpected colon before duration in duration expression");
    else if (lx->got_colon)
        lex_fail(lx, t, t->span.start, "unexpected colon ':'");
    lx->got_colon = true;
}

static void
lex_close(struct lexer *lx, struct token *t, int c)
{
    if (c == ')') {
        t->type = TOK_RPAREN;
        if (lx->parens == 0)
            lex_fail(lx, t, t->span.start + 1,
                     "unexpected right parenthesis ')'");
        else
            lx->parens--;
        return;
    }
    t->type = TOK_RBRACKET;
    if (!lx->in_brackets)
        lex_fail(lx, t, t->span.start, "unexpected right bracket ']'");
    lx->in_brackets = lx->in_duration = false;
}

static void
lex_open(struct lexer *lx, struct token *t, int c)
{
    if (c == '(') {
        t->type = TOK_LPAREN;
        lx->parens++;
    } else if (c == '{') {
        t->type = TOK_LBRACE;
        lx->in_braces = true;
    } else {
        t->type = TOK_LBRACKET;
        if (lx->in_brackets)
            lex_fail(lx, t, t->span.start, "unexpected left bracket '['");
        lx->in_brackets = lx->in_duration = true;
        lx->got_colon = lx->got_duration = false;
    }
}

/* Signs of one or two characters: 'two' says what the second makes of it. */
struct sign {
    char c;
    enum tok alone; /* TOK_ERROR: not without a second */
    struct {
        char c;
        enum tok type;
    } two[3];
};

static const struct sign signs[] = {
    {',', TOK_COMMA, {{0}}},
    {'*', TOK_MUL, {{0}}},
    {'/', TOK_DIV, {{0}}},
    {'%', TOK_MOD, {{0}}},
    {'+', TOK_ADD, {{0}}},
    {'-', TOK_SUB, {{0}}},
    {'^', TOK_POW, {{0}}},
    {'@', TOK_AT, {{0}}},
    {'=', TOK_ASSIGN, {{'=', TOK_EQ}, {'~', TOK_RE}}},
    {'!', TOK_ERROR, {{'=', TOK_NE}, {'~', TOK_NRE}, {'>', TOK_NOT_PATTERN}}},
    {'<', TOK_LT, {{'=', TOK_LE}, {'/', TOK_TRIM_UPPER}}},
    {'>', TOK_GT, {{'=', TOK_GE}, {'/', TOK_TRIM_LOWER}}},
    {'|',
     TOK_PIPE,
     {{'=', TOK_PIPE_EQ}, {'~', TOK_PIPE_RE}, {'>', TOK_PIPE_PATTERN}}},
};

static bool
lex_sign(struct lexer *lx, struct token *t, int c)
{
    for (size_t i = 0; i < ARRAY_SIZE(signs); i++) {
        const struct sign *s = &signs[i];
        if (s->c != c)
            continue;
        t->type = s->alone;
        for (size_t j = 0; j < ARRAY_SIZE(s->two) && s->two[j].c != 0; j++) {
            if (lex_peek(lx) == s->two[j].c) {
                lx->pos++;
                t->type = s->two[j].type;
                return true;
            }
        }
        if (t->type == TOK_ERROR)
            lex_fail_char(lx, t, "unexpected character after '!': ", lx->pos,
                          "");
        return true;
    }
    return false;
}

static void
lex_in_braces(struct lexer *lx, struct token *t, int c)
{
    if (is_alpha(c)) {
        while (is_alnum(lex_peek(lx)))
            lx->pos++;
        t->type = TOK_IDENT;
    } else if (c == '"' || c == '\'' || c == '`') {
        lex_string(lx, t, c);
    } else if (c == '}') {
        t->type = TOK_RBRACE;
        lx->in_braces = false;
    } else if (c == '{') {
        lex_fail(lx, t, t->span.start, "unexpected left brace '{'");
    } else if (c == ',') {
        t->type = TOK_COMMA;
    } else if (c == '=') {
        t->type = lex_accept(lx, "~") ? TOK_RE : TOK_ASSIGN;
    } else if (c == '!' && lex_peek(lx) != '~' && lex_peek(lx) != '=') {
        lex_fail_char(lx, t,
                      "unexpected character after '!' inside braces: ", lx->pos,
                      "");
    } else if (c == '!') {
        t->type = lex_accept(lx, "~") ? TOK_NRE : TOK_NE;
        if (t->type == TOK_NE)
            lx->pos++;
    } else {
        lex_fail_char(
            lx, t, "unexpected character inside braces: ", t->span.start, "");
    }
}

static void
lex_end(struct lexer *lx, struct token *t)
{
    t->type = TOK_EOF;
    if (lx->in_braces)
        lex_fail(lx, t, t->span.start, "unexpected end of input inside braces");
    else if (lx->in_duration)
        lex_fail(lx, t, t->span.start,
                 "unexpected end of input in duration expression");
    else if (lx->parens != 0)
        lex_fail(lx, t, t->span.start, "unclosed left parenthesis");
    else if (lx->in_brackets)
        lex_fail(lx, t, t->span.start, "unclosed left bracket");
}

static void
skip_blanks(struct lexer *lx)
{
    for (;;) {
        while (is_space(lex_peek(lx)))
            lx->pos++;
        if (lex_peek(lx) != '#')
            return;
        while (lex_peek(lx) != '\n' && lex_peek(lx) != '\r' &&
               lex_peek(lx) != LEX_EOF)
            lx->pos++;
    }
}

static void
lex_statement(struct lexer *lx, struct token *t, int c)
{
    bool fits = is_alnum(c) || strchr("()+-*/%^,:].", c) != NULL;
    if (lx->in_duration && !fits)
        lex_fail_char(lx, t, "unexpected character in duration expression: ",
                      t->span.start, "");
    else if (c == ':' && lx->in_brackets)
        lex_colon(lx, t);
    else if (is_digit(c) || (c == '.' && is_digit(lex_peek(lx)))) {
        lex_number(lx, t);
        lx->got_duration = true;
        lx->in_duration = false;
    } else if (is_alpha(c) && lx->in_brackets)
        lex_duration_word(lx, t);
    else if (is_alpha(c) || c == ':')
        lex_word(lx, t);
    else if (c == '(' || c == '{' || c == '[')
        lex_open(lx, t, c);
    else if (c == ')' || c == ']')
        lex_close(lx, t, c);
    else if (c == '"' || c == '\'' || c == '`')
        lex_string(lx, t, c);
    else if (!lex_sign(lx, t, c))
        lex_fail_char(lx, t, "unexpected character: ", t->span.start, "");
}

void
lexer_init(struct lexer *lx, struct slice text)
{
    *lx = (struct lexer){.text = text};
}

void
lexer_next(struct lexer *lx, struct token *ret_t)
{
    struct token t = {TOK_EOF, {0, 0}};
    if (lx->failed) {
        ret_t->type = TOK_ERROR;
        ret_t->span = (struct span){lx->error_at, (uint32_t)lx->text.n};
        return;
    }
    skip_blanks(lx);
    t.span.start = lx->pos;
    int c = lex_peek(lx);
    if (c == LEX_EOF) {
        lex_end(lx, &t);
    } else {
        lx->pos++;
        if (lx->in_braces)
            lex_in_braces(lx, &t, c);
        else
            lex_statement(lx, &t, c);
    }
    if (t.type != TOK_ERROR)
        t.span.end = lx->pos;
    *ret_t = t;
}
