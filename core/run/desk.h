/* SPDX-License-Identifier: Apache-2.0 */
/* desk.h - where other threads ask the main thread for a reload, and wait for
 * how it went. */
#ifndef TOCSIN_RUN_DESK_H
#define TOCSIN_RUN_DESK_H
#include "core/base/auto.h"
#include "core/base/err.h"
#include "core/base/types.h"

struct desk;

MUST_CHECK struct desk *desk_new(void);
void desk_free(struct desk *d); /* nobody waits */

/* Asks, and waits for the answer, at most so long.  Who asks while somebody
 * waits gets the same answer.  0, or what the reload returned with its error;
 * -ETIMEDOUT; -ESHUTDOWN after desk_close().  Thread: any. */
MUST_CHECK int desk_ask(struct desk *d, usec_t timeout_us, struct err *err);

/* Thread: main.  Is a reload asked for?  It is to be answered then. */
bool desk_is_asked(struct desk *d);
/* To all who asked before desk_is_asked() said so. */
void desk_answer(struct desk *d, int result, const char *message);
/* Nobody will be answered any more; 'why' is a constant. */
void desk_close(struct desk *d, const char *why);

DEFINE_AUTO(desk, desk_free)
#endif
