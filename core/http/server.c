/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/http/pages.h"
#include "core/http/reload.h"
#include "core/http/server.h"
#include "core/http/snapshot.h"
#include "core/run/collector.h"

#define PAGE_MAX ((size_t)64 * 1024 * 1024)
#define CONNECTIONS_MAX 64
#define IDLE_SECONDS 30
#define MEMORY_PER_CONNECTION ((size_t)32 * 1024)

struct http_server {
    struct MHD_Daemon *daemon;
    struct collector *collector;
    unsigned port;
};

static enum MHD_Result
answer(struct MHD_Connection *conn, unsigned status, const char *type,
       struct buf *b)
{
    size_t n;
    char *p = buf_take(b, &n);
    if (p == NULL)
        return MHD_NO; /* out of memory: the connection is closed */
    struct MHD_Response *r =
        MHD_create_response_from_buffer(n, p, MHD_RESPMEM_MUST_COPY);
    mem_free(p);
    if (r == NULL)
        return MHD_NO;
    (void)MHD_add_response_header(r, "Content-Type", type);
    (void)MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    (void)MHD_add_response_header(r, "Cache-Control", "no-store");
    enum MHD_Result queued = MHD_queue_response(conn, status, r);
    MHD_destroy_response(r);
    return queued;
}

static enum MHD_Result
answer_text(struct MHD_Connection *conn, unsigned status, const char *text)
{
    AUTO_FINI(buf) b = BUF_INIT(4096);
    (void)buf_append_str(&b, text);
    return answer(conn, status, "text/plain; charset=utf-8", &b);
}

static const struct page {
    const char *path, *type;
    void (*print)(const struct snapshot *s, struct buf *b);
} pages[] = {
    {"/", "text/html; charset=utf-8", page_status},
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", page_metrics},
    {"/api/v1/alerts", "application/json", page_alerts},
};

static enum MHD_Result
answer_page(struct http_server *s, struct MHD_Connection *conn,
            const struct page *page)
{
    struct snapshot *snap = snapshot_take(s->collector);
    if (snap == NULL)
        return answer_text(conn, MHD_HTTP_SERVICE_UNAVAILABLE, "stopping\n");
    AUTO_FINI(buf) b = BUF_INIT(PAGE_MAX);
    page->print(snap, &b);
    snapshot_free(snap);
    return answer(conn, MHD_HTTP_OK, page->type, &b);
}

/* ---- /api/v1/rules */

struct rules_call {
    struct rules_filter filter;
    struct buf b;
    const char *bad; /* what can't be meant, or NULL */
};

static void
filter_add(struct filter_list *l, const char *value)
{
    if (l->n < FILTER_MAX)
        l->v[l->n++] = value;
}

static enum MHD_Result
rules_parameter(void *arg, enum MHD_ValueKind kind, const char *key,
                const char *value)
{
    struct rules_call *c = arg;
    (void)kind;
    if (value == NULL)
        value = "";
    if (strcmp(key, "type") == 0) {
        c->filter.alerts_only = strcmp(value, "alert") == 0;
        c->filter.records_only = strcmp(value, "record") == 0;
        if (!c->filter.alerts_only && !c->filter.records_only && *value != 0)
            c->bad = "type is alert or record";
    } else if (strcmp(key, "exclude_alerts") == 0) {
        c->filter.exclude_alerts = strcmp(value, "true") == 0;
    } else if (strcmp(key, "rule_name[]") == 0) {
        filter_add(&c->filter.names, value);
    } else if (strcmp(key, "rule_group[]") == 0) {
        filter_add(&c->filter.groups, value);
    } else if (strcmp(key, "file[]") == 0) {
        filter_add(&c->filter.files, value);
    }
    return MHD_YES;
}

static void
rules_call(void *arg, struct engine *e)
{
    struct rules_call *c = arg;
    page_rules(e, &c->filter, &c->b);
}

static enum MHD_Result
answer_rules(struct http_server *s, struct MHD_Connection *conn)
{
    struct rules_call c = {.b = BUF_INIT(PAGE_MAX)};
    unsigned status = MHD_HTTP_OK;
    (void)MHD_get_connection_values(conn, MHD_GET_ARGUMENT_KIND,
                                    rules_parameter, &c);
    if (c.bad != NULL) {
        status = MHD_HTTP_BAD_REQUEST;
        page_error("bad_data", c.bad, &c.b);
    } else if (loop_call(collector_loop(s->collector), rules_call, &c) < 0) {
        status = MHD_HTTP_SERVICE_UNAVAILABLE;
        page_error("unavailable", "the collector is stopping", &c.b);
    }
    enum MHD_Result r = answer(conn, status, "application/json", &c.b);
    buf_fini(&c.b);
    return r;
}

static enum MHD_Result
answer_buildinfo(struct MHD_Connection *conn)
{
    AUTO_FINI(buf) b = BUF_INIT(4096);
    page_buildinfo(&b);
    return answer(conn, MHD_HTTP_OK, "application/json", &b);
}

