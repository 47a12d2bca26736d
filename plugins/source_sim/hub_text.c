/* SPDX-License-Identifier: Apache-2.0 */
/* hub_text.c - resource logs of an IoT hub, byte for byte as they come from a
 * diagnostic setting: numbers in strings, JSON in strings, and JSON in those.
 */
#include "config.h"

#include <ctype.h>

#include "plugins/source_sim/fleet.h"

/* What 'properties' has: a string of JSON, which is escaped as it stands. */
enum layout {
    LAYOUT_CONNECTION,
    LAYOUT_TELEMETRY,
    LAYOUT_METHOD,
    LAYOUT_D2C_TWIN,
    LAYOUT_C2D_TWIN,
    LAYOUT_QUERY,
    LAYOUT_IDENTITY,
    LAYOUT_EXPIRED,
    LAYOUT_UPLOAD,
    LAYOUT_JOB,
    LAYOUT_CONFIGURATIONS,
    LAYOUT_ROUTE,
};

struct kind_row {
    const char *operation;
    const char *category;
    const char *level;
    const char *result; /* "" is written, NULL is left out */
    const char *description;
    const char *status; /* statusCode in the properties, or NULL */
    enum layout layout;
    int has_duration;
};

#define INFO "Information"
#define ERROR "Error"

static const struct kind_row kinds[KIND_COUNT] = {
    [KIND_CONNECT] = {"deviceConnect", "Connections", INFO, NULL, NULL, NULL,
                      LAYOUT_CONNECTION, 0},
    [KIND_DISCONNECT] = {"deviceDisconnect", "Connections", INFO, NULL, NULL,
                         NULL, LAYOUT_CONNECTION, 0},
    [KIND_CLOSED] = {"deviceDisconnect", "Connections", ERROR, "404104",
                     "DeviceConnectionClosedRemotely", "404", LAYOUT_CONNECTION,
                     0},
    [KIND_KICKED] = {"deviceDisconnect", "Connections", ERROR, "400027",
                     "ConnectionForcefullyClosedOnNewConnection", "400",
                     LAYOUT_CONNECTION, 0},
    [KIND_UNAUTHORIZED] = {"deviceConnect", "Connections", ERROR, "401003",
                           "IotHubUnauthorized", "401", LAYOUT_CONNECTION, 0},
    [KIND_THROTTLED] = {"ingress", "DeviceTelemetry", ERROR, "429001",
                        "ThrottlingException", NULL, LAYOUT_TELEMETRY, 0},
    [KIND_METHOD] = {"send", "DirectMethods", INFO, NULL, NULL, NULL,
                     LAYOUT_METHOD, 1},
    [KIND_METHOD_OFFLINE] = {"send", "DirectMethods", ERROR, "404103",
                             "DeviceNotOnline", NULL, LAYOUT_METHOD, 1},
    [KIND_D2C_TWIN] = {"update", "D2CTwinOperations", INFO, NULL, NULL, NULL,
                       LAYOUT_D2C_TWIN, 1},
    [KIND_C2D_TWIN] = {"read", "C2DTwinOperations", INFO, NULL, NULL, NULL,
                       LAYOUT_C2D_TWIN, 1},
    [KIND_TWIN_QUERY] = {"query", "TwinQueries", INFO, NULL, NULL, NULL,
                         LAYOUT_QUERY, 1},
    [KIND_NOT_FOUND] = {"get", "DeviceIdentityOperations", ERROR, "404001",
                        "DeviceNotFound", "4XX", LAYOUT_IDENTITY, 0},
    [KIND_MESSAGE_EXPIRED] = {"messageExpired", "C2DCommands", ERROR,
                              "Event status", "MessageDescription", "4XX",
                              LAYOUT_EXPIRED, 0},
    [KIND_FILE_UPLOAD] = {"ingress", "FileUploadOperations", ERROR,
                          "Event status", "MessageDescription", NULL,
                          LAYOUT_UPLOAD, 1},
    [KIND_JOB] = {"jobCompleted", "JobsOperations", INFO, NULL, NULL, NULL,
                  LAYOUT_JOB, 1},
    [KIND_CONFIGURATIONS] = {"ReadManyConfigurations", "Configurations", INFO,
                             "", "", NULL, LAYOUT_CONFIGURATIONS, 1},
    [KIND_ENDPOINT_UNHEALTHY] = {"endpointUnhealthy", "Routes", ERROR, "403004",
                                 "DeviceMaximumQueueDepthExceeded", "403",
                                 LAYOUT_ROUTE, 0},
    [KIND_ENDPOINT_HEALTHY] = {"endpointHealthy", "Routes", INFO, "", "", NULL,
                               LAYOUT_ROUTE, 0},
};

