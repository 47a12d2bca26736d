/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder of hub logs on what Azure's samples do not show: broken records
 * among good ones, odd escapes, long lines, streams of any size. */
#include "config.h"

#include <string.h>

#include "tests/lib/decoder_host.h"
#include "tests/lib/unit.h"

#define PLUGIN "/plugins/decode_hub_logs/.libs/decode_hub_logs.so"

/* A record of device 'id' at second 'sec', as short as it can be. */
#define RECORD(id, sec)                                                        \
    "{\"time\":\"2026-05-04T08:00:" sec "Z\",\"category\":\"Routes\","         \
    "\"properties\":\"{\\\"deviceId\\\":\\\"" id "\\\"}\"}"
#define EVENT(id, sec)                                                         \
    "event hub_logs 2026-05-04T08:00:" sec ".000000Z\n"                        \
    "    device_id=" id "\n"                                                   \
    "    category=Routes\n"

static struct decoder_host host;

static void
open_with(uint32_t flags)
{
    const char *top = getenv("top_builddir");
    char *path = NULL;
    ck_assert_int_gt(asprintf(&path, "%s" PLUGIN, top != NULL ? top : "."), 0);
    ck_assert_int_eq(decoder_host_open(&host, path, NULL, flags), 0);
    free(path);
}

static void
setup(void)
{
    open_with(DECODER_TEXT | DECODER_FOREIGN);
}

static void
teardown(void)
{
    decoder_host_close(&host);
}

static void
expect(const char *want)
{
    char *got = decoder_host_take(&host);
    ck_assert_str_eq(got, want);
    free(got);
}

static void
message(const char *text, const char *want)
{
    decoder_host_message(&host, text, strlen(text));
    expect(want);
}

/* As one stream, and cut in two at every byte; what is passed may be cut
 * differently and is not compared. */
static void
stream(const char *text, const char *want)
{
    const size_t n = strlen(text);
    host.flags &= ~DECODER_FOREIGN;
    decoder_host_stream(&host, text, n, NULL, 0, 0);
    expect(want);
    for (size_t cut = 0; cut <= n; cut++) {
        decoder_host_stream(&host, text, n, &cut, 1, 0);
        expect(want);
    }
    host.flags |= DECODER_FOREIGN;
}

static void
both(const char *text, const char *want)
{
    message(text, want);
    stream(text, want);
}

/* ------------------------------------------------------------- framing */

START_TEST(lines_end_in_lf_or_crlf_and_may_be_blank)
{
    both("\xef\xbb\xbf" RECORD("a", "01") "\r\n\r\n \n" RECORD("b", "02"),
         EVENT("a", "01") EVENT("b", "02"));
}
END_TEST

START_TEST(records_follow_each_other_without_a_line_end)
{
    both(RECORD("a", "01") RECORD("b", "02") " " RECORD("c", "03"),
         EVENT("a", "01") EVENT("b", "02") EVENT("c", "03"));
}
END_TEST

START_TEST(an_array_holds_records_and_envelopes)
{
    both("[" RECORD("a", "01") ",{\"x\":[1],\"records\":[" RECORD(
             "b",
             "02") " , " RECORD("c",
                                "03") "],\"y\":{\"records\":[]},\"z\":\"]\"}]",
         EVENT("a", "01") EVENT("b", "02") EVENT("c", "03"));
}
END_TEST

START_TEST(reader_keys_stand_before_and_behind_the_records)
{
    both(
        "{\"PartitionId\":0,\"Time\":\"x\",\"records\":[" RECORD(
            "a",
            "01") "],\"Other\":[{\"records\":[" RECORD("no",
                                                       "09") "]}],\"records\":"
                                                             "[" RECORD(
                                                                 "b",
                                                                 "0"
                                                                 "2") "]}"
                                                                      "\n" RECORD(
                                                                          "c",
                                                                          "03") "\n",
        EVENT("a", "01") EVENT("b", "02") EVENT("c", "03"));
}
END_TEST

START_TEST(an_empty_envelope_is_ours_and_makes_nothing)
{
    both("{\"records\":[]}", "");
    both("", "");
    both(" \n\n", "");
    both("[]", "");
}
END_TEST

START_TEST(records_inside_a_record_are_no_envelope)
{
    both("{\"records\":[{\"records\":[" RECORD(
             "no", "09") "],\"time\":\"2026-05-04T08:00:01Z\",\"category\":"
                         "\"Routes\"}]}",
         "event hub_logs 2026-05-04T08:00:01.000000Z\n"
         "    category=Routes\n");
}
END_TEST

/* ------------------------------------------------- broken among the good */

