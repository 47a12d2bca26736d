/* SPDX-License-Identifier: Apache-2.0 */
/* smoothing.c - lines, trends and medians through the samples of a range. */
#include "config.h"

#include <math.h>

#include "core/engine/engine_priv.h"
#include "core/engine/stretch.h"

/* Least squares over seconds from the origin: slope, and the value there. */
static bool
regression(const struct stretch *sp, int64_t origin_ms, double *slope,
           double *intercept)
{
    struct kahan sx = {0}, sy = {0}, sxy = {0}, sxx = {0};
    double n = sp->n, first = sp->n > 0 ? sp->s[0].v : 0;
    bool constant = true;
    if (sp->n < 2)
        return false;
    for (uint32_t i = 0; i < sp->n; i++) {
        double x = (double)(sp->s[i].ms - origin_ms) / 1000, y = sp->s[i].v;
        constant &= y == first;
        kahan_add(&sx, x);
        kahan_add(&sy, y);
        kahan_add(&sxy, x * y);
        kahan_add(&sxx, x * x);
    }
    if (constant) {
        *slope = isinf(first) ? NAN : 0;
        *intercept = isinf(first) ? NAN : first;
        return true;
    }
    double x = kahan_value(&sx), y = kahan_value(&sy);
    double cov = kahan_value(&sxy) - x * y / n;
    double var = kahan_value(&sxx) - x * x / n;
    *slope = cov / var;
    *intercept = y / n - *slope * x / n;
    return true;
}

bool
range_deriv(const struct stretch *sp, double *ret)
{
    double at;
    return regression(sp, sp->n > 0 ? sp->s[0].ms : 0, ret, &at);
}

bool
range_predict_linear(const struct stretch *sp, double *ret)
{
    double slope, at;
    if (!regression(sp, sp->at_ms, &slope, &at))
        return false;
    *ret = slope * sp->params[0] + at;
    return true;
}

int
smoothing_check(struct eval *ev, const double params[2])
{
    static const char *const names[] = {"smoothing", "trend"};
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        if (params[i] <= 0 || params[i] >= 1)
            return err_set(ev->err, -EINVAL,
                           "invalid %s factor. Expected: 0 < %s < 1, got: %f",
                           names[i], i == 0 ? "sf" : "tf", params[i]);
    }
    return 0;
}

bool
range_smoothing(const struct stretch *sp, double *ret)
{
    if (sp->n < 2)
        return false;
    double smoothing = sp->params[0], trend = sp->params[1];
    double before = 0, level = sp->s[0].v, slope = sp->s[1].v - sp->s[0].v;
    for (uint32_t i = 1; i < sp->n; i++) {
        if (i > 1)
            slope = trend * (level - before) + (1 - trend) * slope;
        double x = smoothing * sp->s[i].v;
        double y = (1 - smoothing) * (level + slope);
        before = level;
        level = x + y;
    }
    *ret = level;
    return true;
}

bool
range_mad(const struct stretch *sp, double *ret)
{
    double *v = stretch_values(sp);
    if (v == NULL)
        return false;
    *ret = NAN;
    for (uint32_t i = 0; i < sp->n; i++) {
        if (isnan(v[i]))
            return true;
    }
    double median = quantile_of(0.5, v, sp->n);
    for (uint32_t i = 0; i < sp->n; i++)
        v[i] = fabs(v[i] - median);
    *ret = quantile_of(0.5, v, sp->n);
    return true;
}
