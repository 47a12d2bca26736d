/* SPDX-License-Identifier: Apache-2.0 */
/* retain.c - how much there may be: drops the oldest segments, and keeps room
 * that chunks may not take.
 *
 * Two things can be full.  The journal, which max_size bounds: chunks end an
 * eighth before it, ticks at it.  What follows from them is never refused, and
 * bounded by its makers (see journal_pin_goal).  The disk, whose end nobody
 * knows before: a file of RESERVE_BYTES is given up when a write fails for want
 * of space, and until it could be made again no chunk is taken. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/journal/priv.h"

#define RETRY_US USEC_PER_SEC

static uint64_t
sealed_bytes(const struct journal *j)
{
    return j->listed_bytes -
           (j->fd >= 0 ? j->segments[j->n_segments - 1].bytes : 0);
}

/* In the open segment, or waiting for one. */
static uint64_t
open_bytes(const struct journal *j)
{
    return j->fd >= 0 ? j->first_offset + (j->end - j->base)
                      : j->end - j->synced;
}

static uint64_t
pinned_from(const struct journal *j)
{
    uint64_t pos = UINT64_MAX;
    for (int i = 0; i < PINS_MAX; i++)
        pos = MIN(pos, j->pins[i]);
    return pos;
}

static bool
can_go(const struct journal *j, size_t i, uint64_t pinned)
{
    return !j->o.hold && i + 1 < j->n_segments &&
           j->segments[i + 1].base <= MIN(pinned, (uint64_t)j->synced);
}

static bool
oldest_can_go(const struct journal *j)
{
    return can_go(j, 0, pinned_from(j));
}

/* Would so many bytes be free if all were dropped that can go? */
static bool
can_free(const struct journal *j, uint64_t bytes)
{
    uint64_t pinned = pinned_from(j), sum = 0;
    for (size_t i = 0; sum < bytes && can_go(j, i, pinned); i++)
        sum += j->segments[i].bytes;
    return sum >= bytes;
}

static uint64_t
kept_free(const struct journal *j)
{
    return MIN(RESERVE_BYTES, j->o.max_size_bytes / 8);
}

uint64_t
retain_bytes(const struct journal *j)
{
    return sealed_bytes(j) + open_bytes(j);
}

int
retain_room(const struct journal *j, unsigned type, uint64_t bytes)
{
    bool data = type == FRAME_CHUNK;
    if (!data && type != FRAME_TICK)
        return 0;
    if (data && j->disk_full)
        return -ENOSPC;
    uint64_t limit = j->o.max_size_bytes - (data ? kept_free(j) : 0);
    uint64_t sum = retain_bytes(j) + bytes;
    return sum <= limit || can_free(j, sum - limit) ? 0 : -ENOSPC;
}

uint64_t
retain_goal(const struct journal *j, int pin)
{
    uint64_t limit = j->o.max_size_bytes - kept_free(j) / 2;
    uint64_t pinned = pinned_from(j), sum = retain_bytes(j);
    size_t i = 0;
    for (; sum > limit && can_go(j, i, pinned); i++)
        sum -= j->segments[i].bytes;
    if (sum <= limit)
        return 0;
    if (j->o.hold || i + 1 >= j->n_segments)
        return UINT64_MAX;
    uint64_t goal = j->segments[i + 1].base;
    for (int k = 0; k < PINS_MAX; k++)
        if (k != pin && j->pins[k] < goal)
            return UINT64_MAX;
    return goal;
}

/* The journal time at which segment 'i' began, from its head if need be. */
static usec_t
began(struct journal *j, size_t i)
{
    struct segment s = j->segments[i];
    if (s.time != USEC_NONE)
        return s.time;
    struct segfile sf = SEGFILE_CLOSED;
    lock_release(&j->lock);
    int r = segfile_open(&sf, j->io, j->dirfd, s.base, s.seq);
    s.time = r == 0 ? sf.head.time : USEC_MAX;
    segfile_fini(&sf);
    lock_take(&j->lock);
    for (i = 0; i < j->n_segments; i++)
        if (j->segments[i].base == s.base && j->segments[i].seq == s.seq)
            j->segments[i].time = s.time;
    return s.time;
}

static bool
oldest_should_go(struct journal *j)
{
    if (!oldest_can_go(j))
        return false;
    uint64_t open = MAX(open_bytes(j), j->o.segment_size_bytes);
    if (sealed_bytes(j) + open > j->o.max_size_bytes - kept_free(j))
        return true;
    if (j->o.retain_us <= 0 || j->time == USEC_NONE)
        return false;
    usec_t next = began(j, 1);
    return next != USEC_MAX && next < j->time - j->o.retain_us &&
           oldest_can_go(j);
}

/* Is what was dropped durably gone?  Lock released meanwhile. */
static bool
drops_synced(struct journal *j)
{
    if (!j->drops_unsynced || j->o.sync_us == JOURNAL_SYNC_NEVER)
        return true;
    lock_release(&j->lock);
    int r = j->io->fsync(j->io->arg, j->dirfd);
    lock_take(&j->lock);
    if (r == 0)
        j->drops_unsynced = false;
    return r == 0;
}

/* One at a time, each synced, so that a power cut leaves no hole. */
void
retain_drop(struct journal *j)
{
    while (drops_synced(j) && oldest_should_go(j)) {
        char name[SEGMENT_NAME_MAX];
        struct segment s = j->segments[0];
        segment_name(s.base, s.seq, "", name);
        lock_release(&j->lock);
        int r = j->io->unlink(j->io->arg, j->dirfd, name);
        lock_take(&j->lock);
        if (r < 0 && r != -ENOENT) {
            log_limited(LOG_WARN, USEC_PER_MINUTE,
                        "can't drop journal segment \"%s\": %s, keeping it",
                        name, strerror(-r));
            break;
        }
        j->drops_unsynced = true;
        (void)segment_forget(j, &s);
        j->begin = j->segments[0].base;
        cond_broadcast(&j->room);
    }
}

void
retain_release_reserve(struct journal *j)
{
    (void)j->io->unlink(j->io->arg, j->dirfd, RESERVE_NAME);
    j->has_reserve = false;
}

void
retain_get_reserve(struct journal *j)
{
    const struct io *io = j->io;
    int fd = io->open(io->arg, j->dirfd, RESERVE_NAME, O_RDWR | O_CREAT, 0640);
    int r = fd;
    if (fd >= 0) {
        r = io->fallocate(io->arg, fd, (off_t)j->reserve_bytes);
        (void)io->close(io->arg, fd);
        if (r < 0)
            (void)io->unlink(io->arg, j->dirfd, RESERVE_NAME);
    }
    /* Where it can't be had for another reason, it is done without. */
    bool full = r == -ENOSPC || r == -EDQUOT;
    AUTO_LOCK(&j->lock);
    j->has_reserve = r == 0;
    if (full != j->disk_full) {
        log_warn(full ? "no room on the journal's disk, taking no records"
                      : "room on the journal's disk again, going on");
        j->disk_full = full;
        cond_broadcast(&j->room);
    }
    j->reserve_us = clock_monotonic_us() + RETRY_US;
}
