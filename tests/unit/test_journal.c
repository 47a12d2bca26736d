/* SPDX-License-Identifier: Apache-2.0 */
/* test_journal.c - what the journal promises, on a real directory. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/journal/format.h"
#include "core/journal/journal.h"
#include "core/journal/scan.h"
#include "core/record/chunk.h"
#include "core/record/tick.h"
#include "tests/lib/unit.h"

#define KIB ((size_t)1024)

static char dir[64];

static void
make_dir(void)
{
    snprintf(dir, sizeof dir, "/tmp/tocsin-journal-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static int
unlink_entry(void *arg, const char *name)
{
    (void)unlinkat(*(int *)arg, name, 0);
    return 0;
}

static void
remove_dir(void)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY);
    (void)io_posix.list(NULL, fd, unlink_entry, &fd);
    close(fd);
    (void)rmdir(dir);
}

static struct journal_options
options(void)
{
    return (struct journal_options){
        .dir = dir,
        .io = &io_posix,
        .max_size_bytes = 1024 * KIB,
        .segment_size_bytes = 64 * KIB,
        .sync_us = 10 * USEC_PER_SEC,
        .unsynced_max_bytes = 128 * KIB,
        .inline_writer = true,
    };
}

static struct journal *
open_with(const struct journal_options *o)
{
    struct journal *j = NULL;
    struct err err = ERR_INIT;
    ck_assert_msg(journal_open(o, &j, &err) == 0, "%s", err.message);
    return j;
}

static struct journal *
open_it(void)
{
    struct journal_options o = options();
    return open_with(&o);
}

static uint64_t
append(struct journal *j, unsigned type, usec_t time, const char *text)
{
    struct slice parts[2] = {SLICE("x"), slice_from_str(text)};
    uint64_t pos = 0;
    ck_assert_int_eq(journal_append(j, type, 7, time, parts, 2, &pos), 0);
    return pos;
}

static uint64_t
append_bytes(struct journal *j, size_t n, char fill)
{
    char *p = malloc(n);
    memset(p, fill, n);
    struct slice part = {p, n};
    uint64_t pos = 0;
    int r = journal_append(j, FRAME_TICK, 0, 0, &part, 1, &pos);
    free(p);
    ck_assert_int_eq(r, 0);
    return pos;
}

static void
append_chunk(struct journal *j, uint16_t input, const char *partition,
             uint64_t offset)
{
    struct chunk_builder *b = chunk_builder_new(64 * KIB);
    struct slice parts[CHUNK_PARTS];
    struct chunk_position next = {offset, SLICE("where"), SLICE("ctx"), 1};
    uint64_t pos;
    chunk_begin(b, input, slice_from_str(partition), 5);
    ck_assert_int_eq(chunk_add_raw(b, SLICE("raw")), 0);
    int n = chunk_end(b, &next, parts);
    ck_assert_int_eq(
        journal_append(j, FRAME_CHUNK, 0, 0, parts, (size_t)n, &pos), 0);
    chunk_builder_free(b);
}

static void
sync_all(struct journal *j)
{
    ck_assert_int_eq(journal_sync(j, journal_end(j), USEC_MAX), 0);
    ck_assert_uint_eq(journal_synced(j), journal_end(j));
}

static void
expect_frame(struct journal_reader *r, uint64_t pos, unsigned type,
             const char *text)
{
    struct frame f;
    ck_assert_int_eq(journal_read(r, USEC_MIN, &f), 1);
    ck_assert_uint_eq(f.pos, pos);
    ck_assert_uint_eq(f.type, type);
    ck_assert_uint_eq((uintptr_t)f.payload.p & 7, 0);
    ck_assert_msg(slice_eq_str(f.payload, text), "%.*s is not %s",
                  SLICE_FMT(f.payload), text);
}

static void
expect_repeated(struct journal_reader *r, unsigned type, const char *text)
{
    struct frame f;
    ck_assert_int_eq(journal_read(r, USEC_MIN, &f), 1);
    ck_assert(f.repeated);
    ck_assert_uint_eq(f.type, type);
    ck_assert_uint_eq(f.pos, journal_reader_pos(r));
    ck_assert_uint_eq(f.next, f.pos);
    ck_assert(slice_eq_str(f.payload, text));
}

static void
expect_nothing(struct journal_reader *r)
{
    struct frame f;
    ck_assert_int_eq(journal_read(r, USEC_MIN, &f), 0);
}

START_TEST(frames_come_back_in_order)
{
    struct journal *j = open_it();
    struct journal_reader *r;
    ck_assert_uint_eq(journal_begin(j), 64);
    ck_assert_int_eq(journal_reader_new(j, 0, READ_APPENDED, &r), 0);
    expect_nothing(r);
    uint64_t a = append(j, FRAME_TICK, 10, "one");
    uint64_t b = append(j, FRAME_ALERT, 9, "two");
    ck_assert_uint_eq(a, 64);
    ck_assert_uint_eq(b, 64 + 32 + 8);
    ck_assert_int_eq(journal_time(j), 10); /* never backwards */
    expect_frame(r, a, FRAME_TICK, "xone");
    expect_frame(r, b, FRAME_ALERT, "xtwo");
    expect_nothing(r);
    ck_assert_uint_eq(journal_reader_pos(r), journal_end(j));
    journal_reader_free(r);
    journal_close(j);
}
END_TEST

