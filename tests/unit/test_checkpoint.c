/* SPDX-License-Identifier: Apache-2.0 */
/* test_checkpoint.c - rows in a file, and a real engine's checkpoints on a
 * disk that fails. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "core/base/log.h"
#include "core/journal/journal.h"
#include "core/run/checkpoint.h"
#include "core/run/rows_file.h"
#include "tests/lib/engine_random.h"
#include "tests/lib/faultio.h"
#include "tests/lib/unit.h"

#undef fail /* Check's */

#define KIB ((size_t)1024)
#define NEVER_US (1000 * USEC_PER_HOUR)

static void
silent(void *ctx, enum log_level level, struct slice line)
{
    (void)ctx;
    (void)level;
    (void)line;
}

/* ---- rows in a file */

struct rows {
    unsigned n;
    uint64_t nodes;
    size_t longest;
    unsigned gone;
    int result;
};

static int
on_row(void *arg, const struct engine_row *r)
{
    struct rows *x = arg;
    x->n++;
    x->nodes += r->node;
    x->gone += r->value.p == NULL;
    x->longest = MAX(x->longest, r->value.n);
    if (r->value.p != NULL && r->value.n > 0)
        ck_assert_int_eq(r->value.p[0], r->value.p[r->value.n - 1]);
    return x->result;
}

static void
put_row(struct buf *b, uint64_t node, const char *key, size_t n)
{
    char *value = calloc(1, n + 1);
    memset(value, 'v', n);
    struct engine_row row = {node, slice_from_str(key), {value, n}};
    ck_assert_int_eq(rows_put_row(b, &row), 0);
    free(value);
}

static void
put_end(struct buf *b, uint64_t position)
{
    struct checkpoint_mark m = {position, {position - 1, 7}};
    ck_assert_int_eq(rows_put_end(b, &m), 0);
}

/* Reads the bytes as a file would be at a restore. */
static int
read_back(const char *p, size_t n, struct rows *rows,
          struct checkpoint_mark *mark, uint64_t *end)
{
    struct faultio *d = faultio_new(1, 0);
    const struct io *io = faultio_io(d);
    faultio_put(d, "f", p, n);
    int dir = io->open(io->arg, AT_FDCWD, ".", O_RDONLY | O_DIRECTORY, 0);
    int fd = io->open(io->arg, dir, "f", O_RDONLY, 0);
    ck_assert_int_ge(fd, 0);
    int r = rows_file_read(io, fd, 0, NULL, NULL, end, mark);
    if (r == 0 && *end > 0) {
        uint64_t ignored;
        r = rows_file_read(io, fd, *end, on_row, rows, &ignored, mark);
    }
    (void)io->close(io->arg, fd);
    (void)io->close(io->arg, dir);
    faultio_free(d);
    return r;
}

/* Two checkpoints, and the beginning of a third. */
static struct buf
three(void)
{
    struct buf b = BUF_INIT(64 * 1024 * KIB);
    ck_assert_int_eq(buf_append(&b, ROWS_FILE_MAGIC, ROWS_FILE_MAGIC_SIZE), 0);
    put_row(&b, 1, "a", 10);
    put_row(&b, 2, "", 0);
    put_end(&b, 100);
    struct engine_row gone = {4, SLICE("a"), {NULL, 0}};
    ck_assert_int_eq(rows_put_row(&b, &gone), 0);
    put_end(&b, 200);
    put_row(&b, 8, "c", 3);
    return b;
}

START_TEST(rows_come_back_up_to_the_last_end)
{
    struct buf b = three();
    struct rows rows = {0};
    struct checkpoint_mark m;
    uint64_t end;
    ck_assert_int_eq(read_back(b.p, b.n, &rows, &m, &end), 0);
    ck_assert_uint_eq(rows.n, 3);
    ck_assert_uint_eq(rows.nodes, 1 + 2 + 4);
    ck_assert_uint_eq(rows.gone, 1);
    ck_assert_uint_eq(m.position, 200);
    ck_assert_uint_eq(m.newest.pos, 199);
    ck_assert_uint_eq(m.newest.ordinal, 7);
    rows = (struct rows){.result = -ENOMEM};
    ck_assert_int_eq(read_back(b.p, b.n, &rows, &m, &end), -ENOMEM);
    ck_assert_uint_eq(rows.n, 1);
    buf_fini(&b);
}
END_TEST

