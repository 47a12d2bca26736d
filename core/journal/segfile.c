/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>

#include "core/base/mem.h"
#include "core/journal/segfile.h"

#define WINDOW_BYTES ((size_t)512 << 10)
#define SECTOR_BYTES ((size_t)4096)

static size_t
sectors(size_t n)
{
    return (n + SECTOR_BYTES - 1) & ~(SECTOR_BYTES - 1);
}

/* Reads until 'n' bytes or the end of the file. */
static ssize_t
read_all(struct segfile *sf, char *p, size_t n, uint64_t offset)
{
    size_t got = 0;
    while (got < n) {
        ssize_t r = sf->io->pread(sf->io->arg, sf->fd, p + got, n - got,
                                  (off_t)(offset + got));
        if (r == -EINTR)
            continue;
        if (r < 0)
            return r;
        got += (size_t)r;
        if (r == 0 || r % (ssize_t)SECTOR_BYTES != 0) /* the file's end */
            break;
    }
    return (ssize_t)got;
}

/* The same on a disk with bad sectors, which read as zeros. */
static ssize_t
read_around(struct segfile *sf, char *p, size_t n, uint64_t offset)
{
    size_t got = 0;
    while (got < n) {
        size_t piece = SECTOR_BYTES - (offset + got) % SECTOR_BYTES;
        piece = MIN(piece, n - got);
        ssize_t r = read_all(sf, p + got, piece, offset + got);
        if (r == -EIO) {
            memset(p + got, 0, piece);
            r = (ssize_t)piece;
        }
        if (r <= 0)
            return r < 0 ? r : (ssize_t)got;
        got += (size_t)r;
    }
    return (ssize_t)got;
}

/* Room for 'n' bytes, whole sectors. */
static int
window_reserve(struct segfile *sf, size_t n)
{
    if (n <= sf->window_cap)
        return 0;
    size_t cap = MAX(n, WINDOW_BYTES);
    void *p = mem_alloc_aligned(cap, SECTOR_BYTES);
    if (!p)
        return -ENOMEM;
    mem_free(sf->window);
    sf->window = p;
    sf->window_cap = cap;
    return 0;
}

/* Makes bytes [offset, offset + n) readable, reading ahead but giving nothing
 * beyond 'end'.  1, 0 if the file or 'end' comes first, or negative errno.
 * Whole sectors are read, as direct I/O wants it. */
static int
window_move(struct segfile *sf, uint64_t offset, size_t n, uint64_t end)
{
    end = MIN(end, sf->size);
    if (offset > end || n > end - offset)
        return 0;
    uint64_t at = offset - offset % SECTOR_BYTES;
    sf->window_n = 0;
    int e = window_reserve(sf, sectors((size_t)(offset - at) + n));
    if (e < 0)
        return e;
    size_t want = (size_t)MIN((uint64_t)sf->window_cap, end - at);
    ssize_t r = read_all(sf, sf->window, sectors(want), at);
    if (r == -EIO)
        r = read_around(sf, sf->window, sectors(want), at);
    if (r < 0)
        return (int)r;
    sf->window_at = at;
    sf->window_n = MIN((size_t)r, want);
    return sf->window_n >= offset - at + n;
}

static inline int
get(struct segfile *sf, uint64_t offset, size_t n, uint64_t end,
    const void **ret)
{
    if (unlikely(offset < sf->window_at ||
                 offset + n > sf->window_at + sf->window_n)) {
        int r = window_move(sf, offset, n, end);
        if (r <= 0)
            return r;
    }
    *ret = sf->window + (offset - sf->window_at);
    return 1;
}

