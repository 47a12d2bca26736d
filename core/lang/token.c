/* SPDX-License-Identifier: Apache-2.0 */
/* token.c - what can be said of a word. */
#include "config.h"

#include "core/base/buf.h"
#include "core/base/str.h"
#include "core/lang/lexer.h"

struct slice
token_text(const struct lexer *lx, const struct token *t)
{
    return slice_new(lx->text.p + t->span.start, t->span.end - t->span.start);
}

bool
tok_is_metric(enum tok type)
{
    switch (type) {
    case TOK_IDENT:
    case TOK_METRIC_IDENT:
    case TOK_AND:
    case TOK_OR:
    case TOK_UNLESS:
    case TOK_AGG:
    case TOK_OFFSET:
    case TOK_SMOOTHED:
    case TOK_ANCHORED:
    case TOK_BY:
    case TOK_WITHOUT:
        return true;
    default:
        return type >= TOK_FILL;
    }
}

bool
tok_is_label(enum tok type)
{
    return type == TOK_ATAN2 || (type >= TOK_ON && type <= TOK_BOOL) ||
           tok_is_metric(type);
}

void
token_describe(const struct lexer *lx, const struct token *t, struct buf *b)
{
    struct slice text = token_text(lx, t);
    if (t->type == TOK_EOF) {
        (void)buf_append_str(b, "end of input");
        return;
    }
    if (t->type >= TOK_ADD && t->type <= TOK_NOT_PATTERN) {
        (void)buf_printf(b, "<op:%.*s>", SLICE_FMT(text));
        return;
    }
    if (t->type == TOK_AGG) {
        (void)buf_printf(b, "<aggr:%.*s>", SLICE_FMT(text));
        return;
    }
    if (t->type >= TOK_OFFSET && t->type <= TOK_FILL_RIGHT) {
        (void)buf_printf(b, "<%.*s>", SLICE_FMT(text));
        return;
    }
    static const char *const kinds[] = {
        [TOK_IDENT] = "identifier ", [TOK_METRIC_IDENT] = "metric identifier ",
        [TOK_NUMBER] = "number ",    [TOK_DURATION] = "duration ",
        [TOK_STRING] = "string ",    [TOK_QUANTITY] = "number ",
    };
    bool is_name = t->type == TOK_IDENT || t->type == TOK_METRIC_IDENT;
    if (t->type < ARRAY_SIZE(kinds) && kinds[t->type] != NULL)
        (void)buf_append_str(b, kinds[t->type]);
    if (is_name || text.n <= 10) {
        literal_quote(b, text);
        return;
    }
    size_t n = 0;
    for (int i = 0; i < 10 && n < text.n; i++) {
        uint32_t cp;
        int len = utf8_decode(slice_skip(text, n), &cp);
        n += len > 0 ? (size_t)len : 1;
    }
    literal_quote(b, slice_new(text.p, n));
    (void)buf_append_str(b, "...");
}
