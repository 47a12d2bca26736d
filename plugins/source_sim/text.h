/* SPDX-License-Identifier: Apache-2.0 */
/* text.h - a growing buffer, and the few ways in which a fleet writes. */
#ifndef TOCSIN_SOURCE_SIM_TEXT_H
#define TOCSIN_SOURCE_SIM_TEXT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
    char *p;
    size_t n;
    size_t max;
    bool failed; /* out of memory, or more than TEXT_MAX: p has a part */
};

#define TEXT_MAX ((size_t)128 << 20)

void text_fini(struct text *t);
/* Makes room for so many bytes more.  Returns false, and sets 'failed'. */
bool text_room(struct text *t, size_t n);
void text_u64(struct text *t, uint64_t value, int min_digits);
/* Millionths: 1500000 is "1.5". */
void text_millionths(struct text *t, uint64_t value);
/* 2026-05-04T08:00:00Z */
void text_time(struct text *t, int64_t us);
/* A version 4 UUID made of two random numbers. */
void text_uuid(struct text *t, uint64_t high, uint64_t low);

static inline void
text_add(struct text *t, const char *p, size_t n)
{
    if (t->max - t->n < n && !text_room(t, n))
        return;
    memcpy(t->p + t->n, p, n);
    t->n += n;
}

static inline void
text_str(struct text *t, const char *s)
{
    text_add(t, s, strlen(s));
}

#endif
