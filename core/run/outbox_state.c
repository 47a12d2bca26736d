/* SPDX-License-Identifier: Apache-2.0 */
/* outbox_state.c - the notifier's state as a file: "tobx", CRC-32C of the rest,
 * the rest.  Written beside, synced, and renamed over the old one, so that
 * there is always a whole one. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/codec.h"
#include "core/base/crc32c.h"
#include "core/base/log.h"
#include "core/journal/journal.h"
#include "core/run/outbox_priv.h"

#define STATE_MAX ((size_t)2 * 1024 * 1024 * 1024)
#define HEAD_SIZE 8
#define SAVE_EVERY_US (10 * USEC_PER_SEC)
/* Nothing changed but the time: the journal may go, though. */
#define SAVE_IDLE_US (60 * USEC_PER_SEC)
/* It takes at most this part of the time, however large it is. */
#define SAVE_SHARE 50

static int
read_all(const struct io *io, int fd, struct buf *b)
{
    int64_t size = io->size(io->arg, fd);
    if (size < 0)
        return (int)size;
    int r = buf_reserve(b, (size_t)size);
    while (r == 0 && (int64_t)b->n < size) {
        ssize_t n = io->pread(io->arg, fd, b->p + b->n, (size_t)size - b->n,
                              (off_t)b->n);
        if (n <= 0)
            return n < 0 ? (int)n : -EBADMSG;
        b->n += (size_t)n;
    }
    return r;
}

int
outbox_load(struct outbox *ob)
{
    const struct io *io = ob->io;
    AUTO_FINI(buf) b = BUF_INIT(STATE_MAX);
    int fd = io->open(io->arg, ob->dirfd, "state", O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    int r = read_all(io, fd, &b);
    (void)io->close(io->arg, fd);
    if (r < 0)
        return r;
    struct slice body = slice_skip(buf_slice(&b), HEAD_SIZE);
    if (b.n < HEAD_SIZE || memcmp(b.p, "tobx", 4) != 0 ||
        le_get_u32(b.p + 4) != crc32c(0, body.p, body.n))
        return -EBADMSG;
    return notifier_decode(ob->notifier, body);
}

static int
write_all(const struct io *io, int fd, struct slice s)
{
    off_t at = 0;
    while (s.n > 0) {
        struct iovec v = {(void *)(uintptr_t)s.p, s.n};
        ssize_t n = io->pwritev(io->arg, fd, &v, 1, at);
        if (n <= 0)
            return n < 0 ? (int)n : -EIO;
        at += n;
        s = slice_skip(s, (size_t)n);
    }
    return io->fdatasync(io->arg, fd);
}

static int
store(struct outbox *ob, struct slice s)
{
    const struct io *io = ob->io;
    int fd = io->open(io->arg, ob->dirfd, "state.new",
                      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return fd;
    int r = write_all(io, fd, s);
    (void)io->close(io->arg, fd);
    if (r == 0)
        r = io->rename(io->arg, ob->dirfd, "state.new", "state");
    if (r == 0)
        r = io->fsync(io->arg, ob->dirfd);
    return r;
}

static int
encode(struct outbox *ob, struct buf *b)
{
    static const char head[HEAD_SIZE] = "tobx";
    (void)buf_append(b, head, sizeof head);
    lock_take(&ob->lock);
    int r = notifier_encode(ob->notifier, b);
    lock_release(&ob->lock);
    if (r == 0)
        le_put_u32(b->p + 4, crc32c(0, b->p + HEAD_SIZE, b->n - HEAD_SIZE));
    return r;
}

void
outbox_save(struct outbox *ob, bool now)
{
    uint64_t position = notifier_position(ob->notifier);
    uint64_t changes = notifier_changes(ob->notifier);
    usec_t every = changes != ob->saved_changes ? SAVE_EVERY_US : SAVE_IDLE_US;
    usec_t clock = clock_boot_us();
    /* What it pins must not fill the journal before its time. */
    bool much = ob->save_bytes > 0 &&
                position - ob->saved_position >= ob->save_bytes &&
                clock >= ob->saved_us + SAVE_SHARE * ob->save_cost_us;
    if (position == ob->saved_position ||
        (!now && !much && clock < ob->saved_us + every))
        return;
    AUTO_FINI(buf) b = BUF_INIT(STATE_MAX);
    int r = encode(ob, &b);
    if (r == 0)
        r = store(ob, buf_slice(&b));
    ob->saved_us = clock;
    ob->save_cost_us = clock_boot_us() - clock;
    if (r < 0) {
        log_limited(LOG_WARN, 60 * USEC_PER_SEC,
                    "notifier: its state can't be kept (%s); the journal "
                    "stays as long as it is needed instead",
                    strerror(-r));
        return;
    }
    ob->saved_position = position;
    ob->saved_changes = changes;
    journal_pin_move(ob->journal, ob->pin, position);
}
