/* SPDX-License-Identifier: Apache-2.0 */
/* bench_decode.c - what decoding hub logs costs, beside what can't be had for
 * less: finding the line ends, and reading the JSON without taking anything.
 *
 *     bench_decode PLUGIN.so [RECORDS [ROUNDS]]
 *
 * Connection records of 50,000 devices, about 700 bytes each, 2 in 100 of them
 * errors, made in memory from a fixed seed; one thread; the best of the rounds,
 * in processor time. */
#include "config.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tocsin/json.h>
#include <tocsin/plugin.h>

#define CHUNK (256 * 1024)
#define PER_MESSAGE 100
#define DISTINCT 50000

struct text {
    char *p;
    size_t n, room;
};

struct counts {
    size_t events, samples, values, rest;
};

static uint64_t seed = 42;

/* splitmix64 */
static uint64_t
next_random(void)
{
    uint64_t z = seed += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* ------------------------------------------------------------------ data */

static void
append(struct text *t, const char *p, size_t n)
{
    if (t->n + n > t->room) {
        t->room = t->room > 0 ? t->room * 2 : 1 << 20;
        t->p = realloc(t->p, t->room);
        if (t->p == NULL)
            abort();
    }
    memcpy(t->p + t->n, p, n);
    t->n += n;
}

static void
append_record(struct text *t, unsigned i)
{
    static const char resource[] =
        "/SUBSCRIPTIONS/11111111-2222-3333-4444-555555555555/RESOURCEGROUPS/"
        "FLEET-WESTEUROPE-RG/PROVIDERS/MICROSOFT.DEVICES/IOTHUBS/"
        "CONTOSO-FLEET-WEU";
    const uint64_t random = next_random();
    const int is_error = random % 100 < 2;
    const int is_connect = random >> 8 & 1;
    char record[1200];
    const int n = snprintf(
        record, sizeof record,
        "{\"time\":\"2026-05-04T%02u:%02u:%02u.%07uZ\","
        "\"resourceId\":\"%s\",\"operationName\":\"device%s\","
        "\"category\":\"Connections\",\"level\":\"%s\",%s"
        "\"properties\":\"{\\\"deviceId\\\":\\\"gateway-lyon-%05u\\\","
        "\\\"sdkVersion\\\":\\\".NET/1.21.2 (.NET Framework 4.8.4200.0; "
        "Microsoft Windows 10.0.17763 WindowsProduct:0x00000004; "
        "X86)\\\",\\\"protocol\\\":\\\"Mqtt\\\","
        "\\\"authType\\\":\\\"{\\\\\\\"scope\\\\\\\":\\\\\\\"device\\\\\\\","
        "\\\\\\\"type\\\\\\\":\\\\\\\"sas\\\\\\\",\\\\\\\"issuer\\\\\\\":"
        "\\\\\\\"iothub\\\\\\\",\\\\\\\"acceptingIpFilterRule\\\\\\\":null}"
        "\\\",\\\"maskedIpAddress\\\":\\\"203.0.%u.XXX\\\"%s}\","
        "\"location\":\"westeurope\"}",
        i / 3600 % 24, i / 60 % 60, i % 60, (unsigned)(random >> 9) % 10000000,
        resource, is_connect ? "Connect" : "Disconnect",
        is_error ? "Error" : "Information",
        !is_error    ? ""
        : is_connect ? "\"resultType\":\"401003\",\"resultDescription\":"
                       "\"IotHubUnauthorized\","
                     : "\"resultType\":\"404104\",\"resultDescription\":"
                       "\"DeviceConnectionClosedRemotely\",",
        (unsigned)(random >> 16) % 50000, (unsigned)(random >> 40) % 256,
        !is_error    ? ""
        : is_connect ? ",\\\"statusCode\\\":\\\"401\\\""
                     : ",\\\"statusCode\\\":\\\"404\\\"");
    append(t, record, (size_t)n);
}

/* ------------------------------------------------------------------ host */

struct bench {
    struct tocsin_sink sink;
    struct counts got;
    const struct tocsin_plugin *plugin;
    void *instance;
    size_t size, used;
    char text[1 << 16];
};

static int
on_event(struct tocsin_sink *sink, const struct tocsin_event *event)
{
    struct bench *b = (struct bench *)(void *)sink;
    b->got.events++;
    b->got.values += event->n_values;
    return 0;
}

static int
on_sample(struct tocsin_sink *sink, const struct tocsin_sample *sample)
{
    struct bench *b = (struct bench *)(void *)sink;
    (void)sample;
    b->got.samples++;
    return 0;
}

static uint32_t
on_text(struct tocsin_sink *sink, const char *p, size_t n)
{
    struct bench *b = (struct bench *)(void *)sink;
    if (n > sizeof b->text - b->used)
        return 0xffffffffu;
    memcpy(b->text + b->used, p, n);
    b->used += n;
    return (uint32_t)(b->size + b->used - n);
}

static int
on_pass(struct tocsin_sink *sink, uint32_t offset, uint32_t length)
{
    (void)offset, (void)length;
    ((struct bench *)(void *)sink)->got.rest++;
    return 0;
}

static int
on_reject(struct tocsin_sink *sink, uint32_t offset, uint32_t length,
          const char *reason)
{
    (void)reason;
    return on_pass(sink, offset, length);
}

static int
on_fail(struct tocsin_ctx *ctx, const char *reason)
{
    (void)ctx;
    fprintf(stderr, "the plugin fails: %s\n", reason);
    return TOCSIN_ERROR;
}

static int64_t
decode(struct bench *b, const char *p, size_t n, uint32_t flags,
       struct tocsin_context *context)
{
    const struct tocsin_chunk chunk = {
        .struct_size = sizeof chunk, .flags = flags, .data = p, .size = n};
    b->size = n;
    b->used = 0;
    return b->plugin->decode(b->instance, &chunk, context, &b->sink);
}

/* ----------------------------------------------------------------- cases */

static size_t sink_of_results;

static void
run_newlines(struct bench *b, const struct text *t)
{
    (void)b;
    const char *p = t->p, *end = t->p + t->n;
    while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        sink_of_results++;
        if (++p == end)
            break;
    }
}

