/* SPDX-License-Identifier: Apache-2.0 */
/* parts.h - the partitions: what was read of each, what is synced, and what
 * the reader has to say about it.
 *
 * Two threads use it: the reader (the host's callbacks) and the group member's
 * own.  Whoever touches a part holds the lock; parts are never freed before
 * the table is. */
#ifndef TOCSIN_SOURCE_KAFKA_PARTS_H
#define TOCSIN_SOURCE_KAFKA_PARTS_H
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the reader returns to the host next. */
#define SAY_GONE 1u
#define SAY_DOWN 2u
#define SAY_CAUGHT_UP 4u

struct part {
    char *topic;
    int32_t number;
    char *name; /* topic/number */
    size_t name_size;
    uint32_t id; /* the host's, once has_id */
    bool has_id;
    bool owned;         /* in the current assignment */
    bool rebalancing;   /* was ours; the assignment to come decides */
    bool at_end;        /* the newest thing read was the partition's end */
    bool lost;          /* the broker does not have 'next' */
    bool ask_group;     /* the group's offset could not be asked for */
    int64_t bad;        /* first offset of a batch that can't be read, or -1 */
    int64_t next;       /* the next offset to hand out, or -1: unknown */
    int64_t synced;     /* the host has all before this, or -1 */
    int64_t sent;       /* to the broker, to be committed, or -1 */
    int64_t committed;  /* what the broker has, as it said, or -1 */
    int64_t leader;     /* the broker's id, or -1 */
    int64_t trouble_us; /* since when its leader is out of reach, or 0 */
    int64_t said_down_us;
    unsigned say;
    char why[256]; /* for SAY_DOWN */
};

struct parts {
    pthread_mutex_t lock;
    pthread_cond_t synced; /* some part's 'synced' moved */
    struct part **items;
    size_t n;
    struct part all; /* stands for all partitions; only 'say' and 'why' */
    size_t n_saying; /* parts with something to say */
};

int parts_init(struct parts *ps);
void parts_fini(struct parts *ps);

/* These want the lock held. */

/* Finds, or makes.  NULL: out of memory. */
struct part *parts_get(struct parts *ps, const char *topic, int32_t number);
struct part *parts_find(struct parts *ps, const char *topic, int32_t number);
struct part *parts_by_id(struct parts *ps, uint32_t id);
size_t parts_owned(const struct parts *ps);

/* Something to say; an older word about the same part that it makes untrue is
 * dropped.  'why' is for SAY_DOWN, else NULL. */
void parts_say(struct parts *ps, struct part *p, unsigned what,
               const char *why);
/* Takes one thing to say: returns it and its part, or 0. */
unsigned parts_take(struct parts *ps, struct part **ret_part);

#endif
