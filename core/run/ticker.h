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

/* The inputs must outlive it. */
MUST_CHECK int ticker_start(struct journal *j, struct input *const *inputs,
                            size_t n_inputs, struct ticker **ret,
                            struct err *err);
/* One more tick, then it stops. */
void ticker_stop(struct ticker *t);
void ticker_free(struct ticker *t);

DEFINE_AUTO(ticker, ticker_free)
#endif
