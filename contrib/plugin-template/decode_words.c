/* SPDX-License-Identifier: Apache-2.0 */
/* decode_words.c - a complete decoder to start from: each line "LEVEL TEXT"
 * becomes an event of the stream `words`.  Rename it, then:
 *
 *     make            build decode_words.so against the installed tocsin
 *     make install    put it where tocsin looks
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/plugin.h>

struct options {
    const char *separator;
};

struct decoder {
    const struct tocsin_host *host;
    struct tocsin_ctx *ctx;
    char separator;
};

static int
create(void **ret, const struct tocsin_host *host, struct tocsin_ctx *ctx,
       const void *options)
{
    const struct options *o = options;
    struct decoder *d;

    if (strlen(o->separator) != 1)
        return host->fail(ctx, "separator: one character is needed");
    d = malloc(sizeof *d);
    if (d == NULL)
        return host->fail(ctx, "out of memory");
    d->host = host;
    d->ctx = ctx;
    d->separator = o->separator[0];
    *ret = d;
    return 0;
}

static void
destroy(void *instance)
{
    free(instance);
}

/* Fields of the stream: an id is the index in this table. */
enum { LEVEL, TEXT };

static const struct tocsin_field fields[] = {
    {"level", TOCSIN_FIELD_STRING, TOCSIN_FIELD_LABEL, "the first word"},
    {"text", TOCSIN_FIELD_STRING, 0, "the rest of the line"},
};

/* One line, [offset, offset + length) of the chunk. */
static int
decode_line(struct decoder *d, const struct tocsin_chunk *chunk,
            uint32_t offset, uint32_t length, struct tocsin_sink *sink)
{
    const char *line = chunk->data + offset;
    const char *space = memchr(line, d->separator, length);
    struct tocsin_value values[2];
    struct tocsin_event event;
    uint32_t level;

    if (length == 0)
        return 0;
    if (space == NULL) /* kept whole as a dead letter; the rest goes on */
        return sink->reject(sink, offset, length, "a line of one word");
    level = (uint32_t)(space - line);
    values[0].id = LEVEL;
    values[0].offset = offset;
    values[0].length = level;
    values[1].id = TEXT;
    values[1].offset = offset + level + 1;
    values[1].length = length - level - 1;
    memset(&event, 0, sizeof event);
    event.time_us = chunk->received_us; /* these lines have no time */
    event.offset = offset;
    event.length = length;
    event.values = values;
    event.n_values = 2;
    return sink->event(sink, &event);
}

/* Whole lines; what is left comes again with more behind it. */
static int64_t
decode(void *instance, const struct tocsin_chunk *chunk,
       struct tocsin_context *context, struct tocsin_sink *sink)
{
    const uint32_t all =
        TOCSIN_CHUNK_MESSAGE | TOCSIN_CHUNK_LAST | TOCSIN_CHUNK_FULL;
    uint32_t at = 0;

    (void)context; /* nothing to remember between lines */
    while (at < chunk->size) {
        const char *end = memchr(chunk->data + at, '\n', chunk->size - at);
        uint32_t length;
        if (end == NULL && (chunk->flags & all) == 0)
            break;
        length = end != NULL ? (uint32_t)(end - chunk->data) - at
                             : (uint32_t)chunk->size - at;
        if (decode_line(instance, chunk, at, length, sink) != 0)
            return TOCSIN_ERROR;
        at += length + (end != NULL);
    }
    return at;
}

static const struct tocsin_stream streams[] = {
    {"words", "lines of words", fields, 2, sizeof fields[0], TOCSIN_EVERY_EVENT,
     0},
};

static const struct tocsin_option options[] = {
    {.key = "separator",
     .type = TOCSIN_OPT_STRING,
     .offset = offsetof(struct options, separator),
     .default_value = " ",
     .help = "What stands between the level and the text."},
};

static const struct tocsin_plugin plugin = {
    TOCSIN_PLUGIN_HEAD,
    .kind = TOCSIN_DECODER,
    .name = "words",
    .version = "0.1.0",
    .summary = "lines \"LEVEL TEXT\" as events",
    .options = options,
    .n_options = 1,
    .option_size = sizeof options[0],
    .options_struct_size = sizeof(struct options),
    .streams = streams,
    .n_streams = 1,
    .stream_size = sizeof streams[0],
    .create = create,
    .destroy = destroy,
    .decode = decode,
};

TOCSIN_PLUGIN_REGISTER(plugin)