START_TEST(a_synced_reader_sees_nothing_unsynced)
{
    struct journal *j = open_it();
    struct journal_reader *r;
    ck_assert_int_eq(journal_reader_new(j, 0, READ_SYNCED, &r), 0);
    uint64_t a = append(j, FRAME_TICK, 1, "one");
    expect_nothing(r);
    ck_assert_uint_eq(journal_synced(j), a);
    sync_all(j);
    expect_frame(r, a, FRAME_TICK, "xone");
    append(j, FRAME_TICK, 1, "two");
    expect_nothing(r);
    journal_reader_free(r);
    journal_close(j);
}
END_TEST

START_TEST(all_is_there_after_a_restart)
{
    struct journal *j = open_it();
    struct journal_reader *r;
    uint64_t pos[200];
    char text[16];
    for (int i = 0; i < 200; i++) {
        snprintf(text, sizeof text, "%d", i);
        pos[i] = append(j, FRAME_TICK, i, text);
    }
    journal_close(j);
    j = open_it();
    ck_assert_uint_eq(journal_end(j), pos[199] + 40);
    ck_assert_int_eq(journal_time(j), 199);
    ck_assert_int_eq(journal_reader_new(j, 0, READ_SYNCED, &r), 0);
    for (int i = 0; i < 200; i++) {
        snprintf(text, sizeof text, "x%d", i);
        expect_frame(r, pos[i], FRAME_TICK, text);
    }
    expect_nothing(r);
    ck_assert_uint_eq(append(j, FRAME_TICK, 0, "more"), pos[199] + 40);
    sync_all(j);
    expect_frame(r, pos[199] + 40, FRAME_TICK, "xmore");
    ck_assert_uint_eq(journal_reader_lost(r), 0);
    journal_reader_free(r);
    journal_close(j);
}
END_TEST

START_TEST(a_long_journal_is_read_from_its_files)
{
    struct journal *j = open_it();
    struct journal_reader *r;
    uint64_t pos[60];
    for (int i = 0; i < 60; i++)
        pos[i] = append_bytes(j, 10 * KIB, (char)('a' + i % 26));
    sync_all(j);
    struct journal_stats st;
    journal_get_stats(j, &st);
    ck_assert_uint_ge(st.segments, 9);
    ck_assert_int_eq(journal_reader_new(j, 0, READ_SYNCED, &r), 0);
    for (int i = 0; i < 60; i++) {
        struct frame f;
        ck_assert_int_eq(journal_read(r, USEC_MIN, &f), 1);
        ck_assert_uint_eq(f.pos, pos[i]);
        ck_assert_uint_eq(f.payload.n, 10 * KIB);
        ck_assert_int_eq(f.payload.p[10 * KIB - 1], 'a' + i % 26);
    }
    expect_nothing(r);
    ck_assert_uint_eq(journal_reader_lost(r), 0);
    journal_reader_free(r);

    ck_assert_int_eq(journal_reader_new(j, pos[17], READ_APPENDED, &r), 0);
    struct frame f;
    ck_assert_int_eq(journal_read(r, USEC_MIN, &f), 1);
    ck_assert_uint_eq(f.pos, pos[17]);
    journal_reader_free(r);
    journal_close(j);
}
END_TEST

