/* SPDX-License-Identifier: Apache-2.0 */
/* notifier.h - who is told what, and when; a pure function of the journal.
 *
 * Fed every frame in order, it decides as Alertmanager does: transitions walk
 * the tree of routes into groups; a group is looked at group_wait after it
 * began and every group_interval from then on, and each integration of its
 * receiver is told where it was not told yet, or repeat_interval has passed.
 * Its clock is the journal's.  It does no I/O and never logs; whoever owns it
 * delivers, and journals 'attempt' and 'done' (delivery.h), from which it
 * learns what was told.
 *
 * A notification is decided at a frame; its key comes from the group, the
 * integration and that frame, so that it is the same after a restart.  Until
 * its attempt is in the journal it follows its group; from then on it stays as
 * it is, for as long as it takes.  An integration has at most one on its way
 * for each group; what came meanwhile is told by the next.
 *
 * One owner: no locks. */
#ifndef TOCSIN_NOTIFY_NOTIFIER_H
#define TOCSIN_NOTIFY_NOTIFIER_H
#include <tocsin/plugin.h>

#include "core/base/arena.h"
#include "core/base/auto.h"
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/config/configuration.h"
#include "core/record/frame.h"

struct buf;
struct notifier;
struct pending; /* a notification on its way */

/* A receiver's integration: where notifications go. */
struct notifier_target {
    const struct config_receiver *receiver;
    const struct config_integration *integration;
};

struct notifier_options {
    const struct config_route *route; /* NULL: nobody is told */
    const struct notifier_target *targets;
    size_t n_targets;
    const struct config_pair *external_labels; /* sorted by name */
    size_t n_external_labels;
    const char *external_url; /* without the last slash; NULL: none */

    /* Told, during notifier_feed(), that a notification is to be delivered to
     * targets[target]; what it returns is handed to gone() when the
     * notification is no more: done, or replaced by another.  Both may be
     * NULL. */
    void *(*due)(void *arg, struct pending *p, size_t target);
    void (*gone)(void *arg, void *cookie);
    void *arg;
};

/* All that 'o' points to must outlive it.  -EINVAL: a matcher. */
MUST_CHECK int notifier_new(const struct notifier_options *o,
                            struct notifier **ret, struct err *err);
void notifier_free(struct notifier *n);

/* Takes in one frame; frames before the position are ignored.  0; -EBADMSG
 * for a frame that can't be read (ignored); -ENOMEM: feed the same frame
 * again. */
MUST_CHECK int notifier_feed(struct notifier *n, const struct frame *f);

uint64_t notifier_position(const struct notifier *n); /* after the newest */
/* Grows whenever there is something that a restart must know. */
uint64_t notifier_changes(const struct notifier *n);
/* Ends of alerts that were forgotten since it was made, because too many came
 * while nobody took what is told of their group. */
uint64_t notifier_shed(const struct notifier *n);
size_t notifier_n_groups(const struct notifier *n);
size_t notifier_n_pending(const struct notifier *n);

/* Each notification on its way, in the order of groups; stops at the first
 * nonzero. */
int notifier_each_pending(struct notifier *n,
                          int (*fn)(void *arg, struct pending *p,
                                    size_t target),
                          void *arg);

/* ---- a notification on its way */

#define PENDING_KEY_SIZE 32 /* hexadecimal digits */

struct slice pending_key(const struct pending *p);
struct slice pending_group_key(const struct pending *p);
struct slice pending_target(const struct pending *p, /* as in delivery.h */
                            const struct notifier *n);
usec_t pending_since(const struct pending *p); /* journal time */
void *pending_cookie(const struct pending *p);
void pending_set_cookie(struct pending *p, void *cookie);

/* Makes what the receiver gets, all of it in the arena; alerts past
 * 'max_alerts' are only counted.  0 or -ENOMEM. */
MUST_CHECK int pending_build(const struct notifier *n, const struct pending *p,
                             size_t max_alerts, struct arena *a,
                             struct tocsin_notification *ret);

/* ---- state */

/* All that decides what comes: position, clock, groups, what was told. */
MUST_CHECK int notifier_encode(const struct notifier *n, struct buf *out);
/* Into a new notifier.  Where routes or receivers have changed since, alerts
 * are routed anew, and groups that are still there keep what they know.  0;
 * -EBADMSG or -ENOMEM, and the notifier is of no use. */
MUST_CHECK int notifier_decode(struct notifier *n, struct slice state);

DEFINE_AUTO(notifier, notifier_free)
#endif
