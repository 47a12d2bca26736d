/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>

#include "core/base/buf.h"
#include "core/base/str.h"

#define BUF_CAP_MIN 64

void
buf_init(struct buf *b, size_t max_bytes)
{
    *b = BUF_INIT(max_bytes);
}

void
buf_fini(struct buf *b)
{
    mem_free(b->p);
    *b = BUF_INIT(b->max);
}

void
buf_reset(struct buf *b)
{
    b->n = 0;
    b->err = 0;
}

void
buf_truncate(struct buf *b, size_t n)
{
    b->n = MIN(b->n, n);
}

/* One byte more than 'cap' is allocated, for the NUL of buf_str. */
int
buf_grow_(struct buf *b, size_t n)
{
    if (b->err != 0)
        return b->err;
    if (n > b->max - b->n || b->max == SIZE_MAX)
        return b->err = -ENOSPC;
    size_t cap = MAX(b->n + n, (size_t)BUF_CAP_MIN);
    if (b->cap <= SIZE_MAX / 2)
        cap = MAX(cap, b->cap * 2);
    cap = MIN(cap, b->max);
    char *p = (char *)mem_realloc(b->p, cap + 1, 1);
    if (p == NULL)
        return b->err = -ENOMEM;
    b->p = p;
    b->cap = cap;
    return 0;
}

int
buf_reserve(struct buf *b, size_t n)
{
    if (b->err == 0 && b->p != NULL && b->cap - b->n >= n)
        return 0;
    return buf_grow_(b, n);
}

const char *
buf_str(struct buf *b)
{
    if (b->p == NULL)
        return "";
    b->p[b->n] = '\0';
    return b->p;
}

char *
buf_take(struct buf *b, size_t *ret_n)
{
    if (buf_reserve(b, 0) < 0)
        return NULL;
    b->p[b->n] = '\0';
    if (ret_n != NULL)
        *ret_n = b->n;
    char *p = TAKE(b->p);
    *b = BUF_INIT(b->max);
    return p;
}

int
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
    if (buf_reserve(b, 0) < 0)
        return b->err;
    va_list again;
    va_copy(again, ap);
    size_t room = b->cap - b->n;
    int n = vsnprintf(b->p + b->n, room + 1, fmt, ap);
    int r = n < 0 ? (b->err = -EINVAL) : 0;
    if (r == 0 && (size_t)n > room) {
        r = buf_grow_(b, (size_t)n);
        if (r == 0)
            (void)vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    if (r == 0)
        b->n += (size_t)n;
    return r;
}

int
buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int r = buf_vprintf(b, fmt, ap);
    va_end(ap);
    return r;
}

/* Letter after the backslash, or 'u'. */
static char
json_escape_letter(unsigned char c)
{
    switch (c) {
    case '"':
    case '\\':
        return (char)c;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 'u';
    }
}

/* One that can't stand for itself. */
static void
buf_append_json_special(struct buf *b, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    if (c >= 0x80) {
        (void)buf_append(b, "\xef\xbf\xbd", 3); /* U+FFFD */
        return;
    }
    char text[6] = {'\\', json_escape_letter(c), '0',
                    '0',  digits[c >> 4],        digits[c & 15]};
    (void)buf_append(b, text, text[1] == 'u' ? 6 : 2);
}

/* Bytes that can be copied as they are, from the start of 's'. */
static size_t
json_plain_run(struct slice s)
{
    size_t i = 0;
    while (i < s.n) {
        unsigned char c = (unsigned char)s.p[i];
        if (c >= 0x80) {
            uint32_t cp;
            int len = utf8_decode(slice_skip(s, i), &cp);
            if (len < 0)
                break;
            i += (size_t)len;
        } else if (c < 0x20 || c == '"' || c == '\\') {
            break;
        } else {
            i++;
        }
    }
    return i;
}

int
buf_append_json_string(struct buf *b, struct slice s)
{
    size_t start = b->n;
    (void)buf_putc(b, '"');
    while (s.n > 0) {
        size_t run = json_plain_run(s);
        (void)buf_append(b, s.p, run);
        s = slice_skip(s, run);
        if (s.n > 0) {
            buf_append_json_special(b, (unsigned char)s.p[0]);
            s = slice_skip(s, 1);
        }
    }
    if (buf_putc(b, '"') < 0)
        b->n = start;
    return b->err;
}