START_TEST(the_oldest_is_dropped_and_counted)
{
    struct journal *j = open_it();
    struct journal_reader *r;
    append(j, FRAME_SCHEMA, 0, "schema");
    uint64_t first = append_bytes(j, 1, 'a');
    ck_assert_int_eq(journal_reader_new(j, first, READ_SYNCED, &r), 0);
    for (int i = 0; i < 200; i++)
        append_bytes(j, 10 * KIB, 'b');
    sync_all(j);
    struct journal_stats st;
    journal_get_stats(j, &st);
    ck_assert_uint_le(st.bytes, 1024 * KIB);
    ck_assert_uint_ge(st.bytes, 700 * KIB);
    uint64_t begin = journal_begin(j);
    ck_assert_uint_gt(begin, first);
    expect_repeated(r, FRAME_SCHEMA, "xschema");
    struct frame f;
    ck_assert_int_eq(journal_read(r, USEC_MIN, &f), 1);
    ck_assert_uint_eq(f.pos, begin);
    ck_assert_uint_eq(journal_reader_lost(r), begin - first);
    journal_reader_free(r);
    journal_close(j);

    j = open_it();
    ck_assert_uint_eq(journal_begin(j), begin);
    struct slice s;
    ck_assert_int_eq(journal_sticky(j, FRAME_SCHEMA, &s), 0);
    ck_assert(slice_eq_str(s, "xschema"));
    mem_free((char *)s.p);
    ck_assert_int_eq(journal_sticky(j, FRAME_RULES, &s), -ENOENT);
    journal_close(j);
}
END_TEST

START_TEST(what_is_pinned_stays_and_chunks_are_refused)
{
    struct journal *j = open_it();
    int pin = journal_pin_new(j, 0);
    char *big = malloc(10 * KIB);
    memset(big, 'c', 10 * KIB);
    struct slice part = {big, 10 * KIB};
    uint64_t pos;
    int r = 0, n = 0;
    for (; r == 0 && n < 1000; n++)
        r = journal_append(j, FRAME_CHUNK, 0, 0, &part, 1, &pos);
    ck_assert_int_eq(r, -ENOSPC);
    ck_assert_int_ge(n, 80);
    ck_assert_uint_eq(journal_begin(j), 64);
    ck_assert_int_eq(journal_wait_room(j, USEC_MIN), -ETIMEDOUT);
    /* the reserve is for others, and ends too */
    ck_assert_int_eq(journal_append(j, FRAME_TICK, 0, 0, &part, 1, &pos), 0);
    for (r = 0, n = 0; r == 0 && n < 1000; n++)
        r = journal_append(j, FRAME_TICK, 0, 0, &part, 1, &pos);
    ck_assert_int_eq(r, -ENOSPC);
    sync_all(j);
    struct journal_stats st;
    journal_get_stats(j, &st);
    ck_assert(st.full);
    ck_assert_uint_le(st.bytes, 1024 * KIB);
    journal_pin_move(j, pin, pos);
    ck_assert_int_eq(journal_wait_room(j, USEC_MIN), 0);
    ck_assert_int_eq(journal_append(j, FRAME_CHUNK, 0, 0, &part, 1, &pos), 0);
    sync_all(j);
    ck_assert_uint_gt(journal_begin(j), 64);
    free(big);
    journal_close(j);
}
END_TEST

/* The reserve and more; and whoever makes them is told how they find room. */
START_TEST(alerts_are_taken_beyond_the_bound)
{
    struct journal *j = open_it();
    int pin = journal_pin_new(j, 0), other = journal_pin_new(j, UINT64_MAX);
    char *big = calloc(1, 10 * KIB);
    struct slice part = {big, 10 * KIB};
    struct journal_stats st;
    uint64_t pos;
    while (journal_append(j, FRAME_CHUNK, 0, 0, &part, 1, &pos) == 0)
        ck_assert_uint_eq(journal_pin_goal(j, pin), 0);
    for (int n = 0; n < 20; n++)
        ck_assert_int_eq(journal_append(j, FRAME_ALERT, 0, 0, &part, 1, &pos),
                         0);
    sync_all(j);
    journal_get_stats(j, &st);
    ck_assert_uint_gt(st.bytes, 1024 * KIB);
    uint64_t goal = journal_pin_goal(j, pin), was = goal;
    ck_assert_uint_gt(goal, 64);
    journal_pin_move(j, other, goal - 8); /* holds it as well */
    ck_assert_uint_eq(journal_pin_goal(j, pin), UINT64_MAX);
    journal_pin_move(j, other, pos);
    for (; goal != 0; goal = journal_pin_goal(j, pin)) {
        ck_assert_uint_le(goal, pos);
        journal_pin_move(j, pin, goal);
        was = goal;
    }
    sync_all(j);
    journal_get_stats(j, &st);
    ck_assert_uint_le(st.bytes, 1024 * KIB);
    ck_assert_uint_le(journal_begin(j), was);
    free(big);
    journal_close(j);
}
END_TEST

