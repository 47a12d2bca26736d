/* SPDX-License-Identifier: Apache-2.0 */
/* source_kafka.c - topics of a Kafka cluster or an Event Hubs namespace.
 *
 * A chunk is a message, a partition is "topic/number", a position is the next
 * offset.  The journal says where to go on; the group's offsets are committed
 * for what is synced, as a hint and for lag tools.  Memory is bounded by
 * librdkafka's queue (settings.c).  member.h draws the two threads. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "plugins/source_kafka/badbatch.h"
#include "plugins/source_kafka/health.h"
#include "plugins/source_kafka/member.h"
#include "plugins/source_kafka/tables.h"

#define HEADERS_MAX 1024

struct source {
    const struct tocsin_host *host;
    struct tocsin_ctx *ctx;
    struct settings settings;
    struct notes notes;
    struct parts parts;
    struct member *member;       /* NULL: closed */
    int wake_fd;                 /* ours; the host's is another */
    struct part *last;           /* of the newest message: they come in runs */
    size_t n_messages, n_bytes;  /* read since the newest nudge */
    rd_kafka_message_t *message; /* lent out until the next callback */
    struct tocsin_header *headers;
    size_t headers_max;
};

static void
source_log(struct source *s)
{
    struct note note;
    while (notes_take(&s->notes, &note))
        s->host->log(s->ctx, note.level, note.text);
}

static void
source_destroy(void *instance)
{
    struct source *s = instance;
    settings_fini(&s->settings);
    notes_fini(&s->notes);
    free(s->headers);
    free(s);
}

static int
source_create(void **ret_instance, const struct tocsin_host *host,
              struct tocsin_ctx *ctx, const void *options)
{
    struct source *s = calloc(1, sizeof *s);
    if (!s)
        return host->fail(ctx, "out of memory");
    s->host = host;
    s->ctx = ctx;
    s->wake_fd = -1;
    char why[512] = "";
    int r = settings_init(&s->settings, options, why, sizeof why);
    notes_init(&s->notes, s->settings.secret);
    if (r < 0) {
        notes_scrub(&s->notes, why);
        host->fail(ctx, why);
        source_destroy(s);
        return TOCSIN_ERROR;
    }
    *ret_instance = s;
    return 0;
}

/* Partitions that the journal knows, by "topic/number". */
static int
source_starts(struct source *s, const struct tocsin_start *starts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *name = starts[i].name;
        size_t size = starts[i].name_size;
        const char *slash = size ? memrchr(name, '/', size) : NULL;
        char topic[512];
        if (!slash || (size_t)(slash - name) >= sizeof topic)
            continue; /* not of ours: an older configuration's */
        memcpy(topic, name, (size_t)(slash - name));
        topic[slash - name] = '\0';
        char digits[16] = "";
        size_t n_digits = size - (size_t)(slash + 1 - name);
        if (n_digits == 0 || n_digits >= sizeof digits)
            continue;
        memcpy(digits, slash + 1, n_digits);
        struct part *p =
            parts_get(&s->parts, topic, (int32_t)strtol(digits, NULL, 10));
        if (!p)
            return -1;
        p->id = starts[i].partition;
        p->has_id = true;
        p->next = (int64_t)starts[i].position.offset;
        p->synced = p->next;
    }
    return 0;
}

static void
source_release(struct source *s)
{
    if (s->message)
        rd_kafka_message_destroy(s->message);
    s->message = NULL;
}

static void
source_close(void *instance)
{
    struct source *s = instance;
    source_release(s);
    if (s->member) {
        member_close(s->member);
        free(s->member);
        s->member = NULL;
        parts_fini(&s->parts);
    }
    if (s->wake_fd >= 0)
        close(s->wake_fd);
    s->wake_fd = -1;
    s->last = NULL;
    source_log(s);
}

static int
source_open(void *instance, const struct tocsin_start *starts, size_t n_starts)
{
    struct source *s = instance;
    char why[512] = "out of memory";
    s->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    s->member = calloc(1, sizeof *s->member);
    if (s->wake_fd < 0 || !s->member || parts_init(&s->parts) < 0) {
        free(s->member);
        s->member = NULL;
        source_close(s);
        return s->host->fail(s->ctx, why);
    }
    *s->member = (struct member){.settings = &s->settings,
                                 .host = s->host,
                                 .ctx = s->ctx,
                                 .parts = &s->parts,
                                 .notes = &s->notes,
                                 .wake_fd = s->wake_fd};
    if (source_starts(s, starts, n_starts) < 0 ||
        member_open(s->member, why, sizeof why) < 0) {
        source_close(s);
        return s->host->fail(s->ctx, why);
    }
    return 0;
}

