/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <math.h>

#include "core/engine/keys.h"
#include "core/engine/labels.h"
#include "core/engine/values.h"
#include "tests/lib/engine_random.h"
#include "tests/lib/unit.h"

#define S USEC_PER_SEC
#define KEYS 3u
#define ADDED_MAX 4000u

/* Everything that was added, and what a window is asked about it. */
struct added {
    unsigned key;
    usec_t t;
    double v;
};

struct bench {
    struct labels *ls;
    struct keysets all;
    struct rows rows;
    struct keyset *ks;
    uint32_t keys[KEYS];
};

static void
bench_init(struct bench *b)
{
    static const struct slice name = SLICE_INIT("k");
    static const char *const bytes[KEYS] = {"\1a", "\1b", "\1c"};
    b->ls = labels_new();
    ck_assert_ptr_nonnull(b->ls);
    keysets_init(&b->all, b->ls);
    rows_init(&b->rows);
    b->ks = keysets_get(&b->all, &name, 1);
    for (unsigned i = 0; i < KEYS; i++)
        b->keys[i] = keyset_of_bytes(b->ks, slice_from_str(bytes[i]));
}

static void
bench_fini(struct bench *b)
{
    keyset_unref(b->ks);
    rows_fini(&b->rows);
    keysets_fini(&b->all);
    labels_free(b->ls);
}

/* One number for a span, the slow way; NaN for none. */
static double
slow(const struct added *a, unsigned n, unsigned key, usec_t from, usec_t to,
     enum values_mode mode)
{
    double sum = 0, mean = 0, m2 = 0, out = NAN;
    usec_t at = 0;
    unsigned count = 0;
    for (unsigned i = 0; i < n; i++) {
        if (a[i].key != key || a[i].t <= from || a[i].t > to)
            continue;
        double d = a[i].v - mean;
        sum += a[i].v;
        mean += d / ++count;
        m2 += d * (a[i].v - mean);
        bool first = count == 1;
        if ((mode == VALUES_MIN && (first || a[i].v < out)) ||
            (mode == VALUES_MAX && (first || a[i].v > out)) ||
            (mode == VALUES_FIRST && (first || a[i].t < at)) ||
            (mode == VALUES_LAST && (first || a[i].t >= at))) {
            out = a[i].v;
            at = a[i].t;
        }
    }
    if (count == 0)
        return NAN;
    return mode == VALUES_SUM || mode == VALUES_EACH ? sum
           : mode == VALUES_VARIANCE                 ? m2 / count
                                                     : out;
}

static double
fast(struct values *w, usec_t t, uint32_t key, enum values_mode mode)
{
    uint32_t cursor = 0, at, n;
    const struct cell *c;
    double sum = 0;
    while (values_next(w, t, &cursor, &at, &c, &n) > 0) {
        if (at != key)
            continue;
        for (uint32_t i = 0; mode == VALUES_EACH && i < n; i++) {
            ck_assert(i == 0 || c[i - 1].t <= c[i].t);
            sum += c[i].v;
        }
        struct cell all = cells_join(c, n, mode);
        return mode == VALUES_EACH       ? sum
               : mode == VALUES_SUM      ? all.v + all.c
               : mode == VALUES_VARIANCE ? all.c / (double)all.n
                                         : all.v;
    }
    return NAN;
}

static void
check_mode(uint64_t seed, enum values_mode mode)
{
    static struct added a[ADDED_MAX];
    struct bench b;
    struct rnd r = {seed};
    struct window_options o = {
        .width = 5 * S, .range = 60 * S, .offset = 10 * S, .max_keys = KEYS};
    unsigned n = 0;
    bench_init(&b);
    struct values *w = values_new(&b.rows, b.ks, mode, &o);
    ck_assert_ptr_nonnull(w);
    for (usec_t now = 100 * S; now < 700 * S; now += 5 * S) {
        for (unsigned i = 0; i < 10 && n < ADDED_MAX; i++) {
            unsigned k = rnd_below(&r, KEYS);
            usec_t t = now - (usec_t)rnd_below(&r, 40) * S / 2;
            double v = rnd_below(&r, 50);
            int64_t got = values_add(w, b.keys[k], t, v);
            ck_assert(got >= 0 || got == WINDOW_LATE);
            if (got >= 0)
                a[n++] = (struct added){k, t, v};
        }
        for (unsigned k = 0; k < KEYS; k++) {
            double x = slow(a, n, k, now - 70 * S, now - 10 * S, mode);
            double y = fast(w, now, b.keys[k], mode);
            ck_assert_msg((isnan(x) && isnan(y)) || fabs(x - y) < 1e-9,
                          "mode %d at %lld: %g, should be %g", (int)mode,
                          (long long)(now / S), y, x);
        }
        values_forget(w, now);
    }
    ck_assert_uint_gt(n, 100);
    values_free(w);
    bench_fini(&b);
}

START_TEST(window_holds_what_a_list_would)
{
    for (uint64_t seed = 0; seed < 20; seed++)
        check_mode(seed, (enum values_mode)_i);
}
END_TEST

START_TEST(bounds_refuse_and_lose_nothing)
{
    struct bench b;
    struct window_options o = {
        .width = S, .range = 10 * S, .offset = 0, .max_keys = 2};
    bench_init(&b);
    struct values *w = values_new(&b.rows, b.ks, VALUES_EACH, &o);
    for (unsigned i = 0; i < VALUES_PER_KEY; i++)
        ck_assert_int_ge(values_add(w, b.keys[0], 5 * S, 1), 0);
    ck_assert_int_eq(values_add(w, b.keys[0], 5 * S, 1), WINDOW_FULL);
    ck_assert_int_ge(values_add(w, b.keys[1], 5 * S, 1), 0);
    ck_assert_int_eq(values_add(w, b.keys[2], 5 * S, 1), WINDOW_FULL);
    ck_assert(fast(w, 5 * S, b.keys[0], VALUES_EACH) == VALUES_PER_KEY);
    values_forget(w, 60 * S);
    ck_assert_uint_eq(values_entries(w), 0);
    ck_assert_int_eq(values_add(w, b.keys[1], 5 * S, 1), WINDOW_LATE);
    /* Its key was let go with what it held. */
    b.keys[2] = keyset_of_bytes(b.ks, SLICE("\1c"));
    ck_assert_int_ge(values_add(w, b.keys[2], 55 * S, 1), 0);
    values_free(w);
    bench_fini(&b);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("values");
    TCase *tc = tcase_create("values");
    tcase_add_loop_test(tc, window_holds_what_a_list_would, 0, VALUES_EACH + 1);
    tcase_add_test(tc, bounds_refuse_and_lose_nothing);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return unit_main(suite(), NULL);
}
