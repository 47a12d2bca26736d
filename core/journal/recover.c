/* SPDX-License-Identifier: Apache-2.0 */
/* recover.c - finds what a directory holds after whatever happened to it.
 *
 * Only the newest segment is read; that older ones are whole up to where their
 * successor begins was made sure before that was made.  What the newest holds
 * may be in the page cache alone (after kill -9), so it is synced before it
 * counts.  It is never written to again: the next frame starts a segment. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>

#include "core/base/mem.h"
#include "core/journal/priv.h"

#define COPY_BYTES ((size_t)512 << 10)

static int
open_directory(struct journal *j, struct err *err)
{
    const struct io *io = j->io;
    const char *dir = j->o.dir;
    int r = io->mkdir(io->arg, AT_FDCWD, dir, 0750);
    if (r < 0 && r != -EEXIST)
        return err_set(err, r, "can't make \"%s\": %s", dir, strerror(-r));
    r = io->open(io->arg, AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0);
    if (r < 0)
        return err_set(err, r, "can't open \"%s\": %s", dir, strerror(-r));
    j->dirfd = r;
    r = io->lock(io->arg, j->dirfd);
    if (r == -EWOULDBLOCK)
        return err_set(err, -EBUSY, "\"%s\" is in use by another process", dir);
    if (r < 0)
        return err_set(err, r, "can't lock \"%s\": %s", dir, strerror(-r));
    return 0;
}

/* Opens the newest segment that has a head; others are put aside.  1, 0 if
 * there is none.  *floor: no position below is free. */
static int
open_newest(struct journal *j, struct listing *l, struct segfile *sf,
            uint64_t *floor)
{
    while (l->n > 0) {
        const struct segment *s = &l->segments[l->n - 1];
        int r = segfile_open(sf, j->io, j->dirfd, s->base, s->seq);
        if (r == -EIO)
            r = segfile_open(sf, j->io, j->dirfd, s->base, s->seq);
        if (r == 0)
            return 1;
        if (r != -EBADMSG && r != -EIO)
            return r;
        uint64_t held = MAX(sf->size, j->o.segment_size_bytes);
        *floor = MAX(*floor, s->base + ((held + 7) & ~UINT64_C(7)));
        r = segment_quarantine(j->io, j->dirfd, s->base, s->seq);
        if (r < 0)
            return r; /* a disk that can't do that either is no journal's */
        j->stats.damaged_segments++;
        l->n--;
    }
    return 0;
}

/* Files that a crash left unfinished, and what the newest segment covers. */
static void
clean(struct journal *j, struct listing *l)
{
    size_t k = 0;
    uint64_t newest = l->n > 0 ? l->segments[l->n - 1].base : 0;
    for (size_t i = 0; i < l->n_stale; i++)
        (void)j->io->unlink(j->io->arg, j->dirfd, l->stale[i]);
    for (size_t i = 0; i < l->n; i++) {
        char name[SEGMENT_NAME_MAX];
        if (i + 1 == l->n || l->segments[i].base != newest) {
            l->segments[k++] = l->segments[i];
            continue;
        }
        segment_name(l->segments[i].base, l->segments[i].seq, "", name);
        int r = j->io->unlink(j->io->arg, j->dirfd, name);
        if (r < 0 && r != -ENOENT)
            l->segments[k++] = l->segments[i]; /* before its successor */
        j->drops_unsynced = true;
    }
    l->n = k;
}

static int
copy_bytes(struct journal *j, int from, int to, uint64_t size)
{
    auto_free char *p = mem_alloc(COPY_BYTES);
    if (!p)
        return -ENOMEM;
    uint64_t at = 0;
    while (at < size) {
        size_t want = (size_t)MIN((uint64_t)COPY_BYTES, size - at);
        ssize_t n = j->io->pread(j->io->arg, from, p, want, (off_t)at);
        if (n <= 0)
            return n < 0 ? (int)n : -EIO;
        struct iovec v = {p, (size_t)n};
        int r = segment_pwrite(j->io, to, &v, 1, at);
        if (r < 0)
            return r;
        at += (uint64_t)n;
    }
    return 0;
}

/* The first 'size' bytes of the segment under the next number. */
static int
copy_to(struct journal *j, const struct segfile *sf, int to, uint64_t size)
{
    struct segment_head h = sf->head;
    struct iovec v = {&h, sizeof h};
    h.seq = j->seq;
    segment_seal(&h);
    int r = copy_bytes(j, sf->fd, to, size);
    if (r == 0)
        r = segment_pwrite(j->io, to, &v, 1, 0);
    if (r == 0)
        r = j->io->fdatasync(j->io->arg, to);
    return r;
}

/* What can't be synced is written anew, under the same base. */
static int
replace(struct journal *j, struct segfile *sf, struct segment *s, uint64_t size)
{
    const struct io *io = j->io;
    char name[SEGMENT_NAME_MAX], temporary[SEGMENT_NAME_MAX];
    char old[SEGMENT_NAME_MAX];
    j->seq++;
    segment_name(s->base, s->seq, "", old);
    segment_name(s->base, j->seq, "", name);
    segment_name(s->base, j->seq, ".tmp", temporary);
    int fd =
        io->open(io->arg, j->dirfd, temporary, O_RDWR | O_CREAT | O_EXCL, 0640);
    if (fd < 0)
        return fd;
    int r = copy_to(j, sf, fd, size);
    (void)io->close(io->arg, fd);
    if (r == 0)
        r = io->rename(io->arg, j->dirfd, temporary, name);
    if (r < 0) {
        (void)io->unlink(io->arg, j->dirfd, temporary);
        return r;
    }
    r = io->fsync(io->arg, j->dirfd);
    if (r < 0)
        return r;
    (void)io->unlink(io->arg, j->dirfd, old);
    s->seq = j->seq;
    return segfile_open(sf, io, j->dirfd, s->base, s->seq);
}

