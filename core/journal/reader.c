/* SPDX-License-Identifier: Apache-2.0 */
/* reader.c - hands out frames in order, from memory where they still are, else
 * from the segments' files. */
#include "config.h"

#include <errno.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/journal/reader_priv.h"

int
journal_reader_new(struct journal *j, uint64_t pos, enum reader_view view,
                   struct journal_reader **ret)
{
    struct journal_reader *r = mem_new(struct journal_reader);
    if (!r)
        return -ENOMEM;
    r->magic = READER_MAGIC;
    r->j = j;
    r->view = view;
    r->pos = pos != 0 ? (pos + 7) & ~UINT64_C(7) : journal_begin(j);
    r->sf = SEGFILE_CLOSED;
    r->need_sticky = true;
    r->next_sticky = STICKY_MAX;
    state_init(&r->sticky);
    *ret = r;
    return 0;
}

/* Lock held. */
static void
let_go(struct journal_reader *r)
{
    if (!r->block)
        return;
    if (r->awaited && --r->block->awaited == 0)
        cond_broadcast(&r->j->room);
    block_unref(&r->j->blocks, r->block);
    r->block = NULL;
}

void
journal_reader_free(struct journal_reader *r)
{
    if (!r)
        return;
    CHECK_OBJ(r, READER_MAGIC);
    {
        AUTO_LOCK(&r->j->lock);
        let_go(r);
    }
    segfile_fini(&r->sf);
    state_fini(&r->sticky);
    r->magic = 0;
    mem_free(r);
}

static uint64_t
visible_end(const struct journal_reader *r)
{
    return r->view == READ_SYNCED ? r->j->synced : r->j->end;
}

/* Lock held. */
static void
lose(struct journal_reader *r, uint64_t bytes, uint64_t places)
{
    if (r->looking_back)
        return;
    r->lost += bytes;
    r->lossy = true;
    r->j->stats.lost_bytes += bytes;
    r->j->stats.damaged_frames += places;
}

/* What lies at r->pos, which is before the limit: a block (referenced), or a
 * segment and where it ends.  Lock held. */
struct place {
    bool in_memory, fresh, none;
    struct segment s;
    uint64_t end;
};

static struct place
locate(struct journal_reader *r)
{
    struct journal *j = r->j;
    struct block *k = blocks_find(&j->blocks, r->pos);
    if (k) {
        bool fresh = k != r->block;
        if (fresh) {
            let_go(r);
            block_ref(k);
            k->awaited += r->awaited;
            r->block = k;
        }
        r->block_end = MIN(k->end, visible_end(r));
        return (struct place){.in_memory = true, .fresh = fresh};
    }
    let_go(r);
    uint64_t memory = j->blocks.first ? j->blocks.first->start : j->end;
    size_t lo = 0, hi = j->n_segments;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (j->segments[mid].base <= r->pos)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == 0)
        return (struct place){.none = true, .end = memory};
    return (struct place){
        .s = j->segments[lo - 1],
        .end = lo < j->n_segments ? j->segments[lo].base
                                  : MIN((uint64_t)j->synced, memory),
    };
}

/* The segment's head is damaged: aside with it, out of the list. */
static void
quarantine(struct journal_reader *r, const struct place *at)
{
    struct journal *j = r->j;
    (void)segment_quarantine(j->io, j->dirfd, at->s.base, at->s.seq);
    AUTO_LOCK(&j->lock);
    if (at->s.seq != j->segments[j->n_segments - 1].seq &&
        segment_forget(j, &at->s)) {
        j->begin = j->segments[0].base;
        j->stats.damaged_segments++;
    }
}

/* 1: r->sf is the segment at 'at'; 0: it is gone, look again; or errno. */
static int
open_segment(struct journal_reader *r, const struct place *at)
{
    struct journal *j = r->j;
    if (r->sf.fd >= 0 && r->sf.head.base == at->s.base && r->seq == at->s.seq) {
        if (at->end - r->sf.head.base + r->sf.head.first_offset > r->sf.size)
            segfile_forget(&r->sf);
        return 1;
    }
    int e = segfile_open(&r->sf, j->io, j->dirfd, at->s.base, at->s.seq);
    r->seq = at->s.seq;
    if (e == 0)
        return 1;
    if (e != -EBADMSG && e != -EIO && e != -ENOENT)
        return e;
    if (e == -EBADMSG)
        quarantine(r, at);
    AUTO_LOCK(&j->lock);
    if (e != -ENOENT || r->pos >= j->begin) {
        lose(r, at->end - r->pos, e != -ENOENT);
        r->pos = at->end;
    }
    return 0;
}

/* One frame from the segment's file: 1, 0 if it has none left, or errno. */
static int
read_file(struct journal_reader *r, const struct place *at, struct frame *ret)
{
    struct segfile_damage damage = {0};
    int e = segfile_next(&r->sf, &r->pos, at->end, ret, &damage);
    if (e < 0)
        return e;
    if (e == 0 && r->pos < at->end) {
        damage.bytes += at->end - r->pos;
        r->pos = at->end;
    }
    if (damage.bytes > 0) {
        AUTO_LOCK(&r->j->lock);
        lose(r, damage.bytes, damage.frames);
    }
    return e;
}

