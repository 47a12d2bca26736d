/* SPDX-License-Identifier: Apache-2.0 */
/* ruletest_feed.c - the frames of a test: what a collector would have
 * journalled, had it seen these series and events.
 *
 * Each stream that a test feeds, or takes down, is an input of its own, named
 * like it; the series are the input "series"; what is left of the decoders'
 * streams and metrics are two inputs that are there and bring nothing. */
#include "config.h"

#include <errno.h>

#include <tocsin/plugin.h>

#include "core/record/chunk.h"
#include "core/record/tick.h"
#include "core/run/ruletest_priv.h"

#define INPUTS_MAX 256u

/* --- frames -------------------------------------------------------------- */

static int
feed_payload(struct test_run *r, unsigned type)
{
    struct frame f = {
        .pos = r->pos,
        .next = r->pos + 8 + ((r->payload.n + 7) & ~(size_t)7),
        .time = r->now,
        .type = (uint16_t)type,
        .payload = buf_slice(&r->payload),
    };
    int e = buf_error(&r->payload);
    if (e < 0)
        return e;
    r->pos = f.next;
    return engine_feed(r->engine, &f);
}

static int
end_chunk(struct test_run *r)
{
    struct chunk_position next = {0};
    struct slice parts[CHUNK_PARTS];
    if (chunk_n_records(r->chunk) == 0)
        return 0;
    int n = chunk_end(r->chunk, &next, parts);
    buf_reset(&r->payload);
    for (int i = 0; i < n; i++)
        (void)buf_append_slice(&r->payload, parts[i]);
    return feed_payload(r, FRAME_CHUNK);
}

static int
feed_tick(struct test_run *r)
{
    struct tick_partition p[INPUTS_MAX];
    uint32_t n = r->schema->n_inputs;
    for (uint32_t i = 0; i < n; i++) {
        struct slice name = r->schema->inputs[i].name;
        p[i] = (struct tick_partition){.input = (uint16_t)i,
                                       .state = source_is_down(r, name)
                                                    ? PARTITION_DOWN
                                                    : PARTITION_CAUGHT_UP,
                                       .name = name};
    }
    buf_reset(&r->payload);
    int e = tick_encode(p, n, &r->payload);
    return e < 0 ? e : feed_payload(r, FRAME_TICK);
}

bool
source_is_down(const struct test_run *r, struct slice source)
{
    const struct test_group *g = r->group;
    for (uint32_t i = 0; i < g->n_downs; i++) {
        const struct test_down *d = &g->downs[i];
        usec_t now = r->now - g->start;
        if (slice_eq(d->source, source) && now >= d->from && now < d->until)
            return true;
    }
    return false;
}

/* --- the schema ---------------------------------------------------------- */

struct ids {
    uint16_t v[UINT16_MAX];
    uint32_t n;
};

static bool
ids_have(const struct ids *ids, uint32_t id)
{
    for (uint32_t i = 0; i < ids->n; i++) {
        if (ids->v[i] == id)
            return true;
    }
    return false;
}

static void
ids_add(struct ids *ids, uint32_t id)
{
    if (!ids_have(ids, id) && ids->n < ARRAY_SIZE(ids->v))
        ids->v[ids->n++] = (uint16_t)id;
}

static int
add_series(struct test_run *r, struct schema_builder *b,
           const struct test_series *s, struct err *err)
{
    const struct schema *known = r->file->decoders;
    int id = schema_find_metric(known, s->metric);
    struct schema_metric m = {.name = s->metric, .type = TOCSIN_GAUGE};
    if (id >= 0) {
        m.type = known->metrics[id].type;
        m.remember_us = known->metrics[id].remember_us;
    }
    struct schema_field *f =
        arena_new_array(&r->arena, struct schema_field, s->n_labels + 1);
    if (f == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < s->n_labels; i++)
        f[i] = (struct schema_field){.name = s->labels[i].name,
                                     .type = TOCSIN_FIELD_STRING,
                                     .flags = TOCSIN_FIELD_LABEL};
    m.labels = f;
    m.n_labels = s->n_labels;
    return schema_add_metric(b, &m, err);
}

static int
add_input(struct test_run *r, struct schema_builder *b, struct slice name,
          const struct ids *streams, const struct ids *metrics, struct err *err)
{
    static const struct ids none;
    const struct ids *s = streams == NULL ? &none : streams;
    const struct ids *m = metrics == NULL ? &none : metrics;
    struct schema_input in = {.name = name,
                              .lateness_us = s->n > 0 ? r->group->lateness : 0,
                              .active = true,
                              .n_streams = s->n,
                              .streams = s->v,
                              .n_metrics = m->n,
                              .metrics = m->v};
    return schema_add_input(b, &in, err);
}

