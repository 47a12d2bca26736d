/* SPDX-License-Identifier: Apache-2.0 */
/* test_input.c - an input with a source that does as told: what is read is
 * appended once, committed when it is synced, and read again from where the
 * journal is after any trouble. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/host/input.h"
#include "core/record/chunk.h"
#include "tests/lib/fakes.h"
#include "tests/lib/unit.h"

#define KIB ((size_t)1024)
#define SOON (clock_boot_us() + 20 * USEC_PER_SEC)

struct fixture {
    struct fake_dir dir;
    struct journal *journal;
    struct fake_source *source;
    struct schema *schema;
    struct input *input;
    struct buf text, log;
};

static struct fixture fx;
static pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;

static void
keep_log(void *ctx, enum log_level level, struct slice line)
{
    (void)ctx;
    (void)level;
    pthread_mutex_lock(&log_mutex);
    (void)buf_append_slice(&fx.log, line);
    pthread_mutex_unlock(&log_mutex);
}

static void
on_synced(void *arg, uint64_t pos)
{
    struct fixture *f = arg;
    input_synced(f->input, pos);
}

/* A journal with segments of a quarter of 'max_size'. */
static void
begin_with(uint64_t max_size, usec_t sync_us, size_t max_record)
{
    struct err err = ERR_INIT;
    fx = (struct fixture){.text = BUF_INIT(1 << 28), .log = BUF_INIT(1 << 24)};
    log_set_sink(keep_log, NULL);
    fake_io_fail = 0;
    fake_dir_make(&fx.dir);
    struct journal_options o = {
        .dir = fx.dir.path,
        .io = fake_io(),
        .max_size_bytes = max_size,
        .segment_size_bytes = max_size / 4,
        .sync_us = sync_us,
        .unsynced_max_bytes = 1024 * KIB,
    };
    ck_assert_int_eq(journal_open(&o, &fx.journal, &err), 0);
    fx.source = fake_source_new();
    struct instance *decoder = fake_decoder_instance();
    fx.schema = fake_schema(&decoder, 1, 0);
    struct input_options io = {
        .name = "in",
        .schema = fx.schema,
        .journal = fx.journal,
        .source = fake_source_instance(fx.source),
        .decoders = &decoder,
        .n_decoders = 1,
        .max_record_bytes = max_record,
    };
    ck_assert_int_eq(input_new(&io, &fx.input, &err), 0);
    journal_on_synced(fx.journal, on_synced, &fx);
    ck_assert_int_eq(input_start(fx.input, &err), 0);
}

static void
begin(void)
{
    begin_with(4096 * KIB, 60 * USEC_PER_SEC, 64 * KIB);
}

static void
end(void)
{
    input_stop(fx.input, SOON);
    journal_close(fx.journal);
    input_free(fx.input);
    fake_source_free(fx.source);
    schema_free(fx.schema);
    fake_dir_remove(&fx.dir);
    log_set_sink(NULL, NULL);
    buf_fini(&fx.text);
    buf_fini(&fx.log);
}

/* Bodies of all records in the journal, "dead:" before dead letters. */
static const char *
journalled(void)
{
    struct journal_reader *r;
    struct frame f;
    buf_reset(&fx.text);
    ck_assert_int_eq(journal_reader_new(fx.journal, 0, READ_APPENDED, &r), 0);
    while (journal_read(r, USEC_MIN, &f) == 1) {
        struct chunk c;
        if (f.type != FRAME_CHUNK)
            continue;
        ck_assert_int_eq(chunk_parse(f.payload, &c), 0);
        ck_assert_int_eq(chunk_check(&c, fx.schema), 0);
        for (uint32_t i = 0; i < c.head->n_records; i++) {
            const struct chunk_record *rec = &c.records[i];
            if (rec->kind == RECORD_DEAD)
                (void)buf_append_str(&fx.text, "dead:");
            (void)buf_append_slice(&fx.text, chunk_raw(&c, rec));
            (void)buf_putc(&fx.text, ' ');
            if (rec->kind == RECORD_EVENT) /* offsets are still right */
                ck_assert(
                    slice_eq(chunk_raw(&c, rec), chunk_field(&c, rec, 0)));
        }
    }
    journal_reader_free(r);
    return buf_str(&fx.text);
}

