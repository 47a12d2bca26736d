/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/lock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/engine/engine.h"
#include "core/journal/journal.h"
#include "core/run/checkpoint.h"
#include "core/run/loop.h"

#define LOOP_MAGIC 0x100f100fu
#define TRANSITION_MAX ((size_t)1024 * 1024)
#define READ_WAIT_US (250 * USEC_PER_MSEC)
#define RETRY_US (100 * USEC_PER_MSEC)

struct call {
    void (*fn)(void *arg, struct engine *e);
    void *arg;
    bool done;
};

struct loop {
    uint32_t magic;
    struct loop_options o;
    struct engine *engine;
    struct journal_reader *reader;
    int pin;
    pthread_t thread;
    bool running;
    atomic_bool stopping;
    _Atomic usec_t stop_deadline_us;
    struct buf buf; /* a transition on its way */

    struct cause newest; /* of the transitions in the journal */
    bool any;            /* there is one */

    struct lock lock;
    struct cond called;
    struct call *call; /* one at a time */
    bool stopped;

    _Atomic uint64_t position, frames, appended, muted, unreadable;
    atomic_bool failed;
};

static bool
cause_is_after(struct cause a, struct cause b)
{
    return a.pos > b.pos || (a.pos == b.pos && a.ordinal > b.ordinal);
}

/* Alerts have a reserve in the journal; where even that fails, the transition
 * waits here, and with it the engine: it is never dropped. */
static void
transition_append(struct loop *l, const struct transition *t)
{
    buf_reset(&l->buf);
    int r = transition_encode(t, &l->buf);
    while (r == 0) {
        struct slice part = buf_slice(&l->buf);
        uint64_t pos;
        r = journal_append(l->o.journal, FRAME_ALERT, 0, clock_wall_us(), &part,
                           1, &pos);
        if (r == 0) {
            (void)journal_sync(l->o.journal, pos + 1, USEC_MIN);
            l->newest = t->cause;
            l->any = true;
            atomic_fetch_add(&l->appended, 1);
            return;
        }
        if (r == -ESHUTDOWN || r == -EMSGSIZE ||
            (atomic_load(&l->stopping) &&
             clock_boot_us() > atomic_load(&l->stop_deadline_us)))
            break;
        log_limited(LOG_ERROR, 10 * USEC_PER_SEC,
                    "engine: an alert can't be appended (%s), trying again",
                    strerror(-r));
        (void)journal_wait_room(l->o.journal, clock_boot_us() + RETRY_US);
        r = 0;
    }
    log_error("engine: alert \"%.*s\" was not appended (%s); a restart "
              "concludes it again",
              SLICE_FMT(t->rule), strerror(-r));
    atomic_store(&l->failed, true); /* nothing later may overtake it */
}

static void
on_transition(void *arg, const struct transition *t)
{
    struct loop *l = arg;
    if (atomic_load(&l->failed))
        return;
    if (l->any && !cause_is_after(t->cause, l->newest)) {
        atomic_fetch_add(&l->muted, 1);
        return;
    }
    transition_append(l, t);
}

/* ---- restoring */

static int
restore_row(void *arg, const struct engine_row *row)
{
    return engine_restore_row(arg, row);
}

static struct engine *
engine_make(struct loop *l)
{
    struct engine_options o = {
        .emit = on_transition,
        .arg = l,
        .max_keys_per_rule = l->o.max_keys_per_rule,
        .max_alerts_per_rule = l->o.max_alerts_per_rule,
    };
    return engine_new(&o);
}

/* The newest transition's cause after a position: they only grow. */
static int
newest_find(struct loop *l, uint64_t from)
{
    AUTO(journal_reader) *r = NULL;
    int err = journal_reader_new(l->o.journal, from, READ_APPENDED, &r);
    if (err < 0)
        return err;
    uint64_t end = journal_end(l->o.journal);
    struct arena arena;
    arena_init(&arena, 16 * 1024, 4 * TRANSITION_MAX);
    while (err >= 0 && journal_reader_pos(r) < end) {
        struct frame f;
        err = journal_read(r, USEC_MIN, &f);
        if (err == 0)
            break;
        struct transition t;
        if (err < 0 || f.type != FRAME_ALERT)
            continue;
        arena_reset(&arena);
        if (transition_decode(f.payload, &arena, &t) == 0 &&
            (!l->any || cause_is_after(t.cause, l->newest))) {
            l->newest = t.cause;
            l->any = true;
        }
    }
    arena_fini(&arena);
    return err < 0 ? err : 0;
}

/* A checkpoint that the engine can't take is as good as none: everything is
 * in the journal, as far as that reaches back. */
