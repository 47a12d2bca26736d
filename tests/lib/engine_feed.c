/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tests/lib/engine_feed.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <tocsin/plugin.h>

#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/engine/ruleset.h"
#include "core/engine/vec.h"
#include "core/record/chunk.h"

#define PAYLOAD_MAX (64u << 20)

struct feed {
    struct schema *schema;
    struct chunk_builder *chunk;
    usec_t chunk_time;
    usec_t expect_every;
    uint64_t pos;
    VEC(struct frame) frames;
    struct ruleset_file inventory; /* its texts are the test's */
};

static usec_t
at(double s)
{
    return FEED_T0 + (usec_t)llround(s * USEC_PER_SEC);
}

struct feed *
feed_new(void)
{
    struct feed *f = mem_new(struct feed);
    CHECK(f != NULL);
    f->chunk = chunk_builder_new(PAYLOAD_MAX);
    f->pos = 8;
    CHECK(f->chunk != NULL);
    return f;
}

void
feed_free(struct feed *f)
{
    for (uint32_t i = 0; i < f->frames.n; i++) {
        void *p;
        memcpy(&p, &f->frames.p[i].payload.p, sizeof p);
        mem_free(p);
    }
    vec_free(&f->frames);
    chunk_builder_free(f->chunk);
    schema_free(f->schema);
    mem_free(f);
}

static void
append(struct feed *f, unsigned type, unsigned flags, usec_t time,
       const struct slice *parts, int n)
{
    size_t size = 0;
    for (int i = 0; i < n; i++)
        size += parts[i].n;
    char *p = mem_alloc(size + 8);
    CHECK(p != NULL);
    size_t used = 0;
    for (int i = 0; i < n; i++) {
        if (parts[i].n > 0)
            memcpy(p + used, parts[i].p, parts[i].n);
        used += parts[i].n;
    }
    struct frame fr = {.pos = f->pos,
                       .next = f->pos + 16 + (size + 7) / 8 * 8,
                       .time = time,
                       .type = (uint16_t)type,
                       .flags = (uint16_t)flags,
                       .payload = {p, size}};
    f->pos = fr.next;
    CHECK(vec_push(&f->frames, fr) == 0);
}

/* --- the schema --------------------------------------------------------- */

#define L TOCSIN_FIELD_LABEL
#define N(s) SLICE_INIT(s)

static const struct schema_field hub_fields[] = {
    {N("hub"), TOCSIN_FIELD_STRING, L},
    {N("category"), TOCSIN_FIELD_STRING, L},
    {N("operation"), TOCSIN_FIELD_STRING, L},
    {N("level"), TOCSIN_FIELD_STRING, L},
    {N("device_id"), TOCSIN_FIELD_STRING, TOCSIN_FIELD_MANY},
    {N("result_type"), TOCSIN_FIELD_STRING, 0},
    {N("duration_ms"), TOCSIN_FIELD_DURATION_MS, 0},
    {N("size"), TOCSIN_FIELD_BYTES, 0},
};
static const struct schema_field dps_fields[] = {
    {N("dps"), TOCSIN_FIELD_STRING, L},
    {N("status"), TOCSIN_FIELD_STRING, L},
    {N("device_id"), TOCSIN_FIELD_STRING, TOCSIN_FIELD_MANY},
};
static const struct schema_field device_labels[] = {
    {N("hub"), TOCSIN_FIELD_STRING, L},
    {N("device_id"), TOCSIN_FIELD_STRING, L},
};
static const struct schema_field up_labels[] = {
    {N("instance"), TOCSIN_FIELD_STRING, L},
};
static const struct schema_stream streams[] = {
    {N("hub_logs"), 0, ARRAY_SIZE(hub_fields), hub_fields},
    {N("dps_events"), 0, ARRAY_SIZE(dps_fields), dps_fields},
};
static const struct schema_metric metrics[] = {
    {N("iothub_device_connected"), TOCSIN_STATE, 0, 2, device_labels},
    {N("queue_length"), TOCSIN_GAUGE, 0, 2, device_labels},
    {N("messages_total"), TOCSIN_COUNTER, 0, 2, device_labels},
    {N("temperature"), TOCSIN_GAUGE, 0, 2, device_labels},
    {N("up"), TOCSIN_GAUGE, 0, 1, up_labels},
};

void
feed_expect_every(struct feed *f, double hub_s)
{
    f->expect_every = (usec_t)(hub_s * USEC_PER_SEC);
}

