/* SPDX-License-Identifier: Apache-2.0 */
/* dates.c - where in the calendar a time lies. */
#include "config.h"

#include <math.h>

#include "core/base/timefmt.h"
#include "core/engine/call.h"

/* Seconds as a point in the calendar; what is no time is NaN. */
static bool
civil_of(double x, struct civil *ret)
{
    if (!(fabs(x) < 1e11))
        return false;
    time_to_civil((usec_t)x * USEC_PER_SEC, ret);
    return true;
}

#define MAP_CIVIL(name, expr)                                                  \
    static double map_##name(double x, const struct call *c)                   \
    {                                                                          \
        struct civil t;                                                        \
        return civil_of(x, &t) ? (expr) : NAN;                                 \
    }
MAP_CIVIL(day_of_month, t.day)
MAP_CIVIL(day_of_week, t.weekday)
MAP_CIVIL(day_of_year, t.yearday)
MAP_CIVIL(days_in_month, time_days_in_month(t.year, t.month))
MAP_CIVIL(hour, t.hour)
MAP_CIVIL(minute, t.minute)
MAP_CIVIL(month, t.month)
MAP_CIVIL(year, t.year)

static const map_fn fns[FUNC_ID_COUNT] = {
    [FUNC_DAY_OF_MONTH] = map_day_of_month,
    [FUNC_DAY_OF_WEEK] = map_day_of_week,
    [FUNC_DAY_OF_YEAR] = map_day_of_year,
    [FUNC_DAYS_IN_MONTH] = map_days_in_month,
    [FUNC_HOUR] = map_hour,
    [FUNC_MINUTE] = map_minute,
    [FUNC_MONTH] = map_month,
    [FUNC_YEAR] = map_year,
};

map_fn
date_fn(enum func_id f)
{
    return fns[f];
}