static int
restore(struct loop *l, struct err *err)
{
    struct checkpoint_mark mark;
    l->engine = engine_make(l);
    if (l->engine == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    int r = checkpoint_restore(l->o.checkpoint, restore_row, l->engine, &mark);
    if (r == 0 && mark.position > 0)
        r = engine_restore_end(l->engine, mark.position);
    if (r < 0) {
        log_warn("engine: the checkpoint can't be used (%s), starting from "
                 "the journal's beginning",
                 strerror(-r));
        engine_free(l->engine);
        mark = (struct checkpoint_mark){0};
        l->engine = engine_make(l);
        if (l->engine == NULL)
            return err_set(err, -ENOMEM, "out of memory");
    }
    l->newest = mark.newest;
    l->any = mark.newest.pos > 0;
    r = newest_find(l, mark.position);
    if (r == 0)
        r = journal_reader_new(l->o.journal, mark.position, READ_APPENDED,
                               &l->reader);
    if (r < 0)
        return err_set(err, r, "the journal can't be read: %s", strerror(-r));
    l->pin = journal_pin_new(l->o.journal, mark.position);
    atomic_store(&l->position, mark.position);
    return 0;
}

/* ---- the thread */

static void
call_run(struct loop *l)
{
    lock_take(&l->lock);
    struct call *call = l->call;
    lock_release(&l->lock);
    if (call == NULL)
        return;
    call->fn(call->arg, l->engine);
    lock_take(&l->lock);
    call->done = true;
    l->call = NULL;
    cond_broadcast(&l->called);
    lock_release(&l->lock);
}

static void
feed(struct loop *l, const struct frame *f)
{
    int r = engine_feed(l->engine, f);
    if (r == -EBADMSG) {
        atomic_fetch_add(&l->unreadable, 1);
        log_limited(LOG_WARN, 10 * USEC_PER_SEC,
                    "engine: the frame at %llu can't be read, skipping it",
                    (unsigned long long)f->pos);
    } else if (r < 0) {
        log_error("engine: %s, evaluating nothing until a restart",
                  strerror(-r));
        atomic_store(&l->failed, true);
    }
    atomic_fetch_add_explicit(&l->frames, 1, memory_order_relaxed);
    atomic_store_explicit(&l->position, f->next, memory_order_release);
}

static bool
has_reached(const struct loop *l, uint64_t end)
{
    return journal_reader_pos(l->reader) >= end ||
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
    while (!atomic_load(&l->failed)) {
        if (atomic_load(&l->stopping)) {
            if (end == 0)
                end = journal_end(l->o.journal);
            if (has_reached(l, end))
                break;
        }
        struct frame f;
        usec_t deadline = busy ? USEC_MIN : clock_boot_us() + READ_WAIT_US;
        int r = journal_read(l->reader, deadline, &f);
        if (r > 0)
            feed(l, &f);
        else if (r < 0)
            log_limited(LOG_ERROR, 10 * USEC_PER_SEC,
                        "engine: reading the journal: %s, trying again",
                        strerror(-r));
        call_run(l);
        busy = !atomic_load(&l->failed) &&
               checkpoint_work(l->o.checkpoint, l->engine, l->newest);
        journal_pin_move(l->o.journal, l->pin,
                         checkpoint_durable(l->o.checkpoint));
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
    journal_reader_wake(l->reader);
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
    l->o = *o;
    l->pin = -1;
    buf_init(&l->buf, TRANSITION_MAX);
    lock_init(&l->lock, LOCK_LOOP);
    cond_init(&l->called);
    int r = restore(l, err);
    if (r == 0)
        r = checkpoint_start(o->checkpoint, o->journal, err);
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
    atomic_store(&l->stopping, true);
    journal_reader_wake(l->reader);
    (void)pthread_join(l->thread, NULL);
    l->running = false;
    if (atomic_load(&l->failed))
        return;
    int r =
        checkpoint_finish(l->o.checkpoint, l->engine, l->newest, deadline_us);
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
    journal_reader_free(l->reader);
    engine_free(l->engine);
    buf_fini(&l->buf);
    cond_fini(&l->called);
    lock_fini(&l->lock);
    l->magic = 0;
    mem_free(l);
}

void
loop_get_stats(const struct loop *l, struct loop_stats *ret)
{
    *ret = (struct loop_stats){
        .position = atomic_load(&l->position),
        .frames = atomic_load(&l->frames),
        .appended = atomic_load(&l->appended),
        .muted = atomic_load(&l->muted),
        .unreadable = atomic_load(&l->unreadable),
        .failed = atomic_load(&l->failed),
    };
}
