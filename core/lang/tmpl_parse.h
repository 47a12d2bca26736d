/* SPDX-License-Identifier: Apache-2.0 */
/* tmpl_parse.h - what tmpl_parse.c and tmpl_pipeline.c share.  Private. */
#ifndef TOCSIN_LANG_TMPL_PARSE_H
#define TOCSIN_LANG_TMPL_PARSE_H
#include "core/lang/problems.h"
#include "core/lang/tmpl.h"

struct tparser {
    struct tlexer lx;
    struct ttok tok;
    uint32_t last_end;
    uint32_t action_start;
    struct tmpl *t;
    struct problems *ps;
    struct slice vars[256]; /* in scope, with their '$' */
    uint32_t var_count;
    uint32_t ranges; /* that we are in */
    uint32_t dots;   /* changes of dot that we are in */
    uint32_t depth;
    bool dead, oom;
};

void tparser_advance(struct tparser *p);
PRINTF_LIKE(4, 5)
void tparser_fatal(struct tparser *p, struct span span, const char *hint,
                   const char *fmt, ...);
void tparser_unexpected(struct tparser *p, const char *context);
struct tnode *tparser_node(struct tparser *p, enum tn kind, uint32_t start);
bool tparser_push_var(struct tparser *p, struct slice name);
bool tparser_enter(struct tparser *p); /* leaving: depth-- */

/* Up to and with 'end'. */
struct tnode *tparse_pipeline(struct tparser *p, const char *context,
                              enum tt end);
bool tparse_string(struct tparser *p, struct slice *ret_s);

#endif
