/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "plugins/source_kafka/assign.h"
#include "plugins/source_kafka/badbatch.h"
#include "plugins/source_kafka/tables.h"

#define ASK_TIMEOUT_MS 5000
#define SYNC_WAIT_MS 2000 /* for the host, when partitions are given back */
#define COMMIT_WAIT_MS 2000
#define NUDGE_TIMEOUT_MS 500
#define RETRY_NS 100000000

static void
forward(struct member *m, const char *topic, int32_t number)
{
    rd_kafka_queue_t *queue =
        rd_kafka_queue_get_partition(m->rk, topic, number);
    if (!queue)
        return;
    rd_kafka_queue_forward(queue, m->messages);
    rd_kafka_queue_destroy(queue);
}

void
assign_forward(struct member *m)
{
    pthread_mutex_lock(&m->parts->lock);
    for (size_t i = 0; i < m->parts->n; i++)
        if (m->parts->items[i]->owned)
            forward(m, m->parts->items[i]->topic, m->parts->items[i]->number);
    pthread_mutex_unlock(&m->parts->lock);
}

static int64_t
start_of(const struct member *m, const struct part *p)
{
    if (p->next >= 0)
        return p->next;
    /* librdkafka goes on asking; if the group has none, p will be lost. */
    if (p->ask_group)
        return RD_KAFKA_OFFSET_STORED;
    return m->settings->start == START_LATEST ? RD_KAFKA_OFFSET_END
                                              : RD_KAFKA_OFFSET_BEGINNING;
}

/* Tells librdkafka to read the parts that are ours, each from 'next'.  Stopping
 * a partition undoes its forwarding, a moment later in librdkafka's thread: an
 * assignment after the stop has passed that thread finds it done. */
static void
assign_start(struct member *m)
{
    rd_kafka_assign(m->rk, NULL);
    rd_kafka_assign(m->rk, NULL);
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(8);
    assign_forward(m);
    pthread_mutex_lock(&m->parts->lock);
    for (size_t i = 0; i < m->parts->n; i++) {
        struct part *p = m->parts->items[i];
        if (!p->owned)
            continue;
        rd_kafka_topic_partition_list_add(list, p->topic, p->number)->offset =
            start_of(m, p);
        p->at_end = false;
    }
    pthread_mutex_unlock(&m->parts->lock);
    rd_kafka_resp_err_t err = rd_kafka_assign(m->rk, list);
    if (err)
        notes_add(m->notes, TOCSIN_LOG_ERROR, "can't take over partitions: %s",
                  rd_kafka_err2str(err));
    rd_kafka_topic_partition_list_destroy(list);
}

/* Asks for the group's offsets.  They are a hint: where there is no answer, the
 * journal's positions are as good. */
static void
ask_committed(struct member *m, rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int i = 0; i < 3 && !atomic_load(&m->stopping); i++) {
        err = rd_kafka_committed(m->rk, list, ASK_TIMEOUT_MS);
        if (!err)
            return;
    }
    notes_add(m->notes, TOCSIN_LOG_WARN,
              "no answer about the group's offsets (%s), going on with the "
              "journal's",
              rd_kafka_err2str(err));
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = RD_KAFKA_OFFSET_STORED;
}

static void
take_part(struct member *m, const rd_kafka_topic_partition_t *from)
{
    struct part *p = parts_get(m->parts, from->topic, from->partition);
    if (!p) {
        notes_add(m->notes, TOCSIN_LOG_ERROR, "out of memory: %s/%d not read",
                  from->topic, (int)from->partition);
        return;
    }
    p->owned = true;
    p->rebalancing = false;
    p->trouble_us = 0;
    p->said_down_us = 0;
    p->ask_group = from->offset == RD_KAFKA_OFFSET_STORED;
    if (from->offset >= 0) {
        if (from->offset > p->next) {
            p->next = from->offset;
            p->lost = false;
        }
        p->sent = p->committed = from->offset;
    }
}

void
assign_take(struct member *m, const rd_kafka_topic_partition_list_t *given)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_copy(given);
    if (list->cnt > 0)
        ask_committed(m, list);
    pthread_mutex_lock(&m->parts->lock);
    for (int i = 0; i < list->cnt; i++)
        take_part(m, &list->elems[i]);
    for (size_t i = 0; i < m->parts->n; i++) {
        struct part *p = m->parts->items[i];
        if (p->rebalancing)
            parts_say(m->parts, p, SAY_GONE, NULL);
        p->rebalancing = false;
    }
    m->parts->all.trouble_us = 0;
    m->parts->all.said_down_us = 0;
    pthread_mutex_unlock(&m->parts->lock);
    assign_start(m);
    member_wake_reader(m);
    notes_add(m->notes, TOCSIN_LOG_INFO, "%d partitions assigned", list->cnt);
    m->host->metric(m->ctx, METRIC_PARTITIONS, (double)list->cnt);
    rd_kafka_topic_partition_list_destroy(list);
}

