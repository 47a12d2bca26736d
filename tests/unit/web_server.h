/* SPDX-License-Identifier: Apache-2.0 */
/* web_server.h - an HTTP server inside of a test, that answers as it is told
 * and remembers the last request. */
#ifndef TOCSIN_TESTS_WEB_SERVER_H
#define TOCSIN_TESTS_WEB_SERVER_H
#include <stdbool.h>
#include <stddef.h>

/* Set between requests. */
struct web_answer {
    unsigned status;
    const char *retry_after, *location, *body;
    size_t body_size; /* more than the text: repeated */
    bool hangs;       /* until the next web_say() */
};

struct web_seen {
    unsigned requests, connections;
    char method[16], path[256];
    char content_type[128], key[128], authorization[128], host[128], extra[128],
        agent[128];
    char *body;
    size_t body_size;
};

/* On a free port; 'tls': with a certificate that it makes for itself, whose
 * file (PEM) is returned by web_ca(). False: TLS is not to be had. */
bool web_start(bool tls);
void web_stop(void);
void web_say(const struct web_answer *a); /* copied */
/* The last request that came whole; until the next call. */
const struct web_seen *web_seen(void);
unsigned web_port(void);
const char *web_ca(void);

#endif
