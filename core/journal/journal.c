/* SPDX-License-Identifier: Apache-2.0 */
/* journal.c - opens, closes, and answers what takes no I/O. */
#include "config.h"

#include <errno.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/journal/priv.h"

#define SEGMENT_BYTES_MIN ((uint64_t)4096)
#define UNSYNCED_BYTES_MIN ((size_t)64 << 10)
#define SECTOR_SMALL ((size_t)512) /* of small journals, to save room */
#define SEGMENT_BYTES_LARGE ((uint64_t)1 << 20)

usec_t
monotonic_of(usec_t boot_us)
{
    if (boot_us == USEC_MAX)
        return USEC_MAX;
    if (boot_us <= 0)
        return 0;
    return boot_us - clock_boot_us() + clock_monotonic_us();
}

static void
journal_free(struct journal *j)
{
    if (j->dirfd >= 0)
        (void)j->io->close(j->io->arg, j->dirfd);
    state_fini(&j->appended);
    state_fini(&j->durable);
    blocks_fini(&j->blocks);
    mem_free(j->segments);
    mem_free(j->edges);
    cond_fini(&j->work);
    cond_fini(&j->room);
    cond_fini(&j->grown);
    cond_fini(&j->moved);
    lock_fini(&j->lock);
    j->magic = 0;
    mem_free(j);
}

static struct journal *
journal_new(const struct journal_options *o)
{
    struct journal *j = mem_new(struct journal);
    if (!j)
        return NULL;
    j->magic = JOURNAL_MAGIC;
    j->o = *o;
    j->o.dir = NULL;
    j->io = o->io ? o->io : &io_posix;
    j->dirfd = j->fd = -1;
    j->o.max_size_bytes = MAX(o->max_size_bytes, 4 * SEGMENT_BYTES_MIN);
    j->o.segment_size_bytes = CLAMP(o->segment_size_bytes, SEGMENT_BYTES_MIN,
                                    j->o.max_size_bytes / 4);
    j->o.unsynced_max_bytes = MAX(o->unsynced_max_bytes, UNSYNCED_BYTES_MIN);
    j->direct = j->o.segment_size_bytes >= SEGMENT_BYTES_LARGE;
    j->sector = j->direct ? SECTOR_MAX : SECTOR_SMALL;
    j->edges = mem_alloc_aligned((SPANS_MAX + 1) * j->sector, j->sector);
    j->reserve_bytes = MIN(RESERVE_BYTES, j->o.max_size_bytes / 8);
    for (int i = 0; i < PINS_MAX; i++)
        j->pins[i] = UINT64_MAX;
    j->time = USEC_NONE;
    j->stop_us = USEC_MAX;
    lock_init(&j->lock, LOCK_JOURNAL);
    cond_init(&j->work);
    cond_init(&j->room);
    cond_init(&j->grown);
    cond_init(&j->moved);
    /* As much again of what is synced, for those who read only that. */
    blocks_init(&j->blocks, 2 * j->o.unsynced_max_bytes);
    state_init(&j->appended);
    state_init(&j->durable);
    if (!j->edges) {
        journal_free(j);
        return NULL;
    }
    return j;
}

int
journal_open(const struct journal_options *o, struct journal **ret,
             struct err *err)
{
    struct journal *j = journal_new(o);
    if (!j)
        return err_set(err, -ENOMEM, "%s: out of memory", o->dir);
    j->o.dir = o->dir;
    int r = recover(j, err);
    j->o.dir = NULL;
    if (r == 0) {
        retain_get_reserve(j);
        if (!j->o.inline_writer) {
            r = -pthread_create(&j->thread, NULL, writer_main, j);
            j->has_thread = r == 0;
            if (r < 0)
                (void)err_set(err, r, "can't start the journal's thread");
        }
    }
    if (r < 0) {
        journal_free(j);
        return r;
    }
    *ret = j;
    return 0;
}

void
journal_close(struct journal *j)
{
    if (!j)
        return;
    CHECK_OBJ(j, JOURNAL_MAGIC);
    journal_stop(j);
    {
        AUTO_LOCK(&j->lock);
        j->quit = true;
        cond_broadcast(&j->work);
    }
    if (j->has_thread)
        (void)pthread_join(j->thread, NULL);
    {
        AUTO_LOCK(&j->lock);
        writer_finish(j);
    }
    journal_free(j);
}

void
journal_stop_at(struct journal *j, usec_t deadline_us)
{
    AUTO_LOCK(&j->lock);
    j->stop_us = MIN(j->stop_us, deadline_us);
    cond_broadcast(&j->room);
}

void
journal_stop(struct journal *j)
{
    journal_stop_at(j, USEC_MIN);
    AUTO_LOCK(&j->lock);
    j->stopped = true;
    cond_broadcast(&j->grown);
    cond_broadcast(&j->moved);
}

uint64_t
journal_begin(const struct journal *j)
{
    return j->begin;
}

uint64_t
journal_end(const struct journal *j)
{
    return j->end;
}

uint64_t
journal_synced(const struct journal *j)
{
    return j->synced;
}

usec_t
journal_time(const struct journal *j)
{
    return j->time;
}

