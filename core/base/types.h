/* SPDX-License-Identifier: Apache-2.0 */
/* types.h - the few types and macros that every file uses. */
#ifndef TOCSIN_BASE_TYPES_H
#define TOCSIN_BASE_TYPES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define MAYBE_UNUSED __attribute__((unused))
#define NORETURN __attribute__((noreturn))

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define MIN(a, b)                                                              \
    ({                                                                         \
        __auto_type min_a_ = (a);                                              \
        __auto_type min_b_ = (b);                                              \
        min_a_ < min_b_ ? min_a_ : min_b_;                                     \
    })
#define MAX(a, b)                                                              \
    ({                                                                         \
        __auto_type max_a_ = (a);                                              \
        __auto_type max_b_ = (b);                                              \
        max_a_ > max_b_ ? max_a_ : max_b_;                                     \
    })
#define CLAMP(x, lo, hi)                                                       \
    ({                                                                         \
        __auto_type clamp_x_ = (x);                                            \
        __auto_type clamp_lo_ = (lo);                                          \
        __auto_type clamp_hi_ = (hi);                                          \
        clamp_x_<clamp_lo_ ? clamp_lo_ : clamp_x_> clamp_hi_ ? clamp_hi_       \
                                                             : clamp_x_;       \
    })

/* From the address of a member to the struct that holds it. */
#define container_of(ptr, type, member)                                        \
    ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Microseconds: since 1970-01-01T00:00:00Z for a time, or a span of time. */
typedef int64_t usec_t;

#define USEC_PER_MSEC ((usec_t)1000)
#define USEC_PER_SEC ((usec_t)1000000)
#define USEC_PER_MINUTE (60 * USEC_PER_SEC)
#define USEC_PER_HOUR (60 * USEC_PER_MINUTE)
#define USEC_PER_DAY (24 * USEC_PER_HOUR)
#define USEC_NONE INT64_MIN /* "no time": compares below every time */
#define USEC_MIN (INT64_MIN + 1)
#define USEC_MAX INT64_MAX

/* What an evaluation says.  UNKNOWN is never silently NO_MATCH. */
enum match { NO_MATCH = 0, MATCH = 1, UNKNOWN = 2 };

/* Borrowed bytes, not NUL-terminated.  {NULL, 0} is an empty slice. */
struct slice {
    const char *p;
    size_t n;
};

#define SLICE(lit) ((struct slice){"" lit, sizeof(lit) - 1})
/* For static initialisers: static const struct slice s = SLICE_INIT("x"); */
#define SLICE_INIT(lit)                                                        \
    {                                                                          \
        "" lit, sizeof(lit) - 1                                                \
    }
/* printf("%.*s", SLICE_FMT(s)); the slice is below 2 GiB */
#define SLICE_FMT(s) (int)(s).n, (s).p == NULL ? "" : (s).p

static inline struct slice
slice_new(const void *p, size_t n)
{
    return (struct slice){(const char *)p, n};
}

static inline struct slice
slice_from_str(const char *str) /* NULL gives an empty slice */
{
    return (struct slice){str, str == NULL ? 0 : strlen(str)};
}

static inline bool
slice_is_empty(struct slice s)
{
    return s.n == 0;
}

static inline bool
slice_eq(struct slice a, struct slice b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool
slice_eq_str(struct slice s, const char *str)
{
    return slice_eq(s, slice_from_str(str));
}

/* Bytewise order, a prefix before what continues it; <0, 0 or >0. */
static inline int
slice_cmp(struct slice a, struct slice b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int r = n == 0 ? 0 : memcmp(a.p, b.p, n);
    return r != 0 ? r : (a.n > b.n) - (a.n < b.n);
}

static inline bool
slice_starts_with(struct slice s, struct slice prefix)
{
    return s.n >= prefix.n &&
           (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline bool
slice_ends_with(struct slice s, struct slice suffix)
{
    return s.n >= suffix.n &&
           (suffix.n == 0 ||
            memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

/* Drops the first 'n' bytes; all of them if there are fewer. */
static inline struct slice
slice_skip(struct slice s, size_t n)
{
    n = n < s.n ? n : s.n;
    return n == 0 ? s : (struct slice){s.p + n, s.n - n};
}

#endif
