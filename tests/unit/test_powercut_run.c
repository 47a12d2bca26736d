/* SPDX-License-Identifier: Apache-2.0 */
/* test_powercut_run.c - the power fails under journal and checkpoint at once.
 *
 * A script of frames (records, ticks, reloads; engine_random.h) goes through
 * a journal and a follower, each on a simulated disk.  At many a moment both
 * disks are cut, and what they may hold then is started: what was synced is
 * there, and with the rest of the script the transitions in the journal are
 * those of an engine that saw the script without any journal: none missing,
 * none twice, in the same order, from the same causes. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "core/base/arena.h"
#include "core/base/crc32c.h"
#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/journal/journal.h"
#include "core/run/checkpoint.h"
#include "core/run/follower.h"
#include "tests/lib/engine_random.h"
#include "tests/lib/faultio.h"
#include "tests/lib/unit.h"

#ifdef TOCSIN_SANITIZED
#define STATES 60
#else
#define STATES 400
#endif
#define PATIENCE 20 /* times as many, until each thing has happened once */
#define SEEDS 14

#define KIB ((size_t)1024)
#define FRAMES_MAX 600
#define ALERTS_MAX 20000

/* A transition, by what made it and by what it says. */
struct seen {
    uint32_t frame, ordinal; /* the script's frame */
    uint64_t content;
};

struct seen_list {
    struct seen v[ALERTS_MAX];
    uint32_t n;
};

struct world {
    struct feed *script;
    uint32_t n_frames;
    const struct seen_list *want;
    uint64_t random;
    uint64_t max_size; /* of the journal */
    bool small;        /* so that it drops its oldest */

    struct faultio *journal_disk, *checkpoint_disk;
    struct journal *journal;
    struct checkpoint *checkpoint;
    struct follower *follower;
    uint32_t next; /* the script's, to be appended */
    uint64_t pos[FRAMES_MAX];
    uint64_t acked;

    unsigned cut_every, depth;
    unsigned states, kept, restored, dropped, muted, restarts, full;
};

static void
silent(void *ctx, enum log_level level, struct slice line)
{
    (void)ctx;
    (void)level;
    (void)line;
}

static uint32_t
dice(struct world *w, uint32_t n)
{
    return (uint32_t)(faultio_random(&w->random) % n);
}

static uint64_t
content_of(const struct transition *t)
{
    struct transition same = *t;
    struct buf b = BUF_INIT(1024 * KIB);
    same.cause = (struct cause){0, 0};
    ck_assert_int_eq(transition_encode(&same, &b), 0);
    uint64_t h = hash_slice(buf_slice(&b));
    buf_fini(&b);
    return h;
}

static void
seen_add(struct seen_list *l, uint32_t frame, const struct transition *t)
{
    ck_assert_uint_lt(l->n, ALERTS_MAX);
    l->v[l->n++] = (struct seen){frame, t->cause.ordinal, content_of(t)};
}

/* ---- the reference: an engine, and nothing else */

struct reference {
    struct seen_list *list;
    uint32_t frame;
};

static void
reference_emit(void *arg, const struct transition *t)
{
    struct reference *r = arg;
    seen_add(r->list, r->frame, t);
}

static void
reference_run(const struct feed *script, struct seen_list *list)
{
    struct reference ref = {list, 0};
    struct engine_options o = {.emit = reference_emit, .arg = &ref};
    struct engine *e = engine_new(&o);
    list->n = 0;
    for (; ref.frame < feed_count(script); ref.frame++) {
        int r = engine_feed(e, feed_frame(script, ref.frame));
        ck_assert(r == 0 || r == -EBADMSG);
    }
    engine_free(e);
}

/* ---- a life: from a start to a cut or a stop */

