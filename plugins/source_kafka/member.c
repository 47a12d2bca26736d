/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "plugins/source_kafka/assign.h"
#include "plugins/source_kafka/health.h"
#include "plugins/source_kafka/member.h"
#include "plugins/source_kafka/tables.h"

#define COMMIT_EVERY_US 1000000
#define MEND_EVERY_US 1000000
#define REASON_US 60000000       /* an error explains trouble for so long */
#define CLOSE_TIMEOUT_US 3000000 /* then connections are cut */

void
member_wake(struct member *m)
{
    rd_kafka_queue_yield(m->control);
}

void
member_wake_reader(struct member *m)
{
    uint64_t one = 1;
    ssize_t r = write(m->wake_fd, &one, sizeof one);
    (void)r; /* full: it is awake */
}

static void
member_reason(struct member *m, const char *text)
{
    snprintf(m->reason, sizeof m->reason, "%s", text);
    notes_scrub(m->notes, m->reason);
    m->reason_us = m->host->boot_us(m->ctx);
}

/* Errors after which nobody is reached, or nobody lets us in. */
static bool
is_outage(rd_kafka_resp_err_t err)
{
    switch (err) {
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
        return true;
    default:
        return false;
    }
}

static void
member_error(struct member *m, rd_kafka_event_t *ev)
{
    rd_kafka_resp_err_t err = rd_kafka_event_error(ev);
    const char *text = rd_kafka_event_error_string(ev);
    m->host->metric(m->ctx, METRIC_ERRORS, 1);
    if (rd_kafka_event_error_is_fatal(ev)) {
        rd_kafka_fatal_error(m->rk, m->fatal, sizeof m->fatal);
        notes_scrub(m->notes, m->fatal);
        atomic_store(&m->failed, true);
        member_wake_reader(m);
        return;
    }
    /* "All brokers are down" says less than what came before it. */
    if (err != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || !*m->reason)
        member_reason(m, text);
    notes_add(m->notes, TOCSIN_LOG_WARN, "%s", text);
    if (!is_outage(err))
        return;
    pthread_mutex_lock(&m->parts->lock);
    /* Where there are partitions, the statistics tell which are out of reach,
     * and an idle connection that was closed is no outage. */
    if (parts_owned(m->parts) == 0)
        health_down(m->parts, &m->parts->all, m->host->boot_us(m->ctx),
                    m->reason);
    pthread_mutex_unlock(&m->parts->lock);
    member_wake_reader(m);
}

static void
member_rebalance(struct member *m, rd_kafka_event_t *ev)
{
    m->host->metric(m->ctx, METRIC_REBALANCES, 1);
    switch (rd_kafka_event_error(ev)) {
    case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
        assign_take(m, rd_kafka_event_topic_partition_list(ev));
        break;
    case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS:
        assign_give_back(m, rd_kafka_assignment_lost(m->rk));
        break;
    default:
        notes_add(m->notes, TOCSIN_LOG_WARN, "rebalance failed: %s",
                  rd_kafka_event_error_string(ev));
        assign_give_back(m, /* lost= */ true);
        break;
    }
}

static void
member_stats(struct member *m, rd_kafka_event_t *ev)
{
    const char *json = rd_kafka_event_stats(ev);
    struct health h = {
        .now_us = m->host->boot_us(m->ctx),
        .fetch_wait_ms = m->settings->fetch_wait_ms,
        .queued = rd_kafka_queue_length(m->messages) > 0,
    };
    if (h.now_us - m->reason_us > REASON_US)
        m->reason[0] = '\0';
    h.reason = m->reason;
    if (health_round(m->parts, json, strlen(json), &h) < 0) {
        notes_add(m->notes, TOCSIN_LOG_WARN, "statistics can't be read");
        return;
    }
    m->host->metric(m->ctx, METRIC_LAG, h.lag);
    m->host->metric(m->ctx, METRIC_QUEUED,
                    (double)rd_kafka_queue_length(m->messages));
    assign_forward(m);
    member_wake_reader(m);
}

static void
member_log(struct member *m, rd_kafka_event_t *ev)
{
    const char *facility;
    const char *text;
    int level;
    if (rd_kafka_event_log(ev, &facility, &text, &level) < 0)
        return;
    /* Errors come as events too: one line is enough. */
    if (strcmp(facility, "FAIL") == 0 || strcmp(facility, "ERROR") == 0)
        level = TOCSIN_LOG_DEBUG;
    else if (level < TOCSIN_LOG_ERROR)
        level = TOCSIN_LOG_ERROR;
    else if (level == 5)
        level = TOCSIN_LOG_INFO;
    notes_add(m->notes, level, "librdkafka: %s: %s", facility, text);
}

static void
member_event(struct member *m, rd_kafka_event_t *ev)
{
    switch (rd_kafka_event_type(ev)) {
    case RD_KAFKA_EVENT_REBALANCE:
        member_rebalance(m, ev);
        break;
    case RD_KAFKA_EVENT_ERROR:
        member_error(m, ev);
        break;
    case RD_KAFKA_EVENT_STATS:
        member_stats(m, ev);
        break;
    case RD_KAFKA_EVENT_LOG:
        member_log(m, ev);
        break;
    case RD_KAFKA_EVENT_OFFSET_COMMIT:
        assign_committed(m, ev);
        break;
    default:
        break;
    }
    rd_kafka_event_destroy(ev);
}

