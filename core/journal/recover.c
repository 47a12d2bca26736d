/* SPDX-License-Identifier: Apache-2.0 */
/* recover.c - finds what a directory holds after whatever happened to it.
 *
 * Only the newest segment is read; that older ones are whole up to where their
 * successor begins was made sure before that was made.  The last frames of the
 * newest may be in the page cache alone, and a sync of its file proves nothing:
 * one that failed before the process died may have marked them clean.  So they
 * are written again, to a segment that begins where they do, before they
 * count.  Old files are never written to. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>

#include "core/base/mem.h"
#include "core/journal/priv.h"

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

/* Frames up to 'synced' are durable, those up to 'end' are there. */
static int
take_frames(struct journal *j, struct segfile *sf, uint64_t synced,
            uint64_t end)
{
    struct segfile_damage damage = {0};
    struct frame f;
    uint64_t pos = sf->head.base;
    for (;;) {
        int r = segfile_next(sf, &pos, end, &f, &damage);
        if (r <= 0)
            return r;
        if (f.next <= synced)
            r = state_take(&j->durable, &f);
        if (r >= 0)
            r = state_take(&j->appended, &f);
        if (r < 0)
            return r;
    }
}

/* What is in force: from the newest prelude that is whole, and the frames from
 * there on. */
static int
load_state(struct journal *j, const struct listing *l, struct segfile *sf,
           uint64_t synced, uint64_t end)
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
    for (size_t first = k; k < l->n; k++) {
        const struct segment *s = &l->segments[k];
        uint64_t limit = k + 1 < l->n ? l->segments[k + 1].base : end;
        r = 0;
        if (sf->fd < 0 || sf->head.base != s->base || sf->head.seq != s->seq)
            r = segfile_open(sf, j->io, j->dirfd, s->base, s->seq);
        if (r == 0 && k == first) {
            j->durable.time = j->appended.time = sf->head.time;
            r = take_prelude(j, sf);
        }
        if (r == 0)
            r = take_frames(j, sf, synced, limit);
        if (r == -ENOMEM)
            return r;
    }
    if (j->durable.time == USEC_NONE)
        j->durable.time = j->appended.time = time;
    return sf->fd < 0 ? r : 0;
}

/* On a disk without any room: syncing the old file is better than not to
 * start. */
static int
sync_in_place(struct journal *j, const struct segfile *sf)
{
    char name[SEGMENT_NAME_MAX];
    segment_name(sf->head.base, sf->head.seq, "", name);
    int fd = j->io->open(j->io->arg, j->dirfd, name, O_RDWR, 0);
    if (fd < 0)
        return fd;
    int r = j->io->fdatasync(j->io->arg, fd);
    (void)j->io->close(j->io->arg, fd);
    return r;
}

/* The frames of [synced, end) go to a segment of their own. */
static int
rewrite(struct journal *j, struct segfile *sf, uint64_t end)
{
    int r = -EIO;
    for (int i = 0; i < 3 && r < 0; i++) {
        r = segment_start(j, sf, end);
        if (r == -ENOSPC || r == -EDQUOT)
            retain_release_reserve(j);
    }
    if (r == -ENOSPC || r == -EDQUOT)
        r = sync_in_place(j, sf);
    if (r < 0)
        return r;
    struct segfile_damage damage = {0};
    struct frame f;
    uint64_t pos = j->synced;
    do {
        r = segfile_next(sf, &pos, end, &f, &damage);
        if (r > 0 && state_take(&j->durable, &f) < 0)
            return -ENOMEM;
    } while (r > 0);
    return r;
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

/* Gives back what the newest segment had preallocated. */
static void
trim(struct journal *j, const struct segfile *sf, const struct segment *s)
{
    char name[SEGMENT_NAME_MAX];
    if (sf->size <= s->bytes)
        return;
    segment_name(s->base, s->seq, "", name);
    int fd = j->io->open(j->io->arg, j->dirfd, name, O_RDWR, 0);
    if (fd < 0)
        return;
    (void)j->io->ftruncate(j->io->arg, fd, (off_t)s->bytes);
    (void)j->io->close(j->io->arg, fd);
}

/* Positions jump: the next frame starts a segment. */
static void
close_newest(struct journal *j)
{
    (void)j->io->close(j->io->arg, j->fd);
    j->fd = -1;
}

/* The newest segment has a head. */
static int
recover_newest(struct journal *j, struct listing *l, struct segfile *sf,
               uint64_t *end)
{
    struct segment *s = &l->segments[l->n - 1];
    uint64_t found, synced, torn = 0;
    int r = segfile_find_end(sf, &found, &synced, &torn);
    if (r < 0)
        return r;
    if (j->o.sync_us == JOURNAL_SYNC_NEVER)
        synced = found;
    s->time = sf->head.time;
    s->bytes = sf->head.first_offset + (found - s->base);
    r = load_state(j, l, sf, synced, found);
    if (r == 0)
        r = take_listing(j, l);
    if (r < 0)
        return r;
    trim(j, sf, s);
    j->stats.torn_bytes = torn;
    j->synced = synced;
    if (found > synced)
        r = rewrite(j, sf, found);
    *end = MAX(*end, found);
    if (r == 0 && j->fd >= 0 && *end > found)
        close_newest(j);
    return r;
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
        r = recover_newest(j, l, sf, &end);
        if (r < 0)
            return r;
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
