/* SPDX-License-Identifier: Apache-2.0 */
/* auto.h - variables that release what they own at the end of their scope.
 *
 *     DEFINE_AUTO(window, window_free)       in window.h, once
 *     AUTO(window) *w = window_new(…);       freed on every return …
 *     return TAKE(w);                        … but this one
 *
 * Release functions accept NULL. */
#ifndef TOCSIN_BASE_AUTO_H
#define TOCSIN_BASE_AUTO_H
#include <errno.h>
#include <unistd.h>

#include "core/base/mem.h" /* mem_free */
#include "core/base/types.h"

/* For a 'struct type *' from the heap, released by free_fn(struct type *). */
#define DEFINE_AUTO(type, free_fn)                                             \
    static inline MAYBE_UNUSED void auto_##type##_(struct type **p)            \
    {                                                                          \
        free_fn(*p);                                                           \
    }
#define AUTO(type) __attribute__((cleanup(auto_##type##_))) struct type

/* For a 'struct type' in the caller's storage, released by
 * fini_fn(struct type *): AUTO_FINI(buf) b = BUF_INIT(4096); */
#define DEFINE_AUTO_FINI(type, fini_fn)                                        \
    static inline MAYBE_UNUSED void auto_fini_##type##_(struct type *p)        \
    {                                                                          \
        fini_fn(p);                                                            \
    }
#define AUTO_FINI(type)                                                        \
    __attribute__((cleanup(auto_fini_##type##_))) struct type

/* Moves the pointer out: gives its value and leaves NULL behind. */
#define TAKE(p)                                                                \
    ({                                                                         \
        __typeof__(p) *take_p_ = &(p);                                         \
        __typeof__(p) take_v_ = *take_p_;                                      \
        *take_p_ = NULL;                                                       \
        take_v_;                                                               \
    })

/* auto_free char *s = mem_strdup(…); */
#define auto_free __attribute__((cleanup(auto_free_)))
static inline MAYBE_UNUSED void
auto_free_(void *p)
{
    void *mem;
    memcpy(&mem, p, sizeof mem);
    mem_free(mem);
}

/* auto_close int fd = open(…);  -1 is not closed; errno is kept. */
#define auto_close __attribute__((cleanup(auto_close_)))
static inline MAYBE_UNUSED void
auto_close_(int *fd)
{
    int saved = errno;
    if (*fd >= 0)
        (void)close(*fd);
    errno = saved;
}

/* Like TAKE for a descriptor: leaves -1 behind. */
#define TAKE_FD(fd)                                                            \
    ({                                                                         \
        int *take_p_ = &(fd);                                                  \
        int take_v_ = *take_p_;                                                \
        *take_p_ = -1;                                                         \
        take_v_;                                                               \
    })

#endif