/* What can go makes room for so much, and no more: the rest is for alerts. */
START_TEST(one_segment_that_can_go_is_no_room_for_ten)
{
    struct journal_options o = options();
    o.unsynced_max_bytes = 4096 * KIB;
    struct journal *j = open_with(&o);
    char *big = malloc(10 * KIB);
    memset(big, 'c', 10 * KIB);
    struct slice part = {big, 10 * KIB};
    uint64_t pos;
    int pin = journal_pin_new(j, 0), n = 0, r = 0;
    for (int i = 0; i < 60; i++)
        append_bytes(j, 10 * KIB, 'd');
    sync_all(j);
    journal_pin_move(j, pin, 70 * KIB); /* the first segment may go */
    for (; r == 0 && n < 1000; n++)
        r = journal_append(j, FRAME_CHUNK, 0, 0, &part, 1, &pos);
    ck_assert_int_eq(r, -ENOSPC);
    ck_assert_int_lt(n, 60);
    for (n = 0; n < 12; n++)
        ck_assert_int_eq(journal_append(j, FRAME_ALERT, 0, 0, &part, 1, &pos),
                         0);
    free(big);
    journal_close(j);
}
END_TEST

START_TEST(old_segments_go_by_time)
{
    struct journal_options o = options();
    o.retain_us = 1000;
    struct journal *j = open_with(&o);
    for (int i = 0; i < 20; i++) {
        append(j, FRAME_TICK, i * 100, "tick");
        append_bytes(j, 20 * KIB, 'd');
        sync_all(j);
    }
    ck_assert_uint_gt(journal_begin(j), 64);
    struct journal_stats st;
    journal_get_stats(j, &st);
    ck_assert_int_ge(st.oldest_time_us, 600);
    ck_assert_int_le(st.oldest_time_us, 900);
    journal_close(j);
}
END_TEST

START_TEST(nothing_is_dropped_before_the_pins_are_there)
{
    struct journal_options o = options();
    o.retain_us = 100;
    struct journal *j = open_with(&o);
    int pin = journal_pin_new(j, 1); /* a reader far behind */
    for (usec_t t = 1; t <= 300; t++) {
        char text[1024];
        memset(text, 'a', sizeof text - 1);
        text[sizeof text - 1] = '\0';
        append(j, FRAME_MARK, 10 * t, text);
    }
    sync_all(j);
    uint64_t begin = journal_begin(j);
    (void)pin;
    journal_close(j);

    o.hold = true;
    j = open_with(&o);
    append(j, FRAME_MARK, 5000, "x");
    sync_all(j);
    ck_assert_uint_eq(journal_begin(j), begin);
    pin = journal_pin_new(j, begin);
    journal_let_go(j);
    append(j, FRAME_MARK, 5000, "x");
    sync_all(j);
    ck_assert_uint_eq(journal_begin(j), begin);
    journal_pin_move(j, pin, journal_end(j));
    append(j, FRAME_MARK, 5000, "x");
    sync_all(j);
    ck_assert_uint_gt(journal_begin(j), begin);
    journal_close(j);
}
END_TEST

START_TEST(a_tick_can_set_time_back_for_good)
{
    struct journal *j = open_it();
    append(j, FRAME_MARK, 5000, "x");
    append(j, FRAME_MARK, 4000, "x"); /* raised */
    ck_assert_int_eq(journal_time(j), 5000);
    struct slice none = {"", 0};
    uint64_t pos;
    ck_assert_int_eq(
        journal_append(j, FRAME_TICK, TICK_REBASE, 3000, &none, 1, &pos), 0);
    ck_assert_int_eq(journal_time(j), 3000);
    sync_all(j);
    journal_close(j);
    j = open_it();
    ck_assert_int_eq(journal_time(j), 3000);
    append(j, FRAME_MARK, 3500, "x");
    ck_assert_int_eq(journal_time(j), 3500);
    journal_close(j);
}
END_TEST

