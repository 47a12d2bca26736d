/* SPDX-License-Identifier: Apache-2.0 */
/* mem.h - the heap, counted, and failing on demand.
 *
 * All may return NULL, for size 0 never.  TOCSIN_FAIL_ALLOC=n in the
 * environment makes the n-th allocation of the process fail, once; mem_fail_at
 * does so from now on.  The counters are relaxed atomics.  Thread: any. */
#ifndef TOCSIN_BASE_MEM_H
#define TOCSIN_BASE_MEM_H
#include "core/base/types.h"

#define MEM_ATTR __attribute__((malloc, warn_unused_result))

MEM_ATTR void *mem_alloc(size_t bytes);            /* not cleared */
MEM_ATTR void *mem_calloc(size_t n, size_t bytes); /* cleared, n * bytes safe */
/* At an address that 'alignment' (a power of 2) divides; not cleared. */
MEM_ATTR void *mem_alloc_aligned(size_t bytes, size_t alignment);
/* As realloc for n elements, overflow-safe; on NULL 'p' is still valid.
 * With n * bytes == 0 it keeps one byte, it never frees. */
MUST_CHECK void *mem_realloc(void *p, size_t n, size_t bytes);
MEM_ATTR void *mem_dup(const void *p, size_t bytes);
MEM_ATTR char *mem_strdup(const char *s);
/* The slice's bytes with a NUL added. */
MEM_ATTR char *mem_strndup(const char *p, size_t n);
/* NULL is fine.  What libc allocated may be given, and the other way round. */
void mem_free(void *p);

/* A cleared object, as 'struct x *'. */
#define mem_new(type) ((type *)mem_calloc(1, sizeof(type)))
#define mem_new_array(type, n) ((type *)mem_calloc((n), sizeof(type)))

/* Allocations (alloc, calloc, realloc, dup) by all threads since the start.
 * A test takes the difference. */
uint64_t mem_count(void);

/* The n-th allocation from now (1 = the next) fails, once; 0 = none. */
void mem_fail_at(uint64_t n);

#endif
