/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <math.h>

#include "plugins/source_sim/fleet.h"

#define SECOND INT64_C(1000000)
#define RENEWAL_US (2 * SECOND) /* from a token's end to the next connect */
#define FIRST_CONNECT_US (2 * SECOND)

const struct fault_window fault_table[FAULT_COUNT] = {
    [FAULT_DISCONNECT_STORM] = {"disconnect_storm", 5 * SECOND, 20 * SECOND},
    [FAULT_EXPIRED_TOKENS] = {"expired_tokens", 10 * SECOND, 25 * SECOND},
    [FAULT_THROTTLING] = {"throttling", 18 * SECOND, 33 * SECOND},
    [FAULT_FLAPPING] = {"flapping", 26 * SECOND, 42 * SECOND},
    [FAULT_SILENT_DEVICES] = {"silent_devices", 32 * SECOND, 50 * SECOND},
    [FAULT_SLOW_METHODS] = {"slow_methods", 12 * SECOND, 27 * SECOND},
    [FAULT_DEAD_ENDPOINT] = {"dead_endpoint", 36 * SECOND, 51 * SECOND},
};

/* How many devices a fault strikes: in a thousand, and at least. */
static const struct {
    unsigned per_mille;
    unsigned least;
} strikes[FAULT_COUNT] = {
    [FAULT_DISCONNECT_STORM] = {300, 3}, [FAULT_EXPIRED_TOKENS] = {30, 2},
    [FAULT_THROTTLING] = {100, 1},       [FAULT_FLAPPING] = {10, 2},
    [FAULT_SILENT_DEVICES] = {40, 2},    [FAULT_SLOW_METHODS] = {1000, 1},
    [FAULT_DEAD_ENDPOINT] = {0, 0},
};

/* A good mixer of 64 bits (splitmix64's). */
static uint64_t
mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint64_t
fleet_random(const struct fleet *f, uint64_t a, uint64_t b)
{
    return mix(mix(f->seed + a) ^ (b * UINT64_C(0xd6e8feb86659fd93)));
}

int64_t
fleet_tick(double rate)
{
    double us = 200.0 / (rate > 0 ? rate : 1) * 1e6;
    if (us > 100000)
        us = 100000;
    return us < 1000 ? 1000 : (int64_t)us;
}

int64_t
fleet_time(const struct fleet *f, int64_t at_us)
{
    return f->start_us + (int64_t)((double)at_us * f->time_scale);
}

int
fleet_fault(const struct fleet *f, enum fault fault, int64_t at_us)
{
    int64_t in_cycle = at_us % f->cycle_us;
    return (f->faults >> fault & 1) &&
           in_cycle >= fault_table[fault].begin_us &&
           in_cycle < fault_table[fault].end_us;
}

/* The struck devices are a run of numbers from a random first one: to know
 * whether one is struck, or to visit all, takes no list. */
static uint32_t
struck_first(const struct fleet *f, enum fault fault, int64_t at_us)
{
    uint64_t cycle = (uint64_t)(at_us / f->cycle_us);
    return (uint32_t)(fleet_random(f, 1000 + fault, cycle) % f->devices);
}

static uint32_t
struck_count(const struct fleet *f, enum fault fault)
{
    uint64_t n = (uint64_t)f->devices * strikes[fault].per_mille / 1000;
    if (n < strikes[fault].least)
        n = strikes[fault].least;
    return n > f->devices ? f->devices : (uint32_t)n;
}

int
fleet_struck(const struct fleet *f, enum fault fault, uint32_t device,
             int64_t at_us)
{
    uint32_t behind =
        (device + f->devices - struck_first(f, fault, at_us)) % f->devices;
    return behind < struck_count(f, fault);
}

/* Devices that are offline say nothing. */
static int
offline(const struct fleet *f, uint32_t device, int64_t at_us)
{
    static const enum fault faults[] = {
        FAULT_DISCONNECT_STORM, FAULT_EXPIRED_TOKENS, FAULT_SILENT_DEVICES};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        if (fleet_fault(f, faults[i], at_us) &&
            fleet_struck(f, faults[i], device, at_us))
            return 1;
    return 0;
}

/* ------------------------------------------------------------ normal life */

static const struct {
    enum kind kind;
    unsigned per_mille;
} normal[] = {
    {KIND_D2C_TWIN, 435},     {KIND_C2D_TWIN, 200},  {KIND_DISCONNECT, 60},
    {KIND_METHOD, 200},       {KIND_TWIN_QUERY, 50}, {KIND_CONFIGURATIONS, 20},
    {KIND_JOB, 20},           {KIND_FILE_UPLOAD, 5}, {KIND_MESSAGE_EXPIRED, 5},
    {KIND_METHOD_OFFLINE, 3}, {KIND_NOT_FOUND, 2},
};

