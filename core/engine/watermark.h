/* SPDX-License-Identifier: Apache-2.0 */
/* watermark.h - how far event time has come, by partition and input.
 *
 * A watermark says: no more events up to here are to be expected.  Of a
 * partition it is
 *     reading     its newest event less the input's lateness
 *     caught up   the time of the tick that said so, less lateness
 *     ended       journal time less lateness
 *     down        frozen; so is one silent for longer than expect_every
 * never past journal time less lateness, never backwards (but for a tick that
 * re-bases time).  An input's is the smallest of its partitions'.
 *
 * A gap is a span of time that nobody observed: the source was down, or the
 * collector was off for longer than WATERMARK_UNSEEN.  It closes if the source
 * then brings an event of that span; slots in an open gap are skipped. */
#ifndef TOCSIN_ENGINE_WATERMARK_H
#define TOCSIN_ENGINE_WATERMARK_H

#include "core/base/table.h"
#include "core/base/types.h"
#include "core/engine/engine.h"
#include "core/engine/rows.h"
#include "core/record/schema.h"
#include "core/record/tick.h"

#define WATERMARK_UNSEEN (60 * USEC_PER_SEC) /* between two ticks */
#define WATERMARK_GAPS_MAX 16u

struct gap {
    usec_t lo, hi; /* (lo, hi] */
};

struct partition {
    char *name; /* NULL: free */
    uint32_t n;
    uint16_t input;
    uint8_t state;
    bool frozen;
    usec_t watermark, newest; /* USEC_NONE: none yet */
    usec_t since;             /* observed from this event time on */
    usec_t seen;              /* journal time of the last tick or chunk */
    usec_t brought;           /* and of the last chunk */
    uint32_t n_gaps;
    struct gap gaps[WATERMARK_GAPS_MAX];
};

struct input_clock {
    usec_t watermark, newest, since; /* USEC_NONE: none yet */
    uint32_t partitions;
    bool frozen; /* one of them is */
};

struct watermarks {
    struct rowset part_rows, input_rows;
    VEC(struct partition) parts;
    VEC(uint32_t) free;
    struct table table;
    VEC(struct input_clock) inputs; /* by id */
    const struct schema *schema;
    usec_t now; /* journal time */
    uint32_t n_ended;
    bool moved; /* some watermark changed since this was cleared */
    bool leaps; /* of a test: its clock steps far, and nothing is missed */
};

void watermarks_init(struct watermarks *w, struct rows *rows);
void watermarks_fini(struct watermarks *w);
MUST_CHECK int watermarks_schema(struct watermarks *w, const struct schema *s);

/* Journal time moves on. */
void watermarks_time(struct watermarks *w, usec_t now);
/* A tick said so of a partition. */
MUST_CHECK int watermarks_tick(struct watermarks *w,
                               const struct tick_partition *p);
/* The clock stepped back to 'now'. */
void watermarks_rebase(struct watermarks *w, usec_t now);

/* A chunk: begin gives the partition's index or -ENOMEM, then each event time
 * in turn (not those too far ahead), then end. */
MUST_CHECK int64_t watermarks_chunk(struct watermarks *w, uint16_t input,
                                    struct slice name);
void watermarks_chunk_end(struct watermarks *w, uint32_t part, usec_t oldest,
                          usec_t newest);
/* An event of this time closes the gaps that it lies in. */
void watermarks_close_gaps(struct partition *p, usec_t t);

/* The input ended: every watermark goes to 'to'. */
void watermarks_flush(struct watermarks *w, usec_t to);

/* The end of the open gap of the input that the slot lies in, or USEC_NONE. */
usec_t watermarks_gap(const struct watermarks *w, uint16_t input, usec_t slot);
/* Gaps before 'before' are over. */
void watermarks_forget(struct watermarks *w, usec_t before);

MUST_CHECK int watermarks_restore(struct watermarks *w,
                                  const struct engine_row *row);
void watermarks_restored(struct watermarks *w);

#define NODE_PARTITIONS UINT64_C(0x706172746974696f)
#define NODE_INPUTS UINT64_C(0x696e707574730000)

#endif
