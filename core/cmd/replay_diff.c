/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/cmd/replay_diff.h"

#include <errno.h>
#include <stdlib.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/duration.h"
#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/base/table.h"
#include "core/base/timefmt.h"
#include "core/record/transition.h"

#define EPISODES_MAX 1000000u
#define NAME_MAX_BYTES ((size_t)1024 * 1024)

struct episode {
    struct slice name;   /* {"alertname":"A","hub":"eu"} */
    usec_t fired, ended; /* USEC_MAX: it never did */
};

struct episodes {
    struct arena arena;
    struct episode *v;
    uint32_t n, cap;
    struct table open; /* by name: those that have not ended */
    struct buf name;
};

struct episodes *
episodes_new(void)
{
    struct episodes *es = mem_new(struct episodes);
    if (es == NULL)
        return NULL;
    arena_init(&es->arena, 64 * 1024, (size_t)2 << 30);
    table_init(&es->open, EPISODES_MAX);
    buf_init(&es->name, NAME_MAX_BYTES);
    return es;
}

void
episodes_free(struct episodes *es)
{
    if (es == NULL)
        return;
    mem_free(es->v);
    table_fini(&es->open);
    buf_fini(&es->name);
    arena_fini(&es->arena);
    mem_free(es);
}

struct open_ctx {
    const struct episodes *es;
    struct slice name;
};

static bool
open_eq(const void *ctx, uint32_t index)
{
    const struct open_ctx *c = ctx;
    return slice_eq(c->es->v[index].name, c->name);
}

static int
name_make(struct episodes *es, const struct transition *t, struct slice *ret)
{
    buf_reset(&es->name);
    for (uint32_t i = 0; i < t->n_labels; i++) {
        (void)buf_putc(&es->name, i == 0 ? '{' : ',');
        (void)buf_append_json_string(&es->name, t->labels[i].name);
        (void)buf_putc(&es->name, ':');
        (void)buf_append_json_string(&es->name, t->labels[i].value);
    }
    (void)buf_putc(&es->name, '}');
    *ret = buf_slice(&es->name);
    return buf_error(&es->name);
}

static int
episode_begin(struct episodes *es, struct slice name, usec_t fired)
{
    if (es->n == EPISODES_MAX)
        return -E2BIG;
    if (es->n == es->cap) {
        uint32_t cap = es->cap == 0 ? 64 : es->cap * 2;
        struct episode *v = mem_realloc(es->v, cap, sizeof *v);
        if (v == NULL)
            return -ENOMEM;
        es->v = v;
        es->cap = cap;
    }
    struct episode e = {.fired = fired, .ended = USEC_MAX};
    if (arena_slice_dup(&es->arena, name, &e.name) < 0)
        return -ENOMEM;
    es->v[es->n] = e;
    return table_insert(&es->open, hash_slice(name), es->n++);
}

int
episodes_add(struct episodes *es, const struct transition *t)
{
    struct slice name;
    int r = name_make(es, t, &name);
    if (r < 0)
        return r;
    struct open_ctx ctx = {es, name};
    uint64_t hash = hash_slice(name);
    uint32_t i = table_find(&es->open, hash, open_eq, &ctx);
    if (t->state == ALERT_FIRING)
        return i == TABLE_NONE ? episode_begin(es, name, t->time_us) : 0;
    if (i != TABLE_NONE) { /* pending again: a longer 'for' */
        es->v[i].ended = t->time_us;
        (void)table_remove(&es->open, hash, i);
    }
    return 0;
}

uint64_t
episodes_count(const struct episodes *es, usec_t from, usec_t to)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < es->n; i++)
        n += es->v[i].fired >= from && es->v[i].fired < to;
    return n;
}

/* ---- comparing */

static int
episode_cmp(const void *pa, const void *pb)
{
    const struct episode *a = pa, *b = pb;
    int c = slice_cmp(a->name, b->name);
    return c != 0 ? c : (a->fired > b->fired) - (a->fired < b->fired);
}

struct diffing {
    usec_t from, to;
    bool json;
    struct buf *b;
};

