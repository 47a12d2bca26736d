/* SPDX-License-Identifier: Apache-2.0 */
/* http_sink.c - an HTTP server for tests: takes every request and notes it.
 *
 *   http_sink --port-file F --bodies F [--heads F] [--answers LIST]
 *             [--status-file F]
 *
 * It listens on a free port of 127.0.0.1 and writes that port to a file.  Each
 * body answered with 2xx becomes one line of 'bodies' (line ends become
 * spaces); each request, whatever its answer, one line of 'heads':
 * "STATUS METHOD PATH NAME=VALUE NAME=VALUE...".
 *
 * An answer is STATUS[:RETRY_AFTER][@DELAY_MS].  While the status file exists,
 * each request gets the answer that it holds; else the next of the list; 200
 * where both are used up.  One lock: requests are noted in one order. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct answer {
    unsigned status;
    long retry_after; /* seconds; -1: no such header */
    long delay_ms;
};

struct sink {
    pthread_mutex_t lock;
    const char *answers; /* the rest of the list */
    const char *status_file;
    FILE *bodies;
    FILE *heads; /* may be NULL */
};

struct request {
    char *body;
    size_t size;
};

static const char *
answer_parse(const char *s, struct answer *ret)
{
    char *end;
    *ret = (struct answer){.status = 200, .retry_after = -1};
    ret->status = (unsigned)strtoul(s, &end, 10);
    if (*end == ':')
        ret->retry_after = strtol(end + 1, &end, 10);
    if (*end == '@')
        ret->delay_ms = strtol(end + 1, &end, 10);
    return *end == ',' ? end + 1 : end;
}

static struct answer
answer_next(struct sink *sink)
{
    struct answer answer = {.status = 200, .retry_after = -1};
    FILE *f = sink->status_file ? fopen(sink->status_file, "r") : NULL;
    if (f) {
        char line[128] = "";
        if (fgets(line, sizeof line, f))
            answer_parse(line, &answer);
        fclose(f);
    } else if (sink->answers && *sink->answers) {
        sink->answers = answer_parse(sink->answers, &answer);
    }
    if (answer.status < 100 || answer.status > 599)
        answer.status = 500;
    return answer;
}

static enum MHD_Result
note_header(void *cls, enum MHD_ValueKind kind, const char *key,
            const char *value)
{
    fprintf(cls, " %s=%s", key, value ? value : "");
    return MHD_YES;
}

static void
note(struct sink *sink, struct MHD_Connection *conn, const char *method,
     const char *url, const struct request *req, unsigned status)
{
    if (sink->heads) {
        fprintf(sink->heads, "%u %s %s", status, method, url);
        MHD_get_connection_values(conn, MHD_HEADER_KIND, note_header,
                                  sink->heads);
        fputc('\n', sink->heads);
        fflush(sink->heads);
    }
    if (status / 100 != 2)
        return;
    for (size_t i = 0; i < req->size; i++) {
        char c = req->body[i];
        fputc(c == '\n' || c == '\r' ? ' ' : c, sink->bodies);
    }
    fputc('\n', sink->bodies);
    fflush(sink->bodies);
}

static enum MHD_Result
respond(struct MHD_Connection *conn, const struct answer *answer)
{
    struct MHD_Response *res = MHD_create_response_from_buffer(
        3, (void *)(intptr_t) "ok\n", MHD_RESPMEM_PERSISTENT);
    if (!res)
        return MHD_NO;
    if (answer->retry_after >= 0) {
        char seconds[32];
        snprintf(seconds, sizeof seconds, "%ld", answer->retry_after);
        MHD_add_response_header(res, "Retry-After", seconds);
    }
    enum MHD_Result r = MHD_queue_response(conn, answer->status, res);
    MHD_destroy_response(res);
    return r;
}

static enum MHD_Result
handle(void *cls, struct MHD_Connection *conn, const char *url,
       const char *method, const char *version, const char *data, size_t *size,
       void **state)
{
    struct sink *sink = cls;
    struct request *req = *state;
    if (!req) {
        *state = calloc(1, sizeof *req);
        return *state ? MHD_YES : MHD_NO;
    }
    if (*size > 0) {
        char *body = realloc(req->body, req->size + *size);
        if (!body)
            return MHD_NO;
        memcpy(body + req->size, data, *size);
        req->body = body;
        req->size += *size;
        *size = 0;
        return MHD_YES;
    }
    pthread_mutex_lock(&sink->lock);
    struct answer answer = answer_next(sink);
    note(sink, conn, method, url, req, answer.status);
    pthread_mutex_unlock(&sink->lock);
    if (answer.delay_ms > 0)
        usleep((useconds_t)answer.delay_ms * 1000);
    return respond(conn, &answer);
}

static void
request_done(void *cls, struct MHD_Connection *conn, void **state,
             enum MHD_RequestTerminationCode why)
{
    struct request *req = *state;
    if (!req)
        return;
    free(req->body);
    free(req);
    *state = NULL;
}

static FILE *
open_or_die(const char *path)
{
    FILE *f = path ? fopen(path, "a") : NULL;
    if (!f) {
        fprintf(stderr, "http_sink: %s: %s\n", path ? path : "--bodies",
                strerror(path ? errno : EINVAL));
        exit(2);
    }
    return f;
}

/* By a rename: whoever sees the file sees all of it. */
static void
write_port(const char *path, unsigned port)
{
    char part[4096];
    snprintf(part, sizeof part, "%s.part", path);
    FILE *f = open_or_die(part);
    fprintf(f, "%u\n", port);
    fclose(f);
    if (rename(part, path) != 0) {
        perror("http_sink: rename");
        exit(2);
    }
}

static struct MHD_Daemon *
serve(struct sink *sink)
{
    struct sockaddr_in addr = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    return MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION, 0,
        NULL, NULL, handle, sink, MHD_OPTION_SOCK_ADDR, &addr,
        MHD_OPTION_NOTIFY_COMPLETED, request_done, NULL, MHD_OPTION_END);
}

/* Fills *sink from the command line and returns the port's file, or NULL. */
static const char *
options_parse(int argc, char **argv, struct sink *sink)
{
    static const struct option options[] = {
        {"port-file", required_argument, NULL, 'p'},
        {"bodies", required_argument, NULL, 'b'},
        {"heads", required_argument, NULL, 'h'},
        {"answers", required_argument, NULL, 'a'},
        {"status-file", required_argument, NULL, 's'},
        {0},
    };
    const char *port_file = NULL;
    int c;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'p':
            port_file = optarg;
            break;
        case 'b':
            sink->bodies = open_or_die(optarg);
            break;
        case 'h':
            sink->heads = open_or_die(optarg);
            break;
        case 'a':
            sink->answers = optarg;
            break;
        case 's':
            sink->status_file = optarg;
            break;
        default:
            return NULL;
        }
    }
    return sink->bodies ? port_file : NULL;
}

int
main(int argc, char **argv)
{
    struct sink sink = {.lock = PTHREAD_MUTEX_INITIALIZER};
    const char *port_file = options_parse(argc, argv, &sink);
    if (!port_file) {
        fputs("usage: http_sink --port-file F --bodies F …\n", stderr);
        return 2;
    }
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);

    struct MHD_Daemon *daemon = serve(&sink);
    if (!daemon) {
        fputs("http_sink: can't listen\n", stderr);
        return 1;
    }
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    write_port(port_file, info->port);

    int sig;
    sigwait(&ends, &sig);
    MHD_stop_daemon(daemon);
    fclose(sink.bodies);
    if (sink.heads)
        fclose(sink.heads);
    return 0;
}