START_TEST(a_reader_gets_the_sticky_frames_in_force)
{
    struct journal *j = open_it();
    struct journal_reader *r;
    append(j, FRAME_SCHEMA, 0, "schema1");
    uint64_t a = append(j, FRAME_TICK, 0, "a");
    append(j, FRAME_RULES, 0, "rules1");
    uint64_t b = append(j, FRAME_TICK, 0, "b");
    uint64_t s2 = append(j, FRAME_SCHEMA, 0, "schema2");
    uint64_t c = append(j, FRAME_TICK, 0, "c");
    for (int round = 0; round < 3; round++) {
        ck_assert_int_eq(journal_reader_new(j, a, READ_APPENDED, &r), 0);
        expect_repeated(r, FRAME_SCHEMA, "xschema1");
        expect_frame(r, a, FRAME_TICK, "xa");
        journal_reader_free(r);
        ck_assert_int_eq(journal_reader_new(j, b, READ_APPENDED, &r), 0);
        expect_repeated(r, FRAME_SCHEMA, "xschema1");
        expect_repeated(r, FRAME_RULES, "xrules1");
        expect_frame(r, b, FRAME_TICK, "xb");
        expect_frame(r, s2, FRAME_SCHEMA, "xschema2");
        journal_reader_free(r);
        ck_assert_int_eq(journal_reader_new(j, c, READ_APPENDED, &r), 0);
        expect_repeated(r, FRAME_SCHEMA, "xschema2");
        expect_repeated(r, FRAME_RULES, "xrules1");
        expect_frame(r, c, FRAME_TICK, "xc");
        journal_reader_free(r);
        if (round == 0) {
            sync_all(j);
        } else if (round == 1) {
            journal_close(j); /* from the file now */
            j = open_it();
        }
    }
    /* in a later segment they come from its prelude */
    for (int i = 0; i < 20; i++)
        append_bytes(j, 10 * KIB, 'x');
    uint64_t d = append(j, FRAME_TICK, 0, "d");
    append(j, FRAME_SCHEMA, 0, "schema3");
    sync_all(j);
    journal_close(j);
    j = open_it();
    ck_assert_int_eq(journal_reader_new(j, d, READ_APPENDED, &r), 0);
    expect_repeated(r, FRAME_SCHEMA, "xschema2");
    expect_repeated(r, FRAME_RULES, "xrules1");
    expect_frame(r, d, FRAME_TICK, "xd");
    journal_reader_free(r);
    journal_close(j);
}
END_TEST

static int
count_position(void *arg, const struct journal_position *p)
{
    uint64_t *sum = arg;
    ck_assert(slice_eq_str(p->where, "where"));
    ck_assert(slice_eq_str(p->context, "ctx"));
    ck_assert_uint_eq(p->decoder, 1);
    sum[0]++;
    sum[1] += p->offset;
    return 0;
}

START_TEST(positions_survive_the_segments_that_told_them)
{
    struct journal *j = open_it();
    append_chunk(j, 1, "a", 100);
    append_chunk(j, 1, "b", 1000);
    append_chunk(j, 2, "a", 10000);
    append_chunk(j, 1, "a", 101);
    for (int i = 0; i < 200; i++)
        append_bytes(j, 10 * KIB, 'b');
    append_chunk(j, 1, "b", 1001);
    for (int round = 0; round < 2; round++) {
        uint64_t sum[2] = {0, 0};
        ck_assert_uint_gt(journal_begin(j), 200);
        ck_assert_int_eq(journal_positions(j, count_position, sum), 0);
        ck_assert_uint_eq(sum[0], 3);
        ck_assert_uint_eq(sum[1], 101 + 1001 + 10000);
        journal_close(j);
        j = open_it();
    }
    journal_close(j);
}
END_TEST

START_TEST(a_directory_is_for_one_process)
{
    struct journal *j = open_it(), *k = NULL;
    struct journal_options o = options();
    struct err err = ERR_INIT;
    ck_assert_int_eq(journal_open(&o, &k, &err), -EBUSY);
    ck_assert_ptr_nonnull(strstr(err.message, "in use"));
    journal_close(j);
}
END_TEST

