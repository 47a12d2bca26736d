/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/host/ingest_priv.h"
#include "core/host/instance.h"

/* One decode() call: what its offsets count from, and what it may touch. */
struct sink {
    struct tocsin_sink api;
    struct ingest *in;
    unsigned decoder;
    const struct tocsin_chunk *chunk;
    uint32_t base;  /* of chunk->data in the builder's raw bytes */
    uint32_t reach; /* the furthest byte that a record lies on */
    const char *bug;
    int full; /* 0, or why the builder takes no more: no fault of theirs */
};

static struct sink *
sink_of(struct tocsin_sink *api)
{
    return container_of(api, struct sink, api);
}

static int
sink_bug(struct sink *s, const char *what)
{
    if (s->bug == NULL)
        s->bug = what;
    return TOCSIN_ERROR;
}

/* The builder's word on what was added. */
static int
sink_added(struct sink *s, int64_t r)
{
    if (r >= 0)
        return 0;
    s->full = (int)r;
    return TOCSIN_ERROR;
}

static bool
span_is_inside(struct sink *s, uint32_t offset, uint32_t length)
{
    if (offset > s->chunk->size || s->chunk->size - offset < length)
        return false;
    s->reach = MAX(s->reach, offset + length);
    return true;
}

/* Values as the journal has them; absent ones (empty) are left out. */
static int
values_convert(struct sink *s, const struct stream_map *map,
               const struct tocsin_value *from, uint32_t n,
               struct chunk_value to[CHUNK_FIELDS_MAX])
{
    if (n > CHUNK_FIELDS_MAX)
        return sink_bug(s, "more than 255 values in a record");
    const uint32_t size = (uint32_t)s->chunk->size;
    unsigned used = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t id = from[i].id, offset = from[i].offset;
        uint32_t length = from[i].length;
        if (length == 0)
            continue;
        if (id >= map->n_fields || length > CHUNK_VALUE_MAX)
            return sink_bug(s, "a value with an undeclared field");
        if (offset & CHUNK_TEXT) {
            uint32_t at = offset & ~CHUNK_TEXT;
            if (at > s->in->text_size || s->in->text_size - at < length)
                return sink_bug(s, "a value outside the stored text");
        } else {
            if (offset > size || size - offset < length)
                return sink_bug(s, "a value outside the chunk");
            offset += s->base;
        }
        to[used].offset = offset;
        to[used].length_id = length << 8 | map->fields[id];
        used++;
    }
    return (int)used;
}

static int
sink_event(struct tocsin_sink *api, const struct tocsin_event *e)
{
    struct sink *s = sink_of(api);
    const struct decoder *d = &s->in->decoders[s->decoder];
    if (e->stream >= d->plugin->n_streams)
        return sink_bug(s, "an event of an undeclared stream");
    if (!span_is_inside(s, e->offset, e->length))
        return sink_bug(s, "an event outside the chunk");

    struct chunk_value values[CHUNK_FIELDS_MAX];
    const struct stream_map *map = &d->streams[e->stream];
    int n = values_convert(s, map, e->values, e->n_values, values);
    if (n < 0)
        return n;
    struct chunk_record r = {
        .time_us = e->time_us,
        .offset = s->base + e->offset,
        .length = e->length,
        .name = map->id,
        .kind = RECORD_EVENT,
    };
    if (sink_added(
            s, chunk_add_record(s->in->builder, &r, values, (unsigned)n)) < 0)
        return TOCSIN_ERROR;
    s->in->n_records++;
    return 0;
}

/* Samples have whole milliseconds, rounded down. */
static usec_t
floor_msec(usec_t t)
{
    usec_t rest = t % USEC_PER_MSEC;
    return rest < 0 ? t - rest - USEC_PER_MSEC : t - rest;
}

static int
sink_sample(struct tocsin_sink *api, const struct tocsin_sample *sample)
{
    struct sink *s = sink_of(api);
    const struct decoder *d = &s->in->decoders[s->decoder];
    if (sample->metric >= d->plugin->n_metrics ||
        d->plugin->metrics[sample->metric].flags & TOCSIN_METRIC_OWN)
        return sink_bug(s, "a sample of an undeclared metric");

    struct chunk_value values[CHUNK_FIELDS_MAX];
    const struct stream_map *map = &d->metrics[sample->metric];
    int n = values_convert(s, map, sample->values, sample->n_values, values);
    if (n < 0)
        return n;
    struct chunk_record r = {
        .time_us = floor_msec(sample->time_us),
        .value = sample->value,
        .sequence = sample->sequence,
        .name = map->id,
        .kind = RECORD_SAMPLE,
    };
    if (sink_added(
            s, chunk_add_record(s->in->builder, &r, values, (unsigned)n)) < 0)
        return TOCSIN_ERROR;
    s->in->n_samples++;
    return 0;
}

