/* SPDX-License-Identifier: Apache-2.0 */
/* journal.h - the one order of everything: append, sync, read, retain.
 *
 * A directory of segments, each a file named by the position it starts at;
 * a segment is self-describing (magic, base, sticky frames and partitions'
 * positions at its start), so that any older one can be dropped.  Frames
 * carry a CRC32C.  Appending copies into memory; a writer thread writes and
 * syncs (group commit).  Frames not yet synced stay in memory, bounded; when
 * a write or sync fails they are rewritten, in order, to a new segment, and
 * the failed file is never written or synced again.  The directory is locked:
 * one process at a time.
 *
 * Thread: any, unless said; a reader belongs to one thread. */
#ifndef TOCSIN_JOURNAL_JOURNAL_H
#define TOCSIN_JOURNAL_JOURNAL_H

#include "core/base/auto.h"
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/journal/io.h"
#include "core/record/frame.h"

#define JOURNAL_SYNC_NEVER (-1)

struct journal_options {
    const char *dir; /* made if it does not exist */
    const struct io *io;
    uint64_t max_size_bytes;     /* of all segments; more is back-pressure */
    uint64_t segment_size_bytes; /* a frame may be at most half of it */
    usec_t retain_us; /* older than this may go before max_size is reached */
    usec_t sync_us;   /* at most this long unsynced; 0: at once (always);
                         JOURNAL_SYNC_NEVER */
    size_t unsynced_max_bytes; /* in memory; more blocks appenders.  As much
                                  again is kept there of what is synced */
    uint64_t min_end; /* positions below are not given out (again): what a
                         checkpoint refers to, should a disk have lied */
    bool hold; /* nothing is dropped until journal_let_go(): whoever needs
                  old frames has pinned them by then */
    bool inline_writer; /* no thread: journal_append (where it would wait, or
                           sync_us is 0), journal_sync (unless its deadline
                           is USEC_MIN) and journal_close do the writer's
                           work; for tests and tools */
};

struct journal;

/* Opens and recovers: a torn tail of the newest segment is cut off, a
 * damaged segment is renamed aside (".damaged") and counted; it always
 * opens unless the directory itself can't be used. */
MUST_CHECK int journal_open(const struct journal_options *o,
                            struct journal **ret, struct err *err);
/* Syncs what is there (if it can), stops the writer.  Readers are freed
 * first.  NULL is fine. */
void journal_close(struct journal *j);
/* Waits for room are over at that time (boot clock): appends that would wait
 * return -ESHUTDOWN from then on. */
void journal_stop_at(struct journal *j, usec_t deadline_us);
/* They are over now, and so are readers' waits. */
void journal_stop(struct journal *j);

/* Appends one frame made of 'parts' in turn.  Waits while memory for
 * unsynced frames is full.  Data frames (FRAME_CHUNK) are refused with
 * -ENOSPC when the journal or the disk is full and nothing may be dropped,
 * ticks when the journal's reserve is used up too.  All others follow from
 * these and are taken beyond max_size_bytes.  -EMSGSIZE: longer than half a
 * segment.
 * *ret_pos: the frame's position.  'time' is raised to the newest appended
 * where it is smaller, but for a tick that re-bases time. */
MUST_CHECK int journal_append(struct journal *j, unsigned type, unsigned flags,
                              usec_t time, const struct slice *parts,
                              size_t n_parts, uint64_t *ret_pos);

/* The longest payload that a frame may have. */
size_t journal_payload_max(const struct journal *j);

/* Waits until data frames of any length are taken: 0 (at once where they are),
 * or -ETIMEDOUT at 'deadline_us' (boot clock), or -ESHUTDOWN. */
int journal_wait_room(struct journal *j, usec_t deadline_us);

/* Positions are multiples of 8 and greater than 0. */
uint64_t journal_begin(const struct journal *j);  /* oldest frame's position */
uint64_t journal_end(const struct journal *j);    /* after the newest frame */
uint64_t journal_synced(const struct journal *j); /* all before is durable */