START_TEST(a_broken_line_costs_its_neighbours_nothing)
{
    both(
        RECORD("a",
               "01") "\n"
                     "{\"time\":\"2026-05-04T08:00:02Z\",\"category\":"
                     "\"Rou\n" RECORD(
                         "b",
                         "03") "\n"
                               "{\"category\":\"Routes\",\"time\"::1}\n" RECORD(
                                   "c", "04") "\n",
        EVENT("a",
              "01") "reject \"not JSON: byte 46: a control character in a "
                    "string\" "
                    "{\"time\":\"2026-05-04T08:00:02Z\",\"category\":"
                    "\"Rou\n" EVENT(
                        "b",
                        "03") "reject \"not JSON: byte 28: expected a value\" "
                              "{\"category\":\"Routes\",\"time\"::1}\n" EVENT(
                                  "c", "04"));
}
END_TEST

START_TEST(a_line_that_breaks_off_does_not_swallow_the_next)
{
    both("{\"category\":\"Routes\",\"properties\":\n" RECORD(
             "a", "01") "\n"
                        "{\"category\":\"Routes\",\"x\":[\n" RECORD(
                            "b", "02") "\n"
                                       "{\"category\":\"Routes\",\n" RECORD(
                                           "c", "03") "\n",
         "reject \"not JSON: byte 123: expected a comma or the end\" "
         "{\"category\":\"Routes\",\"properties\":\n" EVENT(
             "a",
             "01") "reject \"not JSON: byte 115: expected a comma or the end\" "
                   "{\"category\":\"Routes\",\"x\":[\n" EVENT(
                       "b",
                       "02") "reject \"not JSON: byte 22: expected a key\" "
                             "{\"category\":\"Routes\",\n" EVENT("c", "03"));
}
END_TEST

START_TEST(a_line_that_breaks_off_at_the_end_is_rejected)
{
    both(RECORD("a", "01") "\n{\"category\":\"Rou",
         EVENT("a", "01") "reject \"not JSON: byte 16: it ends too early\" "
                          "{\"category\":\"Rou\n");
}
END_TEST

START_TEST(a_broken_record_in_an_envelope_costs_only_itself)
{
    both("{\"records\":[" RECORD("a", "01") ",{\"category\":{]}}," RECORD(
             "b", "02") "]}",
         EVENT("a", "01") "reject \"not JSON: byte 13: expected a key\" "
                          "{\"category\":{]}}," RECORD("b", "02") "]}\n");
    both("{\"records\":[" RECORD("a",
                                 "01") ",{\"category\":tru,\"x\":{\"y\":\"}"
                                       "\\\"\"}},54321," RECORD("b", "02") "]}",
         EVENT("a", "01") "reject \"not JSON: byte 12: expected a value\" "
                          "{\"category\":tru,\"x\":{\"y\":\"}\\\"\"}}\n"
                          "reject \"not an object\" 54321\n" EVENT("b", "02"));
}
END_TEST

START_TEST(what_is_unsound_costs_the_rest_of_its_message)
{
    const char text[] = "{\"records\":[" RECORD(
        "a", "01") ",{\"category\":\"Rou,\"properties\":\"{\\\"x\\\":1}\"}"
                   "," RECORD("b", "02") "]}\n" RECORD("c", "03") "\n";
    decoder_host_message(&host, text, sizeof text - 1);
    ck_assert_uint_eq(host.n_events, 1);
    ck_assert_uint_eq(host.n_rejects, 1);
    free(decoder_host_take(&host));
    /* In a stream, the rest of its line. */
    decoder_host_stream(&host, text, sizeof text - 1, NULL, 0, 0);
    ck_assert_uint_eq(host.n_events, 3);
    ck_assert_uint_eq(host.n_rejects, 2);
}
END_TEST

START_TEST(a_missing_comma_keeps_what_was_read)
{
    both("{\"records\":[" RECORD("a", "01") RECORD("b", "02") "]}",
         EVENT("a", "01") "reject \"not JSON: expected a comma or the "
                          "end\" " RECORD("b", "02") "]}\n");
    both("{\"records\":[" RECORD("a", "01") ",]}",
         EVENT("a", "01") "reject \"not JSON: byte 0: expected a value\" ]}\n");
    stream(
        "{\"records\":[" RECORD("a", "01") "],x}\n" RECORD("b", "02"),
        EVENT("a", "01") "reject \"not JSON: behind the records\" ,x}\n" EVENT(
            "b", "02"));
}
END_TEST

