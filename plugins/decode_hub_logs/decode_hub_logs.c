/* SPDX-License-Identifier: Apache-2.0 */
/* decode_hub_logs.c - decoder of IoT Hub's resource logs, as diagnostic
 * settings send them to an event hub or to a storage account. */
#include "config.h"

#include <stdlib.h>

#include "hub_logs.h"

static void
hub_logs_destroy(void *instance)
{
    struct hub_logs *h = instance;
    if (h == NULL)
        return;
    free(h->document.p);
    free(h->auth.p);
    free(h->value.p);
    free(h);
}

static int
hub_logs_create(void **ret_instance, const struct tocsin_host *host,
                struct tocsin_ctx *ctx, const void *options)
{
    (void)options;
    struct hub_logs *h = calloc(1, sizeof *h);
    if (h == NULL)
        return host->fail(ctx, "out of memory");
    h->host = host;
    h->ctx = ctx;
    if (keytab_init(&h->record_keys, hub_logs_record_keys) < 0 ||
        keytab_init(&h->property_keys, hub_logs_property_keys) < 0 ||
        keytab_init(&h->auth_keys, hub_logs_auth_keys) < 0) {
        hub_logs_destroy(h);
        return host->fail(ctx, "no perfect hash of the keys");
    }
    *ret_instance = h;
    return 0;
}

static int64_t
hub_logs_decode(void *instance, const struct tocsin_chunk *chunk,
                struct tocsin_context *context, struct tocsin_sink *sink)
{
    struct hub_logs *h = instance;
    record_forget(h);
    return walk_chunk(h, chunk, context, sink);
}

static const struct tocsin_stream streams[] = {{
    .name = "hub_logs",
    .help = "Resource logs of Azure IoT Hub, all categories.",
    .fields = hub_logs_fields,
    .n_fields = N_FIELDS,
    .field_size = sizeof(struct tocsin_field),
    /* Documented as "not guaranteed to be reliable or ordered". */
    .semantics = TOCSIN_EVERY_EVENT | TOCSIN_LOSSY | TOCSIN_UNORDERED,
    .delay_ms = 120000,
}};

static const struct tocsin_plugin plugin = {
    TOCSIN_PLUGIN_HEAD,
    .kind = TOCSIN_DECODER,
    .name = "hub_logs",
    .version = PACKAGE_VERSION,
    .summary = "Resource logs of Azure IoT Hub: envelopes, arrays, JSON lines.",
    .option_size = sizeof(struct tocsin_option),
    .streams = streams,
    .n_streams = sizeof streams / sizeof *streams,
    .stream_size = sizeof *streams,
    .metrics = hub_logs_metrics,
    .n_metrics = N_METRICS,
    .metric_size = sizeof(struct tocsin_metric),
    .create = hub_logs_create,
    .destroy = hub_logs_destroy,
    .decode = hub_logs_decode,
};

TOCSIN_PLUGIN_REGISTER(plugin)
