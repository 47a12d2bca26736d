/* SPDX-License-Identifier: Apache-2.0 */
/* test_journal_power.c - power cuts, failing calls, full disks and damage, on
 * a simulated disk.
 *
 * A model keeps every frame that was appended.  Whatever is found after a cut
 * is a beginning of it: nothing acknowledged is missing, nothing is invented,
 * partitions stand where the last chunk found says. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "core/base/crc32c.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/journal/journal.h"
#include "core/record/chunk.h"
#include "tests/lib/faultio.h"
#include "tests/lib/unit.h"

#ifdef TOCSIN_SANITIZED
#define SCALE 4
#else
#define SCALE 1
#endif

#define KIB ((size_t)1024)
#define PARTITIONS 5
#define FRAMES_MAX 20000

struct expected {
    uint64_t pos, next;
    usec_t time;
    uint32_t crc;
    uint16_t type;
    uint16_t partition; /* of a chunk */
    uint64_t offset;
};

struct world {
    struct faultio *disk;
    struct journal *j;
    struct expected *frames;
    size_t n;
    uint64_t random, acked, begin;
    uint64_t next_offset;
    struct chunk_builder *builder;
    unsigned cut_every;    /* one call in so many */
    unsigned states, kept; /* verified; with something unsynced kept */
    usec_t sync_us;
};

static void
silent(void *ctx, enum log_level level, struct slice line)
{
    (void)ctx;
    (void)level;
    (void)line;
}

static unsigned
dice(struct world *w, unsigned n)
{
    return (unsigned)(faultio_random(&w->random) % n);
}

static struct world *
world_new(uint64_t seed, uint64_t capacity)
{
    struct world *w = calloc(1, sizeof *w);
    w->random = seed;
    w->disk = faultio_new(seed, capacity);
    w->frames = calloc(FRAMES_MAX, sizeof *w->frames);
    w->builder = chunk_builder_new(64 * KIB);
    w->sync_us = USEC_PER_SEC;
    log_set_sink(silent, NULL);
    return w;
}

static void
world_free(struct world *w)
{
    journal_close(w->j);
    chunk_builder_free(w->builder);
    faultio_free(w->disk);
    free(w->frames);
    free(w);
}

static struct journal *
open_on(struct faultio *disk, usec_t sync_us, int *ret_error)
{
    struct journal_options o = {
        .dir = "j",
        .io = faultio_io(disk),
        .max_size_bytes = 64 * KIB,
        .segment_size_bytes = 6 * KIB,
        .sync_us = sync_us,
        .unsynced_max_bytes = 64 * KIB,
        .inline_writer = true,
    };
    struct journal *j = NULL;
    struct err err = ERR_INIT;
    int r = journal_open(&o, &j, &err);
    if (ret_error)
        *ret_error = r;
    else
        ck_assert_msg(r == 0, "does not open: %s", err.message);
    return j;
}

static void
note_synced(void *arg, uint64_t pos)
{
    struct world *w = arg;
    w->acked = MAX(w->acked, pos);
}

/* ---- appending */

/* The model has the frame first: it may be found before the call returns. */
static int
append(struct world *w, unsigned type, const struct slice *parts, int n,
       struct expected e)
{
    usec_t time = (usec_t)dice(w, 1000) + (usec_t)w->n;
    uint64_t pos, length = 0;
    ck_assert_uint_lt(w->n, FRAMES_MAX);
    for (int i = 0; i < n; i++) {
        e.crc = crc32c(e.crc, parts[i].p, parts[i].n);
        length += parts[i].n;
    }
    e.type = (uint16_t)type;
    e.pos = journal_end(w->j);
    e.next = e.pos + 32 + (length + 7) / 8 * 8;
    e.time = MAX(time, journal_time(w->j));
    w->frames[w->n++] = e;
    int r = journal_append(w->j, type, 0, time, parts, (size_t)n, &pos);
    if (r < 0) {
        w->n--;
        return r;
    }
    ck_assert_uint_eq(pos, e.pos);
    ck_assert_uint_eq(journal_end(w->j), e.next);
    return 0;
}

