/* SPDX-License-Identifier: Apache-2.0 */
/* ticker.h - appends a tick each second with the state of every partition of
 * every input.  The one place where the passing of time enters the journal. */
#ifndef TOCSIN_RUN_TICKER_H
#define TOCSIN_RUN_TICKER_H
#include "core/base/auto.h"
#include "core/base/err.h"
#include "core/base/types.h"

struct input;
struct journal;
struct ticker;

/* The inputs must outlive it.  NULL: out of memory. */
struct ticker *ticker_new(struct journal *j, struct input *const *inputs,
                          size_t n_inputs);
MUST_CHECK int ticker_start(struct ticker *t, struct err *err);
/* One tick as of these clocks: what its thread does each second.  0, or why
 * it could not be appended; who was said to be gone is said so again then. */
int ticker_tick(struct ticker *t, usec_t wall_us, usec_t boot_us);
/* One more tick, then it stops. */
void ticker_stop(struct ticker *t);
void ticker_free(struct ticker *t);

DEFINE_AUTO(ticker, ticker_free)
#endif
