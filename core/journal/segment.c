/* SPDX-License-Identifier: Apache-2.0 */
/* segment.c - makes segments.  A file gets its name only when head and prelude
 * are synced, and is relied on only when the directory is synced, so that a
 * head that can't be read is damage and never a power cut. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>

#include "core/base/clock.h"
#include "core/base/crc32c.h"
#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/journal/priv.h"

#define COPY_BYTES ((size_t)512 << 10)

int
segment_pwrite(const struct io *io, int fd, struct iovec *v, int n,
               uint64_t offset)
{
    size_t bytes = 0;
    for (int i = 0; i < n; i++)
        bytes += v[i].iov_len;
    ssize_t r;
    do {
        r = io->pwritev(io->arg, fd, v, n, (off_t)offset);
    } while (r == -EINTR);
    if (r < 0)
        return (int)r;
    return (size_t)r == bytes ? 0 : -ENOSPC;
}

/* The frame's head in 'out' is filled in once its payload stands behind it. */
static int
prelude_finish(struct buf *out, size_t at, uint64_t salt, unsigned type,
               unsigned flags, usec_t time)
{
    static const char zeros[8];
    size_t length = out->n - at - sizeof(struct frame_head);
    (void)buf_append(out, zeros, -length & 7);
    if (buf_error(out) < 0)
        return buf_error(out);
    struct frame_head h = {.length = (uint32_t)length,
                           .type = (uint16_t)type,
                           .flags = (uint16_t)flags,
                           .time = time};
    h.payload_crc = crc32c(0, out->p + at + sizeof h, length);
    frame_seal(&h, salt, PRELUDE_POSITION | at);
    memcpy(out->p + at, &h, sizeof h);
    return 0;
}

int
segment_prelude(const struct state *st, struct segment_head *h, struct buf *out)
{
    static const struct frame_head blank;
    int r = buf_append(out, h, sizeof *h);
    for (int i = 0; i < STICKY_MAX && r == 0; i++) {
        size_t at = out->n;
        if (st->sticky[i].type == 0)
            break;
        (void)buf_append(out, &blank, sizeof blank);
        (void)buf_append(out, st->sticky[i].p, st->sticky[i].n);
        r = prelude_finish(out, at, h->salt, st->sticky[i].type,
                           st->sticky[i].flags, st->sticky[i].time);
    }
    if (r == 0) {
        size_t at = out->n;
        (void)buf_append(out, &blank, sizeof blank);
        r = positions_encode(&st->positions, out);
        if (r == 0)
            r = prelude_finish(out, at, h->salt, FRAME_POSITIONS, 0, h->time);
    }
    if (r < 0)
        return r;
    h->first_offset = out->n;
    segment_seal(h);
    memcpy(out->p, h, sizeof *h);
    return 0;
}

int
segment_add(struct journal *j, const struct segment *s)
{
    if (j->n_segments == j->segments_cap) {
        size_t cap = MAX((size_t)16, j->segments_cap * 2);
        void *p = mem_realloc(j->segments, cap, sizeof *s);
        if (!p)
            return -ENOMEM;
        j->segments = p;
        j->segments_cap = cap;
    }
    j->segments[j->n_segments++] = *s;
    j->listed_bytes += s->bytes;
    return 0;
}

void
segment_set_bytes(struct journal *j, size_t i, uint64_t bytes)
{
    j->listed_bytes += bytes - j->segments[i].bytes;
    j->segments[i].bytes = bytes;
}

static void
remove_at(struct journal *j, size_t i)
{
    j->listed_bytes -= j->segments[i].bytes;
    j->n_segments--;
    memmove(j->segments + i, j->segments + i + 1,
            (j->n_segments - i) * sizeof *j->segments);
}

static int
sync_directory(struct journal *j)
{
    if (j->o.sync_us == JOURNAL_SYNC_NEVER)
        return 0;
    return j->io->fsync(j->io->arg, j->dirfd);
}

/* Copies the frames of [from, end) as they are: salt and positions stay. */
static int
copy_frames(struct journal *j, const struct segfile *sf, int to,
            uint64_t to_offset, uint64_t end)
{
    uint64_t at = j->synced;
    if (at == end)
        return 0;
    auto_free char *p = mem_alloc(COPY_BYTES);
    if (!p)
        return -ENOMEM;
    while (at < end) {
        uint64_t offset = sf->head.first_offset + (at - sf->head.base);
        size_t want = (size_t)MIN((uint64_t)COPY_BYTES, end - at);
        ssize_t n = j->io->pread(j->io->arg, sf->fd, p, want, (off_t)offset);
        if (n <= 0)
            return n < 0 ? (int)n : -EIO;
        struct iovec v = {p, (size_t)n};
        int r = segment_pwrite(j->io, to, &v, 1, to_offset);
        if (r < 0)
            return r;
        to_offset += (uint64_t)n;
        at += (uint64_t)n;
    }
    return 0;
}

