/* SPDX-License-Identifier: Apache-2.0 */
/* source_sim.c - a simulated fleet as a source, for the demo and for tests.
 *
 * Partitions are "hub_logs", "dps" and "edge/GATEWAY"; the position is the
 * number of the next tick, second or scrape, and 'where' is the fleet's first
 * moment, so that a restart goes on with the same fleet.  fleet.h has the fleet
 * itself. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tocsin/plugin.h>

#include "plugins/source_sim/fleet.h"

#define SECOND INT64_C(1000000)
#define NEVER INT64_MAX
#define GATEWAYS_MAX 1000

#define FORMAT_HUB_LOGS 0
#define FORMAT_DPS 1
#define FORMAT_EDGE 2

struct sim_options {
    int64_t devices;
    int64_t gateways;
    int64_t seed;
    double rate;
    double speed;
    int64_t duration_us;
    int64_t cycle_us;
    int64_t scrape_us;
    const char *start;
    const char *hub;
    struct tocsin_list formats;
    struct tocsin_list faults;
};

/* One partition. */
struct lane {
    int format;
    uint32_t gateway;
    uint32_t id;
    uint64_t next;  /* tick, second, or half scrape */
    int64_t due_us; /* in the fleet's time */
    bool asked;     /* something was read since it was last caught up */
    bool in_scrape; /* its beginning was said, its end was not */
    char name[32];
};

struct sim {
    const struct tocsin_host *host;
    struct tocsin_ctx *ctx;
    const struct sim_options *opt;
    struct fleet fleet;
    unsigned formats; /* bits */
    bool fixed_start;
    int64_t opened_us; /* boot clock at the fleet's first moment */
    struct lane *lanes;
    size_t n_lanes;
    struct text text;
    char where[32];
};

/* ---------------------------------------------------------------- options */

static const char *const format_names[] = {"hub_logs", "dps", "edge_metrics"};

static int
sim_formats(struct sim *s)
{
    const char *const *items = s->opt->formats.items;
    char why[128];
    if (s->opt->formats.n == 0)
        s->formats = 1u << FORMAT_HUB_LOGS;
    for (size_t i = 0; i < s->opt->formats.n; i++) {
        unsigned bit = 0;
        for (unsigned j = 0; j < 3; j++)
            if (strcmp(items[i], format_names[j]) == 0)
                bit = 1u << j;
        if (!bit) {
            snprintf(why, sizeof why,
                     "formats: \"%.40s\" is none of hub_logs, dps, "
                     "edge_metrics",
                     items[i]);
            return s->host->fail(s->ctx, why);
        }
        s->formats |= bit;
    }
    return 0;
}

static int
sim_faults(struct sim *s)
{
    const char *const *items = s->opt->faults.items;
    char why[256];
    if (s->opt->faults.n == 0)
        s->fleet.faults = (1u << FAULT_COUNT) - 1;
    for (size_t i = 0; i < s->opt->faults.n; i++) {
        unsigned bits = 0;
        bool known = strcmp(items[i], "none") == 0;
        if (strcmp(items[i], "all") == 0)
            bits = (1u << FAULT_COUNT) - 1;
        for (int j = 0; j < FAULT_COUNT; j++)
            if (strcmp(items[i], fault_table[j].name) == 0)
                bits = 1u << j;
        if (!bits && !known) {
            snprintf(why, sizeof why,
                     "faults: \"%.40s\" is none of all, none, "
                     "disconnect_storm, expired_tokens, throttling, flapping, "
                     "silent_devices, slow_methods, dead_endpoint",
                     items[i]);
            return s->host->fail(s->ctx, why);
        }
        s->fleet.faults |= bits;
    }
    return 0;
}

/* 2026-05-04T08:00:00Z, or seconds since the epoch. */
static int
sim_start(struct sim *s)
{
    const char *text = s->opt->start;
    if (!text || !*text)
        return 0;
    s->fixed_start = true;
    char *end;
    double seconds = strtod(text, &end);
    if (*end == '\0' && seconds >= 0 && seconds < 1e10) {
        s->fleet.start_us = (int64_t)(seconds * 1e6);
        return 0;
    }
    struct tm tm = {0};
    end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    if (!end || *end)
        return s->host->fail(s->ctx, "start: want 2026-05-04T08:00:00Z, or "
                                     "seconds since the epoch");
    s->fleet.start_us = (int64_t)timegm(&tm) * SECOND;
    return 0;
}

static void
sim_destroy(void *instance)
{
    struct sim *s = instance;
    text_fini(&s->text);
    free(s->lanes);
    free(s);
}