START_TEST(a_message_may_end_in_its_envelope)
{
    both("{\"records\":[" RECORD("a", "01"), EVENT("a", "01"));
    both("{\"records\":[" RECORD("a", "01") ",{\"time\":",
         EVENT("a", "01") "reject \"not JSON: byte 8: it ends too early\" "
                          "{\"time\":\n");
}
END_TEST

START_TEST(a_pretty_printed_record_is_given_up_to_its_bracket)
{
    both("{\n  \"category\": \"Routes\",\n  \"time\": x,\n  \"y\": "
         "{}\n}\n" RECORD("a", "01"),
         "reject \"not JSON: byte 36: expected a value\" {\\x0a  "
         "\"category\": \"Routes\",\\x0a  \"time\": x,\\x0a  \"y\": "
         "{}\\x0a}\n" EVENT("a", "01"));
}
END_TEST

START_TEST(an_unsound_record_is_given_up_to_the_end_of_that_line)
{
    stream("{\n\"category\": \"Routes\",\n\"time\": \\, \"x\": 1\n" RECORD(
               "a", "01") "\n}\n" RECORD("b", "02"),
           "reject \"not JSON: byte 32: expected a value\" "
           "{\\x0a\"category\": \"Routes\",\\x0a\"time\": \\, \"x\": 1\n" EVENT(
               "a", "01") EVENT("b", "02"));
    stream("{\"records\":[" RECORD("a", "01") ",\n{\"category\":\n"
                                              "\\,\n" RECORD("b", "02") "\n",
           EVENT("a", "01") "reject \"not JSON: byte 13: expected a value\" "
                            "{\"category\":\\x0a\\,\n" EVENT("b", "02"));
}
END_TEST

START_TEST(a_record_without_a_time_is_rejected)
{
    both("{\"category\":\"Routes\"}",
         "reject \"it has no time\" {\"category\":\"Routes\"}\n");
    both("{\"category\":\"Routes\",\"time\":\"yesterday\"}",
         "reject \"its time can't be read\" "
         "{\"category\":\"Routes\",\"time\":\"yesterday\"}\n");
    both("{\"category\":\"Routes\",\"time\":5}",
         "reject \"its time can't be read\" "
         "{\"category\":\"Routes\",\"time\":5}\n");
}
END_TEST

static char *
repeated(const char *head, const char *what, size_t times, const char *tail,
         size_t *ret_n)
{
    char *text = NULL;
    FILE *f = open_memstream(&text, ret_n);
    ck_assert_ptr_nonnull(f);
    fputs(head, f);
    for (size_t i = 0; i < times; i++)
        fputs(what, f);
    fputs(tail, f);
    fclose(f);
    return text;
}

START_TEST(deep_nesting_is_refused)
{
    size_t n;
    char *text = repeated("{\"category\":", "[", 1000000, "", &n);
    host.flags = 0;
    decoder_host_message(&host, text, n);
    ck_assert_uint_eq(host.n_rejects, 1);
    ck_assert_uint_eq(host.n_rejected_bytes, n);
    free(text);
}
END_TEST

/* --------------------------------------------------------- not ours */

START_TEST(a_message_with_nothing_of_ours_is_left_whole)
{
    message("{\"metricName\":\"x\",\"category\":\"Routes\"}", "not mine\n");
    message("{\"records\":[{\"metricName\":\"x\"},{\"metricName\":\"y\"}]}",
            "not mine\n");
    message("[{\"eventType\":\"Microsoft.Devices.DeviceConnected\"}]",
            "not mine\n");
    message("# HELP up\nup 1\n", "not mine\n");
    message("{\"my.metric\",job=\"x\"} 1\n", "not mine\n");
    message("{\"time\":\"2026-05-04T08:00:01Z\"}", "not mine\n");
    message("[1,2]", "not mine\n");
    message("{", "not mine\n");
}
END_TEST

START_TEST(what_is_not_ours_is_passed_one_by_one)
{
    message("{\"records\":[{\"metricName\":\"x\"}," RECORD(
                "a", "01") ",{\"metricName\":\"y\"}]}",
            "pass {\"metricName\":\"x\"}\n" EVENT(
                "a", "01") "pass {\"metricName\":\"y\"}\n");
    message("hello\n" RECORD("a", "01") "\nworld",
            "pass hello\n" EVENT("a", "01") "pass world\n");
    stream("{\"records\":[{\"metricName\":\"x\"}," RECORD(
               "a", "01") ",{\"metricName\":\"y\"}]}",
           EVENT("a", "01"));
    stream("hello\n" RECORD("a", "01") "\nworld", EVENT("a", "01"));
}
END_TEST

