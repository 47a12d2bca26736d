/* SPDX-License-Identifier: Apache-2.0 */
/* edge_text.c - what edgeHub and edgeAgent of a gateway answer to a scrape.
 *
 * The order of labels, counters that end with _total and gauges that do too,
 * summaries with NaN where nothing happened of late: all as the modules write
 * it. */
#include "config.h"

#include "plugins/source_sim/fleet.h"

#define SECOND INT64_C(1000000)
#define UPTIME_S 86400 /* of a gateway when the fleet begins */
#define LIT(t, s) text_add(t, s, sizeof s - 1)
#define MS ",ms_telemetry=\"True\""

struct edge {
    const struct fleet *f;
    struct text *t;
    uint32_t gateway;
    int agent;
    int64_t at_us;
    uint64_t up_s;     /* since the module began */
    uint64_t messages; /* received since then */
    uint64_t queued;   /* waiting for the cloud */
    uint64_t restarts; /* of the sensor's module */
};

void
fleet_gateway_name(uint32_t gateway, struct text *t)
{
    LIT(t, "gateway-");
    text_u64(t, gateway, 2);
}

static void
head(struct text *t, const char *name, const char *type, const char *help)
{
    LIT(t, "# HELP ");
    text_str(t, name);
    LIT(t, " ");
    text_str(t, help);
    LIT(t, "\n# TYPE ");
    text_str(t, name);
    LIT(t, " ");
    text_str(t, type);
    LIT(t, "\n");
}

/* Names a sample up to its last label; the value follows. */
static void
begin(const struct edge *e, const char *name, const char *suffix)
{
    struct text *t = e->t;
    text_str(t, name);
    text_str(t, suffix);
    LIT(t, "{iothub=\"");
    text_str(t, e->f->hub);
    LIT(t, ".azure-devices.net\",edge_device=\"");
    fleet_gateway_name(e->gateway, t);
    LIT(t, "\",instance_number=\"");
    uint64_t which = 2 * (uint64_t)e->gateway + (uint64_t)e->agent;
    text_uuid(t, fleet_random(e->f, 30, which), fleet_random(e->f, 31, which));
    LIT(t, "\"");
}

static void
value(struct text *t, uint64_t millionths)
{
    LIT(t, "} ");
    text_millionths(t, millionths);
    LIT(t, "\n");
}

/* %G in labels is the gateway's name, %H the hub's. */
static void
put_labels(const struct edge *e, const char *labels)
{
    for (const char *p = labels; *p; p++) {
        if (p[0] == '%' && p[1] == 'G') {
            fleet_gateway_name(e->gateway, e->t);
            p++;
        } else if (p[0] == '%' && p[1] == 'H') {
            text_str(e->t, e->f->hub);
            p++;
        } else {
            text_add(e->t, p, 1);
        }
    }
}

static void
sample(const struct edge *e, const char *name, const char *labels, uint64_t v)
{
    begin(e, name, "");
    put_labels(e, labels);
    value(e->t, v * 1000000);
}

/* Quantiles are millionths times 1, 2, 3, 8 of 'base', or NaN where idle. */
static void
summary(const struct edge *e, const char *name, const char *labels,
        uint64_t count, uint64_t base, int idle)
{
    static const struct {
        const char *quantile;
        unsigned factor;
    } rows[] = {{"0.1", 1}, {"0.5", 2}, {"0.9", 3}, {"0.99", 8}};
    begin(e, name, "_sum");
    put_labels(e, labels);
    value(e->t, count * base * 2);
    begin(e, name, "_count");
    put_labels(e, labels);
    value(e->t, count * 1000000);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin(e, name, "");
        put_labels(e, labels);
        LIT(e->t, ",quantile=\"");
        text_str(e->t, rows[i].quantile);
        LIT(e->t, "\"");
        if (idle)
            LIT(e->t, "} NaN\n");
        else
            value(e->t, base * rows[i].factor);
    }
}

