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

/* Zeros up to where the frames begin, and from there to the sector's end. */
static int
prelude_pad(struct segment_head *h, size_t sector, struct buf *out)
{
    size_t pad = (h->base - out->n) % sector;
    h->prelude_end = (uint32_t)out->n;
    h->first_offset = out->n + pad;
    pad += -h->first_offset % sector;
    int r = buf_reserve(out, pad);
    if (r < 0)
        return r;
    memset(out->p + out->n, 0, pad);
    out->n += pad;
    return 0;
}

int
segment_prelude(const struct state *st, size_t sector, struct segment_head *h,
                struct buf *out)
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
    if (r == 0)
        r = prelude_pad(h, sector, out);
    if (r < 0)
        return r;
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
copy_frames(struct journal *j, struct segfile *sf, int to, uint64_t to_offset,
            uint64_t end)
{
    for (uint64_t at = j->synced; at < end;) {
        struct slice s;
        s.n = (size_t)MIN((uint64_t)COPY_BYTES, end - at);
        int r = segfile_bytes(sf, at, s.n, &s.p);
        if (r <= 0)
            return r < 0 ? r : -EIO;
        struct iovec v = {(void *)(uintptr_t)s.p, s.n};
        r = segment_pwrite(j->io, to, &v, 1, to_offset);
        if (r < 0)
            return r;
        to_offset += s.n;
        at += s.n;
    }
    return 0;
}

/* What the file has in the sector of 'end', before it. */
static int
read_edge(struct journal *j, int fd, const struct segment_head *h, uint64_t end)
{
    size_t n = end % j->sector;
    uint64_t offset = h->first_offset + (end - h->base) - n;
    ssize_t got = n == 0 ? 0
                         : j->io->pread(j->io->arg, fd, j->edges, j->sector,
                                        (off_t)offset);
    return got < 0 ? (int)got : (size_t)got < n ? -EIO : 0;
}

/* Through memory that direct I/O can take. */
static int
write_prelude(struct journal *j, int fd, const struct buf *prelude)
{
    auto_free char *p = mem_alloc_aligned(prelude->n, j->sector);
    if (!p)
        return -ENOMEM;
    memcpy(p, prelude->p, prelude->n);
    struct iovec v = {p, prelude->n};
    return segment_pwrite(j->io, fd, &v, 1, 0);
}

/* Writes head, prelude and what is to be copied to 'fd', and syncs it. */
static int
write_first(struct journal *j, int fd, const struct buf *prelude,
            const struct segment_head *h, struct segfile *from, uint64_t end)
{
    const struct io *io = j->io;
    uint64_t size = MAX(j->o.segment_size_bytes, end - j->synced);
    (void)io->fallocate(io->arg, fd, (off_t)(prelude->n + size));
    int r = write_prelude(j, fd, prelude);
    if (r == 0)
        r = copy_frames(j, from, fd, h->first_offset, end);
    if (r == 0)
        r = read_edge(j, fd, h, end);
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
    return segment_prelude(&j->durable, j->sector, ret, prelude);
}

static int
start(struct journal *j, struct segfile *from, uint64_t end, bool direct)
{
    AUTO_FINI(buf) prelude = BUF_INIT(PRELUDE_BYTES_MAX);
    char temporary[SEGMENT_NAME_MAX];
    struct segment_head h;
    int r = make_head(j, from, &h, &prelude);
    if (r < 0)
        return r;
    segment_name(h.base, h.seq, ".tmp", temporary);
    int flags = O_RDWR | O_CREAT | O_EXCL | (direct ? O_DIRECT : 0);
    int fd = j->io->open(j->io->arg, j->dirfd, temporary, flags, 0640);
    if (fd < 0) {
        (void)j->io->unlink(j->io->arg, j->dirfd, temporary);
        return fd;
    }
    struct segment s = {
        .base = h.base, .seq = h.seq, .bytes = h.first_offset, .time = h.time};
    r = write_first(j, fd, &prelude, &h, from, end);
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

/* Frames are copied at any offset, so not directly. */
int
segment_start(struct journal *j, struct segfile *from, uint64_t end)
{
    bool direct = j->direct && !from;
    int r = start(j, from, end, direct);
    if (r != -EINVAL || !direct)
        return r;
    j->direct = false; /* this file system can't */
    return start(j, from, end, false);
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
