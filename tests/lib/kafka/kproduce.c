/* SPDX-License-Identifier: Apache-2.0 */
/* kproduce.c - what tests do to a broker.
 *
 *     kproduce -b BROKERS [-X NAME=VALUE]… COMMAND
 *
 *     create TOPIC PARTITIONS          delete TOPIC
 *     lines TOPIC [PARTITION]          a message for each line of stdin
 *     file TOPIC PARTITION FILE…       a message for each file
 *     count TOPIC PARTITION N [SIZE]   numbered messages
 *     one TOPIC PARTITION VALUE        with -k KEY and -H NAME=VALUE; the
 *                                      value "-" is none at all
 *     committed GROUP TOPIC N          the group's offsets of N partitions
 *     trim TOPIC PARTITION OFFSET      deletes the messages before OFFSET
 *     ping                             does the broker answer? */
#include "config.h"

#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MS 30000
#define HEADERS_MAX 16

static const char *key;
static const char *header[HEADERS_MAX];
static int n_headers;
static int n_failed;

static void
die(const char *what, const char *why)
{
    fprintf(stderr, "kproduce: %s: %s\n", what, why);
    exit(1);
}

static void
delivered(rd_kafka_t *rk, const rd_kafka_message_t *msg, void *opaque)
{
    if (!msg->err)
        return;
    fprintf(stderr, "kproduce: %s\n", rd_kafka_err2str(msg->err));
    n_failed++;
}

static void
produce(rd_kafka_t *rk, const char *topic, int32_t partition, const char *data,
        size_t size)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(HEADERS_MAX);
    for (int i = 0; i < n_headers; i++) {
        const char *equals = strchr(header[i], '=');
        if (!equals)
            die(header[i], "want NAME=VALUE");
        rd_kafka_header_add(headers, header[i], equals - header[i], equals + 1,
                            -1);
    }
    for (;;) {
        rd_kafka_resp_err_t err = rd_kafka_producev(
            rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
            RD_KAFKA_V_VALUE((void *)data, size),
            RD_KAFKA_V_KEY(key, key ? strlen(key) : 0),
            RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
        if (!err)
            return;
        if (err != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            die(topic, rd_kafka_err2str(err));
        rd_kafka_poll(rk, 100);
    }
}

static void
produce_lines(rd_kafka_t *rk, const char *topic, int32_t partition)
{
    char *line = NULL;
    size_t max = 0;
    ssize_t n;
    while ((n = getline(&line, &max, stdin)) > 0) {
        if (line[n - 1] == '\n')
            n--;
        produce(rk, topic, partition, line, (size_t)n);
        rd_kafka_poll(rk, 0);
    }
    free(line);
}

static void
produce_file(rd_kafka_t *rk, const char *topic, int32_t partition,
             const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        die(path, "can't open");
    static char data[4 << 20];
    size_t n = fread(data, 1, sizeof data, f);
    fclose(f);
    produce(rk, topic, partition, data, n);
}

static void
produce_count(rd_kafka_t *rk, const char *topic, int32_t partition, long n,
              size_t size)
{
    char *data = calloc(1, size + 32);
    if (!data)
        die(topic, "out of memory");
    for (long i = 0; i < n; i++) {
        int digits = snprintf(data, size + 32, "%ld", i);
        if ((size_t)digits < size)
            memset(data + digits, '.', size - (size_t)digits);
        produce(rk, topic, partition, data,
                (size_t)digits < size ? size : (size_t)digits);
        rd_kafka_poll(rk, 0);
    }
    free(data);
}

/* Waits for the one answer to an admin request, and checks it. */
static void
admin_wait(rd_kafka_queue_t *queue, const char *what)
{
    rd_kafka_event_t *ev = rd_kafka_queue_poll(queue, ANSWER_MS);
    if (!ev)
        die(what, "no answer");
    if (rd_kafka_event_error(ev))
        die(what, rd_kafka_event_error_string(ev));
    size_t n = 0;
    const rd_kafka_topic_result_t **results = NULL;
    if (rd_kafka_event_CreateTopics_result(ev))
        results = rd_kafka_CreateTopics_result_topics(
            rd_kafka_event_CreateTopics_result(ev), &n);
    else if (rd_kafka_event_DeleteTopics_result(ev))
        results = rd_kafka_DeleteTopics_result_topics(
            rd_kafka_event_DeleteTopics_result(ev), &n);
    for (size_t i = 0; i < n; i++)
        if (rd_kafka_topic_result_error(results[i]))
            die(what, rd_kafka_topic_result_error_string(results[i]));
    rd_kafka_event_destroy(ev);
}

static void
create(rd_kafka_t *rk, const char *topic, int partitions)
{
    char text[256];
    rd_kafka_NewTopic_t *want =
        rd_kafka_NewTopic_new(topic, partitions, 1, text, sizeof text);
    if (!want)
        die(topic, text);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_CreateTopics(rk, &want, 1, NULL, queue);
    admin_wait(queue, topic);
    rd_kafka_NewTopic_destroy(want);
    rd_kafka_queue_destroy(queue);
}

static void delete (rd_kafka_t *rk, const char *topic)
{
    rd_kafka_DeleteTopic_t *what = rd_kafka_DeleteTopic_new(topic);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_DeleteTopics(rk, &what, 1, NULL, queue);
    admin_wait(queue, topic);
    rd_kafka_DeleteTopic_destroy(what);
    rd_kafka_queue_destroy(queue);
}

static void
trim(rd_kafka_t *rk, const char *topic, int32_t partition, int64_t offset)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = offset;
    rd_kafka_DeleteRecords_t *what = rd_kafka_DeleteRecords_new(list);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_DeleteRecords(rk, &what, 1, NULL, queue);
    admin_wait(queue, topic);
    rd_kafka_DeleteRecords_destroy(what);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_queue_destroy(queue);
}

