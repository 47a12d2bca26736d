/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>

#include "core/base/buf.h"
#include "core/host/batch.h"
#include "core/host/exporter.h"
#include "core/record/chunk.h"
#include "core/record/transition.h"

static struct tocsin_text
text(struct slice s)
{
    return (struct tocsin_text){s.p, s.n};
}

static char *
hex(char *p, uint64_t v)
{
    char digits[16];
    int n = 0;
    do
        digits[n++] = "0123456789abcdef"[v & 15];
    while ((v >>= 4) != 0);
    while (n > 0)
        *p++ = digits[--n];
    return p;
}

/* Where a frame stands: what the keys of its records begin with. */
struct key_stem {
    char p[16 + 1];
    uint32_t n;
};

static struct key_stem
key_stem(uint64_t pos)
{
    struct key_stem stem;
    char *end = hex(stem.p, pos);
    *end++ = '.';
    stem.n = (uint32_t)(end - stem.p);
    return stem;
}

/* The same in every delivery: where the record stands in the journal. */
static int
key_make(struct arena *a, const struct key_stem *stem, uint32_t index,
         struct tocsin_text *ret)
{
    char *key = arena_alloc(a, sizeof stem->p + 8);
    if (key == NULL)
        return -ENOMEM;
    memcpy(key, stem->p, sizeof stem->p);
    char *end = hex(key + stem->n, index);
    *ret = (struct tocsin_text){key, (size_t)(end - key)};
    return 0;
}

/* Labels first, then fields. */
static int
pairs_make(struct arena *a, const struct chunk *c, const struct chunk_record *r,
           const struct schema_field *fields, uint32_t n_fields,
           struct tocsin_record *ret)
{
    struct tocsin_pair *pairs =
        arena_alloc(a, (r->n_values + 1u) * sizeof *pairs);
    if (pairs == NULL)
        return -ENOMEM;
    const struct chunk_value *v = c->values + r->first_value;
    uint32_t n = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < r->n_values; i++) {
            unsigned id = chunk_value_id(&v[i]);
            if (id >= n_fields)
                continue;
            bool label = (fields[id].flags & TOCSIN_FIELD_LABEL) != 0 ||
                         r->kind == RECORD_SAMPLE;
            if (label != (pass == 0))
                continue;
            pairs[n].name = text(fields[id].name);
            pairs[n++].value = text(chunk_text(c, &v[i]));
        }
        if (pass == 0)
            ret->n_labels = n;
    }
    ret->pairs = pairs;
    ret->n_pairs = n;
    return 0;
}

static int
record_make(struct arena *a, const struct key_stem *stem, const struct chunk *c,
            const struct schema *s, uint32_t index, struct tocsin_record *ret)
{
    const struct chunk_record *r = &c->records[index];
    bool event = r->kind == RECORD_EVENT;
    if (r->name >= (event ? s->n_streams : s->n_metrics))
        return -EBADMSG;
    const struct schema_stream *stream = event ? &s->streams[r->name] : NULL;
    const struct schema_metric *metric = event ? NULL : &s->metrics[r->name];
    *ret = (struct tocsin_record){
        .kind = event ? TOCSIN_RECORD_EVENT : TOCSIN_RECORD_SAMPLE,
        .name = text(event ? stream->name : metric->name),
        .input = text(s->inputs[c->head->input].name),
        .body = text(chunk_raw(c, r)),
        .time_us = r->time_us,
        .received_us = c->head->received_us,
        .value = event ? 0 : r->value,
    };
    int err = key_make(a, stem, index, &ret->key);
    if (err < 0)
        return err;
    return pairs_make(a, c, r, event ? stream->fields : metric->labels,
                      event ? stream->n_fields : metric->n_labels, ret);
}

static bool
input_is_selected(const struct batch_select *select, struct slice name)
{
    for (size_t i = 0; i < select->n_inputs; i++)
        if (slice_eq(select->inputs[i], name))
            return true;
    return select->n_inputs == 0;
}