START_TEST(a_frame_too_long_is_refused)
{
    struct journal *j = open_it();
    char *p = calloc(1, 64 * KIB);
    struct slice part = {p, 32 * KIB + 1};
    uint64_t pos;
    ck_assert_int_eq(journal_append(j, FRAME_CHUNK, 0, 0, &part, 1, &pos),
                     -EMSGSIZE);
    part.n = 32 * KIB;
    ck_assert_int_eq(journal_append(j, FRAME_CHUNK, 0, 0, &part, 1, &pos), 0);
    free(p);
    journal_close(j);
}
END_TEST

START_TEST(positions_begin_where_a_checkpoint_says)
{
    struct journal *j = open_it();
    append(j, FRAME_TICK, 0, "a");
    journal_close(j);
    struct journal_options o = options();
    o.min_end = 5001;
    j = open_with(&o);
    ck_assert_uint_eq(journal_end(j), 5008);
    ck_assert_uint_eq(append(j, FRAME_TICK, 0, "b"), 5008);
    sync_all(j);
    struct journal_reader *r;
    ck_assert_int_eq(journal_reader_new(j, 0, READ_SYNCED, &r), 0);
    expect_frame(r, 64, FRAME_TICK, "xa");
    expect_frame(r, 5008, FRAME_TICK, "xb");
    ck_assert_uint_eq(journal_reader_lost(r), 5008 - 64 - 40);
    journal_reader_free(r);
    journal_close(j);
}
END_TEST

struct seen {
    unsigned frames, problems;
    uint64_t first, stop;
};

static int
see(void *arg, const struct frame *f)
{
    struct seen *s = arg;
    if (f->repeated)
        return 0;
    if (s->frames++ == 0)
        s->first = f->pos;
    return s->frames == s->stop ? 77 : 0;
}

static void
see_problem(void *arg, const char *file, uint64_t offset, const char *what)
{
    (void)file;
    (void)offset;
    (void)what;
    ((struct seen *)arg)->problems++;
}

START_TEST(a_scan_sees_all_without_a_lock)
{
    struct journal *j = open_it();
    uint64_t pos[30];
    for (int i = 0; i < 30; i++)
        pos[i] = append_bytes(j, 10 * KIB, 'e');
    sync_all(j);
    struct seen seen = {0};
    struct journal_scan scan = {see, see_problem, &seen};
    struct journal_scan_stats st;
    ck_assert_int_eq(journal_scan(&io_posix, dir, 0, &scan, &st, NULL), 0);
    ck_assert_uint_eq(seen.frames, 30);
    ck_assert_uint_eq(seen.problems, 0);
    ck_assert_uint_eq(st.frames, 30);
    ck_assert_uint_eq(st.lost_bytes + st.torn_bytes, 0);

    seen = (struct seen){.stop = 3};
    ck_assert_int_eq(journal_scan(&io_posix, dir, pos[20], &scan, &st, NULL),
                     77);
    ck_assert_uint_eq(seen.first, pos[20]);
    journal_close(j);
}
END_TEST

/* Flips one bit of the file that holds 'pos' in a closed journal. */
static void
flip(const char *name, off_t offset)
{
    char path[128], c;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_RDWR);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pread(fd, &c, 1, offset), 1);
    c ^= 1;
    ck_assert_int_eq(pwrite(fd, &c, 1, offset), 1);
    close(fd);
}

static int
first_segment(void *arg, const char *name)
{
    char *best = arg;
    size_t n = strlen(name);
    if (n > 4 && strcmp(name + n - 4, ".seg") == 0 &&
        (!*best || strcmp(name, best) < 0))
        snprintf(best, 64, "%s", name);
    return 0;
}

static void
oldest_name(char best[64])
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY);
    best[0] = '\0';
    (void)io_posix.list(NULL, fd, first_segment, best);
    close(fd);
}