int
segfile_open(struct segfile *sf, const struct io *io, int dirfd, uint64_t base,
             uint32_t seq)
{
    char name[SEGMENT_NAME_MAX];
    segfile_close(sf);
    segment_name(base, seq, "", name);
    int fd = io->open(io->arg, dirfd, name, O_RDONLY | O_DIRECT, 0);
    if (fd == -EINVAL) /* this file system can't */
        fd = io->open(io->arg, dirfd, name, O_RDONLY, 0);
    if (fd < 0)
        return fd;
    sf->io = io;
    sf->fd = fd;
    sf->window_n = 0;
    int64_t size = io->size(io->arg, fd);
    const void *head = NULL;
    int r = (int)MIN(size, (int64_t)0);
    if (r == 0) {
        sf->size = (uint64_t)size;
        /* no further: what follows may not be written yet */
        r = get(sf, 0, sizeof sf->head, sizeof sf->head, &head);
    }
    if (r <= 0 || !segment_head_ok(head, base, seq, sf->size)) {
        segfile_close(sf);
        return r < 0 ? r : -EBADMSG;
    }
    memcpy(&sf->head, head, sizeof sf->head);
    return 0;
}

void
segfile_close(struct segfile *sf)
{
    if (sf->fd >= 0)
        (void)sf->io->close(sf->io->arg, sf->fd);
    sf->fd = -1;
    sf->window_n = 0;
}

void
segfile_fini(struct segfile *sf)
{
    segfile_close(sf);
    mem_free(sf->window);
    *sf = SEGFILE_CLOSED;
}

void
segfile_forget(struct segfile *sf)
{
    int64_t size = sf->io->size(sf->io->arg, sf->fd);
    if (size >= 0)
        sf->size = (uint64_t)size;
    sf->window_n = 0;
}

/* A frame whose head stands at 'offset' and was sealed for 'pos'. */
static int
look(struct segfile *sf, uint64_t offset, uint64_t end, uint64_t pos,
     const struct frame_head **ret_head)
{
    const void *p;
    end = MIN(end, sf->size);
    if (offset > end || end - offset < sizeof **ret_head)
        return SEGFILE_END; /* the window may hold more */
    int r = get(sf, offset, sizeof **ret_head, end, &p);
    if (r <= 0)
        return r;
    const struct frame_head *h = p;
    if (!frame_head_ok(h, sf->head.salt, pos, end - offset))
        return SEGFILE_BAD_HEAD;
    r = get(sf, offset, (size_t)frame_bytes(h->length), end, &p);
    if (r <= 0)
        return r < 0 ? r : SEGFILE_BAD_HEAD;
    *ret_head = h = p;
    return frame_payload_ok(h) ? SEGFILE_GOOD : SEGFILE_BAD_PAYLOAD;
}

static uint64_t
offset_of(const struct segfile *sf, uint64_t pos)
{
    return sf->head.first_offset + (pos - sf->head.base);
}

int
segfile_bytes(struct segfile *sf, uint64_t pos, size_t n, const char **ret)
{
    const void *p;
    int r = get(sf, offset_of(sf, pos), n, sf->size, &p);
    if (r > 0)
        *ret = p;
    return r;
}

int
segfile_look(struct segfile *sf, uint64_t pos, uint64_t limit,
             const struct frame_head **ret_head)
{
    return look(sf, offset_of(sf, pos), offset_of(sf, limit), pos, ret_head);
}

static void
fill(struct frame *f, const struct frame_head *h, uint64_t pos)
{
    *f = (struct frame){
        .pos = pos,
        .next = pos + frame_bytes(h->length),
        .time = h->time,
        .type = h->type,
        .flags = h->flags,
        .payload = {frame_payload(h), h->length},
    };
}

static void
add_damage(struct segfile_damage *d, uint64_t from, uint64_t to)
{
    if (from == to)
        return;
    if (d->frames++ == 0)
        d->at = from;
    d->bytes += to - from;
}