/* Streams of the test, an input each; 'all' has them in the end. */
static int
add_streams(struct test_run *r, struct schema_builder *b, struct ids *all,
            struct err *err)
{
    const struct test_group *g = r->group;
    const struct schema *known = r->file->decoders;
    for (uint32_t i = 0; i < g->n_events; i++)
        ids_add(all, g->events[i].stream);
    for (uint32_t i = 0; i < g->n_downs; i++) {
        int id = schema_find_stream(known, g->downs[i].source);
        if (id >= 0)
            ids_add(all, (uint32_t)id);
    }
    for (uint32_t i = 0; i < all->n; i++) {
        struct ids *one = arena_new(&r->arena, struct ids);
        if (one == NULL)
            return -ENOMEM;
        ids_add(one, all->v[i]);
        int e = add_input(r, b, known->streams[all->v[i]].name, one, NULL, err);
        if (e < 0)
            return e;
    }
    return 0;
}

static int
add_rest(struct test_run *r, struct schema_builder *b,
         const struct ids *streams, const struct ids *metrics, struct err *err)
{
    const struct schema *known = r->file->decoders;
    struct ids *rest = arena_new(&r->arena, struct ids);
    struct ids *more = arena_new(&r->arena, struct ids);
    if (rest == NULL || more == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < known->n_streams; i++) {
        if (!ids_have(streams, i))
            ids_add(rest, i);
    }
    for (uint32_t i = 0; i < known->n_metrics; i++) {
        if (!ids_have(metrics, i))
            ids_add(more, i);
    }
    int e = add_input(r, b, SLICE("other streams"), rest, NULL, err);
    return e < 0 ? e : add_input(r, b, SLICE("other metrics"), NULL, more, err);
}

static int
make_schema(struct test_run *r, struct schema_builder *b, struct err *err)
{
    const struct schema *known = r->file->decoders;
    struct ids *metrics = arena_new(&r->arena, struct ids);
    struct ids *streams = arena_new(&r->arena, struct ids);
    int e = metrics == NULL || streams == NULL ? -ENOMEM : 0;
    for (uint32_t i = 0; e >= 0 && i < known->n_streams; i++)
        e = schema_add_stream(b, &known->streams[i], err);
    for (uint32_t i = 0; e >= 0 && i < known->n_metrics; i++)
        e = schema_add_metric(b, &known->metrics[i], err);
    for (uint32_t i = 0; e >= 0 && i < r->group->n_series; i++) {
        e = add_series(r, b, &r->group->series[i], err);
        if (e >= 0)
            ids_add(metrics, (uint32_t)e);
    }
    if (e >= 0)
        e = add_input(r, b, SLICE("series"), NULL, metrics, err);
    if (e >= 0)
        e = add_streams(r, b, streams, err);
    if (e >= 0)
        e = add_rest(r, b, streams, metrics, err);
    if (e < 0)
        return e;
    if (e >= (int)INPUTS_MAX)
        return err_set(err, -E2BIG, "more than %u sources", INPUTS_MAX);
    r->schema = schema_build(b, USEC_PER_MINUTE);
    return r->schema == NULL ? -ENOMEM : 0;
}

static int
encode_rules(struct test_run *r)
{
    const struct test_group *g = r->group;
    struct ruleset rs = {.engine_version = ENGINE_VERSION,
                         .evaluation_interval_us = r->file->interval,
                         .external_url = g->external_url,
                         .n_external_labels = g->n_external_labels,
                         .external_labels = g->external_labels,
                         .n_files = (uint32_t)r->file->n_rule_files,
                         .files = r->file->texts};
    buf_reset(&r->payload);
    return ruleset_encode(&rs, &r->payload);
}

int
feed_start(struct test_run *r)
{
    struct err err = ERR_INIT;
    AUTO(schema_builder) *b = schema_builder_new(NULL);
    r->now = r->group->start - 1; /* or a rule that reads nothing misses it */
    int e = b == NULL ? -ENOMEM : make_schema(r, b, &err);
    if (e == -EINVAL || e == -E2BIG)
        return test_fail(r, r->group->node->line, "", "%s", err.message);
    if (e == 0) {
        buf_reset(&r->payload);
        e = schema_encode(r->schema, &r->payload);
    }
    if (e == 0)
        e = feed_payload(r, FRAME_SCHEMA);
    if (e == 0)
        e = encode_rules(r);
    if (e == 0)
        e = feed_payload(r, FRAME_RULES);
    r->now = r->group->start;
    return e;
}

/* --- samples ------------------------------------------------------------- */

