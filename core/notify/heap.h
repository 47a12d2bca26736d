/* SPDX-License-Identifier: Apache-2.0 */
/* heap.h - what is due first.  Nodes live inside of what they belong to; of
 * two with the same time the one with the smaller order comes first, so that
 * the order of calls does not matter.  One owner: no locks. */
#ifndef TOCSIN_NOTIFY_HEAP_H
#define TOCSIN_NOTIFY_HEAP_H
#include "core/base/types.h"

struct heap_node {
    usec_t at;
    uint64_t order;
    size_t place; /* from 1; 0: not in a heap */
};

struct heap {
    struct heap_node **nodes;
    size_t n, cap;
};

void heap_fini(struct heap *h);
MUST_CHECK int heap_push(struct heap *h, struct heap_node *node);
void heap_remove(struct heap *h, struct heap_node *node); /* if it is in */
/* Its time has changed. */
void heap_move(struct heap *h, struct heap_node *node);
/* NULL: empty. */
static inline struct heap_node *
heap_top(const struct heap *h)
{
    return h->n > 0 ? h->nodes[0] : NULL;
}

#endif
