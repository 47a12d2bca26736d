/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/lock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/engine/engine.h"
#include "core/journal/journal.h"
#include "core/run/checkpoint.h"
#include "core/run/rows_file.h"

#define CHECKPOINT_MAGIC 0xc4ec9017u
#define BUFFER_BYTES ((size_t)256 * 1024)
#define BUFFER_MAX ((size_t)80 * 1024 * 1024) /* one row may be large */
#define ROWS_PER_STEP 256
#define SLACK_BYTES ((uint64_t)1024 * 1024)
#define RETRY_US (5 * USEC_PER_SEC)
#define WAIT_US (100 * USEC_PER_MSEC)

enum phase { IDLE, STEPPING, SETTLING };

/* What the engine's thread hands over. */
struct job {
    struct buf rows;
    bool filled; /* waits for the writer */
    bool ends;   /* then the end mark */
    struct checkpoint_mark mark;
    uint64_t sync_to; /* the journal up to here, before the end mark */
};

struct checkpoint {
    uint32_t magic;
    const struct io *io;
    struct checkpoint_options o;
    int dirfd;
    struct journal *journal;

    /* engine's thread */
    enum phase phase;
    bool full; /* the one on its way has all rows */
    uint64_t begun_position;
    struct checkpoint_mark mark;
    uint64_t sync_to;
    usec_t next_us;
    bool retry; /* the last one failed: not before next_us */
    struct job *filling;

    /* shared */
    struct lock lock;
    struct cond work, done;
    struct job jobs[2];
    bool stopping, failed; /* failed: the file is not appended to again */
    uint64_t durable, file_bytes, full_bytes;
    bool new_file; /* the next job begins one */

    /* writer's thread */
    pthread_t thread;
    bool running;
    int fd;
    uint64_t sequence, offset;
};

/* ---- files */

static void
file_name(uint64_t sequence, char ret[static 32])
{
    (void)snprintf(ret, 32, "%016llx.rows", (unsigned long long)sequence);
}

static bool
file_sequence(const char *name, uint64_t *ret)
{
    char *end;
    *ret = strtoull(name, &end, 16);
    return end == name + 16 && strcmp(end, ".rows") == 0;
}

struct newest {
    uint64_t below; /* only files before this one count; 0: all */
    uint64_t sequence;
};

static int
newest_look(void *arg, const char *name)
{
    struct newest *n = arg;
    uint64_t sequence;
    if (file_sequence(name, &sequence) && sequence > n->sequence &&
        (n->below == 0 || sequence < n->below))
        n->sequence = sequence;
    return 0;
}

static int
file_newest(struct checkpoint *c, uint64_t below, uint64_t *ret)
{
    struct newest n = {.below = below};
    int r = c->io->list(c->io->arg, c->dirfd, newest_look, &n);
    *ret = n.sequence;
    return MIN(r, 0);
}

static int
unlink_older(void *arg, const char *name)
{
    struct checkpoint *c = arg;
    uint64_t sequence;
    if (file_sequence(name, &sequence) && sequence < c->sequence)
        (void)c->io->unlink(c->io->arg, c->dirfd, name);
    return 0;
}

static void
file_close(struct checkpoint *c)
{
    if (c->fd >= 0)
        (void)c->io->close(c->io->arg, c->fd);
    c->fd = -1;
}

static int
file_write(struct checkpoint *c, const void *p, size_t n)
{
    struct iovec v = {(void *)(uintptr_t)p, n};
    while (v.iov_len > 0) {
        ssize_t w = c->io->pwritev(c->io->arg, c->fd, &v, 1, (off_t)c->offset);
        if (w <= 0)
            return w < 0 ? (int)w : -EIO;
        c->offset += (uint64_t)w;
        v.iov_base = (char *)v.iov_base + w;
        v.iov_len -= (size_t)w;
    }
    return 0;
}

