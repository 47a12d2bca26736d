/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/source_kafka/badbatch.h"
#include "plugins/source_kafka/health.h"
#include "plugins/source_kafka/notes.h"
#include "plugins/source_kafka/settings.h"
#include "tests/lib/unit.h"

#define CONNECTION                                                             \
    "Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=k;"          \
    "SharedAccessKey=c2VjcmV0="

/* --------------------------------------------------------------- settings */

static const char *const one_topic[] = {"logs"};

static struct kafka_options
options_minimal(void)
{
    return (struct kafka_options){.brokers = "broker:9092",
                                  .topics = {.items = one_topic, .n = 1}};
}

static const char *
conf_get(const struct settings *st, const char *key)
{
    static char value[512];
    size_t size = sizeof value;
    ck_assert_int_eq(rd_kafka_conf_get(st->conf, key, value, &size),
                     RD_KAFKA_CONF_OK);
    return value;
}

START_TEST(positions_are_never_committed_by_the_library)
{
    struct settings st = {0};
    char why[256] = "";
    struct kafka_options opt = options_minimal();
    ck_assert_msg(settings_init(&st, &opt, why, sizeof why) == 0, "%s", why);
    ck_assert_str_eq(conf_get(&st, "enable.auto.commit"), "false");
    ck_assert_str_eq(conf_get(&st, "enable.auto.offset.store"), "false");
    ck_assert_str_eq(conf_get(&st, "partition.assignment.strategy"), "range");
    ck_assert_str_eq(conf_get(&st, "bootstrap.servers"), "broker:9092");
    ck_assert_str_eq(st.group, "tocsin");
    ck_assert(strncmp(st.instance, "tocsin-", 7) == 0);
    settings_fini(&st);
}
END_TEST

START_TEST(two_inputs_of_one_host_are_two_instances)
{
    static const char *const other[] = {"metrics"};
    struct settings a = {0}, b = {0}, c = {0};
    char why[256];
    struct kafka_options opt = options_minimal();
    ck_assert_int_eq(settings_init(&a, &opt, why, sizeof why), 0);
    ck_assert_int_eq(settings_init(&b, &opt, why, sizeof why), 0);
    opt.topics.items = other;
    ck_assert_int_eq(settings_init(&c, &opt, why, sizeof why), 0);
    ck_assert_str_eq(a.instance, b.instance);
    ck_assert_str_ne(a.instance, c.instance);
    settings_fini(&a);
    settings_fini(&b);
    settings_fini(&c);
}
END_TEST

START_TEST(a_connection_string_says_it_all)
{
    struct kafka_event_hubs eh = {.connection_string =
                                      CONNECTION ";EntityPath=iot-logs"};
    struct kafka_options opt = {.event_hubs = &eh};
    struct settings st = {0};
    char why[256] = "";
    ck_assert_msg(settings_init(&st, &opt, why, sizeof why) == 0, "%s", why);
    ck_assert_str_eq(conf_get(&st, "bootstrap.servers"),
                     "ns.servicebus.windows.net:9093");
    ck_assert_str_eq(conf_get(&st, "security.protocol"), "sasl_ssl");
    ck_assert_str_eq(conf_get(&st, "sasl.mechanisms"), "PLAIN");
    ck_assert_str_eq(conf_get(&st, "sasl.username"), "$ConnectionString");
    ck_assert_str_eq(conf_get(&st, "sasl.password"), eh.connection_string);
    ck_assert_str_eq(conf_get(&st, "metadata.max.age.ms"), "180000");
    ck_assert_str_eq(conf_get(&st, "connections.max.idle.ms"), "180000");
    ck_assert_str_eq(conf_get(&st, "socket.keepalive.enable"), "true");
    ck_assert_str_eq(conf_get(&st, "session.timeout.ms"), "30000");
    ck_assert_uint_eq(st.n_topics, 1);
    ck_assert_str_eq(st.topics[0], "iot-logs");
    ck_assert_str_eq(st.secret, "c2VjcmV0=");
    settings_fini(&st);
}
END_TEST