START_TEST(a_damaged_frame_costs_itself_alone)
{
    struct journal *j = open_it();
    uint64_t pos[30];
    char name[64];
    for (int i = 0; i < 30; i++) {
        pos[i] = append_bytes(j, 10 * KIB, 'e');
        sync_all(j);
    }
    journal_close(j);
    oldest_name(name);
    flip(name, 20000); /* a payload */
    j = open_it();
    struct journal_reader *r;
    ck_assert_int_eq(journal_reader_new(j, 0, READ_SYNCED, &r), 0);
    struct frame f;
    for (int i = 0; i < 30; i++) {
        if (i == 1)
            continue;
        ck_assert_int_eq(journal_read(r, USEC_MIN, &f), 1);
        ck_assert_uint_eq(f.pos, pos[i]);
    }
    ck_assert_uint_eq(journal_reader_lost(r), pos[2] - pos[1]);
    journal_reader_free(r);

    /* now the head of the segment */
    flip(name, 30);
    ck_assert_int_eq(journal_reader_new(j, 0, READ_SYNCED, &r), 0);
    ck_assert_int_eq(journal_read(r, USEC_MIN, &f), 1);
    ck_assert_uint_ge(f.pos, pos[4]);
    ck_assert_uint_eq(journal_reader_lost(r), f.pos - 64);
    ck_assert_uint_eq(journal_begin(j), f.pos);
    struct journal_stats st;
    journal_get_stats(j, &st);
    ck_assert_uint_eq(st.damaged_segments, 1);
    journal_reader_free(r);
    journal_close(j);
}
END_TEST

static off_t
first_offset(const char *name)
{
    char path[128];
    struct segment_head h;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_RDONLY);
    ck_assert_int_eq(pread(fd, &h, sizeof h, 0), sizeof h);
    close(fd);
    return (off_t)h.first_offset;
}

START_TEST(damage_in_the_newest_segment_is_no_torn_tail)
{
    static const off_t at[] = {10, 600}; /* in the head, in the payload */
    struct journal *j = open_it();
    uint64_t pos[12];
    char name[64];
    for (int i = 0; i < 12; i++) {
        pos[i] = append_bytes(j, KIB, 'f');
        sync_all(j);
    }
    uint64_t end = journal_end(j);
    journal_close(j);
    oldest_name(name); /* the only one */
    flip(name, first_offset(name) + (off_t)(pos[4 + _i] - 64) + at[_i]);
    j = open_it();
    ck_assert_uint_eq(journal_end(j), end);
    struct journal_reader *r;
    struct frame f;
    ck_assert_int_eq(journal_reader_new(j, 0, READ_SYNCED, &r), 0);
    for (int i = 0; i < 12; i++) {
        if (i == 4 + _i)
            continue;
        ck_assert_int_eq(journal_read(r, USEC_MIN, &f), 1);
        ck_assert_uint_eq(f.pos, pos[i]);
    }
    ck_assert_uint_eq(journal_reader_lost(r), pos[1] - pos[0]);
    journal_reader_free(r);
    journal_close(j);
}
END_TEST

/* io_posix, but for what these two see. */
static int
open_no_direct(void *arg, int dirfd, const char *path, int flags, int mode)
{
    if (flags & O_DIRECT)
        return -EINVAL;
    return io_posix.open(arg, dirfd, path, flags, mode);
}

static ssize_t
pwritev_aligned(void *arg, int fd, const struct iovec *v, int n, off_t offset)
{
    bool direct = (fcntl(fd, F_GETFL) & O_DIRECT) != 0;
    ck_assert(!direct || offset % 4096 == 0);
    for (int i = 0; direct && i < n; i++) {
        ck_assert_uint_eq((uintptr_t)v[i].iov_base % 4096, 0);
        ck_assert_uint_eq(v[i].iov_len % 4096, 0);
    }
    return io_posix.pwritev(arg, fd, v, n, offset);
}

/* _i: on a file system that has direct I/O (if it has), or has not. */
START_TEST(large_segments_are_written_in_whole_sectors)
{
    static const size_t sizes[] = {0, 5, 4064, 4072, 4096, 90000, 777, 12288};
    struct io io = io_posix;
    io.pwritev = pwritev_aligned;
    if (_i == 1)
        io.open = open_no_direct;
    struct journal_options o = options();
    o.io = &io;
    o.segment_size_bytes = 1024 * KIB;
    o.max_size_bytes = 16 * 1024 * KIB;
    uint64_t pos[400];
    struct journal *j = open_with(&o);
    for (size_t i = 0; i < ARRAY_SIZE(pos); i++) {
        pos[i] = append_bytes(j, sizes[i % 8], (char)('a' + i % 23));
        if (i % 5 == 0)
            sync_all(j);
        if (i % 97 == 96) {
            journal_close(j);
            j = open_with(&o);
        }
    }
    journal_close(j);
    j = open_with(&o);
    struct journal_reader *r;
    struct frame f;
    ck_assert_int_eq(journal_reader_new(j, 0, READ_SYNCED, &r), 0);
    for (size_t i = 0; i < ARRAY_SIZE(pos); i++) {
        ck_assert_int_eq(journal_read(r, USEC_MIN, &f), 1);
        ck_assert_uint_eq(f.pos, pos[i]);
        ck_assert_uint_eq(f.payload.n, sizes[i % 8]);
        if (f.payload.n == 0)
            continue;
        ck_assert_int_eq(f.payload.p[0], (char)('a' + i % 23));
        ck_assert_mem_eq(f.payload.p, f.payload.p + 1, f.payload.n - 1);
    }
    ck_assert_uint_eq(journal_reader_lost(r), 0);
    journal_reader_free(r);
    struct journal_stats stats;
    journal_get_stats(j, &stats);
    ck_assert_uint_eq(stats.failed_syncs, 0);
    ck_assert_uint_gt(stats.segments, 4);
    journal_close(j);
}
END_TEST

