/* SPDX-License-Identifier: Apache-2.0 */
/* export_webhook.c - notifications and records by HTTP POST. */
#include "config.h"

#include <pthread.h>
#include <stdlib.h>

#include "exporters/export_webhook/webhook.h"
#include "plugins/lib/plain.h"

#define BODY_KEPT ((size_t)1024 * 1024)

struct webhook {
    const struct tocsin_host *host;
    struct tocsin_ctx *ctx;
    const struct webhook_options *options;
    struct request request;
    struct out body, key;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode init_result;

static void
init_curl(void)
{
    init_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int
webhook_create(void **ret, const struct tocsin_host *host,
               struct tocsin_ctx *ctx, const void *options)
{
    char buf[128];
    (void)pthread_once(&once, init_curl);
    if (init_result != CURLE_OK)
        return host->fail(ctx, curl_easy_strerror(init_result));
    const char *problem = options_problem(options, buf, sizeof buf);
    if (problem != NULL)
        return host->fail(ctx, problem);
    struct webhook *w = calloc(1, sizeof *w);
    if (w == NULL || !request_init(&w->request)) {
        free(w);
        return host->fail(ctx, "out of memory");
    }
    w->host = host;
    w->ctx = ctx;
    w->options = options;
    *ret = w;
    return 0;
}

static void
webhook_destroy(void *instance)
{
    struct webhook *w = instance;
    request_fini(&w->request);
    out_fini(&w->body);
    out_fini(&w->key);
    free(w);
}

static void
make_notification(struct webhook *w, const struct tocsin_notification *n)
{
    struct tocsin_notification cut = *n;
    size_t max = (size_t)w->options->max_alerts;
    out_text(&w->key, n->key);
    if (w->options->format == FORMAT_ALERTMANAGER) {
        alertmanager_payload(&w->body, n, max);
        return;
    }
    if (max > 0 && max < n->n_alerts) {
        cut.n_truncated += n->n_alerts - max;
        cut.n_alerts = max;
    }
    plain_notification(&w->body, &cut);
    out_char(&w->body, '\n');
}

/* The same batch has the same key: that of its first and last record. */
static void
make_records(struct webhook *w, const struct tocsin_batch *b)
{
    out_char(&w->body, '[');
    for (size_t i = 0; i < b->n_records; i++) {
        out_str(&w->body, i > 0 ? ",\n" : "");
        plain_record(&w->body, batch_record(b, i));
    }
    out_str(&w->body, "]\n");
    if (b->n_records == 0)
        return;
    out_text(&w->key, batch_record(b, 0)->key);
    out_char(&w->key, '-');
    out_text(&w->key, batch_record(b, b->n_records - 1)->key);
}

static int
webhook_deliver(void *instance, const struct tocsin_batch *batch,
                struct tocsin_answer *ret)
{
    struct webhook *w = instance;
    out_reset(&w->body);
    out_reset(&w->key);
    if (batch->notification != NULL)
        make_notification(w, batch->notification);
    else
        make_records(w, batch);
    if (out_failed(&w->body) || out_failed(&w->key))
        return w->host->fail(w->ctx, "out of memory");
    int64_t left = batch->deadline_us - w->host->boot_us(w->ctx);
    if (left > w->options->timeout_us)
        left = w->options->timeout_us;
    int status = request_post(&w->request, w->options, out_taken(&w->body),
                              out_taken(&w->key), left > 1000 ? left / 1000 : 1,
                              &ret->retry_after_us);
    if (status != TOCSIN_DELIVERED)
        (void)w->host->fail(w->ctx, out_failed(&w->request.reason)
                                        ? "out of memory"
                                        : w->request.reason.p);
    if (w->body.cap > BODY_KEPT)
        out_fini(&w->body);
    return status;
}

static const struct tocsin_plugin webhook_plugin = {
    TOCSIN_PLUGIN_HEAD,
    .kind = TOCSIN_EXPORTER,
    .name = "webhook",
    .version = PACKAGE_VERSION,
    .summary = "Notifications and records by HTTP POST.",
    .options = webhook_options,
    .n_options = WEBHOOK_OPTIONS,
    .option_size = sizeof webhook_options[0],
    .options_struct_size = sizeof(struct webhook_options),
    .create = webhook_create,
    .destroy = webhook_destroy,
    .deliver = webhook_deliver,
    .receiver_key = "webhook_configs",
};

TOCSIN_PLUGIN_REGISTER(webhook_plugin)
