/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "core/base/arena.h"

struct arena_block {
    struct arena_block *next;
    size_t bytes; /* of data */
    size_t used;  /* of data, once the arena has moved on */
    _Alignas(8) char data[];
};

#define ARENA_BLOCK_MIN 256

void
arena_init(struct arena *a, size_t block_bytes, size_t max_bytes)
{
    block_bytes = MAX(block_bytes, (size_t)ARENA_BLOCK_MIN);
    *a = (struct arena){.block_bytes = block_bytes, .max_bytes = max_bytes};
}

void
arena_fini(struct arena *a)
{
    struct arena_block *b = a->first;
    while (b != NULL) {
        struct arena_block *next = b->next;
        mem_free(b);
        b = next;
    }
    arena_init(a, a->block_bytes, a->max_bytes);
}

static void
arena_enter(struct arena *a, struct arena_block *b)
{
    a->current = b;
    a->pos = b->data;
    a->end = b->data + b->bytes;
}

void
arena_reset(struct arena *a)
{
    if (a->first != NULL)
        arena_enter(a, a->first);
}

void
arena_release(struct arena *a, struct arena_mark m)
{
    if (m.current == NULL) {
        arena_reset(a);
        return;
    }
    arena_enter(a, m.current);
    a->pos = m.pos;
}

size_t
arena_used(const struct arena *a)
{
    if (a->current == NULL)
        return 0;
    size_t used = (size_t)(a->pos - a->current->data);
    for (struct arena_block *b = a->first; b != a->current; b = b->next)
        used += b->used;
    return used;
}

/* Links a block behind the current one. */
static void
arena_link(struct arena *a, struct arena_block *b)
{
    struct arena_block **at =
        a->current == NULL ? &a->first : &a->current->next;
    b->next = *at;
    *at = b;
}

/* Of the blocks kept by a reset the first that is large enough, unlinked. */
static struct arena_block *
arena_take_kept(struct arena *a, size_t bytes)
{
    if (a->current == NULL)
        return NULL;
    for (struct arena_block **at = &a->current->next; *at != NULL;
         at = &(*at)->next) {
        struct arena_block *b = *at;
        if (b->bytes >= bytes) {
            *at = b->next;
            return b;
        }
    }
    return NULL;
}

static struct arena_block *
arena_new_block(struct arena *a, size_t bytes)
{
    size_t left = a->max_bytes - a->total_bytes;
    if (left < sizeof(struct arena_block) ||
        left - sizeof(struct arena_block) < bytes)
        return NULL;
    left -= sizeof(struct arena_block);
    /* Doubling: what a reset keeps then fits what grows from use to use. */
    size_t want = a->block_bytes;
    while (want < bytes && want < left)
        want *= 2;
    size_t size = MIN(want, left) & ~(size_t)7;
    struct arena_block *b =
        (struct arena_block *)mem_alloc(sizeof(struct arena_block) + size);
    if (b == NULL)
        return NULL;
    b->bytes = size;
    a->total_bytes += sizeof(struct arena_block) + size;
    return b;
}

void *
arena_alloc_slow_(struct arena *a, size_t bytes)
{
    if (bytes > SIZE_MAX - 8)
        return NULL;
    size_t n = MAX((bytes + 7) & ~(size_t)7, (size_t)8);
    if (n > (size_t)(a->end - a->pos)) {
        struct arena_block *b = arena_take_kept(a, n);
        if (b == NULL)
            b = arena_new_block(a, n);
        if (b == NULL)
            return NULL;
        if (a->current != NULL)
            a->current->used = (size_t)(a->pos - a->current->data);
        arena_link(a, b);
        arena_enter(a, b);
    }
    void *p = a->pos;
    a->pos += n;
    return p;
}

void *
arena_calloc(struct arena *a, size_t n, size_t bytes)
{
    size_t total;
    if (__builtin_mul_overflow(n, bytes, &total))
        return NULL;
    void *p = arena_alloc(a, total);
    return p == NULL ? NULL : memset(p, 0, total);
}

char *
arena_strndup(struct arena *a, const char *p, size_t n)
{
    char *copy = n == SIZE_MAX ? NULL : (char *)arena_alloc(a, n + 1);
    if (copy == NULL)
        return NULL;
    if (n > 0)
        memcpy(copy, p, n);
    copy[n] = '\0';
    return copy;
}

char *
arena_strdup(struct arena *a, const char *s)
{
    return arena_strndup(a, s, strlen(s));
}

int
arena_slice_dup(struct arena *a, struct slice s, struct slice *ret_s)
{
    char *copy = arena_strndup(a, s.p, s.n);
    if (copy == NULL)
        return -ENOMEM;
    *ret_s = slice_new(copy, s.n);
    return 0;
}

char *
arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    char *text = NULL;
    size_t room = (size_t)(a->end - a->pos);
    int n = vsnprintf(a->pos, room, fmt, ap);
    if (n >= 0) {
        bool fits = (size_t)n < room;
        text = (char *)arena_alloc(a, (size_t)n + 1);
        if (text != NULL && !fits)
            (void)vsnprintf(text, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    return text;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return text;
}
