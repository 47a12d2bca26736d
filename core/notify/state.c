/* SPDX-License-Identifier: Apache-2.0 */
/* state.c - the notifier as bytes.
 *
 *   head    version, hash of the configuration, position, clock, counter
 *   alerts  each once: id, firing, detected, its transition
 *   groups  route, labels, when due, members and what is on its way (by their
 *           number among the alerts), what each integration was told
 */
#include "config.h"

#include <errno.h>

#include "core/base/buf.h"
#include "core/base/codec.h"
#include "core/base/mem.h"
#include "core/notify/notifier_priv.h"

#define STATE_VERSION 1u
#define STATE_ARENA_MAX ((size_t)1024 * 1024 * 1024)

/* ---- encoding */

/* Calls 'fn' for each reference to an alert. */
static void
each_alert(const struct notifier *n, void (*fn)(void *arg, struct alert *a),
           void *arg)
{
    for (size_t i = 0; i < n->n_groups; i++) {
        const struct group *g = n->groups[i];
        for (size_t k = 0; k < g->n_members; k++)
            fn(arg, g->members[k].alert);
        for (size_t k = 0; k < g->n_slots; k++) {
            const struct pending *p = g->slots[k].pending;
            for (size_t j = 0; p != NULL && j < p->n; j++)
                fn(arg, p->alerts[j]);
        }
    }
}

static void
unmark(void *arg, struct alert *a)
{
    (void)arg;
    a->mark = 0;
}

static void
mark(void *arg, struct alert *a)
{
    uint32_t *count = arg;
    if (a->mark == 0)
        a->mark = ++*count;
}

struct put {
    struct buf *out;
    uint32_t n;
};

static void
put_alert(void *arg, struct alert *a)
{
    struct put *put = arg;
    if (a->mark != put->n + 1)
        return; /* it was put */
    put->n++;
    (void)buf_put_u64(put->out, a->id);
    (void)buf_put_u8(put->out, a->firing);
    (void)buf_put_zigzag(put->out, a->detected_us);
    (void)buf_put_slice(put->out, alert_payload(a));
}

static void
put_ids(struct buf *out, const uint64_t *ids, size_t n)
{
    (void)buf_put_varint(out, n);
    for (size_t i = 0; i < n; i++)
        (void)buf_put_u64(out, ids[i]);
}

static void
put_slot(const struct notifier *n, const struct slot *s, struct buf *out)
{
    const struct pending *p = s->pending;
    (void)buf_put_slice(out, n->targets[s->target].name);
    (void)buf_put_zigzag(out, s->told.time);
    put_ids(out, s->told.firing, s->told.n_firing);
    put_ids(out, s->told.resolved, s->told.n_resolved);
    (void)buf_put_u8(out, s->stale);
    (void)buf_put_u8(out, p != NULL);
    if (p == NULL)
        return;
    (void)buf_put_u64(out, p->pos);
    (void)buf_put_zigzag(out, p->time);
    (void)buf_put_slice(out, pending_key(p));
    (void)buf_put_u8(out, p->attempted);
    (void)buf_put_u8(out, p->heard);
    (void)buf_put_varint(out, p->n);
    for (size_t i = 0; i < p->n; i++)
        (void)buf_put_varint(out, p->alerts[i]->mark);
}

static void
put_group(const struct notifier *n, const struct group *g, struct buf *out)
{
    const struct config_receiver *rc = g->route->config->receiver;
    (void)buf_put_varint(out, g->route->index);
    (void)buf_put_slice(out, g->route->key);
    (void)buf_put_slice(out, slice_from_str(rc == NULL ? NULL : rc->name));
    (void)buf_put_zigzag(out, g->due.at);
    (void)buf_put_varint(out, g->due.order);
    (void)buf_put_varint(out, g->n_labels);
    for (size_t i = 0; i < g->n_labels; i++) {
        (void)buf_put_slice(out, g->labels[i].name);
        (void)buf_put_slice(out, g->labels[i].value);
    }
    (void)buf_put_varint(out, g->n_members);
    for (size_t i = 0; i < g->n_members; i++) {
        (void)buf_put_varint(out, g->members[i].alert->mark);
        (void)buf_put_u8(out, g->members[i].flushed);
    }
    (void)buf_put_varint(out, g->n_slots);
    for (size_t i = 0; i < g->n_slots; i++)
        put_slot(n, &g->slots[i], out);
}

