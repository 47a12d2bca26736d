/* SPDX-License-Identifier: Apache-2.0 */
/* parse_pipeline.c - the stages behind a stream: LogQL's. */
#include "config.h"

#include "core/base/regex.h"
#include "core/lang/extract.h"
#include "core/lang/matcher.h"
#include "core/lang/parser.h"

static bool
ip_follows(const struct parser *p, const struct token *word)
{
    return word->type == TOK_IDENT &&
           slice_eq_str(token_text(&p->lx, word), "ip");
}

/* "!=" is a comparison unless a text follows it. */
bool
pipeline_follows(const struct parser *p, const struct expr *e)
{
    if (e->kind != EXPR_SELECTOR)
        return false;
    if (p->tok.type >= TOK_PIPE && p->tok.type <= TOK_NOT_PATTERN)
        return true;
    if (p->tok.type != TOK_NE && p->tok.type != TOK_NRE)
        return false;
    struct token next = parser_peek(p);
    if (next.type == TOK_STRING || p->tok.type == TOK_NRE)
        return true;
    if (!ip_follows(p, &next))
        return false;
    struct lexer ahead = p->lx;
    lexer_next(&ahead, &next);
    lexer_next(&ahead, &next);
    return next.type == TOK_LPAREN;
}

/* --- line filters -------------------------------------------------------- */

bool
parse_ip(struct parser *p, struct slice *ret_text, struct ip_range *ret)
{
    parser_advance(p);
    if (!parser_expect(p, TOK_LPAREN, "ip filter", "\"(\""))
        return false;
    if (p->tok.type != TOK_STRING) {
        parser_unexpected(p, "ip filter", "string");
        return false;
    }
    const struct span span = p->tok.span;
    if (!parser_string(p, ret_text))
        return false;
    if (ip_range_parse(*ret_text, ret) < 0)
        problems_error(p->ps, span,
                       "\"10.0.0.1\", \"10.0.0.0/8\" or "
                       "\"10.0.0.1-10.0.0.9\"",
                       "ip: invalid pattern: no IP address, network or range: "
                       "\"%.*s\"",
                       SLICE_FMT(*ret_text));
    return parser_expect(p, TOK_RPAREN, "ip filter", "\")\"");
}

static const struct pattern *
parse_pattern(struct parser *p, struct slice text, struct span span,
              bool filter)
{
    const struct pattern *made = NULL;
    const char *wrong =
        pattern_parse(&p->q->arena, text, filter, &made, &p->oom);
    p->dead |= p->oom;
    if (wrong != NULL && !p->oom)
        problems_error(p->ps, span, "<name> takes a text, <_> leaves it out",
                       "pattern: %s", wrong);
    return made;
}

static bool
parse_line_text(struct parser *p, enum line_op op, struct line_text *t)
{
    const uint32_t start = p->tok.span.start;
    if (ip_follows(p, &p->tok)) {
        if (op != LINE_CONTAINS && op != LINE_NOT_CONTAINS)
            parser_error(p, p->tok.span,
                         "ip: invalid operation: ip() needs \"|=\" or \"!=\"");
        t->is_ip = true;
        if (!parse_ip(p, &t->text, &t->ip))
            return false;
    } else if (p->tok.type != TOK_STRING) {
        parser_unexpected(p, "line filter", "string or ip()");
        return false;
    } else if (!parser_string(p, &t->text)) {
        return false;
    }
    t->span = (struct span){start, p->last_end};
    if ((op == LINE_RE || op == LINE_NOT_RE) && !t->is_ip)
        t->re = parser_regex(p, t->text, t->span, /* search= */ true,
                             /* dotall= */ false);
    if ((op == LINE_PATTERN || op == LINE_NOT_PATTERN) && !t->is_ip)
        t->pattern = parse_pattern(p, t->text, t->span, /* filter= */ true);
    return true;
}

static bool
or_text_follows(const struct parser *p)
{
    if (p->tok.type != TOK_OR)
        return false;
    struct token next = parser_peek(p);
    return next.type == TOK_STRING || ip_follows(p, &next);
}