static const struct {
    const char *connection_string;
    const char *auth;
    const char *says;
} wrong_event_hubs[] = {
    {NULL, NULL, "connection_string is missing"},
    {"", NULL, "connection_string is missing"},
    {"c2VjcmV0=", NULL, "no Endpoint"},
    {"Endpoint=sb://ns/;SharedAccessKeyName=k", NULL, "no SharedAccessKey"},
    {"Endpoint=sb://ns/;SharedAccessSignature=c2VjcmV0", NULL,
     "does not work over Kafka"},
    {NULL, "managed_identity", "\"managed_identity\" is not there yet"},
};

START_TEST(a_wrong_event_hubs_group_is_explained_without_its_secret)
{
    struct kafka_auth auth = {.method = wrong_event_hubs[_i].auth};
    struct kafka_event_hubs eh = {.connection_string =
                                      wrong_event_hubs[_i].connection_string,
                                  .auth = auth.method ? &auth : NULL};
    struct kafka_options opt = options_minimal();
    opt.event_hubs = &eh;
    struct settings st = {0};
    char why[512] = "";
    ck_assert_int_eq(settings_init(&st, &opt, why, sizeof why), -1);
    ck_assert_msg(strstr(why, wrong_event_hubs[_i].says), "%s", why);
    ck_assert_ptr_null(strstr(why, "c2VjcmV0"));
    settings_fini(&st);
}
END_TEST

static const struct {
    const char *key, *value, *says;
} wrong_properties[] = {
    {"no.such.property", "1", "No such configuration property"},
    {"fetch.wait.max.ms", "soon", "fetch.wait.max.ms"},
    {"group.id", "x", "use the option \"group\""},
    {"bootstrap.servers", "x", "use the option \"brokers\""},
    {"auto.offset.reset", "earliest", "use the option \"start\""},
    {"enable.auto.commit", "true", "once they are synced"},
    {"partition.assignment.strategy", "cooperative-sticky", "always"},
    {"plugin.library.paths", "x.so", "no code"},
    {"ssl.key.pem", "c2VjcmV0", ""},
};

START_TEST(a_wrong_property_is_explained)
{
    struct kafka_options opt = options_minimal();
    opt.properties = (struct tocsin_map){.keys = &wrong_properties[_i].key,
                                         .values = &wrong_properties[_i].value,
                                         .n = 1};
    struct settings st = {0};
    char why[512] = "";
    int r = settings_init(&st, &opt, why, sizeof why);
    if (*wrong_properties[_i].says)
        ck_assert_int_eq(r, -1);
    ck_assert_msg(strstr(why, wrong_properties[_i].says), "%s", why);
    ck_assert_ptr_null(strstr(why, "c2VjcmV0"));
    settings_fini(&st);
}
END_TEST

START_TEST(brokers_and_topics_are_needed)
{
    struct settings st = {0};
    char why[256] = "";
    struct kafka_options opt = options_minimal();
    opt.brokers = NULL;
    ck_assert_int_eq(settings_init(&st, &opt, why, sizeof why), -1);
    ck_assert_ptr_nonnull(strstr(why, "brokers"));
    settings_fini(&st);
    opt = options_minimal();
    opt.topics.n = 0;
    ck_assert_int_eq(settings_init(&st, &opt, why, sizeof why), -1);
    ck_assert_ptr_nonnull(strstr(why, "topics"));
    settings_fini(&st);
}
END_TEST

/* --------------------------------------------------------------- bad batch */

struct log {
    int64_t end; /* first good offset */
    int n_asked;
};

static int
log_ask(void *arg, int64_t offset)
{
    struct log *log = arg;
    log->n_asked++;
    return offset >= log->end;
}

START_TEST(the_end_of_a_bad_batch_is_found_exactly)
{
    for (int64_t size = 0; size < 300; size++) {
        struct log log = {.end = 1000 + size};
        ck_assert_int_eq(badbatch_search(1000, log_ask, &log), 1000 + size);
        ck_assert_int_lt(log.n_asked, 22);
    }
}
END_TEST