static enum MHD_Result
answer_health(struct http_server *s, struct MHD_Connection *conn)
{
    struct loop_stats stats;
    loop_get_stats(collector_loop(s->collector), &stats);
    return stats.failed ? answer_text(conn, MHD_HTTP_SERVICE_UNAVAILABLE,
                                      "the engine has stopped, see the log\n")
                        : answer_text(conn, MHD_HTTP_OK, "healthy\n");
}

static enum MHD_Result
answer_reload(struct http_server *s, struct MHD_Connection *conn,
              const char *method)
{
    if (strcmp(method, "POST") != 0 && strcmp(method, "PUT") != 0)
        return answer_text(conn, MHD_HTTP_METHOD_NOT_ALLOWED,
                           "only POST and PUT reload\n");
    AUTO_FINI(buf) b = BUF_INIT(4096);
    unsigned status = reload_answer(s->collector, &b);
    if (status == MHD_HTTP_OK)
        (void)buf_append_str(&b, "reloaded\n");
    return answer(conn, status, "text/plain; charset=utf-8", &b);
}

static enum MHD_Result
on_request(void *arg, struct MHD_Connection *conn, const char *url,
           const char *method, const char *version, const char *body,
           size_t *body_size, void **state)
{
    struct http_server *s = arg;
    static int seen; /* its address marks the second call */
    (void)version;
    (void)body;
    if (*state == NULL) { /* headers only: wait for the rest */
        *state = &seen;
        return MHD_YES;
    }
    if (*body_size > 0) { /* nothing here takes a body */
        *body_size = 0;
        return MHD_YES;
    }
    if (strcmp(url, "/-/reload") == 0)
        return answer_reload(s, conn, method);
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return answer_text(conn, MHD_HTTP_METHOD_NOT_ALLOWED,
                           "only GET is answered here\n");
    if (strcmp(url, "/-/healthy") == 0 || strcmp(url, "/-/ready") == 0)
        return answer_health(s, conn);
    if (strcmp(url, "/api/v1/rules") == 0)
        return answer_rules(s, conn);
    if (strcmp(url, "/api/v1/status/buildinfo") == 0)
        return answer_buildinfo(conn);
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
        if (strcmp(url, pages[i].path) == 0)
            return answer_page(s, conn, &pages[i]);
    return answer_text(conn, MHD_HTTP_NOT_FOUND, "not found\n");
}

/* The first address of the host that can be bound; a descriptor or negative
 * errno. */
static int
listen_on(const char *host, unsigned port, struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char service[16];
    (void)snprintf(service, sizeof service, "%u", port);
    int r = getaddrinfo(host, service, &hints, &list);
    if (r != 0)
        return err_set(err, -EINVAL, "listen: %s: %s", host, gai_strerror(r));
    int fd = -1;
    r = -EADDRNOTAVAIL;
    for (struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next) {
        int one = 1;
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0);
        if (fd < 0)
            continue;
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 &&
            listen(fd, SOMAXCONN) == 0)
            break;
        r = -errno;
        (void)close(fd);
        fd = -1;
    }
    freeaddrinfo(list);
    if (fd < 0)
        return err_set(err, r, "listen: %s:%u: %s", host, port, strerror(-r));
    return fd;
}

static unsigned
bound_port(int fd)
{
    struct sockaddr_storage a;
    socklen_t n = sizeof a;
    if (getsockname(fd, (struct sockaddr *)&a, &n) < 0)
        return 0;
    return ntohs(a.ss_family == AF_INET6
                     ? ((struct sockaddr_in6 *)&a)->sin6_port
                     : ((struct sockaddr_in *)&a)->sin_port);
}

int
http_server_start(struct collector *c, struct http_server **ret,
                  struct err *err)
{
    const struct config *cfg = collector_config(c);
    int fd = listen_on(cfg->listen_host, cfg->listen_port, err);
    if (fd < 0)
        return fd;
    struct http_server *s = mem_new(struct http_server);
    if (s != NULL) {
        s->collector = c;
        s->port = bound_port(fd);
        s->daemon = MHD_start_daemon(
            MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO, 0, NULL, NULL,
            on_request, s, MHD_OPTION_LISTEN_SOCKET, fd,
            MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
            MHD_OPTION_CONNECTION_MEMORY_LIMIT, MEMORY_PER_CONNECTION,
            MHD_OPTION_END);
    }
    if (s == NULL || s->daemon == NULL) {
        (void)close(fd);
        mem_free(s);
        return err_set(err, -EIO, "the HTTP server can't be started");
    }
    *ret = s;
    return 0;
}

unsigned
http_server_port(const struct http_server *s)
{
    return s->port;
}

void
http_server_stop(struct http_server *s)
{
    if (s == NULL)
        return;
    MHD_stop_daemon(s->daemon);
    mem_free(s);
}
