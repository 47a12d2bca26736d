/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/run/desk.h"

#include <errno.h>
#include <stdio.h>

#include "core/base/clock.h"
#include "core/base/lock.h"
#include "core/base/mem.h"

struct desk {
    struct lock lock;
    struct cond answered;
    uint64_t asked, taken, done; /* numbers of requests */
    const char *closed;          /* why, or NULL */
    int result;                  /* of the newest that is done */
    char message[sizeof((struct err *)NULL)->message];
};

struct desk *
desk_new(void)
{
    struct desk *d = mem_new(struct desk);
    if (d == NULL)
        return NULL;
    lock_init(&d->lock, LOCK_DESK);
    cond_init(&d->answered);
    return d;
}

void
desk_free(struct desk *d)
{
    if (d == NULL)
        return;
    cond_fini(&d->answered);
    lock_fini(&d->lock);
    mem_free(d);
}

int
desk_ask(struct desk *d, usec_t timeout_us, struct err *err)
{
    usec_t deadline = clock_monotonic_us() + timeout_us;
    AUTO_LOCK(&d->lock);
    uint64_t mine = ++d->asked;
    while (d->done < mine && d->closed == NULL)
        if (cond_wait_until(&d->answered, &d->lock, deadline) < 0)
            break;
    if (d->done >= mine)
        return d->result < 0 ? err_set(err, d->result, "%s", d->message) : 0;
    if (d->closed != NULL)
        return err_set(err, -ESHUTDOWN, "%s", d->closed);
    return err_set(err, -ETIMEDOUT,
                   "the reload takes long, its end will be in the log");
}

bool
desk_is_asked(struct desk *d)
{
    AUTO_LOCK(&d->lock);
    d->taken = d->asked;
    return d->taken > d->done;
}

void
desk_answer(struct desk *d, int result, const char *message)
{
    AUTO_LOCK(&d->lock);
    d->done = d->taken;
    d->result = result;
    (void)snprintf(d->message, sizeof d->message, "%s", message);
    cond_broadcast(&d->answered);
}

void
desk_close(struct desk *d, const char *why)
{
    AUTO_LOCK(&d->lock);
    d->closed = why;
    cond_broadcast(&d->answered);
}
