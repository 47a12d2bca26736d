/* SPDX-License-Identifier: Apache-2.0 */
/* kmock.c - librdkafka's mock cluster, in a process of its own, which obeys
 * lines on standard input and answers each with "ok" or "failed WHY":
 *
 *     kmock BROKERS          prints "brokers HOST:PORT,…" first
 *
 *     topic NAME PARTITIONS
 *     errors API CODE COUNT  the next COUNT requests of that kind fail so
 *     delay BROKER API CODE MS   one request fails so after that time
 *     rtt BROKER MS          each answer takes so long
 *     down BROKER | up BROKER
 *     leader TOPIC PARTITION BROKER
 *     topic-error NAME CODE
 *     coordinator GROUP BROKER */
#include "config.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 8

static rd_kafka_mock_cluster_t *cluster;

static int
num(const char *word)
{
    return (int)strtol(word, NULL, 10);
}

static rd_kafka_resp_err_t
push_errors(const char *api, const char *code, int count)
{
    for (int i = 0; i < count; i++)
        rd_kafka_mock_push_request_errors(cluster, (int16_t)num(api), 1,
                                          (rd_kafka_resp_err_t)num(code));
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t
topic_error(const char *topic, const char *code)
{
    rd_kafka_mock_topic_set_error(cluster, topic,
                                  (rd_kafka_resp_err_t)num(code));
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t
obey(int n, char **w)
{
    if (n == 3 && strcmp(w[0], "topic") == 0)
        return rd_kafka_mock_topic_create(cluster, w[1], num(w[2]), 1);
    if (n == 4 && strcmp(w[0], "errors") == 0)
        return push_errors(w[1], w[2], num(w[3]));
    if (n == 5 && strcmp(w[0], "delay") == 0)
        return rd_kafka_mock_broker_push_request_error_rtts(
            cluster, num(w[1]), (int16_t)num(w[2]), 1,
            (rd_kafka_resp_err_t)num(w[3]), num(w[4]));
    if (n == 3 && strcmp(w[0], "rtt") == 0)
        return rd_kafka_mock_broker_set_rtt(cluster, num(w[1]), num(w[2]));
    if (n == 2 && strcmp(w[0], "down") == 0)
        return rd_kafka_mock_broker_set_down(cluster, num(w[1]));
    if (n == 2 && strcmp(w[0], "up") == 0)
        return rd_kafka_mock_broker_set_up(cluster, num(w[1]));
    if (n == 4 && strcmp(w[0], "leader") == 0)
        return rd_kafka_mock_partition_set_leader(cluster, w[1], num(w[2]),
                                                  num(w[3]));
    if (n == 3 && strcmp(w[0], "topic-error") == 0)
        return topic_error(w[1], w[2]);
    if (n == 3 && strcmp(w[0], "coordinator") == 0)
        return rd_kafka_mock_coordinator_set(cluster, "group", w[1], num(w[2]));
    return RD_KAFKA_RESP_ERR__INVALID_ARG;
}

int
main(int argc, char **argv)
{
    char text[256];
    rd_kafka_t *rk =
        rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), text, sizeof text);
    if (!rk)
        return 1;
    cluster = rd_kafka_mock_cluster_new(rk, argc > 1 ? num(argv[1]) : 1);
    if (!cluster)
        return 1;
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("brokers %s\n", rd_kafka_mock_cluster_bootstraps(cluster));

    char *line = NULL;
    size_t max = 0;
    while (getline(&line, &max, stdin) > 0) {
        char *words[WORDS_MAX];
        int n = 0;
        char *rest = NULL;
        for (char *w = strtok_r(line, " \n", &rest); w && n < WORDS_MAX;
             w = strtok_r(NULL, " \n", &rest))
            words[n++] = w;
        rd_kafka_resp_err_t err = obey(n, words);
        if (err)
            printf("failed %s\n", rd_kafka_err2str(err));
        else
            printf("ok\n");
    }
    free(line);
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(rk);
    return 0;
}
