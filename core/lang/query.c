/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>

#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/base/regex.h"
#include "core/lang/parser.h"
#include "core/lang/query.h"
#include "core/lang/template.h"

#define QUERY_MAGIC 0x71756572u /* "quer" */

struct query_regex {
    struct query_regex *next;
    struct regex *re;
};

struct query_tmpl {
    struct query_tmpl *next;
    struct tmpl *tmpl;
};

/* --- what the parse_*.c share -------------------------------------------- */

void
parser_advance(struct parser *p)
{
    p->last_end = p->tok.span.end;
    if (p->ps->errors >= QUERY_PROBLEMS_MAX)
        p->dead = true;
    if (p->dead)
        p->tok.type = TOK_EOF;
    else
        lexer_next(&p->lx, &p->tok);
}

bool
parser_accept(struct parser *p, enum tok type)
{
    if (p->tok.type != type || p->dead)
        return false;
    parser_advance(p);
    return true;
}

struct token
parser_peek(const struct parser *p)
{
    struct lexer ahead = p->lx;
    struct token t;
    lexer_next(&ahead, &t);
    return t;
}

struct slice
parser_text(const struct parser *p)
{
    return token_text(&p->lx, &p->tok);
}

bool
parser_word_is(const struct parser *p, const char *word)
{
    return (p->tok.type == TOK_IDENT || p->tok.type >= TOK_AGG) &&
           slice_eq_str(parser_text(p), word);
}

void
parser_unexpected(struct parser *p, const char *context, const char *expected)
{
    if (p->dead)
        return;
    p->dead = true;
    if (p->tok.type == TOK_ERROR || p->tok.type == TOK_QUANTITY) {
        problems_error(p->ps, p->tok.span, NULL, "%s", p->lx.error);
        return;
    }
    /* Only pipelines and braces know these. */
    bool regexp = p->tok.type == TOK_RE || p->tok.type == TOK_NRE;
    if (regexp && strcmp(context, "label matching") != 0 &&
        strcmp(context, "filter") != 0 && strcmp(context, "pipeline") != 0) {
        problems_error(p->ps, p->tok.span, NULL,
                       "unexpected character after '%c': '~'",
                       p->tok.type == TOK_RE ? '=' : '!');
        return;
    }
    if (*context == '\0' && p->aggregates > 0)
        context = "aggregation";
    AUTO_FINI(buf) what = BUF_INIT(512);
    token_describe(&p->lx, &p->tok, &what);
    problems_error(p->ps, p->tok.span, NULL, "unexpected %s%s%s%s%s",
                   buf_str(&what), *context ? " in " : "", context,
                   *expected ? ", expected " : "", expected);
}

bool
parser_expect(struct parser *p, enum tok type, const char *context,
              const char *expected)
{
    if (parser_accept(p, type))
        return true;
    parser_unexpected(p, context, expected);
    return false;
}

void *
parser_alloc(struct parser *p, size_t n, size_t bytes)
{
    void *mem = arena_calloc(&p->q->arena, n, bytes);
    if (mem == NULL)
        p->oom = p->dead = true;
    return mem;
}

void *
parser_grow(struct parser *p, void *vec, uint32_t n, size_t bytes)
{
    if (n != 0 && (n & (n - 1)) != 0)
        return vec;
    void *more = parser_alloc(p, n == 0 ? 1 : 2 * (size_t)n, bytes);
    if (more != NULL && n > 0)
        memcpy(more, vec, n * bytes);
    return more;
}

struct expr *
parser_expr(struct parser *p, enum expr_kind kind, uint32_t start)
{
    struct expr *e = parser_new(p, struct expr);
    if (e != NULL) {
        e->kind = kind;
        e->height = 1;
        e->span = (struct span){start, p->last_end};
    }
    return e;
}

bool
parser_enter(struct parser *p)
{
    if (++p->depth <= QUERY_DEPTH_MAX)
        return true;
    if (!p->dead)
        parser_fatal(p, p->tok.span,
                     "expression is nested more than %d levels deep",
                     QUERY_DEPTH_MAX);
    return false;
}

bool
parser_height(struct parser *p, struct expr *e, const struct expr *child)
{
    e->height = MAX(e->height, child->height + 1);
    if (e->height <= EXPR_HEIGHT_MAX)
        return true;
    if (!p->dead)
        parser_fatal(p, e->span,
                     "expression has more than %d operators in a row",
                     EXPR_HEIGHT_MAX);
    return false;
}

bool
parser_string(struct parser *p, struct slice *ret_s)
{
    struct slice token = parser_text(p);
    char *out = parser_alloc(p, token.n + 1, 1);
    if (out == NULL)
        return false;
    ssize_t n = literal_string(token, out);
    if (n < 0) {
        parser_fatal(p, p->tok.span, "invalid UTF-8 in string");
        return false;
    }
    *ret_s = slice_new(out, (size_t)n);
    parser_advance(p);
    return true;
}

bool
parser_number(struct parser *p, double *ret_v)
{
    struct slice token = parser_text(p);
    if (p->tok.type == TOK_NUMBER && literal_number(token, ret_v) < 0) {
        parser_fatal(p, p->tok.span, "error parsing number: \"%.*s\"",
                     (int)MIN(token.n, (size_t)64), token.p);
        return false;
    }
    if (p->tok.type == TOK_DURATION) {
        int r = literal_duration(token, ret_v);
        if (r == -ERANGE || (r == 0 && *ret_v > 9223372036.0)) {
            parser_fatal(p, p->tok.span, "duration out of range");
            return false;
        }
        if (r < 0) {
            parser_fatal(p, p->tok.span,
                         "not a valid duration string: \"%.*s\"",
                         (int)MIN(token.n, (size_t)64), token.p);
            return false;
        }
    }
    parser_advance(p);
    return true;
}

