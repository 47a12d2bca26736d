/* SPDX-License-Identifier: Apache-2.0 */
/* tick.h - payload of FRAME_TICK: time passed, and how each partition of
 * each input stands.  The host appends one each second, and one at once when
 * a partition's state changes.  The frame's time is the journal time. */
#ifndef TOCSIN_RECORD_TICK_H
#define TOCSIN_RECORD_TICK_H

#include "core/base/types.h"

struct buf;

enum partition_state {
    PARTITION_READING = 1,   /* more is known to come, or nothing is known */
    PARTITION_CAUGHT_UP = 2, /* the source asked: nothing was there */
    PARTITION_DOWN = 3,      /* the source can't be reached */
    PARTITION_GONE = 4,      /* no longer ours: forget it */
    PARTITION_ENDED = 5,     /* nothing will ever come again */
};

struct tick_partition {
    uint16_t input;
    uint8_t state;
    struct slice name;
};

/* Flag of the frame: the wall clock stepped back; times before are re-based
 * on this frame's. */
#define TICK_REBASE 1u

MUST_CHECK int tick_encode(const struct tick_partition *p, size_t n,
                           struct buf *out);
/* Reads the i-th partition at *cursor (start with 0): 1, 0 at the end, or
 * -EBADMSG. */
MUST_CHECK int tick_next(struct slice payload, size_t *cursor,
                         struct tick_partition *ret);

#endif
