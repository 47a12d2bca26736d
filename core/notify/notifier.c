/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>

#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/notify/notifier_priv.h"
#include "core/record/delivery.h"
#include "core/record/tick.h"

#define NOTIFIER_MAGIC 0x207f1e20u
#define SCRATCH_MAX ((size_t)64 * 1024 * 1024)

/* ---- what is configured */

static int
targets_make(struct notifier *n)
{
    n->targets = arena_new_array(&n->arena, struct target, n->o.n_targets + 1);
    if (n->targets == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n->o.n_targets; i++) {
        const struct notifier_target *t = &n->o.targets[i];
        const char *name =
            arena_printf(&n->arena, "%s/%s[%zu]", t->receiver->name,
                         t->integration->key, t->integration->index);
        if (name == NULL)
            return -ENOMEM;
        n->targets[i] = (struct target){
            .name = slice_from_str(name),
            .send_resolved = t->integration->send_resolved,
            .receiver = t->receiver,
        };
    }
    return 0;
}

static int
external_make(struct notifier *n)
{
    size_t n_labels = n->o.n_external_labels;
    n->external = arena_new_array(&n->arena, struct label, n_labels + 1);
    if (n->external == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n_labels; i++)
        n->external[i] =
            (struct label){slice_from_str(n->o.external_labels[i].name),
                           slice_from_str(n->o.external_labels[i].value)};
    return 0;
}

static uint64_t
mix_str(uint64_t h, const char *s)
{
    return hash_mix(h, hash_slice(slice_from_str(s)));
}

/* Intervals are left out: they decide on times, not on groups. */
static uint64_t
config_hash(const struct notifier *n)
{
    uint64_t h = hash_u64(routes_count(n->routes));
    for (size_t i = 0; i < routes_count(n->routes); i++) {
        const struct route *r = routes_get(n->routes, i);
        h = hash_mix(h, hash_slice(r->key));
        h = hash_mix(h, r->config->continues);
        h = hash_mix(h, r->config->group_by_all);
        if (r->config->receiver != NULL)
            h = mix_str(h, r->config->receiver->name);
        for (size_t k = 0; k < r->config->n_group_by; k++)
            h = mix_str(h, r->config->group_by[k]);
    }
    for (size_t i = 0; i < n->o.n_targets; i++)
        h = hash_mix(h, hash_slice(n->targets[i].name));
    for (size_t i = 0; i < n->o.n_external_labels; i++) {
        h = mix_str(h, n->o.external_labels[i].name);
        h = mix_str(h, n->o.external_labels[i].value);
    }
    return h;
}

