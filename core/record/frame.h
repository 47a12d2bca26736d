/* SPDX-License-Identifier: Apache-2.0 */
/* frame.h - what a journal consists of: one frame after another.
 *
 * Everything that decides what the engine does is a frame, at the place
 * where it takes effect.  A frame's position is its offset in the journal's
 * one order and never changes; 'time' is the journal time, which the host
 * read from the wall clock when it appended (it never runs backwards, but for
 * a tick that says so: TICK_REBASE). */
#ifndef TOCSIN_RECORD_FRAME_H
#define TOCSIN_RECORD_FRAME_H

#include "core/base/types.h"

enum frame_type {
    FRAME_NONE = 0,
    FRAME_SCHEMA = 1,    /* schema.h; sticky: repeated in each segment */
    FRAME_RULES = 2,     /* engine/ruleset.h: rules in full; sticky */
    FRAME_CHUNK = 3,     /* chunk.h: records of one partition, atomically */
    FRAME_TICK = 4,      /* tick.h: a second passed; state of partitions */
    FRAME_ALERT = 5,     /* transition.h: what the engine concluded */
    FRAME_DELIVERY = 6,  /* delivery.h: what became of notifications */
    FRAME_POSITIONS = 7, /* journal's own: partitions at a segment's start */
    FRAME_MARK = 8,      /* start and clean stop of the program */
};

struct frame {
    uint64_t pos;  /* of this frame */
    uint64_t next; /* of the frame after it */
    usec_t time;
    uint16_t type;  /* enum frame_type; others are skipped by readers */
    uint16_t flags; /* of the type's own */
    bool repeated;  /* a sticky frame from before, handed out once more where
                       reading starts: pos == next == that place */
    struct slice payload;
};

const char *frame_type_name(unsigned type); /* "chunk", or NULL */

/* The newest of a sticky type is in force until replaced. */
static inline bool
frame_type_is_sticky(unsigned type)
{
    return type == FRAME_SCHEMA || type == FRAME_RULES;
}

#endif
