/* SPDX-License-Identifier: Apache-2.0 */
/* lock.h - a mutex that knows its name, its holder and its place in the order
 * of locks.tbl.  A wrong order, taking it twice, releasing another thread's:
 * all abort.  Thread: any. */
#ifndef TOCSIN_BASE_LOCK_H
#define TOCSIN_BASE_LOCK_H
#include <pthread.h>

#include "core/base/types.h"

enum lock_name {
#define LOCK(name, what) LOCK_##name,
#include "core/base/locks.tbl"
#undef LOCK
    LOCK_NAMES
};

struct lock {
    pthread_mutex_t mutex;
    _Atomic(const void *) holder; /* a thread's mark, or NULL */
    enum lock_name name;
};

void lock_init(struct lock *l, enum lock_name name);
void lock_fini(struct lock *l); /* nobody holds it */
void lock_take(struct lock *l);
void lock_release(struct lock *l);
bool lock_is_held(const struct lock *l); /* by the calling thread */
const char *lock_name_str(enum lock_name name);

#define lock_assert_held(l) CHECK(lock_is_held(l))

/* AUTO_LOCK(&j->lock); held until the end of the scope. */
#define AUTO_LOCK(l) AUTO_LOCK_1_(l, __LINE__)
#define AUTO_LOCK_1_(l, line) AUTO_LOCK_2_(l, line)
#define AUTO_LOCK_2_(l, line)                                                  \
    __attribute__((cleanup(auto_unlock_)))                                     \
    MAYBE_UNUSED struct lock *auto_lock_##line = lock_taken_(l)

static inline struct lock *
lock_taken_(struct lock *l)
{
    lock_take(l);
    return l;
}

static inline void
auto_unlock_(struct lock **l)
{
    lock_release(*l);
}

/* A condition; waits on the monotonic clock. */
struct cond {
    pthread_cond_t cond;
};

void cond_init(struct cond *c);
void cond_fini(struct cond *c);
/* The lock is held, released while waiting, and held again afterwards.  May
 * wake without cause: check your condition in a loop. */
void cond_wait(struct cond *c, struct lock *l);
/* As above, until clock_monotonic_us() reaches deadline_us (USEC_MAX: for
 * ever): 0, or -ETIMEDOUT. */
int cond_wait_until(struct cond *c, struct lock *l, usec_t deadline_us);
void cond_signal(struct cond *c);
void cond_broadcast(struct cond *c);

#include "core/base/check.h" /* lock_assert_held */
#endif
