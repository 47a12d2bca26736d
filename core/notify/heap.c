/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>

#include "core/base/mem.h"
#include "core/notify/heap.h"

void
heap_fini(struct heap *h)
{
    mem_free(h->nodes);
    *h = (struct heap){0};
}

static bool
is_before(const struct heap_node *a, const struct heap_node *b)
{
    return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static void
put(struct heap *h, size_t i, struct heap_node *node)
{
    h->nodes[i] = node;
    node->place = i + 1;
}

static void
sift(struct heap *h, size_t i, struct heap_node *node)
{
    while (i > 0 && is_before(node, h->nodes[(i - 1) / 2])) {
        put(h, i, h->nodes[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= h->n)
            break;
        if (child + 1 < h->n && is_before(h->nodes[child + 1], h->nodes[child]))
            child++;
        if (!is_before(h->nodes[child], node))
            break;
        put(h, i, h->nodes[child]);
        i = child;
    }
    put(h, i, node);
}

int
heap_push(struct heap *h, struct heap_node *node)
{
    if (h->n == h->cap) {
        size_t cap = h->cap == 0 ? 16 : 2 * h->cap;
        struct heap_node **nodes =
            mem_realloc(h->nodes, cap, sizeof h->nodes[0]);
        if (nodes == NULL)
            return -ENOMEM;
        h->nodes = nodes;
        h->cap = cap;
    }
    h->n++;
    sift(h, h->n - 1, node);
    return 0;
}

void
heap_remove(struct heap *h, struct heap_node *node)
{
    if (node->place == 0)
        return;
    size_t i = node->place - 1;
    struct heap_node *last = h->nodes[--h->n];
    node->place = 0;
    if (last != node)
        sift(h, i, last);
}

void
heap_move(struct heap *h, struct heap_node *node)
{
    if (node->place != 0)
        sift(h, node->place - 1, node);
}
