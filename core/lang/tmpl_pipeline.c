/* SPDX-License-Identifier: Apache-2.0 */
/* tmpl_pipeline.c - "$x := .Labels.job | printf "%s"", parsed. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "core/base/str.h"
#include "core/lang/lexer.h"
#include "core/lang/tmpl_parse.h"

static struct slice
text_of(const struct tparser *p)
{
    return slice_new(p->lx.text.p + p->tok.span.start,
                     p->tok.span.end - p->tok.span.start);
}

bool
tparser_enter(struct tparser *p)
{
    if (++p->depth <= TMPL_DEPTH_MAX)
        return true;
    tparser_fatal(p, p->tok.span, NULL,
                  "template is nested more than %d levels deep",
                  TMPL_DEPTH_MAX);
    return false;
}

/* --- constants ----------------------------------------------------------- */

/* Our own lexer knows Go's strings: the same escapes. */
bool
tparse_string(struct tparser *p, struct slice *ret_s)
{
    struct slice token = text_of(p);
    struct lexer lx;
    struct token t;
    lexer_init(&lx, token);
    lexer_next(&lx, &t);
    char *out = arena_alloc(&p->t->arena, token.n + 1);
    if (out == NULL) {
        p->oom = p->dead = true;
        return false;
    }
    ssize_t n = t.type == TOK_STRING ? literal_string(token, out) : -EINVAL;
    if (n < 0) {
        tparser_fatal(p, p->tok.span, NULL, "invalid syntax");
        return false;
    }
    *ret_s = slice_new(out, (size_t)n);
    tparser_advance(p);
    return true;
}

/* 'a' is the number of the character. */
static struct tnode *
parse_char(struct tparser *p)
{
    struct slice token = text_of(p);
    struct tnode *n = tparser_node(p, TN_INT, p->tok.span.start);
    const struct span span = p->tok.span;
    struct slice s;
    uint32_t cp = 0;
    if (n == NULL || !tparse_string(p, &s))
        return NULL;
    int len = utf8_decode(s, &cp);
    if (len <= 0 || (size_t)len != s.n) {
        tparser_fatal(p, span, NULL, "malformed character constant: %.*s",
                      SLICE_FMT(token));
        return NULL;
    }
    n->i = cp;
    n->span = span;
    return n;
}

/* 0x, 0o, 0b, a leading 0 for octal, '_' between; -EINVAL. */
static int
parse_go_int(struct slice s, int64_t *ret_i)
{
    bool minus = s.n > 0 && s.p[0] == '-';
    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'))
        s = slice_skip(s, 1);
    unsigned base = 10;
    char kind = s.n > 1 && s.p[0] == '0' ? str_lower(s.p[1]) : '\0';
    if (kind == 'x' || kind == 'o' || kind == 'b') {
        base = kind == 'x' ? 16 : kind == 'o' ? 8 : 2;
        s = slice_skip(s, 2);
    } else if (kind != '\0') {
        base = 8;
    }
    uint64_t v = 0;
    bool any = false;
    for (size_t i = 0; i < s.n; i++) {
        char c = str_lower(s.p[i]);
        if (c == '_' && i + 1 < s.n)
            continue;
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                                                : 99;
        if (digit >= base || v > ((uint64_t)INT64_MAX - digit) / base)
            return -EINVAL;
        v = v * base + digit;
        any = true;
    }
    *ret_i = minus ? -(int64_t)v : (int64_t)v;
    return any ? 0 : -EINVAL;
}

static struct tnode *
parse_number(struct tparser *p)
{
    struct slice token = text_of(p);
    struct tnode *n = tparser_node(p, TN_INT, p->tok.span.start);
    if (n == NULL)
        return NULL;
    n->span = p->tok.span;
    bool hex = memmem(token.p, token.n, "0x", 2) != NULL;
    bool is_float = memchr(token.p, '.', token.n) != NULL;
    for (size_t i = 0; i < token.n && !hex; i++)
        is_float |= str_lower(token.p[i]) == 'e';
    int r;
    if (is_float) {
        n->kind = TN_FLOAT;
        r = str_parse_double(token, 0, &n->f);
    } else {
        r = parse_go_int(token, &n->i);
        if (r < 0 && !hex) {
            n->kind = TN_FLOAT; /* beyond 64 bits */
            r = token.n > 18 ? str_parse_double(token, 0, &n->f) : -EINVAL;
        }
    }
    if (r < 0) {
        tparser_fatal(p, n->span, NULL, "bad number syntax: \"%.*s\"",
                      (int)MIN(token.n, (size_t)64), token.p);
        return NULL;
    }
    tparser_advance(p);
    return n;
}

/* --- operands ------------------------------------------------------------ */

