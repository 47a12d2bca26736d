/* SPDX-License-Identifier: Apache-2.0 */
/* ingest.h - from a source's chunks to chunks for the journal: asks the
 * input's decoders in order, carries unconsumed bytes over, keeps dead
 * letters with their reason, checks what plugins hand in.
 *
 * No I/O, no clock: `run`, `replay` and tests use the same.  Memory is
 * bounded by max_record_bytes (carried over, per partition) and the size of
 * a chunk.  Thread: one owner; counters may be read by any. */
#ifndef TOCSIN_HOST_INGEST_H
#define TOCSIN_HOST_INGEST_H
#include <stdatomic.h>

#include <tocsin/plugin.h>

#include "core/base/auto.h"
#include "core/base/types.h"
#include "core/record/chunk.h"
#include "core/record/schema.h"

struct instance;
struct ingest;

/* Receives each full chunk.  0, or negative: it is offered again. */
typedef int (*ingest_append_fn)(void *arg, uint32_t partition,
                                const struct chunk_position *next,
                                const struct slice *parts, size_t n_parts,
                                uint32_t n_records);

struct ingest_options {
    uint16_t input; /* its id in 'schema' */
    const struct schema *schema;
    struct instance *const *decoders; /* borrowed */
    size_t n_decoders;
    size_t max_record_bytes; /* one record; longer ones are dead letters */
    size_t chunk_bytes;      /* about the size of a chunk */
    size_t max_chunk_bytes;  /* no chunk is longer; 0: no such bound */
    ingest_append_fn append;
    void *arg;
};

struct ingest_stats {
    _Atomic uint64_t bytes, chunks, records, samples, dead;
};

/* NULL: out of memory. */
struct ingest *ingest_new(const struct ingest_options *o);
void ingest_free(struct ingest *in);

/* A partition begins, or begins again, where the journal has it. */
MUST_CHECK int ingest_start(struct ingest *in, uint32_t partition,
                            struct slice name, struct slice context,
                            unsigned decoder);
/* Takes in what a source read.  The chunk is only read.  0; 1: enough for a
 * flush; negative: no room or memory, to be called again with the same chunk
 * (nothing is lost or taken twice by that), or the partition forgotten. */
MUST_CHECK int ingest_feed(struct ingest *in, uint32_t partition,
                           struct slice name, const struct tocsin_chunk *chunk);
/* Hands what is collected to 'append'. */
MUST_CHECK int ingest_flush(struct ingest *in);
/* Forgets a partition and what was carried over for it. */
void ingest_forget(struct ingest *in, uint32_t partition);
bool ingest_is_empty(const struct ingest *in); /* nothing to flush */

const struct ingest_stats *ingest_get_stats(const struct ingest *in);

DEFINE_AUTO(ingest, ingest_free)
#endif