static enum kind
normal_kind(uint64_t random)
{
    unsigned at = (unsigned)(random % 1000);
    for (size_t i = 0; i < sizeof normal / sizeof normal[0]; i++) {
        if (at < normal[i].per_mille)
            return normal[i].kind;
        at -= normal[i].per_mille;
    }
    return KIND_D2C_TWIN;
}

static void
normal_record(const struct fleet *f, uint64_t i, struct fleet_record *ret)
{
    uint64_t random = fleet_random(f, 1, i);
    ret->random = random;
    ret->kind = normal_kind(random >> 32);
    ret->device = (uint32_t)((random & 0xffffffff) % f->devices);
    ret->duration_ms = 1 + (uint32_t)(random >> 20 & 0xff);
    ret->time_us = 0;
}

/* The numbers of the records that a rate gives in [from, to). */
static void
numbers_of(double rate, int64_t from_us, int64_t to_us, uint64_t *ret_first,
           uint64_t *ret_end)
{
    *ret_first = (uint64_t)ceil((double)from_us * rate / 1e6);
    *ret_end = (uint64_t)ceil((double)to_us * rate / 1e6);
}

struct tick {
    const struct fleet *f;
    int64_t from_us, to_us;
    fleet_put_fn put;
    void *arg;
};

static int
in_tick(const struct tick *t, int64_t at_us)
{
    return at_us >= t->from_us && at_us < t->to_us;
}

static void
put(const struct tick *t, enum kind kind, uint32_t device, int64_t at_us,
    uint32_t duration_ms)
{
    struct fleet_record rec = {.kind = kind,
                               .device = device,
                               .time_us = fleet_time(t->f, at_us),
                               .duration_ms = duration_ms,
                               .random =
                                   fleet_random(t->f, 2 + (uint64_t)kind,
                                                (uint64_t)at_us * 31 + device)};
    t->put(t->arg, &rec);
}

static void
tick_normal(const struct tick *t)
{
    uint64_t first, end;
    numbers_of(t->f->rate, t->from_us, t->to_us, &first, &end);
    for (uint64_t i = first; i < end; i++) {
        struct fleet_record rec;
        normal_record(t->f, i, &rec);
        if (offline(t->f, rec.device, t->from_us))
            continue;
        if (rec.kind == KIND_METHOD &&
            fleet_fault(t->f, FAULT_SLOW_METHODS, t->from_us))
            rec.duration_ms = 3000 + rec.duration_ms * 20;
        rec.time_us = fleet_time(t->f, t->from_us);
        t->put(t->arg, &rec);
    }
}

/* Tokens end and are renewed: who left is back after RENEWAL_US. */
static void
tick_renewals(const struct tick *t)
{
    if (t->from_us < RENEWAL_US)
        return;
    uint64_t first, end;
    numbers_of(t->f->rate, t->from_us - RENEWAL_US, t->to_us - RENEWAL_US,
               &first, &end);
    for (uint64_t i = first; i < end; i++) {
        struct fleet_record rec;
        normal_record(t->f, i, &rec);
        if (rec.kind == KIND_DISCONNECT &&
            !offline(t->f, rec.device, t->from_us))
            put(t, KIND_CONNECT, rec.device, t->from_us, 0);
    }
}

/* In its first seconds a hub sees every device connect. */
static void
tick_first(const struct tick *t)
{
    if (t->from_us >= FIRST_CONNECT_US)
        return;
    uint64_t first, end;
    numbers_of((double)t->f->devices * 1e6 / FIRST_CONNECT_US, t->from_us,
               t->to_us, &first, &end);
    for (uint64_t i = first; i < end && i < t->f->devices; i++)
        put(t, KIND_CONNECT, (uint32_t)i, t->from_us, 0);
}

/* ----------------------------------------------------------------- faults */

struct strike {
    const struct tick *t;
    enum fault fault;
    uint32_t device;
    int64_t begin_us, end_us; /* of the fault, in the fleet's time */
    int64_t jitter_us;        /* of this device, below a second */
};

typedef void (*strike_fn)(const struct strike *s);

/* All leave within three seconds, and are back at the end. */
static void
strike_storm(const struct strike *s)
{
    int64_t away_us = s->begin_us + 3 * s->jitter_us;
    if (in_tick(s->t, away_us))
        put(s->t, KIND_CLOSED, s->device, away_us, 0);
    if (in_tick(s->t, s->end_us + s->jitter_us))
        put(s->t, KIND_CONNECT, s->device, s->end_us + s->jitter_us, 0);
}

/* Out at first, then refused each second, and in at the end. */
static void
strike_tokens(const struct strike *s)
{
    int64_t at_us = s->begin_us + s->jitter_us;
    if (in_tick(s->t, at_us))
        put(s->t, KIND_CLOSED, s->device, at_us, 0);
    for (at_us += SECOND; at_us < s->end_us; at_us += SECOND)
        if (in_tick(s->t, at_us))
            put(s->t, KIND_UNAUTHORIZED, s->device, at_us, 0);
    if (in_tick(s->t, s->end_us + s->jitter_us))
        put(s->t, KIND_CONNECT, s->device, s->end_us + s->jitter_us, 0);
}

