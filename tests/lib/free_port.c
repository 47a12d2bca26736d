/* SPDX-License-Identifier: Apache-2.0 */
/* free_port.c - prints ports of 127.0.0.1 that are free, as many as argv[1]
 * says, all different.  For servers that can't be told to choose (Kafka). */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

/* The socket stays open until the end, so that the next port is another. */
static int
print_port(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in addr = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t len = sizeof addr;
    if (fd < 0 || bind(fd, (struct sockaddr *)&addr, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&addr, &len) != 0) {
        perror("free_port");
        return 1;
    }
    printf("%d\n", ntohs(addr.sin_port));
    return 0;
}

int
main(int argc, char **argv)
{
    long n = argc > 1 ? strtol(argv[1], NULL, 10) : 1;
    int status = 0;
    for (long i = 0; i < n && status == 0; i++)
        status = print_port();
    return status;
}
