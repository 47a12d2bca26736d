/* SPDX-License-Identifier: Apache-2.0 */
/* courier.c - takes notifications to one integration, on a thread of its own.
 *
 * Each is tried until it is taken or refused for good, and waits on its own
 * between attempts, so that one that is never taken holds up no other. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/host/instance.h"
#include "core/journal/journal.h"
#include "core/record/delivery.h"
#include "core/run/outbox_priv.h"

#define ALERTS_MAX 10000u /* of one notification; more are only counted */
#define NOTIFICATION_MAX ((size_t)512 * 1024 * 1024)
#define DELIVERY_MAX ((size_t)2 * 1024 * 1024)
#define DELIVER_WITHIN_US (30 * USEC_PER_SEC)
#define BACKOFF_FIRST_US (200 * USEC_PER_MSEC)
#define BACKOFF_MAX_US (30 * USEC_PER_SEC)
/* A receiver that asks to be left alone for longer is asked again. */
#define RETRY_AFTER_MAX_US (10 * USEC_PER_MINUTE)
/* An attempt should be durable before it is made, so that what comes after a
 * crash is a repeat with the same key; but a page does not wait for a disk. */
#define ATTEMPT_SYNC_US (20 * USEC_PER_MSEC)
#define APPEND_RETRY_US (100 * USEC_PER_MSEC)

/* ---- items */

struct item *
courier_take(struct courier *c, struct pending *p)
{
    struct item *it = mem_new(struct item);
    if (it == NULL)
        return NULL;
    it->pending = p;
    it->courier = c;
    it->backoff_us = BACKOFF_FIRST_US;
    it->max_alerts = ALERTS_MAX;
    it->next.order = (uint64_t)pending_since(p);
    if (heap_push(&c->items, &it->next) < 0) {
        mem_free(it);
        return NULL;
    }
    cond_signal(&c->wake);
    return it;
}

void
item_gone(struct item *it)
{
    it->pending = NULL;
    if (it->busy)
        return;
    heap_remove(&it->courier->items, &it->next);
    mem_free(it);
}

/* The courier is done with it for now. */
static void
item_put_back(struct item *it, bool again)
{
    it->busy = false;
    if (it->pending == NULL) {
        mem_free(it);
        return;
    }
    if (!again || heap_push(&it->courier->items, &it->next) == 0)
        return;
    pending_set_cookie(it->pending, NULL);
    it->courier->ob->orphans = true;
    mem_free(it);
}

/* ---- the journal */

static int
append(struct courier *c, const struct delivery *d, uint64_t *ret_pos)
{
    AUTO_FINI(buf) b = BUF_INIT(DELIVERY_MAX);
    int r = delivery_encode(d, &b);
    if (r < 0)
        return r;
    struct slice part = buf_slice(&b);
    return journal_append(c->ob->journal, FRAME_DELIVERY, 0, clock_wall_us(),
                          &part, 1, ret_pos);
}

static struct slice
slice(struct tocsin_text t)
{
    return slice_new(t.p, t.n);
}

static struct delivery
delivery_of(const struct item *it, const struct tocsin_notification *note,
            struct slice target)
{
    return (struct delivery){
        .step = DELIVERY_ATTEMPT,
        .attempts = it->attempts,
        .key = slice(note->key),
        .target = target,
        .group_key = slice(note->group_key),
    };
}

/* A page does not wait for a full disk. */
static void
append_attempt(struct courier *c, const struct delivery *d)
{
    uint64_t pos;
    int r = append(c, d, &pos);
    if (r == 0)
        r = journal_sync(c->ob->journal, pos + 1,
                         clock_boot_us() + ATTEMPT_SYNC_US);
    if (r < 0)
        log_limited(LOG_WARN, 30 * USEC_PER_SEC,
                    "receiver \"%s\": the journal does not have the attempt "
                    "yet (%s), sending all the same",
                    c->name, strerror(-r));
}

static bool
out_of_time(const struct outbox *ob)
{
    return atomic_load(&ob->stopping) &&
           clock_boot_us() >= atomic_load(&ob->stop_deadline_us);
}

/* The notifier learns from the journal alone, so this goes on until it is
 * there; else the notification is sent again after a restart. */
static void
append_done(struct courier *c, const struct delivery *d)
{
    for (;;) {
        uint64_t pos;
        int r = append(c, d, &pos);
        if (r == 0) {
            (void)journal_sync(c->ob->journal, pos + 1, USEC_MIN);
            return;
        }
        if (r == -ESHUTDOWN || r == -EMSGSIZE || out_of_time(c->ob)) {
            log_error("receiver \"%s\": a delivery can't be journalled (%s); "
                      "it comes again after a restart, with the same key",
                      c->name, strerror(-r));
            return;
        }
        log_limited(LOG_ERROR, 10 * USEC_PER_SEC,
                    "receiver \"%s\": a delivery can't be journalled (%s), "
                    "trying again",
                    c->name, strerror(-r));
        (void)journal_wait_room(c->ob->journal,
                                clock_boot_us() + APPEND_RETRY_US);
    }
}

/* ---- delivering */

/* Full jitter, so that many collectors don't come back at once. */
static usec_t
jittered(struct courier *c, usec_t backoff)
{
    c->jitter = hash_mix(c->jitter, (uint64_t)clock_monotonic_us());
    return (usec_t)(c->jitter % (uint64_t)backoff) + USEC_PER_MSEC;
}