static uint32_t
source_id(struct source *s, struct part *p)
{
    if (!p->has_id) {
        p->id = s->host->partition(s->ctx, p->name, p->name_size);
        p->has_id = true;
    }
    return p->id;
}

/* What the parts have to say.  Returns a status, or 0. */
static int
source_say(struct source *s, struct tocsin_chunk *ret)
{
    if (atomic_load(&s->member->failed))
        return s->host->fail(s->ctx, s->member->fatal);
    struct part *p;
    char why[sizeof p->why];
    pthread_mutex_lock(&s->parts.lock);
    unsigned what = parts_take(&s->parts, &p);
    if (what) {
        ret->partition =
            p == &s->parts.all ? TOCSIN_ALL_PARTITIONS : source_id(s, p);
        memcpy(why, p->why, sizeof why);
    }
    pthread_mutex_unlock(&s->parts.lock);
    switch (what) {
    case SAY_DOWN:
        s->host->fail(s->ctx, why);
        return TOCSIN_DOWN;
    case SAY_GONE:
        return TOCSIN_GONE;
    case SAY_CAUGHT_UP:
        return TOCSIN_CAUGHT_UP;
    default:
        return 0;
    }
}

/* The message's part.  Wants the lock. */
static struct part *
source_part(struct source *s, const rd_kafka_message_t *msg)
{
    if (!msg->rkt)
        return NULL;
    const char *topic = rd_kafka_topic_name(msg->rkt);
    if (!s->last || s->last->number != msg->partition ||
        strcmp(s->last->topic, topic) != 0)
        s->last = parts_find(&s->parts, topic, msg->partition);
    return s->last;
}

/* The partition's end.  Wants the lock.  Returns a status, or 0. */
static int
source_end(struct part *p, const rd_kafka_message_t *msg)
{
    if (msg->offset < p->next)
        return 0; /* found before the newest start */
    /* Where it jumps ahead, there is nothing to sync in between: "latest", or
     * aborted and compacted messages. */
    if (p->next < 0 || p->synced == p->next)
        p->synced = msg->offset;
    p->next = msg->offset;
    p->at_end = true;
    p->said_down_us = 0;
    return TOCSIN_CAUGHT_UP;
}

/* An error of the partition.  Wants the lock. */
static void
source_error(struct source *s, struct part *p, const rd_kafka_message_t *msg)
{
    if (msg->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
        p->lost = true;
    } else if (badbatch_is(msg->err)) {
        p->bad = msg->offset > 0 ? msg->offset : 0;
    } else {
        char why[256];
        snprintf(why, sizeof why, "%s", rd_kafka_message_errstr(msg));
        notes_scrub(&s->notes, why);
        p->at_end = false;
        health_down(&s->parts, p, s->host->boot_us(s->ctx), why);
        return;
    }
    atomic_store(&s->member->mend, true);
}