static void
life_begin(struct world *w)
{
    struct err err = ERR_INIT;
    struct checkpoint_mark mark;
    struct checkpoint_options co = {
        .dir = "c",
        .io = faultio_io(w->checkpoint_disk),
        .interval_us = 1000 * USEC_PER_HOUR,
        .interval_bytes = 1 + dice(w, 6) * KIB,
        .inline_writer = true,
    };
    ck_assert_int_eq(checkpoint_open(&co, &w->checkpoint, &err), 0);
    ck_assert_int_eq(checkpoint_peek(w->checkpoint, &mark), 0);
    struct journal_options jo = {
        .dir = "j",
        .io = faultio_io(w->journal_disk),
        .max_size_bytes = w->max_size,
        .segment_size_bytes = 16 * KIB,
        .sync_us = USEC_PER_SEC,
        .unsynced_max_bytes = 256 * KIB,
        .min_end = mark.position,
        .inline_writer = true,
    };
    ck_assert_int_eq(journal_open(&jo, &w->journal, &err), 0);
    ck_assert_msg(journal_end(w->journal) >= mark.position,
                  "a checkpoint of what the journal has not got");
    w->restored += mark.position > 0;
    struct loop_options lo = {.journal = w->journal,
                              .checkpoint = w->checkpoint};
    ck_assert_int_eq(follower_new(&lo, &w->follower, &err), 0);
    w->acked = MAX(w->acked, journal_synced(w->journal));
}

static void
life_end(struct world *w)
{
    struct loop_stats s;
    follower_get_stats(w->follower, &s);
    w->muted += (unsigned)s.muted;
    ck_assert(!s.failed);
    follower_free(w->follower);
    checkpoint_close(w->checkpoint);
    journal_close(w->journal);
    w->follower = NULL;
    w->checkpoint = NULL;
    w->journal = NULL;
}

/* Which of the script's frames the journal has: a beginning of it. */
static void
check_frames(struct world *w)
{
    struct journal_reader *r;
    struct frame f;
    bool first = true;
    uint32_t i = 0;
    ck_assert_int_eq(journal_reader_new(w->journal, 0, READ_APPENDED, &r), 0);
    while (journal_read(r, USEC_MIN, &f) == 1) {
        if (f.repeated || f.type == FRAME_ALERT)
            continue;
        while (first && i < w->next && w->pos[i] < f.pos)
            i++;
        first = false;
        ck_assert_uint_lt(i, w->next);
        const struct frame *want = feed_frame(w->script, i);
        ck_assert_uint_eq(f.pos, w->pos[i++]);
        ck_assert_uint_eq(f.type, want->type);
        ck_assert_uint_eq(crc32c(0, f.payload.p, f.payload.n),
                          crc32c(0, want->payload.p, want->payload.n));
    }
    ck_assert_uint_eq(journal_reader_lost(r), 0);
    journal_reader_free(r);
    while (first && i < w->next && w->pos[i] < journal_begin(w->journal))
        i++; /* all of them were dropped, alerts are left */
    w->next = i;
}

/* What is acknowledged is there. */
static void
check_acked(struct world *w, uint64_t acked)
{
    uint64_t end = journal_end(w->journal);
    ck_assert_msg(end >= acked, "acknowledged up to %llu, found up to %llu",
                  (unsigned long long)acked, (unsigned long long)end);
}

static uint32_t
frame_at(const struct world *w, uint64_t pos)
{
    for (uint32_t i = 0; i < w->next; i++)
        if (w->pos[i] == pos)
            return i;
    ck_abort_msg("a cause at %llu, where no frame of the script is",
                 (unsigned long long)pos);
}

/* The journal's transitions are the reference's, up to its end. */
static void
check_transitions(struct world *w)
{
    static struct seen_list got;
    struct journal_reader *r;
    struct frame f;
    struct arena arena;
    arena_init(&arena, 16 * KIB, 4096 * KIB);
    got.n = 0;
    ck_assert_int_eq(journal_reader_new(w->journal, 0, READ_APPENDED, &r), 0);
    while (journal_read(r, USEC_MIN, &f) == 1) {
        struct transition t;
        if (f.type != FRAME_ALERT)
            continue;
        arena_reset(&arena);
        ck_assert_int_eq(transition_decode(f.payload, &arena, &t), 0);
        seen_add(&got, frame_at(w, t.cause.pos), &t);
    }
    journal_reader_free(r);
    arena_fini(&arena);
    /* Old ones went with their segments. */
    bool all = journal_begin(w->journal) <= 64;
    w->dropped += !all;
    ck_assert_uint_le(got.n, w->want->n);
    if (all)
        ck_assert_uint_eq(got.n, w->want->n);
    const struct seen *want = w->want->v + (w->want->n - got.n);
    for (uint32_t i = 0; i < got.n; i++) {
        ck_assert_uint_eq(got.v[i].frame, want[i].frame);
        ck_assert_uint_eq(got.v[i].ordinal, want[i].ordinal);
        ck_assert_uint_eq(got.v[i].content, want[i].content);
    }
}