/* Is all that was read synced?  Wants the lock. */
static bool
all_synced(const struct parts *ps)
{
    for (size_t i = 0; i < ps->n; i++)
        if (ps->items[i]->rebalancing && ps->items[i]->next >= 0 &&
            ps->items[i]->synced < ps->items[i]->next &&
            ps->items[i]->committed < ps->items[i]->next)
            return false;
    return true;
}

static void
wait_synced(struct member *m)
{
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += SYNC_WAIT_MS / 1000;
    pthread_mutex_lock(&m->parts->lock);
    int r = 0;
    while (r == 0 && !all_synced(m->parts) && !atomic_load(&m->stopping))
        r = pthread_cond_timedwait(&m->parts->synced, &m->parts->lock, &end);
    pthread_mutex_unlock(&m->parts->lock);
}

void
assign_committed(struct member *m, rd_kafka_event_t *ev)
{
    rd_kafka_resp_err_t err = rd_kafka_event_error(ev);
    const rd_kafka_topic_partition_list_t *list =
        rd_kafka_event_topic_partition_list(ev);
    rd_kafka_resp_err_t failed = RD_KAFKA_RESP_ERR_NO_ERROR;
    pthread_mutex_lock(&m->parts->lock);
    for (int i = 0; list && i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *tp = &list->elems[i];
        struct part *p = parts_find(m->parts, tp->topic, tp->partition);
        if (p && !err && !tp->err)
            p->committed = tp->offset;
        else if (p && p->sent == tp->offset)
            p->sent = -1; /* again with the next */
        if (err || tp->err)
            failed = err ? err : tp->err;
    }
    pthread_mutex_unlock(&m->parts->lock);
    if (!failed)
        return;
    m->host->metric(m->ctx, METRIC_COMMIT_FAILURES, 1);
    notes_add(m->notes, TOCSIN_LOG_WARN, "commit failed, trying again: %s",
              rd_kafka_err2str(failed));
}

/* The positions that are synced: those that were not sent yet, or, for a last
 * time, those that the broker has not confirmed.  NULL: none. */
static rd_kafka_topic_partition_list_t *
commit_list(struct member *m, bool last)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(8);
    pthread_mutex_lock(&m->parts->lock);
    for (size_t i = 0; i < m->parts->n; i++) {
        struct part *p = m->parts->items[i];
        if (!p->owned && !(last && p->rebalancing))
            continue;
        if (p->synced < 0 || p->synced == (last ? p->committed : p->sent))
            continue;
        rd_kafka_topic_partition_list_add(list, p->topic, p->number)->offset =
            p->synced;
        p->sent = p->synced;
    }
    pthread_mutex_unlock(&m->parts->lock);
    if (list->cnt > 0)
        return list;
    rd_kafka_topic_partition_list_destroy(list);
    return NULL;
}

void
assign_commit(struct member *m)
{
    rd_kafka_topic_partition_list_t *list = commit_list(m, /* last= */ false);
    if (!list)
        return;
    rd_kafka_commit_queue(m->rk, list, m->control, NULL, NULL);
    rd_kafka_topic_partition_list_destroy(list);
}

void
assign_commit_last(struct member *m)
{
    int64_t end_us = m->host->boot_us(m->ctx) + COMMIT_WAIT_MS * INT64_C(1000);
    rd_kafka_queue_t *answers = rd_kafka_queue_new(m->rk);
    rd_kafka_topic_partition_list_t *list;
    while ((list = commit_list(m, /* last= */ true)) != NULL) {
        int64_t left_us = end_us - m->host->boot_us(m->ctx);
        rd_kafka_event_t *ev = NULL;
        rd_kafka_commit_queue(m->rk, list, answers, NULL, NULL);
        rd_kafka_topic_partition_list_destroy(list);
        if (left_us > 0)
            ev = rd_kafka_queue_poll(answers, (int)(left_us / 1000) + 1);
        if (!ev) {
            notes_add(m->notes, TOCSIN_LOG_WARN,
                      "the last commit was not confirmed within %d ms",
                      COMMIT_WAIT_MS);
            break;
        }
        bool failed = rd_kafka_event_error(ev) != RD_KAFKA_RESP_ERR_NO_ERROR;
        assign_committed(m, ev);
        rd_kafka_event_destroy(ev);
        if (failed)
            nanosleep(&(struct timespec){.tv_nsec = RETRY_NS}, NULL);
    }
    rd_kafka_queue_destroy(answers);
}

