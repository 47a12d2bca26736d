/* SPDX-License-Identifier: Apache-2.0 */
/* reader_sticky.c - which schema and rules are in force where a reader
 * starts. */
#include "config.h"

#include <errno.h>

#include "core/journal/reader_priv.h"

/* Copies the newest sticky frames, if all stand before 'pos'. */
static int
sticky_from_end(struct journal_reader *r, uint64_t pos)
{
    AUTO_LOCK(&r->j->lock);
    const struct state *st = &r->j->appended;
    for (int i = 0; i < STICKY_MAX; i++)
        if (st->sticky[i].type != 0 && st->sticky[i].pos >= pos)
            return 0;
    for (int i = 0; i < STICKY_MAX && st->sticky[i].type != 0; i++) {
        struct frame f = {
            .time = st->sticky[i].time,
            .type = st->sticky[i].type,
            .flags = st->sticky[i].flags,
            .payload = {st->sticky[i].p, st->sticky[i].n},
        };
        int e = state_take(&r->sticky, &f);
        if (e < 0)
            return e;
    }
    return 1;
}

/* Takes the prelude of the newest segment that has a whole one and begins at
 * or before 'pos', and returns where that begins. */
static int
sticky_from_prelude(struct journal_reader *r, uint64_t pos, uint64_t *ret_base)
{
    struct journal *j = r->j;
    for (uint64_t before = pos + 1;;) {
        struct segment s = {0};
        {
            AUTO_LOCK(&j->lock);
            *ret_base = j->begin;
            for (size_t i = j->n_segments; i-- > 0 && s.base == 0;)
                if (j->segments[i].base < before)
                    s = j->segments[i];
        }
        if (s.base == 0)
            return 0;
        before = s.base;
        int e = segfile_open(&r->sf, j->io, j->dirfd, s.base, s.seq);
        r->seq = s.seq;
        uint64_t offset = 0;
        struct frame f;
        while (e >= 0) {
            e = segfile_prelude(&r->sf, &offset, &f);
            if (e == 0) {
                *ret_base = s.base;
                return 0;
            }
            if (e > 0 && frame_type_is_sticky(f.type))
                e = state_take(&r->sticky, &f);
        }
        if (e == -ENOMEM || e == -EMFILE || e == -ENFILE)
            return e;
    }
}

int
reader_load_sticky(struct journal_reader *r, uint64_t pos)
{
    uint64_t base;
    state_fini(&r->sticky);
    state_init(&r->sticky);
    int e = sticky_from_end(r, pos);
    if (e != 0)
        return e < 0 ? e : 0;
    e = sticky_from_prelude(r, pos, &base);
    r->looking_back = true;
    r->pos = base;
    r->block_end = 0;
    while (e >= 0 && r->pos < pos) {
        struct frame f;
        e = reader_next_frame(r, &f);
        if (e == 0)
            break;
        if (e > 0 && f.pos < pos && frame_type_is_sticky(f.type))
            e = state_take(&r->sticky, &f);
    }
    r->looking_back = false;
    r->pos = pos;
    r->block_end = 0;
    return e < 0 ? e : 0;
}
