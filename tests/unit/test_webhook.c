/* SPDX-License-Identifier: Apache-2.0 */
/* test_webhook.c - what is posted, what answers mean, and what is not seen. */
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <tocsin/plugin.h>

#include "core/base/clock.h"
#include "core/config/options.h"
#include "core/host/instance.h"
#include "tests/lib/unit.h"
#include "tests/unit/notify_script.h"
#include "tests/unit/web_server.h"

#define T(s)                                                                   \
    {                                                                          \
        "" s, sizeof(s) - 1                                                    \
    }

static const struct tocsin_pair labels[] = {
    {T("alertname"), T("EdgeQueueHigh")}, {T("device_id"), T("edge-0001")},
    {T("endpoint"), T("iothub")},         {T("iothub"), T("contoso-hub")},
    {T("severity"), T("warning")},
};
static const struct tocsin_pair annotations[] = {
    {T("runbook_url"), T("https://runbooks.example.com/edge-queue")},
    {T("summary"), T("edgeHub upstream queue is 143 (>100) on edge-0001")},
};
static const struct tocsin_text evidence[] = {T("{\"a\":\"\x01\xff\"}")};

static const struct tocsin_alert alerts[] = {
    {
        .firing = 1,
        .n_labels = 5,
        .n_annotations = 2,
        .n_evidence = 1,
        .labels = labels,
        .annotations = annotations,
        .evidence = evidence,
        .starts_us = INT64_C(1777883400000000), /* 2026-05-04T08:30:00Z */
        .detected_us = INT64_C(1777883711500000),
        .value = 143,
        .episode = T("00000000000000ab"),
        .fingerprint = T("8d4a1f0c2e9b7a63"),
        .generator_url = T("https://collector.example.com/rules/EdgeQueueHigh"),
    },
    {
        .n_labels = 5,
        .labels = labels,
        .starts_us = INT64_C(1777883400000000),
        .ends_us = INT64_C(1777883460250000),
        .detected_us = INT64_C(1777883711500000),
        .episode = T("00000000000000ac"),
        .fingerprint = T("8d4a1f0c2e9b7a64"),
    },
};

static struct tocsin_notification
notification(size_t n_alerts)
{
    return (struct tocsin_notification){
        .struct_size = sizeof(struct tocsin_notification),
        .firing = 1,
        .receiver = T("webhook"),
        .group_key = T("{}:{alertname=\"EdgeQueueHigh\"}"),
        .external_url = T("http://alertmanager:9093"),
        .group_labels = labels,
        .n_group_labels = 1,
        .common_labels = labels,
        .n_common_labels = 5,
        .common_annotations = annotations,
        .n_common_annotations = 2,
        .alerts = alerts,
        .n_alerts = n_alerts,
        .alert_size = sizeof alerts[0],
        .key = T("0123456789abcdef0123456789abcdef"),
    };
}

/* ---- one instance */

static struct config *cfg;
static struct instance *in;
static struct plugin plugin;
static int64_t retry_after_us;

/* What create() says of the options, or NULL. */
static const char *
try_make(const char *options)
{
    static char yaml[4096];
    static struct err err;
    snprintf(yaml, sizeof yaml,
             "state_dir: /tmp\n"
             "inputs: [{name: i, source: 'null', decoders: ['null']}]\n"
             "receivers: [{name: r, webhook_configs: [%s]}]\n"
             "route: {receiver: r}\n",
             options);
    cfg = script_config(yaml);
    plugin.desc = *tocsin_plugin_v1();
    struct options_table table = options_of_plugin(&plugin.desc);
    void *filled = NULL;
    struct errlist errs;
    errlist_init(&errs);
    struct buf b = BUF_INIT(65536);
    int r = config_integration_options(
        cfg, &table, &cfg->receivers[0].integrations[0], &errs, &filled);
    errlist_print(&errs, &b, NULL, NULL);
    ck_assert_msg(r == 0, "%s", buf_str(&b));
    buf_fini(&b);
    errlist_fini(&errs);
    err = ERR_INIT;
    return instance_new(&plugin, "r", filled, &in, &err) < 0 ? err.message
                                                             : NULL;
}