void
feed_schema(struct feed *f, double hub_lateness, double edge_lateness)
{
    static const uint16_t hub_streams[] = {0}, dps_streams[] = {1},
                          hub_metrics[] = {0}, edge_metrics[] = {1, 2, 3, 4};
    usec_t hub = (usec_t)(hub_lateness * USEC_PER_SEC);
    usec_t edge = (usec_t)(edge_lateness * USEC_PER_SEC);
    const struct schema_input inputs[] = {
        {N("hub"), hub, f->expect_every, true, 1, 1, hub_streams, hub_metrics},
        {N("dps"), hub, 0, true, 1, 0, dps_streams, NULL},
        {N("edge"), edge, 0, true, 0, 4, NULL, edge_metrics},
    };
    struct err err = ERR_INIT;
    struct schema_builder *b = schema_builder_new(f->schema);
    CHECK(b != NULL);
    for (size_t i = 0; i < ARRAY_SIZE(streams); i++)
        CHECK(schema_add_stream(b, &streams[i], &err) == (int)i);
    for (size_t i = 0; i < ARRAY_SIZE(metrics); i++)
        CHECK(schema_add_metric(b, &metrics[i], &err) == (int)i);
    for (size_t i = 0; i < ARRAY_SIZE(inputs); i++)
        CHECK(schema_add_input(b, &inputs[i], &err) == (int)i);
    struct schema *s = schema_build(b, USEC_PER_MINUTE);
    CHECK(s != NULL);
    schema_builder_free(b);
    schema_free(f->schema);
    f->schema = s;
    AUTO_FINI(buf) out = BUF_INIT(PAYLOAD_MAX);
    CHECK(schema_encode(s, &out) == 0);
    struct slice part = buf_slice(&out);
    append(f, FRAME_SCHEMA, 0, at(0), &part, 1);
}

void
feed_copy_schema(struct feed *f, const struct feed *from, uint64_t number)
{
    AUTO_FINI(buf) b = BUF_INIT(PAYLOAD_MAX);
    CHECK(schema_encode(from->schema, &b) == 0);
    CHECK(schema_decode(buf_slice(&b), &f->schema) == 0);
    f->pos = number << 32;
}

const struct schema *
feed_get_schema(const struct feed *f)
{
    return f->schema;
}

void
feed_inventory(struct feed *f, const char *path, const char *text)
{
    f->inventory =
        (struct ruleset_file){slice_from_str(path), slice_from_str(text)};
}

void
feed_rule_files(struct feed *f, double time, const struct ruleset_file *files,
                uint32_t n)
{
    struct label ext = {SLICE("region"), SLICE("west")};
    struct ruleset rs = {.engine_version = ENGINE_VERSION,
                         .evaluation_interval_us = 15 * USEC_PER_SEC,
                         .external_url = SLICE("http://tocsin.example"),
                         .n_external_labels = 1,
                         .n_files = n,
                         .external_labels = &ext,
                         .files = files,
                         .n_inventories = f->inventory.path.n > 0,
                         .inventories = &f->inventory};
    AUTO_FINI(buf) out = BUF_INIT(PAYLOAD_MAX);
    CHECK(ruleset_encode(&rs, &out) == 0);
    struct slice part = buf_slice(&out);
    append(f, FRAME_RULES, 0, at(time), &part, 1);
}

void
feed_rules(struct feed *f, double time, const char *yaml)
{
    struct ruleset_file file = {SLICE("rules.yaml"), slice_from_str(yaml)};
    feed_rule_files(f, time, &file, 1);
}

/* --- ticks and chunks --------------------------------------------------- */

/* The next word of the text; false at its end. */
static bool
word(const char **s, struct slice *ret)
{
    while (**s == ' ')
        ++*s;
    size_t n = strcspn(*s, " ");
    *ret = slice_new(*s, n);
    *s += n;
    return n > 0;
}

/* "hub/0" → the input's id and the partition's name. */
static uint16_t
input_of(const struct feed *f, struct slice partition)
{
    const char *slash = memchr(partition.p, '/', partition.n);
    CHECK(slash != NULL);
    struct slice name = slice_new(partition.p, (size_t)(slash - partition.p));
    int id = schema_find_input(f->schema, name);
    CHECK(id >= 0);
    return (uint16_t)id;
}

static uint8_t
state_of(struct slice s)
{
    static const char *const names[] = {[PARTITION_READING] = "reading",
                                        [PARTITION_CAUGHT_UP] = "caught_up",
                                        [PARTITION_DOWN] = "down",
                                        [PARTITION_GONE] = "gone",
                                        [PARTITION_ENDED] = "ended"};
    for (unsigned i = PARTITION_READING; i <= PARTITION_ENDED; i++) {
        if (slice_eq_str(s, names[i]))
            return (uint8_t)i;
    }
    PANIC("no state: %.*s", SLICE_FMT(s));
}

