/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/run/pages.h"

#include <errno.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/config/configuration.h"
#include "core/notify/notifier.h"
#include "core/record/delivery.h"
#include "core/record/transition.h"

#define PAYLOAD_MAX ((size_t)16 * 1024 * 1024)
#define ALERTS_MAX 10        /* that are made for looking at a notification */
#define STEP_US USEC_PER_SEC /* as ticks come */

/* A notification that became due while a frame was fed. */
struct due {
    struct due *next;
    struct slice key, target, group_key;
};

struct pages {
    const struct config *config;
    struct arena arena; /* targets */
    struct arena later; /* what is due */
    struct notifier *notifier;
    struct due *due;
    struct buf buf;
    uint64_t pos, count;
    usec_t now; /* USEC_NONE: not yet */
    bool failed;
};

static bool
something_fires(struct pages *p, const struct pending *n)
{
    AUTO_FINI(arena) a;
    struct tocsin_notification note;
    arena_init(&a, 16 * 1024, PAYLOAD_MAX);
    if (pending_build(p->notifier, n, ALERTS_MAX, &a, &note) < 0) {
        p->failed = true;
        return false;
    }
    return note.firing != 0;
}

static void *
on_due(void *arg, struct pending *n, size_t target)
{
    struct pages *p = arg;
    struct due *d = arena_new(&p->later, struct due);
    (void)target;
    if (d == NULL || arena_slice_dup(&p->later, pending_key(n), &d->key) < 0 ||
        arena_slice_dup(&p->later, pending_target(n, p->notifier), &d->target) <
            0 ||
        arena_slice_dup(&p->later, pending_group_key(n), &d->group_key) < 0) {
        p->failed = true;
        return NULL;
    }
    p->count += something_fires(p, n);
    d->next = p->due;
    p->due = d;
    return NULL;
}

static int
feed(struct pages *p, unsigned type, struct slice payload)
{
    struct frame f = {.pos = p->pos,
                      .next = p->pos + 8 + ((payload.n + 7) & ~(size_t)7),
                      .time = p->now,
                      .type = (uint16_t)type,
                      .payload = payload};
    p->pos = f.next;
    int r = notifier_feed(p->notifier, &f);
    return r == -EBADMSG ? -EINVAL : p->failed ? -ENOMEM : r;
}

/* Both what a receiver's attempt and its answer would have journalled. */
static int
deliver(struct pages *p, const struct due *due)
{
    struct delivery d = {.step = DELIVERY_ATTEMPT,
                         .attempts = 1,
                         .key = due->key,
                         .target = due->target,
                         .group_key = due->group_key};
    for (int i = 0; i < 2; i++) {
        buf_reset(&p->buf);
        int r = delivery_encode(&d, &p->buf);
        if (r == 0)
            r = feed(p, FRAME_DELIVERY, buf_slice(&p->buf));
        if (r < 0)
            return r;
        d.step = DELIVERY_DONE;
        d.outcome = DELIVERY_TAKEN;
    }
    return 0;
}

static int
feed_and_deliver(struct pages *p, unsigned type, struct slice payload)
{
    int r = feed(p, type, payload);
    while (r == 0 && p->due != NULL) {
        struct due *d = p->due;
        p->due = d->next;
        r = deliver(p, d);
    }
    arena_reset(&p->later);
    return r;
}

int
pages_at(struct pages *p, usec_t time)
{
    if (p->now == USEC_NONE)
        p->now = time;
    while (time - p->now >= STEP_US) {
        p->now += STEP_US;
        int r = feed_and_deliver(p, FRAME_TICK, SLICE(""));
        if (r < 0)
            return r;
    }
    return 0;
}

int
pages_alert(struct pages *p, const struct transition *t)
{
    int r = pages_at(p, t->known_us);
    if (r < 0)
        return r;
    AUTO_FINI(buf) b = BUF_INIT(PAYLOAD_MAX);
    r = transition_encode(t, &b);
    return r < 0 ? r : feed_and_deliver(p, FRAME_ALERT, buf_slice(&b));
}

static usec_t
longest_wait(const struct config_route *r)
{
    usec_t wait = r->group_wait_us;
    for (size_t i = 0; i < r->n_routes; i++)
        wait = MAX(wait, longest_wait(&r->routes[i]));
    return wait;
}

int
pages_end(struct pages *p)
{
    const struct config_route *root = p->config->route;
    return p->now == USEC_NONE || root == NULL
               ? 0
               : pages_at(p, p->now + longest_wait(root) + STEP_US);
}

uint64_t
pages_count(const struct pages *p)
{
    return p->count;
}

static int
make_notifier(struct pages *p, struct err *err)
{
    const struct config *cfg = p->config;
    size_t n = 0;
    for (size_t i = 0; i < cfg->n_receivers; i++)
        n += cfg->receivers[i].n_integrations;
    struct notifier_target *targets =
        arena_new_array(&p->arena, struct notifier_target, n + 1);
    if (targets == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    n = 0;
    for (size_t i = 0; i < cfg->n_receivers; i++) {
        const struct config_receiver *c = &cfg->receivers[i];
        for (size_t k = 0; k < c->n_integrations; k++)
            targets[n++] = (struct notifier_target){c, &c->integrations[k]};
    }
    struct notifier_options o = {
        .route = cfg->route,
        .targets = targets,
        .n_targets = n,
        .external_labels = cfg->external_labels,
        .n_external_labels = cfg->n_external_labels,
        .due = on_due,
        .arg = p,
    };
    return notifier_new(&o, &p->notifier, err);
}

int
pages_new(const struct config *cfg, struct pages **ret, struct err *err)
{
    struct pages *p = mem_new(struct pages);
    if (p == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    p->config = cfg;
    p->pos = 8;
    p->now = USEC_NONE;
    arena_init(&p->arena, 4096, PAYLOAD_MAX);
    arena_init(&p->later, 16 * 1024, 4 * PAYLOAD_MAX);
    buf_init(&p->buf, PAYLOAD_MAX);
    int r = make_notifier(p, err);
    if (r < 0) {
        pages_free(p);
        return r;
    }
    *ret = p;
    return 0;
}

void
pages_free(struct pages *p)
{
    if (p == NULL)
        return;
    notifier_free(p->notifier);
    buf_fini(&p->buf);
    arena_fini(&p->later);
    arena_fini(&p->arena);
    mem_free(p);
}