__attribute__((format(printf, 1, 2))) static void
make(const char *fmt, ...)
{
    char options[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(options, sizeof options, fmt, ap);
    va_end(ap);
    const char *problem = try_make(options);
    ck_assert_msg(problem == NULL, "%s", problem);
}

static void
drop(void)
{
    instance_free(in);
    config_free(cfg);
    in = NULL;
    cfg = NULL;
}

static int
deliver(struct tocsin_batch *b)
{
    struct tocsin_answer a = {.struct_size = sizeof a};
    b->struct_size = sizeof *b;
    b->attempt = 1;
    b->deadline_us = clock_boot_us() + 20 * USEC_PER_SEC;
    instance_begin(in);
    int r = plugin.desc.deliver(instance_self(in), b, &a);
    retry_after_us = a.retry_after_us;
    return r;
}

static int
notify(size_t n_alerts)
{
    struct tocsin_notification n = notification(n_alerts);
    struct tocsin_batch b = {.notification = &n};
    return deliver(&b);
}

static json_t *
body(void)
{
    json_error_t e;
    json_t *j = json_loads(web_seen()->body, 0, &e);
    ck_assert_msg(j != NULL, "%s: %s", e.text, web_seen()->body);
    return j;
}

static const char *
text_at(json_t *j, const char *key)
{
    return json_string_value(json_object_get(j, key));
}

static void
setup(void)
{
    ck_assert(web_start(false));
}

static void
teardown(void)
{
    drop();
    web_stop();
}

/* ---- payloads */

START_TEST(the_payload_is_alertmanagers)
{
    char path[512];
    json_error_t e;
    make("{url: 'http://127.0.0.1:%u/hook'}", web_port());
    ck_assert_int_eq(notify(1), TOCSIN_DELIVERED);
    snprintf(path, sizeof path,
             "%s/tests/data/alerts/alertmanager.webhook-receiver.v4.json",
             getenv("top_srcdir") ? getenv("top_srcdir") : "..");
    json_t *want = json_load_file(path, 0, &e), *got = body();
    ck_assert_msg(want != NULL, "%s: %s", path, e.text);
    ck_assert_msg(json_equal(want, got), "%s", web_seen()->body);
    json_decref(want);
    json_decref(got);
    ck_assert_str_eq(web_seen()->method, "POST");
    ck_assert_str_eq(web_seen()->path, "/hook");
    ck_assert_str_eq(web_seen()->content_type, "application/json");
    ck_assert_str_eq(web_seen()->key, "0123456789abcdef0123456789abcdef");
    ck_assert_str_eq(web_seen()->agent, "tocsin/" PACKAGE_VERSION);
}
END_TEST

START_TEST(an_end_has_its_time_and_more_than_max_is_counted)
{
    make("{url: 'http://127.0.0.1:%u/hook'}", web_port());
    ck_assert_int_eq(notify(2), TOCSIN_DELIVERED);
    json_t *j = body(), *list = json_object_get(j, "alerts");
    ck_assert_uint_eq(json_array_size(list), 2);
    ck_assert_str_eq(text_at(json_array_get(list, 1), "status"), "resolved");
    ck_assert_str_eq(text_at(json_array_get(list, 1), "endsAt"),
                     "2026-05-04T08:31:00.250Z");
    json_decref(j);
    drop();
    make("{url: 'http://127.0.0.1:%u/hook', max_alerts: 1}", web_port());
    ck_assert_int_eq(notify(2), TOCSIN_DELIVERED);
    j = body();
    ck_assert_uint_eq(json_array_size(json_object_get(j, "alerts")), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(j, "truncatedAlerts")),
                     1);
    json_decref(j);
}
END_TEST

