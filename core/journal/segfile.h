/* SPDX-License-Identifier: Apache-2.0 */
/* segfile.h - one segment, read from its file in large pieces.
 *
 * Everything is checked; nothing that the disk says is trusted.  One owner. */
#ifndef TOCSIN_JOURNAL_SEGFILE_H
#define TOCSIN_JOURNAL_SEGFILE_H

#include "core/base/types.h"
#include "core/journal/format.h"
#include "core/journal/io.h"
#include "core/record/frame.h"

struct segfile {
    const struct io *io;
    int fd; /* -1: closed */
    struct segment_head head;
    uint64_t size; /* of the file when it was opened */
    char *window;  /* bytes [window_at, window_at + window_n) of the file */
    size_t window_cap, window_n;
    uint64_t window_at;
};

#define SEGFILE_CLOSED ((struct segfile){.fd = -1})

/* Opens for reading.  -EBADMSG if its head can't be read or contradicts the
 * name; else as open(2) and pread(2) say. */
MUST_CHECK int segfile_open(struct segfile *sf, const struct io *io, int dirfd,
                            uint64_t base, uint32_t seq);
void segfile_close(struct segfile *sf); /* the window's memory stays */
void segfile_fini(struct segfile *sf);
/* The file has changed. */
void segfile_forget(struct segfile *sf);

enum {
    SEGFILE_END = 0,         /* fewer bytes left than a frame has */
    SEGFILE_GOOD = 1,        /* *ret_head is the frame, its payload behind it */
    SEGFILE_BAD_HEAD = 2,    /* no frame starts here */
    SEGFILE_BAD_PAYLOAD = 3, /* *ret_head is good, the payload isn't */
};

/* Looks at position 'pos'; never beyond 'limit'.  What it gives stays until
 * the next call.  Or negative errno.  What can't be read because of EIO reads
 * as zeros. */
MUST_CHECK int segfile_look(struct segfile *sf, uint64_t pos, uint64_t limit,
                            const struct frame_head **ret_head);

/* The 'n' bytes at position 'pos' as they are: 1, 0 if the file has fewer, or
 * negative errno. */
MUST_CHECK int segfile_bytes(struct segfile *sf, uint64_t pos, size_t n,
                             const char **ret);

struct segfile_damage {
    uint64_t bytes, frames; /* skipped, and in how many places */
    uint64_t at;            /* position of the first */
};
/* The first good frame at or after *pos, which moves behind it.  1; 0 if there
 * is none before 'limit' (*pos is 'limit' then, or where the file ended short
 * of it); or negative errno.  Adds to 'damage'. */
MUST_CHECK int segfile_next(struct segfile *sf, uint64_t *pos, uint64_t limit,
                            struct frame *ret, struct segfile_damage *damage);

/* The prelude's frames one after another: *offset starts at 0.  1, 0 at its
 * end, -EBADMSG where it is damaged, or negative errno. */
MUST_CHECK int segfile_prelude(struct segfile *sf, uint64_t *offset,
                               struct frame *ret);

/* Where a segment without a successor ends: at the first damage that can't be
 * behind what was synced.  (Frames tell how far that was when they were
 * appended: *ret_synced is the farthest, what lies between it and *ret_end may
 * be in the page cache alone.)  *ret_torn: bytes behind the end that were
 * written, zeros not counted. */
MUST_CHECK int segfile_find_end(struct segfile *sf, uint64_t *ret_end,
                                uint64_t *ret_synced, uint64_t *ret_torn);

#endif
