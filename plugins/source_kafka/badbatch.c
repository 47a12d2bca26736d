/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <time.h>

#include "plugins/source_kafka/badbatch.h"

#define ASK_TIMEOUT_MS 5000
#define SEARCH_TIMEOUT_S 30

bool
badbatch_is(rd_kafka_resp_err_t err)
{
    return err == RD_KAFKA_RESP_ERR__BAD_MSG ||
           err == RD_KAFKA_RESP_ERR__BAD_COMPRESSION ||
           err == RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED ||
           err == RD_KAFKA_RESP_ERR_INVALID_MSG ||
           err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
}

int64_t
badbatch_search(int64_t base, badbatch_ask_fn ask, void *arg)
{
    int64_t inside = base;
    int64_t behind = -1;
    int64_t step = 1;
    int first = ask(arg, base);
    if (first != 0)
        return first < 0 ? -1 : base;
    while (behind < 0) {
        if (step > INT64_C(1) << 32)
            return -1;
        int r = ask(arg, base + step);
        if (r < 0)
            return -1;
        if (r == 0)
            inside = base + step;
        else
            behind = base + step;
        step *= 2;
    }
    while (behind - inside > 1) {
        int64_t middle = inside + (behind - inside) / 2;
        int r = ask(arg, middle);
        if (r < 0)
            return -1;
        if (r == 0)
            inside = middle;
        else
            behind = middle;
    }
    return behind;
}

struct asker {
    rd_kafka_topic_t *topic;
    int32_t number;
    int64_t base;
    int64_t end_ms; /* CLOCK_MONOTONIC */
};

static int64_t
now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* What an answer says; -2: nothing, ask on. */
static int
asker_judge(const struct asker *asker, rd_kafka_resp_err_t err, int64_t offset)
{
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR ||
        err == RD_KAFKA_RESP_ERR__PARTITION_EOF ||
        err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
        return 1;
    if (badbatch_is(err))
        return offset == asker->base ? 0 : 1;
    return -2;
}

static int
asker_ask(void *arg, int64_t offset)
{
    const struct asker *asker = arg;
    int64_t end_ms = now_ms() + ASK_TIMEOUT_MS;
    if (end_ms > asker->end_ms)
        end_ms = asker->end_ms;
    if (rd_kafka_consume_start(asker->topic, asker->number, offset) < 0)
        return -1;
    int r = -2;
    while (r == -2 && now_ms() < end_ms) {
        rd_kafka_message_t *msg =
            rd_kafka_consume(asker->topic, asker->number, 200);
        if (!msg)
            continue;
        r = asker_judge(asker, msg->err, msg->offset);
        rd_kafka_message_destroy(msg);
    }
    /* Throws away what else came, so that no answer is taken for the next. */
    rd_kafka_consume_stop(asker->topic, asker->number);
    return r == -2 ? -1 : r;
}

static rd_kafka_t *
asker_client(const rd_kafka_conf_t *conf)
{
    char text[256];
    rd_kafka_conf_t *copy = rd_kafka_conf_dup(conf);
    rd_kafka_conf_set(copy, "log.queue", "false", text, sizeof text);
    rd_kafka_conf_set(copy, "statistics.interval.ms", "0", text, sizeof text);
    rd_kafka_conf_set_log_cb(copy, NULL);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, copy, text, sizeof text);
    if (!rk)
        rd_kafka_conf_destroy(copy);
    return rk;
}

int64_t
badbatch_end(const rd_kafka_conf_t *conf, const char *topic, int32_t number,
             int64_t base)
{
    rd_kafka_t *rk = asker_client(conf);
    if (!rk)
        return -1;
    struct asker asker = {
        .topic = rd_kafka_topic_new(rk, topic, NULL),
        .number = number,
        .base = base,
        .end_ms = now_ms() + SEARCH_TIMEOUT_S * 1000,
    };
    int64_t end = -1;
    if (asker.topic) {
        end = badbatch_search(base, asker_ask, &asker);
        rd_kafka_topic_destroy(asker.topic);
    }
    rd_kafka_destroy(rk);
    return end;
}
