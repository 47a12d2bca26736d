/* SPDX-License-Identifier: Apache-2.0 */
/* tmpl_parse.c - from a template's words to its tree. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/lang/lexer.h"
#include "core/lang/problems.h"
#include "core/lang/tmpl.h"
#include "core/lang/tmpl_parse.h"

#define TMPL_MAGIC 0x746d706cu /* "tmpl" */

/* --- tools --------------------------------------------------------------- */

void
tparser_advance(struct tparser *p)
{
    p->last_end = p->tok.span.end;
    if (p->dead)
        p->tok.type = TT_EOF;
    else
        tlexer_next(&p->lx, &p->tok);
}

void
tparser_fatal(struct tparser *p, struct span span, const char *hint,
              const char *fmt, ...)
{
    if (p->dead)
        return;
    p->dead = true;
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    problems_error(p->ps, span, hint, "%s", text);
}

static struct slice
text_of(const struct tparser *p)
{
    return slice_new(p->lx.text.p + p->tok.span.start,
                     p->tok.span.end - p->tok.span.start);
}

void
tparser_unexpected(struct tparser *p, const char *context)
{
    struct slice text = text_of(p);
    AUTO_FINI(buf) what = BUF_INIT(256);
    if (p->tok.type == TT_ERROR) {
        tparser_fatal(p, p->tok.span, NULL, "%s", p->lx.error);
        return;
    }
    if (p->tok.type == TT_EOF)
        (void)buf_append_str(&what, "EOF");
    else if (p->tok.type > TT_KEYWORDS)
        (void)buf_printf(&what, "<%.*s>", SLICE_FMT(text));
    else if (text.n > 10) {
        literal_quote(&what, slice_new(text.p, 10));
        (void)buf_append_str(&what, "...");
    } else
        literal_quote(&what, text);
    if (p->tok.type == TT_EOF && *context == '\0')
        tparser_fatal(p, p->tok.span, NULL, "unexpected EOF");
    else
        tparser_fatal(p, p->tok.span, NULL, "unexpected %s in %s",
                      buf_str(&what), context);
}

struct tnode *
tparser_node(struct tparser *p, enum tn kind, uint32_t start)
{
    struct tnode *n = arena_new(&p->t->arena, struct tnode);
    if (n == NULL) {
        p->oom = p->dead = true;
        return NULL;
    }
    n->kind = kind;
    n->span = (struct span){start, p->last_end};
    return n;
}

bool
tparser_push_var(struct tparser *p, struct slice name)
{
    if (p->var_count == ARRAY_SIZE(p->vars)) {
        tparser_fatal(p, p->tok.span, NULL, "more than %zu variables",
                      ARRAY_SIZE(p->vars));
        return false;
    }
    p->vars[p->var_count++] = name;
    return true;
}

/* --- statements ---------------------------------------------------------- */

/* What ended a list of statements. */
enum list_end { LIST_ERROR, LIST_EOF, LIST_END, LIST_ELSE };

static enum list_end parse_list(struct tparser *p, struct tnode **ret_list);

static bool
expect_right(struct tparser *p, const char *context)
{
    if (p->tok.type == TT_RIGHT) {
        tparser_advance(p);
        return true;
    }
    tparser_unexpected(p, context);
    return false;
}

static struct tnode *parse_branch(struct tparser *p, enum tn kind,
                                  const char *context);

/* After {{else: another if or with, or statements up to the end. */
static bool
parse_else(struct tparser *p, struct tnode *n, const char *context)
{
    bool chained = (n->kind == TN_IF && p->tok.type == TT_IF) ||
                   (n->kind == TN_WITH && p->tok.type == TT_WITH);
    if (chained) {
        tparser_advance(p);
        n->orelse = parse_branch(p, n->kind, context);
        return n->orelse != NULL;
    }
    if (!expect_right(p, "else"))
        return false;
    enum list_end end = parse_list(p, &n->orelse);
    if (end == LIST_ELSE)
        tparser_fatal(p, p->tok.span, NULL, "expected end; found {{else}}");
    if (end == LIST_EOF)
        tparser_unexpected(p, "");
    return end == LIST_END && expect_right(p, "end");
}

/* The rest of {{if …}}, {{range …}} and {{with …}} with its {{end}}. */
static struct tnode *
parse_branch(struct tparser *p, enum tn kind, const char *context)
{
    const uint32_t vars = p->var_count;
    struct tnode *n = tparser_node(p, kind, p->action_start);
    if (n == NULL || !tparser_enter(p))
        return NULL;
    n->pipe = tparse_pipeline(p, context, TT_RIGHT);
    if (n->pipe == NULL)
        return NULL;
    n->span.end = p->last_end;
    p->ranges += kind == TN_RANGE;
    p->dots++;
    enum list_end end = parse_list(p, &n->body);
    p->ranges -= kind == TN_RANGE;
    if (end == LIST_EOF)
        tparser_unexpected(p, "");
    bool ok = end == LIST_END    ? expect_right(p, "end")
              : end == LIST_ELSE ? parse_else(p, n, context)
                                 : false;
    p->dots--;
    p->var_count = vars;
    p->depth--;
    return ok ? n : NULL;
}