static void
tick(struct feed *f, double time, const char *states, unsigned flags)
{
    struct tick_partition p[32];
    size_t n = 0;
    struct slice name, state;
    while (word(&states, &name)) {
        CHECK(word(&states, &state) && n < ARRAY_SIZE(p));
        p[n++] =
            (struct tick_partition){input_of(f, name), state_of(state), name};
    }
    AUTO_FINI(buf) out = BUF_INIT(PAYLOAD_MAX);
    CHECK(tick_encode(p, n, &out) == 0);
    struct slice part = buf_slice(&out);
    append(f, FRAME_TICK, flags, at(time), &part, 1);
}

void
feed_tick(struct feed *f, double time, const char *states)
{
    tick(f, time, states, 0);
}

void
feed_rebase(struct feed *f, double time, const char *states)
{
    tick(f, time, states, TICK_REBASE);
}

void
feed_chunk(struct feed *f, double time, const char *partition)
{
    f->chunk_time = at(time);
    chunk_begin(f->chunk, input_of(f, slice_from_str(partition)),
                slice_from_str(partition), f->chunk_time);
}

/* "a=1 b=2" → values; 'fields' gives the ids. */
static unsigned
values_of(struct feed *f, const struct schema_field *fields, uint32_t n_fields,
          const char *text, int64_t base, struct chunk_value *ret)
{
    const char *start = text;
    struct slice w;
    unsigned n = 0;
    while (word(&text, &w)) {
        const char *eq = memchr(w.p, '=', w.n);
        CHECK(eq != NULL);
        struct slice name = slice_new(w.p, (size_t)(eq - w.p));
        struct slice value = slice_skip(w, name.n + 1);
        uint32_t id = 0;
        while (id < n_fields && !slice_eq(fields[id].name, name))
            id++;
        CHECK(id < n_fields);
        ret[n].offset = (uint32_t)(base + (value.p - start));
        ret[n++].length_id = (uint32_t)value.n << 8 | id;
    }
    return n;
}

void
feed_event(struct feed *f, double t, const char *stream, const char *fields)
{
    int id = schema_find_stream(f->schema, slice_from_str(stream));
    CHECK(id >= 0);
    const struct schema_stream *s = &f->schema->streams[id];
    struct slice raw = slice_from_str(fields);
    int64_t base = chunk_add_raw(f->chunk, raw);
    CHECK(base >= 0);
    struct chunk_value v[32];
    unsigned n = values_of(f, s->fields, s->n_fields, fields, base, v);
    struct chunk_record r = {.time_us = at(t),
                             .offset = (uint32_t)base,
                             .length = (uint32_t)raw.n,
                             .name = (uint16_t)id,
                             .kind = RECORD_EVENT};
    CHECK(chunk_add_record(f->chunk, &r, v, n) == 0);
}

void
feed_sample(struct feed *f, double t, const char *metric, const char *labels,
            double value, uint64_t sequence)
{
    int id = schema_find_metric(f->schema, slice_from_str(metric));
    CHECK(id >= 0);
    const struct schema_metric *m = &f->schema->metrics[id];
    int64_t base = chunk_add_raw(f->chunk, slice_from_str(labels));
    CHECK(base >= 0);
    struct chunk_value v[32];
    unsigned n = values_of(f, m->labels, m->n_labels, labels, base, v);
    struct chunk_record r = {.time_us = at(t) / 1000 * 1000,
                             .value = value,
                             .sequence = sequence,
                             .name = (uint16_t)id,
                             .kind = RECORD_SAMPLE};
    CHECK(chunk_add_record(f->chunk, &r, v, n) == 0);
}

void
feed_end(struct feed *f)
{
    struct chunk_position next = {0};
    struct slice parts[CHUNK_PARTS];
    int n = chunk_end(f->chunk, &next, parts);
    append(f, FRAME_CHUNK, 0, f->chunk_time, parts, n);
}

uint32_t
feed_count(const struct feed *f)
{
    return f->frames.n;
}

const struct frame *
feed_frame(const struct feed *f, uint32_t i)
{
    return &f->frames.p[i];
}

/* --- engines ------------------------------------------------------------ */

