/* SPDX-License-Identifier: Apache-2.0 */
/* append.c - a frame goes to memory; its checksum is made before the lock is
 * taken, when the parts are read for the first time. */
#include "config.h"

#include <errno.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/crc32c.h"
#include "core/journal/priv.h"
#include "core/record/tick.h"

#define WAKE_BYTES ((uint64_t)1 << 20)
#define READER_WAIT_US (200 * USEC_PER_MSEC)

/* Chunks leave an eighth of the memory to what must not wait for them. */
static bool
memory_full(const struct journal *j, unsigned type, uint64_t bytes)
{
    uint64_t limit = j->o.unsynced_max_bytes;
    if (type == FRAME_CHUNK)
        limit -= limit / 8;
    return j->end != j->synced && j->end - j->synced + bytes > limit;
}

/* Waits until the frame may be appended.  Lock held. */
static int
wait_for_memory(struct journal *j, unsigned type, uint64_t bytes)
{
    for (;;) {
        int r = retain_room(j, type, bytes);
        if (r < 0 || !memory_full(j, type, bytes))
            return r;
        if (clock_boot_us() >= j->stop_us)
            return -ESHUTDOWN;
        if (j->o.inline_writer) {
            r = writer_pass(j, true);
            writer_tidy(j);
            if (r < 0)
                return -EAGAIN;
            continue;
        }
        j->appenders_waiting++;
        cond_signal(&j->work);
        (void)cond_wait_until(&j->room, &j->lock, monotonic_of(j->stop_us));
        j->appenders_waiting--;
    }
}

/* A reader that is overrun has to read from the disk, and falls behind still
 * more: see journal_reader_await(). */
static int
wait_for_reader(struct journal *j, unsigned type, uint64_t bytes)
{
    usec_t until = 0;
    for (;;) {
        int r = wait_for_memory(j, type, bytes);
        if (r < 0 || type != FRAME_CHUNK || j->o.inline_writer || j->stopped ||
            !blocks_overrun(&j->blocks, j->end, bytes, j->synced))
            return r;
        if (until == 0)
            until = clock_monotonic_us() + READER_WAIT_US;
        if (cond_wait_until(&j->room, &j->lock, until) == -ETIMEDOUT)
            return wait_for_memory(j, type, bytes);
    }
}

static void
copy_parts(char *p, const struct slice *parts, size_t n, size_t length)
{
    char *at = p;
    for (size_t i = 0; i < n; i++) {
        if (parts[i].n > 0)
            memcpy(at, parts[i].p, parts[i].n);
        at += parts[i].n;
    }
    memset(at, 0, -length & 7);
}

/* Tells the writer and the readers.  Lock held. */
static void
appended(struct journal *j, uint64_t bytes)
{
    uint64_t pending = j->end - j->synced;
    if (j->readers_waiting > 0)
        cond_broadcast(&j->grown);
    if (j->o.inline_writer) {
        if (j->o.sync_us == 0)
            (void)writer_pass(j, true);
        return;
    }
    bool first = j->dirty_us == 0;
    if (first)
        j->dirty_us = clock_monotonic_us();
    if (first || j->o.sync_us == 0 ||
        pending / WAKE_BYTES != (pending - bytes) / WAKE_BYTES)
        cond_signal(&j->work);
}

size_t
journal_payload_max(const struct journal *j)
{
    return (size_t)MIN(j->o.segment_size_bytes / 2, (uint64_t)UINT32_MAX / 2);
}

int
journal_append(struct journal *j, unsigned type, unsigned flags, usec_t time,
               const struct slice *parts, size_t n_parts, uint64_t *ret_pos)
{
    CHECK_OBJ(j, JOURNAL_MAGIC);
    size_t length = 0;
    uint32_t crc = 0;
    for (size_t i = 0; i < n_parts; i++)
        length += parts[i].n;
    if (length > journal_payload_max(j))
        return -EMSGSIZE;
    for (size_t i = 0; i < n_parts; i++)
        crc = crc32c(crc, parts[i].p, parts[i].n);

    uint64_t bytes = frame_bytes((uint32_t)length);
    AUTO_LOCK(&j->lock);
    int r = wait_for_reader(j, type, bytes);
    if (r < 0)
        return r;
    char *p = blocks_room(&j->blocks, j->end, bytes, j->synced);
    if (!p)
        return -ENOMEM;
    if (type != FRAME_TICK || !(flags & TICK_REBASE))
        time = MAX(time, (usec_t)j->time);
    struct frame_head h = {
        .payload_crc = crc,
        .length = (uint32_t)length,
        .type = (uint16_t)type,
        .flags = (uint16_t)flags,
        .time = time,
        .synced = j->o.sync_us == JOURNAL_SYNC_NEVER ? 0 : j->synced,
    };
    memcpy(p, &h, sizeof h);
    copy_parts(p + sizeof h, parts, n_parts, length);
    struct frame f = {.pos = j->end,
                      .time = time,
                      .type = h.type,
                      .flags = h.flags,
                      .payload = {p + sizeof h, length}};
    r = state_take(&j->appended, &f);
    if (r < 0)
        return r; /* the room is taken again by the next frame */
    blocks_commit(&j->blocks, bytes);
    *ret_pos = f.pos;
    j->end += bytes;
    j->time = time;
    j->stats.appended_frames++;
    appended(j, bytes);
    return 0;
}