static void
hub_messages(const struct edge *e)
{
    struct text *t = e->t;
    const char *name = "edgehub_messages_received_total";
    head(t, name, "counter", "Number of messages received from client");
    sample(e, name,
           ",id=\"%G/SimulatedTemperatureSensor\","
           "route_output=\"temperatureOutput\"" MS,
           e->messages);
    name = "edgehub_messages_sent_total";
    head(t, name, "counter", "Messages sent from edge hub");
    sample(e, name,
           ",from=\"%G/SimulatedTemperatureSensor\",to=\"upstream\","
           "from_route_output=\"temperatureOutput\",to_route_input=\"\","
           "priority=\"2000000000\"" MS,
           e->messages - e->queued);
    sample(e, name,
           ",from=\"%G/SimulatedTemperatureSensor\",to=\"%G/FilterModule\","
           "from_route_output=\"temperatureOutput\","
           "to_route_input=\"input1\",priority=\"2000000000\"" MS,
           e->messages);
    name = "edgehub_messages_dropped_total";
    head(t, name, "counter", "Messages cleaned up because of TTL expired");
    sample(e, name,
           ",reason=\"ttl_expiry\",from=\"%G/SimulatedTemperatureSensor\","
           "from_route_output=\"temperatureOutput\"" MS,
           e->queued / 100);
    name = "edgehub_queue_length";
    head(t, name, "gauge",
         "Number of messages pending to be processed for the endpoint");
    sample(e, name, ",endpoint=\"iothub\",priority=\"2000000000\"" MS,
           e->queued);
}

static void
hub_clients(const struct edge *e)
{
    struct text *t = e->t;
    const char *name = "edgehub_connected_clients";
    head(t, name, "gauge", "Current number of clients connected to edgeHub");
    int away = fleet_fault(e->f, FAULT_SILENT_DEVICES, e->at_us);
    sample(e, name, "", away ? 1 : 3);
    name = "edgehub_client_connect_success_total";
    head(t, name, "counter",
         "Total number of times each client successfully connected to "
         "edgeHub");
    sample(e, name,
           ",id=\"DeviceId: %G; ModuleId: SimulatedTemperatureSensor "
           "[IotHubHostName: %H.azure-devices.net]\"",
           2 + e->restarts);
    sample(e, name,
           ",id=\"DeviceId: %G; ModuleId: $edgeHub "
           "[IotHubHostName: %H.azure-devices.net]\"",
           1);
    name = "edgehub_client_disconnect_total";
    head(t, name, "counter",
         "Total number of times each client disconnected from edgeHub");
    sample(e, name,
           ",id=\"DeviceId: %G; ModuleId: SimulatedTemperatureSensor "
           "[IotHubHostName: %H.azure-devices.net]\"",
           1 + e->restarts);
    name = "edgehub_operation_retry_total";
    head(t, name, "counter", "Operation retries");
    sample(e, name, ",id=\"iothub\",operation=\" SendMessageToCloud\"" MS,
           4 + e->queued / 10);
    name = "edgehub_reported_properties_total";
    head(t, name, "counter", "Reported properties update calls");
    sample(e, name, ",target=\"upstream\",id=\"%G/$edgeHub\"" MS,
           9 + e->up_s / 600);
}

static void
hub_summaries(const struct edge *e)
{
    const char *name = "edgehub_message_size_bytes";
    head(e->t, name, "summary", "Size of messages received by EdgeHub");
    summary(e, name, ",id=\"%G/SimulatedTemperatureSensor\"", e->messages,
            202000000, 0);
    name = "edgehub_message_process_duration_seconds";
    head(e->t, name, "summary", "Time taken to process message in EdgeHub");
    summary(e, name,
            ",from=\"%G/SimulatedTemperatureSensor\",to=\"upstream\","
            "priority=\"2000000000\"" MS,
            e->messages - e->queued, 30000, e->queued > 0);
}

static void
agent_modules(const struct edge *e)
{
    struct text *t = e->t;
    const char *name = "edgeAgent_total_time_running_correctly_seconds";
    head(t, name, "gauge",
         "The amount of time the module was specified in the deployment and "
         "was in the running state");
    sample(e, name, ",module_name=\"edgeHub\"" MS, e->up_s);
    sample(e, name, ",module_name=\"SimulatedTemperatureSensor\"" MS,
           e->up_s - e->restarts);
    name = "edgeAgent_total_time_expected_running_seconds";
    head(t, name, "gauge",
         "The amount of time the module was specified in the deployment");
    sample(e, name, ",module_name=\"edgeHub\"" MS, e->up_s);
    sample(e, name, ",module_name=\"SimulatedTemperatureSensor\"" MS, e->up_s);
    name = "edgeAgent_module_start_total";
    head(t, name, "counter", "Command sent to module");
    sample(e, name,
           ",module_name=\"SimulatedTemperatureSensor\","
           "module_version=\"1.0\"" MS,
           1 + e->restarts);
    name = "edgeAgent_created_pids_total";
    head(t, name, "gauge",
         "The number of processes or threads the container has created");
    sample(e, name, ",module_name=\"edgeHub\"" MS, 41);
    name = "edgeAgent_command_latency_seconds";
    head(t, name, "summary", "Command sent to module");
    summary(e, name, ",command=\"start\"" MS, 1 + e->restarts, 450000,
            e->restarts == 0);
}