START_TEST(another_provider_is_not_ours_whatever_its_category)
{
    message("{\"time\":\"2026-05-04T08:00:01Z\",\"category\":\"Connections\","
            "\"resourceId\":\"/SUBSCRIPTIONS/1/RESOURCEGROUPS/R/PROVIDERS/"
            "MICROSOFT.DEVICES/PROVISIONINGSERVICES/X\"}",
            "not mine\n");
    message("{\"time\":\"2026-05-04T08:00:01Z\",\"category\":\"Other\"}",
            "not mine\n");
}
END_TEST

/* An envelope of metrics that has been cut must not be left to others: its
 * next piece would mean nothing to them. */
START_TEST(a_piece_of_a_foreign_envelope_is_passed)
{
    const char text[] = "{\"records\":[{\"metricName\":\"x\"},{\"metr";
    struct tocsin_context context = {0};
    const int64_t used =
        decoder_host_call(&host, text, sizeof text - 1, 0, &context);
    ck_assert_int_eq(used, (int64_t)(sizeof text - 1 - strlen("{\"metr")));
    expect("pass {\"metricName\":\"x\"}\n");
    ck_assert_uint_gt(context.size, 0);
}
END_TEST

/* -------------------------------------------------------------- values */

#define HEAD "{\"time\":\"2026-05-04T08:00:01Z\",\"category\":\"Routes\""
#define HEAD_EVENT                                                             \
    "event hub_logs 2026-05-04T08:00:01.000000Z\n    category=Routes\n"

START_TEST(null_and_empty_are_absent_and_the_first_of_a_key_counts)
{
    both(HEAD ",\"level\":null,\"durationMs\":\"\",\"location\":\"\","
              "\"location\":\"x\",\"location\":\"y\",\"resultType\":5}",
         HEAD_EVENT "    result_type=5\n    location=x\n");
}
END_TEST

START_TEST(numbers_in_strings_and_bare_ones_are_the_same_text)
{
    both(HEAD ",\"durationMs\":17,\"properties\":{\"ttl\":\"36\","
              "\"RequestSize\":1.5e3,\"batching\":true}}",
         HEAD_EVENT "    duration_ms=17\n    request_size=1.5e3\n"
                    "    batching=true\n    ttl=36\n");
}
END_TEST

START_TEST(type_stands_in_for_category)
{
    both("{\"time\":\"2026-05-04T08:00:01Z\",\"type\":\"Routes\"}", HEAD_EVENT);
}
END_TEST

START_TEST(containers_are_kept_as_json)
{
    both(HEAD ",\"identity\":{\"claims\": [1, \"a\\u0062\"]},"
              "\"properties\":\"{\\\"details\\\":{\\\"a\\\":[\\\"b\\\"]}}\"}",
         HEAD_EVENT "    identity={\"claims\": [1, \"a\\u0062\"]}\n"
                    "    details={\"a\":[\"b\"]}\n");
}
END_TEST

START_TEST(escapes_are_taken_out_at_every_level)
{
    both(HEAD ",\"location\":\"a\\u00e9\\n\\ud83d\\ude00\","
              "\"properties\":\"{\\\"deviceId\\\":\\\"x\\\\\\\"y\\\\\\\\z"
              "\\\\u0041\\\",\\\"authType\\\":\\\"{\\\\\\\"type\\\\\\\":"
              "\\\\\\\"s\\\\\\\\\\\\\\\"t\\\\\\\"}\\\"}\"}",
         "event hub_logs 2026-05-04T08:00:01.000000Z\n"
         "    device_id=x\"y\\zA\n"
         "    category=Routes\n"
         "    location=a\xc3\xa9\\x0a\xf0\x9f\x98\x80\n"
         "    auth_type=s\"t\n");
}
END_TEST

START_TEST(keys_may_be_escaped)
{
    both("{\"t\\u0069me\":\"2026-05-04T08:00:01Z\",\"\\u0063ategory\":"
         "\"Rout\\u0065s\",\"properties\":\"{\\\"d\\\\u0065viceId\\\":"
         "\\\"x\\\"}\"}",
         "event hub_logs 2026-05-04T08:00:01.000000Z\n    device_id=x\n"
         "    category=Routes\n");
}
END_TEST

