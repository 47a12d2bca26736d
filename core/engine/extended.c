/* SPDX-License-Identifier: Apache-2.0 */
/* extended.c - "anchored" and "smoothed": a range with values at its edges.
 * Anchored takes the newest sample before an edge, smoothed interpolates
 * between those around it.
 *
 * Source: https://prometheus.io/docs/prometheus/latest/feature_flags/
 * #extended-range-selectors; the cases of tests/promqltest */
#include "config.h"

#include "core/engine/engine_priv.h"
#include "core/engine/stretch.h"

/* A counter that was reset in between rises from 0. */
static double
between(struct sample a, struct sample b, int64_t ms, bool counter)
{
    double from = counter && b.v < a.v ? 0 : a.v;
    return from + (b.v - from) * (double)(ms - a.ms) / (double)(b.ms - a.ms);
}

bool
smoothed_at(const struct sample *s, uint32_t n, int64_t ms, double *ret)
{
    uint32_t i = 0;
    while (i < n && s[i].ms < ms)
        i++;
    if (i < n && s[i].ms == ms)
        *ret = s[i].v;
    else if (i > 0)
        *ret = i < n ? between(s[i - 1], s[i], ms, false) : s[i - 1].v;
    return (i < n && s[i].ms == ms) || i > 0;
}

/* Values at the edges, and which samples lie between them. */
struct edges {
    double left, right;
    uint32_t first, end;
};

static bool
edges_find(const struct stretch *sp, bool smoothed, bool counter,
           struct edges *ret)
{
    const struct sample *s = sp->s;
    uint32_t first = 0, last = sp->n - 1;
    if (sp->n == 0)
        return false;
    while (first < last && s[first].ms <= sp->start_ms)
        first++;
    first = first > 0 ? first - 1 : 0;
    for (uint32_t i = 0; smoothed && i < last; i++) {
        if (s[i].ms >= sp->end_ms)
            last = i;
    }
    if (s[last].ms <= sp->start_ms)
        return false;
    ret->left = smoothed && s[first].ms < sp->start_ms
                    ? between(s[first], s[first + 1], sp->start_ms, counter)
                    : s[first].v;
    ret->right = smoothed && last > 0 && s[last].ms > sp->end_ms
                     ? between(s[last - 1], s[last], sp->end_ms, counter)
                     : s[last].v;
    ret->first = s[first].ms <= sp->start_ms ? first + 1 : first;
    ret->end = s[last].ms >= sp->end_ms ? last : last + 1;
    return true;
}

/* What a counter lost by its resets. */
static double
lost(const struct stretch *sp, const struct edges *g)
{
    double sum = 0, before = g->left;
    for (uint32_t i = g->first; i < g->end; i++) {
        if (sp->s[i].v < before)
            sum += before;
        before = sp->s[i].v;
    }
    return g->right < before ? sum + before : sum;
}

bool
extended_takes(enum func_id f, enum extend how)
{
    bool rate = f == FUNC_RATE || f == FUNC_INCREASE || f == FUNC_DELTA;
    return rate ||
           (how == EXTEND_ANCHORED && (f == FUNC_CHANGES || f == FUNC_RESETS));
}

static bool
extended_rate(enum func_id f, enum extend how, const struct stretch *sp,
              double *ret)
{
    struct edges g;
    bool counter = f != FUNC_DELTA;
    if (!edges_find(sp, how == EXTEND_SMOOTHED, counter, &g))
        return false;
    *ret = g.right - g.left + (counter ? lost(sp, &g) : 0);
    if (f == FUNC_RATE)
        *ret /= sp->range_s;
    return true;
}

int
extended_cut(enum extend how, struct stretch *sp)
{
    struct edges g;
    if (how == EXTEND_NONE)
        return 0;
    if (!edges_find(sp, how == EXTEND_SMOOTHED, false, &g)) {
        sp->n = 0;
        return 0;
    }
    struct sample *s =
        arena_alloc(sp->arena, ((size_t)(g.end - g.first) + 2) * sizeof *s);
    if (s == NULL)
        return -ENOMEM;
    uint32_t n = 0;
    s[n++] = (struct sample){sp->start_ms, g.left};
    for (uint32_t i = g.first; i < g.end; i++)
        s[n++] = sp->s[i];
    s[n++] = (struct sample){sp->end_ms, g.right};
    sp->s = s;
    sp->n = n;
    return 0;
}

int
extended_range(enum func_id f, enum extend how, range_fn fn,
               const struct stretch *sp, double *ret)
{
    if (f != FUNC_CHANGES && f != FUNC_RESETS)
        return extended_rate(f, how, sp, ret);
    struct stretch cut = *sp;
    int e = extended_cut(how, &cut);
    return e < 0 ? e : fn(&cut, ret);
}