/* What is left is one of the three states that were, or none. */
static void
check_some(const struct rows *rows, const struct checkpoint_mark *m,
           uint64_t end)
{
    if (end == 0)
        return;
    ck_assert(m->position == 100 || m->position == 200);
    ck_assert_uint_eq(rows->n, m->position == 100 ? 2 : 3);
    ck_assert_uint_eq(rows->nodes, m->position == 100 ? 3 : 7);
}

START_TEST(a_file_cut_at_any_byte_has_what_was_whole)
{
    struct buf b = three();
    uint64_t before = 0;
    for (size_t n = 0; n <= b.n; n++) {
        struct rows rows = {0};
        struct checkpoint_mark m;
        uint64_t end;
        ck_assert_int_eq(read_back(b.p, n, &rows, &m, &end), 0);
        check_some(&rows, &m, end);
        ck_assert_uint_ge(end, before);
        ck_assert_uint_le(end, n);
        before = end;
    }
    ck_assert_uint_gt(before, 0);
    buf_fini(&b);
}
END_TEST

START_TEST(a_flipped_bit_costs_what_follows_it)
{
    struct buf b = three();
    for (size_t bit = 0; bit < b.n * 8; bit++) {
        struct rows rows = {0};
        struct checkpoint_mark m;
        uint64_t end;
        b.p[bit / 8] ^= (char)(1 << bit % 8);
        ck_assert_int_eq(read_back(b.p, b.n, &rows, &m, &end), 0);
        check_some(&rows, &m, end);
        ck_assert_uint_le(end, b.n);
        b.p[bit / 8] ^= (char)(1 << bit % 8);
    }
    buf_fini(&b);
}
END_TEST

START_TEST(zeros_and_noise_are_no_rows)
{
    static char noise[70000];
    struct rows rows = {0};
    struct checkpoint_mark m;
    uint64_t end, state = 5;
    memcpy(noise, ROWS_FILE_MAGIC, ROWS_FILE_MAGIC_SIZE);
    ck_assert_int_eq(read_back(noise, sizeof noise, &rows, &m, &end), 0);
    ck_assert_uint_eq(end, 0);
    for (size_t i = ROWS_FILE_MAGIC_SIZE; i < sizeof noise; i++)
        noise[i] = (char)faultio_random(&state);
    ck_assert_int_eq(read_back(noise, sizeof noise, &rows, &m, &end), 0);
    ck_assert_uint_eq(end, 0);
}
END_TEST

START_TEST(a_huge_row_comes_back)
{
    struct buf b = BUF_INIT(256 * 1024 * KIB);
    ck_assert_int_eq(buf_append(&b, ROWS_FILE_MAGIC, ROWS_FILE_MAGIC_SIZE), 0);
    put_row(&b, 1, "small", 1);
    put_row(&b, 2, "large", 20 * 1024 * KIB);
    put_row(&b, 4, "small", 1);
    put_end(&b, 8);
    struct rows rows = {0};
    struct checkpoint_mark m;
    uint64_t end;
    ck_assert_int_eq(read_back(b.p, b.n, &rows, &m, &end), 0);
    ck_assert_uint_eq(rows.n, 3);
    ck_assert_uint_eq(rows.longest, 20 * 1024 * KIB);
    struct engine_row too = {1, SLICE("k"), {b.p, 65 * 1024 * KIB}};
    struct buf out = BUF_INIT(128 * 1024 * KIB);
    char *big = calloc(1, too.value.n);
    too.value.p = big;
    ck_assert_int_eq(rows_put_row(&out, &too), -EMSGSIZE);
    free(big);
    buf_fini(&out);
    buf_fini(&b);
}
END_TEST

/* ---- checkpoints of an engine */

struct world {
    struct faultio *journal_disk, *disk;
    struct journal *j;
    struct checkpoint *c;
    struct engine *e;
    struct feed *script;
    uint32_t next;
    /* at each end mark: was the journal synced? */
    unsigned ends;
};

