/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/host/batch.h"
#include "core/host/cursor.h"
#include "core/host/exporter.h"
#include "core/host/instance.h"
#include "core/journal/journal.h"

#define EXPORTER_MAGIC 0xe8907e12u
#define ARENA_MAX ((size_t)256 * 1024 * 1024)
#define READ_WAIT_US (USEC_PER_SEC / 2)
#define STORE_EVERY_US USEC_PER_SEC
#define STORE_IDLE_US (60 * USEC_PER_SEC) /* nothing was delivered */
#define DELIVER_WITHIN_US (30 * USEC_PER_SEC)
#define BACKOFF_FIRST_US (100 * USEC_PER_MSEC)
#define BACKOFF_MAX_US (60 * USEC_PER_SEC)

struct exporter {
    uint32_t magic;
    struct exporter_options o;
    int dirfd;
    struct journal_reader *reader;
    int pin;               /* −1: none */
    struct schema *schema; /* in force where the reader is */
    struct arena arena;    /* of one batch */
    uint8_t *rejected;
    size_t rejected_cap;
    uint64_t jitter;
    usec_t stored_us; /* boot clock */
    uint64_t stored, stored_delivered;
    pthread_t thread;
    bool running;
    atomic_bool stopping;
    _Atomic usec_t stop_deadline_us, waiting_since_us;
    _Atomic uint64_t delivered, retries, refused, cursor, lost;
};

static bool
out_of_time(const struct exporter *e)
{
    return atomic_load(&e->stopping) &&
           clock_boot_us() >= atomic_load(&e->stop_deadline_us);
}

/* Full jitter: anywhere between nothing and the whole back-off, so that many
 * collectors don't come back at once. */
static usec_t
jittered(struct exporter *e, usec_t backoff)
{
    e->jitter = hash_mix(e->jitter, (uint64_t)clock_boot_us());
    return (usec_t)(e->jitter % (uint64_t)backoff) + USEC_PER_MSEC;
}

static void
pause_us(struct exporter *e, usec_t us)
{
    struct pollfd fd = {instance_wake_fd(e->o.plugin), POLLIN, 0};
    usec_t end = clock_boot_us() + us;
    for (usec_t now = clock_boot_us(); now < end && !out_of_time(e);
         now = clock_boot_us()) {
        (void)poll(&fd, 1, (int)((end - now) / USEC_PER_MSEC) + 1);
        instance_wake_clear(e->o.plugin);
        if (atomic_load(&e->stopping))
            end = MIN(end, atomic_load(&e->stop_deadline_us));
    }
}

static int
deliver_once(struct exporter *e, const struct tocsin_record *records, size_t n,
             unsigned attempt, struct tocsin_answer *answer)
{
    struct tocsin_batch batch = {
        .struct_size = sizeof batch,
        .attempt = attempt,
        .records = records,
        .n_records = n,
        .record_size = sizeof records[0],
        .deadline_us = clock_boot_us() + DELIVER_WITHIN_US,
    };
    if (atomic_load(&e->stopping))
        batch.deadline_us =
            MIN(batch.deadline_us, atomic_load(&e->stop_deadline_us));
    *answer = (struct tocsin_answer){
        .struct_size = sizeof *answer,
        .rejected = e->rejected,
    };
    memset(e->rejected, 0, n);
    instance_begin(e->o.plugin);
    return instance_plugin(e->o.plugin)
        ->deliver(instance_self(e->o.plugin), &batch, answer);
}

static void
count_rejected(struct exporter *e, size_t n)
{
    size_t refused = 0;
    for (size_t i = 0; i < n; i++)
        refused += e->rejected[i] != 0;
    if (refused == 0)
        refused = n;
    atomic_fetch_add(&e->refused, refused);
    atomic_fetch_add(&e->delivered, n - refused);
    log_limited(LOG_ERROR, 10 * USEC_PER_SEC,
                "exporter \"%s\": %zu records refused for good: %s; they are "
                "left out, the journal has them",
                e->o.name, refused, instance_reason(e->o.plugin));
}

/* Until delivered, refused, or out of time (-ECANCELED).  Halves recurse at
 * most log2(n) deep. */