static int
state_add(void *arg, const struct tick_partition *p)
{
    static const char *const names[] = {"none", "reading", "caught-up",
                                        "down", "gone",    "ended"};
    return buf_printf(arg, "%.*s=%s ", SLICE_FMT(p->name), names[p->state]);
}

static const char *
states(void)
{
    buf_reset(&fx.text);
    ck_assert_int_eq(input_partitions(fx.input, state_add, &fx.text), 0);
    return buf_str(&fx.text);
}

static struct input_stats
stats(void)
{
    struct input_stats s;
    input_get_stats(fx.input, &s);
    return s;
}

static bool
logged(const char *text)
{
    pthread_mutex_lock(&log_mutex);
    bool yes = strstr(buf_str(&fx.log), text) != NULL;
    pthread_mutex_unlock(&log_mutex);
    return yes;
}

START_TEST(a_position_is_committed_when_it_is_synced)
{
    begin();
    fake_source_give(fx.source, "p", "a1\na2\n", 6, 0);
    UNTIL(strcmp(journalled(), "a1 a2 ") == 0);
    fake_source_say(fx.source, TOCSIN_IDLE, NULL);
    UNTIL(fake_source_is_read(fx.source));
    ck_assert(!fake_source_has(fx.source, "commit"));
    ck_assert_int_eq(
        journal_sync(fx.journal, journal_end(fx.journal), USEC_MAX), 0);
    UNTIL(fake_source_has(fx.source, "commit(p@6)"));
    end();
}
END_TEST

START_TEST(what_no_sync_covers_is_not_committed_at_a_stop)
{
    begin();
    fake_source_give(fx.source, "p", "a1\n", 3, 0);
    UNTIL(strcmp(journalled(), "a1 ") == 0);
    fake_io_fail = EIO;
    input_stop(fx.input, clock_boot_us() + 100 * USEC_PER_MSEC);
    ck_assert_str_eq(fake_source_log(fx.source), "open[] close ");
    fake_io_fail = 0;
    end();
}
END_TEST

START_TEST(a_stop_appends_and_commits_what_was_read)
{
    begin();
    fake_source_give(fx.source, "p", "a1\na2", 5, 0);
    UNTIL(fake_source_is_read(fx.source));
    input_stop(fx.input, SOON);
    ck_assert_str_eq(journalled(), "a1 ");
    ck_assert_str_eq(fake_source_log(fx.source), "open[] commit(p@3) close ");
    end();
}
END_TEST

START_TEST(a_source_that_fails_is_opened_where_the_journal_is)
{
    begin();
    fake_source_give(fx.source, "p", "a1\nhal", 6, 0);
    fake_source_give(fx.source, "q", "b1\n", 3, TOCSIN_CHUNK_MESSAGE);
    fake_source_say(fx.source, TOCSIN_ERROR, NULL);
    fake_source_refuse(fx.source, 0);
    UNTIL(fake_source_has(fx.source, "close open["));
    ck_assert_ptr_nonnull(strstr(fake_source_log(fx.source), "p@3/w"));
    ck_assert_ptr_nonnull(strstr(fake_source_log(fx.source), "q@3/w"));
    UNTIL(logged("as told, opening it again"));
    fake_source_give(fx.source, "p", "half\n", 8, 0); /* it reads from 3 */
    UNTIL(strcmp(journalled(), "a1 b1 half ") == 0);
    ck_assert_uint_eq(stats().restarts, 1);
    end();
}
END_TEST

START_TEST(a_source_that_can_not_be_opened_is_tried_again_and_down)
{
    begin();
    fake_source_refuse(fx.source, 2);
    fake_source_say(fx.source, TOCSIN_ERROR, NULL);
    UNTIL(fake_source_has(fx.source, "refuse[] refuse[] open[]"));
    ck_assert_str_eq(states(), "=down ");
    end();
}
END_TEST