/* Nothing that refers to a position may become durable elsewhere before that
 * position is synced.
 * Starts a sync now if anything before 'pos' is not durable.  Waits for it
 * until 'deadline_us' (boot clock; USEC_MIN: does not wait).  0, -ETIMEDOUT,
 * or -EIO where it can't be made durable at present (tried again). */
int journal_sync(struct journal *j, uint64_t pos, usec_t deadline_us);

/* Called by the writer thread, without locks, each time the synced position
 * moves. Set once, before the first append. */
void journal_on_synced(struct journal *j, void (*fn)(void *arg, uint64_t pos),
                       void *arg);

/* Pins keep segments from 'pos' on from being dropped: the engine's
 * checkpoint and the notifier's outbox each hold one.  -1: none left. */
int journal_pin_new(struct journal *j, uint64_t pos);
void journal_pin_move(struct journal *j, int pin, uint64_t pos);
/* 0: max_size is kept to.  Else more than half of the reserve is used: the
 * position that this pin must reach so that a segment can go, UINT64_MAX where
 * that would not help.  Whoever makes what is never refused asks it, and goes
 * there before making more. */
uint64_t journal_pin_goal(struct journal *j, int pin);
void journal_let_go(struct journal *j); /* see journal_options.hold */

/* What the journal knows of each partition: its newest position.  Past
 * JOURNAL_PARTITIONS_MAX those that moved longest ago are forgotten. */
#define JOURNAL_PARTITIONS_MAX 65536u
struct journal_position {
    uint16_t input;
    uint8_t decoder;
    struct slice partition, where, context;
    uint64_t offset;
};
int journal_positions(struct journal *j,
                      int (*fn)(void *arg, const struct journal_position *p),
                      void *arg);
/* The newest sticky frame's payload of that type (a copy, to be freed with
 * mem_free), or -ENOENT. */
MUST_CHECK int journal_sticky(struct journal *j, unsigned type,
                              struct slice *ret);
/* The newest frame's journal time, USEC_NONE in an empty journal. */
usec_t journal_time(const struct journal *j);

struct journal_stats {
    uint64_t bytes, segments, appended_frames, syncs, failed_syncs;
    uint64_t damaged_segments, torn_bytes, oldest_pos;
    usec_t oldest_time_us;
    uint64_t unsynced_bytes;
    uint64_t damaged_frames, lost_bytes; /* found by readers so far */
    int failing; /* errno of the newest write or sync, 0 if it went well */
    bool full;   /* not every data frame is taken */
};
void journal_get_stats(struct journal *j, struct journal_stats *ret);

/* ---- reading */

enum reader_view { READ_APPENDED, READ_SYNCED };

struct journal_reader;

/* Reads from 'pos' on: a frame's position; 0 for the oldest; one that was
 * dropped: from the oldest, see journal_reader_lost; one past the end waits
 * for it.  First come the sticky frames in force there (frame.repeated), and
 * again wherever some were lost. */
MUST_CHECK int journal_reader_new(struct journal *j, uint64_t pos,
                                  enum reader_view view,
                                  struct journal_reader **ret);
void journal_reader_free(struct journal_reader *r);
/* 1 and *ret, whose payload stays until the next call; 0 if none came before
 * 'deadline_us' (boot clock) or journal_reader_wake(); or negative errno.
 * Frames that are damaged on disk are skipped and counted. */
MUST_CHECK int journal_read(struct journal_reader *r, usec_t deadline_us,
                            struct frame *ret);
/* Before the first read: as long as it reads from memory, data frames are held
 * to its pace rather than overrun it, unless it stands still for 200 ms.  For
 * readers that wait for nobody outside. */
void journal_reader_await(struct journal_reader *r);
void journal_reader_wake(struct journal_reader *r); /* any thread */
uint64_t journal_reader_pos(const struct journal_reader *r);
uint64_t journal_reader_lost(const struct journal_reader *r); /* bytes */

DEFINE_AUTO(journal, journal_close)
DEFINE_AUTO(journal_reader, journal_reader_free)

#endif