static void
agent_host(const struct edge *e)
{
    struct text *t = e->t;
    uint64_t random =
        fleet_random(e->f, 40 + e->gateway, (uint64_t)(e->at_us / SECOND));
    const char *name = "edgeAgent_used_memory_bytes";
    head(t, name, "gauge", "Amount of RAM used by all processes");
    sample(e, name, ",module_name=\"host\"" MS,
           2147483648 + random % 100000000);
    sample(e, name, ",module_name=\"edgeHub\"" MS, 157286400 + e->queued * 600);
    name = "edgeAgent_total_memory_bytes";
    head(t, name, "gauge", "RAM available");
    sample(e, name, ",module_name=\"host\"" MS, 8326664192);
    name = "edgeAgent_host_uptime_seconds";
    head(t, name, "gauge", "How long the host has been on");
    sample(e, name, MS, UPTIME_S + e->up_s);
    name = "edgeAgent_available_disk_space_bytes";
    head(t, name, "gauge", "Amount of space left on the disk");
    sample(e, name,
           ",disk_name=\"sda1\",disk_filesystem=\"ext4\","
           "disk_filetype=\"SSD\"" MS,
           12884901888 - e->queued * 600);
    name = "edgeAgent_total_disk_space_bytes";
    head(t, name, "gauge", "Size of the disk");
    sample(e, name,
           ",disk_name=\"sda1\",disk_filesystem=\"ext4\","
           "disk_filetype=\"SSD\"" MS,
           64424509440);
    name = "edgeAgent_used_cpu_percent";
    head(t, name, "summary", "Percent of cpu used by all processes");
    summary(e, name, ",module_name=\"host\"" MS, e->up_s / 5,
            2000000 + random % 3000000, 0);
    name = "edgeAgent_iothub_syncs_total";
    head(t, name, "counter",
         "The amount of times edgeAgent attempted to sync with iotHub, both "
         "successful and unsuccessful");
    sample(e, name, MS, 1 + e->up_s / 3600);
    name = "edgeagent_direct_method_invocations_count";
    head(t, name, "counter", "Number of times a direct method is called");
    text_str(t, name);
    LIT(t, "{method_name=\"ping\"} ");
    text_u64(t, 3 + e->up_s / 60, 1);
    LIT(t, "\n");
}

/* So long was the fault on in all cycles before 'at_us', in seconds. */
static uint64_t
seconds_of(const struct fleet *f, enum fault fault, int64_t at_us, int current)
{
    if (!(f->faults >> fault & 1))
        return 0;
    const struct fault_window *w = &fault_table[fault];
    int64_t in_cycle = at_us % f->cycle_us;
    int64_t now = in_cycle - w->begin_us;
    if (now < 0)
        now = 0;
    if (now > w->end_us - w->begin_us)
        now = current ? 0 : w->end_us - w->begin_us;
    int64_t before =
        current ? 0 : at_us / f->cycle_us * (w->end_us - w->begin_us);
    return (uint64_t)((now + before) / SECOND);
}

void
fleet_edge_body(const struct fleet *f, uint32_t gateway, int agent,
                int64_t at_us, struct text *t)
{
    struct edge e = {
        .f = f, .t = t, .gateway = gateway, .agent = agent, .at_us = at_us};
    e.up_s = UPTIME_S / 2 + (uint64_t)(at_us / SECOND);
    uint64_t per_s = 1 + fleet_random(f, 50, gateway) % 5;
    e.messages = e.up_s * per_s;
    /* The cloud is out of reach in a storm: what comes in piles up. */
    e.queued = seconds_of(f, FAULT_DISCONNECT_STORM, at_us, /* current= */ 1) *
               per_s * 20;
    if (e.queued > e.messages)
        e.queued = e.messages;
    e.restarts = seconds_of(f, FAULT_FLAPPING, at_us, /* current= */ 0) / 2;
    if (agent) {
        agent_modules(&e);
        agent_host(&e);
    } else {
        hub_messages(&e);
        hub_clients(&e);
        hub_summaries(&e);
    }
}
