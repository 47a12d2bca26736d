/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/lib/decoder_host.h"

#define NO_TEXT 0xffffffffu

#define CHECK(cond)                                                            \
    do {                                                                       \
        if (!(cond)) {                                                         \
            fprintf(stderr, "%s:%d: contract broken: %s\n", __FILE__,          \
                    __LINE__, #cond);                                          \
            abort();                                                           \
        }                                                                      \
    } while (0)

static struct decoder_host *
host_of(struct tocsin_sink *sink)
{
    return (struct decoder_host *)((char *)sink -
                                   offsetof(struct decoder_host, sink));
}

/* -------------------------------------------------------------- writing */

static void
write_bytes(FILE *out, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)p[i];
        if (c < 0x20 || c == 0x7f)
            fprintf(out, "\\x%02x", c);
        else
            putc(c, out);
    }
}

static void
write_time(FILE *out, int64_t us)
{
    int64_t s = us / 1000000, rest = us % 1000000;
    s -= rest < 0;
    rest += rest < 0 ? 1000000 : 0;
    struct tm tm;
    char text[40];
    time_t t = (time_t)s;
    CHECK(gmtime_r(&t, &tm) != NULL);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    fprintf(out, "%s.%06dZ", text, (int)rest);
}

/* The bytes of a value, in the chunk or in what was stored. */
static const char *
value_bytes(const struct decoder_host *d, const struct tocsin_value *v)
{
    const size_t size = d->chunk->size;
    CHECK(v->length > 0);
    if (v->offset < size) {
        CHECK(v->length <= size - v->offset);
        return d->chunk->data + v->offset;
    }
    CHECK(v->offset - size <= d->text_used);
    CHECK(v->length <= d->text_used - (v->offset - size));
    return d->text + (v->offset - size);
}

/* By id, so that the text does not hang on the order of calls. */
static void
write_values(struct decoder_host *d, const struct tocsin_field *fields,
             size_t n_fields, const struct tocsin_value *values, uint32_t n)
{
    for (size_t id = 0; id < n_fields; id++) {
        unsigned found = 0;
        for (uint32_t i = 0; i < n; i++) {
            if (values[i].id != id)
                continue;
            const char *p = value_bytes(d, &values[i]);
            CHECK(found++ == 0);
            if ((d->flags & DECODER_TEXT) == 0)
                continue;
            fprintf(d->out, "    %s=", fields[id].name);
            write_bytes(d->out, p, values[i].length);
            putc('\n', d->out);
        }
    }
    for (uint32_t i = 0; i < n; i++)
        CHECK(values[i].id < n_fields);
}

static void
write_place(const struct decoder_host *d, uint32_t offset, uint32_t length)
{
    if ((d->flags & DECODER_OFFSETS) != 0)
        fprintf(d->out, " %llu+%u", (unsigned long long)(d->base + offset),
                length);
}

static void
check_place(const struct decoder_host *d, uint32_t offset, uint32_t length)
{
    CHECK(length > 0);
    CHECK(offset < d->chunk->size);
    CHECK(length <= d->chunk->size - offset);
}

/* ----------------------------------------------------------------- sink */

static int
sink_event(struct tocsin_sink *sink, const struct tocsin_event *event)
{
    struct decoder_host *d = host_of(sink);
    d->n_events++;
    d->n_values += event->n_values;
    if ((d->flags & DECODER_UNCHECKED) != 0)
        return 0;
    CHECK(event->stream < d->plugin->n_streams);
    check_place(d, event->offset, event->length);
    const struct tocsin_stream *stream = &d->plugin->streams[event->stream];
    if ((d->flags & DECODER_TEXT) != 0) {
        fprintf(d->out, "event %s ", stream->name);
        write_time(d->out, event->time_us);
        write_place(d, event->offset, event->length);
        putc('\n', d->out);
    }
    write_values(d, stream->fields, stream->n_fields, event->values,
                 event->n_values);
    return 0;
}