START_TEST(plain_says_what_where_when)
{
    make("{url: 'http://127.0.0.1:%u/hook', format: plain}", web_port());
    ck_assert_int_eq(notify(2), TOCSIN_DELIVERED);
    json_t *j = body();
    json_t *a = json_array_get(json_object_get(j, "alerts"), 0);
    ck_assert_str_eq(text_at(j, "status"), "firing");
    ck_assert_str_eq(text_at(j, "key"), "0123456789abcdef0123456789abcdef");
    ck_assert_str_eq(text_at(a, "what"),
                     "edgeHub upstream queue is 143 (>100) on edge-0001");
    ck_assert_str_eq(text_at(json_object_get(a, "where"), "device_id"),
                     "edge-0001");
    ck_assert_str_eq(text_at(a, "since"), "2026-05-04T08:30:00Z");
    ck_assert_str_eq(text_at(a, "detected"), "2026-05-04T08:35:11.500Z");
    ck_assert(json_real_value(json_object_get(a, "delay_seconds")) == 311.5);
    ck_assert_str_eq(text_at(a, "episode"), "00000000000000ab");
    ck_assert_str_eq(
        json_string_value(json_array_get(json_object_get(a, "evidence"), 0)),
        "{\"a\":\"\x01\xef\xbf\xbd\"}");
    a = json_array_get(json_object_get(j, "alerts"), 1);
    ck_assert_str_eq(text_at(a, "until"), "2026-05-04T08:31:00.250Z");
    ck_assert_str_eq(text_at(a, "what"), "EdgeQueueHigh = 0");
    json_decref(j);
}
END_TEST

START_TEST(records_are_an_array_with_their_keys)
{
    struct tocsin_record r[] = {
        {
            .kind = TOCSIN_RECORD_EVENT,
            .n_pairs = 5,
            .n_labels = 2,
            .name = T("hub_logs"),
            .input = T("hub"),
            .key = T("8.0"),
            .body = T("{\"x\":1}"),
            .time_us = INT64_C(1777883400000000),
            .received_us = INT64_C(1777883400001000),
            .pairs = labels,
        },
        {
            .kind = TOCSIN_RECORD_SAMPLE,
            .n_pairs = 1,
            .n_labels = 1,
            .name = T("up"),
            .input = T("edge"),
            .key = T("8.1"),
            .value = 0.1,
            .pairs = labels,
        },
    };
    struct tocsin_batch b = {
        .records = r, .n_records = 2, .record_size = sizeof r[0]};
    make("{url: 'http://127.0.0.1:%u/hook'}", web_port());
    ck_assert_int_eq(deliver(&b), TOCSIN_DELIVERED);
    ck_assert_str_eq(web_seen()->key, "8.0-8.1");
    json_t *j = body(), *first = json_array_get(j, 0);
    ck_assert_str_eq(text_at(first, "key"), "8.0");
    ck_assert_str_eq(text_at(first, "stream"), "hub_logs");
    ck_assert_str_eq(text_at(first, "received"), "2026-05-04T08:30:00.001Z");
    ck_assert_str_eq(text_at(json_object_get(first, "labels"), "alertname"),
                     "EdgeQueueHigh");
    ck_assert_str_eq(text_at(json_object_get(first, "fields"), "severity"),
                     "warning");
    ck_assert_str_eq(text_at(first, "body"), "{\"x\":1}");
    ck_assert_str_eq(text_at(json_array_get(j, 1), "metric"), "up");
    ck_assert(json_real_value(json_object_get(json_array_get(j, 1), "value")) ==
              0.1);
    json_decref(j);
}
END_TEST

/* ---- answers */

static const struct {
    unsigned status;
    const char *retry_after;
    int want;
    int64_t want_retry_us;
} answers[] = {
    {200, NULL, TOCSIN_DELIVERED, 0},  {202, NULL, TOCSIN_DELIVERED, 0},
    {204, NULL, TOCSIN_DELIVERED, 0},  {302, NULL, TOCSIN_REJECTED, 0},
    {400, NULL, TOCSIN_REJECTED, 0},   {401, NULL, TOCSIN_RETRY, 0},
    {403, NULL, TOCSIN_RETRY, 0},      {404, NULL, TOCSIN_REJECTED, 0},
    {408, NULL, TOCSIN_RETRY, 0},      {410, NULL, TOCSIN_REJECTED, 0},
    {413, NULL, TOCSIN_TOO_LARGE, 0},  {422, NULL, TOCSIN_REJECTED, 0},
    {429, "7", TOCSIN_RETRY, 7000000}, {500, NULL, TOCSIN_RETRY, 0},
    {503, "2", TOCSIN_RETRY, 2000000}, {504, "-3", TOCSIN_RETRY, 0},
};

