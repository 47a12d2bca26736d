/* SPDX-License-Identifier: Apache-2.0 */
/* positions.h - where each partition stands, as chunks say.
 *
 * Bounded by JOURNAL_PARTITIONS_MAX: past it the sixteenth part that moved
 * longest ago is forgotten.  Allocates only for a new partition or a longer
 * 'where'.  One owner. */
#ifndef TOCSIN_JOURNAL_POSITIONS_H
#define TOCSIN_JOURNAL_POSITIONS_H

#include "core/base/table.h"
#include "core/base/types.h"
#include "core/journal/journal.h"

struct buf;
struct positions_entry;

struct positions {
    struct positions_entry *entries;
    uint32_t n, cap, max;
    struct table table;
};

void positions_init(struct positions *p, uint32_t max);
void positions_fini(struct positions *p);
/* Takes the position from the chunk at 'pos'.  0, -EBADMSG, -ENOMEM. */
MUST_CHECK int positions_take(struct positions *p, struct slice payload,
                              uint64_t pos);
/* Payload of FRAME_POSITIONS. */
MUST_CHECK int positions_encode(const struct positions *p, struct buf *out);
MUST_CHECK int positions_decode(struct positions *p, struct slice payload);
/* Stops at the first nonzero that 'fn' returns, and returns it. */
int positions_each(const struct positions *p,
                   int (*fn)(void *arg, const struct journal_position *p),
                   void *arg);

#endif
