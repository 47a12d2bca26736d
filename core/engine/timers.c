/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/timers.h"

void
timers_fini(struct timers *t)
{
    vec_free(&t->heap);
    vec_free(&t->places);
}

static void
place(struct timers *t, uint32_t at, struct timer x)
{
    t->heap.p[at] = x;
    t->places.p[x.id] = at + 1;
}

/* Moves what stands at 'at' to where it belongs. */
static void
sift(struct timers *t, uint32_t at)
{
    struct timer x = t->heap.p[at];
    for (; at > 0 && t->heap.p[(at - 1) / 2].at > x.at; at = (at - 1) / 2)
        place(t, at, t->heap.p[(at - 1) / 2]);
    for (uint32_t k; (k = 2 * at + 1) < t->heap.n; at = k) {
        if (k + 1 < t->heap.n && t->heap.p[k + 1].at < t->heap.p[k].at)
            k++;
        if (t->heap.p[k].at >= x.at)
            break;
        place(t, at, t->heap.p[k]);
    }
    place(t, at, x);
}

static void
unset(struct timers *t, uint32_t id)
{
    uint32_t at = t->places.p[id] - 1;
    struct timer last = t->heap.p[--t->heap.n];
    t->places.p[id] = 0;
    if (at == t->heap.n)
        return;
    place(t, at, last);
    sift(t, at);
}

int
timers_set(struct timers *t, uint32_t id, usec_t at)
{
    while (t->places.n <= id) {
        if (vec_push(&t->places, 0) < 0)
            return -ENOMEM;
    }
    if (t->places.p[id] == 0) {
        if (at == USEC_MAX)
            return 0;
        if (vec_push(&t->heap, ((struct timer){at, id})) < 0)
            return -ENOMEM;
        t->places.p[id] = t->heap.n;
    } else if (at == USEC_MAX) {
        unset(t, id);
        return 0;
    }
    uint32_t k = t->places.p[id] - 1;
    t->heap.p[k].at = at;
    sift(t, k);
    return 0;
}

bool
timers_pop(struct timers *t, usec_t now, uint32_t *ret_id)
{
    if (t->heap.n == 0 || t->heap.p[0].at > now)
        return false;
    *ret_id = t->heap.p[0].id;
    unset(t, *ret_id);
    return true;
}

size_t
timers_bytes(const struct timers *t)
{
    return t->heap.cap * sizeof *t->heap.p +
           t->places.cap * sizeof *t->places.p;
}
