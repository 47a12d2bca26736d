/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/source_sim/fleet.h"
#include "tests/lib/unit.h"

#define SECOND INT64_C(1000000)
#define ALL_FAULTS ((1u << FAULT_COUNT) - 1)

static struct fleet
fleet_of(uint64_t seed)
{
    return (struct fleet){.seed = seed,
                          .devices = 200,
                          .gateways = 2,
                          .rate = 20,
                          .start_us = INT64_C(1777881600) * SECOND,
                          .time_scale = 1,
                          .cycle_us = 60 * SECOND,
                          .faults = ALL_FAULTS,
                          .tick_us = fleet_tick(20),
                          .hub = "contoso-hub"};
}

/* -------------------------------------------------------------- shapes */

static char *
sample_path(const char *name)
{
    const char *top = getenv("top_srcdir");
    static char path[1024];
    snprintf(path, sizeof path, "%s/tests/data/%s", top ? top : ".", name);
    return path;
}

/* Two documents have the same shape if they have the same keys, in any order,
 * with values of the same types; a string that holds JSON is looked into. */
static void
same_shape(const char *where, json_t *want, json_t *got)
{
    const char *key;
    json_t *value;
    ck_assert_msg(json_typeof(want) == json_typeof(got), "%s: type %d not %d",
                  where, json_typeof(got), json_typeof(want));
    if (json_is_string(want)) {
        json_t *inner = json_loads(json_string_value(want), 0, NULL);
        if (!inner)
            return;
        json_t *other = json_loads(json_string_value(got), 0, NULL);
        ck_assert_msg(other != NULL, "%s: no JSON inside: %s", where,
                      json_string_value(got));
        same_shape(where, inner, other);
        json_decref(inner);
        json_decref(other);
    }
    if (!json_is_object(want))
        return;
    json_object_foreach(want, key, value)
    {
        json_t *other = json_object_get(got, key);
        ck_assert_msg(other != NULL, "%s: no \"%s\"", where, key);
        same_shape(key, value, other);
    }
    ck_assert_msg(json_object_size(want) == json_object_size(got),
                  "%s: %zu keys, not %zu", where, json_object_size(got),
                  json_object_size(want));
}

static json_t *
first_record(json_t *envelope)
{
    return json_array_get(json_object_get(envelope, "records"), 0);
}

static const char *const kind_samples[KIND_COUNT] = {
    [KIND_CONNECT] = "connections.deviceConnect.json",
    [KIND_DISCONNECT] = "connections.deviceDisconnect.json",
    [KIND_CLOSED] = "connections.deviceDisconnect.404104.json",
    [KIND_KICKED] = "connections.deviceDisconnect.400027.json",
    [KIND_UNAUTHORIZED] = "connections.deviceConnect.401003.json",
    [KIND_THROTTLED] = "devicetelemetry.ingress.429001.json",
    [KIND_METHOD] = "directmethods.send.json",
    [KIND_D2C_TWIN] = "d2ctwinoperations.update.json",
    [KIND_C2D_TWIN] = "c2dtwinoperations.read.json",
    [KIND_TWIN_QUERY] = "twinqueries.query.json",
    [KIND_NOT_FOUND] = "deviceidentityoperations.get.json",
    [KIND_MESSAGE_EXPIRED] = "c2dcommands.messageExpired.json",
    [KIND_FILE_UPLOAD] = "fileuploadoperations.ingress.json",
    [KIND_JOB] = "jobsoperations.jobCompleted.json",
    [KIND_CONFIGURATIONS] = "configurations.readmany.verbatim.json",
    [KIND_ENDPOINT_UNHEALTHY] = "routes.endpointUnhealthy.verbatim.json",
    [KIND_ENDPOINT_HEALTHY] = "routes.endpointHealthy.json",
};

