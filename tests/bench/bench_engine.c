/* SPDX-License-Identifier: Apache-2.0 */
/* bench_engine - what the engine alone costs for each record.
 *
 *     bench_engine [RULES [RECORDS]]
 *
 * Connection records of 50,000 devices on 8 hubs, 2 % of them errors, each
 * with a sample of iothub_device_connected, 2,000 a second of event time in
 * chunks of 1,000.  Chunks are built outside the measured time.  RULES: "20"
 * typical ones, or any number of rules on one result_type each. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "core/base/check.h"
#include "tests/lib/engine_random.h"

#define DEVICES 50000u
#define CHUNK 1000u
#define PER_SECOND 2000.0

static const char typical[] = "groups:\n- name: g\n  interval: 15s\n  rules:\n"
#define R(name, expr, more) "  - alert: " name "\n    expr: '" expr "'\n" more
#define SEL(more) "hub_logs{category=\"Connections\"" more "}"
    R("Storm",
      "sum by (hub) (count_over_time(" SEL(
          ", operation=\"deviceDisconnect\"") "[5m])) > 1000000",
      "") R("StormSlow",
            "sum by (hub) (count_over_time(" SEL(
                ", operation=\"deviceDisconnect\"") "[5m])) > 1000000",
            "    for: 1m\n") R("Expired",
                               "sum by (hub, device_id) (count_over_time(" SEL(
                                   ", result_type=\"401003\"") "[10m])) > 30",
                               "")
        R("Throttled",
          "sum by (hub) (count_over_time(" SEL(
              ", result_type=\"429001\"") "[1m])) > 100000",
          "") R("Closed",
                "sum by (hub) (count_over_time(" SEL(
                    ", result_type=\"404104\"") "[5m])) > 100000",
                "") R("Conflict",
                      "sum by (hub, device_id) (count_over_time(" SEL(
                          ", result_type=\"400027\"") "[10m])) > 50",
                      "")
            R("Flapping",
              "sum by (hub, device_id) (count_over_time(" SEL(
                  ", operation=\"deviceConnect\"") "[10m])) > 200",
              "") R("Errors",
                    "sum by (hub) (count_over_time(" SEL(
                        ", level=\"Error\"") "[5m])) > 100000",
                    "") R("Ratio",
                          "sum by (hub) (count_over_time(" SEL(
                              ", level=\"Error\"") "[5m])) / sum by (hub) "
                                                   "(count_over_time(" SEL(
                                                       "") "[5m])) > 0.5",
                          "") R("Token",
                                "sum by (hub) (count_over_time(" SEL(
                                    ", level=\"Error\"") " |~ \"(?i)token\" "
                                                         "[5m])) > 100000",
                                "") R("Gone", "iothub_device_connected == 0",
                                      "    for: 12h\n")
                R("GoneMany",
                  "count by (hub) (iothub_device_connected == 0) > 45000",
                  "") R("Twin",
                        "sum by (hub) (count_over_time(hub_logs"
                        "{category=\"D2CTwinOperations\", "
                        "level=\"Error\"}[5m])) > 10",
                        "")
                    R("Method",
                      "sum by (hub, device_id) (count_over_time(hub_logs"
                      "{category=\"DirectMethods\", level=\"Error\"}[5m])) > 3",
                      "") R("Dead",
                            "sum by (hub) "
                            "(count_over_time(hub_logs{category=\"Routes\", "
                            "operation=\"endpointDead\"}[5m])) > 0",
                            "")
                        R("Unhealthy",
                          "sum by (hub) "
                          "(count_over_time(hub_logs{category=\"Routes\""
                          ", operation=\"endpointUnhealthy\"}[5m])) > 0",
                          "") R("Quota",
                                "sum by (hub) (count_over_time(hub_logs"
                                "{result_type=\"403002\"}[5m])) > 0",
                                "") R("Slow",
                                      "sum by (hub) (count_over_time(hub_logs"
                                      "{category=\"DirectMethods\"} | "
                                      "duration_ms > 2000 [5m])) > 10",
                                      "")
                            R("Jobs",
                              "sum by (hub) (count_over_time(hub_logs"
                              "{category=\"JobsOperations\", "
                              "level=\"Error\"}[5m])) > 0",
                              "") R("Upload",
                                    "sum by (hub) (count_over_time(hub_logs"
                                    "{category=\"FileUploadOperations\"}[5m])) "
                                    "> 100",
                                    "");

static double
cpu_s(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
add_records(struct feed *f, struct rnd *r, double t)
{
    char text[512];
    feed_chunk(f, t + 0.5, "hub/0");
    for (unsigned i = 0; i < CHUNK; i++) {
        uint32_t d = rnd_below(r, DEVICES);
        bool error = rnd_chance(r, 0.02), connect = rnd_chance(r, 0.5);
        double at = t + i / PER_SECOND;
        (void)snprintf(text, sizeof text,
                       "hub=hub-%u category=Connections operation=%s level=%s "
                       "device_id=device-%06u%s duration_ms=17 size=256",
                       d % 8, connect ? "deviceConnect" : "deviceDisconnect",
                       error ? "Error" : "Information", d,
                       error ? rnd_chance(r, 0.5) ? " result_type=401003"
                                                  : " result_type=404104"
                             : "");
        feed_event(f, at, "hub_logs", text);
        (void)snprintf(text, sizeof text, "hub=hub-%u device_id=device-%06u",
                       d % 8, d);
        feed_sample(f, at, "iothub_device_connected", text, rnd_chance(r, 0.98),
                    0);
    }
    feed_end(f);
}

static char *
many_rules(unsigned n)
{
    struct buf b = BUF_INIT(16 << 20);
    (void)buf_append_str(&b, "groups:\n- name: g\n  rules:\n");
    for (unsigned i = 0; i < n; i++)
        (void)buf_printf(&b,
                         "  - alert: A%u\n    expr: 'sum by (hub, device_id) "
                         "(count_over_time(hub_logs{category=\"Connections\","
                         " result_type=\"%u\"}[5m])) > %u'\n",
                         i, 401003 + i, 5 + i % 7);
    return buf_take(&b, NULL);
}

int
main(int argc, char **argv)
{
    const char *rules = argc > 1 ? argv[1] : "20";
    unsigned records =
        argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1000000;
    struct rnd r = {1};
    struct buf told = BUF_INIT(64 << 20);
    struct feed *f = feed_new();
    feed_schema(f, 30, 0);
    char *made = strcmp(rules, "20") == 0
                     ? NULL
                     : many_rules((unsigned)strtoul(rules, NULL, 10));
    feed_rules(f, 0, made == NULL ? typical : made);
    struct engine *e = feed_engine(&told, NULL);
    feed_run(f, e, 0, feed_count(f));
    double used = 0;
    for (unsigned n = 0; n < records; n += CHUNK) {
        struct feed *c = feed_new();
        feed_copy_schema(c, f, 100 + n);
        add_records(c, &r, 10 + n / PER_SECOND);
        double from = cpu_s();
        feed_run(c, e, 0, feed_count(c));
        used += cpu_s() - from;
        feed_free(c);
    }
    struct engine_stats st;
    struct rusage ru;
    engine_get_stats(e, &st);
    (void)getrusage(RUSAGE_SELF, &ru);
    printf("rules %s records %u: %.0f ns/record, slots %llu, keys %llu, series "
           "%llu, rows %llu, engine %.1f MB, rss %.1f MB, transitions %llu\n",
           rules, records, used * 1e9 / records, (unsigned long long)st.slots,
           (unsigned long long)st.keys, (unsigned long long)st.series,
           (unsigned long long)st.rows, (double)st.bytes / 1e6,
           (double)ru.ru_maxrss / 1024, (unsigned long long)st.transitions);
    engine_free(e);
    feed_free(f);
    mem_free(made);
    buf_fini(&told);
    return 0;
}