static void
ignore(void *arg, const struct transition *t)
{
    (void)arg;
    (void)t;
}

static struct engine *
engine_make(void)
{
    struct engine_options o = {.emit = ignore};
    struct engine *e = engine_new(&o);
    ck_assert_ptr_nonnull(e);
    return e;
}

static void
open_checkpoint(struct world *w, uint64_t interval_bytes)
{
    struct err err = ERR_INIT;
    struct checkpoint_options o = {
        .dir = "c",
        .io = faultio_io(w->disk),
        .interval_us = NEVER_US,
        .interval_bytes = interval_bytes,
        .inline_writer = true,
    };
    ck_assert_int_eq(checkpoint_open(&o, &w->c, &err), 0);
}

static int
restore_row(void *arg, const struct engine_row *row)
{
    return engine_restore_row(arg, row);
}

/* A new engine from what is on disk; its position. */
static uint64_t
restored(struct world *w, uint64_t *ret_digest)
{
    struct checkpoint_mark m;
    struct engine *e = engine_make();
    open_checkpoint(w, 1);
    ck_assert_int_eq(checkpoint_restore(w->c, restore_row, e, &m), 0);
    if (m.position > 0)
        ck_assert_int_eq(engine_restore_end(e, m.position), 0);
    *ret_digest = feed_digest(e, NULL);
    engine_free(e);
    checkpoint_close(w->c);
    w->c = NULL;
    return m.position;
}

static void
begin(struct world *w, uint64_t seed, unsigned frames, uint64_t interval_bytes)
{
    struct err err = ERR_INIT;
    struct checkpoint_mark m;
    log_set_sink(silent, NULL);
    *w = (struct world){.script = feed_random(seed, frames, 0)};
    w->journal_disk = faultio_new(seed, 0);
    w->disk = faultio_new(seed, 0);
    struct journal_options jo = {
        .dir = "j",
        .io = faultio_io(w->journal_disk),
        .max_size_bytes = 64 * 1024 * KIB,
        .segment_size_bytes = 1024 * KIB,
        .sync_us = USEC_PER_SEC,
        .unsynced_max_bytes = 8 * 1024 * KIB,
        .inline_writer = true,
    };
    ck_assert_int_eq(journal_open(&jo, &w->j, &err), 0);
    open_checkpoint(w, interval_bytes);
    w->e = engine_make();
    ck_assert_int_eq(checkpoint_restore(w->c, restore_row, w->e, &m), 0);
    ck_assert_uint_eq(m.position, 0);
    ck_assert_int_eq(checkpoint_start(w->c, w->j, &err), 0);
}

static void
end(struct world *w)
{
    checkpoint_close(w->c);
    engine_free(w->e);
    journal_close(w->j);
    faultio_free(w->journal_disk);
    faultio_free(w->disk);
    feed_free(w->script);
}

/* One frame through journal and engine, then what a checkpoint wants. */
static bool
one(struct world *w)
{
    if (w->next == feed_count(w->script))
        return false;
    struct frame f = *feed_frame(w->script, w->next++);
    uint64_t pos;
    ck_assert_int_eq(
        journal_append(w->j, f.type, f.flags, f.time, &f.payload, 1, &pos), 0);
    f.pos = pos;
    f.next = journal_end(w->j);
    int r = engine_feed(w->e, &f);
    ck_assert(r == 0 || r == -EBADMSG);
    while (checkpoint_work(w->c, w->e, (struct cause){1, 1}, false))
        continue;
    return true;
}

static unsigned
n_files(struct world *w)
{
    return (unsigned)faultio_files(w->disk);
}

START_TEST(an_engine_comes_back_as_it_was)
{
    struct world w;
    uint64_t digest;
    begin(&w, 3 + (uint64_t)_i, 200, 1 + 512 * (uint64_t)_i);
    while (one(&w))
        continue;
    ck_assert_int_eq(
        checkpoint_finish(w.c, w.e, (struct cause){1, 1}, USEC_MAX / 2), 0);
    uint64_t position = engine_position(w.e);
    ck_assert_uint_eq(checkpoint_durable(w.c), position);
    checkpoint_close(w.c);
    ck_assert_uint_eq(restored(&w, &digest), position);
    ck_assert_uint_eq(digest, feed_digest(w.e, NULL));
    end(&w);
}
END_TEST