const struct regex *
parser_regex(struct parser *p, struct slice pattern, struct span span,
             bool search, bool dotall)
{
    /* LogQL's dot stops at a newline; base's full matches do not. */
    if (!search && !dotall && memchr(pattern.p, '.', pattern.n) != NULL) {
        char *wrapped =
            arena_printf(&p->q->arena, "(?-s:%.*s)", SLICE_FMT(pattern));
        if (wrapped == NULL) {
            p->oom = p->dead = true;
            return NULL;
        }
        pattern = slice_from_str(wrapped);
    }
    struct query_regex *own = parser_new(p, struct query_regex);
    if (own == NULL)
        return NULL;
    struct err err = ERR_INIT;
    int r =
        regex_new(pattern, search ? REGEX_SEARCH : REGEX_FULL, &own->re, &err);
    if (r == -ENOMEM) {
        p->oom = p->dead = true;
        return NULL;
    }
    if (r < 0) {
        problems_error(p->ps, span, err.hint[0] ? err.hint : NULL,
                       "error parsing regexp: %s", err.message);
        return NULL;
    }
    own->next = p->q->regexes;
    p->q->regexes = own;
    return own->re;
}

const struct tmpl *
parser_tmpl(struct parser *p, struct slice text, const char *name,
            struct span span)
{
    struct query_tmpl *own = parser_new(p, struct query_tmpl);
    if (own == NULL)
        return NULL;
    struct err err = ERR_INIT;
    int r = tmpl_parse_line(text, name, NULL, NULL, &own->tmpl, &err);
    if (r == -ENOMEM) {
        p->oom = p->dead = true;
        return NULL;
    }
    if (r < 0) {
        problems_error(p->ps, span, err.hint[0] ? err.hint : NULL,
                       "invalid %s template: %s", name, err.message);
        return NULL;
    }
    own->next = p->q->tmpls;
    p->q->tmpls = own;
    return own->tmpl;
}

/* --- queries ------------------------------------------------------------- */

static struct expr *
parse_text(struct parser *p)
{
    parser_advance(p);
    if (p->tok.type == TOK_EOF) {
        parser_fatal(p, p->tok.span, "no expression found in input");
        return NULL;
    }
    struct expr *e = parse_expr(p);
    if (e != NULL && p->tok.type != TOK_EOF)
        parser_unexpected(p, "", "");
    return p->dead ? NULL : e;
}

static int
query_run(struct query *q, const struct query_options *options,
          bool selector_only, struct problems *ps)
{
    struct parser p = {.q = q, .ps = ps, .catalog = options->catalog};
    ps->logql = options->logql;
    lexer_init(&p.lx, q->text);
    struct expr *e = parse_text(&p);
    if (p.oom)
        return -ENOMEM;
    if (e != NULL && ps->errors == 0 && selector_only)
        types_check_selector(ps, e);
    else if (e != NULL && ps->errors == 0)
        types_check(ps, e);
    if (e != NULL && ps->errors == 0 && options->support != NULL)
        support_check(ps, e, options->support);
    if (ps->errors > 0)
        return -EINVAL;
    q->root = e;
    return 0;
}

static int
query_make(struct slice text, const struct query_options *options,
           bool selector_only, struct query **ret_q, struct err *err)
{
    static const struct query_options none = {0};
    if (options == NULL)
        options = &none;
    struct problems problems = {.text = text,
                                .report = options->report,
                                .ctx = options->report_ctx,
                                .err = err,
                                .prefix = "parse error: "};
    struct problems *ps = &problems;
    if (text.n > QUERY_TEXT_MAX) {
        problems_error(ps, (struct span){0, 0}, NULL,
                       "expression is longer than %d bytes", QUERY_TEXT_MAX);
        return -EINVAL;
    }
    AUTO(query) *q = mem_new(struct query);
    if (q == NULL)
        return -ENOMEM;
    q->magic = QUERY_MAGIC;
    arena_init(&q->arena, MAX((size_t)2048, text.n * 4), QUERY_ARENA_MAX);
    if (arena_slice_dup(&q->arena, text, &q->text) < 0)
        return -ENOMEM;
    int r = query_run(q, options, selector_only, ps);
    if (r < 0)
        return r;
    *ret_q = TAKE(q);
    return 0;
}

int
query_parse(struct slice text, const struct query_options *options,
            struct query **ret_q, struct err *err)
{
    int r = query_make(text, options, /* selector_only= */ false, ret_q, err);
    if (r == -ENOMEM)
        return err_set(err, -ENOMEM, "out of memory for an expression");
    return r;
}

int
query_parse_selector(struct slice text, const struct query_options *options,
                     struct query **ret_q, struct err *err)
{
    int r = query_make(text, options, /* selector_only= */ true, ret_q, err);
    if (r == -ENOMEM)
        return err_set(err, -ENOMEM, "out of memory for a selector");
    return r;
}

void
query_free(struct query *q)
{
    if (q == NULL)
        return;
    CHECK_OBJ(q, QUERY_MAGIC);
    for (struct query_regex *r = q->regexes; r != NULL; r = r->next)
        regex_free(r->re);
    for (struct query_tmpl *t = q->tmpls; t != NULL; t = t->next)
        tmpl_free(t->tmpl);
    arena_fini(&q->arena);
    q->magic = 0;
    mem_free(q);
}