int
notifier_encode(const struct notifier *n, struct buf *out)
{
    uint32_t count = 0;
    (void)buf_put_u8(out, STATE_VERSION);
    (void)buf_put_u64(out, n->config_hash);
    (void)buf_put_u64(out, n->position);
    (void)buf_put_zigzag(out, n->now);
    (void)buf_put_varint(out, n->order);
    each_alert(n, unmark, NULL);
    each_alert(n, mark, &count);
    (void)buf_put_varint(out, count);
    struct put put = {out, 0};
    each_alert(n, put_alert, &put);
    (void)buf_put_varint(out, n->n_groups);
    for (size_t i = 0; i < n->n_groups; i++)
        put_group(n, n->groups[i], out);
    return buf_error(out);
}

/* ---- decoding */

struct decoder {
    struct notifier *n;
    struct reader r;
    struct arena arena;
    struct alert **alerts; /* by number − 1 */
    uint32_t n_alerts;
    bool same; /* the configuration is what it was */
};

/* A count of things of at least 'least' bytes each. */
static size_t
get_count(struct decoder *d, size_t least)
{
    uint64_t n = reader_varint(&d->r);
    if (n > reader_left(&d->r) / least)
        d->r.bad = true;
    return d->r.bad ? 0 : (size_t)n;
}

static struct alert *
get_ref(struct decoder *d)
{
    uint32_t number = reader_varint32(&d->r);
    if (number == 0 || number > d->n_alerts)
        d->r.bad = true;
    return d->r.bad ? NULL : d->alerts[number - 1];
}

static int
get_alerts(struct decoder *d)
{
    size_t n = get_count(d, 11);
    d->alerts = mem_new_array(struct alert *, n);
    if (d->alerts == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        uint64_t id = reader_u64(&d->r);
        bool firing = reader_u8(&d->r) != 0;
        usec_t detected_us = reader_zigzag(&d->r);
        struct slice payload = reader_slice(&d->r);
        struct transition t;
        arena_reset(&d->arena);
        int r = d->r.bad ? -EBADMSG : transition_decode(payload, &d->arena, &t);
        if (r < 0)
            return r;
        struct alert *a = d->alerts[i] = alert_new(payload, id, firing);
        if (a == NULL)
            return -ENOMEM;
        a->detected_us = detected_us;
        d->n_alerts++;
    }
    return 0;
}

/* The route that a group lay on, or NULL. */
static const struct route *
find_route(const struct decoder *d, size_t index, struct slice key,
           struct slice receiver)
{
    const struct routes *rs = d->n->routes;
    if (d->same)
        return index < routes_count(rs) ? routes_get(rs, index) : NULL;
    for (size_t i = 0; i < routes_count(rs); i++) {
        const struct route *r = routes_get(rs, i);
        const struct config_receiver *rc = r->config->receiver;
        if (slice_eq(r->key, key) &&
            slice_eq(receiver, slice_from_str(rc == NULL ? NULL : rc->name)))
            return r;
    }
    return NULL;
}

static int
get_labels(struct decoder *d, struct label **ret, size_t *ret_n)
{
    size_t n = get_count(d, 2);
    struct label *l = arena_new_array(&d->arena, struct label, n + 1);
    if (l == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        l[i].name = reader_slice(&d->r);
        l[i].value = reader_slice(&d->r);
    }
    *ret = l;
    *ret_n = n;
    return 0;
}

/* Where routes have changed, what still fires is routed anew. */
static int
get_members(struct decoder *d, struct group *g)
{
    size_t n = get_count(d, 2);
    for (size_t i = 0; i < n; i++) {
        struct alert *a = get_ref(d);
        bool flushed = reader_u8(&d->r) != 0;
        if (a == NULL)
            return -EBADMSG;
        a->mark = 1; /* it stands: this is its newest transition */
        if (g == NULL || (!d->same && a->firing))
            continue;
        int r = group_put(d->n, g, a);
        if (r < 0)
            return r;
        struct member *m = group_find_member(g, a->id);
        if (m != NULL)
            m->flushed = flushed;
    }
    return 0;
}

