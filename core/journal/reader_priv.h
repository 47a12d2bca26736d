/* SPDX-License-Identifier: Apache-2.0 */
/* reader_priv.h - a reader's inside, for reader.c and reader_sticky.c. */
#ifndef TOCSIN_JOURNAL_READER_PRIV_H
#define TOCSIN_JOURNAL_READER_PRIV_H

#include "core/journal/priv.h"

#define READER_MAGIC 0x4ead4e4du

struct journal_reader {
    uint32_t magic;
    struct journal *j;
    enum reader_view view;
    uint64_t pos;        /* of the next frame */
    struct block *block; /* referenced, or NULL */
    uint64_t block_end;  /* as far as it may be read */
    bool awaited;        /* see journal_reader_await() */
    struct segfile sf;
    uint32_t seq; /* of sf */
    uint64_t lost;
    bool woken;          /* under the journal's lock */
    bool need_sticky;    /* before the next frame */
    bool lossy;          /* the same, from the next segment on */
    bool looking_back;   /* for the sticky frames: losses are known */
    struct state sticky; /* positions not used */
    int next_sticky;     /* STICKY_MAX: all handed out */
};

/* The next frame: 1, 0 if there is none now, -EAGAIN if the sticky frames are
 * to be handed out before it, or another errno. */
MUST_CHECK int reader_next_frame(struct journal_reader *r, struct frame *ret);
/* Finds the sticky frames in force at 'pos'. */
MUST_CHECK int reader_load_sticky(struct journal_reader *r, uint64_t pos);

#endif
