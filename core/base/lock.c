/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdatomic.h>
#include <time.h>

#include "core/base/lock.h"

static const char *const lock_names[] = {
#define LOCK(name, what) [LOCK_##name] = #name,
#include "core/base/locks.tbl"
#undef LOCK
};

/* Bit n: this thread holds a lock with name n. */
static _Thread_local uint32_t locks_held;
_Static_assert(LOCK_NAMES <= 32, "one bit a lock");

/* Its address tells threads apart. */
static _Thread_local char thread_mark;

const char *
lock_name_str(enum lock_name name)
{
    return (unsigned)name < LOCK_NAMES ? lock_names[name] : "?";
}

void
lock_init(struct lock *l, enum lock_name name)
{
    CHECK((unsigned)name < LOCK_NAMES);
    CHECK(pthread_mutex_init(&l->mutex, NULL) == 0);
    atomic_init(&l->holder, NULL);
    l->name = name;
}

void
lock_fini(struct lock *l)
{
    CHECK(atomic_load_explicit(&l->holder, memory_order_relaxed) == NULL);
    CHECK(pthread_mutex_destroy(&l->mutex) == 0);
}

bool
lock_is_held(const struct lock *l)
{
    return atomic_load_explicit(&l->holder, memory_order_relaxed) ==
           &thread_mark;
}

static void
lock_mark_taken(struct lock *l)
{
    atomic_store_explicit(&l->holder, &thread_mark, memory_order_relaxed);
    locks_held |= UINT32_C(1) << l->name;
}

static void
lock_mark_released(struct lock *l)
{
    CHECK(lock_is_held(l));
    atomic_store_explicit(&l->holder, NULL, memory_order_relaxed);
    locks_held &= ~(UINT32_C(1) << l->name);
}

void
lock_take(struct lock *l)
{
    if (unlikely(locks_held >> l->name != 0)) {
        unsigned last = 31 - (unsigned)__builtin_clz(locks_held);
        PANIC("lock %s taken while holding %s: see locks.tbl",
              lock_name_str(l->name), lock_name_str((enum lock_name)last));
    }
    CHECK(pthread_mutex_lock(&l->mutex) == 0);
    lock_mark_taken(l);
}

void
lock_release(struct lock *l)
{
    lock_mark_released(l);
    CHECK(pthread_mutex_unlock(&l->mutex) == 0);
}

void
cond_init(struct cond *c)
{
    pthread_condattr_t attr;
    CHECK(pthread_condattr_init(&attr) == 0);
    CHECK(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&c->cond, &attr) == 0);
    CHECK(pthread_condattr_destroy(&attr) == 0);
}

void
cond_fini(struct cond *c)
{
    CHECK(pthread_cond_destroy(&c->cond) == 0);
}

void
cond_wait(struct cond *c, struct lock *l)
{
    lock_mark_released(l);
    CHECK(pthread_cond_wait(&c->cond, &l->mutex) == 0);
    lock_mark_taken(l);
}

int
cond_wait_until(struct cond *c, struct lock *l, usec_t deadline_us)
{
    if (deadline_us == USEC_MAX) {
        cond_wait(c, l);
        return 0;
    }
    usec_t at = MAX(deadline_us, (usec_t)0);
    struct timespec ts = {
        .tv_sec = (time_t)(at / USEC_PER_SEC),
        .tv_nsec = (long)(at % USEC_PER_SEC) * 1000,
    };
    lock_mark_released(l);
    int r = pthread_cond_timedwait(&c->cond, &l->mutex, &ts);
    lock_mark_taken(l);
    CHECK(r == 0 || r == ETIMEDOUT);
    return -r;
}

void
cond_signal(struct cond *c)
{
    CHECK(pthread_cond_signal(&c->cond) == 0);
}

void
cond_broadcast(struct cond *c)
{
    CHECK(pthread_cond_broadcast(&c->cond) == 0);
}
