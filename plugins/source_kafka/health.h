/* SPDX-License-Identifier: Apache-2.0 */
/* health.h - librdkafka's statistics, once a second, read for what a host must
 * know: which partitions answer, which are out of reach, how far behind.
 *
 * An end of partition is announced only once.  So a partition at its end is
 * said to be caught up again at each round in which its leader answers, and to
 * be down once the leader was out of reach for HEALTH_GRACE_US. */
#ifndef TOCSIN_SOURCE_KAFKA_HEALTH_H
#define TOCSIN_SOURCE_KAFKA_HEALTH_H
#include "plugins/source_kafka/parts.h"

#define HEALTH_GRACE_US 3000000
#define HEALTH_REPEAT_US 30000000 /* between two DOWNs of one part */
#define HEALTH_JOIN_US 10000000   /* a group without partitions is down */

struct health {
    int64_t now_us;     /* any steady clock */
    int fetch_wait_ms;  /* how long a broker may hold an answer back */
    bool queued;        /* messages wait to be read: nothing is asked for */
    const char *reason; /* the newest error, or "" */
    double lag;         /* out: messages not yet read */
};

/* Reads one statistics document and has the parts say what follows.  Takes the
 * lock.  Returns 0, or -1 where the document can't be read. */
int health_round(struct parts *ps, const char *json, size_t size,
                 struct health *h);

/* Down, with a reason, unless that was said a moment ago.  Wants the lock. */
void health_down(struct parts *ps, struct part *p, int64_t now_us,
                 const char *why);

#endif