START_TEST(an_inner_document_may_hide_its_quotes)
{
    const char want[] =
        "event hub_logs 2026-05-04T08:00:01.000000Z\n    device_id=x\n"
        "    category=Routes\n    auth_scope=device\n    auth_type=sas\n"
        "    message_size=5\n";
    both(HEAD ",\"properties\":\"{\\u0022deviceId\\u0022:\\u0022x\\u0022,"
              "\\u0022authType\\u0022:\\u0022{\\\\\\u0022scope\\\\\\u0022:"
              "\\\\\\u0022device\\\\\\u0022,\\\\\\u0022type\\\\\\u0022:"
              "\\\\\\u0022sas\\\\\\u0022}\\u0022,\\\"messageSize\\\":5}\"}",
         want);
    /* Pretty-printed inside. */
    both(HEAD ",\"properties\":\"{\\r\\n\\t\\\"deviceId\\\" : \\\"x\\\",\\n"
              "\\\"authType\\\":\\\"{\\\\n\\\\\\\"scope\\\\\\\": "
              "\\\\\\\"device\\\\\\\", \\\\\\\"type\\\\\\\":\\\\\\\"sas"
              "\\\\\\\"}\\\", \\\"messageSize\\\":5\\n}\\n\"}",
         want);
}
END_TEST

START_TEST(slashes_may_be_escaped)
{
    both("{\"time\":\"2026-05-04T08:00:01Z\",\"category\":\"Routes\","
         "\"resourceId\":\"\\/PROVIDERS\\/MICROSOFT.DEVICES\\/IOTHUBS\\/"
         "Hub.azure-devices.net\",\"properties\":\"{\\\"blobUri\\\":"
         "\\\"https:\\/\\/a\\\"}\"}",
         "event hub_logs 2026-05-04T08:00:01.000000Z\n    hub=hub\n"
         "    category=Routes\n"
         "    resource_id=/PROVIDERS/MICROSOFT.DEVICES/IOTHUBS/"
         "Hub.azure-devices.net\n    blob_uri=https://a\n");
}
END_TEST

START_TEST(properties_that_are_no_object_are_kept_raw)
{
    both(HEAD ",\"properties\":\"no \\\"json\\\"\",\"location\":\"x\"}",
         HEAD_EVENT "    location=x\n    properties_raw=no \"json\"\n");
    both(HEAD ",\"properties\":[1,2]}",
         HEAD_EVENT "    properties_raw=[1,2]\n");
    both(HEAD ",\"properties\":\"{\\\"deviceId\\\":\\\"x\\\"} y\"}",
         HEAD_EVENT "    properties_raw={\"deviceId\":\"x\"} y\n");
    both(HEAD ",\"properties\":\"{\\\"deviceId\\\":\\\"x\"}",
         HEAD_EVENT "    properties_raw={\"deviceId\":\"x\n");
    both(HEAD ",\"properties\":null}", HEAD_EVENT);
    both(HEAD ",\"properties\":\"\"}", HEAD_EVENT);
    ck_assert_uint_gt(host.n_metric[1], 4);
}
END_TEST

START_TEST(an_auth_type_that_is_no_document_is_its_own_value)
{
    both(HEAD ",\"properties\":\"{\\\"authType\\\":\\\"sas\\\","
              "\\\"protocol\\\":\\\"Mqtt\\\"}\"}",
         HEAD_EVENT "    protocol=Mqtt\n    auth_type=sas\n");
    both(HEAD ",\"properties\":{\"authenticationType\":{\"type\":\"x509\"}}}",
         HEAD_EVENT "    auth_type=x509\n");
    both(HEAD ",\"properties\":\"{\\\"authType\\\":null,"
              "\\\"protocol\\\":\\\"Mqtt\\\"}\"}",
         HEAD_EVENT "    protocol=Mqtt\n");
}
END_TEST

#define ESCAPED_AUTH                                                           \
    HEAD ",\"properties\":\"{\\\"authType\\\":\\\"{\\\\\\\"scope\\\\\\\":"     \
         "\\\\\\\"d\\\\\\\",\\\\\\\"type\\\\\\\":"                             \
         "\\\\\\\"s\\\\\\\\\\\\\\\"t\\\\\\\"}\\\"}\"}\n"

START_TEST(an_auth_type_seen_before_gives_the_same)
{
    both(ESCAPED_AUTH ESCAPED_AUTH,
         HEAD_EVENT "    auth_scope=d\n    auth_type=s\"t\n" HEAD_EVENT
                    "    auth_scope=d\n    auth_type=s\"t\n");
}
END_TEST

/* Keys that were guessed right before must not be believed in text where they
 * mean something else. */
START_TEST(a_guess_from_one_level_is_no_guess_for_another)
{
    message(HEAD ",\"properties\":{\"ttl\":1,\"deviceId\":\"x\"}}\n" HEAD
                 ",\"properties\":\"{\\\"ttl\\\":1,\"deviceId\":\"x\"}"
                 "                                        ",
            "event hub_logs 2026-05-04T08:00:01.000000Z\n    device_id=x\n"
            "    category=Routes\n    ttl=1\n"
            "reject \"not JSON: byte 77: expected a comma or the end\" " HEAD
            ",\"properties\":\"{\\\"ttl\\\":1,\"deviceId\":\"x\"}"
            "                                        \n");
}
END_TEST

