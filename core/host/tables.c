/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/host/instance.h"
#include "core/host/tables.h"

static int
fields_of(const struct tocsin_field *fields, size_t n, struct schema_field *ret)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = (struct schema_field){
            .name = slice_from_str(fields[i].name),
            .type = (uint8_t)fields[i].type,
            .flags = (uint8_t)fields[i].flags,
        };
    return (int)n;
}

static int
add_stream(struct schema_builder *b, const struct tocsin_stream *t,
           struct err *err)
{
    struct schema_field fields[255];
    struct schema_stream s = {
        .name = slice_from_str(t->name),
        .semantics = t->semantics,
        .n_fields = (uint32_t)fields_of(t->fields, t->n_fields, fields),
        .fields = fields,
    };
    return schema_add_stream(b, &s, err);
}

static int
add_metric(struct schema_builder *b, const struct tocsin_metric *t,
           struct err *err)
{
    struct schema_field labels[255];
    struct schema_metric m = {
        .name = slice_from_str(t->name),
        .type = (uint8_t)t->type,
        .remember_us = t->remember_us,
        .n_labels = (uint32_t)fields_of(t->labels, t->n_labels, labels),
        .labels = labels,
    };
    return schema_add_metric(b, &m, err);
}

/* Ids of what one input can bring, each once. */
struct ids {
    uint16_t v[4096];
    uint32_t n;
};

static void
ids_add(struct ids *ids, int id)
{
    for (uint32_t i = 0; i < ids->n; i++)
        if (ids->v[i] == id)
            return;
    if (ids->n < ARRAY_SIZE(ids->v))
        ids->v[ids->n++] = (uint16_t)id;
}

int
schema_from_decoders(struct schema_builder *b, struct instance *const *decoders,
                     size_t n_decoders, const struct schema_input *input,
                     struct err *err)
{
    struct ids streams = {.n = 0}, metrics = {.n = 0};
    for (size_t i = 0; i < n_decoders; i++) {
        const struct tocsin_plugin *p = instance_plugin(decoders[i]);
        for (size_t k = 0; k < p->n_streams; k++) {
            int id = add_stream(b, &p->streams[k], err);
            if (id < 0)
                return id;
            ids_add(&streams, id);
        }
        for (size_t k = 0; k < p->n_metrics; k++) {
            if (p->metrics[k].flags & TOCSIN_METRIC_OWN)
                continue;
            int id = add_metric(b, &p->metrics[k], err);
            if (id < 0)
                return id;
            ids_add(&metrics, id);
        }
    }
    struct schema_input in = *input;
    in.active = true;
    in.streams = streams.v;
    in.n_streams = streams.n;
    in.metrics = metrics.v;
    in.n_metrics = metrics.n;
    return schema_add_input(b, &in, err);
}