void
assign_give_back(struct member *m, bool lost)
{
    bool stopping = atomic_load(&m->stopping);
    pthread_mutex_lock(&m->parts->lock);
    for (size_t i = 0; i < m->parts->n; i++) {
        struct part *p = m->parts->items[i];
        if (!p->owned)
            continue;
        p->owned = false;
        p->rebalancing = true;
        p->at_end = false;
        if (!stopping)
            parts_say(m->parts, p, SAY_DOWN, "the group is rebalancing");
    }
    pthread_mutex_unlock(&m->parts->lock);
    m->host->metric(m->ctx, METRIC_PARTITIONS, 0);
    member_wake_reader(m);
    if (!lost) {
        if (!stopping)
            wait_synced(m);
        assign_commit_last(m);
    }
    rd_kafka_assign(m->rk, NULL);
}

/* A thread of librdkafka 2.0.2 that found the queue full looks again when it is
 * woken, or after a second: far too late for a reader that empties the queue in
 * a tenth of that.  Any request to a broker wakes the broker's thread; a
 * partition's end is a cheap one. */
void
assign_nudge(struct member *m)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(8);
    pthread_mutex_lock(&m->parts->lock);
    for (size_t i = 0; i < m->parts->n; i++) {
        const struct part *p = m->parts->items[i];
        bool asked = !p->owned;
        for (size_t j = 0; j < i && !asked; j++)
            asked = m->parts->items[j]->owned &&
                    m->parts->items[j]->leader == p->leader;
        if (!asked)
            rd_kafka_topic_partition_list_add(list, p->topic, p->number)
                ->offset = RD_KAFKA_OFFSET_END;
    }
    pthread_mutex_unlock(&m->parts->lock);
    if (list->cnt > 0)
        rd_kafka_offsets_for_times(m->rk, list, NUDGE_TIMEOUT_MS);
    rd_kafka_topic_partition_list_destroy(list);
}

/* A position that the broker does not have: too old, or a topic that was made
 * anew.  What is there is read from its beginning, since reading twice is
 * better than missing. */
static bool
mend_lost(struct member *m, const char *topic, int32_t number, int64_t *next)
{
    if (*next < 0)
        return true; /* as the option "start" says */
    int64_t low;
    int64_t high;
    rd_kafka_resp_err_t err = rd_kafka_query_watermark_offsets(
        m->rk, topic, number, &low, &high, ASK_TIMEOUT_MS);
    if (err)
        return false;
    if (*next >= low && *next <= high)
        return true;
    if (*next < low) {
        m->host->metric(m->ctx, METRIC_LOST, (double)(low - *next));
        notes_add(m->notes, TOCSIN_LOG_ERROR,
                  "%s/%d: %" PRId64 " messages were deleted before they were "
                  "read, going on at %" PRId64,
                  topic, (int)number, low - *next, low);
    } else {
        notes_add(m->notes, TOCSIN_LOG_ERROR,
                  "%s/%d: offset %" PRId64 " is behind the end %" PRId64
                  " (topic made anew?), going on at %" PRId64,
                  topic, (int)number, *next, high, low);
    }
    *next = low;
    return true;
}

static bool
mend_bad(struct member *m, const char *topic, int32_t number, int64_t bad,
         int64_t *next)
{
    int64_t end = badbatch_end(m->settings->conf, topic, number, bad);
    if (end < 0)
        return false;
    int64_t from = *next > bad ? *next : bad;
    if (end <= from)
        return true;
    m->host->metric(m->ctx, METRIC_SKIPPED, (double)(end - from));
    notes_add(m->notes, TOCSIN_LOG_ERROR,
              "%s/%d: %" PRId64 " messages from offset %" PRId64
              " can't be read, skipping them",
              topic, (int)number, end - from, from);
    *next = end;
    return true;
}

void
assign_mend(struct member *m)
{
    bool again = false;
    bool moved = false;
    pthread_mutex_lock(&m->parts->lock);
    for (size_t i = 0; i < m->parts->n; i++) {
        struct part *p = m->parts->items[i];
        if (!p->owned || (!p->lost && p->bad < 0))
            continue;
        int64_t next = p->next;
        int64_t bad = p->bad;
        /* Only this thread changes 'owned'; the reader hands out nothing of a
         * part that is lost or bad. */
        pthread_mutex_unlock(&m->parts->lock);
        bool done = bad >= 0 ? mend_bad(m, p->topic, p->number, bad, &next)
                             : mend_lost(m, p->topic, p->number, &next);
        pthread_mutex_lock(&m->parts->lock);
        if (!done) {
            again = true;
            continue;
        }
        p->next = next;
        p->lost = false;
        p->ask_group = false;
        p->bad = -1;
        moved = true;
    }
    pthread_mutex_unlock(&m->parts->lock);
    if (moved)
        assign_start(m);
    if (again)
        atomic_store(&m->mend, true);
}
