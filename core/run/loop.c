/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/lock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/journal/journal.h"
#include "core/run/follower.h"
#include "core/run/loop.h"

#define LOOP_MAGIC 0x100f100fu
#define READ_WAIT_US (250 * USEC_PER_MSEC)
#define RETRY_MS 100

struct call {
    void (*fn)(void *arg, struct engine *e);
    void *arg;
    bool done;
};

struct loop {
    uint32_t magic;
    struct follower *follower;
    struct journal *journal;
    pthread_t thread;
    bool running;
    atomic_bool stopping;
    _Atomic usec_t stop_deadline_us;

    struct lock lock;
    struct cond called;
    struct call *call; /* one at a time */
    bool stopped;
};

static void
call_run(struct loop *l)
{
    lock_take(&l->lock);
    struct call *call = l->call;
    lock_release(&l->lock);
    if (call == NULL)
        return;
    call->fn(call->arg, follower_engine(l->follower));
    lock_take(&l->lock);
    call->done = true;
    l->call = NULL;
    cond_broadcast(&l->called);
    lock_release(&l->lock);
}

static bool
has_reached(const struct loop *l, uint64_t end)
{
    return follower_pos(l->follower) >= end ||
           clock_boot_us() >= atomic_load(&l->stop_deadline_us);
}

static void *
loop_main(void *arg)
{
    struct loop *l = arg;
    CHECK_OBJ(l, LOOP_MAGIC);
    log_set_context("engine", NULL);
    uint64_t end = 0;
    bool busy = false;
    while (!follower_failed(l->follower)) {
        if (atomic_load(&l->stopping)) {
            if (end == 0)
                end = journal_end(l->journal);
            if (has_reached(l, end))
                break;
        }
        int r = follower_step(l->follower,
                              busy ? USEC_MIN : clock_boot_us() + READ_WAIT_US);
        if (r < 0) {
            log_limited(LOG_ERROR, 10 * USEC_PER_SEC,
                        "engine: reading the journal: %s, trying again",
                        strerror(-r));
            (void)poll(NULL, 0, RETRY_MS);
        }
        call_run(l);
        busy = follower_checkpoint(l->follower);
    }
    lock_take(&l->lock);
    l->stopped = true;
    cond_broadcast(&l->called);
    lock_release(&l->lock);
    return NULL;
}

int
loop_call(struct loop *l, void (*fn)(void *arg, struct engine *e), void *arg)
{
    struct call call = {fn, arg, false};
    AUTO_LOCK(&l->lock);
    while (l->call != NULL && !l->stopped)
        cond_wait(&l->called, &l->lock);
    if (l->stopped)
        return -ESHUTDOWN;
    l->call = &call;
    follower_wake(l->follower);
    while (!call.done && !l->stopped)
        cond_wait(&l->called, &l->lock);
    if (!call.done)
        l->call = NULL;
    return call.done ? 0 : -ESHUTDOWN;
}

int
loop_start(const struct loop_options *o, struct loop **ret, struct err *err)
{
    struct loop *l = mem_new(struct loop);
    if (l == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    l->magic = LOOP_MAGIC;
    l->journal = o->journal;
    lock_init(&l->lock, LOCK_LOOP);
    cond_init(&l->called);
    int r = follower_new(o, &l->follower, err);
    if (r == 0) {
        r = -pthread_create(&l->thread, NULL, loop_main, l);
        if (r < 0)
            (void)err_set(err, r, "no thread for the engine: %s", strerror(-r));
    }
    if (r < 0) {
        loop_free(l);
        return r;
    }
    l->running = true;
    *ret = l;
    return 0;
}

void
loop_stop(struct loop *l, usec_t deadline_us)
{
    if (!l->running)
        return;
    atomic_store(&l->stop_deadline_us, deadline_us);
    follower_stop_at(l->follower, deadline_us);
    atomic_store(&l->stopping, true);
    follower_wake(l->follower);
    (void)pthread_join(l->thread, NULL);
    l->running = false;
    if (follower_failed(l->follower))
        return;
    int r = follower_finish(l->follower, deadline_us);
    if (r < 0)
        log_warn("checkpoint: not completed (%s), the next start reads more "
                 "of the journal",
                 strerror(-r));
}

void
loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    CHECK_OBJ(l, LOOP_MAGIC);
    CHECK(!l->running);
    follower_free(l->follower);
    cond_fini(&l->called);
    lock_fini(&l->lock);
    l->magic = 0;
    mem_free(l);
}

void
loop_get_stats(const struct loop *l, struct loop_stats *ret)
{
    follower_get_stats(l->follower, ret);
}