START_TEST(foreign_files_are_left_alone)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, "notes.txt");
    close(open(path, O_CREAT | O_WRONLY, 0600));
    snprintf(path, sizeof path, "%s/%s", dir, "0000000000000040-00000001.sig");
    close(open(path, O_CREAT | O_WRONLY, 0600));
    struct journal *j = open_it();
    append(j, FRAME_TICK, 0, "a");
    journal_close(j);
    ck_assert_int_eq(access(path, F_OK), 0);
    snprintf(path, sizeof path, "%s/%s", dir, "notes.txt");
    ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

static void
see_synced(void *arg, uint64_t pos)
{
    *(uint64_t *)arg = pos;
}

START_TEST(the_thread_syncs_in_time)
{
    struct journal_options o = options();
    o.inline_writer = false;
    o.sync_us = 1000;
    struct journal *j = open_with(&o);
    _Atomic uint64_t synced = 0;
    journal_on_synced(j, see_synced, (void *)&synced);
    append(j, FRAME_TICK, 0, "a");
    struct journal_reader *r;
    struct frame f;
    ck_assert_int_eq(journal_reader_new(j, 0, READ_SYNCED, &r), 0);
    /* waits without a deadline: a hang is a failure */
    ck_assert_int_eq(journal_read(r, USEC_MAX, &f), 1);
    ck_assert_int_eq(journal_sync(j, journal_end(j), USEC_MAX), 0);
    journal_reader_wake(r);
    ck_assert_int_eq(journal_read(r, USEC_MAX, &f), 0);
    journal_reader_free(r);
    journal_close(j);
    ck_assert_uint_eq(synced, 64 + 40);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("journal");
    TCase *t = tcase_create("journal");
    tcase_add_checked_fixture(t, make_dir, remove_dir);
    tcase_add_test(t, frames_come_back_in_order);
    tcase_add_test(t, a_synced_reader_sees_nothing_unsynced);
    tcase_add_test(t, all_is_there_after_a_restart);
    tcase_add_test(t, a_long_journal_is_read_from_its_files);
    tcase_add_test(t, the_oldest_is_dropped_and_counted);
    tcase_add_test(t, what_is_pinned_stays_and_chunks_are_refused);
    tcase_add_test(t, alerts_are_taken_beyond_the_bound);
    tcase_add_test(t, one_segment_that_can_go_is_no_room_for_ten);
    tcase_add_test(t, old_segments_go_by_time);
    tcase_add_test(t, nothing_is_dropped_before_the_pins_are_there);
    tcase_add_test(t, a_tick_can_set_time_back_for_good);
    tcase_add_test(t, a_reader_gets_the_sticky_frames_in_force);
    tcase_add_test(t, positions_survive_the_segments_that_told_them);
    tcase_add_test(t, a_directory_is_for_one_process);
    tcase_add_test(t, a_frame_too_long_is_refused);
    tcase_add_test(t, positions_begin_where_a_checkpoint_says);
    tcase_add_test(t, a_scan_sees_all_without_a_lock);
    tcase_add_test(t, a_damaged_frame_costs_itself_alone);
    tcase_add_loop_test(t, damage_in_the_newest_segment_is_no_torn_tail, 0, 2);
    tcase_add_loop_test(t, large_segments_are_written_in_whole_sectors, 0, 2);
    tcase_add_test(t, foreign_files_are_left_alone);
    tcase_add_test(t, the_thread_syncs_in_time);
    suite_add_tcase(s, t);
    return unit_main(s, NULL);
}