START_TEST(each_kind_of_record_has_the_shape_of_its_sample)
{
    if (!kind_samples[_i])
        return;
    char name[128];
    snprintf(name, sizeof name, "iothub-logs/%s", kind_samples[_i]);
    json_t *sample = json_load_file(sample_path(name), 0, NULL);
    ck_assert_msg(sample != NULL, "%s", name);
    json_t *want = first_record(sample);

    struct fleet f = fleet_of(1);
    struct fleet_record rec = {.kind = (enum kind)_i,
                               .device = 17,
                               .time_us = f.start_us,
                               .duration_ms = 12,
                               .random = 123456789};
    struct text t = {0};
    fleet_hub_record(&f, &rec, &t);
    json_error_t error;
    json_t *got = json_loadb(t.p, t.n, 0, &error);
    ck_assert_msg(got != NULL, "%s: %.*s", error.text, (int)t.n, t.p);
    same_shape(name, want, got);
    static const char *const same[] = {"operationName", "category", "level",
                                       "resultType", "resultDescription"};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        const char *value = json_string_value(json_object_get(want, same[i]));
        if (value)
            ck_assert_str_eq(json_string_value(json_object_get(got, same[i])),
                             value);
    }
    json_decref(got);
    json_decref(sample);
    text_fini(&t);
}
END_TEST

START_TEST(a_connect_is_the_sample_byte_for_byte)
{
    FILE *file = fopen(sample_path("iothub-logs/storage-blob.PT1H.json"), "r");
    ck_assert_ptr_nonnull(file);
    char line[2048];
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    fclose(file);
    struct fleet f = fleet_of(1);
    struct fleet_record rec = {
        .kind = KIND_CONNECT, .device = 17 * 5, .time_us = f.start_us};
    struct text t = {0};
    fleet_hub_record(&f, &rec, &t);
    text_add(&t, "\n", 2);
    char *id = strstr(t.p, "pump-0085");
    ck_assert_ptr_nonnull(id);
    memcpy(id, "pump-0017", 9);
    /* The address is the device's own. */
    char *address = strstr(t.p, "96.0.0.XXX");
    ck_assert_ptr_nonnull(address);
    size_t at = (size_t)(address - t.p);
    ck_assert_int_eq(strncmp(t.p, line, at), 0);
    ck_assert_str_eq(address + strlen("96.0.0.XXX"),
                     line + at + strlen("203.0.113.XXX"));
    text_fini(&t);
}
END_TEST

START_TEST(dps_records_have_the_shape_of_their_sample)
{
    json_t *sample = json_load_file(
        sample_path("dps/dps-logs.eventhub.assembled.json"), 0, NULL);
    ck_assert_ptr_nonnull(sample);
    struct fleet f = fleet_of(1);
    size_t n = 0, refused = 0;
    for (uint64_t second = 0; second < 60; second++) {
        struct text t = {0};
        size_t written = fleet_dps_envelope(&f, second, &t);
        ck_assert(written > 0 || t.n == 0);
        json_t *got = written ? json_loadb(t.p, t.n, 0, NULL) : NULL;
        size_t i;
        json_t *rec;
        json_array_foreach(json_object_get(got, "records"), i, rec)
        {
            same_shape("dps", first_record(sample), rec);
            const char *result =
                json_string_value(json_object_get(rec, "resultType"));
            int is_refused = strcmp(result, "ClientError") == 0;
            ck_assert(!is_refused || (second >= 10 && second < 25));
            refused += (size_t)is_refused;
            n++;
        }
        ck_assert_uint_eq(json_array_size(json_object_get(got, "records")),
                          written);
        json_decref(got);
        text_fini(&t);
    }
    ck_assert_uint_gt(refused, 20);
    ck_assert_uint_gt(n, refused + 5);
    json_decref(sample);
}
END_TEST

/* ---------------------------------------------------------- edge metrics */

static char *
slurp(const char *path)
{
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s", path);
    char *s = calloc(1, 1 << 20);
    ck_assert(s != NULL);
    ck_assert_uint_gt(fread(s, 1, (1 << 20) - 1, file), 0);
    fclose(file);
    return s;
}

/* name{label,label,…} without the values; or the comment as it is. */
static void
skeleton(const char *line, char *ret, size_t size)
{
    size_t n = 0;
    bool quoted = false;
    if (*line == '#') {
        snprintf(ret, size, "%.*s", (int)strcspn(line, "\n"), line);
        return;
    }
    for (const char *p = line; *p && *p != '\n' && n < size - 1; p++) {
        if (*p == '"')
            quoted = !quoted;
        else if (!quoted && *p == '}')
            break;
        else if (!quoted)
            ret[n++] = *p;
    }
    ret[n] = '\0';
}