static void
source_headers(struct source *s, struct tocsin_chunk *ret)
{
    rd_kafka_headers_t *headers;
    if (rd_kafka_message_headers(s->message, &headers) !=
        RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    size_t n = rd_kafka_header_cnt(headers);
    if (n > HEADERS_MAX)
        n = HEADERS_MAX;
    if (n > s->headers_max) {
        struct tocsin_header *grown =
            realloc(s->headers, n * sizeof *s->headers);
        if (!grown)
            return;
        s->headers = grown;
        s->headers_max = n;
    }
    for (size_t i = 0; i < n; i++) {
        struct tocsin_header *h = &s->headers[i];
        const void *value = NULL;
        h->value_size = 0;
        if (rd_kafka_header_get_all(headers, i, &h->name, &value,
                                    &h->value_size) !=
            RD_KAFKA_RESP_ERR_NO_ERROR)
            break;
        h->name_size = strlen(h->name);
        h->value = value;
        ret->n_headers++;
    }
    ret->headers = s->headers;
}

static void
source_nudge(struct source *s, const rd_kafka_message_t *msg)
{
    s->n_messages++;
    s->n_bytes += msg->len;
    if (s->n_messages < s->settings.nudge_messages &&
        s->n_bytes < s->settings.nudge_bytes)
        return;
    s->n_messages = s->n_bytes = 0;
    atomic_store(&s->member->nudge, true);
    member_wake(s->member);
}

static int
source_chunk(struct source *s, rd_kafka_message_t *msg,
             struct tocsin_chunk *ret)
{
    s->message = msg;
    source_nudge(s, msg);
    ret->flags = TOCSIN_CHUNK_MESSAGE;
    ret->n_headers = 0;
    ret->data = msg->payload ? msg->payload : "";
    ret->size = msg->payload ? msg->len : 0;
    ret->key = msg->key;
    ret->key_size = msg->key ? msg->key_len : 0;
    ret->headers = NULL;
    ret->next = (struct tocsin_position){.offset = (uint64_t)msg->offset + 1};
    ret->received_us = 0;
    source_headers(s, ret);
    return TOCSIN_CHUNK;
}

/* Returns a status, or 0 where the message is not for the host. */
static int
source_take(struct source *s, rd_kafka_message_t *msg, struct tocsin_chunk *ret)
{
    int status = 0;
    pthread_mutex_lock(&s->parts.lock);
    struct part *p = source_part(s, msg);
    bool wanted = p && p->owned && !p->lost && p->bad < 0;
    if (wanted && msg->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        status = source_end(p, msg);
    } else if (wanted && msg->err) {
        source_error(s, p, msg);
    } else if (wanted && msg->offset >= p->next) {
        /* Less than 'next': fetched before the newest start. */
        p->next = msg->offset + 1;
        p->at_end = false;
        p->ask_group = false;
        p->said_down_us = 0;
        status = TOCSIN_CHUNK;
    }
    if (status)
        ret->partition = source_id(s, p);
    pthread_mutex_unlock(&s->parts.lock);
    if (status == TOCSIN_CHUNK)
        return source_chunk(s, msg, ret);
    if (atomic_load(&s->member->mend))
        member_wake(s->member);
    rd_kafka_message_destroy(msg);
    return status;
}

/* Until there is a message, something to say, or the host wakes us.  Returns 1
 * to look again, 0 for the deadline or the host. */
static int
source_wait(struct source *s, int64_t deadline_us)
{
    struct pollfd fds[2] = {
        {.fd = s->host->wake_fd(s->ctx), .events = POLLIN},
        {.fd = s->wake_fd, .events = POLLIN},
    };
    int64_t left_us = deadline_us - s->host->boot_us(s->ctx);
    if (left_us < 0)
        left_us = 0;
    struct timespec ts = {.tv_sec = left_us / 1000000,
                          .tv_nsec = left_us % 1000000 * 1000};
    int r = ppoll(fds, 2, &ts, NULL);
    if (r <= 0)
        return r < 0 && errno == EINTR;
    uint64_t count;
    if (fds[1].revents && read(s->wake_fd, &count, sizeof count) < 0)
        count = 0;
    return fds[0].revents == 0;
}

static int
source_read(void *instance, int64_t deadline_us, struct tocsin_chunk *ret)
{
    struct source *s = instance;
    source_release(s);
    for (;;) {
        source_log(s);
        int status = source_say(s, ret);
        if (status)
            return status;
        rd_kafka_message_t *msg =
            rd_kafka_consume_queue(s->member->messages, 0);
        if (!msg) {
            if (!source_wait(s, deadline_us))
                return TOCSIN_IDLE;
            continue;
        }
        status = source_take(s, msg, ret);
        if (status)
            return status;
        if (s->host->boot_us(s->ctx) >= deadline_us)
            return TOCSIN_IDLE;
    }
}

static void
source_commit(void *instance, uint32_t partition,
              const struct tocsin_position *position)
{
    struct source *s = instance;
    if (!s->member)
        return;
    pthread_mutex_lock(&s->parts.lock);
    struct part *p = parts_by_id(&s->parts, partition);
    if (p && p->synced != (int64_t)position->offset) {
        p->synced = (int64_t)position->offset;
        pthread_cond_signal(&s->parts.synced);
    }
    pthread_mutex_unlock(&s->parts.lock);
}

static const struct tocsin_plugin plugin = {
    TOCSIN_PLUGIN_HEAD,
    .kind = TOCSIN_SOURCE,
    .name = "kafka",
    .version = PACKAGE_VERSION,
    .summary = "Reads topics of Kafka or Azure Event Hubs.",
    .options = kafka_options,
    .n_options = KAFKA_OPTIONS,
    .option_size = sizeof kafka_options[0],
    .options_struct_size = sizeof(struct kafka_options),
    .metrics = kafka_metrics,
    .n_metrics = KAFKA_METRICS,
    .metric_size = sizeof kafka_metrics[0],
    .create = source_create,
    .destroy = source_destroy,
    .open = source_open,
    .read = source_read,
    .commit = source_commit,
    .close = source_close,
};

TOCSIN_PLUGIN_REGISTER(plugin)