static int
sink_sample(struct tocsin_sink *sink, const struct tocsin_sample *sample)
{
    struct decoder_host *d = host_of(sink);
    d->n_samples++;
    if ((d->flags & DECODER_UNCHECKED) != 0)
        return 0;
    CHECK(sample->metric < d->plugin->n_metrics);
    const struct tocsin_metric *metric = &d->plugin->metrics[sample->metric];
    if ((d->flags & DECODER_TEXT) != 0) {
        fprintf(d->out, "sample %s ", metric->name);
        write_time(d->out, sample->time_us);
        fprintf(d->out, " %g\n", sample->value);
    }
    write_values(d, metric->labels, metric->n_labels, sample->values,
                 sample->n_values);
    return 0;
}

static uint32_t
sink_text(struct tocsin_sink *sink, const char *p, size_t n)
{
    struct decoder_host *d = host_of(sink);
    if (d->text_max > 0 && d->text_used + n > d->text_max)
        return NO_TEXT;
    if (d->text_used + n > d->text_room) {
        while (d->text_used + n > d->text_room)
            d->text_room = d->text_room > 0 ? d->text_room * 2 : 65536;
        d->text = realloc(d->text, d->text_room);
        CHECK(d->text != NULL);
    }
    memcpy(d->text + d->text_used, p, n);
    const uint32_t offset = (uint32_t)(d->chunk->size + d->text_used);
    d->text_used += n;
    return offset;
}

static int
sink_pass(struct tocsin_sink *sink, uint32_t offset, uint32_t length)
{
    struct decoder_host *d = host_of(sink);
    d->n_passes++;
    check_place(d, offset, length);
    if ((d->flags & DECODER_TEXT) == 0 || (d->flags & DECODER_FOREIGN) == 0)
        return 0;
    fputs("pass", d->out);
    write_place(d, offset, length);
    putc(' ', d->out);
    write_bytes(d->out, d->chunk->data + offset, length);
    putc('\n', d->out);
    return 0;
}

static int
sink_reject(struct tocsin_sink *sink, uint32_t offset, uint32_t length,
            const char *reason)
{
    struct decoder_host *d = host_of(sink);
    d->n_rejects++;
    d->n_rejected_bytes += length;
    check_place(d, offset, length);
    if ((d->flags & DECODER_TEXT) == 0)
        return 0;
    fputs("reject", d->out);
    write_place(d, offset, length);
    fprintf(d->out, " \"%s\" ", reason);
    write_bytes(d->out, d->chunk->data + offset, length);
    putc('\n', d->out);
    return 0;
}

/* ----------------------------------------------------------------- host */

static struct decoder_host *
host_of_ctx(struct tocsin_ctx *ctx)
{
    return (struct decoder_host *)(void *)ctx;
}

static int
host_fail(struct tocsin_ctx *ctx, const char *reason)
{
    (void)host_of_ctx(ctx);
    fprintf(stderr, "the plugin fails: %s\n", reason);
    return TOCSIN_ERROR;
}

static void
host_metric(struct tocsin_ctx *ctx, uint32_t index, double value)
{
    struct decoder_host *d = host_of_ctx(ctx);
    CHECK(index < d->plugin->n_metrics && index < 16);
    CHECK(value == 1);
    d->n_metric[index]++;
}

static const struct tocsin_plugin *
plugin_load(const char *path, void **ret_library)
{
    const struct tocsin_plugin *(*entry)(void) = NULL;
    *ret_library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void *symbol =
        *ret_library != NULL ? dlsym(*ret_library, "tocsin_plugin_v1") : NULL;
    if (symbol == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return NULL;
    }
    memcpy(&entry, &symbol, sizeof entry);
    return entry();
}

int
decoder_host_open(struct decoder_host *d, const char *path,
                  const struct tocsin_plugin *plugin, uint32_t flags)
{
    memset(d, 0, sizeof *d);
    d->flags = flags;
    d->plugin = path != NULL ? plugin_load(path, &d->library) : plugin;
    if (d->plugin == NULL)
        return -1;
    CHECK(d->plugin->kind == TOCSIN_DECODER);
    d->host.struct_size = sizeof d->host;
    d->host.abi = TOCSIN_ABI;
    d->host.fail = host_fail;
    d->host.metric = host_metric;
    d->sink.struct_size = sizeof d->sink;
    d->sink.abi = TOCSIN_ABI;
    d->sink.event = sink_event;
    d->sink.sample = sink_sample;
    d->sink.text = sink_text;
    d->sink.pass = sink_pass;
    d->sink.reject = sink_reject;
    d->out = open_memstream(&d->output, &d->output_size);
    CHECK(d->out != NULL);
    struct tocsin_ctx *ctx = (struct tocsin_ctx *)(void *)d;
    return d->plugin->create(&d->instance, &d->host, ctx, NULL);
}

