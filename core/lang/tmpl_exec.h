/* SPDX-License-Identifier: Apache-2.0 */
/* tmpl_exec.h - what tmpl_exec.c and tmpl_eval.c share.  Private. */
#ifndef TOCSIN_LANG_TMPL_EXEC_H
#define TOCSIN_LANG_TMPL_EXEC_H
#include "core/lang/tmpl.h"

/* All of these return false after a failure. */

/* Fails at a node: the message says where. */
PRINTF_LIKE(3, 4)
bool texec_fail_at(struct texec *x, const struct tnode *n, const char *fmt,
                   ...);
/* Counts one step against the bounds. */
bool texec_step(struct texec *x, const struct tnode *n);
bool texec_push(struct texec *x, const struct tnode *n, struct slice name,
                struct tval v);
/* The i-th variable of a pipeline takes a value. */
bool texec_set(struct texec *x, const struct tnode *pipe, uint32_t i,
               struct tval v);

/* A field of what templates are given; false if there is none. */
bool teval_root(const struct tmpl_data *d, struct slice name,
                struct tval *ret_v);
/* The value of a pipeline, without and with setting its variables. */
bool teval_commands(struct texec *x, const struct tnode *pipe, struct tval dot,
                    struct tval *ret_v);
bool teval_pipe(struct texec *x, const struct tnode *pipe, struct tval dot,
                struct tval *ret_v);

#endif
