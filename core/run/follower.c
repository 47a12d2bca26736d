/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/engine/engine.h"
#include "core/journal/journal.h"
#include "core/run/checkpoint.h"
#include "core/run/follower.h"
#include "core/run/shorten.h"

#define FOLLOWER_MAGIC 0xf0110e25u
#define TRANSITION_MAX ((size_t)1024 * 1024)
#define RETRY_US (100 * USEC_PER_MSEC)

struct follower {
    uint32_t magic;
    struct loop_options o;
    struct engine *engine;
    struct journal_reader *reader;
    int pin;
    struct buf buf; /* a transition on its way */

    struct cause newest; /* of the transitions in the journal */
    bool any;            /* there is one */
    bool pressed, held;  /* see is_held() */

    _Atomic usec_t stop_us;
    _Atomic uint64_t position, frames, appended, muted, unreadable;
    atomic_bool failed;
};

static bool
cause_is_after(struct cause a, struct cause b)
{
    return a.pos > b.pos || (a.pos == b.pos && a.ordinal > b.ordinal);
}

/* ---- appending */

/* The journal takes alerts however full it is (see is_held).  What fails is
 * the disk: the transition waits here, and with it the engine, and is never
 * dropped. */
static int
append(struct follower *f)
{
    for (;;) {
        struct slice part = buf_slice(&f->buf);
        uint64_t pos;
        /* Of the journal's time: what is concluded moves no clock. */
        int r = journal_append(f->o.journal, FRAME_ALERT, 0, USEC_MIN, &part, 1,
                               &pos);
        if (r == 0)
            (void)journal_sync(f->o.journal, pos + 1, USEC_MIN);
        if (r == 0 || r == -ESHUTDOWN || r == -EMSGSIZE ||
            clock_boot_us() > atomic_load(&f->stop_us))
            return r;
        log_limited(LOG_ERROR, 10 * USEC_PER_SEC,
                    "engine: an alert can't be appended (%s), trying again",
                    strerror(-r));
        (void)journal_wait_room(f->o.journal, clock_boot_us() + RETRY_US);
    }
}

static void
on_transition(void *arg, const struct transition *t)
{
    struct follower *f = arg;
    if (atomic_load(&f->failed))
        return;
    if (f->any && !cause_is_after(t->cause, f->newest)) {
        atomic_fetch_add(&f->muted, 1);
        return;
    }
    int r = transition_encode_within(t, &f->buf);
    if (r > 0)
        log_limited(LOG_WARN, 10 * USEC_PER_SEC,
                    "engine: alert \"%.*s\" is too long, leaving out its "
                    "annotations and cutting its labels",
                    SLICE_FMT(t->rule));
    r = r < 0 ? r : append(f);
    if (r == 0) {
        f->newest = t->cause;
        f->any = true;
        f->pressed = true; /* maybe */
        atomic_fetch_add(&f->appended, 1);
        return;
    }
    log_error("engine: alert \"%.*s\" was not appended (%s); a restart "
              "concludes it again",
              SLICE_FMT(t->rule), strerror(-r));
    atomic_store(&f->failed, true); /* nothing later may overtake it */
}

/* ---- restoring */

static int
restore_row(void *arg, const struct engine_row *row)
{
    return engine_restore_row(arg, row);
}

static struct engine *
engine_make(struct follower *f)
{
    struct engine_options o = {
        .emit = on_transition,
        .arg = f,
        .max_keys_per_rule = f->o.max_keys_per_rule,
        .max_alerts_per_rule = f->o.max_alerts_per_rule,
    };
    return engine_new(&o);
}

static void
newest_take(struct follower *f, const struct frame *frame, struct arena *arena)
{
    struct transition t;
    arena_reset(arena);
    if (frame->type == FRAME_ALERT &&
        transition_decode(frame->payload, arena, &t) == 0 &&
        (!f->any || cause_is_after(t.cause, f->newest))) {
        f->newest = t.cause;
        f->any = true;
    }
}

/* The newest transition's cause after a position: they only grow. */
static int
newest_find(struct follower *f, uint64_t from)
{
    AUTO(journal_reader) *r = NULL;
    int err = journal_reader_new(f->o.journal, from, READ_APPENDED, &r);
    if (err < 0)
        return err;
    uint64_t end = journal_end(f->o.journal);
    struct arena arena;
    arena_init(&arena, 16 * 1024, 4 * TRANSITION_MAX);
    while (journal_reader_pos(r) < end) {
        struct frame frame;
        err = journal_read(r, USEC_MIN, &frame);
        if (err <= 0)
            break;
        newest_take(f, &frame, &arena);
    }
    arena_fini(&arena);
    return err < 0 ? err : 0;
}

/* A checkpoint that the engine can't take is as good as none: everything is
 * in the journal, as far as that reaches back. */
static int
engine_restore(struct follower *f, struct checkpoint_mark *mark)
{
    f->engine = engine_make(f);
    if (f->engine == NULL)
        return -ENOMEM;
    int r = checkpoint_restore(f->o.checkpoint, restore_row, f->engine, mark);
    if (r == 0 && mark->position > 0)
        r = engine_restore_end(f->engine, mark->position);
    if (r == 0)
        return 0;
    log_warn("engine: the checkpoint can't be used (%s), starting from the "
             "journal's beginning",
             strerror(-r));
    engine_free(f->engine);
    *mark = (struct checkpoint_mark){0};
    f->engine = engine_make(f);
    return f->engine == NULL ? -ENOMEM : 0;
}