/* ---- the workload */

static bool
follow(struct world *w)
{
    int r = follower_step(w->follower, USEC_MIN);
    ck_assert_int_ge(r, 0);
    (void)follower_checkpoint(w->follower);
    return follower_pos(w->follower) < journal_end(w->journal);
}

static bool
append_next(struct world *w)
{
    if (w->next == w->n_frames)
        return false;
    const struct frame *f = feed_frame(w->script, w->next);
    /* It may be found before the call returns. */
    w->pos[w->next++] = journal_end(w->journal);
    uint64_t pos;
    int r = journal_append(w->journal, f->type, f->flags, f->time, &f->payload,
                           1, &pos);
    if (r == -ENOSPC) { /* full, until the engine has come further */
        w->next--;
        w->full++;
        while (follow(w))
            continue;
        ck_assert_int_eq(journal_wait_room(w->journal, USEC_MIN), 0);
        return append_next(w);
    }
    ck_assert_int_eq(r, 0);
    ck_assert_uint_eq(pos, w->pos[w->next - 1]);
    return true;
}

static void
step(struct world *w)
{
    uint32_t d = dice(w, 100);
    if (d < 45) {
        (void)append_next(w);
    } else if (d < 92) {
        (void)follow(w);
    } else if (d < 96) {
        (void)journal_sync(w->journal, journal_end(w->journal), USEC_MAX);
        w->acked = MAX(w->acked, journal_synced(w->journal));
    } else if (d < 98) { /* the engine is late, or quick */
        for (uint32_t i = dice(w, 20); i > 0; i--)
            (void)append_next(w);
    } else {
        for (uint32_t i = dice(w, 20); i > 0; i--)
            (void)follow(w);
    }
}

static void
run_to_the_end(struct world *w)
{
    while (w->next < w->n_frames)
        step(w);
    while (follow(w))
        continue;
    if (dice(w, 2) == 0)
        ck_assert_int_eq(follower_finish(w->follower, USEC_MAX / 2), 0);
}

static void maybe_cut(void *arg);

static void
watch(struct world *w, bool yes)
{
    faultio_on_change(w->journal_disk, yes ? maybe_cut : NULL, w);
    faultio_on_change(w->checkpoint_disk, yes ? maybe_cut : NULL, w);
}

/* The power is cut: both disks as they may be found. */
static void
cut_disks(const struct world *w, struct world *to)
{
    to->journal_disk =
        faultio_cut(w->journal_disk, faultio_random(&to->random));
    to->checkpoint_disk =
        faultio_cut(w->checkpoint_disk, faultio_random(&to->random));
}

static void
verify(struct world *w)
{
    struct world *x = malloc(sizeof *x);
    *x = *w;
    x->random = faultio_random(&w->random);
    x->depth = w->depth + 1;
    x->cut_every = 400; /* once in a while, again */
    x->states = x->kept = x->dropped = x->muted = x->restored = 0;
    uint64_t acked = w->acked;
    cut_disks(w, x);
    if (x->depth < 2)
        watch(x, true);
    x->follower = NULL;
    x->journal = NULL;
    life_begin(x);
    check_acked(x, acked);
    x->kept = journal_end(x->journal) > acked;
    check_frames(x);
    run_to_the_end(x);
    watch(x, false);
    check_transitions(x);
    life_end(x);
    faultio_free(x->journal_disk);
    faultio_free(x->checkpoint_disk);
    w->states += 1 + x->states;
    w->kept += x->kept;
    w->dropped += x->dropped;
    w->muted += x->muted;
    w->restored += x->restored;
    free(x);
}

static void
maybe_cut(void *arg)
{
    struct world *w = arg;
    if (w->journal != NULL)
        w->acked = MAX(w->acked, journal_synced(w->journal));
    if (w->follower != NULL && dice(w, w->cut_every) == 0)
        verify(w);
}