START_TEST(a_full_journal_pauses_the_source_and_loses_nothing)
{
    static char want[400 * 1000];
    size_t n = 0;
    begin_with(256 * KIB, USEC_PER_MSEC, 4 * KIB);
    int pin = journal_pin_new(fx.journal, 1);
    for (unsigned i = 0; i < 400; i++) {
        char line[901];
        memset(line, 'a' + (int)(i % 26), sizeof line);
        (void)snprintf(line, sizeof line, "%03u", i);
        line[3] = 'x';
        line[899] = '\n';
        line[900] = '\0';
        fake_source_give(fx.source, "p", line, 900 * (i + 1), 0);
        memcpy(want + n, line, 899);
        want[n + 899] = ' ';
        n += 900;
    }
    UNTIL(stats().blocked > 1);
    ck_assert(!fake_source_is_read(fx.source));
    struct buf got = BUF_INIT(1 << 24);
    struct journal_reader *r;
    ck_assert_int_eq(journal_reader_new(fx.journal, 0, READ_APPENDED, &r), 0);
    while (got.n < n) {
        struct frame f;
        struct chunk c;
        ck_assert_int_eq(journal_read(r, SOON, &f), 1);
        journal_pin_move(fx.journal, pin, f.next);
        if (f.type != FRAME_CHUNK)
            continue;
        ck_assert_int_eq(chunk_parse(f.payload, &c), 0);
        for (uint32_t i = 0; i < c.head->n_records; i++) {
            (void)buf_append_slice(&got, chunk_raw(&c, &c.records[i]));
            (void)buf_putc(&got, ' ');
        }
    }
    ck_assert_mem_eq(got.p, want, n);
    ck_assert_uint_eq(got.n, n);
    journal_reader_free(r);
    buf_fini(&got);
    ck_assert(logged("pausing the source"));
    end();
}
END_TEST

START_TEST(a_stop_does_not_wait_for_room)
{
    begin_with(256 * KIB, USEC_PER_MSEC, 4 * KIB);
    (void)journal_pin_new(fx.journal, 1);
    static char text[64 * 1024];
    memset(text, 'a', sizeof text - 1);
    for (size_t i = 99; i < sizeof text; i += 100)
        text[i] = '\n';
    text[sizeof text - 1] = '\0';
    for (uint64_t i = 1; i <= 20; i++)
        fake_source_give(fx.source, "p", text, i * (sizeof text - 1), 0);
    UNTIL(stats().blocked > 0);
    usec_t before = clock_boot_us();
    input_stop(fx.input, SOON);
    ck_assert_int_lt(clock_boot_us() - before, 5 * USEC_PER_SEC);
    end();
}
END_TEST

START_TEST(chunks_fit_the_frames_of_a_small_journal)
{
    /* A frame holds 128 KiB at most here. */
    begin_with(1024 * KIB, USEC_PER_MSEC, 1024 * KIB);
    size_t n = 300 * KIB;
    char *text = malloc(n + 1);
    memset(text, 'a', n);
    for (size_t i = 9; i < n; i += 10)
        text[i] = '\n';
    text[n] = '\0';
    fake_source_give(fx.source, "p", text, n, 0);
    memset(text, 'b', n);
    fake_source_give(fx.source, "m", text, 1, TOCSIN_CHUNK_MESSAGE);
    fake_source_give(fx.source, "m", "last", 2, TOCSIN_CHUNK_MESSAGE);
    UNTIL(stats().records == n / 10 + 1);
    ck_assert_uint_eq(stats().dead, 1);
    free(text);
    end();
}
END_TEST

