/* SPDX-License-Identifier: Apache-2.0 */
/* decode_frozen.c - a plugin of ABI 1 as it was when that was frozen, built
 * against the header of that day (tocsin/plugin.h beside it).  Neither is
 * ever changed: every later collector loads it. */
#include <string.h>

#include <tocsin/plugin.h>

struct options {
    int32_t flag;
    int64_t wait_us;
    const char *name;
};

static const struct tocsin_field fields[] = {
    {"first", TOCSIN_FIELD_STRING, TOCSIN_FIELD_LABEL, "the first byte"},
    {"size", TOCSIN_FIELD_NUMBER, 0, "made up by the decoder"},
};

static const struct tocsin_stream streams[] = {
    {"frozen", "one event a chunk", fields, 2, sizeof fields[0],
     TOCSIN_EVERY_EVENT | TOCSIN_LOSSY, 1500},
};

static const struct tocsin_field labels[] = {
    {"first", TOCSIN_FIELD_STRING, TOCSIN_FIELD_LABEL, "the first byte"},
};

static const struct tocsin_metric metrics[] = {
    {"frozen_size", TOCSIN_STATE, 0, "bytes", "of the newest chunk", labels, 1,
     sizeof labels[0], 60000000},
};

static const struct tocsin_option options[] = {
    {"flag", TOCSIN_OPT_BOOL, 0, offsetof(struct options, flag), "true", 0, 0,
     NULL, NULL, 0, 0, "A flag."},
    {"wait", TOCSIN_OPT_DURATION, 0, offsetof(struct options, wait_us), "5s", 1,
     60000000, NULL, NULL, 0, 0, "A span."},
    {"name", TOCSIN_OPT_STRING, 0, offsetof(struct options, name), "x", 0, 0,
     NULL, NULL, 0, 0, "A name."},
};

static int
create(void **ret, const struct tocsin_host *host, struct tocsin_ctx *ctx,
       const void *o)
{
    static int self;
    const struct options *opt = o;
    if (!opt->flag || opt->wait_us != 5000000 || strcmp(opt->name, "x") != 0)
        return host->fail(ctx, "the defaults did not arrive");
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
    struct tocsin_value v[2] = {{0, 0, 1}, {1, 0, 4}};
    struct tocsin_event e = {0, 2, 1000000, 0, 0, v};
    struct tocsin_sample s = {0, 1, 1000000, 0, v, 7};
    (void)instance;
    if (chunk->size == 0)
        return 0;
    if (chunk->data[0] == '?')
        return TOCSIN_NOT_MINE;
    context->size = 1;
    context->bytes[0] = (uint8_t)chunk->data[0];
    e.length = (uint32_t)chunk->size;
    s.value = (double)chunk->size;
    v[1].offset = sink->text(sink, "some", 4);
    if (sink->event(sink, &e) != 0 || sink->sample(sink, &s) != 0)
        return TOCSIN_ERROR;
    return (int64_t)chunk->size;
}

static const struct tocsin_plugin plugin = {
    TOCSIN_PLUGIN_HEAD,
    .kind = TOCSIN_DECODER,
    .name = "frozen",
    .version = "1",
    .summary = "a plugin of the first ABI",
    .options = options,
    .n_options = 3,
    .option_size = sizeof options[0],
    .options_struct_size = sizeof(struct options),
    .streams = streams,
    .n_streams = 1,
    .stream_size = sizeof streams[0],
    .metrics = metrics,
    .n_metrics = 1,
    .metric_size = sizeof metrics[0],
    .create = create,
    .destroy = destroy,
    .decode = decode,
};

TOCSIN_PLUGIN_REGISTER(plugin)
