/* SPDX-License-Identifier: Apache-2.0 */
/* timers.h - which of many is due next: a heap of times, one for each number.
 *
 * Derived state, made anew on restore.  One owner. */
#ifndef TOCSIN_ENGINE_TIMERS_H
#define TOCSIN_ENGINE_TIMERS_H

#include "core/base/types.h"
#include "core/engine/vec.h"

struct timer {
    usec_t at;
    uint32_t id;
};

struct timers {
    VEC(struct timer) heap;
    VEC(uint32_t) places; /* by id: place in the heap + 1; 0: not set */
};

void timers_fini(struct timers *t);
/* Sets or moves it; USEC_MAX: it's not set any more.  0, -ENOMEM. */
MUST_CHECK int timers_set(struct timers *t, uint32_t id, usec_t at);
/* Unsets and tells the earliest at or before 'now'. */
bool timers_pop(struct timers *t, usec_t now, uint32_t *ret_id);
size_t timers_bytes(const struct timers *t);

#endif