/* One frame from r->block. */
static void
read_block(struct journal_reader *r, struct frame *ret)
{
    const void *p = r->block->data + (r->pos - r->block->start);
    const struct frame_head *h = p;
    *ret = (struct frame){
        .pos = r->pos,
        .next = r->pos + frame_bytes(h->length),
        .time = h->time,
        .type = h->type,
        .flags = h->flags,
        .payload = {frame_payload(h), h->length},
    };
    r->pos = ret->next;
}

/* A position inside a frame moves on to the next. */
static void
align_in_block(struct journal_reader *r)
{
    uint64_t pos = r->block->start;
    while (pos < r->pos) {
        const void *p = r->block->data + (pos - r->block->start);
        const struct frame_head *h = p;
        pos += frame_bytes(h->length);
    }
    r->pos = pos;
}

/* Where to go on; what retention dropped is skipped.  False if nothing can be
 * seen there yet. */
static bool
find_place(struct journal_reader *r, struct place *ret)
{
    struct journal *j = r->j;
    AUTO_LOCK(&j->lock);
    if (r->pos < j->begin) {
        lose(r, j->begin - r->pos, 0);
        r->pos = j->begin;
    }
    if (r->pos >= visible_end(r))
        return false;
    *ret = locate(r);
    ret->end = MIN(ret->end, visible_end(r));
    return true;
}

int
reader_next_frame(struct journal_reader *r, struct frame *ret)
{
    for (;;) {
        struct place at;
        if (r->block && r->pos < r->block_end) {
            read_block(r, ret);
            return 1;
        }
        if (!find_place(r, &at))
            return 0;
        bool entered = at.fresh;
        if (at.in_memory) {
            if (at.fresh)
                align_in_block(r);
        } else if (at.none) {
            AUTO_LOCK(&r->j->lock);
            lose(r, at.end - r->pos, 0);
            r->pos = at.end;
            continue;
        } else {
            entered = r->sf.fd < 0 || r->sf.head.base != at.s.base;
            int e = open_segment(r, &at);
            if (e < 0)
                return e;
            if (e == 0)
                continue;
        }
        if (entered && r->lossy && !r->looking_back) {
            r->lossy = false;
            r->need_sticky = true;
            return -EAGAIN;
        }
        if (at.in_memory)
            continue;
        int e = read_file(r, &at, ret);
        if (e != 0)
            return e;
    }
}

/* 1 and a sticky frame as if it stood here, or 0. */
static int
next_sticky(struct journal_reader *r, struct frame *ret)
{
    while (r->next_sticky < STICKY_MAX) {
        int i = r->next_sticky++;
        if (r->sticky.sticky[i].type == 0)
            continue;
        *ret = (struct frame){
            .pos = r->pos,
            .next = r->pos,
            .time = r->sticky.sticky[i].time,
            .type = r->sticky.sticky[i].type,
            .flags = r->sticky.sticky[i].flags,
            .repeated = true,
            .payload = {r->sticky.sticky[i].p, r->sticky.sticky[i].n},
        };
        return 1;
    }
    return 0;
}

static int
try_read(struct journal_reader *r, struct frame *ret)
{
    for (;;) {
        if (next_sticky(r, ret) > 0)
            return 1;
        int e;
        if (r->need_sticky) {
            struct place at;
            (void)find_place(r, &at); /* past what was dropped */
            r->lossy = false;
            r->block_end = 0;
            if (r->pos > visible_end(r))
                return 0;
            e = reader_load_sticky(r, r->pos);
            if (e < 0)
                return e;
            r->need_sticky = false;
            r->next_sticky = 0;
            continue;
        }
        e = reader_next_frame(r, ret);
        if (e != -EAGAIN)
            return e;
    }
}

/* Waits until something may be there: true, or false at the deadline. */
static bool
wait_for_more(struct journal_reader *r, usec_t deadline_us)
{
    struct journal *j = r->j;
    AUTO_LOCK(&j->lock);
    for (;;) {
        if (visible_end(r) > r->pos)
            return true;
        if (r->woken || j->stopped || deadline_us == USEC_MIN) {
            r->woken = false;
            return false;
        }
        usec_t until = USEC_MAX;
        if (deadline_us != USEC_MAX)
            until = MAX(deadline_us - clock_boot_us(), (usec_t)0) +
                    clock_monotonic_us();
        bool appended = r->view == READ_APPENDED;
        j->readers_waiting += appended;
        int e =
            cond_wait_until(appended ? &j->grown : &j->moved, &j->lock, until);
        j->readers_waiting -= appended;
        if (e == -ETIMEDOUT && visible_end(r) <= r->pos)
            return false;
    }
}

int
journal_read(struct journal_reader *r, usec_t deadline_us, struct frame *ret)
{
    CHECK_OBJ(r, READER_MAGIC);
    for (;;) {
        int e = try_read(r, ret);
        if (e != 0 || !wait_for_more(r, deadline_us))
            return e;
    }
}

void
journal_reader_wake(struct journal_reader *r)
{
    AUTO_LOCK(&r->j->lock);
    r->woken = true;
    cond_broadcast(&r->j->grown);
    cond_broadcast(&r->j->moved);
}

void
journal_reader_await(struct journal_reader *r)
{
    r->awaited = true;
}

uint64_t
journal_reader_pos(const struct journal_reader *r)
{
    return r->pos;
}

uint64_t
journal_reader_lost(const struct journal_reader *r)
{
    return r->lost;
}
