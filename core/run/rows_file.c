/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "core/base/codec.h"
#include "core/base/crc32c.h"
#include "core/base/mem.h"
#include "core/run/rows_file.h"

#define HEAD_SIZE 8
#define FRAME_MAX (64u * 1024 * 1024)
#define READ_BYTES ((size_t)1024 * 1024)

/* Leaves room for the head; frame_end() fills it in. */
static size_t
frame_begin(struct buf *b, char kind)
{
    size_t at = b->n;
    (void)buf_put_u64(b, 0);
    (void)buf_putc(b, kind);
    return at;
}

static int
frame_end(struct buf *b, size_t at)
{
    if (buf_error(b) < 0)
        return buf_error(b);
    size_t n = b->n - at - HEAD_SIZE;
    if (n > FRAME_MAX)
        return -EMSGSIZE;
    le_put_u32(b->p + at, crc32c(0, b->p + at + HEAD_SIZE, n));
    le_put_u32(b->p + at + 4, (uint32_t)n);
    return 0;
}

int
rows_put_row(struct buf *b, const struct engine_row *row)
{
    size_t at = frame_begin(b, 'R');
    (void)buf_put_u64(b, row->node);
    (void)buf_put_slice(b, row->key);
    (void)buf_putc(b, row->value.p != NULL ? 'v' : 'd');
    if (row->value.p != NULL)
        (void)buf_append(b, row->value.p, row->value.n);
    return frame_end(b, at);
}

int
rows_put_end(struct buf *b, const struct checkpoint_mark *m)
{
    size_t at = frame_begin(b, 'E');
    (void)buf_put_u64(b, m->position);
    (void)buf_put_u64(b, m->newest.pos);
    (void)buf_put_u32(b, m->newest.ordinal);
    return frame_end(b, at);
}

/* 1: a row, 2: an end mark, 0: neither. */
static int
frame_parse(struct slice body, struct engine_row *row,
            struct checkpoint_mark *mark)
{
    struct reader r = reader_new(body);
    uint8_t kind = reader_u8(&r);
    if (kind == 'R') {
        row->node = reader_u64(&r);
        row->key = reader_slice(&r);
        uint8_t has = reader_u8(&r);
        row->value = (struct slice){NULL, 0};
        if (has == 'v')
            row->value = slice_new(r.p, reader_left(&r));
        return reader_ok(&r) && (has == 'v' || has == 'd') ? 1 : 0;
    }
    if (kind == 'E') {
        mark->position = reader_u64(&r);
        mark->newest.pos = reader_u64(&r);
        mark->newest.ordinal = reader_u32(&r);
        return reader_ok(&r) ? 2 : 0;
    }
    return 0;
}

/* A window onto the file that moves forward. */
struct window {
    const struct io *io;
    int fd;
    char *p;
    size_t n, cap;
    uint64_t offset; /* of p in the file */
};

/* Makes 'n' bytes at 'at' readable: 1; 0 at the end of the file. */
static int
window_need(struct window *w, uint64_t at, size_t n)
{
    if (at >= w->offset && at + n <= w->offset + w->n)
        return 1; /* it is there */
    if (n > w->cap) {
        char *p = mem_realloc(w->p, n, 1);
        if (p == NULL)
            return -ENOMEM;
        w->p = p;
        w->cap = n;
    }
    w->n = 0;
    w->offset = at;
    while (w->n < w->cap) {
        ssize_t got = w->io->pread(w->io->arg, w->fd, w->p + w->n,
                                   w->cap - w->n, (off_t)(at + w->n));
        if (got < 0)
            return (int)got;
        if (got == 0)
            break;
        w->n += (size_t)got;
    }
    return w->n >= n;
}

/* The frame at 'at': its whole size, 0 if there is no sound one. */
static int64_t
window_frame(struct window *w, uint64_t at, struct slice *ret_body)
{
    int r = window_need(w, at, HEAD_SIZE);
    if (r <= 0)
        return r;
    const char *head = w->p + (at - w->offset);
    uint32_t crc = le_get_u32(head), n = le_get_u32(head + 4);
    if (n == 0 || n > FRAME_MAX)
        return 0;
    r = window_need(w, at, HEAD_SIZE + (size_t)n);
    if (r <= 0)
        return r;
    *ret_body = slice_new(w->p + (at - w->offset) + HEAD_SIZE, n);
    return crc32c(0, ret_body->p, n) == crc ? (int64_t)HEAD_SIZE + n : 0;
}

struct read {
    struct window w;
    uint64_t limit;
    int (*row)(void *arg, const struct engine_row *r);
    void *arg;
    uint64_t end;
    struct checkpoint_mark mark;
};

static int
read_frames(struct read *rd)
{
    uint64_t at = ROWS_FILE_MAGIC_SIZE;
    while (rd->limit == 0 || at < rd->limit) {
        struct slice body;
        int64_t n = window_frame(&rd->w, at, &body);
        if (n <= 0)
            return (int)n;
        at += (uint64_t)n;
        struct engine_row row;
        struct checkpoint_mark mark;
        int kind = frame_parse(body, &row, &mark);
        if (kind == 0)
            return 0;
        int r = kind == 1 && rd->row != NULL ? rd->row(rd->arg, &row) : 0;
        if (r != 0)
            return r;
        if (kind == 2) {
            rd->end = at;
            rd->mark = mark;
        }
    }
    return 0;
}

int
rows_file_read(const struct io *io, int fd, uint64_t limit,
               int (*row)(void *arg, const struct engine_row *r), void *arg,
               uint64_t *ret_end, struct checkpoint_mark *ret_mark)
{
    struct read rd = {
        .w = {.io = io, .fd = fd, .cap = READ_BYTES},
        .limit = limit,
        .row = row,
        .arg = arg,
    };
    rd.w.p = mem_alloc(rd.w.cap);
    if (rd.w.p == NULL)
        return -ENOMEM;
    int r = window_need(&rd.w, 0, ROWS_FILE_MAGIC_SIZE);
    if (r > 0 && memcmp(rd.w.p, ROWS_FILE_MAGIC, ROWS_FILE_MAGIC_SIZE) == 0)
        r = read_frames(&rd);
    mem_free(rd.w.p);
    *ret_end = rd.end;
    *ret_mark = rd.mark;
    return r > 0 ? 0 : r;
}