static int
restore(struct follower *f, struct err *err)
{
    struct checkpoint_mark mark = {0};
    int r = engine_restore(f, &mark);
    if (r < 0)
        return err_set(err, r, "out of memory");
    f->newest = mark.newest;
    f->any = mark.newest.pos > 0;
    r = newest_find(f, mark.position);
    if (r == 0)
        r = journal_reader_new(f->o.journal, mark.position, READ_APPENDED,
                               &f->reader);
    if (r < 0)
        return err_set(err, r, "the journal can't be read: %s", strerror(-r));
    journal_reader_await(f->reader);
    f->pin = journal_pin_new(f->o.journal, mark.position);
    if (f->pin < 0)
        return err_set(err, -ENOSPC, "too many exporters with on_full: block");
    atomic_store(&f->position, mark.position);
    return 0;
}

int
follower_new(const struct loop_options *o, struct follower **ret,
             struct err *err)
{
    struct follower *f = mem_new(struct follower);
    if (f == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    f->magic = FOLLOWER_MAGIC;
    f->o = *o;
    f->pin = -1;
    atomic_store(&f->stop_us, USEC_MAX);
    buf_init(&f->buf, MIN(TRANSITION_MAX, journal_payload_max(o->journal)));
    int r = restore(f, err);
    if (r == 0)
        r = checkpoint_start(o->checkpoint, o->journal, err);
    if (r < 0) {
        follower_free(f);
        return r;
    }
    *ret = f;
    return 0;
}

void
follower_free(struct follower *f)
{
    if (f == NULL)
        return;
    CHECK_OBJ(f, FOLLOWER_MAGIC);
    journal_reader_free(f->reader);
    engine_free(f->engine);
    buf_fini(&f->buf);
    f->magic = 0;
    mem_free(f);
}

/* ---- following */

static void
feed(struct follower *f, const struct frame *frame)
{
    int r = engine_feed(f->engine, frame);
    if (r == -EBADMSG) {
        atomic_fetch_add(&f->unreadable, 1);
        log_limited(LOG_WARN, 10 * USEC_PER_SEC,
                    "engine: the frame at %llu can't be read, skipping it",
                    (unsigned long long)frame->pos);
    } else if (r < 0) {
        log_error("engine: %s, evaluating nothing until a restart",
                  strerror(-r));
        atomic_store(&f->failed, true);
    }
    atomic_fetch_add_explicit(&f->frames, 1, memory_order_relaxed);
    if (!atomic_load(&f->failed))
        atomic_store_explicit(&f->position, frame->next, memory_order_release);
}

/* Alerts are appended beyond the journal's max_size.  So that this is no more
 * than it must be, and not for longer: once they use up its reserve, no frame
 * is fed while a checkpoint would let an old segment go. */
static bool
is_held(struct follower *f, usec_t deadline_us)
{
    f->held = false;
    if (!f->pressed)
        return false;
    uint64_t goal = journal_pin_goal(f->o.journal, f->pin);
    f->pressed = goal > 0;
    if (goal == 0 || goal > atomic_load(&f->position))
        return false; /* or it would not help */
    if (checkpoint_durable(f->o.checkpoint) < goal)
        checkpoint_wait(f->o.checkpoint, deadline_us);
    else /* nothing goes that is not synced */
        (void)journal_sync(f->o.journal, goal, deadline_us);
    f->held = true;
    return true;
}

int
follower_step(struct follower *f, usec_t deadline_us)
{
    CHECK_OBJ(f, FOLLOWER_MAGIC);
    if (is_held(f, deadline_us))
        return 0;
    struct frame frame;
    int r = journal_read(f->reader, deadline_us, &frame);
    if (r > 0)
        feed(f, &frame);
    return r;
}

bool
follower_checkpoint(struct follower *f)
{
    if (atomic_load(&f->failed))
        return false;
    bool more = checkpoint_work(f->o.checkpoint, f->engine, f->newest, f->held);
    journal_pin_move(f->o.journal, f->pin, checkpoint_durable(f->o.checkpoint));
    return more;
}

int
follower_finish(struct follower *f, usec_t deadline_us)
{
    return checkpoint_finish(f->o.checkpoint, f->engine, f->newest,
                             deadline_us);
}

uint64_t
follower_pos(const struct follower *f)
{
    return journal_reader_pos(f->reader);
}

struct engine *
follower_engine(struct follower *f)
{
    return f->engine;
}

void
follower_wake(struct follower *f)
{
    journal_reader_wake(f->reader);
}

void
follower_stop_at(struct follower *f, usec_t deadline_us)
{
    atomic_store(&f->stop_us, deadline_us);
}

bool
follower_failed(const struct follower *f)
{
    return atomic_load(&f->failed);
}

void
follower_get_stats(const struct follower *f, struct loop_stats *ret)
{
    *ret = (struct loop_stats){
        .position = atomic_load(&f->position),
        .frames = atomic_load(&f->frames),
        .appended = atomic_load(&f->appended),
        .muted = atomic_load(&f->muted),
        .unreadable = atomic_load(&f->unreadable),
        .failed = atomic_load(&f->failed),
    };
}
