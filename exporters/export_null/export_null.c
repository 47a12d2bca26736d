/* SPDX-License-Identifier: Apache-2.0 */
/* export_null.c - takes everything and delivers it to nowhere: for tests, for
 * benchmarks, and as a receiver for alerts that nobody is to be told of. */
#include "config.h"

#include <stdlib.h>

#include <tocsin/plugin.h>

struct null {
    const struct tocsin_host *host;
    struct tocsin_ctx *ctx;
};

enum { METRIC_RECORDS, METRIC_NOTIFICATIONS };

static const struct tocsin_metric metrics[] = {
    [METRIC_RECORDS] = {.name = "tocsin_null_records_total",
                        .type = TOCSIN_COUNTER,
                        .unit = "",
                        .help = "Records that were dropped."},
    [METRIC_NOTIFICATIONS] = {.name = "tocsin_null_notifications_total",
                              .type = TOCSIN_COUNTER,
                              .unit = "",
                              .help = "Notifications that were dropped."},
};

static int
null_create(void **ret, const struct tocsin_host *host, struct tocsin_ctx *ctx,
            const void *options)
{
    (void)options;
    struct null *n = calloc(1, sizeof *n);
    if (n == NULL)
        return host->fail(ctx, "out of memory");
    n->host = host;
    n->ctx = ctx;
    *ret = n;
    return 0;
}

static int
null_deliver(void *instance, const struct tocsin_batch *batch,
             struct tocsin_answer *ret)
{
    struct null *n = instance;
    (void)ret;
    if (batch->notification != NULL)
        n->host->metric(n->ctx, METRIC_NOTIFICATIONS, 1);
    else
        n->host->metric(n->ctx, METRIC_RECORDS, (double)batch->n_records);
    return TOCSIN_DELIVERED;
}

static const struct tocsin_plugin plugin = {
    TOCSIN_PLUGIN_HEAD,
    .kind = TOCSIN_EXPORTER,
    .name = "null",
    .version = PACKAGE_VERSION,
    .summary = "Takes everything and delivers it to nowhere.",
    .metrics = metrics,
    .n_metrics = sizeof metrics / sizeof metrics[0],
    .metric_size = sizeof metrics[0],
    .create = null_create,
    .destroy = free,
    .deliver = null_deliver,
    .receiver_key = "null_configs",
};

TOCSIN_PLUGIN_REGISTER(plugin)