START_TEST(partitions_states_follow_what_the_source_says)
{
    begin();
    fake_source_give(fx.source, "p", "a1\n", 3, 0);
    fake_source_say(fx.source, TOCSIN_CAUGHT_UP, "q");
    UNTIL(fake_source_is_read(fx.source));
    UNTIL(strcmp(states(), "p=reading q=caught-up ") == 0 ||
          strcmp(states(), "p=reading =gone q=caught-up ") == 0);
    fake_source_say(fx.source, TOCSIN_CAUGHT_UP, "p");
    UNTIL(strcmp(states(), "p=caught-up q=caught-up ") == 0);
    fake_source_say(fx.source, TOCSIN_DOWN, NULL);
    UNTIL(strcmp(states(), "p=down q=down ") == 0);
    fake_source_say(fx.source, TOCSIN_SCRAPE_BEGIN, "p");
    fake_source_say(fx.source, TOCSIN_SCRAPE_END, "q");
    UNTIL(strcmp(states(), "p=reading q=caught-up ") == 0);
    fake_source_say(fx.source, TOCSIN_GONE, "q");
    UNTIL(strcmp(states(), "p=reading q=gone ") == 0);
    ck_assert_str_eq(states(), "p=reading "); /* said once */
    fake_source_give(fx.source, "q", "b1\n", 3, 0);
    UNTIL(strcmp(states(), "p=reading q=reading ") == 0);
    end();
}
END_TEST

/* Before any partition is known, the input as a whole is down; once there are
 * some, that must not hold up for ever. */
START_TEST(a_source_down_at_first_does_not_stay_down)
{
    begin();
    fake_source_say(fx.source, TOCSIN_DOWN, NULL);
    UNTIL(strcmp(states(), "=down ") == 0);
    fake_source_give(fx.source, "p", "a1\n", 3, 0);
    UNTIL(strcmp(states(), "=gone p=reading ") == 0);
    ck_assert_str_eq(states(), "p=reading ");
    fake_source_say(fx.source, TOCSIN_DOWN, NULL);
    UNTIL(strcmp(states(), "p=down ") == 0);
    end();
}
END_TEST

START_TEST(caught_up_does_not_outlive_the_reading)
{
    begin();
    fake_source_say(fx.source, TOCSIN_CAUGHT_UP, "");
    UNTIL(strcmp(states(), "=caught-up ") == 0);
    input_stop(fx.input, SOON);
    ck_assert_str_eq(states(), "=reading ");
    end();
}
END_TEST

START_TEST(the_end_of_a_finite_source_is_the_inputs)
{
    begin();
    fake_source_give(fx.source, "p", "a1\na2", 5, TOCSIN_CHUNK_LAST);
    fake_source_say(fx.source, TOCSIN_END, NULL);
    UNTIL(input_has_ended(fx.input));
    ck_assert_str_eq(journalled(), "a1 a2 ");
    ck_assert(fake_source_has(fx.source, "commit(p@5) close "));
    ck_assert_ptr_nonnull(strstr(states(), "p=ended "));
    ck_assert_uint_eq(journal_synced(fx.journal), journal_end(fx.journal));
    end();
}
END_TEST

START_TEST(a_source_that_lies_about_partitions_is_not_believed)
{
    begin();
    fake_source_lie(fx.source, TOCSIN_CAUGHT_UP, 4000000000u);
    fake_source_lie(fx.source, TOCSIN_CHUNK, 77);
    fake_source_lie(fx.source, TOCSIN_CHUNK, TOCSIN_ALL_PARTITIONS);
    fake_source_lie(fx.source, 99, TOCSIN_ALL_PARTITIONS);
    UNTIL(stats().restarts == 4);
    UNTIL(logged("which it never named"));
    fake_source_give(fx.source, "p", "a1\n", 3, 0);
    UNTIL(strcmp(journalled(), "a1 ") == 0);
    end();
}
END_TEST

/* More positions than the ring holds, while no sync succeeds. */
START_TEST(syncs_that_fail_hold_up_the_input_but_not_its_stop)
{
    begin_with(16 * 1024 * KIB, 60 * USEC_PER_SEC, 64 * KIB);
    fake_io_fail = EIO;
    for (uint64_t i = 1; i <= 1100; i++) {
        fake_source_give(fx.source, "p", "a1\n", 3 * i, 0);
        fake_source_say(fx.source, TOCSIN_CAUGHT_UP, "p");
    }
    UNTIL(stats().chunks >= 1023);
    usec_t before = clock_boot_us();
    input_stop(fx.input, before + 200 * USEC_PER_MSEC);
    ck_assert_int_lt(clock_boot_us() - before, 5 * USEC_PER_SEC);
    ck_assert(!fake_source_has(fx.source, "commit"));
    fake_io_fail = 0;
    end();
}
END_TEST

