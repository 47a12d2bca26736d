/* SPDX-License-Identifier: Apache-2.0 */
/* histogram.c - quantiles and fractions of classic histograms: series that
 * count what is at most their label "le" (promql.md 5.3). */
#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/buf.h"
#include "core/base/str.h"
#include "core/base/table.h"
#include "core/engine/call.h"
#include "core/engine/memo.h"
#include "core/engine/notes.h"

#define COUNT_TOLERANCE 1e-12
#define LITTLE 0x1p-1022 /* the smallest normal number */

struct bucket {
    double le, count;
    uint32_t place; /* among all samples: the order of equals */
};

struct histogram {
    struct lset *labels; /* without "le" */
    struct bucket *b;
    uint32_t n, room;
};

struct histograms {
    struct call *c;
    struct histogram *h;
    uint32_t n;
    struct table table;
};

/* --- from samples to histograms ----------------------------------------- */

struct find {
    const struct histograms *hs;
    const struct lset *labels;
};

static bool
histogram_eq(const void *ctx, uint32_t index)
{
    const struct find *f = ctx;
    return f->hs->h[index].labels == f->labels;
}

static int
histogram_find(struct histograms *hs, struct lset *labels, uint32_t *ret)
{
    struct find f = {hs, labels};
    *ret = table_find(&hs->table, labels->hash, histogram_eq, &f);
    if (*ret != TABLE_NONE)
        return 0;
    *ret = hs->n++;
    hs->h[*ret] = (struct histogram){.labels = labels};
    return table_insert(&hs->table, labels->hash, *ret);
}

static void
note_bad_bucket(struct call *c, uint32_t arg, const struct lset *l,
                struct slice le)
{
    struct labels *ls = c->ev->e->labels;
    AUTO_FINI(buf) b = BUF_INIT(4096);
    if (c->ev->notes == NULL)
        return;
    (void)buf_append_json_string(&b, le);
    uint32_t name = lset_value(l, labels_name(ls));
    if (name != 0) {
        (void)buf_append_str(&b, " for metric name ");
        (void)buf_append_json_string(&b, labels_str(ls, name));
    }
    eval_note(c->ev, NOTE_WARNING, call_arg(c, arg),
              "bucket label \"le\" is missing or has a malformed value of %s",
              buf_str(&b));
}

static struct lset *
without_le(struct call *c, struct lset *l, uint32_t le)
{
    struct labels *ls = c->ev->e->labels;
    struct lset *m = memo_get(c->n->memo, l, MEMO_GROUP);
    if (m != NULL)
        return m;
    return memo_put(c->n->memo, ls, l, MEMO_GROUP,
                    lset_drop(ls, l, &le, 1, false));
}

/* Which histogram each sample belongs to, UINT32_MAX: to none. */
static int
assign(struct histograms *hs, uint32_t arg, uint32_t le, uint32_t *of,
       double *bound)
{
    struct call *c = hs->c;
    struct labels *ls = c->ev->e->labels;
    const struct vector *v = &c->args[arg]->vec;
    for (uint32_t i = 0; i < v->n; i++) {
        uint32_t id = lset_value(v->labels[i], le);
        struct slice text = id == 0 ? SLICE("") : labels_str(ls, id);
        of[i] = UINT32_MAX;
        if (str_parse_double(text, STR_INF_NAN, &bound[i]) < 0) {
            note_bad_bucket(c, arg, v->labels[i], text);
            continue;
        }
        struct lset *l = without_le(c, v->labels[i], le);
        if (l == NULL || histogram_find(hs, l, &of[i]) < 0)
            return -ENOMEM;
        hs->h[of[i]].room++;
    }
    return 0;
}

