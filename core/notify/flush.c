/* SPDX-License-Identifier: Apache-2.0 */
/* flush.c - what is to be told of a group, to each integration. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/notify/notifier_priv.h"

/* A group as it stands: ids, sorted. */
struct view {
    uint64_t *firing, *resolved;
    size_t n_firing, n_resolved;
};

static int
id_order(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void
view_fini(struct view *v)
{
    mem_free(v->firing);
    mem_free(v->resolved);
}

DEFINE_AUTO_FINI(view, view_fini)

static int
view_init(struct view *v, size_t n)
{
    *v = (struct view){
        .firing = mem_new_array(uint64_t, n),
        .resolved = mem_new_array(uint64_t, n),
    };
    return v->firing == NULL || v->resolved == NULL ? -ENOMEM : 0;
}

static void
view_add(struct view *v, const struct alert *a)
{
    if (a->firing)
        v->firing[v->n_firing++] = a->id;
    else
        v->resolved[v->n_resolved++] = a->id;
}

static void
view_sort(struct view *v)
{
    qsort(v->firing, v->n_firing, sizeof(uint64_t), id_order);
    qsort(v->resolved, v->n_resolved, sizeof(uint64_t), id_order);
}

static bool
is_subset(const uint64_t *sub, size_t n_sub, const uint64_t *all, size_t n)
{
    size_t k = 0;
    for (size_t i = 0; i < n_sub; i++) {
        while (k < n && all[k] < sub[i])
            k++;
        if (k == n || all[k] != sub[i])
            return false;
    }
    return true;
}

/* Alertmanager's rule. */
static bool
needs_telling(const struct notifier *n, const struct group *g,
              const struct slot *s, const struct view *v)
{
    const struct told *told = &s->told;
    if (told->time == USEC_NONE)
        return v->n_firing > 0;
    if (!is_subset(v->firing, v->n_firing, told->firing, told->n_firing))
        return true;
    if (v->n_firing == 0)
        return told->n_firing > 0;
    if (n->targets[s->target].send_resolved &&
        !is_subset(v->resolved, v->n_resolved, told->resolved,
                   told->n_resolved))
        return true;
    return told->time < n->now - g->route->config->repeat_interval_us;
}

void
told_fini(struct told *t)
{
    mem_free(t->firing);
    mem_free(t->resolved);
    *t = (struct told){.time = USEC_NONE};
}

/* Takes over the arrays. */
static void
told_set(struct notifier *n, struct told *told, struct view *v)
{
    told_fini(told);
    *told = (struct told){n->now, TAKE(v->firing), TAKE(v->resolved),
                          v->n_firing, v->n_resolved};
}

/* ---- notifications on their way */

static void
pending_set_key(const struct notifier *n, struct pending *p)
{
    const struct group *g = p->group;
    uint64_t h = hash_mix(g->hash, g->route->index);
    h = hash_mix(h, hash_slice(pending_target(p, n)));
    uint64_t low = hash_mix(h, p->pos);
    uint64_t high = hash_mix(low, (uint64_t)n->now);
    (void)snprintf(p->key, sizeof p->key, "%016" PRIx64 "%016" PRIx64, high,
                   low);
}

int
pending_new(struct notifier *n, struct group *g, uint32_t slot,
            struct alert *const *alerts, size_t n_alerts, struct pending **ret)
{
    struct pending *p = mem_new(struct pending);
    if (p != NULL)
        p->alerts = mem_new_array(struct alert *, n_alerts);
    if (p == NULL || p->alerts == NULL) {
        mem_free(p);
        return -ENOMEM;
    }
    for (size_t i = 0; i < n_alerts; i++)
        p->alerts[i] = alert_ref(alerts[i]);
    p->n = n_alerts;
    p->group = g;
    p->slot = slot;
    p->pos = n->pos;
    p->time = n->now;
    pending_set_key(n, p);
    n->n_pending++;
    *ret = p;
    return 0;
}

void
pending_free(struct notifier *n, struct pending *p)
{
    if (n->o.gone != NULL)
        n->o.gone(n->o.arg, p->cookie);
    struct slot *s = &p->group->slots[p->slot];
    if (s->pending == p)
        s->pending = NULL;
    for (size_t i = 0; i < p->n; i++)
        alert_unref(p->alerts[i]);
    mem_free(p->alerts);
    mem_free(p);
    n->n_pending--;
}

/* All of the group's alerts, in the order of telling.  To be freed. */
static int
group_list(struct notifier *n, const struct group *g, struct alert ***ret)
{
    struct alert **list = mem_new_array(struct alert *, g->n_members);
    if (list == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < g->n_members; i++)
        list[i] = g->members[i].alert;
    int r = alerts_sort(n, list, g->n_members);
    if (r < 0) {
        mem_free(list);
        return r;
    }
    *ret = list;
    return 0;
}

static bool
is_told_by(const struct pending *p, struct alert *const *list, size_t n)
{
    return p->n == n && memcmp(p->alerts, list, n * sizeof list[0]) == 0;
}

/* What is on its way there is replaced, if anything is. */
static int
slot_tell(struct notifier *n, struct group *g, uint32_t slot)
{
    struct slot *s = &g->slots[slot];
    auto_free struct alert **list = NULL;
    int r = group_list(n, g, &list);
    if (r < 0)
        return r;
    struct pending *old = s->pending, *p;
    if (old != NULL && is_told_by(old, list, g->n_members))
        return 0;
    r = pending_new(n, g, slot, list, g->n_members, &p);
    if (r < 0)
        return r;
    if (old != NULL) {
        p->heard = old->heard;
        pending_free(n, old);
    }
    s->pending = p;
    if (n->o.due != NULL)
        p->cookie = n->o.due(n->o.arg, p, s->target);
    return 0;
}

/* ---- deciding */

static int
slot_evaluate(struct notifier *n, struct group *g, uint32_t slot,
              struct view *v)
{
    struct slot *s = &g->slots[slot];
    s->stale = false;
    if (!needs_telling(n, g, s, v))
        return 0;
    if (v->n_firing > 0 || n->targets[s->target].send_resolved)
        return slot_tell(n, g, slot);
    /* Nothing is sent; the next alert is news again. */
    struct view none;
    int r = view_init(&none, 1);
    if (r < 0) {
        view_fini(&none);
        return r;
    }
    told_set(n, &s->told, &none);
    view_fini(&none);
    return 0;
}

/* One that was attempted stays as it is.  One that was not follows its group,
 * unless nothing fires there any more: it says that something did. */
static int
slot_flush(struct notifier *n, struct group *g, uint32_t slot, struct view *v)
{
    struct slot *s = &g->slots[slot];
    if (s->pending == NULL)
        return slot_evaluate(n, g, slot, v);
    if (!s->pending->attempted && v->n_firing > 0 && needs_telling(n, g, s, v))
        return slot_tell(n, g, slot);
    s->stale = true;
    return 0;
}

static int
group_view(const struct group *g, struct view *v)
{
    int r = view_init(v, g->n_members);
    for (size_t i = 0; r == 0 && i < g->n_members; i++)
        view_add(v, g->members[i].alert);
    if (r == 0)
        view_sort(v);
    return r;
}

int
group_flush(struct notifier *n, struct group *g)
{
    AUTO_FINI(view) v = {0};
    int r = group_view(g, &v);
    for (uint32_t i = 0; r == 0 && i < g->n_slots; i++)
        r = slot_flush(n, g, i, &v);
    if (r < 0)
        return r;
    for (size_t i = 0; i < g->n_members; i++)
        g->members[i].flushed = !g->members[i].alert->firing;
    usec_t interval = g->route->config->group_interval_us;
    g->due.at += interval;
    if (g->due.at <= n->now)
        g->due.at = n->now + interval;
    heap_move(&n->timers, &g->due);
    n->changes++;
    group_settle(n, g);
    return 0;
}

int
group_restart(struct notifier *n, struct group *g)
{
    AUTO_FINI(view) v = {0};
    int r = group_view(g, &v);
    bool dropped = false;
    for (uint32_t i = 0; r == 0 && i < g->n_slots; i++) {
        struct slot *s = &g->slots[i];
        if (s->pending == NULL || s->pending->attempted || s->pending->heard)
            continue;
        if (needs_telling(n, g, s, &v)) {
            r = slot_tell(n, g, i);
        } else {
            pending_free(n, s->pending);
            dropped = true;
        }
    }
    if (r == 0 && dropped)
        group_settle(n, g);
    return r;
}

/* It was taken: what it told is known now, and what came meanwhile is told
 * next.  All or nothing. */
static int
slot_taken(struct notifier *n, struct group *g, uint32_t slot,
           struct view *told, struct view *now)
{
    struct slot *s = &g->slots[slot];
    struct pending *p = s->pending;
    struct told old = s->told;
    bool stale = s->stale;
    s->told = (struct told){.time = USEC_NONE};
    s->pending = NULL;
    told_set(n, &s->told, told);
    int r = stale ? slot_evaluate(n, g, slot, now) : 0;
    if (r < 0) {
        told_fini(&s->told);
        s->told = old;
        s->pending = p;
        s->stale = stale;
        return r;
    }
    told_fini(&old);
    pending_free(n, p);
    group_settle(n, g);
    return 0;
}

int
slot_done(struct notifier *n, struct group *g, uint32_t slot, bool taken)
{
    struct pending *p = g->slots[slot].pending;
    AUTO_FINI(view) told = {0}, now = {0};
    int r = view_init(&told, p->n);
    if (r == 0)
        r = group_view(g, &now);
    if (r < 0)
        return r;
    for (size_t i = 0; i < p->n; i++)
        view_add(&told, p->alerts[i]);
    view_sort(&told);
    if (taken || told.n_firing == 0)
        return slot_taken(n, g, slot, &told, &now);
    /* What was refused is tried anew when the group is looked at next, as it
     * stands then; not so news of an end alone. */
    pending_free(n, p);
    return 0;
}