static int
sync_inline(struct journal *j, uint64_t pos, usec_t deadline_us)
{
    int r = 0;
    if (j->synced < pos && deadline_us != USEC_MIN)
        r = writer_pass(j, true);
    writer_tidy(j);
    return j->synced >= pos ? 0 : r < 0 ? -EIO : -ETIMEDOUT;
}

int
journal_sync(struct journal *j, uint64_t pos, usec_t deadline_us)
{
    CHECK_OBJ(j, JOURNAL_MAGIC);
    if (j->synced >= pos && !j->o.inline_writer)
        return 0;
    AUTO_LOCK(&j->lock);
    pos = MIN(pos, (uint64_t)j->end);
    if (j->o.inline_writer)
        return sync_inline(j, pos, deadline_us);
    uint64_t failures = j->failures;
    if (j->sync_wanted < pos) {
        j->sync_wanted = pos;
        cond_signal(&j->work);
    }
    usec_t until = monotonic_of(deadline_us);
    while (j->synced < pos) {
        if (j->failures != failures)
            return -EIO;
        if (deadline_us == USEC_MIN ||
            cond_wait_until(&j->moved, &j->lock, until) == -ETIMEDOUT)
            return j->synced >= pos ? 0 : -ETIMEDOUT;
    }
    return 0;
}

/* Is there room for the longest chunk? */
static bool
has_room(const struct journal *j)
{
    return retain_room(j, FRAME_CHUNK, j->o.segment_size_bytes / 2) == 0;
}

int
journal_wait_room(struct journal *j, usec_t deadline_us)
{
    AUTO_LOCK(&j->lock);
    usec_t until = monotonic_of(deadline_us);
    for (;;) {
        if (j->o.inline_writer)
            writer_tidy(j);
        if (has_room(j))
            return 0;
        if (clock_boot_us() >= j->stop_us)
            return -ESHUTDOWN;
        if (deadline_us == USEC_MIN || j->o.inline_writer)
            return -ETIMEDOUT;
        usec_t stop = monotonic_of(j->stop_us);
        if (cond_wait_until(&j->room, &j->lock, MIN(until, stop)) ==
                -ETIMEDOUT &&
            until <= stop)
            return has_room(j) ? 0 : -ETIMEDOUT;
    }
}

void
journal_on_synced(struct journal *j, void (*fn)(void *arg, uint64_t pos),
                  void *arg)
{
    AUTO_LOCK(&j->lock);
    j->on_synced = fn;
    j->on_synced_arg = arg;
}

int
journal_pin_new(struct journal *j, uint64_t pos)
{
    AUTO_LOCK(&j->lock);
    for (int i = 0; i < PINS_MAX; i++) {
        if (j->pins[i] == UINT64_MAX) {
            j->pins[i] = MIN(pos, UINT64_MAX - 1);
            return i;
        }
    }
    return -1;
}

void
journal_pin_move(struct journal *j, int pin, uint64_t pos)
{
    AUTO_LOCK(&j->lock);
    CHECK(pin >= 0 && pin < PINS_MAX && j->pins[pin] != UINT64_MAX);
    j->pins[pin] = pos;
    cond_broadcast(&j->room);
    if (retain_goal(j, pin) == 0 && retain_bytes(j) > j->o.max_size_bytes)
        cond_signal(&j->work); /* what can go goes now */
}

uint64_t
journal_pin_goal(struct journal *j, int pin)
{
    AUTO_LOCK(&j->lock);
    return retain_goal(j, pin);
}

void
journal_let_go(struct journal *j)
{
    AUTO_LOCK(&j->lock);
    j->o.hold = false;
    cond_signal(&j->work);
    cond_broadcast(&j->room);
}

int
journal_positions(struct journal *j,
                  int (*fn)(void *arg, const struct journal_position *p),
                  void *arg)
{
    AUTO_FINI(buf) copy = BUF_INIT(PRELUDE_BYTES_MAX);
    struct positions p;
    int r;
    {
        AUTO_LOCK(&j->lock);
        r = positions_encode(&j->appended.positions, &copy);
    }
    positions_init(&p, JOURNAL_PARTITIONS_MAX);
    if (r == 0)
        r = positions_decode(&p, buf_slice(&copy));
    if (r == 0)
        r = positions_each(&p, fn, arg);
    positions_fini(&p);
    return r;
}

int
journal_sticky(struct journal *j, unsigned type, struct slice *ret)
{
    AUTO_LOCK(&j->lock);
    for (int i = 0; i < STICKY_MAX; i++) {
        if (j->appended.sticky[i].type != type)
            continue;
        size_t n = j->appended.sticky[i].n;
        char *p = mem_dup(j->appended.sticky[i].p, MAX(n, (size_t)1));
        if (!p)
            return -ENOMEM;
        *ret = slice_new(p, n);
        return 0;
    }
    return -ENOENT;
}

void
journal_get_stats(struct journal *j, struct journal_stats *ret)
{
    AUTO_LOCK(&j->lock);
    *ret = j->stats;
    ret->bytes = retain_bytes(j);
    ret->segments = j->n_segments;
    ret->oldest_pos = j->begin;
    ret->oldest_time_us =
        j->n_segments > 0 ? j->segments[0].time : (usec_t)USEC_NONE;
    ret->unsynced_bytes = j->end - j->synced;
    ret->full = !has_room(j);
}