static int
deliver_once(struct courier *c, const struct item *it,
             const struct tocsin_notification *note,
             struct tocsin_answer *answer)
{
    uint8_t rejected = 0;
    struct tocsin_batch batch = {
        .struct_size = sizeof batch,
        .attempt = it->attempts,
        .record_size = sizeof(struct tocsin_record),
        .notification = note,
        .deadline_us = clock_boot_us() + DELIVER_WITHIN_US,
    };
    *answer = (struct tocsin_answer){
        .struct_size = sizeof *answer,
        .rejected = &rejected,
    };
    instance_begin(c->plugin);
    return instance_plugin(c->plugin)->deliver(instance_self(c->plugin), &batch,
                                               answer);
}

static void
back_off(struct courier *c, struct item *it, usec_t retry_after_us)
{
    usec_t now = clock_monotonic_us();
    usec_t wait = jittered(c, it->backoff_us);
    if (retry_after_us > 0) {
        retry_after_us = MIN(retry_after_us, RETRY_AFTER_MAX_US);
        c->not_before_us = MAX(c->not_before_us, now + retry_after_us);
        wait = MAX(wait, retry_after_us);
    }
    it->next.at = now + wait;
    it->backoff_us = MIN(it->backoff_us * 2, BACKOFF_MAX_US);
    atomic_fetch_add(&c->ob->retries, 1);
    log_limited(LOG_WARN, 30 * USEC_PER_SEC,
                "receiver \"%s\": %s, trying again in %lld ms", c->name,
                instance_reason(c->plugin), (long long)(wait / USEC_PER_MSEC));
}

static void
finish(struct courier *c, struct delivery *d, bool taken)
{
    d->step = DELIVERY_DONE;
    d->outcome = taken ? DELIVERY_TAKEN : DELIVERY_REFUSED;
    if (taken) {
        atomic_fetch_add(&c->ob->sent, 1);
    } else {
        d->reason = slice_from_str(instance_reason(c->plugin));
        atomic_fetch_add(&c->ob->refused, 1);
        log_error("receiver \"%s\": notification %.*s of %.*s refused for "
                  "good: %s",
                  c->name, SLICE_FMT(d->key), SLICE_FMT(d->group_key),
                  instance_reason(c->plugin));
    }
    append_done(c, d);
}

/* Not under the lock.  Shall it be tried again? */
static bool
deliver(struct courier *c, struct item *it,
        const struct tocsin_notification *note, struct slice target)
{
    struct delivery d = delivery_of(it, note, target);
    struct tocsin_answer answer;
    if (it->attempts == 1)
        append_attempt(c, &d);
    int status = deliver_once(c, it, note, &answer);
    switch (status) {
    case TOCSIN_DELIVERED:
        finish(c, &d, true);
        return false;
    case TOCSIN_TOO_LARGE:
        if (note->n_alerts > 1) {
            it->max_alerts = note->n_alerts / 2;
            return true; /* at once */
        }
        finish(c, &d, false);
        return false;
    case TOCSIN_REJECTED:
        finish(c, &d, false);
        return false;
    default:
        back_off(c, it, answer.retry_after_us);
        return true;
    }
}

/* Under the lock, which it gives away meanwhile. */
static void
item_try(struct courier *c, struct item *it)
{
    struct outbox *ob = c->ob;
    struct tocsin_notification note;
    heap_remove(&c->items, &it->next);
    arena_reset(&c->arena);
    it->attempts++;
    int r = pending_build(ob->notifier, it->pending, it->max_alerts, &c->arena,
                          &note);
    if (r < 0) {
        it->next.at = clock_monotonic_us() + USEC_PER_SEC;
        item_put_back(it, true);
        return;
    }
    struct slice target = pending_target(it->pending, ob->notifier);
    it->busy = true;
    lock_release(&ob->lock);
    bool again = deliver(c, it, &note, target);
    lock_take(&ob->lock);
    item_put_back(it, again);
}

/* The next that may be tried; else NULL, and until when there is none. */
static struct item *
next_item(const struct courier *c, usec_t *ret_until)
{
    struct heap_node *top = heap_top(&c->items);
    *ret_until = USEC_MAX;
    if (!c->ob->live || top == NULL)
        return NULL;
    usec_t at = MAX(top->at, c->not_before_us);
    if (at <= clock_monotonic_us())
        return container_of(top, struct item, next);
    *ret_until = at;
    return NULL;
}

static void *
courier_main(void *arg)
{
    struct courier *c = arg;
    struct outbox *ob = c->ob;
    log_set_context("notify", c->name);
    lock_take(&ob->lock);
    while (!out_of_time(ob)) {
        usec_t until;
        struct item *it = next_item(c, &until);
        if (it != NULL)
            item_try(c, it);
        else if (ob->draining)
            break;
        else
            (void)cond_wait_until(&c->wake, &ob->lock, until);
    }
    lock_release(&ob->lock);
    return NULL;
}

int
courier_start(struct courier *c, struct err *err)
{
    int r = pthread_create(&c->thread, NULL, courier_main, c);
    if (r != 0)
        return err_set(err, -r, "no thread for receiver \"%s\": %s", c->name,
                       strerror(r));
    c->running = true;
    return 0;
}

void
courier_init(struct courier *c, struct outbox *ob, struct instance *plugin,
             const char *name)
{
    c->ob = ob;
    c->plugin = plugin;
    c->name = name;
    c->jitter = hash_bytes(name, strlen(name));
    cond_init(&c->wake);
    arena_init(&c->arena, 16 * 1024, NOTIFICATION_MAX);
}

void
courier_fini(struct courier *c)
{
    CHECK(!c->running);
    heap_fini(&c->items);
    cond_fini(&c->wake);
    arena_fini(&c->arena);
    instance_free(c->plugin);
}
