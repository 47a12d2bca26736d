/* SPDX-License-Identifier: Apache-2.0 */
/* group.c - alerts that are told together. */
#include "config.h"

#include <errno.h>

#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/notify/notifier_priv.h"

#define GROUP_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define RESOLVED_MAX 10000u /* of a group that nobody is told of */
#define LABELS_TEXT_MAX ((size_t)1024 * 1024)

/* ---- members */

struct member_query {
    const struct group *g;
    uint64_t id;
};

static bool
is_member(const void *ctx, uint32_t index)
{
    const struct member_query *q = ctx;
    return q->g->members[index].alert->id == q->id;
}

static uint32_t
member_index(const struct group *g, uint64_t id)
{
    struct member_query q = {g, id};
    return table_find(&g->by_id, id, is_member, &q);
}

struct member *
group_find_member(const struct group *g, uint64_t id)
{
    uint32_t i = member_index(g, id);
    return i == TABLE_NONE ? NULL : &g->members[i];
}

static void
member_remove(struct group *g, size_t i)
{
    struct alert *a = g->members[i].alert;
    size_t last = g->n_members - 1;
    (void)table_remove(&g->by_id, a->id, (uint32_t)i);
    if (i != last) {
        g->members[i] = g->members[last];
        (void)table_reindex(&g->by_id, g->members[i].alert->id, (uint32_t)last,
                            (uint32_t)i);
    }
    g->n_members = last;
    g->n_resolved -= !a->firing;
    alert_unref(a);
}

/* Nobody takes what is told of the group, and alerts come and go: their ends
 * are forgotten, nothing that fires is. */
static void
group_shed(struct notifier *n, struct group *g)
{
    for (size_t i = g->n_members; i > 0; i--) {
        if (g->members[i - 1].alert->firing)
            continue;
        member_remove(g, i - 1);
        n->shed++;
    }
}

int
group_put(struct notifier *n, struct group *g, struct alert *a)
{
    struct member *m = group_find_member(g, a->id);
    if (m != NULL) {
        (void)alert_ref(a);
        g->n_resolved += (size_t)m->alert->firing - (size_t)a->firing;
        alert_unref(m->alert);
        *m = (struct member){a, false};
        if (g->n_resolved > RESOLVED_MAX)
            group_shed(n, g);
        return 0;
    }
    if (g->n_members == g->cap_members) {
        size_t cap = g->cap_members == 0 ? 4 : 2 * g->cap_members;
        struct member *p = mem_realloc(g->members, cap, sizeof *p);
        if (p == NULL)
            return -ENOMEM;
        g->members = p;
        g->cap_members = cap;
    }
    g->members[g->n_members] = (struct member){a, false};
    if (table_insert(&g->by_id, a->id, (uint32_t)g->n_members) < 0)
        return -ENOMEM;
    (void)alert_ref(a);
    g->n_members++;
    g->n_resolved += !a->firing;
    return 0;
}

/* ---- groups */

struct group_query {
    const struct notifier *n;
    const struct route *route; /* NULL: any */
    struct slice key, target, pending;
    uint32_t slot; /* found */
};

static bool
is_group(const void *ctx, uint32_t index)
{
    struct group_query *q = (struct group_query *)(uintptr_t)ctx;
    const struct group *g = q->n->groups[index];
    if (!slice_eq(g->key, q->key))
        return false;
    if (q->route != NULL)
        return g->route == q->route;
    for (uint32_t i = 0; i < g->n_slots; i++) {
        const struct slot *s = &g->slots[i];
        if (!slice_eq(q->n->targets[s->target].name, q->target))
            continue;
        if (q->pending.n > 0 &&
            (s->pending == NULL ||
             !slice_eq(pending_key(s->pending), q->pending)))
            continue;
        q->slot = i;
        return true;
    }
    return false;
}

static struct group *
query(struct group_query *q)
{
    uint32_t i = table_find(&q->n->by_key, hash_slice(q->key), is_group, q);
    return i == TABLE_NONE ? NULL : q->n->groups[i];
}

struct group *
group_find(const struct notifier *n, struct slice key, struct slice target,
           struct slice pending, uint32_t *ret_slot)
{
    struct group_query q = {n, NULL, key, target, pending, 0};
    struct group *g = query(&q);
    if (g != NULL)
        *ret_slot = q.slot;
    return g;
}

static void
group_release(struct group *g)
{
    for (size_t i = 0; i < g->n_members; i++)
        alert_unref(g->members[i].alert);
    for (size_t i = 0; i < g->n_slots; i++)
        told_fini(&g->slots[i].told);
    mem_free(g->members);
    table_fini(&g->by_id);
    arena_fini(&g->arena);
    mem_free(g);
}

