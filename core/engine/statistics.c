/* SPDX-License-Identifier: Apache-2.0 */
/* statistics.c - means, variances and quantiles, with Prometheus' additions
 * in Prometheus' order, so that the last digits are the same. */
#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "core/engine/engine_priv.h"

bool
values_equal(double a, double b)
{
    return a == b || (a != a && b != b);
}

double
number_max(double a, double b)
{
    if (a == INFINITY || b == INFINITY)
        return INFINITY;
    if (isnan(a) || isnan(b))
        return NAN;
    if (a == 0 && b == 0)
        return signbit(a) ? b : a;
    return a > b ? a : b;
}

double
number_min(double a, double b)
{
    if (a == -INFINITY || b == -INFINITY)
        return -INFINITY;
    if (isnan(a) || isnan(b))
        return NAN;
    if (a == 0 && b == 0)
        return signbit(a) ? a : b;
    return a < b ? a : b;
}

double
mean_of(const double *v, uint32_t n)
{
    struct kahan k = {0};
    bool incremental = false;
    for (uint32_t i = 0; i < n; i++) {
        if (!incremental) {
            struct kahan next = k;
            kahan_add(&next, v[i]);
            if (i == 0 || !isinf(next.sum)) {
                k = next;
                continue;
            }
            /* The sum overflows: go on with the mean. */
            incremental = true;
            k = (struct kahan){k.sum / i, k.c / i};
        }
        double q = (double)i / (i + 1);
        struct kahan m = {q * k.sum, q * k.c};
        kahan_add(&m, v[i] / (i + 1));
        k = m;
    }
    if (incremental)
        return kahan_value(&k);
    return k.sum / n + k.c / n;
}

double
variance_of(const double *v, uint32_t n)
{
    double mean = 0, aux = 0;
    if (n > 0 && (isnan(v[0]) || isinf(v[0])))
        return NAN;
    for (uint32_t i = 0; i < n; i++) {
        double delta = v[i] - mean;
        mean += delta / (i + 1);
        aux += delta * (v[i] - mean);
    }
    return aux / n;
}

static int
double_cmp(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    if (isnan(x) || isnan(y)) /* NaN first, as Prometheus sorts */
        return isnan(y) - isnan(x);
    return (x > y) - (x < y);
}

double
quantile_of(double q, double *v, uint32_t n)
{
    if (n == 0 || isnan(q))
        return NAN;
    if (q < 0)
        return -INFINITY;
    if (q > 1)
        return INFINITY;
    qsort(v, n, sizeof *v, double_cmp);
    double rank = q * (n - 1);
    double lower = fmax(0, floor(rank));
    double upper = fmin(n - 1, lower + 1);
    double weight = rank - floor(rank);
    return v[(uint32_t)lower] * (1 - weight) + v[(uint32_t)upper] * weight;
}
