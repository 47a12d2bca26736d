/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h - from the user's options to librdkafka's configuration.
 *
 * What Azure Event Hubs needs and recommends stands in a table here; so do the
 * properties that this plugin sets itself and that a user can't. */
#ifndef TOCSIN_SOURCE_KAFKA_SETTINGS_H
#define TOCSIN_SOURCE_KAFKA_SETTINGS_H
#include <librdkafka/rdkafka.h>
#include <tocsin/plugin.h>

struct kafka_auth {
    const char *method;
};

struct kafka_event_hubs {
    const char *connection_string;
    const struct kafka_auth *auth;
};

struct kafka_options {
    const char *brokers;
    struct tocsin_list topics;
    const char *group;
    const char *instance;
    int32_t start;
    const struct kafka_event_hubs *event_hubs;
    struct tocsin_map properties;
};

#define START_EARLIEST 0
#define START_LATEST 1

struct settings {
    rd_kafka_conf_t *conf; /* without group and instance */
    char **topics;
    size_t n_topics;
    char *group;
    char *instance;
    int start;
    int fetch_wait_ms;
    size_t nudge_messages; /* an eighth of what librdkafka's queue takes */
    size_t nudge_bytes;
    char *secret; /* never in a message: the key of the connection string */
};

/* Fills zeroed settings.  Returns 0, or -1 with the reason, in words for the
 * user and without any secret, in 'why'. */
int settings_init(struct settings *st, const struct kafka_options *opt,
                  char *why, size_t why_size);
void settings_fini(struct settings *st);

/* The value of one "Name=value;" of a connection string, copied, or NULL. */
char *settings_part(const char *connection_string, const char *name);

#endif