START_TEST(an_answer_is_understood)
{
    make("{url: 'http://127.0.0.1:%u/hook'}", web_port());
    web_say(&(struct web_answer){.status = answers[_i].status,
                                 .retry_after = answers[_i].retry_after,
                                 .body = "because"});
    ck_assert_int_eq(notify(1), answers[_i].want);
    ck_assert_int_eq(retry_after_us, answers[_i].want_retry_us);
    if (answers[_i].want == TOCSIN_DELIVERED)
        return;
    char want[64];
    snprintf(want, sizeof want, "POST http://127.0.0.1:%u: answer %u",
             web_port(), answers[_i].status);
    ck_assert_msg(strncmp(instance_reason(in), want, strlen(want)) == 0, "%s",
                  instance_reason(in));
    ck_assert_ptr_nonnull(strstr(instance_reason(in), "because"));
    web_say(&(struct web_answer){.status = 200});
    ck_assert_int_eq(notify(1), TOCSIN_DELIVERED);
}
END_TEST

START_TEST(retry_after_may_be_a_date)
{
    char date[64];
    struct tm tm;
    time_t at = time(NULL) + 100;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT",
             gmtime_r(&at, &tm));
    make("{url: 'http://127.0.0.1:%u/hook'}", web_port());
    web_say(&(struct web_answer){.status = 429, .retry_after = date});
    ck_assert_int_eq(notify(1), TOCSIN_RETRY);
    ck_assert_int_ge(retry_after_us, 90 * USEC_PER_SEC);
    ck_assert_int_le(retry_after_us, 100 * USEC_PER_SEC);
}
END_TEST

START_TEST(a_server_that_hangs_is_left_after_the_timeout)
{
    make("{url: 'http://127.0.0.1:%u/hook', timeout: 200ms}", web_port());
    web_say(&(struct web_answer){.status = 200, .hangs = true});
    usec_t begun = clock_boot_us();
    ck_assert_int_eq(notify(1), TOCSIN_RETRY);
    ck_assert_int_lt(clock_boot_us() - begun, 15 * USEC_PER_SEC);
    ck_assert_ptr_nonnull(strstr(instance_reason(in), "timed out"));
    web_say(&(struct web_answer){.status = 200});
}
END_TEST

START_TEST(nobody_there_is_tried_again)
{
    unsigned port = web_port();
    web_stop();
    make("{url: 'http://127.0.0.1:%u/secret-path'}", port);
    ck_assert_int_eq(notify(1), TOCSIN_RETRY);
    ck_assert_ptr_nonnull(strstr(instance_reason(in), "connect"));
    ck_assert_ptr_null(strstr(instance_reason(in), "secret"));
    ck_assert(web_start(false));
}
END_TEST

START_TEST(an_endless_answer_is_cut_off)
{
    make("{url: 'http://127.0.0.1:%u/hook'}", web_port());
    web_say(&(struct web_answer){
        .status = 200, .body = "x", .body_size = 8u << 20});
    ck_assert_int_eq(notify(1), TOCSIN_DELIVERED);
    web_say(&(struct web_answer){
        .status = 400, .body = "x", .body_size = 8u << 20});
    ck_assert_int_eq(notify(1), TOCSIN_REJECTED);
    ck_assert_uint_lt(strlen(instance_reason(in)), 400);
}
END_TEST

START_TEST(a_redirect_is_followed_only_if_asked)
{
    char to[128];
    snprintf(to, sizeof to, "http://127.0.0.1:%u/elsewhere", web_port());
    make("{url: 'http://127.0.0.1:%u/hook'}", web_port());
    web_say(&(struct web_answer){.status = 307, .location = to});
    ck_assert_int_eq(notify(1), TOCSIN_REJECTED);
    ck_assert_uint_eq(web_seen()->requests, 1);
    drop();
    make("{url: 'http://127.0.0.1:%u/hook', "
         "http_config: {follow_redirects: true}}",
         web_port());
    ck_assert_int_eq(notify(1), TOCSIN_RETRY); /* a circle */
    ck_assert_str_eq(web_seen()->path, "/elsewhere");
    ck_assert_str_eq(web_seen()->method, "POST");
    ck_assert_uint_eq(web_seen()->requests, 1 + 11);
    web_say(&(struct web_answer){.status = 307, .location = "file:///etc"});
    ck_assert_int_eq(notify(1), TOCSIN_RETRY);
}
END_TEST