static void
strike_throttling(const struct strike *s)
{
    for (int64_t at_us = s->begin_us + s->jitter_us; at_us < s->end_us;
         at_us += SECOND)
        if (in_tick(s->t, at_us))
            put(s->t, KIND_THROTTLED, s->device, at_us, 0);
}

/* Two identities share a device: each throws the other out. */
static void
strike_flapping(const struct strike *s)
{
    for (int64_t at_us = s->begin_us; at_us < s->end_us; at_us += 2 * SECOND) {
        if (in_tick(s->t, at_us))
            put(s->t, KIND_KICKED, s->device, at_us, 0);
        if (in_tick(s->t, at_us + SECOND))
            put(s->t, KIND_CONNECT, s->device, at_us + SECOND, 0);
    }
}

static void
strike_silence(const struct strike *s)
{
    if (in_tick(s->t, s->begin_us + s->jitter_us))
        put(s->t, KIND_DISCONNECT, s->device, s->begin_us + s->jitter_us, 0);
    if (in_tick(s->t, s->end_us + s->jitter_us))
        put(s->t, KIND_CONNECT, s->device, s->end_us + s->jitter_us, 0);
}

static const strike_fn strike_table[FAULT_COUNT] = {
    [FAULT_DISCONNECT_STORM] = strike_storm,
    [FAULT_EXPIRED_TOKENS] = strike_tokens,
    [FAULT_THROTTLING] = strike_throttling,
    [FAULT_FLAPPING] = strike_flapping,
    [FAULT_SILENT_DEVICES] = strike_silence,
};

static void
tick_fault(const struct tick *t, enum fault fault)
{
    const struct fleet *f = t->f;
    int64_t cycle_us = t->from_us / f->cycle_us * f->cycle_us;
    struct strike s = {.t = t,
                       .fault = fault,
                       .begin_us = cycle_us + fault_table[fault].begin_us,
                       .end_us = cycle_us + fault_table[fault].end_us};
    if (!(f->faults >> fault & 1) || t->to_us <= s.begin_us ||
        t->from_us >= s.end_us + SECOND)
        return;
    uint32_t first = struck_first(f, fault, t->from_us);
    uint32_t n = struck_count(f, fault);
    for (uint32_t i = 0; i < n; i++) {
        s.device = (first + i) % f->devices;
        s.jitter_us = (int64_t)(fleet_random(f, 3, s.device) % SECOND);
        strike_table[fault](&s);
    }
}

/* The hub says every five seconds that an endpoint takes nothing. */
static void
tick_endpoint(const struct tick *t)
{
    int64_t cycle_us = t->from_us / t->f->cycle_us * t->f->cycle_us;
    const struct fault_window *w = &fault_table[FAULT_DEAD_ENDPOINT];
    if (!(t->f->faults >> FAULT_DEAD_ENDPOINT & 1))
        return;
    for (int64_t at_us = cycle_us + w->begin_us; at_us < cycle_us + w->end_us;
         at_us += 5 * SECOND)
        if (in_tick(t, at_us))
            put(t, KIND_ENDPOINT_UNHEALTHY, 0, at_us, 0);
    if (in_tick(t, cycle_us + w->end_us))
        put(t, KIND_ENDPOINT_HEALTHY, 0, cycle_us + w->end_us, 0);
}

void
fleet_hub_tick(const struct fleet *f, uint64_t tick, fleet_put_fn put_fn,
               void *arg)
{
    struct tick t = {.f = f,
                     .from_us = (int64_t)tick * f->tick_us,
                     .to_us = (int64_t)(tick + 1) * f->tick_us,
                     .put = put_fn,
                     .arg = arg};
    tick_first(&t);
    tick_normal(&t);
    tick_renewals(&t);
    for (int fault = 0; fault < FAULT_COUNT; fault++)
        if (strike_table[fault])
            tick_fault(&t, (enum fault)fault);
    tick_endpoint(&t);
}

void
fleet_bench_record(const struct fleet *f, uint64_t i, unsigned errors,
                   struct fleet_record *ret)
{
    static const enum kind bad[] = {KIND_CLOSED, KIND_UNAUTHORIZED,
                                    KIND_THROTTLED, KIND_KICKED};
    uint64_t random = fleet_random(f, 7, i);
    ret->random = random;
    ret->device = (uint32_t)((random & 0xffffffff) % f->devices);
    ret->duration_ms = 1 + (uint32_t)(random >> 20 & 0xff);
    ret->time_us = fleet_time(f, (int64_t)((double)i / f->rate * 1e6));
    ret->kind = KIND_CONNECT;
    if ((random >> 32) % 1000 < errors)
        ret->kind = bad[(random >> 44) % (sizeof bad / sizeof bad[0])];
    else if ((random >> 48) % 10 < 5)
        ret->kind = (random >> 52) % 10 ? KIND_DISCONNECT : KIND_C2D_TWIN;
}