/* The families of SDKs that a fleet has. */
static const char *const sdks[] = {
    "azure-iot-device/1.17.1 (node v10.16.0; Windows_NT 10.0.18363; x64)",
    "azure-iot-device-iothub-py/2.12.0(3.10.6;Linux-5.15.0-1034-azure-x86_64;"
    "x86_64)",
    ".NET/1.21.2 (.NET Framework 4.8.4200.0; Microsoft Windows 10.0.17763 "
    "WindowsProduct:0x00000004; X86)",
    "iothubclient/1.9.0 (native; Linux 5.15.0-1034-azure #41-Ubuntu; x86_64)",
    "com.microsoft.azure.sdk.iot.iot-device-client/2.1.1 (OpenJDK 64-Bit "
    "Server "
    "VM 17.0.5; Linux 5.15.0; amd64)",
};

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define LIT(t, s) text_add(t, s, sizeof s - 1)

/* Keys and strings as they stand inside the string. */
#define Q "\\\""
#define KEY(k) Q k Q ":"
#define PAIR(k, v) KEY(k) Q v Q
#define INNER_AUTH                                                             \
    Q "{\\\\\\\"scope\\\\\\\":\\\\\\\"device\\\\\\\",\\\\\\\"type\\\\\\\":"    \
      "\\\\\\\"sas\\\\\\\",\\\\\\\"issuer\\\\\\\":\\\\\\\"iothub\\\\\\\","     \
      "\\\\\\\"acceptingIpFilterRule\\\\\\\":null}" Q

static void
put_device(struct text *t, uint32_t device)
{
    LIT(t, KEY("deviceId") Q "pump-");
    text_u64(t, device, 4);
    LIT(t, Q);
}

static void
put_sdk(struct text *t, uint32_t device)
{
    LIT(t, "," KEY("sdkVersion") Q);
    text_str(t, sdks[device % LENGTH(sdks)]);
    LIT(t, Q);
}

static void
put_address(struct text *t, uint32_t device)
{
    LIT(t, KEY("maskedIpAddress") Q);
    text_u64(t, 11 + device % 200, 1);
    LIT(t, ".0.");
    text_u64(t, device / 200 % 256, 1);
    LIT(t, ".XXX" Q);
}

/* "statusCode" with a comma before it, where the kind has one. */
static void
put_status(struct text *t, const struct kind_row *row)
{
    if (!row->status)
        return;
    LIT(t, "," KEY("statusCode") Q);
    text_str(t, row->status);
    LIT(t, Q);
}

static void
put_number(struct text *t, const char *key, uint64_t value, const char *quote)
{
    LIT(t, "," Q);
    text_str(t, key);
    LIT(t, Q ":");
    text_str(t, quote);
    text_u64(t, value, 1);
    text_str(t, quote);
}

static void
put_inner_time(struct text *t, const char *key, int64_t us)
{
    LIT(t, "," Q);
    text_str(t, key);
    LIT(t, Q ":" Q);
    text_time(t, us);
    LIT(t, Q);
}

static void
put_connection(struct text *t, const struct fleet_record *rec,
               const struct kind_row *row)
{
    put_device(t, rec->device);
    put_sdk(t, rec->device);
    LIT(t, "," PAIR("protocol", "Mqtt") "," KEY("authType") INNER_AUTH ",");
    put_address(t, rec->device);
    put_status(t, row);
}

static void
put_telemetry(struct text *t, const struct fleet_record *rec)
{
    put_device(t, rec->device);
    LIT(t, "," PAIR("batching", "0"));
    put_number(t, "messageSizeInBytes", 256 + rec->random % 4096, Q);
    put_inner_time(t, "EventProcessedUtcTime", rec->time_us);
    put_inner_time(t, "EventEnqueuedUtcTime", rec->time_us - 1000000);
    put_number(t, "partitionId", rec->device % 4, Q);
}

static void
put_expired(struct text *t, const struct fleet_record *rec,
            const struct kind_row *row)
{
    put_device(t, rec->device);
    LIT(t, "," KEY("messageId") Q);
    text_uuid(t, rec->random, ~rec->random);
    LIT(t, Q);
    put_number(t, "messageSizeInBytes", rec->random % 1000, Q);
    LIT(t,
        "," PAIR("protocol", "Amqp") "," PAIR(
            "deliveryAcknowledgement", "Full") "," PAIR("deliveryCount", "0"));
    put_inner_time(t, "expiryTime", rec->time_us - 2000000);
    LIT(t, "," PAIR("timeInSystem", "3600000") "," KEY("ttl") "3600000");
    put_inner_time(t, "EventProcessedUtcTime", rec->time_us);
    put_inner_time(t, "EventEnqueuedUtcTime", rec->time_us - 3602000000);
    LIT(t, ",");
    put_address(t, rec->device);
    put_status(t, row);
}

