/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "plugins/source_kafka/settings.h"

struct property {
    const char *key;
    const char *value;
};

/* What a user's properties may change.  Two bounds keep the memory small when
 * nobody reads: 8 MiB wait in the queue, and one answer more may come in. */
static const struct property defaults[] = {
    {"client.id", "tocsin"},          {"socket.keepalive.enable", "true"},
    {"check.crcs", "true"},           {"queued.max.messages.kbytes", "8192"},
    {"queued.min.messages", "10000"}, {"fetch.max.bytes", "4194304"},
};

/* Azure closes a TCP connection that was idle for 240 s, and its throttled
 * answers come late. */
static const struct property event_hubs_defaults[] = {
    {"security.protocol", "SASL_SSL"},      {"sasl.mechanisms", "PLAIN"},
    {"sasl.username", "$ConnectionString"}, {"metadata.max.age.ms", "180000"},
    {"connections.max.idle.ms", "180000"},  {"session.timeout.ms", "30000"},
    {"log.connection.close", "false"},
};

/* Positions are ours, a position that is gone is an error that we handle, and
 * the cooperative protocol aborts the process before librdkafka 2.3. */
static const struct property fixed[] = {
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"enable.partition.eof", "true"},
    {"auto.offset.reset", "error"},
    {"partition.assignment.strategy", "range"},
    {"statistics.interval.ms", "1000"},
    {"log.queue", "true"},
};

/* Properties that are refused, and what to write instead. */
static const struct property refused[] = {
    {"bootstrap.servers", "use the option \"brokers\""},
    {"metadata.broker.list", "use the option \"brokers\""},
    {"group.id", "use the option \"group\""},
    {"group.instance.id", "use the option \"instance\""},
    {"auto.offset.reset", "use the option \"start\""},
    {"enable.auto.commit", "positions are committed once they are synced"},
    {"enable.auto.offset.store",
     "positions are committed once they are synced"},
    {"enable.partition.eof", "it is always on"},
    {"partition.assignment.strategy", "it is always \"range\""},
    {"statistics.interval.ms", "it is always 1000"},
    {"log.queue", "it is always on"},
    {"plugin.library.paths", "no code is loaded from there"},
};

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

__attribute__((format(printf, 3, 4))) static int
settings_fail(char *why, size_t why_size, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(why, why_size, format, ap);
    va_end(ap);
    return -1;
}

char *
settings_part(const char *connection_string, const char *name)
{
    size_t name_size = strlen(name);
    const char *p = connection_string;
    while (*p) {
        p += strspn(p, "; \t\r\n");
        size_t n = strcspn(p, ";");
        if (n > name_size && p[name_size] == '=' &&
            strncasecmp(p, name, name_size) == 0) {
            const char *value = p + name_size + 1;
            n -= name_size + 1;
            while (n > 0 && isspace((unsigned char)value[n - 1]))
                n--;
            return strndup(value, n);
        }
        p += n;
    }
    return NULL;
}

static bool
is_secret(const char *key)
{
    return strstr(key, "password") || strstr(key, "secret") ||
           strstr(key, ".pem") || strstr(key, "oauthbearer.config");
}

static int
settings_set(struct settings *st, const char *key, const char *value, char *why,
             size_t why_size)
{
    char text[256];
    if (rd_kafka_conf_set(st->conf, key, value, text, sizeof text) ==
        RD_KAFKA_CONF_OK)
        return 0;
    if (is_secret(key))
        return settings_fail(
            why, why_size, "properties: \"%s\" has a value that can't be", key);
    return settings_fail(why, why_size, "properties: %s", text);
}

static int
settings_set_table(struct settings *st, const struct property *table, size_t n,
                   char *why, size_t why_size)
{
    for (size_t i = 0; i < n; i++)
        if (settings_set(st, table[i].key, table[i].value, why, why_size) < 0)
            return -1;
    return 0;
}

static int
settings_user_properties(struct settings *st, const struct tocsin_map *map,
                         char *why, size_t why_size)
{
    for (size_t i = 0; i < map->n; i++) {
        for (size_t j = 0; j < LENGTH(refused); j++)
            if (strcmp(map->keys[i], refused[j].key) == 0)
                return settings_fail(why, why_size,
                                     "properties: \"%s\" can't be set: %s",
                                     refused[j].key, refused[j].value);
        if (settings_set(st, map->keys[i], map->values[i], why, why_size) < 0)
            return -1;
    }
    return 0;
}

/* "sb://ns.servicebus.windows.net/" is "ns.servicebus.windows.net:9093". */
static char *
brokers_of(const char *endpoint)
{
    const char *host = strstr(endpoint, "://");
    host = host ? host + 3 : endpoint;
    size_t n = strcspn(host, "/");
    if (n == 0)
        return NULL;
    char *brokers = NULL;
    bool has_port = memchr(host, ':', n) != NULL;
    if (asprintf(&brokers, "%.*s%s", (int)n, host, has_port ? "" : ":9093") < 0)
        return NULL;
    return brokers;
}

