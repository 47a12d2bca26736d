/* SPDX-License-Identifier: Apache-2.0 */
/* schema.h - names behind the ids in chunks: inputs, streams, metrics.
 *
 * Ids are indices, 16 bits, and are never reused: a schema only grows, from
 * one start of the program to the next too, so a chunk written under an older
 * schema reads the same under a newer one.  An immutable object: to change
 * it, make a grown copy (schema_builder) and append a FRAME_SCHEMA. */
#ifndef TOCSIN_RECORD_SCHEMA_H
#define TOCSIN_RECORD_SCHEMA_H

#include "core/base/auto.h"
#include "core/base/err.h"
#include "core/base/types.h"

struct buf;

struct schema_field {
    struct slice name;
    uint8_t type;  /* TOCSIN_FIELD_… */
    uint8_t flags; /* TOCSIN_FIELD_LABEL … */
};

struct schema_stream {
    struct slice name;
    uint32_t semantics; /* TOCSIN_EVERY_EVENT … */
    uint32_t n_fields;
    const struct schema_field *fields; /* a field's id is its index */
};

struct schema_metric {
    struct slice name;
    uint8_t type; /* TOCSIN_COUNTER, _GAUGE, _STATE */
    usec_t remember_us;
    uint32_t n_labels;
    const struct schema_field *labels; /* a label's id is its index */
};

/* What an input may bring; engines derive watermarks from it. */
struct schema_input {
    struct slice name;
    usec_t lateness_us;     /* how far out of order its events come */
    usec_t expect_every_us; /* silent for longer: down; 0: never */
    bool active;            /* false: no longer configured */
    uint32_t n_streams, n_metrics;
    const uint16_t *streams; /* ids of what its decoders can make */
    const uint16_t *metrics;
};

struct schema {
    uint32_t n_inputs, n_streams, n_metrics;
    const struct schema_input *inputs;
    const struct schema_stream *streams;
    const struct schema_metric *metrics;
    usec_t max_future_us; /* an event further ahead of its receipt moves no
                             watermark */
};

/* Makes a schema that continues 'old' (NULL: from nothing): inputs, streams
 * and metrics are found by name and keep their ids; new ones and new fields
 * are added at the end; inputs not named again become inactive. */
struct schema_builder;
struct schema_builder *schema_builder_new(const struct schema *old);
void schema_builder_free(struct schema_builder *b);
/* All return an id ≥ 0, or with 'err' filled -ENOMEM, -E2BIG past 65,535 (255
 * fields), or -EINVAL where a name is declared anew with another kind or type:
 * the builder can then only be freed.  Slices are copied.  A field that was
 * known keeps its id: ids are schema_stream_field()'s, not the index here. */
MUST_CHECK int schema_add_stream(struct schema_builder *b,
                                 const struct schema_stream *s,
                                 struct err *err);
MUST_CHECK int schema_add_metric(struct schema_builder *b,
                                 const struct schema_metric *m,
                                 struct err *err);
MUST_CHECK int schema_add_input(struct schema_builder *b,
                                const struct schema_input *in, struct err *err);
/* Once; the builder can then only be freed. */
struct schema *schema_build(struct schema_builder *b, usec_t max_future_us);

void schema_free(struct schema *s);
/* An id, or -ENOENT. */
int schema_find_stream(const struct schema *s, struct slice name);
int schema_find_metric(const struct schema *s, struct slice name);
int schema_find_input(const struct schema *s, struct slice name);
int schema_stream_field(const struct schema_stream *s, struct slice name);
int schema_metric_label(const struct schema_metric *m, struct slice name);

/* Payload of FRAME_SCHEMA.  Decoding checks every bound. */
MUST_CHECK int schema_encode(const struct schema *s, struct buf *out);
MUST_CHECK int schema_decode(struct slice payload, struct schema **ret);
bool schema_equal(const struct schema *a, const struct schema *b);

DEFINE_AUTO(schema, schema_free)
DEFINE_AUTO(schema_builder, schema_builder_free)

#endif