START_TEST(the_connection_is_kept)
{
    make("{url: 'http://127.0.0.1:%u/hook'}", web_port());
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(notify(1), TOCSIN_DELIVERED);
    ck_assert_uint_eq(web_seen()->requests, 5);
    ck_assert_uint_eq(web_seen()->connections, 1);
}
END_TEST

/* ---- who we are, whom we trust */

static char *
secret_file(const char *text)
{
    static char path[] = "/tmp/tocsin-secret-XXXXXX";
    memset(path + strlen(path) - 6, 'X', 6);
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_ge(write(fd, text, strlen(text)), 0);
    close(fd);
    return path;
}

START_TEST(it_signs_in)
{
    make("{url: 'http://127.0.0.1:%u/hook', http_config: {basic_auth: "
         "{username: anna, password: sesame}}}",
         web_port());
    ck_assert_int_eq(notify(1), TOCSIN_DELIVERED);
    ck_assert_str_eq(web_seen()->authorization, "Basic YW5uYTpzZXNhbWU=");
    drop();
    char *path = secret_file(" token-1\n");
    make("{url: 'http://127.0.0.1:%u/hook', headers: {X-Extra: 'one two', "
         "content-type: text/x}, http_config: {authorization: "
         "{credentials_file: %s}}}",
         web_port(), path);
    ck_assert_int_eq(notify(1), TOCSIN_DELIVERED);
    ck_assert_str_eq(web_seen()->authorization, "Bearer token-1");
    ck_assert_str_eq(web_seen()->extra, "one two");
    ck_assert_str_eq(web_seen()->content_type, "text/x");
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(notify(1), TOCSIN_RETRY);
    ck_assert_ptr_nonnull(strstr(instance_reason(in), "No such file"));
}
END_TEST

START_TEST(the_url_may_come_from_a_file)
{
    char url[128];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/from-a-file\n", web_port());
    char *path = secret_file(url);
    make("{url_file: %s}", path);
    ck_assert_int_eq(notify(1), TOCSIN_DELIVERED);
    ck_assert_str_eq(web_seen()->path, "/from-a-file");
    FILE *f = fopen(path, "w");
    fputs("ftp://127.0.0.1/", f);
    fclose(f);
    ck_assert_int_eq(notify(1), TOCSIN_RETRY);
    ck_assert_ptr_nonnull(strstr(instance_reason(in), "http://"));
    unlink(path);
}
END_TEST

START_TEST(secrets_are_not_in_reasons)
{
    static const char *const secrets[] = {"canary-path",  "canary-query",
                                          "canary-user",  "canary-pass",
                                          "canary-token", "canary-header"};
    make("{url: 'http://canary-user:canary-pass@127.0.0.1:%u/services/"
         "canary-path?sig=canary-query', headers: {X-Extra: canary-header}, "
         "http_config: {authorization: {credentials: canary-token}}}",
         web_port());
    web_say(&(struct web_answer){
        .status = 404,
        .body = "no /services/canary-path?sig=canary-query for canary-user:"
                "canary-pass\r\n canary-token canary-header\n"});
    ck_assert_int_eq(notify(1), TOCSIN_REJECTED);
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        ck_assert_msg(strstr(instance_reason(in), secrets[i]) == NULL, "%s",
                      instance_reason(in));
    ck_assert_ptr_null(strpbrk(instance_reason(in), "\r\n"));
    ck_assert_ptr_nonnull(strstr(instance_reason(in), "answer 404: no "));
}
END_TEST