void
decoder_host_close(struct decoder_host *d)
{
    if (d->instance != NULL)
        d->plugin->destroy(d->instance);
    if (d->out != NULL)
        fclose(d->out);
    free(d->output);
    free(d->text);
#ifndef TOCSIN_SANITIZED
    if (d->library != NULL)
        dlclose(d->library);
#endif
}

char *
decoder_host_take(struct decoder_host *d)
{
    fclose(d->out);
    char *text = d->output;
    d->output = NULL;
    d->out = open_memstream(&d->output, &d->output_size);
    CHECK(text != NULL && d->out != NULL);
    return text;
}

int64_t
decoder_host_call(struct decoder_host *d, const char *p, size_t n,
                  uint32_t flags, struct tocsin_context *context)
{
    struct tocsin_chunk chunk = {
        .struct_size = sizeof chunk,
        .flags = flags,
        .size = n,
    };
    char *exact = malloc(n > 0 ? n : 1);
    CHECK(exact != NULL);
    memcpy(exact, p, n);
    chunk.data = exact;
    d->chunk = &chunk;
    d->text_used = 0;
    const int64_t used =
        d->plugin->decode(d->instance, &chunk, context, &d->sink);
    CHECK(used <= (int64_t)n);
    CHECK(used >= 0 || used == TOCSIN_NOT_MINE);
    CHECK(context->size <= TOCSIN_CONTEXT_SIZE);
    if (used == TOCSIN_NOT_MINE) {
        d->n_not_mine++;
        if ((d->flags & DECODER_TEXT) && (d->flags & DECODER_FOREIGN)) {
            fputs("not mine", d->out);
            write_place(d, 0, (uint32_t)n);
            putc('\n', d->out);
        }
    }
    d->chunk = NULL;
    free(exact);
    return used;
}

void
decoder_host_message(struct decoder_host *d, const char *p, size_t n)
{
    struct tocsin_context context = {0};
    const int64_t used =
        decoder_host_call(d, p, n, TOCSIN_CHUNK_MESSAGE, &context);
    CHECK(used == (int64_t)n || used == TOCSIN_NOT_MINE);
    CHECK(context.size == 0);
}

/* What the collector does with a piece of a stream that nobody wants: whole
 * lines are dead letters, the rest waits. */
static size_t
lines_of(const char *p, size_t n, uint32_t flags)
{
    if ((flags & (TOCSIN_CHUNK_LAST | TOCSIN_CHUNK_FULL)) != 0)
        return n;
    while (n > 0 && p[n - 1] != '\n')
        n--;
    return n;
}

void
decoder_host_stream(struct decoder_host *d, const char *p, size_t n,
                    const size_t *cuts, size_t n_cuts, size_t room)
{
    struct tocsin_context context = {0};
    size_t from = 0, to = 0, cut = 0;
    for (;;) {
        while (cut < n_cuts && cuts[cut] <= to)
            cut++;
        size_t next = cut < n_cuts && cuts[cut] < n ? cuts[cut] : n;
        if (room > 0 && next - from > room)
            next = from + room;
        const int is_stuck = room > 0 && to - from == room;
        uint32_t flags = next == n ? TOCSIN_CHUNK_LAST : 0;
        if (is_stuck)
            flags = TOCSIN_CHUNK_FULL | (to == n ? TOCSIN_CHUNK_LAST : 0u);
        to = next;
        d->base = from;
        int64_t used =
            decoder_host_call(d, p + from, to - from, flags, &context);
        if (used == TOCSIN_NOT_MINE)
            used = (int64_t)lines_of(p + from, to - from, flags);
        if (flags != 0)
            CHECK(used == (int64_t)(to - from) || used > 0);
        from += (size_t)used;
        if (to == n && (flags & TOCSIN_CHUNK_LAST) != 0 && from == n)
            break;
    }
    CHECK(context.size == 0);
    d->base = 0;
}