static struct tnode *
parse_function(struct tparser *p)
{
    struct slice name = text_of(p);
    const struct tmpl_func *func = tmpl_func_find(name, p->t->is_line);
    if (func == NULL) {
        char nearest[HINT_MAX];
        tparser_fatal(p, p->tok.span,
                      tmpl_func_nearest(name, p->t->is_line, nearest),
                      "function \"%.*s\" not defined",
                      (int)MIN(name.n, (size_t)64), name.p);
        return NULL;
    }
    struct tnode *n = tparser_node(p, TN_IDENT, p->tok.span.start);
    if (n == NULL)
        return NULL;
    n->func = func;
    n->span = p->tok.span;
    tparser_advance(p);
    return n;
}

static struct tnode *
parse_variable(struct tparser *p)
{
    struct slice name = text_of(p);
    bool known = false;
    for (uint32_t i = 0; i < p->var_count; i++)
        known |= slice_eq(p->vars[i], name);
    if (!known) {
        tparser_fatal(p, p->tok.span, NULL, "undefined variable \"%.*s\"",
                      (int)MIN(name.n, (size_t)64), name.p);
        return NULL;
    }
    struct tnode *n = tparser_node(p, TN_VARIABLE, p->tok.span.start);
    if (n == NULL)
        return NULL;
    n->text = name;
    n->span = p->tok.span;
    tparser_advance(p);
    return n;
}

static struct tnode *
parse_paren(struct tparser *p)
{
    struct tnode *n = tparser_node(p, TN_CHAIN, p->tok.span.start);
    if (n == NULL || !tparser_enter(p))
        return NULL;
    tparser_advance(p);
    n->pipe = tparse_pipeline(p, "parenthesized pipeline", TT_RPAREN);
    n->span.end = p->last_end;
    p->depth--;
    return n->pipe == NULL ? NULL : n;
}

static struct tnode *
parse_simple(struct tparser *p, enum tn kind)
{
    struct tnode *n = tparser_node(p, kind, p->tok.span.start);
    if (n == NULL)
        return NULL;
    n->span = p->tok.span;
    n->b = kind == TN_BOOL && slice_eq_str(text_of(p), "true");
    tparser_advance(p);
    return n;
}

static struct tnode *
parse_term(struct tparser *p)
{
    struct tnode *n;
    switch (p->tok.type) {
    case TT_IDENT:
        return parse_function(p);
    case TT_DOT:
        return parse_simple(p, TN_DOT);
    case TT_NIL:
        return parse_simple(p, TN_NIL);
    case TT_BOOL:
        return parse_simple(p, TN_BOOL);
    case TT_FIELD: /* the path is read by the caller */
        return tparser_node(p, TN_FIELD, p->tok.span.start);
    case TT_VARIABLE:
        return parse_variable(p);
    case TT_NUMBER:
        return parse_number(p);
    case TT_CHAR_CONST:
        return parse_char(p);
    case TT_LPAREN:
        return parse_paren(p);
    case TT_STRING:
    case TT_RAW_STRING:
        n = tparser_node(p, TN_STRING, p->tok.span.start);
        if (n == NULL || !tparse_string(p, &n->text))
            return NULL;
        n->span.end = p->last_end;
        return n;
    default:
        return NULL;
    }
}

/* At the top a field of dot is one of four: another one always fails. */
static void
check_root(struct tparser *p, const struct tnode *n)
{
    static const char *const fields[] = {"Labels", "ExternalLabels",
                                         "ExternalURL", "Value"};
    if (n->kind != TN_FIELD || p->dots > 0)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        if (slice_eq_str(n->path[0], fields[i]))
            return;
    char nearest[HINT_MAX];
    problems_warn(p->ps, n->span,
                  hint_nearest(n->path[0], fields, ARRAY_SIZE(fields), nearest),
                  "there is no field \".%.*s\": expanding will fail",
                  (int)MIN(n->path[0].n, (size_t)64), n->path[0].p);
}

/* A term with the fields that follow it at once. */
static struct tnode *
parse_operand(struct tparser *p)
{
    struct tnode *n = parse_term(p);
    if (n == NULL)
        return NULL;
    struct slice *path = NULL;
    uint32_t count = 0;
    while (p->tok.type == TT_FIELD && (count == 0 || !p->tok.space) &&
           (n->kind == TN_FIELD || !p->tok.space)) {
        if ((count & (count - 1)) == 0) {
            struct slice *more =
                arena_new_array(&p->t->arena, struct slice, 2 * count + 1);
            if (more == NULL) {
                p->oom = p->dead = true;
                return NULL;
            }
            if (count > 0)
                memcpy(more, path, count * sizeof *path);
            path = more;
        }
        path[count++] = slice_skip(text_of(p), 1);
        tparser_advance(p);
    }
    n->path = path;
    n->path_count = count;
    if (count > 0)
        n->span.end = p->last_end;
    bool literal = n->kind >= TN_NIL && n->kind <= TN_STRING;
    if (count > 0 && (literal || n->kind == TN_DOT)) {
        tparser_fatal(p, n->span, NULL, "unexpected . after term \"%.*s\"",
                      (int)(path[0].p - 1 - (p->lx.text.p + n->span.start)),
                      p->lx.text.p + n->span.start);
        return NULL;
    }
    if (count > 0 || n->kind == TN_FIELD)
        check_root(p, n);
    return n;
}