static int
settings_event_hubs(struct settings *st, const struct kafka_event_hubs *eh,
                    char **ret_brokers, char **ret_topic, char *why,
                    size_t why_size)
{
    if (eh->auth && eh->auth->method)
        return settings_fail(
            why, why_size,
            "event_hubs: auth \"%s\" is not there yet; what works now is "
            "event_hubs: {connection_string: …}",
            eh->auth->method);
    const char *cs = eh->connection_string;
    if (!cs || !*cs)
        return settings_fail(why, why_size,
                             "event_hubs: connection_string is missing");
    char *endpoint = settings_part(cs, "Endpoint");
    char *signature = settings_part(cs, "SharedAccessSignature");
    st->secret = settings_part(cs, "SharedAccessKey");
    int r = 0;
    if (signature)
        r = settings_fail(why, why_size,
                          "event_hubs: a SharedAccessSignature does not work "
                          "over Kafka, only a SharedAccessKey does");
    else if (!endpoint)
        r = settings_fail(why, why_size,
                          "event_hubs: connection_string has no Endpoint=sb://…"
                          "; copy the whole string, not the key alone");
    else if (!st->secret)
        r = settings_fail(why, why_size,
                          "event_hubs: connection_string has no "
                          "SharedAccessKey=…");
    else
        r = settings_set_table(st, event_hubs_defaults,
                               LENGTH(event_hubs_defaults), why, why_size);
    if (r == 0)
        r = settings_set(st, "sasl.password", cs, why, why_size);
    if (r == 0) {
        *ret_brokers = brokers_of(endpoint);
        *ret_topic = settings_part(cs, "EntityPath");
    }
    free(endpoint);
    free(signature);
    return r;
}

static int
settings_topics(struct settings *st, const struct tocsin_list *list,
                const char *entity_path, char *why, size_t why_size)
{
    const char *const *items = list->items;
    size_t n = list->n;
    if (n == 0 && entity_path) {
        items = &entity_path;
        n = 1;
    }
    if (n == 0)
        return settings_fail(why, why_size, "topics: none is given");
    st->topics = calloc(n, sizeof *st->topics);
    if (!st->topics)
        return settings_fail(why, why_size, "out of memory");
    for (size_t i = 0; i < n; i++) {
        if (!*items[i])
            return settings_fail(why, why_size, "topics: a name is empty");
        st->topics[st->n_topics] = strdup(items[i]);
        if (!st->topics[st->n_topics++])
            return settings_fail(why, why_size, "out of memory");
    }
    return 0;
}

/* Stable for this machine and this input, so that a restart within the session
 * keeps its partitions; different for another input beside it. */
static char *
default_instance(const struct settings *st, const char *brokers)
{
    char host[256] = "";
    if (gethostname(host, sizeof host - 1) < 0 || !*host)
        return NULL;
    uint32_t hash = 2166136261u;
    for (const char *p = brokers; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 16777619u;
    for (size_t i = 0; i < st->n_topics; i++) {
        for (const char *p = st->topics[i]; *p; p++)
            hash = (hash ^ (unsigned char)*p) * 16777619u;
        hash = (hash ^ ',') * 16777619u;
    }
    char *instance = NULL;
    if (asprintf(&instance, "tocsin-%s-%08x", host, (unsigned)hash) < 0)
        return NULL;
    return instance;
}

static int
settings_names(struct settings *st, const struct kafka_options *opt,
               const char *brokers, char *why, size_t why_size)
{
    if (!brokers || !*brokers)
        return settings_fail(why, why_size,
                             "brokers: missing (host:port, …), and no "
                             "event_hubs.connection_string to take it from");
    if (settings_set(st, "bootstrap.servers", brokers, why, why_size) < 0)
        return -1;
    st->group = strdup(opt->group && *opt->group ? opt->group : "tocsin");
    st->instance = opt->instance && *opt->instance
                       ? strdup(opt->instance)
                       : default_instance(st, brokers);
    if (!st->group || !st->instance)
        return settings_fail(why, why_size,
                             "instance: this host has no name to take it from");
    if (strlen(st->group) > 256)
        return settings_fail(why, why_size,
                             "group: longer than 256 characters");
    return 0;
}

static size_t
settings_number(const struct settings *st, const char *key)
{
    char text[32] = "";
    size_t size = sizeof text;
    rd_kafka_conf_get(st->conf, key, text, &size);
    return strtoul(text, NULL, 10);
}

int
settings_init(struct settings *st, const struct kafka_options *opt, char *why,
              size_t why_size)
{
    char *brokers = NULL;
    char *topic = NULL;
    st->start = opt->start;
    st->conf = rd_kafka_conf_new();
    int r = settings_set_table(st, defaults, LENGTH(defaults), why, why_size);
    if (r == 0 && opt->event_hubs)
        r = settings_event_hubs(st, opt->event_hubs, &brokers, &topic, why,
                                why_size);
    if (r == 0)
        r = settings_user_properties(st, &opt->properties, why, why_size);
    if (r == 0)
        r = settings_set_table(st, fixed, LENGTH(fixed), why, why_size);
    if (r == 0)
        r = settings_topics(st, &opt->topics, topic, why, why_size);
    if (r == 0)
        r = settings_names(
            st, opt, opt->brokers && *opt->brokers ? opt->brokers : brokers,
            why, why_size);
    free(brokers);
    free(topic);

    st->fetch_wait_ms = (int)settings_number(st, "fetch.wait.max.ms");
    st->nudge_messages = settings_number(st, "queued.min.messages") / 8 + 1;
    st->nudge_bytes =
        settings_number(st, "queued.max.messages.kbytes") * 1024 / 8 + 1;
    return r;
}

void
settings_fini(struct settings *st)
{
    if (st->conf)
        rd_kafka_conf_destroy(st->conf);
    for (size_t i = 0; i < st->n_topics; i++)
        free(st->topics[i]);
    free(st->topics);
    free(st->group);
    free(st->instance);
    free(st->secret);
    memset(st, 0, sizeof *st);
}