static uint32_t
sink_text(struct tocsin_sink *api, const char *p, size_t n)
{
    struct sink *s = sink_of(api);
    struct ingest *in = s->in;
    if (n > TEXT_MAX - in->text_size)
        return UINT32_MAX;
    int64_t offset = chunk_add_text(in->builder, slice_new(p, n));
    if (sink_added(s, offset) < 0)
        return UINT32_MAX;
    in->text_size += (uint32_t)n;
    return (uint32_t)offset;
}

static int
sink_reject(struct tocsin_sink *api, uint32_t offset, uint32_t length,
            const char *reason)
{
    struct sink *s = sink_of(api);
    if (!span_is_inside(s, offset, length))
        return sink_bug(s, "a dead letter outside the chunk");
    if (sink_added(s, chunk_add_dead(s->in->builder, s->base + offset, length,
                                     slice_from_str(reason))) < 0)
        return TOCSIN_ERROR;
    s->in->n_dead++;
    s->in->text_size = chunk_mark(s->in->builder).text_size;
    return 0;
}

static bool
is_blank(struct slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != ' ' && s.p[i] != '\t' && s.p[i] != '\n' && s.p[i] != '\r')
            return false;
    return true;
}

static int sink_pass(struct tocsin_sink *api, uint32_t offset, uint32_t length);

struct counts
counts_take(const struct ingest *in)
{
    return (struct counts){chunk_mark(in->builder), in->n_records,
                           in->n_samples, in->n_dead};
}

void
counts_restore(struct ingest *in, const struct counts *c)
{
    chunk_rewind(in->builder, c->mark);
    in->text_size = c->mark.text_size;
    in->n_records = c->n_records;
    in->n_samples = c->n_samples;
    in->n_dead = c->n_dead;
}

int
decode_dead(struct ingest *in, uint32_t base, size_t offset, size_t length,
            const char *reason)
{
    int r = chunk_add_dead(in->builder, base + (uint32_t)offset,
                           (uint32_t)length, slice_from_str(reason));
    if (r < 0)
        return r;
    in->n_dead++;
    in->text_size = chunk_mark(in->builder).text_size;
    return 0;
}

/* Asks one decoder.  Bytes consumed, TOCSIN_NOT_MINE, TOCSIN_ERROR with
 * '*ret_why' filled, or -ENOSPC or -ENOMEM; negative: nothing was added. */
static int64_t
decode_one(struct ingest *in, unsigned decoder, uint32_t base,
           const struct tocsin_chunk *chunk, struct tocsin_context *context,
           const char **ret_why)
{
    const struct decoder *d = &in->decoders[decoder];
    struct sink s = {
        .api = {sizeof s.api, TOCSIN_ABI, sink_event, sink_sample, sink_text,
                sink_pass, sink_reject},
        .in = in,
        .decoder = decoder,
        .chunk = chunk,
        .base = base,
    };
    struct counts before = counts_take(in);
    struct tocsin_context kept = *context;
    instance_begin(d->instance);
    int64_t n =
        d->plugin->decode(instance_self(d->instance), chunk, context, &s.api);
    if (n >= 0 && ((uint64_t)n > chunk->size || s.reach > (uint64_t)n))
        s.bug = "records beyond what it consumed";
    if (n >= 0 && context->size > TOCSIN_CONTEXT_SIZE)
        s.bug = "a context that is too large";
    if (n >= 0 && s.bug == NULL && s.full == 0)
        return n;

    counts_restore(in, &before);
    *context = kept;
    if (s.full < 0)
        return s.full;
    if (n == TOCSIN_NOT_MINE && s.bug == NULL)
        return TOCSIN_NOT_MINE;
    *ret_why = s.bug != NULL ? s.bug : instance_reason(d->instance);
    return TOCSIN_ERROR;
}

/* A whole message (or a record that was passed on): claimed by one of the
 * decoders from 'first' on, or a dead letter. */
int
decode_message(struct ingest *in, unsigned first, uint32_t base,
               const struct tocsin_chunk *chunk)
{
    struct tocsin_chunk message = *chunk;
    message.flags |= TOCSIN_CHUNK_MESSAGE;
    for (unsigned i = first; i < in->o.n_decoders; i++) {
        struct tocsin_context context = {0};
        const char *why = NULL;
        int64_t n = decode_one(in, i, base, &message, &context, &why);
        if (n == TOCSIN_NOT_MINE)
            continue;
        if (n < 0 && n != TOCSIN_ERROR)
            return (int)n;
        if (n < 0)
            return decode_dead(in, base, 0, message.size, why);
        struct slice rest =
            slice_skip(slice_new(message.data, message.size), (size_t)n);
        if (!is_blank(rest) && (size_t)n < message.size)
            return decode_dead(in, base, (size_t)n, message.size - (size_t)n,
                               "trailing bytes that no decoder could use");
        return 0;
    }
    if (is_blank(slice_new(message.data, message.size)))
        return 0;
    return decode_dead(in, base, 0, message.size,
                       "no decoder of this input claims it");
}

