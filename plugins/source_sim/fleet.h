/* SPDX-License-Identifier: Apache-2.0 */
/* fleet.h - a fleet of devices behind one hub, as pure functions of a seed and
 * of time.
 *
 * Nothing is remembered: what happens in a tick follows from the seed and the
 * tick's number alone.  So the same seed gives the same bytes, and a reader can
 * go on anywhere.  Time is cut into ticks; what a hub says in one tick is one
 * envelope.  Faults come in a cycle (fault_table), each with a beginning and an
 * end within it. */
#ifndef TOCSIN_SOURCE_SIM_FLEET_H
#define TOCSIN_SOURCE_SIM_FLEET_H
#include <stddef.h>
#include <stdint.h>

#include "plugins/source_sim/text.h"

enum fault {
    FAULT_DISCONNECT_STORM,
    FAULT_EXPIRED_TOKENS,
    FAULT_THROTTLING,
    FAULT_FLAPPING,
    FAULT_SILENT_DEVICES,
    FAULT_SLOW_METHODS,
    FAULT_DEAD_ENDPOINT,
    FAULT_COUNT
};

struct fault_window {
    const char *name;
    int64_t begin_us; /* in the cycle */
    int64_t end_us;
};

extern const struct fault_window fault_table[FAULT_COUNT];

struct fleet {
    uint64_t seed;
    uint32_t devices;
    uint32_t gateways;
    double rate;       /* records a second, without faults */
    int64_t start_us;  /* event time of tick 0 */
    double time_scale; /* event time passed for a unit of the fleet's time */
    int64_t cycle_us;
    unsigned faults; /* bits */
    int64_t tick_us; /* fleet_tick() */
    const char *hub; /* "contoso-hub" */
};

/* What kinds of records a hub writes: a row of the table in hub_text.c. */
enum kind {
    KIND_CONNECT,
    KIND_DISCONNECT,
    KIND_CLOSED,       /* disconnect, 404104 */
    KIND_KICKED,       /* disconnect, 400027 */
    KIND_UNAUTHORIZED, /* connect, 401003 */
    KIND_THROTTLED,
    KIND_METHOD,
    KIND_METHOD_OFFLINE,
    KIND_D2C_TWIN,
    KIND_C2D_TWIN,
    KIND_TWIN_QUERY,
    KIND_NOT_FOUND,
    KIND_MESSAGE_EXPIRED,
    KIND_FILE_UPLOAD,
    KIND_JOB,
    KIND_CONFIGURATIONS,
    KIND_ENDPOINT_UNHEALTHY,
    KIND_ENDPOINT_HEALTHY,
    KIND_COUNT
};

struct fleet_record {
    enum kind kind;
    uint32_t device;
    int64_t time_us;
    uint32_t duration_ms;
    uint64_t random;
};

/* A tick that is short enough for an envelope of some hundred records. */
int64_t fleet_tick(double rate);
/* Event time of a moment of the fleet's time. */
int64_t fleet_time(const struct fleet *f, int64_t at_us);
/* A random number that belongs to these. */
uint64_t fleet_random(const struct fleet *f, uint64_t a, uint64_t b);
/* Is the fault on at that moment of the fleet's time? */
int fleet_fault(const struct fleet *f, enum fault fault, int64_t at_us);
/* Is the device struck by a fault in the cycle of that moment? */
int fleet_struck(const struct fleet *f, enum fault fault, uint32_t device,
                 int64_t at_us);

/* Calls 'put' for each record of the hub's in that tick. */
typedef void (*fleet_put_fn)(void *arg, const struct fleet_record *rec);
void fleet_hub_tick(const struct fleet *f, uint64_t tick, fleet_put_fn put,
                    void *arg);

/* One hub record, as a line of JSON without its end. */
void fleet_hub_record(const struct fleet *f, const struct fleet_record *rec,
                      struct text *t);
/* The tick's envelope {"records":[…]}.  Returns its records; with 0 nothing is
 * appended. */
size_t fleet_hub_envelope(const struct fleet *f, uint64_t tick, struct text *t);
/* The same of the provisioning service, for each second. */
size_t fleet_dps_envelope(const struct fleet *f, uint64_t second,
                          struct text *t);
/* What edgeHub ('agent' 0) or edgeAgent (1) of a gateway answers to a scrape at
 * that moment of the fleet's time. */
void fleet_edge_body(const struct fleet *f, uint32_t gateway, int agent,
                     int64_t at_us, struct text *t);
void fleet_gateway_name(uint32_t gateway, struct text *t);

/* For benchmarks: record number i of many, with 'errors' in a thousand. */
void fleet_bench_record(const struct fleet *f, uint64_t i, unsigned errors,
                        struct fleet_record *ret);

#endif
