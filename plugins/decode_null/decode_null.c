/* SPDX-License-Identifier: Apache-2.0 */
/* decode_null.c - takes every byte and makes no record of it: the null twin
 * of a decoder. */
#include "config.h"

#include <tocsin/plugin.h>

static int
create(void **ret, const struct tocsin_host *host, struct tocsin_ctx *ctx,
       const void *options)
{
    static char self; /* it has no state */
    (void)host;
    (void)ctx;
    (void)options;
    *ret = &self;
    return 0;
}

static void
destroy(void *instance)
{
    (void)instance;
}

static int64_t
decode(void *instance, const struct tocsin_chunk *chunk,
       struct tocsin_context *context, struct tocsin_sink *sink)
{
    (void)instance;
    (void)context;
    (void)sink;
    return (int64_t)chunk->size;
}

static const struct tocsin_plugin plugin = {
    TOCSIN_PLUGIN_HEAD,
    .kind = TOCSIN_DECODER,
    .name = "null",
    .version = "0.1.0",
    .summary = "takes everything and makes nothing of it",
    .create = create,
    .destroy = destroy,
    .decode = decode,
};

TOCSIN_PLUGIN_REGISTER(plugin)