static int
chunk_records(const struct frame *f, const struct schema *s,
              const struct batch_select *select, struct arena *a,
              struct tocsin_record **ret_records, size_t *ret_n)
{
    struct chunk c;
    int r = chunk_parse(f->payload, &c);
    if (r < 0)
        return r;
    if (s == NULL || c.head->input >= s->n_inputs)
        return -EBADMSG;
    if (!input_is_selected(select, s->inputs[c.head->input].name))
        return 0;
    struct tocsin_record *records =
        arena_alloc(a, (c.head->n_records + (size_t)1) * sizeof *records);
    if (records == NULL)
        return -ENOMEM;
    struct key_stem stem = key_stem(f->pos);
    size_t n = 0;
    for (uint32_t i = 0; i < c.head->n_records; i++) {
        unsigned kind = c.records[i].kind;
        bool wanted = (kind == RECORD_EVENT && select->kinds & EXPORT_EVENTS) ||
                      (kind == RECORD_SAMPLE && select->kinds & EXPORT_SAMPLES);
        if (!wanted)
            continue;
        r = record_make(a, &stem, &c, s, i, &records[n++]);
        if (r < 0)
            return r;
    }
    *ret_records = records;
    *ret_n = n;
    return 0;
}

static const struct tocsin_pair *
labels_make(struct arena *a, const struct label *labels, uint32_t n)
{
    struct tocsin_pair *pairs = arena_new_array(a, struct tocsin_pair, n + 1u);
    for (uint32_t i = 0; pairs != NULL && i < n; i++)
        pairs[i] =
            (struct tocsin_pair){text(labels[i].name), text(labels[i].value)};
    return pairs;
}

static int
alert_key(struct arena *a, const struct cause *cause, struct tocsin_text *ret)
{
    struct key_stem stem = key_stem(cause->pos);
    return key_make(a, &stem, cause->ordinal, ret);
}

static int
alert_record(const struct frame *f, struct arena *a,
             struct tocsin_record **ret_records, size_t *ret_n)
{
    struct transition t;
    int r = transition_decode(f->payload, a, &t);
    if (r < 0)
        return r;
    struct tocsin_record *rec = arena_new(a, struct tocsin_record);
    struct buf json = BUF_INIT((size_t)1024 * 1024);
    r = rec == NULL ? -ENOMEM : transition_json(&t, &json);
    struct slice body = {NULL, 0};
    if (r == 0)
        r = arena_slice_dup(a, buf_slice(&json), &body);
    buf_fini(&json);
    if (r == 0)
        r = alert_key(a, &t.cause, &rec->key);
    if (r < 0)
        return r;
    while (body.n > 0 && body.p[body.n - 1] == '\n')
        body.n--;
    rec->kind = TOCSIN_RECORD_ALERT;
    rec->name = text(t.rule);
    rec->body = text(body);
    rec->time_us = t.time_us;
    rec->received_us = t.known_us;
    rec->value = t.value;
    rec->pairs = labels_make(a, t.labels, t.n_labels);
    rec->n_pairs = rec->n_labels = t.n_labels;
    *ret_records = rec;
    *ret_n = 1;
    return rec->pairs == NULL ? -ENOMEM : 0;
}

int
batch_from_frame(const struct frame *f, const struct schema *schema,
                 const struct batch_select *select, struct arena *a,
                 struct tocsin_record **ret_records, size_t *ret_n)
{
    *ret_records = NULL;
    *ret_n = 0;
    if (f->type == FRAME_CHUNK &&
        select->kinds & (EXPORT_EVENTS | EXPORT_SAMPLES))
        return chunk_records(f, schema, select, a, ret_records, ret_n);
    if (f->type == FRAME_ALERT && select->kinds & EXPORT_ALERTS)
        return alert_record(f, a, ret_records, ret_n);
    return 0;
}