static int
append_chunk(struct world *w)
{
    char raw[2 * KIB], name[8];
    struct slice parts[CHUNK_PARTS];
    struct expected e = {.partition = (uint16_t)dice(w, PARTITIONS),
                         .offset = ++w->next_offset};
    memset(raw, 'a' + dice(w, 26), sizeof raw);
    snprintf(name, sizeof name, "p%u", e.partition);
    chunk_begin(w->builder, e.partition, slice_from_str(name), 0);
    int64_t base =
        chunk_add_raw(w->builder, slice_new(raw, 1 + dice(w, 2 * KIB)));
    ck_assert(base >= 0);
    struct chunk_position next = {.offset = e.offset};
    int n = chunk_end(w->builder, &next, parts);
    return append(w, FRAME_CHUNK, parts, n, e);
}

static int
append_other(struct world *w)
{
    static const unsigned types[] = {FRAME_TICK, FRAME_ALERT, FRAME_SCHEMA,
                                     FRAME_RULES, FRAME_DELIVERY};
    char text[600];
    struct slice part = {text, dice(w, sizeof text)};
    memset(text, 'A' + dice(w, 26), sizeof text);
    return append(w, types[dice(w, ARRAY_SIZE(types))], &part, 1,
                  (struct expected){0});
}

/* ---- checking */