static bool
parse_name(struct tparser *p, const char *context, struct slice *ret_name)
{
    if (p->tok.type != TT_STRING && p->tok.type != TT_RAW_STRING) {
        tparser_unexpected(p, context);
        return false;
    }
    return tparse_string(p, ret_name);
}

static struct tnode *
parse_template(struct tparser *p)
{
    struct tnode *n = tparser_node(p, TN_TEMPLATE, p->action_start);
    if (n == NULL || !parse_name(p, "template clause", &n->text))
        return NULL;
    if (p->tok.type != TT_RIGHT) {
        n->pipe = tparse_pipeline(p, "template clause", TT_RIGHT);
        if (n->pipe == NULL)
            return NULL;
    } else {
        tparser_advance(p);
    }
    n->span.end = p->last_end;
    return n;
}

/* The statements of {{define}} and {{block}}, which see no variables but $. */
static bool
parse_body(struct tparser *p, struct slice name)
{
    struct tmpl_def *def = arena_new(&p->t->arena, struct tmpl_def);
    if (def == NULL) {
        p->oom = p->dead = true;
        return false;
    }
    struct tparser outer = *p;
    p->var_count = p->ranges = 0;
    p->dots++;
    if (!tparser_enter(p) || !tparser_push_var(p, SLICE("$")))
        return false;
    enum list_end end = parse_list(p, &def->body);
    if (end == LIST_EOF)
        tparser_unexpected(p, "");
    if (end == LIST_ELSE)
        tparser_fatal(p, p->tok.span, NULL, "unexpected {{else}}");
    if (end != LIST_END || !expect_right(p, "define clause"))
        return false;
    p->var_count = outer.var_count;
    memcpy(p->vars, outer.vars, sizeof p->vars);
    p->ranges = outer.ranges;
    p->dots = outer.dots;
    p->depth--;
    def->name = name;
    def->next = p->t->defs;
    p->t->defs = def;
    return true;
}

static bool
parse_define(struct tparser *p)
{
    struct slice name;
    return parse_name(p, "define clause", &name) &&
           expect_right(p, "define clause") && parse_body(p, name);
}

static struct tnode *
parse_block(struct tparser *p)
{
    struct tnode *n = tparser_node(p, TN_TEMPLATE, p->action_start);
    if (n == NULL || !parse_name(p, "block clause", &n->text))
        return NULL;
    n->pipe = tparse_pipeline(p, "block clause", TT_RIGHT);
    if (n->pipe == NULL || !parse_body(p, n->text))
        return NULL;
    return n;
}

static struct tnode *
parse_loop_exit(struct tparser *p, enum tn kind)
{
    const char *word = kind == TN_BREAK ? "{{break}}" : "{{continue}}";
    if (p->ranges == 0) {
        tparser_fatal(p, p->tok.span, NULL, "%s outside {{range}}", word);
        return NULL;
    }
    struct tnode *n = tparser_node(p, kind, p->action_start);
    return n != NULL && expect_right(p, word) ? n : NULL;
}

static struct tnode *
parse_action(struct tparser *p)
{
    const enum tt type = p->tok.type;
    if (type == TT_DEFINE) {
        tparser_unexpected(p, "command");
        return NULL;
    }
    if (type > TT_KEYWORDS && type != TT_NIL)
        tparser_advance(p);
    switch (type) {
    case TT_IF:
        return parse_branch(p, TN_IF, "if");
    case TT_RANGE:
        return parse_branch(p, TN_RANGE, "range");
    case TT_WITH:
        return parse_branch(p, TN_WITH, "with");
    case TT_TEMPLATE:
        return parse_template(p);
    case TT_BLOCK:
        return parse_block(p);
    case TT_BREAK:
        return parse_loop_exit(p, TN_BREAK);
    case TT_CONTINUE:
        return parse_loop_exit(p, TN_CONTINUE);
    default:
        break;
    }
    struct tnode *n = tparser_node(p, TN_ACTION, p->action_start);
    if (n == NULL)
        return NULL;
    n->pipe = tparse_pipeline(p, "command", TT_RIGHT);
    n->span.end = p->last_end;
    return n->pipe == NULL ? NULL : n;
}

static struct tnode *
parse_text(struct tparser *p)
{
    struct tnode *n = tparser_node(p, TN_TEXT, p->tok.span.start);
    if (n == NULL)
        return NULL;
    n->text = text_of(p);
    n->span = p->tok.span;
    tparser_advance(p);
    return n;
}