static int
bucket_order(const void *a, const void *b)
{
    const struct bucket *x = a, *y = b;
    if (x->le != y->le)
        return x->le < y->le ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

/* Sorts, and adds up buckets of one bound. */
static void
coalesce(struct histogram *h)
{
    uint32_t n = 0;
    qsort(h->b, h->n, sizeof *h->b, bucket_order);
    for (uint32_t i = 0; i < h->n; i++) {
        if (n > 0 && h->b[n - 1].le == h->b[i].le)
            h->b[n - 1].count += h->b[i].count;
        else
            h->b[n++] = h->b[i];
    }
    h->n = n;
}

static int
collect(struct histograms *hs, uint32_t arg)
{
    struct call *c = hs->c;
    struct arena *a = &c->ev->e->arena;
    struct labels *ls = c->ev->e->labels;
    const struct vector *v = &c->args[arg]->vec;
    uint32_t *of = arena_alloc(a, (v->n + 1) * sizeof *of);
    double *bound = arena_alloc(a, (v->n + 1) * sizeof *bound);
    hs->h = arena_alloc(a, (v->n + 1) * sizeof *hs->h);
    uint32_t le = labels_intern(ls, SLICE("le"));
    if (of == NULL || bound == NULL || hs->h == NULL || le == 0)
        return -ENOMEM;
    int e = memo_ready(&c->n->memo, ls, v->n);
    if (e == 0)
        e = assign(hs, arg, le, of, bound);
    labels_release(ls, le);
    for (uint32_t i = 0; e == 0 && i < hs->n; i++) {
        hs->h[i].b = arena_alloc(a, hs->h[i].room * sizeof *hs->h[i].b);
        e = hs->h[i].b == NULL ? -ENOMEM : 0;
    }
    for (uint32_t i = 0; e == 0 && i < v->n; i++) {
        if (of[i] == UINT32_MAX)
            continue;
        struct histogram *h = &hs->h[of[i]];
        h->b[h->n++] = (struct bucket){bound[i], v->values[i], i};
    }
    for (uint32_t i = 0; e == 0 && i < hs->n; i++)
        coalesce(&hs->h[i]);
    return e;
}

/* --- quantiles ---------------------------------------------------------- */

static bool
nearly_equal(double a, double b)
{
    double sum = fabs(a) + fabs(b), difference = fabs(a - b);
    if (a == b)
        return true;
    if (a == 0 || b == 0 || sum < LITTLE)
        return difference < COUNT_TOLERANCE * LITTLE;
    return difference / fmin(sum, 0x1.fffffffffffffp+1023) < COUNT_TOLERANCE;
}

/* Makes the counts rise, and tells what was more than rounding. */
static void
make_monotonic(struct histogram *h, struct note_buckets *fixed)
{
    double before = h->b[0].count;
    *fixed = (struct note_buckets){.lowest = INFINITY, .highest = -INFINITY};
    for (uint32_t i = 1; i < h->n; i++) {
        struct bucket *b = &h->b[i];
        if (b->count == before)
            continue;
        if (nearly_equal(before, b->count)) {
            b->count = before;
        } else if (b->count < before) {
            fixed->samples = 1;
            fixed->lowest = fmin(fixed->lowest, b->le);
            fixed->highest = fmax(fixed->highest, b->le);
            fixed->difference = fmax(fixed->difference, before - b->count);
            b->count = before;
        } else {
            before = b->count;
        }
    }
}

/* The first bucket but the last that counts at least 'rank'. */
static uint32_t
bucket_of(const struct histogram *h, double rank)
{
    uint32_t lo = 0, hi = h->n - 1;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (h->b[mid].count >= rank)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

static double
quantile(struct histogram *h, double q, struct note_buckets *fixed)
{
    *fixed = (struct note_buckets){0};
    if (isnan(q))
        return NAN;
    if (q < 0 || q > 1)
        return q < 0 ? -INFINITY : INFINITY;
    if (h->b[h->n - 1].le != INFINITY)
        return NAN;
    struct note_buckets f;
    make_monotonic(h, &f);
    double total = h->b[h->n - 1].count;
    if (h->n < 2 || total == 0)
        return NAN;
    *fixed = f;
    double rank = q * total;
    uint32_t b = bucket_of(h, rank);
    if (b == h->n - 1)
        return h->b[h->n - 2].le;
    if (b == 0 && h->b[0].le <= 0)
        return h->b[0].le;
    double start = 0, end = h->b[b].le, count = h->b[b].count;
    if (b > 0) {
        start = h->b[b - 1].le;
        count -= h->b[b - 1].count;
        rank -= h->b[b - 1].count;
    }
    return start + (end - start) * (rank / count);
}

static void
note_fixed(struct call *c, uint32_t arg, const struct histogram *h,
           struct note_buckets *fixed)
{
    struct labels *ls = c->ev->e->labels;
    if (fixed->samples == 0 || c->ev->notes == NULL)
        return;
    uint32_t name = lset_value(h->labels, labels_name(ls));
    fixed->from_ms = fixed->to_ms = c->ev->t / 1000;
    eval_note_buckets(c->ev, call_arg(c, arg),
                      name == 0 ? SLICE("") : labels_str(ls, name), fixed);
}

static int
histograms_each(struct call *c, uint32_t arg,
                int (*fn)(struct histograms *hs, struct value *ret),
                struct value *ret)
{
    struct histograms hs = {.c = c};
    table_init(&hs.table, UINT32_MAX / 2);
    int e = collect(&hs, arg);
    if (e == 0)
        e = fn(&hs, ret);
    table_fini(&hs.table);
    return e;
}

static int
give_quantile(struct histograms *hs, struct value *ret)
{
    if (vector_make(hs->c->ev, hs->n, &ret->vec) < 0)
        return -ENOMEM;
    for (uint32_t i = 0; i < hs->n; i++) {
        struct note_buckets fixed;
        double x = quantile(&hs->h[i], hs->c->args[0]->scalar, &fixed);
        note_fixed(hs->c, 1, &hs->h[i], &fixed);
        vector_push(&ret->vec, hs->h[i].labels, x, true);
    }
    return 0;
}

int
call_histogram_quantile(struct call *c, struct value *ret)
{
    eval_note_quantile(c->ev, call_arg(c, 0), c->args[0]->scalar);
    return histograms_each(c, 1, give_quantile, ret);
}

/* As OpenMetrics writes numbers: "1.0", "0.5", "1e+06". */
static struct slice
open_metrics(double x, char text[static STR_DOUBLE_MAX + 2])
{
    size_t n = str_format_double(x, STR_DOUBLE_GO_G, text);
    if (!isnan(x) && !isinf(x) && strpbrk(text, ".e") == NULL) {
        text[n++] = '.';
        text[n++] = '0';
    }
    return slice_new(text, n);
}

static int
give_quantiles(struct histograms *hs, struct value *ret)
{
    struct call *c = hs->c;
    struct labels *ls = c->ev->e->labels;
    uint32_t n_q = c->n_args - 2;
    uint32_t id = labels_intern(ls, c->args[1]->string);
    int e = id == 0 ? -ENOMEM : vector_make(c->ev, hs->n * n_q, &ret->vec);
    for (uint32_t i = 0; e == 0 && i < hs->n * n_q; i++) {
        struct histogram *h = &hs->h[i % hs->n];
        double q = c->args[2 + i / hs->n]->scalar;
        char text[STR_DOUBLE_MAX + 2];
        struct note_buckets fixed;
        double x = quantile(h, q, &fixed);
        note_fixed(c, 0, h, &fixed);
        struct lset *l =
            lset_pool(ls, lset_set(ls, h->labels, id, open_metrics(q, text)));
        vector_push(&ret->vec, l, x, true);
        e = l == NULL ? -ENOMEM : 0;
    }
    labels_release(ls, id);
    return e;
}

int
call_histogram_quantiles(struct call *c, struct value *ret)
{
    for (uint32_t i = 2; i < c->n_args; i++)
        eval_note_quantile(c->ev, call_arg(c, i), c->args[i]->scalar);
    return histograms_each(c, 0, give_quantiles, ret);
}

/* --- fractions ---------------------------------------------------------- */

/* How many are at most 'x', where 'x' lies in bucket 'i' or before it. */
static bool
rank_in(const struct histogram *h, uint32_t i, double x, double *ret)
{
    const struct bucket *b = &h->b[i];
    double below = i > 0 ? h->b[i - 1].count : 0;
    double lower = i > 0 ? h->b[i - 1].le : b->le <= 0 ? -INFINITY : 0;
    if (lower < x && b->le <= x)
        return false;
    if (lower >= x)
        *ret = below;
    else if (lower == -INFINITY)
        *ret = b->count;
    else
        *ret = below + (b->count - below) * (x - lower) / (b->le - lower);
    return true;
}

static double
rank_of(const struct histogram *h, double x)
{
    double total = h->b[h->n - 1].count, rank = total;
    for (uint32_t i = 0; i < h->n; i++) {
        if (rank_in(h, i, x, &rank))
            break;
    }
    return fmin(rank, total);
}

static double
fraction(const struct histogram *h, double lower, double upper)
{
    double total = h->b[h->n - 1].count;
    if (h->b[h->n - 1].le != INFINITY || total == 0 || isnan(lower) ||
        isnan(upper))
        return NAN;
    if (lower >= upper)
        return 0;
    return (rank_of(h, upper) - rank_of(h, lower)) / total;
}

static int
give_fraction(struct histograms *hs, struct value *ret)
{
    struct call *c = hs->c;
    if (vector_make(c->ev, hs->n, &ret->vec) < 0)
        return -ENOMEM;
    for (uint32_t i = 0; i < hs->n; i++)
        vector_push(&ret->vec, hs->h[i].labels,
                    fraction(&hs->h[i], c->args[0]->scalar, c->args[1]->scalar),
                    true);
    return 0;
}

int
call_histogram_fraction(struct call *c, struct value *ret)
{
    return histograms_each(c, 2, give_fraction, ret);
}
