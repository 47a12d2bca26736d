/* SPDX-License-Identifier: Apache-2.0 */
/* writer.c - brings frames from memory to disk.
 *
 * What is in memory and not synced is [synced, end).  A failed or short write
 * and a failed sync are the same: the file is closed and never touched again,
 * 'written' goes back to 'synced', and the next pass starts a segment there,
 * which cuts off what the old one holds beyond.  Positions don't change.
 *
 * Whole sectors are written, from memory that is aligned as the file is, so
 * that direct I/O can take them (doc/decisions/direct-io.md).  The sectors at
 * the edges of what is written are put together in j->edges; the last, if it
 * is not full, is written again with what follows, its beginning unchanged. */
#include "config.h"

#include <errno.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/journal/priv.h"

#define BACKOFF_MIN_US (10 * USEC_PER_MSEC)
#define BACKOFF_MAX_US USEC_PER_SEC
#define TIDY_US USEC_PER_SEC
#define WRITE_BEHIND_BYTES ((uint64_t)1 << 20)
#define NEVER_WRITE_US (50 * USEC_PER_MSEC)

struct span {
    char *p;
    uint64_t start, end;
};

/* Where [from, to) lies in memory, as far as SPANS_MAX go. */
static int
spans_get(const struct journal *j, uint64_t from, uint64_t to,
          struct span s[SPANS_MAX])
{
    int n = 0;
    for (struct block *k = j->blocks.first; k && n < SPANS_MAX; k = k->next) {
        uint64_t start = MAX(k->start, from), end = MIN(k->end, to);
        if (start < end)
            s[n++] = (struct span){k->data + (start - k->start), start, end};
    }
    return n;
}

/* Seals the span's frames that the open segment has room for, and shortens it
 * to them. */
static void
span_seal(const struct journal *j, struct span *s)
{
    uint64_t room_end = j->base + j->o.segment_size_bytes, pos = s->start;
    char *p = s->p;
    while (pos < s->end) {
        void *head = p;
        struct frame_head *h = head;
        uint64_t bytes = frame_bytes(h->length);
        if (pos + bytes > room_end && pos > j->base)
            break;
        frame_seal(h, j->salt, pos);
        pos += bytes;
        p += bytes;
    }
    s->end = pos;
}

/* What to write: sectors in the blocks, and between them those at the edges. */
struct gather {
    struct iovec v[2 * SPANS_MAX + 1];
    int n;
    char *edge;  /* being filled */
    size_t fill; /* bytes in it */
};

static void
gather_put(struct gather *g, char *p, size_t n)
{
    if (n > 0)
        g->v[g->n++] = (struct iovec){p, n};
}

static void
gather_span(struct gather *g, const struct span *s, size_t sector)
{
    char *p = s->p;
    size_t n = (size_t)(s->end - s->start);
    if (g->fill > 0) {
        size_t head = MIN(n, sector - g->fill);
        memcpy(g->edge + g->fill, p, head);
        g->fill += head;
        p += head;
        n -= head;
        if (g->fill < sector)
            return;
        gather_put(g, g->edge, sector);
        g->edge += sector;
    }
    g->fill = n % sector;
    gather_put(g, p, n - g->fill);
    memcpy(g->edge, p + (n - g->fill), g->fill);
}

/* The last sector is filled up with zeros. */
static void
gather_end(struct gather *g, size_t sector)
{
    if (g->fill == 0)
        return;
    memset(g->edge + g->fill, 0, sector - g->fill);
    gather_put(g, g->edge, sector);
}

/* Writes from 'written' towards 'target'; 1 if anything was, 0 if the segment
 * has no room, or what failed. */
static int
write_some(struct journal *j, uint64_t target)
{
    struct span s[SPANS_MAX];
    int n = spans_get(j, j->written, target, s);
    uint64_t from = j->written, to = from;
    struct gather g = {.edge = j->edges, .fill = from % j->sector};
    uint64_t offset = j->first_offset + (from - j->base) - g.fill;
    lock_release(&j->lock);
    for (int k = 0; k < n; k++) {
        uint64_t whole = s[k].end;
        span_seal(j, &s[k]);
        gather_span(&g, &s[k], j->sector);
        to = s[k].end;
        if (to < whole)
            break;
    }
    int r = 0;
    if (to > from) {
        gather_end(&g, j->sector);
        r = segment_pwrite(j->io, j->fd, g.v, g.n, offset);
        if (r == 0 && g.edge != j->edges)
            memcpy(j->edges, g.edge, g.fill);
    }
    lock_take(&j->lock);
    if (r == 0)
        j->written = to;
    return r < 0 ? r : to > from;
}

/* 'durable' follows to 'to'.  Want of memory is waited out: a prelude must
 * tell no less than what is durable. */
static void
durable_follow(struct journal *j, uint64_t to)
{
    struct span s[SPANS_MAX];
    uint64_t pos = j->synced;
    while (pos < to) {
        int n = spans_get(j, pos, to, s);
        lock_release(&j->lock);
        for (int i = 0; i < n; i++) {
            const char *p = s[i].p;
            for (pos = s[i].start; pos < s[i].end;) {
                const void *head = p;
                const struct frame_head *h = head;
                struct frame f = {.pos = pos,
                                  .time = h->time,
                                  .type = h->type,
                                  .flags = h->flags,
                                  .payload = {frame_payload(h), h->length}};
                while (state_take(&j->durable, &f) == -ENOMEM)
                    (void)usleep(1000);
                pos += frame_bytes(h->length);
                p += frame_bytes(h->length);
            }
        }
        lock_take(&j->lock);
    }
}