static bool
parse_line_filter(struct parser *p, struct pipe_stage *st)
{
    static const struct {
        enum tok tok;
        enum line_op op;
    } ops[] = {
        {TOK_PIPE_EQ, LINE_CONTAINS},     {TOK_NE, LINE_NOT_CONTAINS},
        {TOK_PIPE_RE, LINE_RE},           {TOK_NRE, LINE_NOT_RE},
        {TOK_PIPE_PATTERN, LINE_PATTERN}, {TOK_NOT_PATTERN, LINE_NOT_PATTERN},
    };
    st->kind = STAGE_LINE_FILTER;
    for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
        if (ops[i].tok == p->tok.type)
            st->line.op = ops[i].op;
    struct line_text *texts = NULL;
    uint32_t n = 0;
    do {
        parser_advance(p);
        texts = parser_grow(p, texts, n, sizeof *texts);
        if (texts == NULL)
            return false;
        texts[n] = (struct line_text){0};
        if (!parse_line_text(p, st->line.op, &texts[n]))
            return false;
        n++;
    } while (or_text_follows(p));
    st->line.texts = texts;
    st->line.count = n;
    return true;
}

/* --- stages with names --------------------------------------------------- */

static bool
parse_name(struct parser *p, struct slice *ret_name)
{
    if (!tok_is_label(p->tok.type) || p->tok.type == TOK_METRIC_IDENT) {
        parser_unexpected(p, "pipeline", "label name");
        return false;
    }
    *ret_name = parser_text(p);
    parser_advance(p);
    return true;
}

static bool
add_made(struct scope *scope, struct slice name)
{
    struct slice *made = parser_grow(scope->p, (void *)(uintptr_t)scope->made,
                                     scope->made_count, sizeof *made);
    if (made == NULL)
        return false;
    made[scope->made_count++] = name;
    scope->made = made;
    return true;
}

/* Where json finds an item. */
static bool
parse_path(struct parser *p, const struct pipe_stage *st,
           struct pipe_item *item, struct span span)
{
    struct slice text = item->source.n > 0 ? item->source : item->name;
    if (st->kind != STAGE_JSON)
        return true;
    bool oom;
    const char *wrong =
        path_parse(&p->q->arena, text, &item->path, &item->path_length, &oom);
    p->oom |= oom;
    p->dead |= oom;
    if (wrong != NULL && !oom)
        problems_error(p->ps, span, NULL, "cannot parse expression [%.*s]: %s",
                       (int)MIN(text.n, (size_t)64), text.p, wrong);
    return !oom;
}

/* 'a="b.c"', 'a=b' or 'a' of json, logfmt and label_format. */
static bool
parse_source(struct parser *p, struct scope *scope, struct pipe_stage *st,
             struct pipe_item *item)
{
    bool is_format = st->kind == STAGE_LABEL_FORMAT;
    if (!parser_accept(p, TOK_ASSIGN)) {
        if (is_format)
            parser_unexpected(p, "label_format", "\"=\"");
        return !is_format && parse_path(p, st, item, item->span) &&
               add_made(scope, item->name);
    }
    const struct span span = p->tok.span;
    if (p->tok.type == TOK_STRING) {
        item->is_template = is_format;
        if (!parser_string(p, &item->source))
            return false;
        if (is_format)
            item->tmpl = parser_tmpl(p, item->source, "label", span);
        else if (!parse_path(p, st, item, span))
            return false;
    } else if (is_format && p->tok.type == TOK_IDENT) {
        item->is_label = true;
        item->source = parser_text(p);
        (void)bind_field(scope, item->source, p->tok.span);
        parser_advance(p);
    } else {
        parser_unexpected(p, "pipeline", "string");
        return false;
    }
    return add_made(scope, item->name);
}

/* 'a' or 'a="b"' of drop and keep. */
static bool
parse_condition(struct parser *p, struct pipe_item *item)
{
    struct matcher *m = parser_new(p, struct matcher);
    if (m == NULL)
        return false;
    if (!parse_matcher_op(p, &m->op))
        return true;
    m->name = item->name;
    if (p->tok.type != TOK_STRING) {
        parser_unexpected(p, "pipeline", "string");
        return false;
    }
    if (!parser_string(p, &m->value))
        return false;
    m->span = (struct span){item->span.start, p->last_end};
    if (m->op >= MATCHER_RE)
        m->re = parser_regex(p, m->value, m->span, /* search= */ false,
                             /* dotall= */ false);
    item->matcher = m;
    return true;
}