/* Commits, closes, and lets go of what closing gives back. */
static void
member_leave(struct member *m)
{
    assign_commit_last(m);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(m->rk);
    rd_kafka_error_t *err = rd_kafka_consumer_close_queue(m->rk, queue);
    int64_t end_us = m->host->boot_us(m->ctx) + CLOSE_TIMEOUT_US;
    bool cut = false;
    while (!err && !rd_kafka_consumer_closed(m->rk)) {
        int64_t now_us = m->host->boot_us(m->ctx);
        if (now_us >= end_us && cut)
            break;
        if (now_us >= end_us) {
            sockets_cut(&m->sockets);
            cut = true;
            end_us += CLOSE_TIMEOUT_US;
        }
        rd_kafka_event_t *ev = rd_kafka_queue_poll(queue, 50);
        if (!ev)
            continue;
        if (rd_kafka_event_type(ev) == RD_KAFKA_EVENT_REBALANCE)
            rd_kafka_assign(m->rk, NULL);
        rd_kafka_event_destroy(ev);
    }
    if (err)
        rd_kafka_error_destroy(err);
    rd_kafka_queue_destroy(queue);
    sockets_cut(&m->sockets);
}

static void *
member_main(void *arg)
{
    struct member *m = arg;
    while (!atomic_load(&m->stopping)) {
        rd_kafka_event_t *ev = rd_kafka_queue_poll(m->control, 500);
        if (ev)
            member_event(m, ev);
        if (atomic_exchange(&m->nudge, false))
            assign_nudge(m);
        int64_t now_us = m->host->boot_us(m->ctx);
        if (now_us >= m->mend_us && atomic_exchange(&m->mend, false)) {
            assign_mend(m);
            m->mend_us = m->host->boot_us(m->ctx) + MEND_EVERY_US;
        }
        if (now_us - m->commit_us >= COMMIT_EVERY_US) {
            assign_commit(m);
            m->commit_us = now_us;
        }
    }
    member_leave(m);
    return NULL;
}

static int
member_subscribe(struct member *m)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)m->settings->n_topics);
    for (size_t i = 0; i < m->settings->n_topics; i++)
        rd_kafka_topic_partition_list_add(list, m->settings->topics[i],
                                          RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t err = rd_kafka_subscribe(m->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    return (int)err;
}

/* Signals are the host's; the thread inherits a full mask. */
static int
member_start(struct member *m)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = pthread_create(&m->thread, NULL, member_main, m);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return r;
}

static int
member_client(struct member *m, char *why, size_t why_size)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_dup(m->settings->conf);
    rd_kafka_conf_set_events(conf,
                             RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_ERROR |
                                 RD_KAFKA_EVENT_STATS | RD_KAFKA_EVENT_LOG |
                                 RD_KAFKA_EVENT_OFFSET_COMMIT);
    sockets_use(&m->sockets, conf);
    if (rd_kafka_conf_set(conf, "group.id", m->settings->group, why,
                          why_size) == RD_KAFKA_CONF_OK &&
        rd_kafka_conf_set(conf, "group.instance.id", m->settings->instance, why,
                          why_size) == RD_KAFKA_CONF_OK)
        m->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, why_size);
    if (m->rk)
        return 0;
    rd_kafka_conf_destroy(conf);
    notes_scrub(m->notes, why);
    return -1;
}

int
member_open(struct member *m, char *why, size_t why_size)
{
    sockets_init(&m->sockets);
    if (member_client(m, why, why_size) < 0) {
        sockets_fini(&m->sockets);
        return -1;
    }
    rd_kafka_poll_set_consumer(m->rk);
    m->control = rd_kafka_queue_get_consumer(m->rk);
    m->messages = rd_kafka_queue_new(m->rk);
    rd_kafka_set_log_queue(m->rk, m->control);
    static const uint64_t one = 1;
    rd_kafka_queue_io_event_enable(m->messages, m->wake_fd, &one, sizeof one);

    int err = member_subscribe(m);
    if (err)
        snprintf(why, why_size, "can't subscribe: %s",
                 rd_kafka_err2str((rd_kafka_resp_err_t)err));
    else if (member_start(m) != 0)
        snprintf(why, why_size, "no thread for the group's member");
    else
        return 0;
    rd_kafka_queue_destroy(m->messages);
    rd_kafka_queue_destroy(m->control);
    rd_kafka_destroy(m->rk);
    m->rk = NULL;
    sockets_fini(&m->sockets);
    return -1;
}

void
member_close(struct member *m)
{
    if (!m->rk)
        return;
    atomic_store(&m->stopping, true);
    pthread_cond_broadcast(&m->parts->synced);
    member_wake(m);
    pthread_join(m->thread, NULL);
    rd_kafka_queue_io_event_enable(m->messages, -1, NULL, 0);
    rd_kafka_queue_destroy(m->messages);
    rd_kafka_queue_destroy(m->control);
    if (rd_kafka_consumer_closed(m->rk))
        rd_kafka_destroy(m->rk);
    else
        rd_kafka_destroy_flags(m->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    m->rk = NULL;
    sockets_fini(&m->sockets);
}