static void
committed(rd_kafka_conf_t *conf, const char *group, const char *topic, int n)
{
    char text[256];
    rd_kafka_conf_set(conf, "group.id", group, text, sizeof text);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    if (!rk)
        die(group, text);
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(n);
    for (int i = 0; i < n; i++)
        rd_kafka_topic_partition_list_add(list, topic, i);
    rd_kafka_resp_err_t err = rd_kafka_committed(rk, list, ANSWER_MS);
    if (err)
        die(group, rd_kafka_err2str(err));
    for (int i = 0; i < n; i++)
        printf("%s/%d=%" PRId64 "\n", topic, i,
               list->elems[i].offset < 0 ? -1 : list->elems[i].offset);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(rk);
}

static void
ping(rd_kafka_t *rk)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t err = rd_kafka_metadata(rk, 0, NULL, &metadata, 2000);
    if (err)
        die("ping", rd_kafka_err2str(err));
    if (metadata->broker_cnt == 0)
        die("ping", "no broker is in the cluster");
    rd_kafka_metadata_destroy(metadata);
}

static int
partition_of(const char *text)
{
    return text ? (int)strtol(text, NULL, 10) : RD_KAFKA_PARTITION_UA;
}

static int
run(rd_kafka_t *rk, int argc, char **argv)
{
    const char *command = argv[0];
    const char *topic = argc > 1 ? argv[1] : "";
    int third = partition_of(argc > 2 ? argv[2] : NULL);
    if (strcmp(command, "ping") == 0)
        ping(rk);
    else if (strcmp(command, "create") == 0 && argc == 3)
        create(rk, topic, third);
    else if (strcmp(command, "delete") == 0 && argc == 2)
        delete (rk, topic);
    else if (strcmp(command, "trim") == 0 && argc == 4)
        trim(rk, topic, third, strtoll(argv[3], NULL, 10));
    else if (strcmp(command, "lines") == 0)
        produce_lines(rk, topic, third);
    else if (strcmp(command, "one") == 0 && argc == 4)
        produce(rk, topic, third, strcmp(argv[3], "-") ? argv[3] : NULL,
                strcmp(argv[3], "-") ? strlen(argv[3]) : 0);
    else if (strcmp(command, "file") == 0)
        for (int i = 3; i < argc; i++)
            produce_file(rk, topic, third, argv[i]);
    else if (strcmp(command, "count") == 0 && argc >= 4)
        produce_count(rk, topic, third, strtol(argv[3], NULL, 10),
                      argc > 4 ? (size_t)strtoul(argv[4], NULL, 10) : 0);
    else
        return -1;
    if (rd_kafka_flush(rk, ANSWER_MS))
        die(topic, "not all was taken in time");
    return n_failed ? -1 : 0;
}

static void
set_property(rd_kafka_conf_t *conf, char *word)
{
    char text[256];
    char *equals = strchr(word, '=');
    if (!equals)
        die(word, "want NAME=VALUE");
    *equals = '\0';
    if (rd_kafka_conf_set(conf, word, equals + 1, text, sizeof text))
        die(word, text);
}

int
main(int argc, char **argv)
{
    char text[256];
    char hosts[1024] = "bootstrap.servers=";
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    int opt;
    while ((opt = getopt(argc, argv, "+b:X:k:H:")) != -1) {
        if (opt == 'b') {
            snprintf(hosts, sizeof hosts, "bootstrap.servers=%s", optarg);
            set_property(conf, hosts);
        } else if (opt == 'X') {
            set_property(conf, optarg);
        } else if (opt == 'k') {
            key = optarg;
        } else if (opt == 'H' && n_headers < HEADERS_MAX) {
            header[n_headers++] = optarg;
        } else {
            return 2;
        }
    }
    argc -= optind;
    argv += optind;
    if (argc == 4 && strcmp(argv[0], "committed") == 0) {
        committed(conf, argv[1], argv[2], partition_of(argv[3]));
        return 0;
    }
    if (argc < 1)
        return 2;
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    if (!rk)
        die("producer", text);
    int r = run(rk, argc, argv);
    rd_kafka_destroy(rk);
    return r < 0;
}
