/* SPDX-License-Identifier: Apache-2.0 */
/* test_journal_threads.c - two appenders, the writer, and two readers at once:
 * for a thread sanitizer, and for order. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "core/base/crc32c.h"
#include "core/journal/journal.h"
#include "tests/lib/unit.h"

#define APPENDERS 2
#define FRAMES 2000u
#define KIB ((size_t)1024)

struct note {
    uint32_t appender, count;
};

struct thread {
    pthread_t id;
    struct journal *j;
    uint32_t appender;
    enum reader_view view;
    uint32_t errors, seen[APPENDERS];
};

static void *
append_all(void *arg)
{
    struct thread *t = arg;
    char pad[700] = "pad";
    for (uint32_t i = 0; i < FRAMES; i++) {
        struct note note = {t->appender, i};
        struct slice parts[2] = {{(char *)&note, sizeof note},
                                 {pad, i % sizeof pad}};
        uint64_t pos;
        unsigned type = i % 500 == 499 ? FRAME_RULES : FRAME_TICK;
        if (journal_append(t->j, type, 0, 0, parts, 2, &pos) != 0)
            t->errors++;
        if (i % 100 == 0) {
            if (journal_sync(t->j, pos + 1, USEC_MAX) != 0 ||
                journal_synced(t->j) <= pos)
                t->errors++;
        }
    }
    return NULL;
}

static void *
read_all(void *arg)
{
    struct thread *t = arg;
    struct journal_reader *r;
    uint64_t before = 0;
    if (journal_reader_new(t->j, 0, t->view, &r) != 0)
        return NULL;
    while (t->seen[0] < FRAMES || t->seen[1] < FRAMES) {
        struct frame f;
        struct note note;
        if (journal_read(r, USEC_MAX, &f) != 1) {
            t->errors++;
            break;
        }
        if (f.repeated)
            continue;
        memcpy(&note, f.payload.p, sizeof note);
        t->errors += f.pos <= before;
        t->errors +=
            note.appender >= APPENDERS || note.count != t->seen[note.appender];
        if (t->view == READ_SYNCED)
            t->errors += f.next > journal_synced(t->j);
        if (t->errors > 0)
            break;
        t->seen[note.appender]++;
        before = f.pos;
    }
    t->errors += journal_reader_lost(r) != 0;
    journal_reader_free(r);
    return NULL;
}

static int
remove_entry(void *arg, const char *name)
{
    (void)unlinkat(*(int *)arg, name, 0);
    return 0;
}

START_TEST(everybody_at_once)
{
    char dir[] = "/tmp/tocsin-journal-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(dir));
    struct journal_options o = {
        .dir = dir,
        .io = &io_posix,
        .max_size_bytes = 64 * 1024 * KIB,
        .segment_size_bytes = 128 * KIB,
        .sync_us = _i == 0   ? 2000
                   : _i == 1 ? 0
                             : JOURNAL_SYNC_NEVER,
        .unsynced_max_bytes = 128 * KIB,
    };
    struct journal *j = NULL;
    ck_assert_int_eq(journal_open(&o, &j, NULL), 0);
    struct thread a[APPENDERS], r[2];
    for (uint32_t i = 0; i < 2; i++) {
        r[i] = (struct thread){.j = j,
                               .view = i == 0 ? READ_APPENDED : READ_SYNCED};
        ck_assert_int_eq(pthread_create(&r[i].id, NULL, read_all, &r[i]), 0);
    }
    for (uint32_t i = 0; i < APPENDERS; i++) {
        a[i] = (struct thread){.j = j, .appender = i};
        ck_assert_int_eq(pthread_create(&a[i].id, NULL, append_all, &a[i]), 0);
    }
    for (int i = 0; i < APPENDERS; i++)
        ck_assert_int_eq(pthread_join(a[i].id, NULL), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_join(r[i].id, NULL), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(a[i].errors, 0);
        ck_assert_uint_eq(r[i].errors, 0);
        ck_assert_uint_eq(r[i].seen[0], FRAMES);
        ck_assert_uint_eq(r[i].seen[1], FRAMES);
    }
    journal_close(j);
    int fd = open(dir, O_RDONLY | O_DIRECTORY);
    (void)io_posix.list(NULL, fd, remove_entry, &fd);
    close(fd);
    (void)rmdir(dir);
}
END_TEST

struct waiter {
    struct journal *j;
    int result;
};

static void *
append_into_full_memory(void *arg)
{
    struct waiter *w = arg;
    char big[KIB] = "b";
    struct slice part = {big, sizeof big};
    uint64_t pos;
    int r = 0;
    for (int i = 0; i < 1000 && r == 0; i++)
        r = journal_append(w->j, FRAME_TICK, 0, 0, &part, 1, &pos);
    w->result = r;
    return NULL;
}

static int
fail_sync(void *arg, int fd)
{
    (void)arg;
    (void)fd;
    return -EIO;
}

/* A disk that never syncs: appenders wait, and journal_stop() ends it. */
START_TEST(a_stop_ends_all_waiting)
{
    char dir[] = "/tmp/tocsin-journal-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(dir));
    struct io io = io_posix;
    io.fdatasync = fail_sync;
    struct journal_options o = {
        .dir = dir,
        .io = &io,
        .max_size_bytes = 64 * 1024 * KIB,
        .segment_size_bytes = 128 * KIB,
        .sync_us = 2000,
        .unsynced_max_bytes = 128 * KIB,
    };
    struct journal *j = NULL;
    ck_assert_int_eq(journal_open(&o, &j, NULL), 0);
    struct waiter w = {.j = j};
    pthread_t id;
    ck_assert_int_eq(pthread_create(&id, NULL, append_into_full_memory, &w), 0);
    while (journal_sync(j, journal_end(j) + 8, USEC_MAX) != -EIO)
        sched_yield(); /* until there is something to sync */
    journal_stop(j);
    ck_assert_int_eq(pthread_join(id, NULL), 0);
    ck_assert_int_eq(w.result, -ESHUTDOWN);
    ck_assert_uint_eq(journal_synced(j), 64);
    journal_close(j);
    int fd = open(dir, O_RDONLY | O_DIRECTORY);
    (void)io_posix.list(NULL, fd, remove_entry, &fd);
    close(fd);
    (void)rmdir(dir);
}
END_TEST