START_TEST(hubs_take_turns)
{
    char *text = NULL, *want = NULL;
    size_t n, n_want;
    FILE *f = open_memstream(&text, &n), *g = open_memstream(&want, &n_want);
    for (int i = 0; i < 40; i++) {
        const int hub = i * 7 % 6;
        fprintf(f,
                "%s,\"resourceId\":\"/P/MICROSOFT.DEVICES/IOTHUBS/HUB%d\"}\n",
                HEAD, hub);
        fprintf(g,
                "event hub_logs 2026-05-04T08:00:01.000000Z\n    hub=hub%d\n"
                "    category=Routes\n    resource_id=/P/MICROSOFT.DEVICES/"
                "IOTHUBS/HUB%d\n",
                hub, hub);
    }
    fclose(f);
    fclose(g);
    decoder_host_message(&host, text, n);
    expect(want);
    free(text);
    free(want);
}
END_TEST

/* ---------------------------------------------------------------- time */

static const struct {
    const char *text, *want;
} times[] = {
    {"2019-12-12T03:25:14Z", "2019-12-12T03:25:14.000000Z"},
    {"2023-04-18T09:03:00.0000001Z", "2023-04-18T09:03:00.000000Z"},
    {"2023-04-18T09:03:00.1Z", "2023-04-18T09:03:00.100000Z"},
    {"2023-04-18T09:03:00.123456789Z", "2023-04-18T09:03:00.123456Z"},
    {"2023-04-18T09:03:00.1234567890Z", NULL},
    {"2023-04-18T09:03:00.Z", NULL},
    {"2023-04-18T09:03:00+02:00", "2023-04-18T07:03:00.000000Z"},
    {"2023-04-18T09:03:00.5-00:30", "2023-04-18T09:33:00.500000Z"},
    {"2023-04-18T09:03:00", "2023-04-18T09:03:00.000000Z"},
    {"2023-04-18 09:03:00z", "2023-04-18T09:03:00.000000Z"},
    {"2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000Z"},
    {"2023-02-29T00:00:00Z", NULL},
    {"2000-02-29T23:59:60Z", "2000-03-01T00:00:00.000000Z"},
    {"1900-02-29T00:00:00Z", NULL},
    {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z"},
    {"1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"},
    {"2262-04-12T00:00:00Z", "2262-04-12T00:00:00.000000Z"},
    {"2023-13-01T00:00:00Z", NULL},
    {"2023-00-01T00:00:00Z", NULL},
    {"2023-01-32T00:00:00Z", NULL},
    {"2023-01-01T24:00:00Z", NULL},
    {"2023-01-01T00:60:00Z", NULL},
    {"2023-01-01T00:00:61Z", NULL},
    {"2023-01-01T00:00:0aZ", NULL},
    {"2023-01-01T00:00:00X", NULL},
    {"2023-01-01T00:00:00+2:00", NULL},
    {"2023-01-01", NULL},
    {"202301-01T00:00:00Z.", NULL},
};

START_TEST(times_are_rfc_3339)
{
    char *text = NULL;
    ck_assert_int_gt(asprintf(&text,
                              "{\"time\":\"%s\",\"category\":\"Routes\"}",
                              times[_i].text),
                     0);
    decoder_host_message(&host, text, strlen(text));
    free(text);
    char *got = decoder_host_take(&host);
    if (times[_i].want == NULL)
        ck_assert_msg(strncmp(got, "reject ", 7) == 0, "%s", got);
    else
        ck_assert_msg(strstr(got, times[_i].want) != NULL, "%s", got);
    free(got);
}
END_TEST

/* -------------------------------------------------------- device state */

static void
connection(const char *operation, const char *more, const char *properties,
           const char *want)
{
    char *text = NULL;
    ck_assert_int_gt(
        asprintf(&text,
                 "{\"time\":\"2026-05-04T08:00:01Z\",\"resourceId\":\"/X/"
                 "MICROSOFT.DEVICES/IOTHUBS/H\",\"category\":\"Connections\","
                 "\"operationName\":\"%s\"%s,\"properties\":{%s}}",
                 operation, more, properties),
        0);
    decoder_host_message(&host, text, strlen(text));
    free(text);
    char *got = decoder_host_take(&host);
    const char *sample = strstr(got, "sample");
    ck_assert_str_eq(sample != NULL ? sample : "", want);
    free(got);
}

START_TEST(connects_and_disconnects_make_samples)
{
    const char device[] = "\"deviceId\":\"d\"";
    const char on[] = "sample iothub_device_connected 2026-05-04T08:00:01."
                      "000000Z 1\n    hub=h\n    device_id=d\n";
    const char off[] = "sample iothub_device_connected 2026-05-04T08:00:01."
                       "000000Z 0\n    hub=h\n    device_id=d\n";
    connection("deviceConnect", "", device, on);
    connection("deviceConnect", ",\"level\":\"Information\"", device, on);
    connection("deviceConnect", ",\"resultType\":\"200\"", device, on);
    connection("deviceDisconnect", "", device, off);
    connection("deviceDisconnect",
               ",\"level\":\"Error\",\"resultType\":"
               "\"404104\"",
               device, off);
    connection("deviceConnect", ",\"level\":\"Error\"", device, "");
    connection("deviceConnect", ",\"resultType\":\"401003\"", device, "");
    connection("deviceConnect", "", "\"deviceId\":null", "");
    connection("deviceConnect", "", "\"deviceId\":\"d\",\"moduleId\":\"m\"",
               "");
    connection("other", "", device, "");
}
END_TEST

/* -------------------------------------------------- limits of the host */

START_TEST(an_envelope_of_any_size_needs_little_room)
{
    size_t n;
    char *text = repeated("{\"records\":[" RECORD("a", "01"),
                          "," RECORD("b", "02"), 30000, "],\"x\":1}", &n);
    host.flags = 0;
    size_t cuts[4096];
    for (size_t i = 0; i < 4096; i++)
        cuts[i] = i * 997 + 1;
    decoder_host_stream(&host, text, n, cuts, 4096, 2000);
    ck_assert_uint_eq(host.n_events, 30001);
    ck_assert_uint_eq(host.n_rejects + host.n_passes, 0);
    free(text);
}
END_TEST

START_TEST(a_line_longer_than_the_buffer_is_rejected_and_skipped)
{
    size_t n;
    char *text =
        repeated(RECORD("a", "01") "\n{\"category\":\"Routes\",\"x\":\"",
                 "{\\\"}", 2000, "\"}\n" RECORD("b", "02") "\n", &n);
    decoder_host_stream(&host, text, n, NULL, 0, 1024);
    char *got = decoder_host_take(&host);
    ck_assert_uint_eq(host.n_events, 2);
    ck_assert_uint_eq(host.n_rejects, 1);
    ck_assert_ptr_nonnull(strstr(got, "longer than the buffer of 1024 bytes"));
    free(got);
    free(text);
}
END_TEST

START_TEST(a_record_longer_than_the_buffer_is_skipped_in_its_envelope)
{
    size_t n;
    char *text = repeated(
        "{\"records\":[" RECORD("a", "01") ",{\"category\":\"Routes\",\"x\":\"",
        "}]\\\"{", 2000,
        "\\\\\",\"y\":[{}]}," RECORD("b", "02") "]}" RECORD("c", "03"), &n);
    host.flags = 0;
    decoder_host_stream(&host, text, n, NULL, 0, 1024);
    ck_assert_uint_eq(host.n_events, 3);
    ck_assert_uint_eq(host.n_rejects, 1);
    free(text);
}
END_TEST

START_TEST(a_record_whose_text_finds_no_room_does_not_stop_the_rest)
{
    static const char record[] =
        HEAD ",\"location\":\"\\u0041bcdefghijklmnopqrstu"
             "vwxyzABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZ\"}";
    host.text_max = 64;
    decoder_host_message(&host, record, strlen(record));
    free(decoder_host_take(&host));
    ck_assert_uint_eq(host.n_events, 0);
    ck_assert_uint_eq(host.n_rejects, 1);
    /* In a stream, the next call has room again. */
    size_t n;
    char *text = repeated(
        "", HEAD ",\"location\":\"\\u0041bcdefghijklmnopqr\"}\n", 100, "", &n);
    decoder_host_stream(&host, text, n, NULL, 0, 0);
    free(decoder_host_take(&host));
    ck_assert_uint_eq(host.n_events, 100);
    ck_assert_uint_eq(host.n_rejects, 1);
    free(text);
}
END_TEST

/* The manual is written by hand, but not without the tables. */
START_TEST(the_manual_names_every_field_and_metric)
{
    const char *top = getenv("top_srcdir");
    char *path = NULL, *manual = NULL, *line = NULL;
    size_t room = 0;
    ck_assert_int_gt(asprintf(&path,
                              "%s/plugins/decode_hub_logs/tocsin-hub_logs.7",
                              top != NULL ? top : "."),
                     0);
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL && getdelim(&manual, &room, EOF, f) > 0, "%s",
                  path);
    fclose(f);
    const struct tocsin_stream *stream = &host.plugin->streams[0];
    ck_assert_uint_eq(stream->field_size, sizeof *stream->fields);
    ck_assert_uint_lt(stream->n_fields, 255);
    for (size_t i = 0; i < stream->n_fields; i++) {
        ck_assert_int_gt(
            asprintf(&line, "\n.It Va %s\n", stream->fields[i].name), 0);
        ck_assert_msg(strstr(manual, line) != NULL, "no%s", line);
        free(line);
    }
    for (size_t i = 0; i < host.plugin->n_metrics; i++)
        ck_assert_ptr_nonnull(strstr(manual, host.plugin->metrics[i].name));
    free(manual);
    free(path);
}
END_TEST

