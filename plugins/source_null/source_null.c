/* SPDX-License-Identifier: Apache-2.0 */
/* source_null.c - brings nothing, and says so: the null twin of a source. */
#include "config.h"

#include <poll.h>
#include <stdlib.h>

#include <tocsin/plugin.h>

struct source {
    const struct tocsin_host *host;
    struct tocsin_ctx *ctx;
    int told;
};

static int
create(void **ret, const struct tocsin_host *host, struct tocsin_ctx *ctx,
       const void *options)
{
    struct source *s = calloc(1, sizeof *s);
    (void)options;
    if (s == NULL)
        return host->fail(ctx, "out of memory");
    s->host = host;
    s->ctx = ctx;
    *ret = s;
    return 0;
}

static void
destroy(void *instance)
{
    free(instance);
}

static int
open_(void *instance, const struct tocsin_start *starts, size_t n)
{
    struct source *s = instance;
    (void)starts;
    (void)n;
    s->told = 0;
    return 0;
}

static int
read_(void *instance, int64_t deadline_us, struct tocsin_chunk *ret)
{
    struct source *s = instance;
    ret->partition = s->host->partition(s->ctx, "", 0);
    if (!s->told) {
        s->told = 1;
        return TOCSIN_CAUGHT_UP;
    }
    struct pollfd fd = {s->host->wake_fd(s->ctx), POLLIN, 0};
    int64_t left = (deadline_us - s->host->boot_us(s->ctx)) / 1000;
    if (left > 0)
        (void)poll(&fd, 1, (int)(left < 1000 ? left : 1000));
    return TOCSIN_IDLE;
}

static void
close_(void *instance)
{
    (void)instance;
}

static const struct tocsin_plugin plugin = {
    TOCSIN_PLUGIN_HEAD,
    .kind = TOCSIN_SOURCE,
    .name = "null",
    .version = "0.1.0",
    .summary = "brings nothing",
    .create = create,
    .destroy = destroy,
    .open = open_,
    .read = read_,
    .close = close_,
};

TOCSIN_PLUGIN_REGISTER(plugin)