static int
no_answer(void *arg, int64_t offset)
{
    return offset < 1004 ? 0 : -1;
}

START_TEST(a_search_without_an_answer_gives_up)
{
    ck_assert_int_eq(badbatch_search(1000, no_answer, NULL), -1);
}
END_TEST

/* ------------------------------------------------------------------ notes */

START_TEST(a_secret_never_gets_into_a_line)
{
    static struct notes notes;
    struct note note;
    notes_init(&notes, "c2VjcmV0=");
    notes_add(&notes, 4, "password c2VjcmV0= refused, twice c2VjcmV0=");
    ck_assert_int_eq(notes_take(&notes, &note), 1);
    ck_assert_str_eq(note.text, "password ********* refused, twice *********");
    for (int i = 0; i < NOTES_MAX + 5; i++)
        notes_add(&notes, 4, "line %d", i);
    for (int i = 0; i < NOTES_MAX; i++)
        ck_assert_int_eq(notes_take(&notes, &note), 1);
    ck_assert_int_eq(notes_take(&notes, &note), 1);
    ck_assert_str_eq(note.text, "5 more lines dropped");
    ck_assert_int_eq(notes_take(&notes, &note), 0);
    notes_fini(&notes);
}
END_TEST

/* ----------------------------------------------------------------- health */

static struct parts parts;
static struct part *part;
static int64_t now_us;

static void
health_setup(void)
{
    now_us = 1000000000;
    ck_assert_int_eq(parts_init(&parts), 0);
    part = parts_get(&parts, "t", 0);
    part->owned = true;
    part->next = 10;
    part->at_end = true;
}

static void
health_teardown(void)
{
    parts_fini(&parts);
}

/* One second later; returns what is said, about 'part' or all. */
static unsigned
round_with(const char *broker, const char *partition, bool queued)
{
    char json[1024];
    snprintf(json, sizeof json,
             "{\"brokers\":{\"b:9092/1\":{\"nodeid\":1,\"nodename\":\"b:9092\""
             ",%s}},\"topics\":{\"t\":{\"partitions\":{\"0\":{%s}}}},"
             "\"cgrp\":{\"state\":\"up\",\"join_state\":\"wait-join\"}}",
             broker, partition);
    now_us += 1000000;
    struct health h = {.now_us = now_us,
                       .fetch_wait_ms = 500,
                       .queued = queued,
                       .reason = "connection refused"};
    ck_assert_int_eq(health_round(&parts, json, strlen(json), &h), 0);
    struct part *p = NULL;
    unsigned what = parts_take(&parts, &p);
    ck_assert_ptr_null(what && p != part && p != &parts.all ? p : NULL);
    return what;
}

#define UP "\"state\":\"UP\",\"stateage\":60000000,\"rxidle\":400000"
#define AT_END "\"leader\":1,\"hi_offset\":10,\"ls_offset\":10"

START_TEST(a_partition_at_its_end_is_caught_up_each_second)
{
    ck_assert_uint_eq(round_with(UP, AT_END, false), SAY_CAUGHT_UP);
    ck_assert_uint_eq(round_with(UP, AT_END, false), SAY_CAUGHT_UP);
    /* Messages wait, or the end has moved on. */
    ck_assert_uint_eq(round_with(UP, AT_END, true), 0);
    ck_assert_uint_eq(round_with(UP,
                                 "\"leader\":1,\"hi_offset\":11,"
                                 "\"ls_offset\":11",
                                 false),
                      0);
    /* Connected a moment ago: the end may be old. */
    ck_assert_uint_eq(
        round_with("\"state\":\"UP\",\"stateage\":100000,\"rxidle\":0", AT_END,
                   false),
        0);
    part->at_end = false;
    ck_assert_uint_eq(round_with(UP, AT_END, false), 0);
}
END_TEST

static const struct {
    const char *broker, *partition, *says;
} out_of_reach[] = {
    {"\"state\":\"DOWN\",\"stateage\":1", AT_END, "b:9092 is DOWN"},
    {"\"state\":\"AUTH_REQ\",\"stateage\":1", AT_END, "connection refused"},
    {UP, "\"leader\":-1", "no leader"},
    {UP, "\"leader\":7", "no leader"},
    {"\"state\":\"UP\",\"stateage\":60000000,\"rxidle\":12000000", AT_END,
     "has not answered for 12 s"},
};

