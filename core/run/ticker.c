/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/lock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/host/input.h"
#include "core/journal/journal.h"
#include "core/record/tick.h"
#include "core/run/ticker.h"

#define TICK_US USEC_PER_SEC
#define TICK_MAX ((size_t)64 * 1024 * 1024)
#define STEP_BACK_US (100 * USEC_PER_MSEC) /* less is no step */

struct ticker {
    struct journal *journal;
    struct input *const *inputs;
    size_t n_inputs;
    struct lock lock;
    struct cond cond;
    bool stopping, running;
    bool rebase; /* the next tick says so */
    pthread_t thread;
    struct buf buf;
    struct tick_partition *partitions;
    size_t n, cap;
    size_t n_gone;           /* the first so many were not told yet */
    usec_t wall_us, boot_us; /* at the tick before */
};

static int
partition_add(void *arg, const struct tick_partition *p)
{
    struct ticker *t = arg;
    if (t->n == t->cap) {
        size_t cap = MAX(t->cap * 2, (size_t)64);
        void *v = mem_realloc(t->partitions, cap, sizeof t->partitions[0]);
        if (v == NULL)
            return -ENOMEM;
        t->partitions = v;
        t->cap = cap;
    }
    t->partitions[t->n++] = *p;
    return 0;
}

static int
collect(struct ticker *t)
{
    t->n = t->n_gone;
    for (size_t i = 0; i < t->n_inputs; i++) {
        int r = input_partitions(t->inputs[i], partition_add, t);
        if (r < 0)
            return r;
    }
    buf_reset(&t->buf);
    return tick_encode(t->partitions, t->n, &t->buf);
}

/* The wall clock went back against the boot clock. */
static bool
stepped_back(struct ticker *t, usec_t wall, usec_t boot)
{
    usec_t expected = t->wall_us + (boot - t->boot_us);
    bool back = t->wall_us > 0 && wall < expected - STEP_BACK_US;
    t->wall_us = wall;
    t->boot_us = boot;
    if (back)
        log_warn("the wall clock stepped back by %lld ms, re-basing",
                 (long long)((expected - wall) / USEC_PER_MSEC));
    return back;
}

/* An input says so once: it is kept until a tick has it. */
static void
keep_gone(struct ticker *t)
{
    t->n_gone = 0;
    for (size_t i = 0; i < t->n; i++)
        if (t->partitions[i].state == PARTITION_GONE)
            t->partitions[t->n_gone++] = t->partitions[i];
}

int
ticker_tick(struct ticker *t, usec_t wall_us, usec_t boot_us)
{
    t->rebase |= stepped_back(t, wall_us, boot_us);
    uint64_t pos;
    int r = collect(t);
    if (r == 0) {
        struct slice part = buf_slice(&t->buf);
        r = journal_append(t->journal, FRAME_TICK, t->rebase ? TICK_REBASE : 0,
                           wall_us, &part, 1, &pos);
    }
    if (r < 0) {
        keep_gone(t);
        if (r != -ESHUTDOWN)
            log_limited(LOG_WARN, 60 * USEC_PER_SEC,
                        "a tick can't be appended (%s), rules wait",
                        strerror(-r));
        return r;
    }
    t->n_gone = 0;
    t->rebase = false;
    return 0;
}

static void
tick(struct ticker *t)
{
    (void)ticker_tick(t, clock_wall_us(), clock_boot_us());
}

static void *
ticker_main(void *arg)
{
    struct ticker *t = arg;
    log_set_context("ticker", NULL);
    usec_t next = clock_monotonic_us();
    lock_take(&t->lock);
    while (!t->stopping) {
        lock_release(&t->lock);
        tick(t);
        lock_take(&t->lock);
        next = MAX(next + TICK_US, clock_monotonic_us());
        while (!t->stopping &&
               cond_wait_until(&t->cond, &t->lock, next) != -ETIMEDOUT)
            continue;
    }
    lock_release(&t->lock);
    tick(t);
    return NULL;
}

struct ticker *
ticker_new(struct journal *j, struct input *const *inputs, size_t n_inputs)
{
    struct ticker *t = mem_new(struct ticker);
    if (t == NULL)
        return NULL;
    t->journal = j;
    t->inputs = inputs;
    t->n_inputs = n_inputs;
    buf_init(&t->buf, TICK_MAX);
    lock_init(&t->lock, LOCK_TICKER);
    cond_init(&t->cond);
    /* The clock may have stepped back while nobody looked. */
    t->wall_us = MAX(journal_time(j), (usec_t)0);
    t->boot_us = clock_boot_us();
    return t;
}

int
ticker_start(struct ticker *t, struct err *err)
{
    int r = pthread_create(&t->thread, NULL, ticker_main, t);
    if (r != 0)
        return err_set(err, -r, "no thread for ticks: %s", strerror(r));
    t->running = true;
    return 0;
}

void
ticker_stop(struct ticker *t)
{
    if (!t->running)
        return;
    lock_take(&t->lock);
    t->stopping = true;
    cond_signal(&t->cond);
    lock_release(&t->lock);
    (void)pthread_join(t->thread, NULL);
    t->running = false;
}

void
ticker_free(struct ticker *t)
{
    if (t == NULL)
        return;
    buf_fini(&t->buf);
    mem_free(t->partitions);
    cond_fini(&t->cond);
    lock_fini(&t->lock);
    mem_free(t);
}