static int
sim_create(void **ret_instance, const struct tocsin_host *host,
           struct tocsin_ctx *ctx, const void *options)
{
    struct sim *s = calloc(1, sizeof *s);
    if (!s)
        return host->fail(ctx, "out of memory");
    s->host = host;
    s->ctx = ctx;
    s->opt = options;
    s->fleet = (struct fleet){
        .seed = (uint64_t)s->opt->seed,
        .devices = (uint32_t)s->opt->devices,
        .gateways = (uint32_t)s->opt->gateways,
        .rate = s->opt->rate,
        .cycle_us = s->opt->cycle_us,
        .tick_us = fleet_tick(s->opt->rate),
        .time_scale = 1,
        .hub = s->opt->hub,
    };
    int r = 0;
    if (!(s->opt->rate >= 0 && s->opt->rate <= 1e6))
        r = host->fail(ctx, "rate: want 0 to 1000000 records a second");
    else if (!(s->opt->speed >= 0 && s->opt->speed <= 1e6))
        r = host->fail(ctx, "speed: want 0 (no waiting) to 1000000");
    else if (sim_formats(s) < 0 || sim_faults(s) < 0 || sim_start(s) < 0)
        r = TOCSIN_ERROR;
    /* Without a start of its own, the fleet's records follow the wall clock
     * however fast its life passes. */
    if (!s->fixed_start && s->opt->speed > 0)
        s->fleet.time_scale = 1 / s->opt->speed;
    if (r < 0)
        sim_destroy(s);
    else
        *ret_instance = s;
    return r;
}

/* ------------------------------------------------------------------- lanes */

/* When a lane's next thing happens, in the fleet's time. */
static int64_t
lane_due(const struct sim *s, const struct lane *lane)
{
    int64_t due_us;
    switch (lane->format) {
    case FORMAT_HUB_LOGS:
        due_us = (int64_t)(lane->next + 1) * s->fleet.tick_us;
        break;
    case FORMAT_DPS:
        due_us = (int64_t)(lane->next + 1) * SECOND;
        break;
    default: {
        /* Gateways answer one after the other. */
        int64_t apart_us = s->opt->scrape_us / (int64_t)s->fleet.gateways;
        due_us = (int64_t)(lane->next / 2) * s->opt->scrape_us +
                 apart_us * (int64_t)lane->gateway;
        /* It happens when it is due; what came before, when its tick ends. */
        if (s->opt->duration_us && due_us == s->opt->duration_us)
            return NEVER;
        break;
    }
    }
    if (s->opt->duration_us && due_us > s->opt->duration_us)
        return NEVER;
    return due_us;
}

static int
lane_add(struct sim *s, int format, uint32_t gateway)
{
    struct lane *lane = &s->lanes[s->n_lanes++];
    *lane = (struct lane){.format = format, .gateway = gateway, .asked = true};
    if (format == FORMAT_EDGE) {
        struct text name = {0};
        fleet_gateway_name(gateway, &name);
        if (name.failed)
            return -1;
        snprintf(lane->name, sizeof lane->name, "edge/%.*s", (int)name.n,
                 name.p);
        text_fini(&name);
    } else {
        snprintf(lane->name, sizeof lane->name, "%s", format_names[format]);
    }
    lane->id = s->host->partition(s->ctx, lane->name, strlen(lane->name));
    return 0;
}

static int
lanes_make(struct sim *s)
{
    s->n_lanes = 0;
    s->lanes = calloc(s->fleet.gateways + 2, sizeof *s->lanes);
    if (!s->lanes)
        return -1;
    for (int format = FORMAT_HUB_LOGS; format <= FORMAT_DPS; format++)
        if (s->formats >> format & 1 && lane_add(s, format, 0) < 0)
            return -1;
    for (uint32_t g = 0; s->formats >> FORMAT_EDGE & 1 && g < s->fleet.gateways;
         g++)
        if (lane_add(s, FORMAT_EDGE, g) < 0)
            return -1;
    return 0;
}

/* ------------------------------------------------------------ open and read */

/* The fleet's time now. */
static int64_t
sim_now(const struct sim *s)
{
    if (s->opt->speed <= 0)
        return NEVER - 1;
    int64_t us = s->host->boot_us(s->ctx) - s->opened_us;
    return (int64_t)((double)us * s->opt->speed);
}

static void
sim_resume(struct sim *s, const struct tocsin_start *start)
{
    for (size_t i = 0; i < s->n_lanes; i++) {
        struct lane *lane = &s->lanes[i];
        if (lane->id != start->partition)
            continue;
        lane->next = start->position.offset;
        char where[sizeof s->where] = "";
        if (start->position.where_size < sizeof where)
            memcpy(where, start->position.where, start->position.where_size);
        int64_t first_us = strtoll(where, NULL, 10);
        if (first_us > 0 && !s->fixed_start)
            s->fleet.start_us = first_us;
    }
}