static void
put_span_json(struct buf *b, const char *side, const struct episode *e)
{
    char text[TIME_STR_MAX];
    (void)buf_printf(b, ",\"%s\":", side);
    if (e == NULL) {
        (void)buf_append_str(b, "null");
        return;
    }
    (void)time_format_rfc3339(e->fired, TIME_SHORTEST, text);
    (void)buf_printf(b, "{\"fired\":\"%s\",\"resolved\":", text);
    (void)time_format_rfc3339(e->ended == USEC_MAX ? 0 : e->ended,
                              TIME_SHORTEST, text);
    if (e->ended == USEC_MAX)
        (void)buf_append_str(b, "null}");
    else
        (void)buf_printf(b, "\"%s\"}", text);
}

static void
put_span_text(struct buf *b, const char *side, const struct episode *e)
{
    char from[TIME_STR_MAX], to[TIME_STR_MAX] = "the end";
    if (e == NULL)
        return;
    (void)time_format_rfc3339(e->fired, TIME_SHORTEST, from);
    if (e->ended != USEC_MAX)
        (void)time_format_rfc3339(e->ended, TIME_SHORTEST, to);
    (void)buf_printf(b, "; %s %s to %s", side, from, to);
}

static void
put(struct diffing *d, const char *what, usec_t by, const struct episode *old,
    const struct episode *new)
{
    const struct episode *e = old != NULL ? old : new;
    char text[DURATION_STR_MAX] = "";
    if ((old == NULL || old->fired < d->from || old->fired >= d->to) &&
        (new == NULL || new->fired < d->from || new->fired >= d->to))
        return;
    (void)duration_format(by < 0 ? -by : by, text);
    if (d->json) {
        (void)buf_printf(
            d->b, "{\"diff\":\"%s\",\"by_ms\":%lld,\"labels\":%.*s", what,
            (long long)(by / USEC_PER_MSEC), SLICE_FMT(e->name));
        put_span_json(d->b, "old", old);
        put_span_json(d->b, "new", new);
        (void)buf_append_str(d->b, "}\n");
        return;
    }
    (void)buf_printf(d->b, "%-14s %.*s%s%s", what, SLICE_FMT(e->name),
                     by != 0 ? " by " : "", by != 0 ? text : "");
    put_span_text(d->b, "old", old);
    put_span_text(d->b, "new", new);
    (void)buf_putc(d->b, '\n');
}

/* Of episodes that overlap. */
static void
put_pair(struct diffing *d, const struct episode *old,
         const struct episode *new)
{
    if (new->fired != old->fired)
        put(d, new->fired < old->fired ? "fires earlier" : "fires later",
            new->fired - old->fired, old, new);
    else if (new->ended != old->ended)
        put(d, new->ended < old->ended ? "ends earlier" : "ends later",
            new->ended == USEC_MAX || old->ended == USEC_MAX
                ? 0
                : new->ended - old->ended,
            old, new);
}

void
episodes_diff(struct episodes *old, struct episodes *new, usec_t from,
              usec_t to, bool json, struct buf *b)
{
    struct diffing d = {from, to, json, b};
    uint32_t i = 0, k = 0;
    if (old->n > 1)
        qsort(old->v, old->n, sizeof *old->v, episode_cmp);
    if (new->n > 1)
        qsort(new->v, new->n, sizeof *new->v, episode_cmp);
    while (i < old->n || k < new->n) {
        struct episode *o = i < old->n ? &old->v[i] : NULL;
        struct episode *n = k < new->n ? &new->v[k] : NULL;
        int c = o == NULL ? 1 : n == NULL ? -1 : slice_cmp(o->name, n->name);
        if (c == 0 && o->fired < n->ended && n->fired < o->ended) {
            put_pair(&d, o, n);
            i++;
            k++;
        } else if (c < 0 || (c == 0 && o->fired < n->fired)) {
            put(&d, "only old", 0, o, NULL);
            i++;
        } else {
            put(&d, "only new", 0, NULL, n);
            k++;
        }
    }
}