static void
look(void *arg)
{
    struct world *w = arg;
    /* A cut now: what is restored must be synced in the journal. */
    struct world x = {.disk = faultio_cut(w->disk, w->next)};
    uint64_t digest, position = restored(&x, &digest);
    ck_assert_uint_le(position, journal_synced(w->j));
    w->ends += position > 0;
    faultio_free(x.disk);
}

START_TEST(no_end_is_on_disk_before_the_journal_is_synced)
{
    struct world w;
    begin(&w, 5, 120, 1);
    faultio_on_change(w.disk, look, &w);
    while (one(&w))
        continue;
    faultio_on_change(w.disk, NULL, NULL);
    ck_assert_uint_gt(w.ends, 50);
    end(&w);
}
END_TEST

START_TEST(a_journal_that_can_not_sync_means_no_checkpoint)
{
    struct world w;
    begin(&w, 5, 60, 1);
    faultio_fail(w.journal_disk, FAULTIO_FDATASYNC, 1, EIO, true);
    while (w.next < 30)
        (void)one(&w);
    ck_assert_uint_eq(checkpoint_durable(w.c), 0);
    faultio_fail(w.journal_disk, FAULTIO_FDATASYNC, 0, 0, false);
    ck_assert_int_eq(
        checkpoint_finish(w.c, w.e, (struct cause){1, 1}, USEC_MAX / 2), 0);
    ck_assert_uint_eq(checkpoint_durable(w.c), engine_position(w.e));
    end(&w);
}
END_TEST

/* Whatever call fails: the old checkpoint stays until a full one in a new
 * file has its end. */
START_TEST(any_call_may_fail_and_the_next_checkpoint_is_whole)
{
    for (uint64_t n = 1;; n++) {
        struct world w;
        uint64_t digest;
        begin(&w, 7, 40, 1);
        while (w.next < 10)
            (void)one(&w);
        uint64_t good = checkpoint_durable(w.c);
        ck_assert_uint_gt(good, 0);
        faultio_fail(w.disk, FAULTIO_ANY, n, _i == 0 ? EIO : ENOSPC, _i == 2);
        while (w.next < 20)
            (void)one(&w);
        bool failed = faultio_failed(w.disk) > 0;
        faultio_fail(w.disk, FAULTIO_ANY, 0, 0, false);
        ck_assert_uint_ge(checkpoint_durable(w.c), good);
        /* what is durable can be restored at any time */
        struct world x = {.disk = faultio_cut(w.disk, n)};
        ck_assert_uint_ge(restored(&x, &digest), checkpoint_durable(w.c));
        faultio_free(x.disk);
        while (one(&w))
            continue;
        ck_assert_int_eq(
            checkpoint_finish(w.c, w.e, (struct cause){1, 1}, USEC_MAX / 2), 0);
        uint64_t position = engine_position(w.e);
        checkpoint_close(w.c);
        ck_assert_uint_eq(restored(&w, &digest), position);
        ck_assert_uint_eq(digest, feed_digest(w.e, NULL));
        end(&w);
        if (!failed) {
            ck_assert_uint_gt(n, 20);
            return;
        }
    }
}
END_TEST

struct compaction {
    struct world *w;
    unsigned both;
};

/* While the new file has no end yet, the old one is there. */
static void
two_files(void *arg)
{
    struct compaction *x = arg;
    x->both += n_files(x->w) == 2;
}

START_TEST(a_file_of_twice_its_live_size_is_written_anew)
{
    struct world w;
    begin(&w, 11, 4000, 1);
    struct compaction x = {&w, 0};
    faultio_on_change(w.disk, two_files, &x);
    size_t most = 0, n;
    char *data;
    while (one(&w)) {
        ck_assert_uint_le(n_files(&w), 1);
        if (n_files(&w) > 0) {
            (void)faultio_file(w.disk, 0, &data, &n);
            most = MAX(most, n);
        }
    }
    faultio_on_change(w.disk, NULL, NULL);
    ck_assert_uint_gt(x.both, 0);
    ck_assert_uint_gt(most, 1024 * KIB); /* else it was never compacted */
    ck_assert_uint_lt(most, 6 * 1024 * KIB);
    end(&w);
}
END_TEST