START_TEST(a_leader_out_of_reach_is_down_after_a_moment_and_said_rarely)
{
    const char *broker = out_of_reach[_i].broker;
    const char *partition = out_of_reach[_i].partition;
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(round_with(broker, partition, false), 0);
    ck_assert_uint_eq(round_with(broker, partition, false), SAY_DOWN);
    ck_assert_msg(strstr(part->why, out_of_reach[_i].says), "%s", part->why);
    int said = 0;
    for (int i = 0; i < 60; i++)
        said += round_with(broker, partition, false) == SAY_DOWN;
    ck_assert_int_eq(said, 2);
    ck_assert_uint_eq(round_with(UP, AT_END, false), SAY_CAUGHT_UP);
    for (int i = 0; i < 3; i++)
        round_with(broker, partition, false);
    ck_assert_uint_eq(round_with(broker, partition, false), SAY_DOWN);
}
END_TEST

START_TEST(nobody_is_down_while_nobody_reads)
{
    for (int i = 0; i < 20; i++)
        ck_assert_uint_eq(round_with("\"state\":\"UP\",\"stateage\":60000000,"
                                     "\"rxidle\":50000000",
                                     AT_END, true),
                          0);
}
END_TEST

START_TEST(a_group_that_does_not_get_together_is_down)
{
    part->owned = false;
    unsigned what = 0;
    int seconds = 0;
    while (!what && seconds < 100) {
        what = round_with(UP, AT_END, false);
        seconds++;
    }
    ck_assert_uint_eq(what, SAY_DOWN);
    ck_assert_int_eq(seconds, 11);
    ck_assert_ptr_nonnull(strstr(parts.all.why, "wait-join"));
}
END_TEST

START_TEST(broken_statistics_are_an_error)
{
    struct health h = {.reason = ""};
    ck_assert_int_eq(health_round(&parts, "{\"brokers\":", 11, &h), -1);
    ck_assert_int_eq(health_round(&parts, "{}", 2, &h), 0);
}
END_TEST

#define LENGTH(table) (int)(sizeof(table) / sizeof((table)[0]))

static Suite *
kafka_suite(void)
{
    Suite *s = suite_create("source_kafka");
    TCase *tc = tcase_create("settings");
    tcase_add_test(tc, positions_are_never_committed_by_the_library);
    tcase_add_test(tc, two_inputs_of_one_host_are_two_instances);
    tcase_add_test(tc, a_connection_string_says_it_all);
    tcase_add_loop_test(
        tc, a_wrong_event_hubs_group_is_explained_without_its_secret, 0,
        LENGTH(wrong_event_hubs));
    tcase_add_loop_test(tc, a_wrong_property_is_explained, 0,
                        LENGTH(wrong_properties));
    tcase_add_test(tc, brokers_and_topics_are_needed);
    suite_add_tcase(s, tc);
    tc = tcase_create("badbatch");
    tcase_add_test(tc, the_end_of_a_bad_batch_is_found_exactly);
    tcase_add_test(tc, a_search_without_an_answer_gives_up);
    tcase_add_test(tc, a_secret_never_gets_into_a_line);
    suite_add_tcase(s, tc);
    tc = tcase_create("health");
    tcase_add_checked_fixture(tc, health_setup, health_teardown);
    tcase_add_test(tc, a_partition_at_its_end_is_caught_up_each_second);
    tcase_add_loop_test(
        tc, a_leader_out_of_reach_is_down_after_a_moment_and_said_rarely, 0,
        LENGTH(out_of_reach));
    tcase_add_test(tc, nobody_is_down_while_nobody_reads);
    tcase_add_test(tc, a_group_that_does_not_get_together_is_down);
    tcase_add_test(tc, broken_statistics_are_an_error);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return unit_main(kafka_suite(), NULL);
}
