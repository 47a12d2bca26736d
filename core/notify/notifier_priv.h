/* SPDX-License-Identifier: Apache-2.0 */
/* notifier_priv.h - what the notifier's files share: groups and what is in
 * them. */
#ifndef TOCSIN_NOTIFY_NOTIFIER_PRIV_H
#define TOCSIN_NOTIFY_NOTIFIER_PRIV_H
#include "core/base/table.h"
#include "core/notify/heap.h"
#include "core/notify/notifier.h"
#include "core/notify/route.h"
#include "core/record/transition.h"

/* One transition of one alert, as journalled; shared by the groups that hold
 * it and the notifications that tell it.  Never changes. */
struct alert {
    uint32_t refs;
    uint32_t mark; /* while state is encoded: its number */
    uint64_t id;   /* of rule and labels: the same in all its transitions */
    bool firing;
    usec_t detected_us; /* when it was found to fire */
    size_t size;
    char payload[];
};

struct member {
    struct alert *alert;
    bool flushed; /* resolved, and its group was looked at since */
};

/* What an integration was told of a group.  Sorted ids. */
struct told {
    usec_t time; /* USEC_NONE: nothing yet */
    uint64_t *firing, *resolved;
    size_t n_firing, n_resolved;
};

/* An integration of the group's receiver. */
struct slot {
    uint32_t target;
    struct told told;
    struct pending *pending;
    bool stale; /* the group was looked at while this was on its way */
};

struct pending {
    struct group *group;
    uint32_t slot;
    uint64_t pos; /* of the frame at which it was decided */
    usec_t time;
    char key[PENDING_KEY_SIZE + 1];
    bool attempted; /* it is in the journal: never changes again */
    bool heard;     /* one that this replaced may have reached the receiver */
    struct alert **alerts; /* in the order of telling */
    size_t n;
    void *cookie;
};

struct group {
    struct heap_node due;
    const struct route *route;
    struct slice key; /* route's key ":" {a="b"} */
    uint64_t hash;    /* of the key */
    struct label *labels;
    size_t n_labels;
    struct member *members;
    size_t n_members, cap_members, n_resolved;
    struct table by_id; /* of members */
    struct slot *slots;
    size_t n_slots;
    struct arena arena; /* of names, labels and slots */
    size_t place;       /* in notifier.groups */
};

struct target {
    struct slice name; /* "oncall/webhook_configs[0]" */
    bool send_resolved;
    const struct config_receiver *receiver;
};

struct notifier {
    uint32_t magic;
    struct notifier_options o;
    struct arena arena; /* of targets and external labels */
    struct routes *routes;
    struct target *targets;
    struct label *external;
    uint64_t config_hash; /* of all that decides on groups */
    uint64_t position, changes, order, shed;
    usec_t now;
    uint64_t pos; /* of the frame that is being fed */
    struct heap timers;
    struct group **groups;
    size_t n_groups, cap_groups, n_pending;
    struct table by_key;
    struct arena scratch; /* of one frame */
};

/* Puts one that fires into the groups that its labels lead to. */
MUST_CHECK int notifier_route(struct notifier *n, struct alert *a);
/* ---- alert.c */

struct alert *alert_new(struct slice payload, uint64_t id, bool firing);
struct alert *alert_ref(struct alert *a);
void alert_unref(struct alert *a); /* NULL is fine */
uint64_t alert_id(const struct transition *t);
static inline struct slice
alert_payload(const struct alert *a)
{
    return slice_new(a->payload, a->size);
}
/* With external labels where they are missing, without empty ones. */
MUST_CHECK int external_labels_add(const struct notifier *n,
                                   const struct transition *t, struct arena *a,
                                   const struct label **ret, size_t *ret_n);
/* Sorts as Alertmanager does: job, instance, fewer labels, labels. */
MUST_CHECK int alerts_sort(struct notifier *n, struct alert **alerts,
                           size_t n_alerts);

/* ---- group.c */

/* The group of these labels on this route, NULL if there is none; 'make' makes
 * it then, due group_wait from now. */
MUST_CHECK int group_get(struct notifier *n, const struct route *route,
                         const struct label *labels, size_t n_labels, bool make,
                         struct group **ret);
/* By its key and an integration of it; where 'pending' is not empty that
 * notification is on its way there.  NULL: none. */
struct group *group_find(const struct notifier *n, struct slice key,
                         struct slice target, struct slice pending,
                         uint32_t *ret_slot);
void group_free(struct notifier *n, struct group *g);
struct member *group_find_member(const struct group *g, uint64_t id);
/* Takes a reference. */
MUST_CHECK int group_put(struct notifier *n, struct group *g, struct alert *a);
/* Forgets resolved alerts that all have been told of, and itself. */
void group_settle(struct notifier *n, struct group *g);

/* ---- flush.c */

/* Looks at the group: decides for each integration. */
MUST_CHECK int group_flush(struct notifier *n, struct group *g);
/* The notification on its way there was taken, or refused for good. */
MUST_CHECK int slot_done(struct notifier *n, struct group *g, uint32_t slot,
                         bool taken);
/* After a restart: what was never attempted is decided anew, since an episode
 * that is over need not wake anybody. */
MUST_CHECK int group_restart(struct notifier *n, struct group *g);

MUST_CHECK int pending_new(struct notifier *n, struct group *g, uint32_t slot,
                           struct alert *const *alerts, size_t n_alerts,
                           struct pending **ret);
void pending_free(struct notifier *n, struct pending *p);
void told_fini(struct told *t);

#endif
