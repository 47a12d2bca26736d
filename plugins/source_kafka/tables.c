/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "plugins/source_kafka/settings.h"
#include "plugins/source_kafka/tables.h"

#define OPTION(k, t, m, ...)                                                   \
    {                                                                          \
        .key = k, .type = t, .offset = offsetof(struct kafka_options, m),      \
        __VA_ARGS__                                                            \
    }

static const struct tocsin_option auth_options[] = {
    {.key = "method",
     .type = TOCSIN_OPT_STRING,
     .offset = offsetof(struct kafka_auth, method),
     .help = "How to get tokens; none works yet."},
};

static const struct tocsin_option event_hubs_options[] = {
    {.key = "connection_string",
     .type = TOCSIN_OPT_STRING,
     .flags = TOCSIN_OPT_SECRET,
     .offset = offsetof(struct kafka_event_hubs, connection_string),
     .help = "The whole connection string, Endpoint=sb://… and all; it also "
             "gives brokers, and topics where it has an EntityPath."},
    {.key = "auth",
     .type = TOCSIN_OPT_GROUP,
     .flags = TOCSIN_OPT_SCALAR,
     .offset = offsetof(struct kafka_event_hubs, auth),
     .members = auth_options,
     .n_members = 1,
     .members_struct_size = sizeof(struct kafka_auth),
     .help = "Tokens of Microsoft Entra instead of a connection string; "
             "refused for now."},
};

const struct tocsin_option kafka_options[KAFKA_OPTIONS] = {
    OPTION("brokers", TOCSIN_OPT_STRING, brokers,
           .help = "host:port of one or more brokers, comma-separated; may "
                   "come from event_hubs.connection_string."),
    OPTION("topics", TOCSIN_OPT_LIST, topics,
           .help = "The topics (event hubs) to read; a name that begins with "
                   "^ is a regular expression."),
    OPTION("group", TOCSIN_OPT_STRING, group, .default_value = "tocsin",
           .help = "The consumer group."),
    OPTION("instance", TOCSIN_OPT_STRING, instance,
           .help = "The static member's name in the group, unlike any other "
                   "collector's; made from the host's name where unset."),
    OPTION("start", TOCSIN_OPT_ENUM, start, .default_value = "earliest",
           .choices = "earliest|latest",
           .help = "Where a partition begins that neither the journal nor the "
                   "group has a position of."),
    OPTION("event_hubs", TOCSIN_OPT_GROUP, event_hubs,
           .members = event_hubs_options, .n_members = 2,
           .members_struct_size = sizeof(struct kafka_event_hubs),
           .help = "Set for Azure Event Hubs: how to sign in, and the "
                   "recommended settings."),
    OPTION("properties", TOCSIN_OPT_MAP, properties, .flags = TOCSIN_OPT_SECRET,
           .help = "Any librdkafka property, such as ssl.ca.location or "
                   "sasl.password."),
};

#define METRIC(i, n, t, u, h) [i] = {.name = n, .type = t, .unit = u, .help = h}

const struct tocsin_metric kafka_metrics[KAFKA_METRICS] = {
    METRIC(METRIC_LAG, "tocsin_kafka_lag_messages", TOCSIN_GAUGE, "",
           "Messages of our partitions that were not read yet."),
    METRIC(METRIC_PARTITIONS, "tocsin_kafka_partitions", TOCSIN_GAUGE, "",
           "Partitions assigned to this collector."),
    METRIC(METRIC_QUEUED, "tocsin_kafka_queued_messages", TOCSIN_GAUGE, "",
           "Messages fetched and not yet read."),
    METRIC(METRIC_ERRORS, "tocsin_kafka_errors_total", TOCSIN_COUNTER, "",
           "Errors that librdkafka reported."),
    METRIC(METRIC_REBALANCES, "tocsin_kafka_rebalances_total", TOCSIN_COUNTER,
           "", "Times that partitions were given or taken."),
    METRIC(METRIC_SKIPPED, "tocsin_kafka_skipped_messages_total",
           TOCSIN_COUNTER, "", "Messages in batches that could not be read."),
    METRIC(METRIC_LOST, "tocsin_kafka_lost_messages_total", TOCSIN_COUNTER, "",
           "Messages that the broker deleted before they were read."),
    METRIC(METRIC_COMMIT_FAILURES, "tocsin_kafka_commit_failures_total",
           TOCSIN_COUNTER, "", "Commits that failed and were tried again."),
};
