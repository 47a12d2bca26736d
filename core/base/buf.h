/* SPDX-License-Identifier: Apache-2.0 */
/* buf.h - a byte buffer that grows up to a maximum.
 *
 * Each append is all or nothing: 0, -ENOMEM, or -ENOSPC past max.  The first
 * failure stays in 'err' and makes all later appends fail, so that a chain of
 * appends can be checked once, at its end, by buf_error().  One owner. */
#ifndef TOCSIN_BASE_BUF_H
#define TOCSIN_BASE_BUF_H
#include <stdarg.h>

#include "core/base/auto.h"
#include "core/base/types.h"

struct buf {
    char *p;
    size_t n;   /* bytes in use */
    size_t cap; /* bytes allocated */
    size_t max; /* bound of n */
    int err;    /* 0, or what the first failed append returned */
};

#define BUF_INIT(max_bytes) ((struct buf){.max = (max_bytes)})
void buf_init(struct buf *b, size_t max_bytes);
void buf_fini(struct buf *b);  /* keeps 'max': the buffer can be used again */
void buf_reset(struct buf *b); /* empties, forgets the error, keeps memory */
void buf_truncate(struct buf *b, size_t n); /* to at most n bytes */

static inline int
buf_error(const struct buf *b)
{
    return b->err;
}

static inline struct slice
buf_slice(const struct buf *b) /* valid until the next append */
{
    return (struct slice){b->p, b->n};
}

/* The content as a C string (a NUL is put behind it).  Valid until the next
 * append. */
const char *buf_str(struct buf *b);

/* Moves the content out, NUL-terminated, for mem_free; the buffer is empty
 * afterwards.  NULL if the buffer has failed, or for want of memory. */
MUST_CHECK char *buf_take(struct buf *b, size_t *ret_n);

/* Room for 'n' more bytes at buf->p + buf->n; add what was used to buf->n. */
int buf_reserve(struct buf *b, size_t n);

int buf_grow_(struct buf *b, size_t n);

static inline int
buf_append(struct buf *b, const void *p, size_t n)
{
    if (unlikely(b->cap - b->n < n || b->err != 0)) {
        int r = buf_grow_(b, n);
        if (r < 0)
            return r;
    }
    if (n > 0)
        memcpy(b->p + b->n, p, n);
    b->n += n;
    return 0;
}

static inline int
buf_putc(struct buf *b, char c)
{
    return buf_append(b, &c, 1);
}

static inline int
buf_append_slice(struct buf *b, struct slice s)
{
    return buf_append(b, s.p, s.n);
}

static inline int
buf_append_str(struct buf *b, const char *s)
{
    return buf_append(b, s, strlen(s));
}

PRINTF_LIKE(2, 3) int buf_printf(struct buf *b, const char *fmt, ...);
PRINTF_LIKE(2, 0) int buf_vprintf(struct buf *b, const char *fmt, va_list ap);

/* Appends "s" in quotes as a JSON string.  Invalid UTF-8 becomes U+FFFD, one
 * for each byte that can't be read. */
int buf_append_json_string(struct buf *b, struct slice s);

DEFINE_AUTO_FINI(buf, buf_fini)
#endif