/* Writes head, prelude and what is to be copied to 'fd', and syncs it. */
static int
write_first(struct journal *j, int fd, const struct buf *prelude,
            const struct segfile *from, uint64_t end)
{
    const struct io *io = j->io;
    struct iovec v = {prelude->p, prelude->n};
    uint64_t size = MAX(j->o.segment_size_bytes, end - j->synced);
    (void)io->fallocate(io->arg, fd, (off_t)(prelude->n + size));
    int r = segment_pwrite(io, fd, &v, 1, 0);
    if (r == 0)
        r = copy_frames(j, from, fd, prelude->n, end);
    if (r == 0 && j->o.sync_us != JOURNAL_SYNC_NEVER)
        r = io->fdatasync(io->arg, fd);
    return r;
}

bool
segment_forget(struct journal *j, const struct segment *s)
{
    for (size_t i = 0; i < j->n_segments; i++) {
        if (j->segments[i].base != s->base || j->segments[i].seq != s->seq)
            continue;
        remove_at(j, i);
        return true;
    }
    return false;
}

/* The newest segment that the last one covers wholly and that comes before
 * 'seq'. */
static bool
find_covered(struct journal *j, uint32_t seq, struct segment *ret)
{
    AUTO_LOCK(&j->lock);
    uint64_t base = j->segments[j->n_segments - 1].base;
    for (size_t i = j->n_segments - 1; i-- > 0;) {
        if (j->segments[i].base != base)
            break;
        if (j->segments[i].seq < seq) {
            *ret = j->segments[i];
            return true;
        }
    }
    return false;
}

/* Removes what the newest segment covers.  What can't be removed stays listed:
 * when its successor is dropped, it has to go first. */
static void
remove_covered(struct journal *j, uint32_t seq)
{
    struct segment old = {.seq = seq};
    while (find_covered(j, old.seq, &old)) {
        char name[SEGMENT_NAME_MAX];
        segment_name(old.base, old.seq, "", name);
        int r = j->io->unlink(j->io->arg, j->dirfd, name);
        if (r < 0 && r != -ENOENT)
            continue;
        AUTO_LOCK(&j->lock);
        segment_forget(j, &old);
        j->drops_unsynced = true;
    }
}

/* Gives the file its name, and puts it on the list even if that can't be
 * synced: it is there. */
static int
establish(struct journal *j, const struct segment *s, const char *temporary)
{
    char name[SEGMENT_NAME_MAX];
    segment_name(s->base, s->seq, "", name);
    int r = j->io->rename(j->io->arg, j->dirfd, temporary, name);
    if (r < 0)
        return r;
    {
        AUTO_LOCK(&j->lock);
        r = segment_add(j, s);
    }
    return r < 0 ? r : sync_directory(j);
}

static int
make_head(struct journal *j, const struct segfile *from,
          struct segment_head *ret, struct buf *prelude)
{
    usec_t wall = clock_wall_us();
    *ret = (struct segment_head){.base = j->synced,
                                 .seq = ++j->seq,
                                 .time = j->durable.time,
                                 .wall_us = wall};
    ret->salt = from ? from->head.salt
                     : hash_mix(hash_u64((uint64_t)wall), ret->base ^ ret->seq);
    return segment_prelude(&j->durable, ret, prelude);
}

int
segment_start(struct journal *j, const struct segfile *from, uint64_t end)
{
    AUTO_FINI(buf) prelude = BUF_INIT(PRELUDE_BYTES_MAX);
    char temporary[SEGMENT_NAME_MAX];
    struct segment_head h;
    int r = make_head(j, from, &h, &prelude);
    if (r < 0)
        return r;
    segment_name(h.base, h.seq, ".tmp", temporary);
    int fd = j->io->open(j->io->arg, j->dirfd, temporary,
                         O_RDWR | O_CREAT | O_EXCL, 0640);
    if (fd < 0)
        return fd;
    struct segment s = {
        .base = h.base, .seq = h.seq, .bytes = h.first_offset, .time = h.time};
    r = write_first(j, fd, &prelude, from, end);
    if (r == 0)
        r = establish(j, &s, temporary);
    if (r < 0) {
        (void)j->io->close(j->io->arg, fd);
        (void)j->io->unlink(j->io->arg, j->dirfd, temporary);
        return r;
    }
    remove_covered(j, h.seq);
    AUTO_LOCK(&j->lock);
    j->fd = fd;
    j->base = h.base;
    j->written = end;
    j->first_offset = h.first_offset;
    j->salt = h.salt;
    return 0;
}

int
segment_quarantine(const struct io *io, int dirfd, uint64_t base, uint32_t seq)
{
    char from[SEGMENT_NAME_MAX], to[SEGMENT_NAME_MAX];
    segment_name(base, seq, "", from);
    segment_name(base, seq, DAMAGED_SUFFIX, to);
    log_warn("journal segment \"%s\" can't be read, renaming it to \"%s\"",
             from, to);
    return io->rename(io->arg, dirfd, from, to);
}
