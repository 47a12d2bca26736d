/* SPDX-License-Identifier: Apache-2.0 */
/* export_stdout.c - records and notifications on standard output: for people
 * at a terminal, and as JSON for what reads a pipe.
 *
 * Whole lines; of several instances too.  It never waits longer than until
 * the deadline for a reader that reads nothing. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <tocsin/plugin.h>

#include "plugins/lib/out.h"
#include "plugins/lib/plain.h"

/* A pipe that is ready takes so much without waiting. */
#define WRITE_MAX 4096
#define RUNBOOK_MAX 1024
#define EVIDENCE_MAX 160 /* bytes of a record, for a first look */
#define BUFFER_KEPT ((size_t)256 * 1024)

enum { FORMAT_TEXT, FORMAT_JSON };
enum { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

struct options {
    int32_t format, colour;
};

static const struct tocsin_option options[] = {
    {.key = "format",
     .type = TOCSIN_OPT_ENUM,
     .offset = offsetof(struct options, format),
     .default_value = "text",
     .choices = "text|json",
     .help = "Lines for people, or a line of JSON for each record or "
             "notification."},
    {.key = "colour",
     .type = TOCSIN_OPT_ENUM,
     .offset = offsetof(struct options, colour),
     .default_value = "auto",
     .choices = "auto|always|never",
     .help = "Colours in text; auto: on a terminal, unless NO_COLOR is set."},
};

struct instance {
    const struct tocsin_host *host;
    struct tocsin_ctx *ctx;
    int format;
    bool colour;
    struct out out;
};

/* Several instances, one standard output. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- text */

static void
style(struct instance *in, const char *code)
{
    if (in->colour)
        out_printf(&in->out, "\033[%sm", code);
}

static void
put_labels(struct out *o, const struct tocsin_pair *pairs, size_t n)
{
    for (size_t i = 0, k = 0; i < n; i++) {
        if (text_is(pairs[i].name, "alertname"))
            continue;
        out_str(o, k++ > 0 ? " " : "");
        out_visible(o, pairs[i].name);
        out_char(o, '=');
        out_visible(o, pairs[i].value);
    }
}

static void
put_what(struct instance *in, const struct tocsin_alert *a)
{
    struct out what = {.max = in->out.max};
    plain_what(&what, a);
    out_visible(&in->out, out_taken(&what));
    in->out.failed |= out_failed(&what);
    out_fini(&what);
}

/* One line behind an alert. */
static void
put_line(struct instance *in, const char *name, struct tocsin_text t,
         size_t max)
{
    struct out *o = &in->out;
    size_t n = t.n;
    if (n == 0)
        return;
    if (n > max) /* between characters */
        for (n = max; n > 0 && ((unsigned char)t.p[n] & 0xc0) == 0x80;)
            n--;
    out_str(o, "         ");
    style(in, "2");
    out_str(o, name);
    out_visible(o, (struct tocsin_text){t.p, n});
    out_str(o, n < t.n ? "…" : "");
    style(in, "0");
    out_char(o, '\n');
}

static void
put_alert(struct instance *in, const struct tocsin_alert *a)
{
    struct out *o = &in->out;
    style(in, a->firing ? "1;31" : "1;32");
    out_str(o, a->firing ? "FIRING  " : "RESOLVED");
    style(in, "0");
    out_char(o, ' ');
    style(in, "1");
    put_what(in, a);
    style(in, "0");
    out_str(o, " | ");
    plain_when(o, a);
    out_str(o, "\n         ");
    style(in, "2");
    out_visible(o, pairs_get(a->labels, a->n_labels, "alertname"));
    out_str(o, " | ");
    put_labels(o, a->labels, a->n_labels);
    style(in, "0");
    out_char(o, '\n');
    if (!a->firing)
        return;
    put_line(in, "runbook: ",
             pairs_get(a->annotations, a->n_annotations, "runbook_url"),
             RUNBOOK_MAX);
    if (a->n_evidence > 0)
        put_line(in, "evidence: ", a->evidence[a->n_evidence - 1],
                 EVIDENCE_MAX);
}

static void
put_notification(struct instance *in, const struct tocsin_notification *n)
{
    for (size_t i = 0; i < n->n_alerts; i++)
        put_alert(in, notification_alert(n, i));
    if (n->n_truncated > 0)
        out_printf(&in->out, "         and %zu more\n", n->n_truncated);
}

static void
put_record(struct instance *in, const struct tocsin_record *r)
{
    struct out *o = &in->out;
    out_time(o, r->time_us);
    out_char(o, ' ');
    style(in, "1");
    out_visible(o, r->name);
    style(in, "0");
    if (r->kind != TOCSIN_RECORD_EVENT)
        out_printf(o, " %g", r->value);
    out_char(o, ' ');
    put_labels(o, r->pairs, r->n_pairs);
    out_char(o, '\n');
}

/* ---- writing */

/* The signal of a closed pipe is taken back: it belongs to this write. */
static ssize_t
write_quietly(const char *p, size_t n)
{
    sigset_t pipe_set, old, pending;
    sigemptyset(&pipe_set);
    sigaddset(&pipe_set, SIGPIPE);
    (void)sigpending(&pending);
    bool was_pending = sigismember(&pending, SIGPIPE) == 1;
    (void)pthread_sigmask(SIG_BLOCK, &pipe_set, &old);
    ssize_t r = write(STDOUT_FILENO, p, n);
    int error = errno;
    if (r < 0 && error == EPIPE && !was_pending) {
        struct timespec none = {0};
        (void)sigtimedwait(&pipe_set, NULL, &none);
    }
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    errno = error;
    return r;
}

static int
fail_errno(struct instance *in, int status)
{
    char reason[160];
    (void)snprintf(reason, sizeof reason, "standard output: %s",
                   strerror(errno));
    (void)in->host->fail(in->ctx, reason);
    return status;
}

static int
write_all(struct instance *in, int64_t deadline_us)
{
    size_t at = 0;
    while (at < in->out.n) {
        struct pollfd fd = {STDOUT_FILENO, POLLOUT, 0};
        int64_t left = deadline_us - in->host->boot_us(in->ctx);
        int ready = poll(&fd, 1, left > 0 ? (int)(left / 1000) + 1 : 0);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready == 0) {
            (void)in->host->fail(in->ctx, "standard output: nobody reads it");
            return TOCSIN_RETRY;
        }
        size_t n = in->out.n - at;
        ssize_t r =
            write_quietly(in->out.p + at, n < WRITE_MAX ? n : WRITE_MAX);
        if (r < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (r < 0) /* a pipe that was closed does not open again */
            return fail_errno(in, errno == EPIPE || errno == EBADF
                                      ? TOCSIN_REJECTED
                                      : TOCSIN_RETRY);
        at += (size_t)r;
    }
    return TOCSIN_DELIVERED;
}

/* ---- plugin */

static bool
wants_colour(int colour)
{
    const char *term = getenv("TERM"), *no = getenv("NO_COLOR");
    if (colour != COLOUR_AUTO)
        return colour == COLOUR_ALWAYS;
    return isatty(STDOUT_FILENO) && (no == NULL || *no == '\0') &&
           (term == NULL || strcmp(term, "dumb") != 0);
}

static int
stdout_create(void **ret, const struct tocsin_host *host,
              struct tocsin_ctx *ctx, const void *opts)
{
    const struct options *o = opts;
    struct instance *in = calloc(1, sizeof *in);
    if (in == NULL)
        return host->fail(ctx, "out of memory");
    in->host = host;
    in->ctx = ctx;
    in->format = o->format;
    in->colour = o->format == FORMAT_TEXT && wants_colour(o->colour);
    *ret = in;
    return 0;
}

static void
stdout_destroy(void *instance)
{
    struct instance *in = instance;
    out_fini(&in->out);
    free(in);
}

static int
stdout_deliver(void *instance, const struct tocsin_batch *batch,
               struct tocsin_answer *ret)
{
    struct instance *in = instance;
    struct out *o = &in->out;
    (void)ret;
    out_reset(o);
    if (batch->notification != NULL && in->format == FORMAT_TEXT) {
        put_notification(in, batch->notification);
    } else if (batch->notification != NULL) {
        plain_notification(o, batch->notification);
        out_char(o, '\n');
    }
    for (size_t i = 0; i < batch->n_records; i++) {
        if (in->format == FORMAT_TEXT) {
            put_record(in, batch_record(batch, i));
            continue;
        }
        plain_record(o, batch_record(batch, i));
        out_char(o, '\n');
    }
    if (out_failed(o))
        return in->host->fail(in->ctx, "out of memory");
    (void)pthread_mutex_lock(&lock);
    int r = write_all(in, batch->deadline_us);
    (void)pthread_mutex_unlock(&lock);
    if (o->cap > BUFFER_KEPT)
        out_fini(o);
    return r;
}

static const struct tocsin_plugin plugin = {
    TOCSIN_PLUGIN_HEAD,
    .kind = TOCSIN_EXPORTER,
    .name = "stdout",
    .version = PACKAGE_VERSION,
    .summary = "Records and notifications on standard output.",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .option_size = sizeof options[0],
    .options_struct_size = sizeof(struct options),
    .create = stdout_create,
    .destroy = stdout_destroy,
    .deliver = stdout_deliver,
    .receiver_key = "stdout_configs",
};

TOCSIN_PLUGIN_REGISTER(plugin)