static int
feed_sample(struct test_run *r, const struct test_series *s, usec_t time,
            double value)
{
    struct chunk_value v[CHUNK_FIELDS_MAX];
    int id = schema_find_metric(r->schema, s->metric);
    const struct schema_metric *m = &r->schema->metrics[id];
    for (uint32_t i = 0; i < s->n_labels; i++) {
        struct slice text = s->labels[i].value;
        int64_t at = chunk_add_text(r->chunk, text);
        if (at < 0)
            return (int)at;
        uint32_t label = (uint32_t)schema_metric_label(m, s->labels[i].name);
        v[i] =
            (struct chunk_value){(uint32_t)at, (uint32_t)text.n << 8 | label};
    }
    struct chunk_record rec = {.time_us = time,
                               .value = value,
                               .name = (uint16_t)id,
                               .kind = RECORD_SAMPLE};
    return chunk_add_record(r->chunk, &rec, v, s->n_labels);
}

static double
stale_marker(void)
{
    uint64_t bits = UINT64_C(0x7ff0000000000002);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* The values of one step of all series; the step after it. */
static int
feed_step(struct test_run *r)
{
    struct test_group *g = r->group;
    bool more = false;
    for (uint32_t i = 0; i < g->n_series; i++) {
        enum run_kind kind;
        double v;
        if (!series_next(&g->series[i], &kind, &v))
            continue;
        more = true;
        if (kind == RUN_MISSING)
            continue;
        int e = feed_sample(r, &g->series[i], r->series_next,
                            kind == RUN_STALE ? stale_marker() : v);
        if (e < 0)
            return e;
    }
    r->series_step++;
    r->series_next =
        more ? g->start + (usec_t)r->series_step * g->interval : USEC_MAX;
    return 0;
}

static int
feed_series(struct test_run *r)
{
    int e = 0;
    if (r->series_next > r->now || source_is_down(r, SLICE("series")))
        return 0;
    chunk_begin(r->chunk, 0, SLICE("series"), r->now);
    while (e == 0 && r->series_next <= r->now)
        e = feed_step(r);
    return e < 0 ? e : end_chunk(r);
}

/* --- events -------------------------------------------------------------- */

/* When the event happens the next time, after the start; USEC_MAX: never. */
static usec_t
event_time(const struct test_event *e)
{
    usec_t t = e->at + (usec_t)e->next * e->every;
    return t > e->until || (e->every == 0 && e->next > 0) ? USEC_MAX : t;
}

static usec_t
event_received(const struct test_run *r, const struct test_event *e)
{
    usec_t t = event_time(e);
    return t == USEC_MAX ? t : r->group->start + t + e->delay;
}

static int
feed_event(struct test_run *r, struct test_event *e)
{
    struct chunk_value v[CHUNK_FIELDS_MAX];
    uint32_t n = MIN(e->n_fields, CHUNK_FIELDS_MAX);
    int64_t raw = chunk_add_raw(r->chunk, e->raw);
    if (raw < 0)
        return (int)raw;
    for (uint32_t i = 0; i < n; i++) {
        struct slice text = e->fields[i].value;
        int64_t at = chunk_add_text(r->chunk, text);
        if (at < 0)
            return (int)at;
        v[i] = (struct chunk_value){(uint32_t)at,
                                    (uint32_t)text.n << 8 | e->fields[i].id};
    }
    struct chunk_record rec = {.time_us = r->group->start + event_time(e),
                               .offset = (uint32_t)raw,
                               .length = (uint32_t)e->raw.n,
                               .name = e->stream,
                               .kind = RECORD_EVENT};
    e->next++;
    return chunk_add_record(r->chunk, &rec, v, n);
}

/* Of a stream: what arrived first; NULL: nothing yet. */
static struct test_event *
first_event(const struct test_run *r, uint16_t stream)
{
    struct test_group *g = r->group;
    struct test_event *first = NULL;
    for (uint32_t i = 0; i < g->n_events; i++) {
        struct test_event *e = &g->events[i];
        usec_t t = event_received(r, e);
        if (e->stream == stream && t <= r->now &&
            (first == NULL || t < event_received(r, first)))
            first = e;
    }
    return first;
}

static int
feed_events(struct test_run *r, uint32_t input)
{
    const struct schema_input *in = &r->schema->inputs[input];
    struct test_event *ev;
    if (in->n_streams != 1 || source_is_down(r, in->name))
        return 0;
    chunk_begin(r->chunk, (uint16_t)input, in->name, r->now);
    while ((ev = first_event(r, in->streams[0])) != NULL) {
        int e = feed_event(r, ev);
        if (e < 0)
            return e;
    }
    return end_chunk(r);
}

int
feed_now(struct test_run *r)
{
    int e = feed_series(r);
    for (uint32_t i = 1; e == 0 && i < r->schema->n_inputs; i++)
        e = feed_events(r, i);
    return e < 0 ? e : feed_tick(r);
}

usec_t
feed_next(const struct test_run *r)
{
    const struct test_group *g = r->group;
    usec_t next = r->series_next > r->now ? r->series_next : USEC_MAX;
    for (uint32_t i = 0; i < g->n_events; i++) {
        usec_t t = event_received(r, &g->events[i]);
        if (t > r->now) /* else it waits for its source */
            next = MIN(next, t);
    }
    return next;
}
