/* SPDX-License-Identifier: Apache-2.0 */
/* priv.h - the journal's inside.
 *
 *   append.c   journal_append: into memory          any thread
 *   writer.c   memory → segments, sync, failures    the writer
 *   segment.c  makes segments                       the writer
 *   retain.c   drops segments, the reserve, room    the writer
 *   recover.c  finds what is there                  journal_open
 *   reader.c   memory or segments → frames          the reader's thread
 *
 * "The writer" is one thread, or with inline_writer whoever calls.  All is
 * guarded by 'lock', but for what only the writer touches; the writer lets
 * go of the lock while it does I/O. */
#ifndef TOCSIN_JOURNAL_PRIV_H
#define TOCSIN_JOURNAL_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/base/buf.h"
#include "core/base/lock.h"
#include "core/journal/block.h"
#include "core/journal/format.h"
#include "core/journal/journal.h"
#include "core/journal/positions.h"
#include "core/journal/segfile.h"

#define JOURNAL_MAGIC 0x70c51a11u
#define PINS_MAX 16
#define STICKY_MAX 2 /* FRAME_SCHEMA, FRAME_RULES */
#define PRELUDE_BYTES_MAX ((size_t)256 << 20)
#define RESERVE_NAME "reserve"
#define DAMAGED_SUFFIX ".damaged"
#define RESERVE_BYTES ((uint64_t)16 << 20)
#define SPANS_MAX 16 /* of blocks, written at once */
#define SECTOR_MAX BLOCK_ALIGN

/* A segment in the directory; it ends where its successor begins. */
struct segment {
    uint64_t base;
    uint32_t seq;
    uint64_t bytes; /* on disk, as far as known */
    usec_t time;    /* its head's; USEC_NONE: not read yet */
};

/* What is in force at some position: what a prelude repeats. */
struct state {
    struct {
        uint16_t type; /* 0: none yet */
        uint16_t flags;
        usec_t time;
        uint64_t pos;
        char *p;
        size_t n;
    } sticky[STICKY_MAX];
    struct positions positions;
    usec_t time; /* of the newest frame before */
};

struct journal {
    uint32_t magic;
    struct journal_options o; /* dir is not kept */
    const struct io *io;
    int dirfd;
    struct lock lock;
    struct cond work;  /* the writer waits */
    struct cond room;  /* appenders wait */
    struct cond grown; /* readers of what is appended wait */
    struct cond moved; /* those of what is synced, and who waits for a sync */
    unsigned readers_waiting, appenders_waiting;
    bool stopped, quit;
    usec_t stop_us; /* boot clock: nobody waits for room any longer */

    /* positions: begin ≤ synced ≤ end; written under the lock */
    _Atomic uint64_t begin, synced, end;
    _Atomic usec_t time;
    struct blocks blocks;
    struct state appended; /* at 'end' */

    struct segment *segments; /* by base, then seq; the last is the newest */
    size_t n_segments, segments_cap;
    uint64_t listed_bytes;   /* the sum of theirs */
    uint64_t pins[PINS_MAX]; /* UINT64_MAX: free */

    /* the writer's wishes and troubles */
    uint64_t sync_wanted; /* somebody waits for this position */
    usec_t dirty_us;      /* since when something is unsynced; 0: nothing */
    usec_t retry_us;      /* not before (clock_monotonic_us), after a failure */
    usec_t backoff_us;
    uint64_t failures;   /* how often a write or sync failed */
    bool disk_full;      /* the reserve was given up */
    bool drops_unsynced; /* the directory was not synced since */
    usec_t reserve_us;   /* not before: try to get the reserve back */

    /* the writer's own */
    int fd;           /* of the newest segment; -1: none to write to */
    uint64_t written; /* all before is in the file */
    uint64_t base, first_offset, salt; /* of the open segment */
    uint32_t seq;                      /* the last one used */
    size_t sector;                     /* writes are whole ones: see writer.c */
    bool direct;                       /* not through the page cache */
    char *edges; /* SPANS_MAX + 1 sectors; of the first, what the file has
                    in the sector of 'written', before it */
    struct state durable; /* at 'synced' */
    uint64_t reserve_bytes;
    bool has_reserve;

    struct journal_stats stats; /* the counters */
    void (*on_synced)(void *arg, uint64_t pos);
    void *on_synced_arg;
    pthread_t thread;
    bool has_thread;
};

/* ---- journal.c */
/* A deadline on the boot clock as one of clock_monotonic_us(). */
usec_t monotonic_of(usec_t boot_us);

/* ---- state.c */
void state_init(struct state *st);
void state_fini(struct state *st);
/* Takes what the frame changes.  0, -ENOMEM; chunks that can't be read change
 * nothing. */
MUST_CHECK int state_take(struct state *st, const struct frame *f);
MUST_CHECK int state_take_prelude(struct state *st, const struct frame *f);

/* ---- segment.c */
/* Makes a segment that begins at 'synced' and opens it for writing.  What
 * 'from' (may be NULL) holds from there up to 'end' is in it from the start.
 * Called without the lock. */
MUST_CHECK int segment_start(struct journal *j, struct segfile *from,
                             uint64_t end);
/* Adds to the end of the list.  Lock held. */
MUST_CHECK int segment_add(struct journal *j, const struct segment *s);
/* Off the list; false if it isn't there.  Lock held. */
bool segment_forget(struct journal *j, const struct segment *s);
void segment_set_bytes(struct journal *j, size_t i, uint64_t bytes);
/* The prelude of a segment at 'base', with its head, in 'out': zeros behind it
 * fill the sector in which the frames begin. */
MUST_CHECK int segment_prelude(const struct state *st, size_t sector,
                               struct segment_head *h, struct buf *out);
/* Renames it aside. */
int segment_quarantine(const struct io *io, int dirfd, uint64_t base,
                       uint32_t seq);
/* Writes all, or fails: a short write is -ENOSPC. */
MUST_CHECK int segment_pwrite(const struct io *io, int fd, struct iovec *v,
                              int n, uint64_t offset);

/* ---- writer.c.  Lock held, released during I/O. */
/* Writes what is in memory, and syncs it if 'sync'.  0 or what failed. */
int writer_pass(struct journal *j, bool sync);
void writer_finish(struct journal *j);
void *writer_main(void *j);
/* Drops, gets the reserve back: what is due besides writing. */
void writer_tidy(struct journal *j);

/* ---- retain.c.  Lock held. */
/* 0, or -ENOSPC if a frame of that type and size finds no room on disk. */
int retain_room(const struct journal *j, unsigned type, uint64_t bytes);
uint64_t retain_bytes(const struct journal *j);         /* of all segments */
uint64_t retain_goal(const struct journal *j, int pin); /* journal_pin_goal */
void retain_drop(struct journal *j); /* releases the lock during I/O */
void retain_release_reserve(struct journal *j); /* called without the lock */
void retain_get_reserve(struct journal *j);     /* without the lock */

/* ---- recover.c, listing.c */
MUST_CHECK int recover(struct journal *j, struct err *err);
/* What a directory holds, sorted; superseded segments are left out of
 * 'segments' and listed in 'stale' with unfinished ones. */
struct listing {
    struct segment *segments;
    size_t n, cap;
    char (*stale)[SEGMENT_NAME_MAX];
    size_t n_stale, stale_cap;
    uint32_t seq; /* the highest of all */
};
MUST_CHECK int listing_read(struct listing *l, const struct io *io, int dirfd);
void listing_fini(struct listing *l);

#endif