static atomic_uint segments_read;

static int
open_counted(void *arg, int dirfd, const char *path, int flags, int mode)
{
    if (strstr(path, ".seg") != NULL && (flags & O_CREAT) == 0)
        atomic_fetch_add(&segments_read, 1);
    return io_posix.open(arg, dirfd, path, flags, mode);
}

#define CHUNKS 3000u

/* Chunks of 1 KiB, many times what memory holds. */
static void *
append_chunks(void *arg)
{
    struct waiter *w = arg;
    char big[KIB] = "c";
    struct slice part = {big, sizeof big};
    uint64_t pos;
    for (unsigned i = 0; i < CHUNKS && w->result == 0; i++)
        w->result =
            journal_append(w->j, FRAME_CHUNK, 0, (usec_t)i, &part, 1, &pos);
    return NULL;
}

static void
read_chunks(struct journal_reader *r, unsigned from, unsigned to, bool slowly)
{
    for (unsigned i = from; i < to; i++) {
        struct frame f;
        ck_assert_int_eq(journal_read(r, USEC_MAX, &f), 1);
        ck_assert_int_eq(f.time, (usec_t)i);
        for (int k = 0; slowly && k < 50; k++)
            (void)crc32c(0, f.payload.p, f.payload.n);
    }
}

/* _i 0: it is slow, and reads nothing from the disk; 1: it stands still, and
 * does; nothing is lost either way. */
START_TEST(an_awaited_reader_is_not_overrun)
{
    char dir[] = "/tmp/tocsin-journal-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(dir));
    struct io io = io_posix;
    io.open = open_counted;
    struct journal_options o = {
        .dir = dir,
        .io = &io,
        .max_size_bytes = 64 * 1024 * KIB,
        .segment_size_bytes = 16 * 1024 * KIB,
        .sync_us = JOURNAL_SYNC_NEVER,
        .unsynced_max_bytes = 256 * KIB,
    };
    struct waiter w = {0};
    struct journal_reader *r;
    pthread_t id;
    ck_assert_int_eq(journal_open(&o, &w.j, NULL), 0);
    ck_assert_int_eq(journal_reader_new(w.j, 0, READ_APPENDED, &r), 0);
    journal_reader_await(r);
    atomic_store(&segments_read, 0);
    ck_assert_int_eq(pthread_create(&id, NULL, append_chunks, &w), 0);
    read_chunks(r, 0, 1, false);
    if (_i == 0)
        read_chunks(r, 1, CHUNKS, true);
    ck_assert_int_eq(pthread_join(id, NULL), 0);
    ck_assert_int_eq(w.result, 0);
    if (_i == 1)
        read_chunks(r, 1, CHUNKS, false);
    ck_assert_uint_eq(atomic_load(&segments_read) > 0, _i == 1);
    ck_assert_uint_eq(journal_reader_lost(r), 0);
    journal_reader_free(r);
    journal_close(w.j);
    int fd = open(dir, O_RDONLY | O_DIRECTORY);
    (void)io_posix.list(NULL, fd, remove_entry, &fd);
    close(fd);
    (void)rmdir(dir);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("journal_threads");
    TCase *t = tcase_create("threads");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, everybody_at_once, 0, 3);
    tcase_add_loop_test(t, an_awaited_reader_is_not_overrun, 0, 2);
    tcase_add_test(t, a_stop_ends_all_waiting);
    suite_add_tcase(s, t);
    return unit_main(s, NULL);
}