/* Everything up to 'end' becomes durable. */
static int
sync_newest(struct journal *j, struct segfile *sf, struct segment *s,
            uint64_t end)
{
    const struct io *io = j->io;
    char name[SEGMENT_NAME_MAX];
    uint64_t size = sf->head.first_offset + (end - s->base);
    s->bytes = size;
    s->time = sf->head.time;
    if (j->o.sync_us == JOURNAL_SYNC_NEVER)
        return 0;
    segment_name(s->base, s->seq, "", name);
    int fd = io->open(io->arg, j->dirfd, name, O_RDWR, 0);
    if (fd < 0)
        return fd;
    if (sf->size > size)
        (void)io->ftruncate(io->arg, fd, (off_t)size);
    int r = io->fdatasync(io->arg, fd);
    (void)io->close(io->arg, fd);
    if (r == 0)
        r = io->fsync(io->arg, j->dirfd);
    return r < 0 ? replace(j, sf, s, size) : 0;
}

static bool
prelude_ok(struct segfile *sf)
{
    struct frame f;
    uint64_t offset = 0;
    int r;
    do {
        r = segfile_prelude(sf, &offset, &f);
    } while (r > 0);
    return r == 0;
}

static int
take_prelude(struct journal *j, struct segfile *sf)
{
    struct frame f;
    uint64_t offset = 0;
    for (;;) {
        int r = segfile_prelude(sf, &offset, &f);
        if (r <= 0)
            return r == -EBADMSG ? 0 : r;
        r = state_take_prelude(&j->durable, &f);
        if (r == 0)
            r = state_take_prelude(&j->appended, &f);
        if (r < 0 && r != -EBADMSG)
            return r;
    }
}

static int
take_frames(struct journal *j, struct segfile *sf, uint64_t limit)
{
    struct segfile_damage damage = {0};
    struct frame f;
    uint64_t pos = sf->head.base;
    for (;;) {
        int r = segfile_next(sf, &pos, limit, &f, &damage);
        if (r <= 0)
            return r;
        r = state_take(&j->durable, &f);
        if (r == 0)
            r = state_take(&j->appended, &f);
        if (r < 0)
            return r;
    }
}

/* What is in force at the end: from the newest prelude that is whole, and the
 * frames from there on. */
static int
load_state(struct journal *j, const struct listing *l, struct segfile *sf,
           uint64_t end)
{
    usec_t time = sf->head.time;
    size_t k = l->n - 1;
    int r = 0;
    while (!prelude_ok(sf) && k > 0) {
        do {
            k--;
            r = segfile_open(sf, j->io, j->dirfd, l->segments[k].base,
                             l->segments[k].seq);
        } while (r < 0 && k > 0);
        if (r < 0)
            break;
    }
    bool first = true;
    for (; k < l->n; k++) {
        const struct segment *s = &l->segments[k];
        uint64_t limit = k + 1 < l->n ? l->segments[k + 1].base : end;
        if (sf->fd < 0 || sf->head.base != s->base)
            r = segfile_open(sf, j->io, j->dirfd, s->base, s->seq);
        if (r == 0 && first)
            r = take_prelude(j, sf);
        if (r == 0)
            r = take_frames(j, sf, limit);
        if (r == -ENOMEM)
            return r;
        first = false;
        segfile_close(sf);
        r = 0;
    }
    j->durable.time = MAX(j->durable.time, time);
    return 0;
}

/* Sets the list of segments; sizes of older ones follow from their bases. */
static int
take_listing(struct journal *j, const struct listing *l)
{
    for (size_t i = 0; i < l->n; i++) {
        struct segment s = l->segments[i];
        if (i + 1 < l->n)
            s.bytes =
                l->segments[i + 1].base - s.base + sizeof(struct segment_head);
        int r = segment_add(j, &s);
        if (r < 0)
            return r;
    }
    return 0;
}

static int
recover_listed(struct journal *j, struct listing *l, struct segfile *sf)
{
    uint64_t end = MAX(POSITION_FIRST, (j->o.min_end + 7) & ~UINT64_C(7));
    j->seq = l->seq;
    int r = open_newest(j, l, sf, &end);
    if (r < 0)
        return r;
    clean(j, l);
    if (r > 0) {
        uint64_t found, torn = 0;
        struct segment *newest = &l->segments[l->n - 1];
        r = segfile_find_end(sf, &found, &torn);
        if (r == 0)
            r = sync_newest(j, sf, newest, found);
        if (r == 0)
            r = load_state(j, l, sf, found);
        if (r == 0)
            r = take_listing(j, l);
        if (r < 0)
            return r;
        j->stats.torn_bytes = torn;
        end = MAX(end, found);
    }
    j->begin = j->n_segments > 0 ? j->segments[0].base : end;
    j->synced = j->end = j->written = end;
    j->time = j->durable.time;
    return 0;
}

int
recover(struct journal *j, struct err *err)
{
    struct listing l = {0};
    struct segfile sf = SEGFILE_CLOSED;
    int r = open_directory(j, err);
    if (r < 0)
        return r;
    r = listing_read(&l, j->io, j->dirfd);
    if (r == 0)
        r = recover_listed(j, &l, &sf);
    segfile_fini(&sf);
    listing_fini(&l);
    if (r < 0)
        return err_set(err, r, "can't open the journal in \"%s\": %s", j->o.dir,
                       strerror(-r));
    return 0;
}