START_TEST(a_damaged_file_falls_back_to_the_one_before)
{
    struct world w;
    uint64_t digest, want;
    begin(&w, 13, 60, 1);
    while (one(&w))
        continue;
    uint64_t position = checkpoint_durable(w.c);
    checkpoint_close(w.c);
    w.c = NULL;
    faultio_put(w.disk, "00000000000000ff.rows", "tocsinC1garbage", 15);
    faultio_put(w.disk, "0000000000000100.rows", "", 0);
    faultio_put(w.disk, "other", "x", 1);
    ck_assert_uint_eq(restored(&w, &digest), position);
    want = feed_digest(w.e, NULL);
    ck_assert_uint_eq(digest, want);
    /* the next file comes after them */
    struct err err = ERR_INIT;
    struct checkpoint_mark m;
    struct engine *e = engine_make();
    open_checkpoint(&w, 1);
    ck_assert_int_eq(checkpoint_restore(w.c, restore_row, e, &m), 0);
    ck_assert_int_eq(engine_restore_end(e, m.position), 0);
    ck_assert_int_eq(checkpoint_start(w.c, w.j, &err), 0);
    engine_free(w.e);
    w.e = e;
    uint64_t pos;
    struct slice none = {"", 0};
    ck_assert_int_eq(journal_append(w.j, FRAME_MARK, 0, 0, &none, 1, &pos), 0);
    struct frame f = {.pos = pos, .next = journal_end(w.j), .type = FRAME_MARK};
    ck_assert_int_eq(engine_feed(w.e, &f), 0);
    ck_assert_int_eq(
        checkpoint_finish(w.c, w.e, (struct cause){1, 1}, USEC_MAX / 2), 0);
    checkpoint_close(w.c);
    ck_assert_uint_eq(n_files(&w), 2); /* it, and what is not ours */
    ck_assert_uint_gt(restored(&w, &digest), position);
    end(&w);
}
END_TEST

/* An idle checkpoint takes no room: nothing changed, nothing is written. */
START_TEST(nothing_new_is_no_checkpoint)
{
    struct world w;
    begin(&w, 5, 40, 1);
    while (one(&w))
        continue;
    uint64_t calls = faultio_calls(w.disk, FAULTIO_ANY);
    for (int i = 0; i < 100; i++)
        ck_assert(!checkpoint_work(w.c, w.e, (struct cause){1, 1}, false));
    ck_assert_int_eq(
        checkpoint_finish(w.c, w.e, (struct cause){1, 1}, USEC_MAX / 2), 0);
    ck_assert_uint_eq(faultio_calls(w.disk, FAULTIO_ANY), calls);
    end(&w);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("checkpoint");
    TCase *t = tcase_create("rows_file");
    tcase_add_test(t, rows_come_back_up_to_the_last_end);
    tcase_add_test(t, a_file_cut_at_any_byte_has_what_was_whole);
    tcase_add_test(t, a_flipped_bit_costs_what_follows_it);
    tcase_add_test(t, zeros_and_noise_are_no_rows);
    tcase_add_test(t, a_huge_row_comes_back);
    suite_add_tcase(s, t);
    t = tcase_create("checkpoint");
    tcase_add_loop_test(t, an_engine_comes_back_as_it_was, 0, 10);
    tcase_add_test(t, no_end_is_on_disk_before_the_journal_is_synced);
    tcase_add_test(t, a_journal_that_can_not_sync_means_no_checkpoint);
    tcase_add_loop_test(t, any_call_may_fail_and_the_next_checkpoint_is_whole,
                        0, 3);
    tcase_add_test(t, a_file_of_twice_its_live_size_is_written_anew);
    tcase_add_test(t, a_damaged_file_falls_back_to_the_one_before);
    tcase_add_test(t, nothing_new_is_no_checkpoint);
    suite_add_tcase(s, t);
    return unit_main(s, NULL);
}
