/* SPDX-License-Identifier: Apache-2.0 */
/* parser.h - what the parse_*.c share.  Private to core/lang.
 *
 * Recursive descent with one word of look-ahead.  A function that fails has
 * told why and returns NULL or false; the parser is 'dead' then and every
 * further word is the end. */
#ifndef TOCSIN_LANG_PARSER_H
#define TOCSIN_LANG_PARSER_H
#include "core/lang/ast.h"
#include "core/lang/lexer.h"
#include "core/lang/problems.h"

struct lang_catalog;

struct parser {
    struct lexer lx;
    struct token tok;  /* the next one, not yet taken */
    uint32_t last_end; /* of the token taken last */
    struct query *q;
    struct problems *ps;
    const struct lang_catalog *catalog;
    unsigned depth;
    unsigned aggregates; /* whose arguments are being read */
    const char *duration_context, *duration_expected; /* of messages */
    bool dead;
    bool oom;
};

void parser_advance(struct parser *p);
bool parser_accept(struct parser *p, enum tok type);
/* The word behind the next one. */
struct token parser_peek(const struct parser *p);
struct slice parser_text(const struct parser *p); /* of the next word */
bool parser_word_is(const struct parser *p, const char *word);

/* "unexpected X in CONTEXT, expected EXPECTED"; both may be "".  Kills. */
void parser_unexpected(struct parser *p, const char *context,
                       const char *expected);
bool parser_expect(struct parser *p, enum tok type, const char *context,
                   const char *expected);
/* Tells of an error that the rest of the text can be read without. */
#define parser_error(p, span, ...)                                             \
    problems_error((p)->ps, (span), NULL, __VA_ARGS__)
/* Tells of it and kills. */
#define parser_fatal(p, span, ...)                                             \
    do {                                                                       \
        problems_error((p)->ps, (span), NULL, __VA_ARGS__);                    \
        (p)->dead = true;                                                      \
    } while (0)

/* Cleared; NULL kills the parser. */
void *parser_alloc(struct parser *p, size_t n, size_t bytes);
#define parser_new(p, type) ((type *)parser_alloc((p), 1, sizeof(type)))
/* A vector in the arena that doubles: room for one more element. */
void *parser_grow(struct parser *p, void *vec, uint32_t n, size_t bytes);

struct expr *parser_expr(struct parser *p, enum expr_kind kind, uint32_t start);
/* Enters one level of nesting; false if that is one too many. */
bool parser_enter(struct parser *p);
static inline void
parser_leave(struct parser *p)
{
    p->depth--;
}
/* Sets the height from a child's; false if the tree is too high. */
bool parser_height(struct parser *p, struct expr *e, const struct expr *child);

/* The string token that comes next, unquoted, taken. */
bool parser_string(struct parser *p, struct slice *ret_s);
/* A number or duration token, in seconds, taken. */
bool parser_number(struct parser *p, double *ret_v);

/* A regular expression for the query to own; NULL after an error. */
const struct regex *parser_regex(struct parser *p, struct slice pattern,
                                 struct span span, bool search, bool dotall);

/* A template of a line ("line" or "label") for the query to own; NULL after an
 * error. */
const struct tmpl *parser_tmpl(struct parser *p, struct slice text,
                               const char *name, struct span span);

/* parse_expr.c */
struct expr *parse_expr(struct parser *p);
bool parse_expr_follows(const struct parser *p); /* may one begin here? */
/* "(a, b)"; the next word is what should be the parenthesis. */
bool parse_labels(struct parser *p, const struct slice **ret_labels,
                  uint32_t *ret_n);

/* parse_call.c */
struct expr *parse_call(struct parser *p);
struct expr *parse_aggregate(struct parser *p);

/* parse_duration.c */
bool parse_range_duration(struct parser *p, bool is_step,
                          struct lang_duration *ret_d);
bool parse_offset_duration(struct parser *p, struct lang_duration *ret_d);
struct expr *parse_duration_operand(struct parser *p);

/* parse_selector.c */
struct expr *parse_selector(struct parser *p);
bool parse_matcher_op(struct parser *p, enum matcher_op *ret_op);
/* What stands behind an operand: ranges, modifiers, pipelines. */
struct expr *parse_postfix(struct parser *p, struct expr *e);

/* parse_pipeline.c, parse_filter.c */
bool pipeline_follows(const struct parser *p, const struct expr *e);
bool parse_pipeline(struct parser *p, struct selector *sel);

/* The names that a pipeline may use where it stands. */
struct scope {
    struct parser *p;
    const struct selector *sel;
    bool open;                /* a parser made names that nobody declared */
    const struct slice *made; /* names that stages made */
    uint32_t made_count;
};
const struct pipe_filter *parse_filter(struct parser *p, struct scope *scope);
bool parse_ip(struct parser *p, struct slice *ret_text, struct ip_range *ret);

/* bind.c: what names mean. */
void bind_selector(struct parser *p, struct selector *sel,
                   struct matcher *matchers, struct span span);
void bind_pipeline(struct parser *p, struct selector *sel, struct span span);
/* The declared field of that name, or NULL; tells where there is none. */
const struct lang_field *bind_field(struct scope *scope, struct slice name,
                                    struct span span);
void bind_filter(struct parser *p, const struct pipe_filter *f);
void bind_matcher(struct parser *p, const struct matcher *m);
void bind_unwrap(struct parser *p, const struct pipe_stage *st,
                 struct span span);

/* types.c: the checks that need the whole tree. */
struct lang_support;
void types_check(struct problems *ps, struct expr *e);
void types_check_selector(struct problems *ps, struct expr *e);
/* support.c */
void support_check(struct problems *ps, const struct expr *e,
                   const struct lang_support *support);

#endif