START_TEST(a_certificate_is_checked)
{
    web_stop();
    if (!web_start(true)) {
        ck_assert(web_start(false));
        make("{url: 'http://x'}");
        return;
    }
    make("{url: 'https://localhost:%u/hook'}", web_port());
    ck_assert_int_eq(notify(1), TOCSIN_RETRY);
    ck_assert_msg(strstr(instance_reason(in), "certificate") != NULL, "%s",
                  instance_reason(in));
    ck_assert_uint_eq(web_seen()->requests, 0);
    drop();
    make("{url: 'https://localhost:%u/hook', http_config: {tls_config: "
         "{ca_file: %s}}}",
         web_port(), web_ca());
    ck_assert_int_eq(notify(1), TOCSIN_DELIVERED);
    drop();
    make("{url: 'https://127.0.0.1:%u/hook', http_config: {tls_config: "
         "{ca_file: %s}}}",
         web_port(), web_ca());
    ck_assert_int_eq(notify(1), TOCSIN_RETRY); /* not for that name */
    drop();
    make("{url: 'https://127.0.0.1:%u/hook', http_config: {tls_config: "
         "{ca_file: %s, server_name: other.test}}}",
         web_port(), web_ca());
    ck_assert_int_eq(notify(1), TOCSIN_DELIVERED);
    ck_assert_ptr_nonnull(strstr(web_seen()->host, "127.0.0.1"));
    drop();
    make("{url: 'https://127.0.0.1:%u/hook', http_config: {tls_config: "
         "{insecure_skip_verify: true}}}",
         web_port());
    ck_assert_int_eq(notify(1), TOCSIN_DELIVERED);
}
END_TEST

/* ---- options */

static const struct {
    const char *options, *problem;
} bad[] = {
    {"{}", "url or url_file is needed"},
    {"{url: 'http://x', url_file: /x}", "url and url_file exclude each other"},
    {"{url: 'ftp://x'}", "url must begin with http:// or https://"},
    {"{url: 'not a url'}", "url is no http:// or https:// URL"},
    {"{url: 'http://x', headers: {X: \"a\\r\\nY: b\"}}",
     "a header's name or value is not well-formed"},
    {"{url: 'http://x', http_config: {basic_auth: {username: a}, "
     "authorization: {credentials: b}}}",
     "basic_auth and authorization exclude each other"},
    {"{url: 'http://x', http_config: {basic_auth: {password: a, "
     "password_file: b}}}",
     "password and password_file exclude each other"},
    {"{url: 'http://x', http_config: {authorization: {type: Bearer}}}",
     "authorization needs credentials or credentials_file"},
    {"{url: 'http://x', http_config: {tls_config: {cert_file: a}}}",
     "cert_file and key_file need each other"},
};

START_TEST(bad_options_are_refused)
{
    const char *problem = try_make(bad[_i].options);
    ck_assert_ptr_nonnull(problem);
    ck_assert_str_eq(problem, bad[_i].problem);
    in = NULL;
}
END_TEST

static Suite *
webhook_suite(void)
{
    Suite *s = suite_create("webhook");
    TCase *tc = tcase_create("requests");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_payload_is_alertmanagers);
    tcase_add_test(tc, an_end_has_its_time_and_more_than_max_is_counted);
    tcase_add_test(tc, plain_says_what_where_when);
    tcase_add_test(tc, records_are_an_array_with_their_keys);
    tcase_add_loop_test(tc, an_answer_is_understood, 0,
                        (int)(sizeof answers / sizeof answers[0]));
    tcase_add_test(tc, retry_after_may_be_a_date);
    tcase_add_test(tc, a_server_that_hangs_is_left_after_the_timeout);
    tcase_add_test(tc, nobody_there_is_tried_again);
    tcase_add_test(tc, an_endless_answer_is_cut_off);
    tcase_add_test(tc, a_redirect_is_followed_only_if_asked);
    tcase_add_test(tc, the_connection_is_kept);
    tcase_add_test(tc, it_signs_in);
    tcase_add_test(tc, the_url_may_come_from_a_file);
    tcase_add_test(tc, secrets_are_not_in_reasons);
    tcase_add_test(tc, a_certificate_is_checked);
    tcase_add_loop_test(tc, bad_options_are_refused, 0,
                        (int)(sizeof bad / sizeof bad[0]));
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return unit_main(webhook_suite(), NULL);
}
