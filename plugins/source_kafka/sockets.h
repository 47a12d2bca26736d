/* SPDX-License-Identifier: Apache-2.0 */
/* sockets.h - a client's connections, so that they can be cut.
 *
 * A client that closes waits for the answer to each request on its way, and a
 * broker that is frozen, or behind a network that swallows packets, holds it
 * for a session's length.  Cutting the connections ends the wait. */
#ifndef TOCSIN_SOURCE_KAFKA_SOCKETS_H
#define TOCSIN_SOURCE_KAFKA_SOCKETS_H
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdbool.h>

#define SOCKETS_MAX 1024

struct sockets {
    pthread_mutex_t lock;
    bool cut;
    int n;
    int fds[SOCKETS_MAX]; /* those above are not cut: close waits then */
};

void sockets_init(struct sockets *sockets);
void sockets_fini(struct sockets *sockets);
/* Has the client use them; 'sockets' becomes the configuration's opaque. */
void sockets_use(struct sockets *sockets, rd_kafka_conf_t *conf);
/* Ends all connections; none is made any more. */
void sockets_cut(struct sockets *sockets);

#endif
