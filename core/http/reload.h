/* SPDX-License-Identifier: Apache-2.0 */
/* reload.h - POST /-/reload, as Prometheus has it. */
#ifndef TOCSIN_HTTP_RELOAD_H
#define TOCSIN_HTTP_RELOAD_H

struct buf;
struct collector;

/* Has the rules read again and waits for how it went: the status to answer
 * with, and the text in 'b'. */
unsigned reload_answer(struct collector *c, struct buf *b);
#endif
