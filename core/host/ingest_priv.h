/* SPDX-License-Identifier: Apache-2.0 */
/* ingest_priv.h - shared by ingest.c (partitions, chunks) and decode.c (asks
 * decoders, checks what they hand in). */
#ifndef TOCSIN_HOST_INGEST_PRIV_H
#define TOCSIN_HOST_INGEST_PRIV_H
#include "core/base/buf.h"
#include "core/host/ingest.h"

#define TEXT_MAX (16u * 1024 * 1024) /* of one chunk's text() */

/* From a decoder's own ids to the schema's. */
struct stream_map {
    uint16_t id;
    uint16_t n_fields;
    uint8_t fields[CHUNK_FIELDS_MAX];
};

struct decoder {
    struct instance *instance;
    const struct tocsin_plugin *plugin;
    struct stream_map *streams, *metrics;
};

struct partition {
    bool started;
    uint8_t decoder; /* whose context it is */
    struct tocsin_context context;
    struct buf carry; /* bytes that no decoder could use yet */
    size_t taken;     /* of a chunk that is to be fed again */
    bool resumed;     /* all of that is in 'carry' or in the builder */
};

struct ingest {
    struct ingest_options o;
    struct decoder *decoders;
    struct partition *partitions;
    uint32_t n_partitions;
    struct chunk_builder *builder;
    uint32_t current;   /* the partition being collected */
    bool collecting;    /* the builder holds something of it */
    bool positioned;    /* 'next' is its position */
    bool sealed;        /* a flush failed: the builder takes no more */
    uint32_t text_size; /* of the builder's text */
    struct chunk_position next;
    char where[CHUNK_WHERE_MAX], context[CHUNK_CONTEXT_MAX];
    uint64_t n_records, n_samples, n_dead, n_bytes; /* since the last flush */
    struct ingest_stats stats;
};

/* Resolves the ids of a decoder's tables once.  0, -ENOMEM, or -EINVAL where
 * the schema lacks one. */
int decoder_map(const struct schema *s, struct decoder *d);

struct counts {
    struct chunk_mark mark;
    uint64_t n_records, n_samples, n_dead;
};

/* The builder as it is, and back to it. */
struct counts counts_take(const struct ingest *in);
void counts_restore(struct ingest *in, const struct counts *c);

/* Adds a dead letter: 'length' bytes at base + offset of the raw bytes. */
int decode_dead(struct ingest *in, uint32_t base, size_t offset, size_t length,
                const char *reason);
/* Puts a whole message before the decoders from 'first' on: claimed, or a
 * dead letter.  0 or negative errno. */
int decode_message(struct ingest *in, unsigned first, uint32_t base,
                   const struct tocsin_chunk *chunk);
/* Puts a piece of a byte stream before them: bytes consumed, or negative. */
int64_t decode_stream(struct ingest *in, struct partition *p, uint32_t base,
                      const struct tocsin_chunk *chunk);
#endif