static int
file_begin(struct checkpoint *c)
{
    file_close(c);
    char name[32];
    file_name(++c->sequence, name);
    c->fd = c->io->open(c->io->arg, c->dirfd, name,
                        O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (c->fd < 0)
        return c->fd;
    c->offset = 0;
    int r = file_write(c, ROWS_FILE_MAGIC, ROWS_FILE_MAGIC_SIZE);
    return r < 0 ? r : c->io->fsync(c->io->arg, c->dirfd);
}

/* ---- the writer's thread */

/* The end mark must not outlive what it refers to: the journal first. */
static int
write_end(struct checkpoint *c, const struct job *job)
{
    const struct checkpoint_mark *mark = &job->mark;
    int r = journal_sync(c->journal, job->sync_to,
                         clock_boot_us() + 10 * USEC_PER_SEC);
    if (r < 0)
        return r;
    struct buf b = BUF_INIT(4096);
    r = rows_put_end(&b, mark);
    if (r == 0)
        r = file_write(c, b.p, b.n);
    buf_fini(&b);
    return r < 0 ? r : c->io->fdatasync(c->io->arg, c->fd);
}

static int
write_job(struct checkpoint *c, struct job *job, bool new_file)
{
    int r = new_file ? file_begin(c) : 0;
    if (r == 0)
        r = file_write(c, job->rows.p, job->rows.n);
    if (r < 0 || !job->ends)
        return r;
    r = write_end(c, job);
    if (r == 0)
        (void)c->io->list(c->io->arg, c->dirfd, unlink_older, c);
    return r;
}

static struct job *
job_next(struct checkpoint *c)
{
    /* At most one of them ends a checkpoint, and it is filled last. */
    for (size_t i = 0; i < ARRAY_SIZE(c->jobs); i++)
        if (c->jobs[i].filled && !c->jobs[i].ends)
            return &c->jobs[i];
    for (size_t i = 0; i < ARRAY_SIZE(c->jobs); i++)
        if (c->jobs[i].filled)
            return &c->jobs[i];
    return NULL;
}

static void
job_settle(struct checkpoint *c, struct job *job, int r)
{
    if (r < 0 && !c->failed)
        log_warn("checkpoint: %s, going on with a new file in %d s",
                 strerror(-r), (int)(RETRY_US / USEC_PER_SEC));
    c->failed = c->failed || r < 0;
    c->file_bytes = c->offset;
    if (job->ends && !c->failed)
        c->durable = job->mark.position;
    buf_reset(&job->rows);
    job->filled = job->ends = false;
    cond_broadcast(&c->done);
}

/* Writes what was handed over; false: there is nothing.  Lock held. */
static bool
writer_turn(struct checkpoint *c)
{
    struct job *job = job_next(c);
    if (job == NULL)
        return false;
    bool new_file = c->new_file, failed = c->failed;
    c->new_file = false;
    lock_release(&c->lock);
    int r = failed ? 0 : write_job(c, job, new_file);
    lock_take(&c->lock);
    job_settle(c, job, r);
    return true;
}

static void *
writer_main(void *arg)
{
    struct checkpoint *c = arg;
    CHECK_OBJ(c, CHECKPOINT_MAGIC);
    log_set_context("checkpoint", NULL);
    AUTO_LOCK(&c->lock);
    for (;;) {
        if (writer_turn(c))
            continue;
        if (c->stopping)
            break;
        cond_wait(&c->work, &c->lock);
    }
    return NULL;
}

/* ---- the engine's thread */

static struct job *
job_free(struct checkpoint *c)
{
    AUTO_LOCK(&c->lock);
    for (size_t i = 0; i < ARRAY_SIZE(c->jobs); i++)
        if (!c->jobs[i].filled)
            return &c->jobs[i];
    return NULL;
}

static void
job_hand_over(struct checkpoint *c, bool ends)
{
    AUTO_LOCK(&c->lock);
    c->filling->ends = ends;
    c->filling->mark = c->mark;
    c->filling->sync_to = c->sync_to;
    c->filling->filled = true;
    c->filling = NULL;
    cond_signal(&c->work);
    while (c->o.inline_writer && writer_turn(c))
        continue;
}

static int
row_add(void *arg, const struct engine_row *row)
{
    struct checkpoint *c = arg;
    return rows_put_row(&c->filling->rows, row);
}

static bool
is_due(const struct checkpoint *c, const struct engine *e, bool urgent)
{
    uint64_t position = engine_position(e);
    usec_t now = clock_boot_us();
    if (c->retry && (urgent || now >= c->next_us))
        return now >= c->next_us;
    if (position == c->begun_position)
        return false;
    return urgent || now >= c->next_us ||
           position - c->begun_position >= c->o.interval_bytes;
}

static void
begin(struct checkpoint *c, struct engine *e, struct cause newest)
{
    {
        AUTO_LOCK(&c->lock);
        c->full = c->failed || c->file_bytes == 0 ||
                  c->file_bytes > 2 * c->full_bytes + SLACK_BYTES;
        c->failed = false;
        c->new_file = c->full;
    }
    c->mark.position = engine_checkpoint_begin(e, c->full);
    c->mark.newest = newest;
    /* Behind its position stand the transitions that it led to. */
    c->sync_to = journal_end(c->journal);
    c->begun_position = c->mark.position;
    c->next_us = clock_boot_us() + c->o.interval_us;
    c->retry = false;
    c->phase = STEPPING;
}

/* Fills buffers while there are free ones; false: nothing to do by now. */
static bool
step(struct checkpoint *c, struct engine *e)
{
    if (c->filling == NULL)
        c->filling = job_free(c);
    if (c->filling == NULL)
        return false;
    int r = engine_checkpoint_step(e, ROWS_PER_STEP, row_add, c);
    if (r < 0) { /* the rest of it is of no use: another one, from scratch */
        AUTO_LOCK(&c->lock);
        c->failed = true;
    }
    if (r == 1 && c->filling->rows.n < BUFFER_BYTES)
        return true;
    c->phase = r == 1 ? STEPPING : SETTLING;
    job_hand_over(c, r != 1);
    return r == 1;
}

/* The writer has finished with the one on its way. */
static void
settle(struct checkpoint *c)
{
    AUTO_LOCK(&c->lock);
    if (c->jobs[0].filled || c->jobs[1].filled)
        return;
    c->retry = c->failed;
    if (c->failed)
        c->next_us = clock_boot_us() + RETRY_US;
    else if (c->full)
        c->full_bytes = c->file_bytes;
    c->phase = IDLE;
}

bool
checkpoint_work(struct checkpoint *c, struct engine *e, struct cause newest,
                bool urgent)
{
    CHECK_OBJ(c, CHECKPOINT_MAGIC);
    if (c->phase == SETTLING)
        settle(c);
    if (c->phase == IDLE && is_due(c, e, urgent))
        begin(c, e, newest);
    return c->phase == STEPPING && step(c, e);
}

static bool
wait_for_writer(struct checkpoint *c, usec_t deadline_us)
{
    /* The boot clock has no time before 0; USEC_MIN is a deadline, too. */
    usec_t left = MAX(deadline_us, (usec_t)0) - clock_boot_us();
    usec_t until = clock_monotonic_us() + MIN(left, WAIT_US);
    AUTO_LOCK(&c->lock);
    if (c->jobs[0].filled || c->jobs[1].filled)
        (void)cond_wait_until(&c->done, &c->lock, until);
    return left > 0;
}

void
checkpoint_wait(struct checkpoint *c, usec_t deadline_us)
{
    usec_t now = clock_boot_us();
    if (c->retry && c->phase == IDLE) { /* the disk fails: nothing to do yet */
        if (deadline_us > now)
            (void)poll(NULL, 0, (int)(MIN(deadline_us - now, WAIT_US) / 1000));
    } else {
        (void)wait_for_writer(c, deadline_us);
    }
}

int
checkpoint_finish(struct checkpoint *c, struct engine *e, struct cause newest,
                  usec_t deadline_us)
{
    bool begun = false;
    for (;;) {
        if (c->phase == SETTLING)
            settle(c);
        if (c->phase == IDLE && (begun || engine_position(e) == c->durable))
            break;
        if (c->phase == IDLE) {
            begin(c, e, newest);
            begun = true;
        }
        if (c->phase == STEPPING && step(c, e))
            continue;
        if (!wait_for_writer(c, deadline_us))
            return -ETIMEDOUT;
    }
    AUTO_LOCK(&c->lock);
    return c->failed ? -EIO : 0;
}

uint64_t
checkpoint_durable(const struct checkpoint *c)
{
    struct checkpoint *m = (struct checkpoint *)(uintptr_t)c;
    AUTO_LOCK(&m->lock);
    return c->durable;
}

/* ---- opening and closing */

/* 1: the file has a whole checkpoint, whose rows went to 'fn' (may be NULL). */
static int
restore_file(struct checkpoint *c, uint64_t sequence,
             int (*fn)(void *arg, const struct engine_row *row), void *arg,
             struct checkpoint_mark *ret_mark)
{
    char name[32];
    file_name(sequence, name);
    int fd = c->io->open(c->io->arg, c->dirfd, name, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return 0;
    uint64_t end;
    int r = rows_file_read(c->io, fd, 0, NULL, NULL, &end, ret_mark);
    if (r == 0 && end > 0 && fn != NULL) {
        struct checkpoint_mark mark;
        uint64_t ignored;
        r = rows_file_read(c->io, fd, end, fn, arg, &ignored, &mark);
    }
    (void)c->io->close(c->io->arg, fd);
    return r < 0 ? r : end > 0;
}

int
checkpoint_restore(struct checkpoint *c,
                   int (*fn)(void *arg, const struct engine_row *row),
                   void *arg, struct checkpoint_mark *ret_mark)
{
    uint64_t s;
    int r = file_newest(c, 0, &s);
    for (; r == 0 && s > 0; r = file_newest(c, s, &s)) {
        r = restore_file(c, s, fn, arg, ret_mark);
        if (r < 0)
            return r;
        if (r > 0) {
            c->durable = c->begun_position = ret_mark->position;
            return 0;
        }
        log_warn("checkpoint: file %016llx has no whole checkpoint, looking "
                 "for an older one",
                 (unsigned long long)s);
    }
    *ret_mark = (struct checkpoint_mark){0};
    return r;
}

int
checkpoint_peek(struct checkpoint *c, struct checkpoint_mark *ret_mark)
{
    uint64_t s;
    int r = file_newest(c, 0, &s);
    for (; r == 0 && s > 0; r = file_newest(c, s, &s)) {
        r = restore_file(c, s, NULL, NULL, ret_mark);
        if (r != 0)
            return MIN(r, 0);
    }
    *ret_mark = (struct checkpoint_mark){0};
    return r;
}

int
checkpoint_open(const struct checkpoint_options *o, struct checkpoint **ret,
                struct err *err)
{
    struct checkpoint *c = mem_new(struct checkpoint);
    if (c == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    c->magic = CHECKPOINT_MAGIC;
    c->o = *o;
    c->io = o->io;
    c->fd = -1;
    lock_init(&c->lock, LOCK_CHECKPOINT);
    cond_init(&c->work);
    cond_init(&c->done);
    for (size_t i = 0; i < ARRAY_SIZE(c->jobs); i++)
        buf_init(&c->jobs[i].rows, BUFFER_MAX);
    int r = c->io->mkdir(c->io->arg, AT_FDCWD, o->dir, 0700);
    c->dirfd = -1;
    if (r == 0 || r == -EEXIST)
        r = c->dirfd = c->io->open(c->io->arg, AT_FDCWD, o->dir,
                                   O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (r >= 0) /* new files come after all that are there */
        r = file_newest(c, 0, &c->sequence);
    if (r < 0) {
        checkpoint_close(c);
        return err_set(err, r, "%s: %s", o->dir, strerror(-r));
    }
    *ret = c;
    return 0;
}

int
checkpoint_start(struct checkpoint *c, struct journal *j, struct err *err)
{
    c->journal = j;
    c->next_us = clock_boot_us() + c->o.interval_us;
    if (c->o.inline_writer)
        return 0;
    int r = pthread_create(&c->thread, NULL, writer_main, c);
    if (r != 0)
        return err_set(err, -r, "no thread for checkpoints: %s", strerror(r));
    c->running = true;
    return 0;
}

void
checkpoint_close(struct checkpoint *c)
{
    if (c == NULL)
        return;
    CHECK_OBJ(c, CHECKPOINT_MAGIC);
    if (c->running) {
        lock_take(&c->lock);
        c->stopping = true;
        cond_broadcast(&c->work);
        lock_release(&c->lock);
        (void)pthread_join(c->thread, NULL);
    }
    file_close(c);
    if (c->dirfd >= 0)
        (void)c->io->close(c->io->arg, c->dirfd);
    for (size_t i = 0; i < ARRAY_SIZE(c->jobs); i++)
        buf_fini(&c->jobs[i].rows);
    cond_fini(&c->work);
    cond_fini(&c->done);
    lock_fini(&c->lock);
    c->magic = 0;
    mem_free(c);
}
