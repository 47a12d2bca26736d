/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>

#include "core/journal/priv.h"
#include "core/journal/scan.h"

struct scanner {
    const struct io *io;
    int dirfd;
    uint64_t from;
    const struct journal_scan *fn;
    struct journal_scan_stats *st;
    struct segfile sf;
    struct state sticky; /* in force before 'from' */
    bool started;        /* frames are being handed out */
};

static void
tell(struct scanner *sc, const struct segment *s, uint64_t offset,
     const char *what)
{
    char name[SEGMENT_NAME_MAX];
    segment_name(s->base, s->seq, "", name);
    if (sc->fn->problem)
        sc->fn->problem(sc->fn->arg, name, offset, what);
}

static int
start(struct scanner *sc, uint64_t pos)
{
    sc->started = true;
    for (int i = 0; i < STICKY_MAX; i++) {
        struct frame f = {
            .pos = pos,
            .next = pos,
            .time = sc->sticky.sticky[i].time,
            .type = sc->sticky.sticky[i].type,
            .flags = sc->sticky.sticky[i].flags,
            .repeated = true,
            .payload = {sc->sticky.sticky[i].p, sc->sticky.sticky[i].n},
        };
        int r = f.type == 0 ? 0 : sc->fn->frame(sc->fn->arg, &f);
        if (r != 0)
            return r;
    }
    return 0;
}

static int
scan_prelude(struct scanner *sc, const struct segment *s)
{
    uint64_t offset = 0;
    struct frame f;
    for (;;) {
        int r = segfile_prelude(&sc->sf, &offset, &f);
        if (r == -EBADMSG) {
            sc->st->damaged_frames++;
            tell(sc, s, offset, "damaged prelude");
            return 0;
        }
        if (r <= 0)
            return r;
        if (!sc->started && frame_type_is_sticky(f.type))
            r = state_take(&sc->sticky, &f);
        if (r < 0)
            return r;
    }
}

static int
scan_frame(struct scanner *sc, const struct frame *f)
{
    sc->st->frames++;
    sc->st->bytes += f->next - f->pos;
    if (f->pos < sc->from) {
        return frame_type_is_sticky(f->type) ? state_take(&sc->sticky, f) : 0;
    }
    int r = sc->started ? 0 : start(sc, f->pos);
    return r != 0 ? r : sc->fn->frame(sc->fn->arg, f);
}

static int
scan_frames(struct scanner *sc, const struct segment *s, uint64_t limit)
{
    uint64_t pos = s->base;
    int r;
    do {
        struct segfile_damage damage = {0};
        struct frame f;
        r = segfile_next(&sc->sf, &pos, limit, &f, &damage);
        if (r >= 0 && damage.bytes > 0) {
            sc->st->damaged_frames += damage.frames;
            sc->st->lost_bytes += damage.bytes;
            tell(sc, s, sc->sf.head.first_offset + (damage.at - s->base),
                 "damaged frame");
        }
        if (r > 0) {
            int e = scan_frame(sc, &f);
            if (e != 0)
                return e;
        }
    } while (r > 0);
    if (r == 0 && pos < limit) {
        sc->st->lost_bytes += limit - pos;
        tell(sc, s, sc->sf.size, "frames missing at the end");
    }
    return r;
}

/* 'next': the successor, or NULL. */
static int
scan_segment(struct scanner *sc, const struct segment *s,
             const struct segment *next)
{
    if (next && (next->base == s->base || next->base <= sc->from))
        return 0;
    int r = segfile_open(&sc->sf, sc->io, sc->dirfd, s->base, s->seq);
    if (r == -EBADMSG || r == -EIO) {
        sc->st->damaged_segments++;
        sc->st->lost_bytes += next ? next->base - s->base : 0;
        tell(sc, s, 0, "damaged head");
        return 0;
    }
    if (r < 0)
        return r == -ENOENT ? 0 : r; /* dropped meanwhile */
    sc->st->segments++;
    uint64_t limit = next ? next->base : 0, torn = 0, synced;
    r = next ? 0 : segfile_find_end(&sc->sf, &limit, &synced, &torn);
    if (torn > 0) {
        sc->st->torn_bytes = torn;
        tell(sc, s, sc->sf.head.first_offset + (limit - s->base), "torn tail");
    }
    if (r == 0)
        r = scan_prelude(sc, s);
    return r != 0 ? r : scan_frames(sc, s, limit);
}

static int
scan_listed(struct scanner *sc, const struct listing *l)
{
    int r = 0;
    for (size_t i = 0; i < l->n && r == 0; i++) {
        bool last = i + 1 == l->n;
        r = scan_segment(sc, &l->segments[i],
                         last ? NULL : &l->segments[i + 1]);
        if (r == 0 && last && !sc->started)
            r = start(sc, MAX(sc->from, l->segments[i].base));
    }
    return r;
}

int
journal_scan(const struct io *io, const char *dir, uint64_t from,
             const struct journal_scan *scan, struct journal_scan_stats *ret,
             struct err *err)
{
    struct scanner sc = {.io = io ? io : &io_posix,
                         .from = from,
                         .fn = scan,
                         .st = ret,
                         .sf = SEGFILE_CLOSED};
    struct listing l = {0};
    *ret = (struct journal_scan_stats){0};
    int r = sc.io->open(sc.io->arg, AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0);
    if (r < 0)
        return err_set(err, r, "can't open \"%s\": %s", dir, strerror(-r));
    sc.dirfd = r;
    state_init(&sc.sticky);
    r = listing_read(&l, sc.io, sc.dirfd);
    if (r == 0)
        r = scan_listed(&sc, &l);
    listing_fini(&l);
    state_fini(&sc.sticky);
    segfile_fini(&sc.sf);
    (void)sc.io->close(sc.io->arg, sc.dirfd);
    if (r < 0)
        return err_set(err, r, "can't read \"%s\": %s", dir, strerror(-r));
    return r;
}
