/* SPDX-License-Identifier: Apache-2.0 */
/* codec.h - numbers and strings as bytes: little-endian, LEB128, bounded.
 *
 * Writers append to a struct buf (its sticky error applies).  The reader never
 * overruns: at the first want of bytes or bad encoding it sets 'bad', and all
 * later reads give 0 or an empty slice.  Check reader_ok() once, at the end,
 * and before a count that was read decides how much is allocated. */
#ifndef TOCSIN_BASE_CODEC_H
#define TOCSIN_BASE_CODEC_H
#include <endian.h>

#include "core/base/buf.h"
#include "core/base/types.h"

#define VARINT_MAX_BYTES 10

static inline void
le_put_u16(void *p, uint16_t v)
{
    v = htole16(v);
    memcpy(p, &v, sizeof v);
}

static inline void
le_put_u32(void *p, uint32_t v)
{
    v = htole32(v);
    memcpy(p, &v, sizeof v);
}

static inline void
le_put_u64(void *p, uint64_t v)
{
    v = htole64(v);
    memcpy(p, &v, sizeof v);
}

static inline uint16_t
le_get_u16(const void *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return le16toh(v);
}

static inline uint32_t
le_get_u32(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return le32toh(v);
}

static inline uint64_t
le_get_u64(const void *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return le64toh(v);
}

/* Signed numbers near 0 as small unsigned ones. */
static inline uint64_t
zigzag_encode(int64_t v)
{
    return ((uint64_t)v << 1) ^ (v < 0 ? ~UINT64_C(0) : 0);
}

static inline int64_t
zigzag_decode(uint64_t v)
{
    return (int64_t)((v >> 1) ^ (~(v & 1) + 1));
}

/* Writes at most VARINT_MAX_BYTES, returns how many. */
size_t varint_put(uint8_t *p, uint64_t v);
/* Returns the bytes read, or 0 if [p, p+n) holds no whole, minimal varint. */
size_t varint_get(const uint8_t *p, size_t n, uint64_t *ret_v);

int buf_put_u8(struct buf *b, uint8_t v);
int buf_put_u16(struct buf *b, uint16_t v);
int buf_put_u32(struct buf *b, uint32_t v);
int buf_put_u64(struct buf *b, uint64_t v);
int buf_put_double(struct buf *b, double v); /* its bits: NaNs survive */
int buf_put_varint(struct buf *b, uint64_t v);
int buf_put_zigzag(struct buf *b, int64_t v);
int buf_put_slice(struct buf *b, struct slice s); /* varint length, bytes */

struct reader {
    const uint8_t *p, *end;
    bool bad;
};

static inline struct reader
reader_new(struct slice s)
{
    const uint8_t *p = (const uint8_t *)s.p;
    return (struct reader){p, s.n == 0 ? p : p + s.n, false};
}

static inline bool
reader_ok(const struct reader *r)
{
    return !r->bad;
}

static inline size_t
reader_left(const struct reader *r)
{
    return (size_t)(r->end - r->p);
}

/* All was read, and well. */
static inline bool
reader_done(const struct reader *r)
{
    return !r->bad && r->p == r->end;
}

uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
double reader_double(struct reader *r);
uint64_t reader_varint(struct reader *r);
uint32_t reader_varint32(struct reader *r); /* bad if above UINT32_MAX */
int64_t reader_zigzag(struct reader *r);
struct slice reader_slice(struct reader *r); /* length-prefixed, borrowed */
struct slice reader_bytes(struct reader *r, size_t n); /* exactly n */

#endif
