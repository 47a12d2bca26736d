/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/base/codec.h"

size_t
varint_put(uint8_t *p, uint64_t v)
{
    size_t n = 0;
    while (v >= 0x80) {
        p[n++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    p[n++] = (uint8_t)v;
    return n;
}

size_t
varint_get(const uint8_t *p, size_t n, uint64_t *ret_v)
{
    uint64_t v = 0;
    n = MIN(n, (size_t)VARINT_MAX_BYTES);
    for (size_t i = 0; i < n; i++) {
        uint8_t byte = p[i];
        v |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte & 0x80)
            continue;
        /* One number has one form: no zeros on top, no bits past the 64th. */
        if ((i > 0 && byte == 0) || (i == VARINT_MAX_BYTES - 1 && byte > 1))
            return 0;
        *ret_v = v;
        return i + 1;
    }
    return 0;
}

int
buf_put_u8(struct buf *b, uint8_t v)
{
    return buf_append(b, &v, 1);
}

int
buf_put_u16(struct buf *b, uint16_t v)
{
    char bytes[2];
    le_put_u16(bytes, v);
    return buf_append(b, bytes, sizeof bytes);
}

int
buf_put_u32(struct buf *b, uint32_t v)
{
    char bytes[4];
    le_put_u32(bytes, v);
    return buf_append(b, bytes, sizeof bytes);
}

int
buf_put_u64(struct buf *b, uint64_t v)
{
    char bytes[8];
    le_put_u64(bytes, v);
    return buf_append(b, bytes, sizeof bytes);
}

int
buf_put_double(struct buf *b, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return buf_put_u64(b, bits);
}

int
buf_put_varint(struct buf *b, uint64_t v)
{
    uint8_t bytes[VARINT_MAX_BYTES];
    return buf_append(b, bytes, varint_put(bytes, v));
}

int
buf_put_zigzag(struct buf *b, int64_t v)
{
    return buf_put_varint(b, zigzag_encode(v));
}

int
buf_put_slice(struct buf *b, struct slice s)
{
    size_t start = b->n;
    (void)buf_put_varint(b, s.n);
    int r = buf_append_slice(b, s);
    if (r < 0)
        b->n = start;
    return r;
}

/* The next n bytes, or NULL and 'bad'. */
static const uint8_t *
reader_take(struct reader *r, size_t n)
{
    if (unlikely(r->bad || n > reader_left(r))) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *p = r->p;
    if (n > 0)
        r->p += n;
    return p;
}

uint8_t
reader_u8(struct reader *r)
{
    const uint8_t *p = reader_take(r, 1);
    return p == NULL ? 0 : *p;
}

uint16_t
reader_u16(struct reader *r)
{
    const uint8_t *p = reader_take(r, 2);
    return p == NULL ? 0 : le_get_u16(p);
}

uint32_t
reader_u32(struct reader *r)
{
    const uint8_t *p = reader_take(r, 4);
    return p == NULL ? 0 : le_get_u32(p);
}

uint64_t
reader_u64(struct reader *r)
{
    const uint8_t *p = reader_take(r, 8);
    return p == NULL ? 0 : le_get_u64(p);
}

double
reader_double(struct reader *r)
{
    uint64_t bits = reader_u64(r);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

uint64_t
reader_varint(struct reader *r)
{
    uint64_t v = 0;
    size_t n = r->bad ? 0 : varint_get(r->p, reader_left(r), &v);
    if (n == 0) {
        r->bad = true;
        return 0;
    }
    r->p += n;
    return v;
}

uint32_t
reader_varint32(struct reader *r)
{
    uint64_t v = reader_varint(r);
    if (v <= UINT32_MAX)
        return (uint32_t)v;
    r->bad = true;
    return 0;
}

int64_t
reader_zigzag(struct reader *r)
{
    return zigzag_decode(reader_varint(r));
}

struct slice
reader_bytes(struct reader *r, size_t n)
{
    const uint8_t *p = reader_take(r, n);
    return p == NULL ? (struct slice){NULL, 0} : slice_new(p, n);
}

struct slice
reader_slice(struct reader *r)
{
    uint64_t n = reader_varint(r);
    if (n > reader_left(r)) {
        r->bad = true;
        n = 0;
    }
    return reader_bytes(r, (size_t)n);
}
