/* SPDX-License-Identifier: Apache-2.0 */
/* print.h - what print.c and print_selector.c share.  Private. */
#ifndef TOCSIN_LANG_PRINT_H
#define TOCSIN_LANG_PRINT_H
#include "core/base/buf.h"
#include "core/lang/ast.h"

void print_expr(struct buf *b, const struct expr *e); /* print.c */
void print_number(struct buf *b, double v);
void print_duration(struct buf *b, const struct lang_duration *d);
void print_modifiers(struct buf *b, const struct modifiers *m);
void print_selector(struct buf *b, const struct selector *sel);
/* A label or field: in quotes where it is no identifier. */
void print_label(struct buf *b, struct slice name);

#endif
