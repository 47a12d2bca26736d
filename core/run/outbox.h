/* SPDX-License-Identifier: Apache-2.0 */
/* outbox.h - the notifier at work: reads transitions from the journal, lets
 * the notifier (core/notify) decide, and hands notifications to the
 * receivers' plugins, each on a thread of its own, so that one that is dead
 * or slow holds up nobody.  'attempt' and 'done' are journalled; what was on
 * its way at a crash is sent again with the same key. */
#ifndef TOCSIN_RUN_OUTBOX_H
#define TOCSIN_RUN_OUTBOX_H
#include "core/base/auto.h"
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/config/configuration.h"
#include "core/journal/io.h"

struct assembly_receiver;
struct journal;
struct outbox;

struct outbox_options {
    struct journal *journal;
    const struct io *io;
    const char *dir; /* of its state; made if it does not exist */
    const struct config *config;
    struct assembly_receiver *receivers; /* their plugins are taken over */
    size_t n_receivers;
    uint64_t save_bytes; /* kept after so much of the journal at the latest,
                            which it pins; 0: by time only */
};

/* Restores and starts.  Without a route it reads and notifies nobody. */
MUST_CHECK int outbox_start(const struct outbox_options *o, struct outbox **ret,
                            struct err *err);
/* Sends what is due by now, at most until the deadline (boot clock). */
void outbox_stop(struct outbox *ob, usec_t deadline_us);
void outbox_free(struct outbox *ob);

struct outbox_stats {
    uint64_t sent, retries, refused, pending, groups;
    usec_t oldest_pending_us; /* age; 0: none */
};
void outbox_get_stats(const struct outbox *ob, struct outbox_stats *ret);

DEFINE_AUTO(outbox, outbox_free)
#endif