/* --- commands ------------------------------------------------------------ */

static struct tnode *
parse_command(struct tparser *p, const char *context, enum tt end)
{
    struct tnode *cmd = tparser_node(p, TN_COMMAND, p->tok.span.start);
    if (cmd == NULL)
        return NULL;
    cmd->span.start = p->tok.span.start;
    struct tnode **tail = &cmd->body;
    for (;;) {
        struct tnode *n = parse_operand(p);
        if (p->dead)
            return NULL;
        if (n != NULL) {
            *tail = n;
            tail = &n->next;
            cmd->span.end = p->last_end;
            if (p->tok.space && p->tok.type != end && p->tok.type != TT_PIPE)
                continue;
        }
        if (p->tok.type != end && p->tok.type != TT_PIPE) {
            tparser_unexpected(p, cmd->body == NULL ? context : "operand");
            return NULL;
        }
        break;
    }
    if (cmd->body == NULL)
        tparser_fatal(p, p->tok.span, NULL, "empty command");
    return p->dead ? NULL : cmd;
}

/* "$x :=", "$i, $x :=", "$x =" */
static bool
parse_declaration(struct tparser *p, struct tnode *pipe, const char *context)
{
    struct tlexer ahead = p->lx;
    struct ttok t;
    if (p->tok.type != TT_VARIABLE)
        return true;
    tlexer_next(&ahead, &t);
    bool comma = t.type == TT_CHAR && ahead.text.p[t.span.start] == ',';
    if (t.type != TT_ASSIGN && t.type != TT_DECLARE && !comma)
        return true;
    for (;;) {
        if (p->tok.type != TT_VARIABLE) {
            tparser_unexpected(p, context);
            return false;
        }
        pipe->names[pipe->name_count++] = text_of(p);
        tparser_advance(p);
        comma = p->tok.type == TT_CHAR && text_of(p).p[0] == ',';
        if (!comma)
            break;
        if (pipe->name_count == 2 || strcmp(context, "range") != 0) {
            tparser_fatal(p, p->tok.span, NULL, "too many declarations in %s",
                          context);
            return false;
        }
        tparser_advance(p);
    }
    if (p->tok.type != TT_ASSIGN && p->tok.type != TT_DECLARE) {
        tparser_unexpected(p, context);
        return false;
    }
    pipe->assigns = p->tok.type == TT_ASSIGN;
    tparser_advance(p);
    return true;
}

/* An assignment needs variables that are there, a declaration makes them. */
static bool
declare(struct tparser *p, const struct tnode *pipe)
{
    for (uint32_t i = 0; i < pipe->name_count; i++) {
        bool known = false;
        for (uint32_t j = 0; j < p->var_count; j++)
            known |= slice_eq(p->vars[j], pipe->names[i]);
        if (pipe->assigns && !known) {
            tparser_fatal(p, pipe->span, NULL, "undefined variable \"%.*s\"",
                          (int)MIN(pipe->names[i].n, (size_t)64),
                          pipe->names[i].p);
            return false;
        }
        if (!pipe->assigns && !tparser_push_var(p, pipe->names[i]))
            return false;
    }
    return true;
}

static bool
check_stages(struct tparser *p, const struct tnode *pipe, const char *context)
{
    unsigned stage = 1;
    if (pipe->body == NULL) {
        tparser_fatal(p, p->tok.span, NULL, "missing value for %s", context);
        return false;
    }
    for (const struct tnode *c = pipe->body->next; c; c = c->next) {
        stage++;
        const struct tnode *first = c->body;
        if ((first->kind >= TN_DOT && first->kind <= TN_STRING)) {
            tparser_fatal(p, first->span, NULL,
                          "non executable command in pipeline stage %u", stage);
            return false;
        }
    }
    return true;
}

struct tnode *
tparse_pipeline(struct tparser *p, const char *context, enum tt end)
{
    struct tnode *pipe = tparser_node(p, TN_PIPE, p->tok.span.start);
    if (pipe == NULL || !parse_declaration(p, pipe, context))
        return NULL;
    pipe->span.start = p->tok.span.start;
    struct tnode **tail = &pipe->body;
    while (p->tok.type != end) {
        struct tnode *cmd = parse_command(p, context, end);
        if (cmd == NULL)
            return NULL;
        *tail = cmd;
        tail = &cmd->next;
        pipe->span.end = p->last_end;
        if (p->tok.type != TT_PIPE)
            break;
        tparser_advance(p);
        if (p->tok.type == end) {
            tparser_fatal(p, p->tok.span, NULL, "missing value for %s",
                          context);
            return NULL;
        }
    }
    if (!check_stages(p, pipe, context) || !declare(p, pipe))
        return NULL;
    tparser_advance(p);
    return pipe;
}