static enum list_end
parse_list(struct tparser *p, struct tnode **ret_list)
{
    struct tnode **tail = ret_list;
    while (p->tok.type != TT_EOF) {
        struct tnode *n = NULL;
        if (p->tok.type == TT_TEXT) {
            n = parse_text(p);
        } else if (p->tok.type != TT_LEFT) {
            tparser_unexpected(p, "input");
        } else {
            p->action_start = p->tok.span.start;
            tparser_advance(p);
            if (p->tok.type == TT_END || p->tok.type == TT_ELSE) {
                bool end = p->tok.type == TT_END;
                tparser_advance(p);
                return end ? LIST_END : LIST_ELSE;
            }
            if (p->tok.type == TT_DEFINE && p->depth == 0) {
                tparser_advance(p);
                if (!parse_define(p))
                    return LIST_ERROR;
                continue;
            }
            n = parse_action(p);
        }
        if (n == NULL)
            return LIST_ERROR;
        *tail = n;
        tail = &n->next;
    }
    return p->dead ? LIST_ERROR : LIST_EOF;
}

/* --- templates ----------------------------------------------------------- */

static int
parse(struct tmpl *t, struct problems *ps)
{
    static const struct slice predefined[] = {
        SLICE_INIT("$"), SLICE_INIT("$labels"), SLICE_INIT("$externalLabels"),
        SLICE_INIT("$externalURL"), SLICE_INIT("$value")};
    struct tparser *p = mem_new(struct tparser);
    if (p == NULL)
        return -ENOMEM;
    p->t = t;
    p->ps = ps;
    for (size_t i = 0; i < (t->is_line ? 1 : ARRAY_SIZE(predefined)); i++)
        (void)tparser_push_var(p, predefined[i]);
    tlexer_init(&p->lx, t->text);
    tparser_advance(p);
    enum list_end end = parse_list(p, &t->body);
    if (end == LIST_END || end == LIST_ELSE)
        tparser_fatal(p, (struct span){p->action_start, p->tok.span.end}, NULL,
                      end == LIST_END ? "unexpected {{end}}"
                                      : "unexpected {{else}}");
    bool oom = p->oom;
    mem_free(p);
    return oom ? -ENOMEM : ps->errors > 0 ? -EINVAL : 0;
}

static int
make(struct slice text, const char *name, bool is_line, struct problems *ps,
     struct tmpl **ret_t)
{
    AUTO(tmpl) *t = mem_new(struct tmpl);
    if (t == NULL)
        return -ENOMEM;
    t->magic = TMPL_MAGIC;
    t->is_line = is_line;
    arena_init(&t->arena, MAX((size_t)1024, text.n * 4),
               TMPL_MEMORY_MAX + 64 * text.n);
    t->name = arena_strdup(&t->arena, name);
    if (t->name == NULL || arena_slice_dup(&t->arena, text, &t->text) < 0)
        return -ENOMEM;
    if (text.n > TMPL_TEXT_MAX) {
        problems_error(ps, (struct span){0, 0}, NULL,
                       "template is longer than %d bytes", TMPL_TEXT_MAX);
        return -EINVAL;
    }
    int r = parse(t, ps);
    if (r < 0)
        return r;
    *ret_t = TAKE(t);
    return 0;
}

struct source {
    struct slice text;
    const char *name;
    bool is_line;
};

static int
parse_source(const struct source *from, problem_fn report, void *report_ctx,
             struct tmpl **ret_t, struct err *err)
{
    struct err first = ERR_INIT;
    struct problems ps = {.text = from->text,
                          .report = report,
                          .ctx = report_ctx,
                          .err = &first,
                          .prefix = ""};
    int r = make(from->text, from->name, from->is_line, &ps, ret_t);
    if (r == -ENOMEM)
        return err_set(err, -ENOMEM, "out of memory for a template");
    if (r < 0 && err != NULL) {
        (void)err_set_at(err, r, NULL, first.line, first.column,
                         "error parsing template %s: template: %s:%u: %s",
                         from->name, from->name, first.line, first.message);
        if (first.hint[0] != '\0')
            err_hint(err, "%s", first.hint);
    }
    return r;
}

int
tmpl_parse(struct slice text, const char *name, problem_fn report,
           void *report_ctx, struct tmpl **ret_t, struct err *err)
{
    const struct source from = {text, name, false};
    return parse_source(&from, report, report_ctx, ret_t, err);
}

int
tmpl_parse_line(struct slice text, const char *name, problem_fn report,
                void *report_ctx, struct tmpl **ret_t, struct err *err)
{
    const struct source from = {text, name, true};
    return parse_source(&from, report, report_ctx, ret_t, err);
}

void
tmpl_free(struct tmpl *t)
{
    if (t == NULL)
        return;
    CHECK_OBJ(t, TMPL_MAGIC);
    arena_fini(&t->arena);
    t->magic = 0;
    mem_free(t);
}

bool
tmpl_is_constant(const struct tmpl *t)
{
    return t->body == NULL ||
           (t->body->kind == TN_TEXT && t->body->next == NULL &&
            t->defs == NULL && t->body->text.n == t->text.n);
}