START_TEST(edge_metrics_have_the_names_labels_and_helps_of_their_samples)
{
    char *sample = slurp(sample_path(_i ? "iotedge/edgeagent.metrics.prom"
                                        : "iotedge/edgehub.metrics.prom"));
    struct fleet f = fleet_of(1);
    struct text t = {0};
    fleet_edge_body(&f, 1, _i, 10 * SECOND, &t);
    text_add(&t, "", 1);
    char want[4096], got[4096];
    size_t lines = 0;
    for (char *line = t.p; *line; line = strchr(line, '\n') + 1) {
        skeleton(line, got, sizeof got);
        bool found = false;
        for (char *other = sample; *other && !found;
             other = strchr(other, '\n') + 1) {
            skeleton(other, want, sizeof want);
            found = strcmp(want, got) == 0;
        }
        ck_assert_msg(found, "not in the sample: %s", got);
        lines++;
    }
    ck_assert_uint_gt(lines, 40);
    text_fini(&t);
    free(sample);
}
END_TEST

START_TEST(counters_only_grow)
{
    struct fleet f = fleet_of(1);
    uint64_t before = 0;
    for (int64_t s = 0; s < 300; s += 7) {
        struct text t = {0};
        fleet_edge_body(&f, 0, 0, s * SECOND, &t);
        text_add(&t, "", 1);
        const char *line = strstr(t.p, "\nedgehub_client_disconnect_total{");
        ck_assert_ptr_nonnull(line);
        uint64_t value = strtoull(strstr(line, "} ") + 2, NULL, 10);
        ck_assert_uint_ge(value, before);
        before = value;
        text_fini(&t);
    }
    ck_assert_uint_gt(before, 20);
}
END_TEST

/* ---------------------------------------------------------------- life */

static void
whole_life(struct fleet *f, uint64_t ticks, struct text *t)
{
    for (uint64_t tick = 0; tick < ticks; tick++)
        fleet_hub_envelope(f, tick, t);
}

START_TEST(the_same_seed_gives_the_same_bytes)
{
    struct text a = {0}, b = {0}, c = {0};
    struct fleet one = fleet_of(1), again = fleet_of(1), two = fleet_of(2);
    whole_life(&one, 600, &a);
    whole_life(&again, 600, &b);
    whole_life(&two, 600, &c);
    ck_assert_uint_gt(a.n, 100000);
    ck_assert_uint_eq(a.n, b.n);
    ck_assert_int_eq(memcmp(a.p, b.p, a.n), 0);
    ck_assert(a.n != c.n || memcmp(a.p, c.p, a.n) != 0);
    text_fini(&a);
    text_fini(&b);
    text_fini(&c);
}
END_TEST

struct seen {
    const struct fleet *f;
    int64_t at_us;
    size_t by_kind[KIND_COUNT];
    size_t total;
    int64_t first_us[KIND_COUNT], last_us[KIND_COUNT];
    bool away[200]; /* out, as the hub told */
};

static void
see(void *arg, const struct fleet_record *rec)
{
    struct seen *seen = arg;
    if (!seen->by_kind[rec->kind])
        seen->first_us[rec->kind] = seen->at_us;
    seen->last_us[rec->kind] = seen->at_us;
    seen->by_kind[rec->kind]++;
    seen->total++;
    ck_assert_uint_lt(rec->device, seen->f->devices);
    ck_assert_int_ge(rec->time_us, seen->f->start_us + seen->at_us);
    ck_assert_int_lt(rec->time_us,
                     seen->f->start_us + seen->at_us + seen->f->tick_us);
    switch (rec->kind) {
    case KIND_CLOSED:
    case KIND_KICKED:
    case KIND_DISCONNECT:
        seen->away[rec->device] = true;
        break;
    case KIND_CONNECT:
        seen->away[rec->device] = false;
        break;
    default:
        break;
    }
}

static struct seen
live(const struct fleet *f, int64_t seconds)
{
    struct seen seen = {.f = f};
    uint64_t end = (uint64_t)(seconds * SECOND / f->tick_us);
    for (uint64_t tick = 0; tick < end; tick++) {
        seen.at_us = (int64_t)tick * f->tick_us;
        fleet_hub_tick(f, tick, see, &seen);
    }
    return seen;
}