static int
sink_pass(struct tocsin_sink *api, uint32_t offset, uint32_t length)
{
    struct sink *s = sink_of(api);
    if (!span_is_inside(s, offset, length))
        return sink_bug(s, "a passed record outside the chunk");
    struct tocsin_chunk part = *s->chunk;
    part.data += offset;
    part.size = length;
    return sink_added(
        s, decode_message(s->in, s->decoder + 1, s->base + offset, &part));
}

/* Nobody claims these bytes of a stream: whole lines of them are dead
 * letters.  Returns how many bytes that is, or negative. */
static int64_t
stream_unclaimed(struct ingest *in, uint32_t base,
                 const struct tocsin_chunk *chunk, const char *why)
{
    size_t n = chunk->size;
    if ((chunk->flags & (TOCSIN_CHUNK_LAST | TOCSIN_CHUNK_FULL)) == 0) {
        const char *end = memrchr(chunk->data, '\n', chunk->size);
        n = end == NULL ? 0 : (size_t)(end - chunk->data) + 1;
    }
    if (n == 0 || is_blank(slice_new(chunk->data, n)))
        return (int64_t)n;
    int r = decode_dead(in, base, 0, n, why);
    return r < 0 ? r : (int64_t)n;
}

/* A piece of a byte stream: bytes consumed, or negative errno.  Who has left
 * a context is asked first; if it isn't its own any more, all are. */
int64_t
decode_stream(struct ingest *in, struct partition *p, uint32_t base,
              const struct tocsin_chunk *chunk)
{
    const char *why = "no decoder of this input claims it";
    int64_t n = TOCSIN_NOT_MINE;
    if (p->context.size > 0)
        n = decode_one(in, p->decoder, base, chunk, &p->context, &why);
    if (n == TOCSIN_NOT_MINE)
        p->context.size = 0;
    for (unsigned i = 0; n == TOCSIN_NOT_MINE && i < in->o.n_decoders; i++) {
        n = decode_one(in, i, base, chunk, &p->context, &why);
        if (n >= 0)
            p->decoder = (uint8_t)i;
    }
    if (n >= 0)
        return n;
    if (n != TOCSIN_NOT_MINE && n != TOCSIN_ERROR)
        return n;
    p->context.size = 0;
    return stream_unclaimed(in, base, chunk, why);
}

static int
map_fields(struct stream_map *m, const struct schema_field *known,
           uint32_t n_known, const struct tocsin_field *fields, size_t n)
{
    m->n_fields = (uint16_t)n;
    for (size_t i = 0; i < n; i++) {
        uint32_t k = 0;
        while (k < n_known && !slice_eq_str(known[k].name, fields[i].name))
            k++;
        if (k == n_known)
            return -EINVAL;
        m->fields[i] = (uint8_t)k;
    }
    return 0;
}

int
decoder_map(const struct schema *s, struct decoder *d)
{
    const struct tocsin_plugin *p = d->plugin;
    d->streams = mem_new_array(struct stream_map, p->n_streams + 1);
    d->metrics = mem_new_array(struct stream_map, p->n_metrics + 1);
    if (d->streams == NULL || d->metrics == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < p->n_streams; i++) {
        const struct tocsin_stream *t = &p->streams[i];
        int id = schema_find_stream(s, slice_from_str(t->name));
        if (id < 0)
            return -EINVAL;
        d->streams[i].id = (uint16_t)id;
        int r = map_fields(&d->streams[i], s->streams[id].fields,
                           s->streams[id].n_fields, t->fields, t->n_fields);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < p->n_metrics; i++) {
        const struct tocsin_metric *t = &p->metrics[i];
        if (t->flags & TOCSIN_METRIC_OWN) /* never a sample */
            continue;
        int id = schema_find_metric(s, slice_from_str(t->name));
        if (id < 0)
            return -EINVAL;
        d->metrics[i].id = (uint16_t)id;
        int r = map_fields(&d->metrics[i], s->metrics[id].labels,
                           s->metrics[id].n_labels, t->labels, t->n_labels);
        if (r < 0)
            return r;
    }
    return 0;
}
