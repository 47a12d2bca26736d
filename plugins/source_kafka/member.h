/* SPDX-License-Identifier: Apache-2.0 */
/* member.h - our member of the consumer group, with a thread of its own.
 *
 *            ┌── control queue ──▶ member's thread: rebalances, commits,
 * librdkafka ┤                     errors, statistics
 *            └── message queue ──▶ read(), in the host's thread
 *
 * librdkafka expels a member that does not poll, and a full journal may keep
 * the host from reading for as long as it likes.  So the thread polls for
 * everything but messages; each partition's messages are forwarded to a queue
 * of their own, which librdkafka stops filling at its bound. */
#ifndef TOCSIN_SOURCE_KAFKA_MEMBER_H
#define TOCSIN_SOURCE_KAFKA_MEMBER_H
#include <librdkafka/rdkafka.h>
#include <stdatomic.h>
#include <tocsin/plugin.h>

#include "plugins/source_kafka/notes.h"
#include "plugins/source_kafka/parts.h"
#include "plugins/source_kafka/settings.h"
#include "plugins/source_kafka/sockets.h"

struct member {
    const struct settings *settings;
    const struct tocsin_host *host; /* only metric(): it is for any thread */
    struct tocsin_ctx *ctx;
    struct parts *parts;
    struct notes *notes;
    int wake_fd; /* an eventfd that ends the reader's wait */

    struct sockets sockets;
    rd_kafka_t *rk;
    rd_kafka_queue_t *control;
    rd_kafka_queue_t *messages;
    pthread_t thread;
    atomic_bool stopping;
    atomic_bool nudge;  /* the reader made room in the message queue */
    atomic_bool mend;   /* the reader met a part that is lost or bad */
    atomic_bool failed; /* for good: 'fatal' says why */
    char fatal[256];

    /* The thread's own. */
    char reason[256]; /* the newest error */
    int64_t reason_us;
    int64_t commit_us; /* of the newest commit */
    int64_t mend_us;   /* not before */
};

/* Connects and joins, both in the background.  All but the thread's own
 * members are filled by the caller, up to wake_fd.  Returns 0, or -1 with the
 * reason in 'why'. */
int member_open(struct member *m, char *why, size_t why_size);
/* Commits what is synced and leaves; at most some seconds. */
void member_close(struct member *m);
/* Wakes the thread, for 'mend' and 'nudge'. */
void member_wake(struct member *m);
/* Wakes the reader: there is something to say. */
void member_wake_reader(struct member *m);

#endif