int
segfile_next(struct segfile *sf, uint64_t *pos, uint64_t limit,
             struct frame *ret, struct segfile_damage *damage)
{
    const struct frame_head *h;
    uint64_t at = *pos, bad = at;
    int r;
    for (;;) {
        r = segfile_look(sf, at, limit, &h);
        if (r == SEGFILE_BAD_HEAD)
            at += 8;
        else if (r == SEGFILE_BAD_PAYLOAD)
            at += frame_bytes(h->length);
        else
            break;
    }
    if (r < 0)
        return r;
    if (r == SEGFILE_END) {
        uint64_t end = sf->head.base;
        if (sf->size > sf->head.first_offset)
            end += sf->size - sf->head.first_offset;
        at = MAX(*pos, MIN(limit, end));
        add_damage(damage, bad, at);
        *pos = at;
        return 0;
    }
    add_damage(damage, bad, at);
    fill(ret, h, at);
    *pos = ret->next;
    return 1;
}

int
segfile_prelude(struct segfile *sf, uint64_t *offset, struct frame *ret)
{
    const struct frame_head *h;
    uint64_t at = *offset ? *offset : sizeof(struct segment_head);
    if (at >= sf->head.prelude_end)
        return 0;
    int r = look(sf, at, sf->head.prelude_end, PRELUDE_POSITION | at, &h);
    if (r != SEGFILE_GOOD)
        return r < 0 ? r : -EBADMSG;
    fill(ret, h, sf->head.base);
    ret->next = sf->head.base;
    ret->repeated = true;
    *offset = at + frame_bytes(h->length);
    return 1;
}

/* Follows good frames from 'pos'; *ret_synced is raised by what they tell. */
static int
follow(struct segfile *sf, uint64_t pos, uint64_t limit, uint64_t *ret_end,
       uint64_t *ret_synced)
{
    const struct frame_head *h;
    int r;
    for (;;) {
        r = segfile_look(sf, pos, limit, &h);
        if (r != SEGFILE_GOOD)
            break;
        *ret_synced = MAX(*ret_synced, h->synced);
        pos += frame_bytes(h->length);
    }
    *ret_end = pos;
    return r < 0 ? r : 0;
}

/* Bytes from 'pos' up to the last that is not zero. */
static int
written_bytes(struct segfile *sf, uint64_t pos, uint64_t limit, uint64_t *ret)
{
    uint64_t n = 0;
    for (uint64_t at = pos; at < limit; at += 8) {
        const void *p;
        uint64_t word = 0;
        size_t have = (size_t)MIN((uint64_t)8, limit - at);
        int r = get(sf, offset_of(sf, at), have, sf->size, &p);
        if (r < 0)
            return r;
        if (r == 0)
            break;
        memcpy(&word, p, have);
        if (word != 0)
            n = at + have - pos;
    }
    *ret = n;
    return 0;
}

int
segfile_find_end(struct segfile *sf, uint64_t *ret_end, uint64_t *ret_synced,
                 uint64_t *ret_torn)
{
    uint64_t base = sf->head.base, synced = base, first_bad;
    uint64_t limit = base + (sf->size - sf->head.first_offset);
    int r = follow(sf, base, limit, &first_bad, &synced);
    if (r < 0)
        return r;

    /* Whole frames behind the damage tell what had been durable. */
    struct segfile_damage damage = {0};
    struct frame f;
    uint64_t pos = first_bad;
    for (;;) {
        r = segfile_next(sf, &pos, limit, &f, &damage);
        if (r <= 0)
            break;
        r = follow(sf, f.pos, limit, &pos, &synced);
        if (r < 0)
            break;
    }
    if (r < 0)
        return r;

    /* Again, up to the first damage that may have been torn. */
    uint64_t end = first_bad;
    while (end < synced) {
        pos = end;
        r = segfile_next(sf, &pos, limit, &f, &damage);
        if (r < 0)
            return r;
        if (r == 0 || f.pos > synced) {
            end = synced;
            break;
        }
        r = follow(sf, f.pos, limit, &end, &synced);
        if (r < 0)
            return r;
    }
    r = written_bytes(sf, end, limit, ret_torn);
    if (r < 0)
        return r;
    *ret_end = end;
    *ret_synced = MIN(synced, end);
    return 0;
}