static void
sim_close(void *instance)
{
    struct sim *s = instance;
    free(s->lanes);
    s->lanes = NULL;
    s->n_lanes = 0;
}

static int
sim_open(void *instance, const struct tocsin_start *starts, size_t n_starts)
{
    struct sim *s = instance;
    if (lanes_make(s) < 0) {
        sim_close(s);
        return s->host->fail(s->ctx, "out of memory");
    }
    int64_t wall_us = s->host->wall_us(s->ctx);
    s->opened_us = s->host->boot_us(s->ctx);
    if (!s->fixed_start)
        s->fleet.start_us = wall_us;
    for (size_t i = 0; i < n_starts; i++)
        sim_resume(s, &starts[i]);
    /* The fleet lived on while nobody looked. */
    if (!s->fixed_start)
        s->opened_us -= wall_us - s->fleet.start_us;
    snprintf(s->where, sizeof s->where, "%lld", (long long)s->fleet.start_us);
    for (size_t i = 0; i < s->n_lanes; i++)
        s->lanes[i].due_us = lane_due(s, &s->lanes[i]);
    return 0;
}

static struct lane *
sim_first_due(struct sim *s)
{
    struct lane *first = &s->lanes[0];
    for (size_t i = 1; i < s->n_lanes; i++)
        if (s->lanes[i].due_us < first->due_us)
            first = &s->lanes[i];
    return first;
}

/* Writes what the lane has to say; false where it is nothing. */
static bool
lane_write(struct sim *s, const struct lane *lane)
{
    s->text.n = 0;
    switch (lane->format) {
    case FORMAT_HUB_LOGS:
        return fleet_hub_envelope(&s->fleet, lane->next, &s->text) > 0;
    case FORMAT_DPS:
        return fleet_dps_envelope(&s->fleet, lane->next, &s->text) > 0;
    default:
        fleet_edge_body(&s->fleet, lane->gateway, lane->next % 2 == 1,
                        lane->due_us, &s->text);
        return true;
    }
}

static const struct tocsin_header edge_headers[2][2] = {
    {{"url", 3, "http://edgeHub:9600/metrics", 27},
     {"content-type", 12, "text/plain; version=0.0.4", 25}},
    {{"url", 3, "http://edgeAgent:9600/metrics", 29},
     {"content-type", 12, "text/plain; version=0.0.4", 25}},
};

static int
lane_chunk(struct sim *s, struct lane *lane, struct tocsin_chunk *ret)
{
    ret->flags = TOCSIN_CHUNK_MESSAGE;
    ret->partition = lane->id;
    ret->data = s->text.p;
    ret->size = s->text.n;
    ret->key = NULL;
    ret->key_size = 0;
    ret->n_headers = 0;
    ret->headers = NULL;
    if (lane->format == FORMAT_EDGE) {
        ret->headers = edge_headers[lane->next % 2];
        ret->n_headers = 2;
    }
    lane->next++;
    lane->due_us = lane_due(s, lane);
    lane->asked = true;
    ret->next = (struct tocsin_position){.offset = lane->next,
                                         .where = s->where,
                                         .where_size = strlen(s->where)};
    ret->received_us = 0;
    return TOCSIN_CHUNK;
}

/* What is due.  Returns a status, or 0 where nothing was to be said. */
static int
sim_step(struct sim *s, struct lane *lane, struct tocsin_chunk *ret)
{
    if (lane->format == FORMAT_EDGE && !lane->in_scrape) {
        lane->in_scrape = true;
        ret->partition = lane->id;
        return TOCSIN_SCRAPE_BEGIN;
    }
    if (lane_write(s, lane)) {
        if (s->text.failed) {
            s->text.failed = false;
            return s->host->fail(s->ctx, "out of memory");
        }
        return lane_chunk(s, lane, ret);
    }
    lane->next++;
    lane->due_us = lane_due(s, lane);
    return 0;
}

/* A scrape that is complete, or a lane that was read to its end for now. */
static int
sim_say(struct sim *s, int64_t now_us, struct tocsin_chunk *ret)
{
    for (size_t i = 0; i < s->n_lanes; i++) {
        struct lane *lane = &s->lanes[i];
        ret->partition = lane->id;
        if (lane->in_scrape && lane->next % 2 == 0 && lane->asked) {
            lane->in_scrape = lane->asked = false;
            return TOCSIN_SCRAPE_END;
        }
        if (lane->format != FORMAT_EDGE && lane->asked &&
            lane->due_us > now_us) {
            lane->asked = false;
            return TOCSIN_CAUGHT_UP;
        }
    }
    return 0;
}

