/* SPDX-License-Identifier: Apache-2.0 */
/* listing.c - which segments a directory holds.  Other files are nobody's
 * business. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/journal/priv.h"

static int
grow(void **p, size_t *cap, size_t n, size_t bytes)
{
    if (n < *cap)
        return 0;
    size_t want = MAX((size_t)64, *cap * 2);
    void *q = mem_realloc(*p, want, bytes);
    if (!q)
        return -ENOMEM;
    *p = q;
    *cap = want;
    return 0;
}

static int
add_stale(struct listing *l, const char *name)
{
    void *p = l->stale;
    int r = grow(&p, &l->stale_cap, l->n_stale, sizeof *l->stale);
    l->stale = p;
    if (r == 0)
        (void)snprintf(l->stale[l->n_stale++], SEGMENT_NAME_MAX, "%s", name);
    return r;
}

static int
add(void *arg, const char *name)
{
    struct listing *l = arg;
    struct segment s = {.time = USEC_NONE};
    if (segment_name_parse(name, ".tmp", &s.base, &s.seq)) {
        l->seq = MAX(l->seq, s.seq);
        return add_stale(l, name);
    }
    if (segment_name_parse(name, DAMAGED_SUFFIX, &s.base, &s.seq)) {
        l->seq = MAX(l->seq, s.seq);
        return 0;
    }
    if (!segment_name_parse(name, "", &s.base, &s.seq))
        return 0;
    void *p = l->segments;
    int r = grow(&p, &l->cap, l->n, sizeof s);
    l->segments = p;
    if (r == 0)
        l->segments[l->n++] = s;
    l->seq = MAX(l->seq, s.seq);
    return r;
}

static int
by_base(const void *a, const void *b)
{
    const struct segment *x = a, *y = b;
    if (x->base != y->base)
        return x->base < y->base ? -1 : 1;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

int
listing_read(struct listing *l, const struct io *io, int dirfd)
{
    *l = (struct listing){0};
    int r = io->list(io->arg, dirfd, add, l);
    if (r < 0)
        return r;
    if (l->n > 1)
        qsort(l->segments, l->n, sizeof *l->segments, by_base);
    return 0;
}

void
listing_fini(struct listing *l)
{
    mem_free(l->segments);
    mem_free(l->stale);
    *l = (struct listing){0};
}
