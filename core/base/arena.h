/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h - memory that is released all at once.
 *
 * Bumps a pointer through blocks.  The sum of the blocks never passes
 * max_bytes; a request beyond that gives NULL, as does want of memory.
 * arena_reset keeps the blocks, so that a steady state allocates nothing.
 * One owner at a time: no locks. */
#ifndef TOCSIN_BASE_ARENA_H
#define TOCSIN_BASE_ARENA_H
#include <stdarg.h>

#include "core/base/auto.h"
#include "core/base/types.h"

struct arena_block;

struct arena {
    struct arena_block *first, *current;
    char *pos, *end;    /* free room of the current block */
    size_t block_bytes; /* usual size of a block */
    size_t max_bytes;   /* bound of total_bytes */
    size_t total_bytes; /* held in blocks, their heads included */
};

/* Allocates nothing yet. */
void arena_init(struct arena *a, size_t block_bytes, size_t max_bytes);
void arena_fini(struct arena *a); /* can be used again after arena_init */

/* All that was handed out becomes invalid; the blocks stay. */
void arena_reset(struct arena *a);

/* What is handed out from here on becomes invalid at arena_release; what was
 * before stays.  Marks nest; a reset makes them invalid. */
struct arena_mark {
    struct arena_block *current;
    char *pos;
};
static inline struct arena_mark
arena_mark(const struct arena *a)
{
    return (struct arena_mark){a->current, a->pos};
}
void arena_release(struct arena *a, struct arena_mark m);

/* Bytes handed out since the last reset, alignment included. */
size_t arena_used(const struct arena *a);

void *arena_alloc_slow_(struct arena *a, size_t bytes);

/* Not cleared, aligned to 8.  Size 0 gives a pointer that isn't NULL. */
MUST_CHECK static inline void *
arena_alloc(struct arena *a, size_t bytes)
{
    size_t n = (bytes + 7) & ~(size_t)7;
    if (unlikely(n < bytes || n > (size_t)(a->end - a->pos) || n == 0))
        return arena_alloc_slow_(a, bytes);
    void *p = a->pos;
    a->pos += n;
    return p;
}

/* Cleared; NULL too if n * bytes overflows. */
MUST_CHECK void *arena_calloc(struct arena *a, size_t n, size_t bytes);
#define arena_new(a, type) ((type *)arena_calloc((a), 1, sizeof(type)))
#define arena_new_array(a, type, n)                                            \
    ((type *)arena_calloc((a), (n), sizeof(type)))

/* Copies with a NUL added. */
MUST_CHECK char *arena_strndup(struct arena *a, const char *p, size_t n);
MUST_CHECK char *arena_strdup(struct arena *a, const char *s);

/* Copies a slice.  0 or -ENOMEM; *ret_s is NUL-terminated, not counted. */
MUST_CHECK int arena_slice_dup(struct arena *a, struct slice s,
                               struct slice *ret_s);

MUST_CHECK PRINTF_LIKE(2, 3) char *arena_printf(struct arena *a,
                                                const char *fmt, ...);
MUST_CHECK PRINTF_LIKE(2, 0) char *arena_vprintf(struct arena *a,
                                                 const char *fmt, va_list ap);

DEFINE_AUTO_FINI(arena, arena_fini)
#endif