static int
get_ids(struct decoder *d, uint64_t **ret, size_t *ret_n)
{
    size_t n = get_count(d, 8);
    uint64_t *ids = mem_new_array(uint64_t, n);
    if (ids == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        ids[i] = reader_u64(&d->r);
    *ret = ids;
    *ret_n = n;
    return 0;
}

static int
get_pending(struct decoder *d, struct group *g, uint32_t slot)
{
    struct notifier *n = d->n;
    n->pos = reader_u64(&d->r);
    usec_t time = reader_zigzag(&d->r);
    struct slice key = reader_slice(&d->r);
    bool attempted = reader_u8(&d->r) != 0, heard = reader_u8(&d->r) != 0;
    size_t n_alerts = get_count(d, 1);
    auto_free struct alert **alerts = mem_new_array(struct alert *, n_alerts);
    if (alerts == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n_alerts; i++)
        alerts[i] = get_ref(d);
    if (d->r.bad || key.n != PENDING_KEY_SIZE)
        return -EBADMSG;
    if (g == NULL)
        return 0;
    struct pending *p;
    int r = pending_new(n, g, slot, alerts, n_alerts, &p);
    if (r < 0)
        return r;
    memcpy(p->key, key.p, key.n);
    p->time = time;
    p->attempted = attempted;
    p->heard = heard;
    g->slots[slot].pending = p;
    return 0;
}

static int
get_slot(struct decoder *d, struct group *g)
{
    struct slice name = reader_slice(&d->r);
    uint32_t i = 0;
    while (g != NULL && i < g->n_slots &&
           !slice_eq(d->n->targets[g->slots[i].target].name, name))
        i++;
    if (g != NULL && (i == g->n_slots || g->slots[i].pending != NULL))
        g = NULL; /* the integration is no more */
    struct told told = {.time = reader_zigzag(&d->r)};
    int r = get_ids(d, &told.firing, &told.n_firing);
    if (r == 0)
        r = get_ids(d, &told.resolved, &told.n_resolved);
    bool stale = reader_u8(&d->r) != 0;
    if (r < 0 || g == NULL) {
        told_fini(&told);
    } else {
        told_fini(&g->slots[i].told);
        g->slots[i].told = told;
        g->slots[i].stale = stale;
    }
    if (r == 0 && reader_u8(&d->r) != 0)
        r = get_pending(d, g, i);
    return r;
}

static int
get_group(struct decoder *d)
{
    struct notifier *n = d->n;
    struct group *g = NULL;
    struct label *labels;
    size_t n_labels;
    arena_reset(&d->arena);
    uint64_t index = reader_varint(&d->r);
    struct slice key = reader_slice(&d->r), receiver = reader_slice(&d->r);
    usec_t due = reader_zigzag(&d->r);
    uint64_t order = reader_varint(&d->r);
    int r = get_labels(d, &labels, &n_labels);
    if (r < 0 || d->r.bad)
        return r < 0 ? r : -EBADMSG;
    const struct route *route = find_route(d, index, key, receiver);
    if (route == NULL && d->same)
        return -EBADMSG;
    if (route != NULL)
        r = group_get(n, route, labels, n_labels, true, &g);
    if (r < 0)
        return r;
    if (g != NULL) {
        g->due.at = due;
        g->due.order = order;
        heap_move(&n->timers, &g->due);
    }
    r = get_members(d, g);
    size_t n_slots = r < 0 ? 0 : get_count(d, 5);
    for (size_t i = 0; r == 0 && i < n_slots; i++)
        r = get_slot(d, g);
    return r == 0 && d->r.bad ? -EBADMSG : r;
}

/* Alerts that still fire go where the new routes lead; groups in which nothing
 * is left are forgotten. */
static int
route_anew(struct decoder *d)
{
    struct notifier *n = d->n;
    for (uint32_t i = 0; i < d->n_alerts; i++) {
        struct alert *a = d->alerts[i];
        if (a->mark == 0 || !a->firing)
            continue;
        int r = notifier_route(n, a);
        if (r < 0)
            return r;
    }
    for (size_t i = n->n_groups; i > 0; i--)
        if (n->groups[i - 1]->n_members == 0)
            group_settle(n, n->groups[i - 1]);
    return 0;
}

static int
get_all(struct decoder *d)
{
    struct notifier *n = d->n;
    if (reader_u8(&d->r) != STATE_VERSION)
        return -EBADMSG;
    d->same = reader_u64(&d->r) == n->config_hash;
    uint64_t position = reader_u64(&d->r);
    n->now = reader_zigzag(&d->r);
    uint64_t order = reader_varint(&d->r);
    int r = get_alerts(d);
    size_t n_groups = r < 0 ? 0 : get_count(d, 9);
    for (size_t i = 0; r == 0 && i < n_groups; i++)
        r = get_group(d);
    if (r == 0 && !reader_done(&d->r))
        r = -EBADMSG;
    n->order = MAX(order, n->order);
    if (r == 0 && !d->same)
        r = route_anew(d);
    n->position = position;
    return r;
}

int
notifier_decode(struct notifier *n, struct slice state)
{
    struct decoder d = {.n = n, .r = reader_new(state)};
    arena_init(&d.arena, 16 * 1024, STATE_ARENA_MAX);
    int r = get_all(&d);
    for (uint32_t i = 0; i < d.n_alerts; i++)
        alert_unref(d.alerts[i]);
    mem_free(d.alerts);
    arena_fini(&d.arena);
    return r;
}