/* No device: what the hub itself is asked to do. */
static void
put_service(struct text *t, const struct fleet_record *rec,
            const struct kind_row *row)
{
    switch (row->layout) {
    case LAYOUT_QUERY:
        LIT(t,
            PAIR("query", "select * from devices") "," PAIR(
                "sdkVersion",
                "2021-04-12") "," PAIR("messageSize",
                                       "64") "," PAIR("pageSize",
                                                      "100") ", " PAIR("continu"
                                                                       "ation",
                                                                       "fals"
                                                                       "e"));
        put_number(t, "resultSize", rec->random % 100000, Q);
        break;
    case LAYOUT_JOB:
        LIT(t, KEY("jobId") Q "job-");
        text_u64(t, rec->random % 1000, 1);
        LIT(t,
            Q ", " KEY(
                "sdkVersion") " " Q "2018-06-30" Q
                              "," KEY("messageSize") " 0," PAIR(
                                  "filter",
                                  "Devi"
                                  "ceId"
                                  " IN "
                                  "['"
                                  "pump"
                                  "-000"
                                  "1']") "," PAIR("startTimeUtc",
                                                  "Wednesday, September 13, "
                                                  "2017") "," PAIR("duration",
                                                                   "0"));
        break;
    case LAYOUT_CONFIGURATIONS:
        LIT(t, PAIR("configurationId", "") "," PAIR(
                   "sdkVersion",
                   "2018-06-30") "," PAIR("messageSize",
                                          "0") "," KEY("statusCode") "null");
        break;
    default:
        LIT(t,
            KEY("deviceId") "null," PAIR(
                "endpointName",
                "telemetry-eh") "," KEY("messageId") "null," KEY("details") Q);
        text_str(t, row->description);
        LIT(t, Q "," KEY("routeName") "null");
        if (row->status)
            put_status(t, row);
        else
            LIT(t, "," KEY("statusCode") "null");
        break;
    }
}

static void
put_properties(struct text *t, const struct fleet_record *rec,
               const struct kind_row *row)
{
    switch (row->layout) {
    case LAYOUT_CONNECTION:
        put_connection(t, rec, row);
        break;
    case LAYOUT_TELEMETRY:
        put_telemetry(t, rec);
        break;
    case LAYOUT_METHOD:
        put_device(t, rec->device);
        put_number(t, "RequestSize", rec->random % 500, "");
        put_number(t, "ResponseSize", rec->random / 500 % 500, "");
        LIT(t, ", " KEY("sdkVersion") " " Q "2017-07-11" Q);
        break;
    case LAYOUT_D2C_TWIN:
        put_device(t, rec->device);
        LIT(t, "," PAIR("protocol", "Mqtt") "," KEY("authenticationType")
                   INNER_AUTH);
        break;
    case LAYOUT_C2D_TWIN:
        put_device(t, rec->device);
        put_sdk(t, rec->device);
        put_number(t, "messageSize", 100 + rec->random % 900, Q);
        break;
    case LAYOUT_IDENTITY:
        put_address(t, rec->device);
        LIT(t, ",");
        put_device(t, 900000 + rec->device);
        put_status(t, row);
        break;
    case LAYOUT_EXPIRED:
        put_expired(t, rec, row);
        break;
    case LAYOUT_UPLOAD:
        put_device(t, rec->device);
        LIT(t, "," PAIR("protocol", "Https") "," KEY("authType") INNER_AUTH
            "," PAIR("blobUri", "http//bloburi.com"));
        break;
    default:
        put_service(t, rec, row);
        break;
    }
}

static void
put_upper(struct text *t, const char *name)
{
    for (; *name; name++) {
        char c = (char)toupper((unsigned char)*name);
        text_add(t, &c, 1);
    }
}

void
fleet_hub_record(const struct fleet *f, const struct fleet_record *rec,
                 struct text *t)
{
    const struct kind_row *row = &kinds[rec->kind];
    LIT(t, "{\"time\":\"");
    text_time(t, rec->time_us);
    LIT(t, "\",\"resourceId\":\"/SUBSCRIPTIONS/11111111-2222-3333-4444-"
           "555555555555/RESOURCEGROUPS/FLEET-RG/PROVIDERS/MICROSOFT.DEVICES/"
           "IOTHUBS/");
    put_upper(t, f->hub);
    LIT(t, "\",\"operationName\":\"");
    text_str(t, row->operation);
    LIT(t, "\",\"category\":\"");
    text_str(t, row->category);
    LIT(t, "\",\"level\":\"");
    text_str(t, row->level);
    LIT(t, "\"");
    if (row->result) {
        LIT(t, ",\"resultType\":\"");
        text_str(t, row->result);
        LIT(t, "\",\"resultDescription\":\"");
        text_str(t, row->description);
        LIT(t, "\"");
    }
    if (row->has_duration) {
        LIT(t, ",\"durationMs\":\"");
        text_u64(t, rec->duration_ms, 1);
        LIT(t, "\"");
    }
    LIT(t, ",\"properties\":\"{");
    put_properties(t, rec, row);
    LIT(t, "}\",\"location\":\"westeurope\"}");
}

struct envelope {
    const struct fleet *f;
    struct text *t;
    size_t n;
};

static void
envelope_put(void *arg, const struct fleet_record *rec)
{
    struct envelope *e = arg;
    if (e->n++ == 0)
        LIT(e->t, "{\"records\":[");
    else
        LIT(e->t, ",");
    fleet_hub_record(e->f, rec, e->t);
}

size_t
fleet_hub_envelope(const struct fleet *f, uint64_t tick, struct text *t)
{
    struct envelope e = {.f = f, .t = t};
    fleet_hub_tick(f, tick, envelope_put, &e);
    if (e.n > 0)
        LIT(t, "]}");
    return e.n;
}