static void
run_skip(struct bench *b, const struct text *t)
{
    (void)b;
    struct tocsin_json r;
    tocsin_json_init(&r, t->p, t->n);
    while (tocsin_json_space(&r)) {
        if (tocsin_json_skip(&r) < 0)
            abort();
        sink_of_results++;
    }
}

static void
run_lines(struct bench *b, const struct text *t)
{
    struct tocsin_context context = {0};
    for (size_t at = 0; at < t->n;) {
        const size_t n = t->n - at < CHUNK ? t->n - at : CHUNK;
        const int64_t used = decode(
            b, t->p + at, n, at + n == t->n ? TOCSIN_CHUNK_LAST : 0, &context);
        if (used <= 0)
            abort();
        at += (size_t)used;
    }
}

/* Envelopes, a line each: the line ends are known. */
static void
run_messages(struct bench *b, const struct text *t)
{
    struct tocsin_context context = {0};
    for (const char *p = t->p, *end = p + t->n; p < end;) {
        const char *next = memchr(p, '\n', (size_t)(end - p));
        if (decode(b, p, (size_t)(next - p), TOCSIN_CHUNK_MESSAGE, &context) <
            0)
            abort();
        p = next + 1;
    }
}

static double
cpu_seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
measure(const char *what, struct bench *b,
        void (*run)(struct bench *, const struct text *), const struct text *t,
        size_t n_records, int rounds)
{
    double best = 1e9;
    const size_t passes = n_records / DISTINCT;
    for (int i = 0; i < rounds; i++) {
        const double start = cpu_seconds();
        for (size_t k = 0; k < passes; k++)
            run(b, t);
        const double s = cpu_seconds() - start;
        best = s < best ? s : best;
    }
    const double million = (double)(passes * DISTINCT) / 1e6;
    printf("%-34s %9.0f records/s  %.3f CPU s per million\n", what,
           million * 1e6 / best, best / million);
}

int
main(int argc, char **argv)
{
    static struct bench b;
    struct text lines = {0}, messages = {0};
    const size_t n = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000000;
    const int rounds = argc > 3 ? (int)strtoul(argv[3], NULL, 10) : 3;
    void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    void *symbol = library != NULL ? dlsym(library, "tocsin_plugin_v1") : NULL;
    const struct tocsin_plugin *(*entry)(void) = NULL;
    if (symbol == NULL || n < DISTINCT || rounds < 1) {
        fprintf(stderr, "usage: bench_decode PLUGIN.so [RECORDS [ROUNDS]]\n%s",
                library == NULL && argc > 1 ? dlerror() : "");
        return 2;
    }
    memcpy(&entry, &symbol, sizeof entry);
    b.plugin = entry();
    b.sink = (struct tocsin_sink){.struct_size = sizeof b.sink,
                                  .abi = TOCSIN_ABI,
                                  .event = on_event,
                                  .sample = on_sample,
                                  .text = on_text,
                                  .pass = on_pass,
                                  .reject = on_reject};
    static const struct tocsin_host host = {
        .struct_size = sizeof host, .abi = TOCSIN_ABI, .fail = on_fail};
    if (b.plugin->create(&b.instance, &host, NULL, NULL) < 0)
        return 1;

    for (unsigned i = 0; i < DISTINCT; i++) {
        const size_t from = lines.n;
        append_record(&lines, i);
        const int first = i % PER_MESSAGE == 0;
        const int last = i % PER_MESSAGE == PER_MESSAGE - 1;
        append(&messages, first ? "{\"records\":[" : ",", first ? 12 : 1);
        append(&messages, lines.p + from, lines.n - from);
        append(&messages, last ? "]}\n" : "", last ? 3 : 0);
        append(&lines, "\n", 1);
    }
    printf("decode: %zu records of %zu bytes\n", n, lines.n / DISTINCT - 1);
    measure("limit: newline scan", &b, run_newlines, &lines, n, rounds);
    measure("limit: bare JSON skip", &b, run_skip, &lines, n, rounds);
    measure("hub_logs, lines in 256 KiB chunks", &b, run_lines, &lines, n,
            rounds);
    measure("hub_logs, envelopes of 100", &b, run_messages, &messages, n,
            rounds);
    const size_t want = (n / DISTINCT) * DISTINCT * 2 * (size_t)rounds;
    printf("events %zu of %zu, samples %zu, values %zu, passed or rejected "
           "%zu\n",
           b.got.events, want, b.got.samples, b.got.values, b.got.rest);
    b.plugin->destroy(b.instance);
    free(lines.p);
    free(messages.p);
    return b.got.events == want && b.got.rest == 0 ? 0 : 1;
}