START_TEST(faults_begin_and_end_within_the_cycle)
{
    struct fleet f = fleet_of(3);
    struct seen seen = live(&f, 60);
    static const struct {
        enum kind kind;
        enum fault fault;
        size_t at_least;
    } rows[] = {
        {KIND_CLOSED, FAULT_DISCONNECT_STORM, 60},
        {KIND_UNAUTHORIZED, FAULT_EXPIRED_TOKENS, 50},
        {KIND_THROTTLED, FAULT_THROTTLING, 200},
        {KIND_KICKED, FAULT_FLAPPING, 14},
        {KIND_ENDPOINT_UNHEALTHY, FAULT_DEAD_ENDPOINT, 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct fault_window *w = &fault_table[rows[i].fault];
        ck_assert_msg(seen.by_kind[rows[i].kind] >= rows[i].at_least, "%s: %zu",
                      w->name, seen.by_kind[rows[i].kind]);
        ck_assert_int_ge(seen.first_us[rows[i].kind], w->begin_us);
        ck_assert_int_lt(seen.last_us[rows[i].kind], w->end_us);
    }
    ck_assert_uint_eq(seen.by_kind[KIND_ENDPOINT_HEALTHY], 1);
    /* Twenty a second, and the faults. */
    ck_assert_uint_gt(seen.total, 1200);
    ck_assert_uint_lt(seen.total, 3000);
}
END_TEST

START_TEST(who_was_struck_is_back_before_the_next_cycle)
{
    struct fleet f = fleet_of(4);
    struct seen seen = live(&f, 57);
    size_t away = 0;
    for (size_t i = 0; i < 200; i++)
        away += seen.away[i];
    /* Some are always between two tokens. */
    ck_assert_uint_lt(away, 15);
    struct seen storm = live(&f, 12);
    away = 0;
    for (size_t i = 0; i < 200; i++)
        away += storm.away[i];
    ck_assert_uint_ge(away, 60);
}
END_TEST

START_TEST(without_faults_there_are_none)
{
    struct fleet f = fleet_of(5);
    f.faults = 0;
    struct seen seen = live(&f, 120);
    ck_assert_uint_eq(seen.by_kind[KIND_CLOSED], 0);
    ck_assert_uint_eq(seen.by_kind[KIND_UNAUTHORIZED], 0);
    ck_assert_uint_eq(seen.by_kind[KIND_THROTTLED], 0);
    ck_assert_uint_eq(seen.by_kind[KIND_KICKED], 0);
    ck_assert_uint_eq(seen.by_kind[KIND_ENDPOINT_UNHEALTHY], 0);
    ck_assert_uint_eq(seen.by_kind[KIND_ENDPOINT_HEALTHY], 0);
}
END_TEST

START_TEST(bench_records_have_the_errors_asked_for)
{
    struct fleet f = fleet_of(1);
    f.devices = 50000;
    f.rate = 1000;
    f.hub = "contoso-fleet-westeurope-prod-01";
    size_t errors = 0, bytes = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        struct fleet_record rec;
        fleet_bench_record(&f, i, 20, &rec);
        struct text t = {0};
        fleet_hub_record(&f, &rec, &t);
        text_add(&t, "", 1);
        errors += strstr(t.p, "\"level\":\"Error\"") != NULL;
        bytes += t.n;
        text_fini(&t);
    }
    ck_assert_uint_gt(errors, 300);
    ck_assert_uint_lt(errors, 500);
    ck_assert_uint_gt(bytes / 20000, 630);
    ck_assert_uint_lt(bytes / 20000, 750);
}
END_TEST

static Suite *
sim_suite(void)
{
    Suite *s = suite_create("source_sim");
    TCase *tc = tcase_create("shapes");
    tcase_add_loop_test(tc, each_kind_of_record_has_the_shape_of_its_sample, 0,
                        KIND_COUNT);
    tcase_add_test(tc, a_connect_is_the_sample_byte_for_byte);
    tcase_add_test(tc, dps_records_have_the_shape_of_their_sample);
    tcase_add_loop_test(
        tc, edge_metrics_have_the_names_labels_and_helps_of_their_samples, 0,
        2);
    tcase_add_test(tc, counters_only_grow);
    suite_add_tcase(s, tc);
    tc = tcase_create("life");
    tcase_add_test(tc, the_same_seed_gives_the_same_bytes);
    tcase_add_test(tc, faults_begin_and_end_within_the_cycle);
    tcase_add_test(tc, who_was_struck_is_back_before_the_next_cycle);
    tcase_add_test(tc, without_faults_there_are_none);
    tcase_add_test(tc, bench_records_have_the_errors_asked_for);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return unit_main(sim_suite(), NULL);
}
