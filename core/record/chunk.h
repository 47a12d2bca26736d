/* SPDX-License-Identifier: Apache-2.0 */
/* chunk.h - the unit that is journalled: the bytes that a source brought,
 * the records that decoders found in them, their dead letters, and the
 * partition's next position, all in one frame and so all or nothing.
 *
 * Records are kept as they came: 'raw' is the source's bytes, once; a record
 * is a span of raw plus an array of (field id, offset, length).  Nothing is
 * converted on the way in or out.  Layout of a FRAME_CHUNK payload, little
 * endian, the arrays aligned to 8 bytes from the payload's start:
 *
 *   struct chunk_head | partition | where | context | pad
 *   | struct chunk_record[n_records] | struct chunk_value[n_values]
 *   | raw | text
 *
 * An offset below raw_size is into raw, else into text.  A record's own bytes
 * are in raw; its values may come in any order. */
#ifndef TOCSIN_RECORD_CHUNK_H
#define TOCSIN_RECORD_CHUNK_H

#include "core/base/auto.h"
#include "core/base/types.h"

struct schema;

enum record_kind {
    RECORD_EVENT = 1,
    RECORD_SAMPLE = 2,
    RECORD_DEAD = 3, /* a dead letter: 'values' holds one, the reason */
};

struct chunk_value {
    uint32_t offset;
    uint32_t length_id; /* length << 8 | field id */
};

struct chunk_record {
    usec_t time_us;
    union {
        double value; /* SAMPLE */
        uint64_t bits;
    };
    union {
        struct {
            uint32_t offset, length; /* EVENT, DEAD: its bytes in raw */
        };
        uint64_t sequence; /* SAMPLE: 0 where there is none */
    };
    uint16_t name; /* id of the stream or metric */
    uint8_t kind;
    uint8_t n_values;
    uint32_t first_value;
};
_Static_assert(sizeof(struct chunk_record) == 32, "journal format");

#define CHUNK_PARTITION_MAX 512u
#define CHUNK_WHERE_MAX 1024u
#define CHUNK_CONTEXT_MAX 64u
#define CHUNK_FIELDS_MAX 255u
#define CHUNK_VALUE_MAX 0xffffffu /* bytes of one value */

struct chunk_head {
    uint16_t input;
    uint16_t partition_size, where_size;
    uint8_t context_size, decoder; /* whose context it is */
    uint32_t n_records, n_values, raw_size, text_size;
    uint64_t offset; /* the next position's, after carried-over bytes */
    usec_t received_us;
};
_Static_assert(sizeof(struct chunk_head) == 40, "journal format");

/* A chunk as read: pointers into the payload.  Valid as long as that. */
struct chunk {
    const struct chunk_head *head;
    struct slice partition, where, context;
    const struct chunk_record *records;
    const struct chunk_value *values;
    const char *bytes; /* raw, then text */
};

/* Checks every offset and length once, so that the accessors need not.  The
 * payload stands at an address that 8 divides, as the journal hands it out.
 * Returns 0, or -EBADMSG. */
MUST_CHECK int chunk_parse(struct slice payload, struct chunk *ret);

/* chunk_parse() knows no schema: this checks that every name, field id and
 * input is one of 's'.  0 or -EBADMSG. */
MUST_CHECK int chunk_check(const struct chunk *c, const struct schema *s);

static inline struct slice
chunk_text(const struct chunk *c, const struct chunk_value *v)
{
    return (struct slice){c->bytes + v->offset, v->length_id >> 8};
}

static inline unsigned
chunk_value_id(const struct chunk_value *v)
{
    return v->length_id & 0xff;
}

static inline struct slice
chunk_raw(const struct chunk *c, const struct chunk_record *r)
{
    if (r->kind == RECORD_SAMPLE)
        return (struct slice){"", 0};
    return (struct slice){c->bytes + r->offset, r->length};
}

/* The value of field 'id', {NULL, 0} where absent. */
struct slice chunk_field(const struct chunk *c, const struct chunk_record *r,
                         unsigned id);

/* Collects a chunk.  One thread owns it; nothing is allocated in steady
 * state.  Several messages of one partition may share a chunk.  Those that add
 * return -ENOSPC where the payload would pass max_bytes (at most 2^31 - 1) and
 * -ENOMEM; nothing was added then. */
struct chunk_builder;
struct chunk_builder *chunk_builder_new(size_t max_bytes);
void chunk_builder_free(struct chunk_builder *b);
/* Empties the builder.  'partition' (at most CHUNK_PARTITION_MAX) is copied. */
void chunk_begin(struct chunk_builder *b, uint16_t input,
                 struct slice partition, usec_t received_us);
/* Appends source bytes; returns their base offset. */
MUST_CHECK int64_t chunk_add_raw(struct chunk_builder *b, struct slice bytes);
/* Stores text that is not in raw.  The returned offset has the bit
 * CHUNK_TEXT set; chunk_end() turns it into the layout's. */
#define CHUNK_TEXT 0x80000000u
MUST_CHECK int64_t chunk_add_text(struct chunk_builder *b, struct slice text);
/* Appends a record with its values (offsets as got from the two above), at
 * most CHUNK_FIELDS_MAX (else -E2BIG).  r->first_value and r->n_values are set
 * here.  It is the caller's promise that the offsets lie in what was added. */
MUST_CHECK int chunk_add_record(struct chunk_builder *b,
                                const struct chunk_record *r,
                                const struct chunk_value *values, unsigned n);
/* A dead letter; the reason is copied, cut at 1024 bytes. */
MUST_CHECK int chunk_add_dead(struct chunk_builder *b, uint32_t offset,
                              uint32_t length, struct slice reason);
/* Bookmarks, so that a decoder that fails half-way leaves nothing. */
struct chunk_mark {
    uint32_t n_records, n_values, raw_size, text_size;
};
struct chunk_mark chunk_mark(const struct chunk_builder *b);
void chunk_rewind(struct chunk_builder *b, struct chunk_mark mark);
uint32_t chunk_n_records(const struct chunk_builder *b);
size_t chunk_size(const struct chunk_builder *b); /* of the payload by now */
/* Completes the payload: 'parts' point into the builder, good until the next
 * chunk_begin().  next->where and next->context are at most CHUNK_WHERE_MAX
 * and CHUNK_CONTEXT_MAX.  Returns the number of parts (≤ 6). */
#define CHUNK_PARTS 6
struct chunk_position {
    uint64_t offset;
    struct slice where;
    struct slice context;
    uint8_t decoder;
};
int chunk_end(struct chunk_builder *b, const struct chunk_position *next,
              struct slice parts[CHUNK_PARTS]);

DEFINE_AUTO(chunk_builder, chunk_builder_free)

#endif