/* The whole collector goes on from what a cut, or a stop, leaves. */
static void
restart(struct world *w)
{
    struct faultio *old[2] = {w->journal_disk, w->checkpoint_disk};
    bool power = dice(w, 4) > 0;
    watch(w, false);
    uint64_t acked = MAX(w->acked, journal_synced(w->journal));
    if (power)
        cut_disks(w, w);
    else
        acked = journal_end(w->journal);
    if (!power && dice(w, 2) == 0)
        ck_assert_int_eq(follower_finish(w->follower, USEC_MAX / 2), 0);
    struct follower *f = w->follower;
    struct loop_stats s;
    follower_get_stats(f, &s);
    w->muted += (unsigned)s.muted;
    follower_free(f);
    checkpoint_close(w->checkpoint);
    journal_close(w->journal);
    w->follower = NULL;
    w->journal = NULL;
    if (power) {
        faultio_free(old[0]);
        faultio_free(old[1]);
    }
    w->restarts++;
    life_begin(w);
    check_acked(w, acked);
    check_frames(w);
    watch(w, true);
}

static uint64_t
script_bytes(const struct feed *script)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < feed_count(script); i++)
        bytes += feed_frame(script, i)->payload.n;
    return bytes;
}

/* The first script from that seed on in which something happens, and which a
 * small journal can't hold. */
static struct feed *
script_make(uint64_t seed, unsigned frames, uint64_t min_bytes,
            struct seen_list *list)
{
    for (;; seed += 1000) {
        struct feed *script = feed_random(seed, frames, RANDOM_REBASE);
        reference_run(script, list);
        if (list->n >= frames / 8 && script_bytes(script) >= min_bytes)
            return script;
        feed_free(script);
    }
}

/* Else the test is void. */
static bool
everything_happened(const struct world *w)
{
    return w->muted > 0 && w->restored > 0 && w->restarts > 0 && w->kept > 0 &&
           (!w->small || w->dropped > 0);
}

static bool
goes_on(const struct world *w, unsigned states)
{
    return w->states < states ||
           (w->states < PATIENCE * states && !everything_happened(w));
}

static void
workload(struct world *w, uint64_t seed, unsigned frames, unsigned states)
{
    static struct seen_list want;
    log_set_sink(silent, NULL);
    w->script = script_make(seed, frames, w->small ? w->max_size : 0, &want);
    w->want = &want;
    w->n_frames = feed_count(w->script);
    ck_assert_uint_le(w->n_frames, FRAMES_MAX);
    while (goes_on(w, states)) {
        w->journal_disk = faultio_new(w->random, 0);
        w->checkpoint_disk = faultio_new(w->random + 1, 0);
        w->next = 0;
        w->acked = 0;
        life_begin(w);
        watch(w, true);
        while (w->next < w->n_frames && goes_on(w, states)) {
            step(w);
            if (dice(w, 150) == 0)
                restart(w);
        }
        watch(w, false);
        run_to_the_end(w);
        check_transitions(w);
        life_end(w);
        faultio_free(w->journal_disk);
        faultio_free(w->checkpoint_disk);
    }
    feed_free(w->script);
    ck_assert_msg(everything_happened(w),
                  "%u states, but kept %u, restored %u, dropped %u, muted %u, "
                  "restarts %u",
                  w->states, w->kept, w->restored, w->dropped, w->muted,
                  w->restarts);
}

START_TEST(a_power_cut_changes_no_transition)
{
    struct world w = {
        .random = 1 + (uint64_t)_i,
        .max_size = 16384 * KIB,
        .cut_every = 3,
    };
    workload(&w, 100 + (uint64_t)_i, 160, STATES);
    ck_assert_uint_eq(w.dropped, 0);
}
END_TEST

/* The journal drops what the checkpoint does not pin. */
START_TEST(nor_does_it_where_the_journal_drops_its_oldest)
{
    struct world w = {
        .random = 1 + (uint64_t)_i,
        .max_size = 64 * KIB,
        .small = true,
        .cut_every = 8,
    };
    workload(&w, 300 + (uint64_t)_i, 400, STATES / 2);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("powercut_run");
    TCase *t = tcase_create("power");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, a_power_cut_changes_no_transition, 0, SEEDS);
    tcase_add_loop_test(t, nor_does_it_where_the_journal_drops_its_oldest, 0,
                        SEEDS / 2);
    suite_add_tcase(s, t);
    return unit_main(s, NULL);
}
