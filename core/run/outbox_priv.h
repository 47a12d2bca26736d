/* SPDX-License-Identifier: Apache-2.0 */
/* outbox_priv.h - what the outbox's files share.
 *
 *   journal ─▶ reader's thread: notifier ─▶ items ─▶ couriers' threads ─▶
 * plugins ▲                                                   │
 *      └───────────────── attempt, done ───────────────────┘
 */
#ifndef TOCSIN_RUN_OUTBOX_PRIV_H
#define TOCSIN_RUN_OUTBOX_PRIV_H
#include <pthread.h>
#include <stdatomic.h>

#include "core/base/lock.h"
#include "core/notify/heap.h"
#include "core/notify/notifier.h"
#include "core/run/outbox.h"

struct instance;
struct journal_reader;

/* A notification that a courier is to deliver.  It belongs to the notifier's
 * pending until that is gone, and to the courier while it is busy with it. */
struct item {
    struct heap_node next;   /* monotonic clock: not tried before */
    struct pending *pending; /* NULL: gone */
    struct courier *courier;
    unsigned attempts;
    usec_t backoff_us;
    size_t max_alerts; /* less after "too large" */
    bool busy;
};

/* Takes notifications to one integration. */
struct courier {
    struct outbox *ob;
    struct instance *plugin; /* owned */
    const char *name;        /* of the receiver */
    struct heap items;       /* to be tried */
    struct cond wake;
    usec_t not_before_us; /* as the receiver asked for all of them */
    uint64_t jitter;
    struct arena arena; /* of one notification */
    pthread_t thread;
    bool running;
};

struct outbox {
    uint32_t magic;
    struct journal *journal;
    const struct io *io;
    int dirfd;
    struct arena arena; /* of options */
    struct journal_reader *reader;
    int pin;
    uint64_t target; /* the journal's end at the start */
    pthread_t thread;
    bool running;
    atomic_bool stopping;
    _Atomic usec_t stop_deadline_us; /* boot clock */
    struct courier *couriers;
    size_t n_couriers;
    uint64_t saved_changes, saved_position;
    usec_t saved_us, save_cost_us; /* boot clock; how long it took */
    uint64_t save_bytes;           /* see outbox_options */
    _Atomic uint64_t sent, retries, refused;

    struct lock lock; /* guards what follows, and the couriers' items */
    struct notifier *notifier;
    bool live;     /* all that was there at the start is read */
    bool draining; /* what can't be sent at once waits for the next start */
    bool orphans;  /* some of what is pending has no item: out of memory */
};

/* ---- courier.c */

/* Takes over the plugin. */
void courier_init(struct courier *c, struct outbox *ob, struct instance *plugin,
                  const char *name);
void courier_fini(struct courier *c);
int courier_start(struct courier *c, struct err *err);
/* Under the lock: an item for the notification, to be tried at once; NULL for
 * want of memory. */
struct item *courier_take(struct courier *c, struct pending *p);
/* Under the lock: the notification is no more. */
void item_gone(struct item *it);

/* ---- outbox_state.c */

/* Reads the state into the notifier.  0 if there was one; -ENOENT; others
 * where it can't be used, and the notifier neither. */
MUST_CHECK int outbox_load(struct outbox *ob);
/* Keeps the state if it is time to, or 'now'.  Reader's thread. */
void outbox_save(struct outbox *ob, bool now);

#endif