static Suite *
hub_logs_suite(void)
{
    Suite *s = suite_create("hub_logs");
    TCase *tc = tcase_create("hub_logs");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, lines_end_in_lf_or_crlf_and_may_be_blank);
    tcase_add_test(tc, records_follow_each_other_without_a_line_end);
    tcase_add_test(tc, an_array_holds_records_and_envelopes);
    tcase_add_test(tc, reader_keys_stand_before_and_behind_the_records);
    tcase_add_test(tc, an_empty_envelope_is_ours_and_makes_nothing);
    tcase_add_test(tc, records_inside_a_record_are_no_envelope);
    tcase_add_test(tc, a_broken_line_costs_its_neighbours_nothing);
    tcase_add_test(tc, a_line_that_breaks_off_does_not_swallow_the_next);
    tcase_add_test(tc, a_line_that_breaks_off_at_the_end_is_rejected);
    tcase_add_test(tc, a_broken_record_in_an_envelope_costs_only_itself);
    tcase_add_test(tc, what_is_unsound_costs_the_rest_of_its_message);
    tcase_add_test(tc, a_missing_comma_keeps_what_was_read);
    tcase_add_test(tc, a_message_may_end_in_its_envelope);
    tcase_add_test(tc, a_pretty_printed_record_is_given_up_to_its_bracket);
    tcase_add_test(tc, an_unsound_record_is_given_up_to_the_end_of_that_line);
    tcase_add_test(tc, an_auth_type_seen_before_gives_the_same);
    tcase_add_test(tc, a_record_without_a_time_is_rejected);
    tcase_add_test(tc, deep_nesting_is_refused);
    tcase_add_test(tc, a_message_with_nothing_of_ours_is_left_whole);
    tcase_add_test(tc, what_is_not_ours_is_passed_one_by_one);
    tcase_add_test(tc, another_provider_is_not_ours_whatever_its_category);
    tcase_add_test(tc, a_piece_of_a_foreign_envelope_is_passed);
    tcase_add_test(tc, null_and_empty_are_absent_and_the_first_of_a_key_counts);
    tcase_add_test(tc, numbers_in_strings_and_bare_ones_are_the_same_text);
    tcase_add_test(tc, type_stands_in_for_category);
    tcase_add_test(tc, containers_are_kept_as_json);
    tcase_add_test(tc, escapes_are_taken_out_at_every_level);
    tcase_add_test(tc, keys_may_be_escaped);
    tcase_add_test(tc, an_inner_document_may_hide_its_quotes);
    tcase_add_test(tc, slashes_may_be_escaped);
    tcase_add_test(tc, properties_that_are_no_object_are_kept_raw);
    tcase_add_test(tc, an_auth_type_that_is_no_document_is_its_own_value);
    tcase_add_test(tc, a_guess_from_one_level_is_no_guess_for_another);
    tcase_add_test(tc, hubs_take_turns);
    tcase_add_loop_test(tc, times_are_rfc_3339, 0,
                        sizeof times / sizeof *times);
    tcase_add_test(tc, connects_and_disconnects_make_samples);
    tcase_add_test(tc, an_envelope_of_any_size_needs_little_room);
    tcase_add_test(tc, a_line_longer_than_the_buffer_is_rejected_and_skipped);
    tcase_add_test(tc,
                   a_record_longer_than_the_buffer_is_skipped_in_its_envelope);
    tcase_add_test(tc,
                   a_record_whose_text_finds_no_room_does_not_stop_the_rest);
    tcase_add_test(tc, the_manual_names_every_field_and_metric);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return unit_main(hub_logs_suite(), NULL);
}
