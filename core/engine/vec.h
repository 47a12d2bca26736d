/* SPDX-License-Identifier: Apache-2.0 */
/* vec.h - arrays that grow.  VEC(type) is an anonymous struct, cleared to be
 * empty; one owner. */
#ifndef TOCSIN_ENGINE_VEC_H
#define TOCSIN_ENGINE_VEC_H

#include <errno.h>

#include "core/base/mem.h"
#include "core/base/types.h"

#define VEC(type)                                                              \
    struct {                                                                   \
        type *p;                                                               \
        uint32_t n, cap;                                                       \
    }

/* To at least 'need' elements of 'size' bytes; new room isn't cleared. */
static inline MAYBE_UNUSED int
vec_grow_(void *pp, uint32_t *cap, uint64_t need, size_t size)
{
    void *p;
    memcpy(&p, pp, sizeof p);
    uint64_t want = MAX((uint64_t)*cap + *cap / 2, need);
    want = MAX(want, (uint64_t)4);
    if (want > UINT32_MAX)
        return -ENOMEM;
    p = mem_realloc(p, want, size);
    if (p == NULL)
        return -ENOMEM;
    memcpy(pp, &p, sizeof p);
    *cap = (uint32_t)want;
    return 0;
}

/* Room for 'more' elements: 0 or -ENOMEM. */
#define vec_reserve(v, more)                                                   \
    (likely((v)->cap - (v)->n >= (more))                                       \
         ? 0                                                                   \
         : vec_grow_(&(v)->p, &(v)->cap, (uint64_t)(v)->n + (more),            \
                     sizeof *(v)->p))

/* 0 or -ENOMEM. */
#define vec_push(v, x)                                                         \
    ({                                                                         \
        int vec_r_ = vec_reserve((v), 1);                                      \
        if (likely(vec_r_ == 0))                                               \
            (v)->p[(v)->n++] = (x);                                            \
        vec_r_;                                                                \
    })

#define vec_free(v)                                                            \
    do {                                                                       \
        mem_free((v)->p);                                                      \
        (v)->p = NULL;                                                         \
        (v)->n = (v)->cap = 0;                                                 \
    } while (0)

#endif