/* Returns 1 when something is due, 0 for the deadline or the host. */
static int
sim_wait(struct sim *s, int64_t due_us, int64_t deadline_us)
{
    int64_t now_us = s->host->boot_us(s->ctx);
    int64_t until_us = NEVER;
    if (due_us != NEVER)
        until_us = s->opened_us + (int64_t)((double)due_us / s->opt->speed) + 1;
    bool mine = until_us <= deadline_us;
    int64_t left_us = (mine ? until_us : deadline_us) - now_us;
    if (left_us < 0)
        left_us = 0;
    struct timespec ts = {.tv_sec = left_us / SECOND,
                          .tv_nsec = left_us % SECOND * 1000};
    struct pollfd fd = {.fd = s->host->wake_fd(s->ctx), .events = POLLIN};
    int r = ppoll(&fd, 1, &ts, NULL);
    return (r == 0 && mine) || (r < 0 && errno == EINTR);
}

static int
sim_read(void *instance, int64_t deadline_us, struct tocsin_chunk *ret)
{
    struct sim *s = instance;
    for (unsigned n = 1;; n++) {
        int64_t now_us = sim_now(s);
        int status = sim_say(s, now_us, ret);
        if (status)
            return status;
        struct lane *lane = sim_first_due(s);
        if (lane->due_us <= now_us) {
            status = sim_step(s, lane, ret);
            if (status)
                return status;
            /* Ticks without a record are many and quick. */
            if (n % 1024 == 0 && s->host->boot_us(s->ctx) >= deadline_us)
                return TOCSIN_IDLE;
            continue;
        }
        if (lane->due_us == NEVER && s->opt->duration_us)
            return TOCSIN_END;
        if (!sim_wait(s, lane->due_us, deadline_us))
            return TOCSIN_IDLE;
    }
}

/* ------------------------------------------------------------------- tables */

#define OPTION(k, t, m, ...)                                                   \
    {                                                                          \
        .key = k, .type = t, .offset = offsetof(struct sim_options, m),        \
        __VA_ARGS__                                                            \
    }

static const struct tocsin_option options[] = {
    OPTION("devices", TOCSIN_OPT_INT, devices, .default_value = "200", .min = 1,
           .max = 10000000, .help = "How many devices the fleet has."),
    OPTION("gateways", TOCSIN_OPT_INT, gateways, .default_value = "4", .min = 1,
           .max = GATEWAYS_MAX, .help = "How many IoT Edge gateways it has."),
    OPTION("seed", TOCSIN_OPT_INT, seed, .default_value = "1", .min = 0,
           .max = INT64_MAX,
           .help = "The same seed, options and start give the same bytes."),
    OPTION("rate", TOCSIN_OPT_DOUBLE, rate, .default_value = "20",
           .help = "Hub log records a second, without those of faults."),
    OPTION("speed", TOCSIN_OPT_DOUBLE, speed, .default_value = "1",
           .help = "How fast the fleet lives: 10 shows a minute of it in six "
                   "seconds, 0 waits for nothing."),
    OPTION("duration", TOCSIN_OPT_DURATION, duration_us, .default_value = "0s",
           .min = 0, .max = INT64_MAX,
           .help = "End after so much of the fleet's life; 0: never."),
    OPTION("cycle", TOCSIN_OPT_DURATION, cycle_us, .default_value = "1m",
           .min = 60 * SECOND, .max = 86400 * SECOND,
           .help = "After so long the faults come again."),
    OPTION("scrape_interval", TOCSIN_OPT_DURATION, scrape_us,
           .default_value = "15s", .min = SECOND, .max = 86400 * SECOND,
           .help = "How often a gateway's metrics are read."),
    OPTION("start", TOCSIN_OPT_STRING, start,
           .help = "The fleet's first moment, as 2026-05-04T08:00:00Z or in "
                   "seconds since the epoch; without it, records follow the "
                   "wall clock."),
    OPTION("hub", TOCSIN_OPT_STRING, hub, .default_value = "contoso-hub",
           .help = "The hub's name."),
    OPTION("formats", TOCSIN_OPT_LIST, formats,
           .help = "Which of hub_logs, dps, edge_metrics; hub_logs alone "
                   "where empty."),
    OPTION("faults", TOCSIN_OPT_LIST, faults,
           .help = "Which of disconnect_storm, expired_tokens, throttling, "
                   "flapping, silent_devices, slow_methods, dead_endpoint; "
                   "all where empty, or none."),
};

static const struct tocsin_plugin plugin = {
    TOCSIN_PLUGIN_HEAD,
    .kind = TOCSIN_SOURCE,
    .name = "sim",
    .version = PACKAGE_VERSION,
    .summary = "Simulates a fleet of devices, with faults.",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .option_size = sizeof options[0],
    .options_struct_size = sizeof(struct sim_options),
    .create = sim_create,
    .destroy = sim_destroy,
    .open = sim_open,
    .read = sim_read,
    .close = sim_close,
};

TOCSIN_PLUGIN_REGISTER(plugin)