static int
deliver(struct exporter *e, const struct tocsin_record *records, size_t n)
{
    usec_t backoff = BACKOFF_FIRST_US;
    for (unsigned attempt = 1;; attempt++) {
        struct tocsin_answer answer;
        int status = deliver_once(e, records, n, attempt, &answer);
        if (status == TOCSIN_DELIVERED) {
            atomic_fetch_add(&e->delivered, n);
            return 0;
        }
        if (status == TOCSIN_TOO_LARGE && n > 1) {
            int r = deliver(e, records, n / 2);
            return r < 0 ? r : deliver(e, records + n / 2, n - n / 2);
        }
        if (status == TOCSIN_REJECTED || status == TOCSIN_TOO_LARGE) {
            count_rejected(e, n);
            return 0;
        }
        atomic_fetch_add(&e->retries, 1);
        usec_t wait = MAX(jittered(e, backoff), answer.retry_after_us);
        log_limited(LOG_WARN, 30 * USEC_PER_SEC,
                    "exporter \"%s\": %s, trying again in %lld ms", e->o.name,
                    instance_reason(e->o.plugin),
                    (long long)(wait / USEC_PER_MSEC));
        pause_us(e, wait);
        if (out_of_time(e))
            return -ECANCELED;
        backoff = MIN(backoff * 2, BACKOFF_MAX_US);
    }
}

static int
rejected_reserve(struct exporter *e, size_t n)
{
    if (n <= e->rejected_cap)
        return 0;
    uint8_t *p = mem_realloc(e->rejected, n, 1);
    if (p == NULL)
        return -ENOMEM;
    e->rejected = p;
    e->rejected_cap = n;
    return 0;
}

static void
schema_take(struct exporter *e, const struct frame *f)
{
    struct schema *schema = NULL;
    if (schema_decode(f->payload, &schema) < 0)
        return;
    schema_free(e->schema);
    e->schema = schema;
}

static int
batch_make(struct exporter *e, const struct frame *f,
           struct tocsin_record **ret_records, size_t *ret_n)
{
    struct batch_select select = {e->o.kinds, e->o.inputs, e->o.n_inputs};
    arena_reset(&e->arena);
    int r =
        batch_from_frame(f, e->schema, &select, &e->arena, ret_records, ret_n);
    return r == 0 && *ret_n > 0 ? rejected_reserve(e, *ret_n) : r;
}

static int
frame_deliver(struct exporter *e, const struct frame *f)
{
    if (f->type == FRAME_SCHEMA) {
        schema_take(e, f);
        return 0;
    }
    struct tocsin_record *records;
    size_t n;
    int r = batch_make(e, f, &records, &n);
    while (r == -ENOMEM) { /* it passes; nothing is left out for it */
        log_limited(LOG_ERROR, 10 * USEC_PER_SEC,
                    "exporter \"%s\": out of memory, trying again", e->o.name);
        pause_us(e, BACKOFF_FIRST_US);
        if (out_of_time(e))
            return -ECANCELED;
        r = batch_make(e, f, &records, &n);
    }
    if (r < 0) {
        log_limited(LOG_ERROR, 10 * USEC_PER_SEC,
                    "exporter \"%s\": the frame at %llu can't be read (%s), "
                    "skipping it",
                    e->o.name, (unsigned long long)f->pos, strerror(-r));
        return 0;
    }
    if (n == 0)
        return 0;
    atomic_store(&e->waiting_since_us, f->time);
    r = deliver(e, records, n);
    atomic_store(&e->waiting_since_us, 0);
    return r;
}

static void
store_cursor(struct exporter *e, bool now)
{
    uint64_t cursor = atomic_load(&e->cursor);
    uint64_t delivered = atomic_load(&e->delivered);
    usec_t every =
        delivered != e->stored_delivered ? STORE_EVERY_US : STORE_IDLE_US;
    /* What it pins must not fill the journal before its time. */
    bool much = e->pin >= 0 && e->o.store_bytes > 0 &&
                cursor - e->stored >= e->o.store_bytes;
    if (cursor == e->stored ||
        (!now && !much && clock_boot_us() < e->stored_us + every))
        return;
    int r = cursor_store(e->o.io, e->dirfd, e->o.name, cursor);
    if (r < 0)
        log_limited(LOG_WARN, 60 * USEC_PER_SEC,
                    "exporter \"%s\": its cursor can't be kept (%s); after a "
                    "restart some records come again",
                    e->o.name, strerror(-r));
    e->stored = r < 0 ? e->stored : cursor;
    if (e->pin >= 0)
        journal_pin_move(e->o.journal, e->pin, e->stored);
    e->stored_delivered = delivered;
    e->stored_us = clock_boot_us();
}

