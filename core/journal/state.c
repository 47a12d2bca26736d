/* SPDX-License-Identifier: Apache-2.0 */
/* state.c - what is in force at some position, followed frame by frame. */
#include "config.h"

#include <errno.h>

#include "core/base/mem.h"
#include "core/journal/priv.h"

void
state_init(struct state *st)
{
    *st = (struct state){.time = USEC_NONE};
    positions_init(&st->positions, JOURNAL_PARTITIONS_MAX);
}

void
state_fini(struct state *st)
{
    for (int i = 0; i < STICKY_MAX; i++)
        mem_free(st->sticky[i].p);
    positions_fini(&st->positions);
}

static int
take_sticky(struct state *st, const struct frame *f)
{
    int i = 0;
    while (st->sticky[i].type != 0 && st->sticky[i].type != f->type)
        i++;
    char *p = mem_alloc(MAX(f->payload.n, (size_t)1));
    if (!p)
        return -ENOMEM;
    if (f->payload.n > 0)
        memcpy(p, f->payload.p, f->payload.n);
    mem_free(st->sticky[i].p);
    st->sticky[i].p = p;
    st->sticky[i].n = f->payload.n;
    st->sticky[i].type = f->type;
    st->sticky[i].flags = f->flags;
    st->sticky[i].time = f->time;
    st->sticky[i].pos = f->pos;
    return 0;
}

int
state_take(struct state *st, const struct frame *f)
{
    st->time = f->time;
    if (frame_type_is_sticky(f->type))
        return take_sticky(st, f);
    if (f->type != FRAME_CHUNK)
        return 0;
    int r = positions_take(&st->positions, f->payload, f->pos);
    return r == -EBADMSG ? 0 : r;
}

int
state_take_prelude(struct state *st, const struct frame *f)
{
    if (frame_type_is_sticky(f->type))
        return take_sticky(st, f);
    if (f->type != FRAME_POSITIONS)
        return 0;
    return positions_decode(&st->positions, f->payload);
}