/* Its thread waits inside of an append. */
START_TEST(memory_that_is_full_holds_up_no_stop)
{
    static char line[40 * KIB];
    begin_with(16 * 1024 * KIB, 60 * USEC_PER_SEC, 64 * KIB);
    fake_io_fail = EIO;
    memset(line, 'x', sizeof line - 1);
    line[0] = 'a';
    line[sizeof line - 2] = '\n';
    for (uint64_t i = 1; i <= 40; i++)
        fake_source_give(fx.source, "p", line, i * sizeof line, 0);
    struct journal_stats js;
    do {
        (void)poll(NULL, 0, 1);
        journal_get_stats(fx.journal, &js);
    } while (js.unsynced_bytes < 800 * KIB);
    (void)poll(NULL, 0, 20);
    usec_t before = clock_boot_us();
    journal_stop_at(fx.journal, before + 200 * USEC_PER_MSEC);
    input_stop(fx.input, before + 200 * USEC_PER_MSEC);
    ck_assert_int_lt(clock_boot_us() - before, 5 * USEC_PER_SEC);
    fake_io_fail = 0;
    end();
}
END_TEST

/* ---- waking */

struct waker {
    struct instance *in;
    atomic_bool stop;
};

static void *
wake_all_the_time(void *arg)
{
    struct waker *w = arg;
    while (!atomic_load(&w->stop))
        instance_wake(w->in);
    return NULL;
}

static bool
is_woken(struct instance *in)
{
    struct pollfd p = {instance_wake_fd(in), POLLIN, 0};
    return poll(&p, 1, 0) == 1;
}

START_TEST(a_wake_up_is_neither_lost_nor_stuck)
{
    struct instance *in = fake_decoder_instance();
    for (int round = 0; round < 200; round++) {
        struct waker w = {in, false};
        pthread_t t;
        ck_assert_int_eq(pthread_create(&t, NULL, wake_all_the_time, &w), 0);
        for (int i = 0; i < 200; i++)
            instance_wake_clear(in);
        atomic_store(&w.stop, true);
        pthread_join(t, NULL);
        instance_wake_clear(in);
        ck_assert(!is_woken(in));
        instance_wake(in);
        ck_assert(is_woken(in));
        instance_wake_clear(in);
    }
    instance_free(in);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("input");
    TCase *t = tcase_create("all");
    tcase_add_test(t, a_position_is_committed_when_it_is_synced);
    tcase_add_test(t, what_no_sync_covers_is_not_committed_at_a_stop);
    tcase_add_test(t, a_stop_appends_and_commits_what_was_read);
    tcase_add_test(t, a_source_that_fails_is_opened_where_the_journal_is);
    tcase_add_test(t, a_source_that_can_not_be_opened_is_tried_again_and_down);
    tcase_add_test(t, a_full_journal_pauses_the_source_and_loses_nothing);
    tcase_add_test(t, a_stop_does_not_wait_for_room);
    tcase_add_test(t, chunks_fit_the_frames_of_a_small_journal);
    tcase_add_test(t, partitions_states_follow_what_the_source_says);
    tcase_add_test(t, a_source_down_at_first_does_not_stay_down);
    tcase_add_test(t, caught_up_does_not_outlive_the_reading);
    tcase_add_test(t, the_end_of_a_finite_source_is_the_inputs);
    tcase_add_test(t, a_source_that_lies_about_partitions_is_not_believed);
    tcase_add_test(t, syncs_that_fail_hold_up_the_input_but_not_its_stop);
    tcase_add_test(t, memory_that_is_full_holds_up_no_stop);
    tcase_add_test(t, a_wake_up_is_neither_lost_nor_stuck);
    suite_add_tcase(s, t);
    return unit_main(s, NULL);
}
