/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "plugins/source_kafka/sockets.h"

void
sockets_init(struct sockets *sockets)
{
    pthread_mutex_init(&sockets->lock, NULL);
    sockets->cut = false;
    sockets->n = 0;
}

void
sockets_fini(struct sockets *sockets)
{
    pthread_mutex_destroy(&sockets->lock);
}

static int
sockets_open(int domain, int type, int protocol, void *opaque)
{
    struct sockets *sockets = opaque;
    int fd = socket(domain, type | SOCK_CLOEXEC, protocol);
    if (fd < 0)
        return fd;
    pthread_mutex_lock(&sockets->lock);
    if (sockets->n < SOCKETS_MAX)
        sockets->fds[sockets->n++] = fd;
    pthread_mutex_unlock(&sockets->lock);
    return fd;
}

static int
sockets_close(int fd, void *opaque)
{
    struct sockets *sockets = opaque;
    pthread_mutex_lock(&sockets->lock);
    for (int i = 0; i < sockets->n; i++) {
        if (sockets->fds[i] != fd)
            continue;
        sockets->fds[i] = sockets->fds[--sockets->n];
        break;
    }
    pthread_mutex_unlock(&sockets->lock);
    return close(fd);
}

static int
sockets_connect(int fd, const struct sockaddr *address, int size,
                const char *id, void *opaque)
{
    struct sockets *sockets = opaque;
    pthread_mutex_lock(&sockets->lock);
    bool cut = sockets->cut;
    pthread_mutex_unlock(&sockets->lock);
    if (cut)
        return ECONNABORTED;
    if (connect(fd, address, (socklen_t)size) < 0 && errno != EINPROGRESS)
        return errno;
    return 0;
}

void
sockets_use(struct sockets *sockets, rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_opaque(conf, sockets);
    rd_kafka_conf_set_socket_cb(conf, sockets_open);
    rd_kafka_conf_set_closesocket_cb(conf, sockets_close);
    rd_kafka_conf_set_connect_cb(conf, sockets_connect);
}

void
sockets_cut(struct sockets *sockets)
{
    pthread_mutex_lock(&sockets->lock);
    sockets->cut = true;
    for (int i = 0; i < sockets->n; i++)
        shutdown(sockets->fds[i], SHUT_RDWR);
    pthread_mutex_unlock(&sockets->lock);
}
