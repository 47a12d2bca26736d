/* SPDX-License-Identifier: Apache-2.0 */
/* scan.h - reads a directory of segments without opening it for writing: for
 * dump and verify, and for replay of a copy.  Nothing is changed or locked; a
 * running collector may append meanwhile. */
#ifndef TOCSIN_JOURNAL_SCAN_H
#define TOCSIN_JOURNAL_SCAN_H

#include "core/base/err.h"
#include "core/base/types.h"
#include "core/journal/io.h"
#include "core/record/frame.h"

struct journal_scan_stats {
    uint64_t segments, frames, bytes;
    uint64_t torn_bytes; /* behind the newest whole frame */
    uint64_t damaged_frames, damaged_segments;
    uint64_t lost_bytes; /* damage and gaps, of what had been synced */
};

struct journal_scan {
    /* Called for each frame, in order, until it returns nonzero (which is
     * returned).  The payload stays until the next call. */
    int (*frame)(void *arg, const struct frame *f);
    /* NULL, or told of damage: file name, offset in it, what. */
    void (*problem)(void *arg, const char *file, uint64_t offset,
                    const char *what);
    void *arg;
};

/* From position 'from' on (0: all); sticky frames in force there come first,
 * with frame.repeated set.  0, what a callback returned, or negative errno
 * with 'err' filled where the directory can't be read. */
int journal_scan(const struct io *io, const char *dir, uint64_t from,
                 const struct journal_scan *scan,
                 struct journal_scan_stats *ret, struct err *err);

#endif
