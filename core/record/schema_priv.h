/* SPDX-License-Identifier: Apache-2.0 */
/* schema_priv.h - how a schema is kept: arrays that grow, names in an arena,
 * and a hash table for each kind of name. */
#ifndef TOCSIN_RECORD_SCHEMA_PRIV_H
#define TOCSIN_RECORD_SCHEMA_PRIV_H

#include "core/base/arena.h"
#include "core/base/table.h"
#include "core/record/schema.h"

#define SCHEMA_IDS_MAX 65535u
#define SCHEMA_FIELDS_MAX 255u
#define SCHEMA_BYTES_MAX ((size_t)256 << 20)

struct schema_store {
    struct schema s; /* its arrays are the three below */
    struct arena arena;
    struct schema_input *inputs;
    struct schema_stream *streams;
    struct schema_metric *metrics;
    uint32_t inputs_cap, streams_cap, metrics_cap;
    struct table input_ids, stream_ids, metric_ids;
};

struct schema_store *schema_store_new(void);
void schema_store_free(struct schema_store *st);

/* Each appends an entry whose slices and arrays are already in the arena (or
 * will be).  Its id, or -ENOMEM, -E2BIG, or -EEXIST. */
MUST_CHECK int schema_store_input(struct schema_store *st,
                                  const struct schema_input *in);
MUST_CHECK int schema_store_stream(struct schema_store *st,
                                   const struct schema_stream *s);
MUST_CHECK int schema_store_metric(struct schema_store *st,
                                   const struct schema_metric *m);

DEFINE_AUTO(schema_store, schema_store_free)
#endif