static void *
exporter_main(void *arg)
{
    struct exporter *e = arg;
    CHECK_OBJ(e, EXPORTER_MAGIC);
    log_set_context("exporter", e->o.name);
    uint64_t end = 0;
    while (!out_of_time(e)) {
        if (atomic_load(&e->stopping)) {
            if (end == 0)
                end = journal_synced(e->o.journal);
            if (journal_reader_pos(e->reader) >= end)
                break;
        }
        struct frame f;
        int r = journal_read(e->reader, clock_boot_us() + READ_WAIT_US, &f);
        if (r < 0)
            log_limited(LOG_ERROR, 10 * USEC_PER_SEC,
                        "exporter \"%s\": reading the journal: %s, trying "
                        "again",
                        e->o.name, strerror(-r));
        if (r > 0 && frame_deliver(e, &f) < 0)
            break;
        if (r > 0)
            atomic_store(&e->cursor, f.next);
        atomic_store(&e->lost, journal_reader_lost(e->reader));
        store_cursor(e, false);
    }
    store_cursor(e, true);
    return NULL;
}

static int
cursors_open(struct exporter *e, struct err *err)
{
    const struct io *io = e->o.io;
    int r = io->mkdir(io->arg, AT_FDCWD, e->o.cursor_dir, 0700);
    if (r == 0 || r == -EEXIST)
        r = e->dirfd = io->open(io->arg, AT_FDCWD, e->o.cursor_dir,
                                O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (r < 0)
        return err_set(err, r, "%s: %s", e->o.cursor_dir, strerror(-r));
    e->stored = cursor_load(io, e->dirfd, e->o.name);
    uint64_t end = journal_end(e->o.journal);
    if (e->stored > end) {
        log_warn("exporter \"%s\": its cursor is of another journal, going on "
                 "from the end of this one",
                 e->o.name);
        e->stored = end;
    }
    atomic_store(&e->cursor, e->stored);
    return 0;
}

int
exporter_new(const struct exporter_options *o, struct exporter **ret,
             struct err *err)
{
    struct exporter *e = mem_new(struct exporter);
    if (e == NULL) {
        instance_free(o->plugin);
        return err_set(err, -ENOMEM, "out of memory");
    }
    e->magic = EXPORTER_MAGIC;
    e->o = *o;
    e->dirfd = e->pin = -1;
    e->jitter = hash_bytes(o->name, strlen(o->name));
    arena_init(&e->arena, 64 * 1024, ARENA_MAX);
    int r = cursors_open(e, err);
    if (r == 0) {
        r = journal_reader_new(o->journal, e->stored, READ_SYNCED, &e->reader);
        if (r < 0)
            (void)err_set(err, r, "the journal can't be read: %s",
                          strerror(-r));
    }
    if (r == 0 && o->block) {
        e->pin = journal_pin_new(o->journal, e->stored);
        if (e->pin < 0)
            r = err_set(err, -ENOSPC, "too many exporters with on_full: block");
    }
    if (r < 0) {
        exporter_free(e);
        return r;
    }
    *ret = e;
    return 0;
}

int
exporter_start(struct exporter *e, struct err *err)
{
    int r = pthread_create(&e->thread, NULL, exporter_main, e);
    if (r != 0)
        return err_set(err, -r, "no thread for exporter \"%s\": %s", e->o.name,
                       strerror(r));
    e->running = true;
    return 0;
}

void
exporter_stop(struct exporter *e, usec_t deadline_us)
{
    if (!e->running)
        return;
    atomic_store(&e->stop_deadline_us, deadline_us);
    atomic_store(&e->stopping, true);
    instance_wake(e->o.plugin);
    journal_reader_wake(e->reader);
    (void)pthread_join(e->thread, NULL);
    e->running = false;
}

void
exporter_free(struct exporter *e)
{
    if (e == NULL)
        return;
    CHECK_OBJ(e, EXPORTER_MAGIC);
    CHECK(!e->running);
    journal_reader_free(e->reader);
    schema_free(e->schema);
    arena_fini(&e->arena);
    instance_free(e->o.plugin);
    if (e->dirfd >= 0)
        (void)e->o.io->close(e->o.io->arg, e->dirfd);
    mem_free(e->rejected);
    e->magic = 0;
    mem_free(e);
}

void
exporter_get_stats(const struct exporter *e, struct exporter_stats *ret)
{
    usec_t since = atomic_load(&e->waiting_since_us);
    *ret = (struct exporter_stats){
        .name = e->o.name,
        .delivered = atomic_load(&e->delivered),
        .retries = atomic_load(&e->retries),
        .rejected = atomic_load(&e->refused),
        .lost_bytes = atomic_load(&e->lost),
        .cursor = atomic_load(&e->cursor),
        .lag_us = since > 0 ? MAX(clock_wall_us() - since, (usec_t)0) : 0,
    };
}