/* Everything written becomes durable, and is said to be. */
static int
sync_written(struct journal *j)
{
    uint64_t to = j->written;
    if (to == j->synced)
        return 0;
    if (j->o.sync_us != JOURNAL_SYNC_NEVER) {
        lock_release(&j->lock);
        int r = j->io->fdatasync(j->io->arg, j->fd);
        lock_take(&j->lock);
        if (r < 0)
            return r;
        j->stats.syncs++;
    }
    durable_follow(j, to);
    j->synced = to;
    cond_broadcast(&j->moved);
    cond_broadcast(&j->room);
    return 0;
}

/* Gives back what was preallocated and not used. */
static void
trim(struct journal *j)
{
    off_t size = (off_t)(j->first_offset + (j->written - j->base));
    lock_release(&j->lock);
    (void)j->io->ftruncate(j->io->arg, j->fd, size);
    lock_take(&j->lock);
}

/* The newest segment takes no more. */
static void
seal(struct journal *j)
{
    uint64_t bytes = j->first_offset + (j->written - j->base);
    if (j->n_segments > 0)
        segment_set_bytes(j, j->n_segments - 1, bytes);
    int fd = j->fd;
    j->fd = -1;
    lock_release(&j->lock);
    (void)j->io->close(j->io->arg, fd);
    lock_take(&j->lock);
}

static void
failed(struct journal *j, int r)
{
    j->written = j->synced;
    if (j->fd >= 0)
        seal(j);
    j->failures++;
    j->stats.failed_syncs++;
    j->stats.failing = -r;
    j->backoff_us = CLAMP(j->backoff_us * 2, BACKOFF_MIN_US, BACKOFF_MAX_US);
    if ((r == -ENOSPC || r == -EDQUOT) && j->reserve_bytes > 0) {
        bool had = j->has_reserve;
        j->disk_full = true;
        j->reserve_us = clock_monotonic_us() + TIDY_US;
        lock_release(&j->lock);
        if (had)
            retain_release_reserve(j);
        lock_take(&j->lock);
        if (had)
            j->backoff_us = 0;
    }
    j->retry_us = clock_monotonic_us() + j->backoff_us;
    cond_broadcast(&j->moved);
    log_limited(LOG_ERROR, 10 * USEC_PER_SEC,
                "can't write the journal: %s, trying again in a new segment",
                strerror(-r));
}

static int
write_all(struct journal *j, uint64_t target)
{
    while (j->written < target || j->fd < 0) {
        int r = 0;
        if (j->fd < 0) {
            lock_release(&j->lock);
            r = segment_start(j, NULL, j->synced);
            lock_take(&j->lock);
            if (r < 0)
                return r;
        }
        r = write_some(j, target);
        if (r < 0)
            return r;
        if (r > 0)
            continue;
        trim(j);
        r = sync_written(j);
        if (r < 0)
            return r;
        seal(j);
    }
    return 0;
}

int
writer_pass(struct journal *j, bool sync)
{
    uint64_t target = j->end, was = j->synced;
    usec_t now = clock_monotonic_us();
    if (j->synced == target)
        return 0;
    int r = write_all(j, target);
    if (r == 0 && (sync || j->o.sync_us == JOURNAL_SYNC_NEVER))
        r = sync_written(j);
    if (r < 0) {
        failed(j, r);
    } else {
        j->stats.failing = 0;
        j->backoff_us = 0;
    }
    j->dirty_us = j->synced == j->end ? 0 : r < 0 ? j->dirty_us : now;
    if (j->synced != was && j->on_synced) {
        uint64_t pos = j->synced;
        lock_release(&j->lock);
        j->on_synced(j->on_synced_arg, pos);
        lock_take(&j->lock);
    }
    return r;
}

/* The last pass of all: what can't be synced now is given up. */
void
writer_finish(struct journal *j)
{
    int r = -EAGAIN;
    for (int i = 0; i < 3 && r < 0; i++)
        r = writer_pass(j, true);
    if (j->fd < 0)
        return;
    trim(j);
    seal(j);
}

void
writer_tidy(struct journal *j)
{
    retain_drop(j);
    if (j->disk_full && j->stats.failing == 0 &&
        clock_monotonic_us() >= j->reserve_us) {
        lock_release(&j->lock);
        retain_get_reserve(j);
        lock_take(&j->lock);
    }
}

/* When a sync is due; 0: at once. */
static usec_t
due(const struct journal *j)
{
    if (j->sync_wanted > j->synced || j->appenders_waiting > 0 || j->quit ||
        j->end - j->synced > j->o.unsynced_max_bytes / 2)
        return 0;
    usec_t wait =
        j->o.sync_us == JOURNAL_SYNC_NEVER ? NEVER_WRITE_US : j->o.sync_us;
    return j->dirty_us + wait;
}

/* One step of what is due.  Returns until when there is nothing to do, or 0
 * where the lock was let go of in between: look again. */
static usec_t
step(struct journal *j)
{
    usec_t now = clock_monotonic_us();
    if (j->end == j->synced)
        return now + TIDY_US;
    usec_t at = MAX(due(j), j->retry_us);
    if (at <= now) {
        (void)writer_pass(j, true);
        return 0;
    }
    if (j->end - j->written >= WRITE_BEHIND_BYTES && j->retry_us <= now) {
        (void)writer_pass(j, false);
        return 0;
    }
    return MIN(at, now + TIDY_US);
}

void *
writer_main(void *arg)
{
    struct journal *j = arg;
    log_set_context("journal", NULL);
    AUTO_LOCK(&j->lock);
    while (!j->quit) {
        writer_tidy(j);
        usec_t until = step(j);
        if (until != 0 && !j->quit)
            (void)cond_wait_until(&j->work, &j->lock, until);
    }
    return NULL;
}