int
notifier_new(const struct notifier_options *o, struct notifier **ret,
             struct err *err)
{
    AUTO(notifier) *n = mem_new(struct notifier);
    if (n == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    n->magic = NOTIFIER_MAGIC;
    n->o = *o;
    n->now = USEC_NONE;
    arena_init(&n->arena, 4096, SCRATCH_MAX);
    arena_init(&n->scratch, 16 * 1024, SCRATCH_MAX);
    table_init(&n->by_key, UINT32_MAX);
    int r = routes_new(o->route, &n->routes, err);
    if (r == 0)
        r = targets_make(n);
    if (r == 0)
        r = external_make(n);
    if (r < 0)
        return err_set(err, r, "out of memory");
    n->config_hash = config_hash(n);
    *ret = TAKE(n);
    return 0;
}

void
notifier_free(struct notifier *n)
{
    if (n == NULL)
        return;
    CHECK_OBJ(n, NOTIFIER_MAGIC);
    while (n->n_groups > 0)
        group_free(n, n->groups[n->n_groups - 1]);
    mem_free(n->groups);
    heap_fini(&n->timers);
    table_fini(&n->by_key);
    routes_free(n->routes);
    arena_fini(&n->scratch);
    arena_fini(&n->arena);
    n->magic = 0;
    mem_free(n);
}

/* ---- frames */

/* An alert on its way into groups. */
struct arrival {
    struct notifier *n;
    const struct transition *t;
    struct slice payload;
    const struct label *labels;
    size_t n_labels;
    uint64_t id;
    struct alert *alert; /* made when the first group takes it */
};

static int
arrival_alert(struct arrival *a, usec_t detected_us)
{
    if (a->alert != NULL)
        return 0;
    a->alert = alert_new(a->payload, a->id, a->t->state == ALERT_FIRING);
    if (a->alert == NULL)
        return -ENOMEM;
    a->alert->detected_us = detected_us;
    return 0;
}

/* What groups an alert with these labels on this route; of the scratch. */
static int
group_labels(struct notifier *n, const struct route *route,
             const struct label *labels, size_t n_labels, struct label **ret,
             size_t *ret_n)
{
    struct label *l = arena_new_array(&n->scratch, struct label, n_labels + 1);
    size_t k = 0;
    if (l == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n_labels; i++)
        if (route_groups_by(route, labels[i].name))
            l[k++] = labels[i];
    *ret = l;
    *ret_n = k;
    return 0;
}

static int
arrival_route(void *arg, const struct route *route)
{
    struct arrival *a = arg;
    struct label *labels;
    size_t n_labels;
    struct group *g = NULL;
    bool firing = a->t->state == ALERT_FIRING;
    int r =
        group_labels(a->n, route, a->labels, a->n_labels, &labels, &n_labels);
    if (r == 0)
        r = group_get(a->n, route, labels, n_labels, firing, &g);
    if (r < 0 || g == NULL)
        return r;
    usec_t detected_us = a->t->known_us;
    if (!firing) { /* the end of one that nobody was to be told of is none */
        const struct member *m = group_find_member(g, a->id);
        if (m == NULL)
            return 0;
        detected_us = m->alert->detected_us;
    }
    r = arrival_alert(a, detected_us);
    return r < 0 ? r : group_put(a->n, g, a->alert);
}

static int
feed_alert(struct notifier *n, const struct frame *f)
{
    struct transition t;
    arena_reset(&n->scratch);
    int r = transition_decode(f->payload, &n->scratch, &t);
    if (r < 0 || (t.state != ALERT_FIRING && t.state != ALERT_RESOLVED))
        return r;
    struct arrival a = {
        .n = n, .t = &t, .payload = f->payload, .id = alert_id(&t)};
    r = external_labels_add(n, &t, &n->scratch, &a.labels, &a.n_labels);
    if (r == 0)
        r = routes_match(n->routes, a.labels, a.n_labels, arrival_route, &a);
    alert_unref(a.alert);
    n->changes++;
    return r;
}

int
notifier_route(struct notifier *n, struct alert *alert)
{
    struct transition t;
    arena_reset(&n->scratch);
    int r = transition_decode(alert_payload(alert), &n->scratch, &t);
    if (r < 0)
        return r;
    struct arrival a = {.n = n, .t = &t, .id = alert->id, .alert = alert};
    r = external_labels_add(n, &t, &n->scratch, &a.labels, &a.n_labels);
    return r < 0 ? r
                 : routes_match(n->routes, a.labels, a.n_labels, arrival_route,
                                &a);
}

static int
feed_delivery(struct notifier *n, const struct frame *f)
{
    struct delivery d;
    int r = delivery_decode(f->payload, &d);
    if (r < 0)
        return r;
    uint32_t slot;
    struct group *g = group_find(n, d.group_key, d.target, d.key, &slot);
    n->changes++;
    if (g != NULL && d.step == DELIVERY_DONE)
        return slot_done(n, g, slot, d.outcome == DELIVERY_TAKEN);
    if (g != NULL) {
        g->slots[slot].pending->attempted = true;
        return 0;
    }
    /* It was replaced when its attempt was on the way to the journal: the
     * receiver may know of what it told. */
    g = group_find(n, d.group_key, d.target, SLICE(""), &slot);
    if (g != NULL && g->slots[slot].pending != NULL)
        g->slots[slot].pending->heard = true;
    return 0;
}

static int
feed_start(struct notifier *n)
{
    int r = 0;
    for (size_t i = n->n_groups; r == 0 && i > 0; i--)
        r = group_restart(n, n->groups[i - 1]);
    n->changes++;
    return r;
}

static int
flush_due(struct notifier *n)
{
    for (;;) {
        struct heap_node *top = heap_top(&n->timers);
        if (top == NULL || top->at > n->now)
            return 0;
        int r = group_flush(n, container_of(top, struct group, due));
        if (r < 0)
            return r;
    }
}

/* The wall clock stepped back: what was n µs away still is. */
static void
rebase(struct notifier *n, usec_t delta)
{
    n->now -= delta;
    n->changes++;
    for (size_t i = 0; i < n->n_groups; i++) {
        struct group *g = n->groups[i];
        g->due.at -= delta; /* all of them: their order stays */
        for (size_t k = 0; k < g->n_slots; k++) {
            if (g->slots[k].told.time != USEC_NONE)
                g->slots[k].told.time -= delta;
            if (g->slots[k].pending != NULL)
                g->slots[k].pending->time -= delta;
        }
    }
}

static int
feed_payload(struct notifier *n, const struct frame *f)
{
    switch (f->type) {
    case FRAME_ALERT:
        return feed_alert(n, f);
    case FRAME_DELIVERY:
        return feed_delivery(n, f);
    case FRAME_MARK:
        return slice_starts_with(f->payload, SLICE("start")) ? feed_start(n)
                                                             : 0;
    default:
        return 0;
    }
}

int
notifier_feed(struct notifier *n, const struct frame *f)
{
    if (f->repeated || f->pos < n->position)
        return 0;
    n->pos = f->pos;
    if (f->time > n->now)
        n->now = f->time;
    else if (f->type == FRAME_TICK && (f->flags & TICK_REBASE) != 0)
        rebase(n, n->now - f->time);
    int r = flush_due(n);
    int unreadable = 0;
    if (r == 0) {
        r = feed_payload(n, f);
        unreadable = r == -EBADMSG ? r : 0;
    }
    if (r == 0)
        r = flush_due(n); /* what waits for nothing */
    if (r < 0 && unreadable == 0)
        return r;
    n->position = f->next;
    return unreadable;
}

/* ---- looking inside */

uint64_t
notifier_position(const struct notifier *n)
{
    return n->position;
}

uint64_t
notifier_changes(const struct notifier *n)
{
    return n->changes;
}

uint64_t
notifier_shed(const struct notifier *n)
{
    return n->shed;
}

size_t
notifier_n_groups(const struct notifier *n)
{
    return n->n_groups;
}

size_t
notifier_n_pending(const struct notifier *n)
{
    return n->n_pending;
}

int
notifier_each_pending(struct notifier *n,
                      int (*fn)(void *arg, struct pending *p, size_t target),
                      void *arg)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < n->n_groups; i++) {
        struct group *g = n->groups[i];
        for (size_t k = 0; r == 0 && k < g->n_slots; k++)
            if (g->slots[k].pending != NULL)
                r = fn(arg, g->slots[k].pending, g->slots[k].target);
    }
    return r;
}

struct slice
pending_key(const struct pending *p)
{
    return slice_new(p->key, PENDING_KEY_SIZE);
}

struct slice
pending_group_key(const struct pending *p)
{
    return p->group->key;
}

usec_t
pending_since(const struct pending *p)
{
    return p->time;
}

void *
pending_cookie(const struct pending *p)
{
    return p->cookie;
}

void
pending_set_cookie(struct pending *p, void *cookie)
{
    p->cookie = cookie;
}