static bool
parse_items(struct parser *p, struct scope *scope, struct pipe_stage *st)
{
    struct pipe_item *items = NULL;
    uint32_t n = 0;
    do {
        items = parser_grow(p, items, n, sizeof *items);
        if (items == NULL)
            return false;
        items[n] = (struct pipe_item){.span = p->tok.span};
        if (!parse_name(p, &items[n].name))
            return false;
        bool conditional = st->kind == STAGE_DROP || st->kind == STAGE_KEEP;
        if (!(conditional ? parse_condition(p, &items[n])
                          : parse_source(p, scope, st, &items[n])))
            return false;
        items[n].span.end = p->last_end;
        n++;
    } while (parser_accept(p, TOK_COMMA));
    st->items = items;
    st->item_count = n;
    return true;
}

/* "--strict" and "--keep-empty": the lexer sees signs and words. */
static bool
parse_logfmt_flags(struct parser *p, struct pipe_stage *st)
{
    while (p->tok.type == TOK_SUB) {
        const uint32_t start = p->tok.span.start;
        parser_advance(p);
        bool dashes = parser_accept(p, TOK_SUB);
        if (dashes && parser_word_is(p, "strict")) {
            st->strict = true;
            parser_advance(p);
            continue;
        }
        bool keep = dashes && parser_word_is(p, "keep");
        if (keep) {
            parser_advance(p);
            keep = parser_accept(p, TOK_SUB) && parser_word_is(p, "empty");
        }
        if (!keep) {
            parser_fatal(p, ((struct span){start, p->tok.span.end}),
                         "unknown flag of logfmt, expected --strict or "
                         "--keep-empty");
            return false;
        }
        st->keep_empty = true;
        parser_advance(p);
    }
    return true;
}

static bool
parse_extract(struct parser *p, struct scope *scope, struct pipe_stage *st)
{
    if (st->kind == STAGE_LOGFMT && !parse_logfmt_flags(p, st))
        return false;
    if (p->tok.type == TOK_IDENT)
        return parse_items(p, scope, st);
    scope->open = true;
    return true;
}

/* Its named groups become labels. */
static void
parse_regexp(struct parser *p, struct pipe_stage *st, struct span span)
{
    st->re = parser_regex(p, st->text, span, /* search= */ true,
                          /* dotall= */ false);
    size_t n = st->re == NULL ? 0 : regex_group_count(st->re), named = 0;
    for (size_t i = 1; i <= n; i++)
        named += regex_group_name(st->re, i) != NULL;
    if (st->re != NULL && named == 0)
        problems_error(p->ps, span, "(?P<name>…)",
                       "at least one named capture must be supplied");
}

static bool
parse_text_stage(struct parser *p, struct scope *scope, struct pipe_stage *st)
{
    if (p->tok.type != TOK_STRING) {
        parser_unexpected(p, stage_kind_name(st->kind), "string");
        return false;
    }
    const struct span span = p->tok.span;
    if (!parser_string(p, &st->text))
        return false;
    if (st->kind == STAGE_REGEXP)
        parse_regexp(p, st, span);
    else if (st->kind == STAGE_PATTERN)
        st->pattern = parse_pattern(p, st->text, span, /* filter= */ false);
    else
        st->tmpl = parser_tmpl(p, st->text, "line", span);
    scope->open |= st->kind != STAGE_LINE_FORMAT;
    return true;
}

static bool
parse_unwrap(struct parser *p, struct scope *scope, struct pipe_stage *st)
{
    static const struct {
        const char *name;
        enum unwrap_as as;
    } conversions[] = {{"bytes", UNWRAP_BYTES},
                       {"duration", UNWRAP_DURATION},
                       {"duration_seconds", UNWRAP_DURATION}};
    bool converts = false;
    if (p->tok.type == TOK_IDENT && parser_peek(p).type == TOK_LPAREN) {
        for (size_t i = 0; i < ARRAY_SIZE(conversions); i++) {
            if (slice_eq_str(parser_text(p), conversions[i].name)) {
                st->as = conversions[i].as;
                converts = true;
            }
        }
        if (!converts) {
            parser_unexpected(p, "unwrap",
                              "bytes, duration or duration_seconds");
            return false;
        }
        parser_advance(p);
        parser_advance(p);
    }
    const struct span span = p->tok.span;
    if (!parse_name(p, &st->name))
        return false;
    if (converts && !parser_expect(p, TOK_RPAREN, "unwrap", "\")\""))
        return false;
    st->field = bind_field(scope, st->name, span);
    bind_unwrap(p, st, span);
    return true;
}