static int
slots_make(struct notifier *n, struct group *g)
{
    const struct config_receiver *receiver = g->route->config->receiver;
    size_t n_targets = receiver == NULL ? 0 : n->o.n_targets;
    for (size_t i = 0; i < n_targets; i++)
        g->n_slots += n->targets[i].receiver == receiver;
    g->slots = arena_new_array(&g->arena, struct slot, g->n_slots + 1);
    if (g->slots == NULL)
        return -ENOMEM;
    for (size_t i = 0, k = 0; i < n_targets; i++)
        if (n->targets[i].receiver == receiver)
            g->slots[k++] =
                (struct slot){.target = (uint32_t)i, .told.time = USEC_NONE};
    return 0;
}

static int
labels_copy(struct group *g, const struct label *labels, size_t n)
{
    g->labels = arena_new_array(&g->arena, struct label, n + 1);
    if (g->labels == NULL)
        return -ENOMEM;
    g->n_labels = n;
    for (size_t i = 0; i < n; i++)
        if (arena_slice_dup(&g->arena, labels[i].name, &g->labels[i].name) <
                0 ||
            arena_slice_dup(&g->arena, labels[i].value, &g->labels[i].value) <
                0)
            return -ENOMEM;
    return 0;
}

/* Puts it where it is found. */
static int
group_register(struct notifier *n, struct group *g)
{
    if (n->n_groups == n->cap_groups) {
        size_t cap = n->cap_groups == 0 ? 16 : 2 * n->cap_groups;
        struct group **p = mem_realloc(n->groups, cap, sizeof(*p));
        if (p == NULL)
            return -ENOMEM;
        n->groups = p;
        n->cap_groups = cap;
    }
    if (heap_push(&n->timers, &g->due) < 0)
        return -ENOMEM;
    g->place = n->n_groups;
    n->groups[n->n_groups++] = g;
    if (table_insert(&n->by_key, g->hash, (uint32_t)g->place) < 0) {
        n->n_groups--;
        heap_remove(&n->timers, &g->due);
        return -ENOMEM;
    }
    return 0;
}

static int
group_make(struct notifier *n, const struct group_query *q,
           const struct label *labels, size_t n_labels, struct group **ret)
{
    struct group *g = mem_new(struct group);
    if (g == NULL)
        return -ENOMEM;
    arena_init(&g->arena, 512, GROUP_BYTES_MAX);
    table_init(&g->by_id, UINT32_MAX);
    g->route = q->route;
    g->hash = hash_slice(q->key);
    g->due.at = n->now + g->route->config->group_wait_us;
    g->due.order = n->order++;
    int r = arena_slice_dup(&g->arena, q->key, &g->key);
    if (r == 0)
        r = labels_copy(g, labels, n_labels);
    if (r == 0)
        r = slots_make(n, g);
    if (r == 0)
        r = group_register(n, g);
    if (r < 0) {
        group_release(g);
        return r;
    }
    *ret = g;
    return 0;
}

int
group_get(struct notifier *n, const struct route *route,
          const struct label *labels, size_t n_labels, bool make,
          struct group **ret)
{
    AUTO_FINI(buf) key = BUF_INIT(LABELS_TEXT_MAX);
    (void)buf_append_slice(&key, route->key);
    (void)buf_putc(&key, ':');
    int r = labels_print(labels, n_labels, &key);
    if (r < 0)
        return -ENOMEM;
    struct group_query q = {n, route, buf_slice(&key), {0}, {0}, 0};
    *ret = query(&q);
    if (*ret != NULL || !make)
        return 0;
    return group_make(n, &q, labels, n_labels, ret);
}

void
group_free(struct notifier *n, struct group *g)
{
    for (size_t i = 0; i < g->n_slots; i++)
        if (g->slots[i].pending != NULL)
            pending_free(n, g->slots[i].pending);
    size_t last = n->n_groups - 1, place = g->place;
    CHECK(n->groups[place] == g);
    heap_remove(&n->timers, &g->due);
    (void)table_remove(&n->by_key, g->hash, (uint32_t)place);
    if (place != last) {
        struct group *moved = n->groups[last];
        (void)table_reindex(&n->by_key, moved->hash, (uint32_t)last,
                            (uint32_t)place);
        moved->place = place;
        n->groups[place] = moved;
    }
    n->n_groups = last;
    group_release(g);
}

void
group_settle(struct notifier *n, struct group *g)
{
    for (size_t i = 0; i < g->n_slots; i++)
        if (g->slots[i].pending != NULL)
            return;
    for (size_t i = g->n_members; i > 0; i--)
        if (g->members[i - 1].flushed)
            member_remove(g, i - 1);
    if (g->n_members == 0)
        group_free(n, g);
}