static void
print_time(struct buf *b, usec_t t)
{
    char s[STR_DOUBLE_MAX];
    size_t n = str_format_double((double)(t - FEED_T0) / USEC_PER_SEC,
                                 STR_DOUBLE_G, s);
    CHECK(buf_append(b, s, n) == 0);
}

void
feed_log(void *log, const struct transition *t)
{
    struct buf *b = log;
    char v[STR_DOUBLE_MAX];
    print_time(b, t->time_us);
    (void)buf_printf(b, " %s %.*s{", alert_state_name(t->state),
                     SLICE_FMT(t->rule));
    unsigned n = 0;
    for (uint32_t i = 0; i < t->n_labels; i++) {
        if (slice_eq_str(t->labels[i].name, "alertname"))
            continue;
        (void)buf_printf(b, "%s%.*s=\"%.*s\"", n++ ? "," : "",
                         SLICE_FMT(t->labels[i].name),
                         SLICE_FMT(t->labels[i].value));
    }
    (void)str_format_double(t->value, STR_DOUBLE_G, v);
    (void)buf_printf(b, "} %s%s%s since ", v,
                     t->on_arrival ? " on arrival" : "",
                     t->overflow ? " overflow" : "");
    print_time(b, t->active_us);
    CHECK(buf_putc(b, '\n') == 0);
}

struct engine *
feed_engine(struct buf *log, const struct engine_options *o)
{
    struct engine_options opt = o == NULL ? (struct engine_options){0} : *o;
    if (opt.emit == NULL) {
        opt.emit = feed_log;
        opt.arg = log;
    }
    struct engine *e = engine_new(&opt);
    CHECK(e != NULL);
    return e;
}

void
feed_run(const struct feed *f, struct engine *e, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to && i < f->frames.n; i++)
        CHECK(engine_feed(e, &f->frames.p[i]) == 0);
}

/* --- rows --------------------------------------------------------------- */

struct digesting {
    uint64_t sum;
    struct buf *dump;
};

static int
digest_row(void *arg, const struct engine_row *row)
{
    struct digesting *d = arg;
    uint64_t h = hash_mix(hash_mix(row->node, hash_slice(row->key)),
                          hash_slice(row->value));
    d->sum += h;
    if (d->dump == NULL)
        return 0;
    (void)buf_printf(d->dump, "%016llx ", (unsigned long long)row->node);
    (void)buf_append_json_string(d->dump, row->key);
    (void)buf_putc(d->dump, ' ');
    for (size_t i = 0; i < row->value.n; i++)
        (void)buf_printf(d->dump, "%02x", (unsigned char)row->value.p[i]);
    return buf_putc(d->dump, '\n');
}

uint64_t
feed_digest(struct engine *e, struct buf *dump)
{
    struct digesting d = {.dump = dump};
    (void)engine_checkpoint_begin(e, true);
    int r;
    while ((r = engine_checkpoint_step(e, 1000, digest_row, &d)) > 0)
        ;
    CHECK(r == 0);
    return d.sum;
}

struct stored {
    uint64_t node;
    char *key, *value;
    size_t key_n, value_n;
};

struct feed_store {
    VEC(struct stored) rows;
};

struct feed_store *
feed_store_new(void)
{
    struct feed_store *s = mem_new(struct feed_store);
    CHECK(s != NULL);
    return s;
}

void
feed_store_free(struct feed_store *s)
{
    for (uint32_t i = 0; i < s->rows.n; i++) {
        mem_free(s->rows.p[i].key);
        mem_free(s->rows.p[i].value);
    }
    vec_free(&s->rows);
    mem_free(s);
}

int
feed_store_put(void *store, const struct engine_row *row)
{
    struct feed_store *s = store;
    struct stored r = {
        .node = row->node,
        .key = mem_strndup(row->key.n ? row->key.p : "", row->key.n),
        .key_n = row->key.n,
        .value_n = row->value.n};
    if (row->value.p != NULL)
        r.value = mem_strndup(row->value.p, row->value.n);
    return vec_push(&s->rows, r);
}

struct engine *
feed_store_restore(const struct feed_store *s, uint64_t position,
                   struct buf *log, const struct engine_options *o)
{
    struct engine *e = feed_engine(log, o);
    for (uint32_t i = 0; i < s->rows.n; i++) {
        const struct stored *r = &s->rows.p[i];
        struct engine_row row = {.node = r->node,
                                 .key = {r->key, r->key_n},
                                 .value = {r->value, r->value_n}};
        CHECK(engine_restore_row(e, &row) == 0);
    }
    CHECK(engine_restore_end(e, position) == 0);
    return e;
}