/* --- stages -------------------------------------------------------------- */

static bool
compare_follows(const struct parser *p)
{
    enum tok next = parser_peek(p).type;
    return next == TOK_ASSIGN || next == TOK_RE || next == TOK_NRE ||
           (next >= TOK_EQ && next <= TOK_GE);
}

static bool
unknown_stage(struct parser *p)
{
    const char *names[STAGE_KIND_COUNT];
    size_t n = 0;
    for (unsigned i = STAGE_JSON; i < STAGE_KIND_COUNT; i++)
        names[n++] = stage_kind_name((enum stage_kind)i);
    char hint[HINT_MAX];
    if (p->tok.type != TOK_IDENT) {
        parser_unexpected(p, "pipeline", "a stage or a filter");
        return false;
    }
    problems_error(p->ps, p->tok.span,
                   hint_nearest(parser_text(p), names, n, hint),
                   "unknown stage \"%.*s\" in pipeline",
                   (int)MIN(parser_text(p).n, (size_t)64), parser_text(p).p);
    p->dead = true;
    return false;
}

static bool
parse_named_stage(struct parser *p, struct scope *scope, struct pipe_stage *st)
{
    unsigned kind = STAGE_JSON;
    while (kind < STAGE_KIND_COUNT &&
           !parser_word_is(p, stage_kind_name((enum stage_kind)kind)))
        kind++;
    if (kind == STAGE_KIND_COUNT)
        return unknown_stage(p);
    if (scope->sel->unwrap != NULL)
        parser_error(p, p->tok.span,
                     "only label filters may stand behind \"unwrap\"");
    st->kind = (enum stage_kind)kind;
    parser_advance(p);
    switch (st->kind) {
    case STAGE_JSON:
    case STAGE_LOGFMT:
        return parse_extract(p, scope, st);
    case STAGE_REGEXP:
    case STAGE_PATTERN:
    case STAGE_LINE_FORMAT:
        return parse_text_stage(p, scope, st);
    case STAGE_LABEL_FORMAT:
    case STAGE_DROP:
    case STAGE_KEEP:
        return parse_items(p, scope, st);
    case STAGE_UNWRAP:
        return parse_unwrap(p, scope, st);
    case STAGE_UNPACK:
        scope->open = true;
        return true;
    default:
        return true;
    }
}

static bool
parse_stage(struct parser *p, struct scope *scope, struct pipe_stage *st)
{
    if (p->tok.type != TOK_PIPE) {
        if (scope->sel->unwrap != NULL)
            parser_error(p, p->tok.span,
                         "only label filters may stand behind \"unwrap\"");
        return parse_line_filter(p, st);
    }
    parser_advance(p);
    bool is_filter = p->tok.type == TOK_LPAREN ||
                     (tok_is_label(p->tok.type) && compare_follows(p));
    if (!is_filter)
        return parse_named_stage(p, scope, st);
    st->kind = STAGE_FILTER;
    st->filter = parse_filter(p, scope);
    return st->filter != NULL;
}

bool
parse_pipeline(struct parser *p, struct selector *sel)
{
    struct scope scope = {.p = p, .sel = sel};
    struct pipe_stage *tail = NULL;
    if (sel->pipeline != NULL) {
        parser_unexpected(p, "", "");
        return false;
    }
    for (;;) {
        const uint32_t start = p->tok.span.start;
        struct pipe_stage *st = parser_new(p, struct pipe_stage);
        if (st == NULL || !parse_stage(p, &scope, st))
            return false;
        st->span = (struct span){start, p->last_end};
        if (tail == NULL)
            sel->pipeline = st;
        else
            tail->next = st;
        tail = st;
        if (st->kind == STAGE_UNWRAP)
            sel->unwrap = st;
        bool more =
            (p->tok.type >= TOK_PIPE && p->tok.type <= TOK_NOT_PATTERN) ||
            p->tok.type == TOK_NE || p->tok.type == TOK_NRE;
        if (!more || p->dead)
            return !p->dead;
    }
}
