/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/base/str.h"

/* The only state of the module: what was allocated is the libc's business. */
static _Atomic uint64_t mem_counter;
static _Atomic uint64_t mem_failing; /* number of the one to fail, or 0 */

__attribute__((constructor)) static void
mem_read_environment(void)
{
    uint64_t n;
    const char *text = getenv("TOCSIN_FAIL_ALLOC");
    if (text != NULL && str_parse_u64(slice_from_str(text), &n) == 0)
        mem_fail_at(n);
}

static bool
mem_admit(void)
{
    uint64_t number =
        atomic_fetch_add_explicit(&mem_counter, 1, memory_order_relaxed) + 1;
    if (likely(number !=
               atomic_load_explicit(&mem_failing, memory_order_relaxed)))
        return true;
    errno = ENOMEM;
    return false;
}

void *
mem_alloc(size_t bytes)
{
    return mem_admit() ? malloc(MAX(bytes, (size_t)1)) : NULL;
}

void *
mem_alloc_aligned(size_t bytes, size_t alignment)
{
    void *p;
    if (!mem_admit())
        return NULL;
    alignment = MAX(alignment, sizeof p);
    return posix_memalign(&p, alignment, MAX(bytes, (size_t)1)) == 0 ? p : NULL;
}

void *
mem_calloc(size_t n, size_t bytes)
{
    size_t total;
    if (!mem_admit() || __builtin_mul_overflow(n, bytes, &total))
        return NULL;
    return calloc(1, MAX(total, (size_t)1));
}

void *
mem_realloc(void *p, size_t n, size_t bytes)
{
    size_t total;
    if (!mem_admit() || __builtin_mul_overflow(n, bytes, &total))
        return NULL;
    return realloc(p, MAX(total, (size_t)1));
}

void *
mem_dup(const void *p, size_t bytes)
{
    void *copy = mem_alloc(bytes);
    if (copy != NULL && bytes > 0)
        memcpy(copy, p, bytes);
    return copy;
}

char *
mem_strdup(const char *s)
{
    return (char *)mem_dup(s, strlen(s) + 1);
}

char *
mem_strndup(const char *p, size_t n)
{
    char *copy = n == SIZE_MAX ? NULL : (char *)mem_alloc(n + 1);
    if (copy == NULL)
        return NULL;
    if (n > 0)
        memcpy(copy, p, n);
    copy[n] = '\0';
    return copy;
}

void
mem_free(void *p)
{
    free(p);
}

uint64_t
mem_count(void)
{
    return atomic_load_explicit(&mem_counter, memory_order_relaxed);
}

void
mem_fail_at(uint64_t n)
{
    uint64_t number = n == 0 ? 0 : mem_count() + n;
    atomic_store_explicit(&mem_failing, number, memory_order_relaxed);
}
