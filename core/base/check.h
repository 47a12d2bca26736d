/* SPDX-License-Identifier: Apache-2.0 */
/* check.h - a program that checks itself: conditions that only a bug breaks.
 *
 * They are never compiled out.  A broken one prints where, what, and in which
 * stage of which thread, then aborts.  Thread: any. */
#ifndef TOCSIN_BASE_CHECK_H
#define TOCSIN_BASE_CHECK_H
#include "core/base/types.h"

/* Aborts with a readable message.  Allocates nothing, takes no lock. */
NORETURN PRINTF_LIKE(4, 5) void check_failed(const char *file, int line,
                                             const char *func, const char *fmt,
                                             ...);

#define CHECK(cond)                                                            \
    do {                                                                       \
        if (unlikely(!(cond)))                                                 \
            check_failed(__FILE__, __LINE__, __func__, "%s", #cond);           \
    } while (0)

/* For what can't be reached; says why with a format. */
#define PANIC(...) check_failed(__FILE__, __LINE__, __func__, __VA_ARGS__)

/* A long-lived object begins with 'uint32_t magic'. */
#define CHECK_OBJ(ptr, MAGIC)                                                  \
    do {                                                                       \
        if (unlikely((ptr) == NULL))                                           \
            check_failed(__FILE__, __LINE__, __func__, "%s is NULL", #ptr);    \
        if (unlikely((ptr)->magic != (MAGIC)))                                 \
            check_failed(__FILE__, __LINE__, __func__,                         \
                         "%s is no %s: magic 0x%08x", #ptr, #MAGIC,            \
                         (unsigned)(ptr)->magic);                              \
    } while (0)

/* Says what this thread is doing ("decode", "checkpoint"), for the message.
 * 'stage' is borrowed until replaced; NULL clears it.  Returns the previous
 * stage so that a caller can put it back. */
const char *panic_set_stage(const char *stage);

#endif