static size_t
find(const struct world *w, uint64_t pos)
{
    size_t lo = 0, hi = w->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (w->frames[mid].pos < pos)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static void
expect_same(const struct expected *e, const struct frame *f)
{
    ck_assert_uint_eq(f->pos, e->pos);
    ck_assert_uint_eq(f->next, e->next);
    ck_assert_uint_eq(f->type, e->type);
    ck_assert_int_eq(f->time, e->time);
    ck_assert_uint_eq(crc32c(0, f->payload.p, f->payload.n), e->crc);
}

struct found {
    const struct world *w;
    uint64_t newest[PARTITIONS];
};

static int
check_position(void *arg, const struct journal_position *p)
{
    struct found *x = arg;
    ck_assert_uint_lt(p->input, PARTITIONS);
    ck_assert_uint_eq(p->offset, x->newest[p->input]);
    x->newest[p->input] = 0;
    return 0;
}

/* Positions and sticky frames are those of the model's first 'n' frames. */
static void
check_state(const struct world *w, struct journal *j, size_t n)
{
    struct found x = {.w = w};
    const struct expected *sticky[2] = {NULL, NULL};
    for (size_t i = 0; i < n; i++) {
        const struct expected *e = &w->frames[i];
        if (e->type == FRAME_CHUNK)
            x.newest[e->partition] = e->offset;
        else if (frame_type_is_sticky(e->type))
            sticky[e->type == FRAME_RULES] = e;
    }
    ck_assert_int_eq(journal_positions(j, check_position, &x), 0);
    for (int i = 0; i < PARTITIONS; i++)
        ck_assert_uint_eq(x.newest[i], 0);
    for (int i = 0; i < 2; i++) {
        struct slice s;
        int r = journal_sticky(j, i == 0 ? FRAME_SCHEMA : FRAME_RULES, &s);
        ck_assert_int_eq(r, sticky[i] ? 0 : -ENOENT);
        if (r < 0)
            continue;
        ck_assert_uint_eq(crc32c(0, s.p, s.n), sticky[i]->crc);
        mem_free((char *)s.p);
    }
}

/* The journal holds a beginning of the model, at least up to 'acked', without
 * a hole. */
static void
check_journal(const struct world *w, struct journal *j, uint64_t acked)
{
    struct journal_reader *r;
    struct frame f;
    uint64_t end = journal_end(j), begin = journal_begin(j);
    ck_assert_msg(end >= acked, "acknowledged up to %llu, found %llu",
                  (unsigned long long)acked, (unsigned long long)end);
    /* what is being dropped may be gone */
    ck_assert_msg(begin <= MAX(w->begin, (uint64_t)64) ||
                      end - begin >= 24 * KIB,
                  "begins too late");
    ck_assert_int_eq(journal_reader_new(j, 0, READ_SYNCED, &r), 0);
    size_t i = find(w, begin);
    for (;;) {
        int e = journal_read(r, USEC_MIN, &f);
        ck_assert_int_ge(e, 0);
        if (e == 0)
            break;
        if (f.repeated)
            continue;
        ck_assert_uint_lt(i, w->n);
        expect_same(&w->frames[i++], &f);
    }
    ck_assert_uint_eq(journal_reader_lost(r), 0);
    ck_assert_uint_eq(journal_reader_pos(r), end);
    journal_reader_free(r);
    check_state(w, j, i);
    struct journal_stats st;
    journal_get_stats(j, &st);
    ck_assert_uint_eq(st.damaged_segments + st.damaged_frames, 0);
}

static void verify(struct world *w, const struct faultio *disk, bool nested);

struct recovery {
    struct world *w;
    struct faultio *disk;
};

/* The power fails again while the journal recovers. */
static void
cut_in_recovery(void *arg)
{
    struct recovery *x = arg;
    if (dice(x->w, 6) == 0)
        verify(x->w, x->disk, true);
}

/* Opens what a cut of 'disk' leaves. */
static void
verify(struct world *w, const struct faultio *disk, bool nested)
{
    uint64_t acked = w->acked;
    struct faultio *cut = faultio_cut(disk, faultio_random(&w->random));
    struct recovery x = {w, cut};
    if (!nested && dice(w, 4) == 0)
        faultio_on_change(cut, cut_in_recovery, &x);
    struct journal *j = open_on(cut, w->sync_us, NULL);
    faultio_on_change(cut, NULL, NULL);
    check_journal(w, j, acked);
    w->kept += journal_end(j) > acked;
    w->states++;

    if (dice(w, 8) == 0) { /* it goes on */
        uint64_t pos, end = journal_end(j);
        struct slice part = SLICE("more");
        ck_assert_int_eq(journal_append(j, FRAME_MARK, 0, 0, &part, 1, &pos),
                         0);
        ck_assert_uint_eq(pos, end);
        ck_assert_int_eq(journal_sync(j, journal_end(j), USEC_MAX), 0);
        struct faultio *again = faultio_cut(cut, faultio_random(&w->random));
        journal_close(j);
        j = open_on(again, w->sync_us, NULL);
        ck_assert_uint_gt(journal_end(j), pos);
        journal_close(j);
        j = NULL;
        faultio_free(again);
    }
    journal_close(j);
    faultio_free(cut);
}

/* The process is killed, the next one opens the journal and tells what it
 * found to be durable: then the power fails. */
static void
verify_killed(struct world *w)
{
    uint64_t acked = w->acked;
    struct faultio *next = faultio_kill(w->disk);
    struct journal *j = open_on(next, w->sync_us, NULL);
    w->acked = MAX(acked, journal_synced(j));
    verify(w, next, true);
    journal_close(j);
    faultio_free(next);
    w->acked = acked;
}

static void
maybe_cut(void *arg)
{
    struct world *w = arg;
    if (w->j) {
        w->acked = MAX(w->acked, journal_synced(w->j));
        w->begin = journal_begin(w->j);
    }
    if (dice(w, w->cut_every) == 0)
        verify(w, w->disk, false);
    if (dice(w, w->cut_every * 4) == 0)
        verify_killed(w);
}

/* ---- the workload */

static void
open_world(struct world *w)
{
    w->j = open_on(w->disk, w->sync_us, NULL);
    journal_on_synced(w->j, note_synced, w);
    w->acked = MAX(w->acked, journal_synced(w->j));
    w->begin = journal_begin(w->j);
}

enum end { CLEAN_STOP, KILLED, POWER_CUT, ENDS };

/* Ends the process one way or another, and starts the next. */
static void
restart(struct world *w, enum end how)
{
    if (how == CLEAN_STOP) {
        journal_close(TAKE(w->j));
        open_world(w);
        ck_assert_uint_eq(journal_end(w->j),
                          w->n > 0 ? w->frames[w->n - 1].next : 64);
        return;
    }
    struct faultio *next =
        how == KILLED ? faultio_kill(w->disk)
                      : faultio_cut(w->disk, faultio_random(&w->random));
    faultio_on_change(w->disk, NULL, NULL);
    journal_on_synced(w->j, NULL, NULL);
    journal_close(TAKE(w->j));
    faultio_free(w->disk);
    w->disk = next;
    faultio_on_change(w->disk, maybe_cut, w);
    open_world(w);
    w->n = find(w, journal_end(w->j));
    check_journal(w, w->j, w->acked);
}

static void
step(struct world *w, bool faults)
{
    unsigned d = dice(w, 100);
    int r = 0;
    if (faults && d % 10 == 0) {
        enum faultio_call call = (enum faultio_call)dice(w, FAULTIO_ANY + 1);
        faultio_fail(w->disk, call, 1 + dice(w, 4), d % 20 ? EIO : ENOSPC,
                     false);
    }
    if (faults && d % 10 == 1)
        faultio_short_write(w->disk, 1 + dice(w, 3));
    if (d < 45)
        r = append_chunk(w);
    else if (d < 75)
        r = append_other(w);
    else if (d < 94)
        (void)journal_sync(w->j, journal_end(w->j), USEC_MAX);
    else if (!faults)
        restart(w, (enum end)(d % ENDS));
    ck_assert(r == 0 || r == -EAGAIN || r == -ENOSPC);
    ck_assert(faults || r == 0);
}

START_TEST(a_power_cut_loses_nothing_acknowledged)
{
    struct world *w = world_new(1000 + (uint64_t)_i, 0);
    w->cut_every = 4;
    w->sync_us = _i % 4 == 3 ? 0 : USEC_PER_SEC;
    faultio_on_change(w->disk, maybe_cut, w);
    open_world(w);
    while (w->states < 800 / SCALE)
        step(w, false);
    faultio_on_change(w->disk, NULL, NULL);
    ck_assert_uint_ge(w->kept, 10 / SCALE); /* else the test is void */
    world_free(w);
}
END_TEST

START_TEST(cuts_and_faults_together_lose_nothing)
{
    struct world *w = world_new(2000 + (uint64_t)_i, 0);
    w->cut_every = 5;
    open_world(w);
    faultio_on_change(w->disk, maybe_cut, w);
    while (w->states < 600 / SCALE)
        step(w, true);
    ck_assert_uint_gt(faultio_failed(w->disk), 20 / SCALE);
    faultio_on_change(w->disk, NULL, NULL);
    for (int c = 0; c <= FAULTIO_ANY; c++)
        faultio_fail(w->disk, (enum faultio_call)c, 0, 0, false);
    faultio_short_write(w->disk, 0);
    /* it has healed */
    ck_assert_int_eq(journal_sync(w->j, journal_end(w->j), USEC_MAX), 0);
    check_journal(w, w->j, journal_end(w->j));
    restart(w, CLEAN_STOP);
    check_journal(w, w->j, journal_end(w->j));
    world_free(w);
}
END_TEST

/* ---- each call failing */

/* A short life of a journal; goes on past what fails. */
static void
scenario(struct world *w)
{
    int r;
    for (int life = 0; life < 3; life++) {
        w->j = open_on(w->disk, w->sync_us, &r);
        if (!w->j)
            continue;
        journal_on_synced(w->j, note_synced, w);
        w->acked = MAX(w->acked, journal_synced(w->j));
        w->n = find(w, journal_end(w->j));
        for (int i = 0; i < 14; i++) {
            r = i % 3 ? append_chunk(w) : append_other(w);
            ck_assert(r == 0 || r == -EAGAIN || r == -ENOSPC);
            if (i % 5 == 4)
                (void)journal_sync(w->j, journal_end(w->j), USEC_MAX);
        }
        w->acked = MAX(w->acked, journal_synced(w->j));
        w->begin = journal_begin(w->j);
        journal_close(TAKE(w->j));
    }
}

static void
sweep(int error, bool sticky)
{
    for (uint64_t n = 1;; n++) {
        struct world *w = world_new(77, 0);
        faultio_fail(w->disk, FAULTIO_ANY, n, error, sticky);
        scenario(w);
        bool failed = faultio_failed(w->disk) > 0;
        faultio_fail(w->disk, FAULTIO_ANY, 0, 0, false);
        verify(w, w->disk, false); /* the power is cut now */
        open_world(w);             /* or it isn't */
        w->n = find(w, journal_end(w->j));
        check_journal(w, w->j, w->acked);
        ck_assert_int_eq(append_chunk(w), 0);
        ck_assert_int_eq(journal_sync(w->j, journal_end(w->j), USEC_MAX), 0);
        check_journal(w, w->j, journal_end(w->j));
        world_free(w);
        if (!failed) {
            ck_assert_uint_gt(n, 80);
            return;
        }
    }
}

START_TEST(any_call_may_fail_once)
{
    sweep(_i == 0 ? EIO : _i == 1 ? ENOSPC : EDQUOT, false);
}
END_TEST

START_TEST(any_call_may_fail_for_ever)
{
    sweep(_i == 0 ? EIO : ENOSPC, true);
}
END_TEST

/* ---- a full disk */

START_TEST(a_full_disk_keeps_room_for_alerts_and_heals)
{
    struct world *w = world_new(5, 44 * KIB);
    open_world(w);
    for (int round = 0; round < 5; round++) {
        int r = 0;
        unsigned alerts = 0;
        for (int i = 0; i < 500 && r == 0; i++) {
            r = append_chunk(w);
            if (i % 4 == 3)
                (void)journal_sync(w->j, journal_end(w->j), USEC_MAX);
        }
        ck_assert_int_eq(r, -ENOSPC);
        for (int i = 0; i < 4; i++) {
            struct slice part = SLICE("alert");
            alerts +=
                append(w, FRAME_ALERT, &part, 1, (struct expected){0}) == 0;
        }
        ck_assert_uint_eq(alerts, 4);
        ck_assert_int_eq(journal_sync(w->j, journal_end(w->j), USEC_MAX), 0);
        ck_assert_int_eq(append_chunk(w), -ENOSPC);
        struct journal_stats st;
        journal_get_stats(w->j, &st);
        ck_assert(st.full);
        w->begin = journal_begin(w->j);
        verify(w, w->disk, false);

        /* somebody frees space; the reserve comes first */
        faultio_set_capacity(w->disk, (44 + 20 * (size_t)(round + 1)) * KIB);
        journal_close(TAKE(w->j));
        open_world(w);
        check_journal(w, w->j, w->acked);
        ck_assert_int_eq(journal_wait_room(w->j, USEC_MIN), 0);
        if (round >= 1)
            break; /* then max_size bounds it */
    }
    world_free(w);
}
END_TEST

/* ---- damage */

static struct world *
image(uint64_t seed)
{
    struct world *w = world_new(seed, 0);
    open_world(w);
    for (int i = 0; i < 40; i++) {
        ck_assert_int_eq(i % 3 ? append_chunk(w) : append_other(w), 0);
        if (i % 3 == 0)
            (void)journal_sync(w->j, journal_end(w->j), USEC_MAX);
    }
    journal_close(TAKE(w->j));
    return w;
}

static void
damage(struct world *w, struct faultio *d)
{
    char *p, *q;
    size_t n, m, i = dice(w, (unsigned)faultio_files(d));
    const char *name = faultio_file(d, i, &p, &n);
    char other[64];
    unsigned base;
    if (n == 0)
        return;
    size_t at = dice(w, (unsigned)n), k = MIN(n - at, (size_t)512);
    switch (dice(w, 9)) {
    case 0:
        p[at] ^= (char)(1 << dice(w, 8));
        break;
    case 1:
        memset(p + at, 0, k);
        break;
    case 2:
        memset(p + at, (int)dice(w, 256), k);
        break;
    case 3:
        faultio_resize(d, i, at);
        break;
    case 4:
        faultio_resize(d, i, n + 1 + dice(w, 3000));
        break;
    case 5:
        faultio_remove(d, i);
        break;
    case 6: /* a copy of it under a name further on */
        base = 8 * (1 + dice(w, 10000));
        snprintf(other, sizeof other, "%016x-%08x.seg", base, dice(w, 20));
        faultio_put(d, other, p, n);
        break;
    case 7: /* contents swapped or moved within a file */
        (void)faultio_file(d, dice(w, (unsigned)faultio_files(d)), &q, &m);
        k = MIN(k, m);
        memmove(p + at, q, MIN(k, n - at));
        break;
    default:
        (void)name;
        faultio_put(d, "0000000000ffff00-00000099.seg", p, dice(w, 100) % n);
        break;
    }
}

/* What is found is of the model, in order; it opens, reads and goes on. */
static void
check_damaged(struct world *w, struct faultio *d)
{
    struct journal *j = open_on(d, w->sync_us, NULL);
    struct journal_reader *r;
    struct frame f;
    uint64_t before = 0;
    ck_assert_int_eq(journal_reader_new(j, 0, READ_APPENDED, &r), 0);
    for (;;) {
        int e = journal_read(r, USEC_MIN, &f);
        ck_assert_int_ge(e, 0);
        if (e == 0)
            break;
        if (f.repeated)
            continue;
        size_t i = find(w, f.pos);
        ck_assert_uint_lt(i, w->n);
        expect_same(&w->frames[i], &f);
        ck_assert_uint_gt(f.pos, before);
        before = f.pos;
    }
    uint64_t pos;
    struct slice part = SLICE("more");
    ck_assert_int_eq(journal_append(j, FRAME_MARK, 0, 0, &part, 1, &pos), 0);
    ck_assert_uint_gt(pos, before);
    ck_assert_int_eq(journal_sync(j, journal_end(j), USEC_MAX), 0);
    int e;
    do {
        e = journal_read(r, USEC_MIN, &f);
    } while (e == 1 && f.repeated);
    ck_assert_int_eq(e, 1);
    ck_assert_uint_eq(f.pos, pos);
    journal_reader_free(r);
    journal_close(j);
}

START_TEST(a_damaged_journal_always_opens)
{
    struct world *w = image(9 + (uint64_t)_i);
    for (int i = 0; i < 600 / SCALE; i++) {
        struct faultio *d = faultio_cut(w->disk, 1);
        for (unsigned k = 1 + dice(w, 3); k > 0; k--)
            damage(w, d);
        check_damaged(w, d);
        faultio_free(d);
    }
    world_free(w);
}
END_TEST

START_TEST(a_journal_cut_at_any_byte_opens)
{
    struct world *w = image(4);
    size_t newest = 0, n;
    char *p, best[64] = "";
    for (size_t i = 0; i < faultio_files(w->disk); i++) {
        const char *name = faultio_file(w->disk, i, &p, &n);
        if (strstr(name, ".seg") && strcmp(name, best) > 0) {
            snprintf(best, sizeof best, "%s", name);
            newest = i;
        }
    }
    (void)faultio_file(w->disk, newest, &p, &n);
    for (size_t at = 0; at < n; at += SCALE) {
        struct faultio *d = faultio_cut(w->disk, 1);
        size_t k = 0, m;
        while (strcmp(faultio_file(d, k, &p, &m), best) != 0)
            k++;
        faultio_resize(d, k, at);
        check_damaged(w, d);
        faultio_free(d);
    }
    world_free(w);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("journal_power");
    TCase *t = tcase_create("power");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, a_power_cut_loses_nothing_acknowledged, 0, 6);
    tcase_add_loop_test(t, cuts_and_faults_together_lose_nothing, 0, 4);
    tcase_add_loop_test(t, any_call_may_fail_once, 0, 3);
    tcase_add_loop_test(t, any_call_may_fail_for_ever, 0, 2);
    tcase_add_test(t, a_full_disk_keeps_room_for_alerts_and_heals);
    tcase_add_loop_test(t, a_damaged_journal_always_opens, 0, 4);
    tcase_add_test(t, a_journal_cut_at_any_byte_opens);
    suite_add_tcase(s, t);
    return unit_main(s, NULL);
}
