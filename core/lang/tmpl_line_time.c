/* SPDX-License-Identifier: Apache-2.0 */
/* tmpl_line_time.c - functions of time that Loki gives to line_format and
 * label_format.  "now" is the event's time: no clock is read; all is UTC. */
#include "config.h"

#include <stdio.h>

#include "core/base/str.h"
#include "core/base/timefmt.h"
#include "core/lang/tmpl.h"

#define FUNCTION(name)                                                         \
    static bool call_##name(struct texec *x, const struct tval *args,          \
                            size_t n, struct tval *ret_v)

static struct tval
tval_time(int64_t ms)
{
    return (struct tval){.kind = TV_TIME, .i = ms};
}

FUNCTION(now)
{
    *ret_v = tval_time(x->data->now / USEC_PER_MSEC);
    return true;
}

static bool
print_int(struct texec *x, int64_t v, struct tval *ret_v)
{
    AUTO_FINI(buf) b = BUF_INIT(64);
    (void)buf_printf(&b, "%lld", (long long)v);
    return texec_string(x, &b, ret_v);
}

FUNCTION(unix_epoch)
{
    int64_t ms = args[0].i;
    return print_int(x, ms / 1000 - (ms % 1000 < 0), ret_v);
}

FUNCTION(unix_epoch_millis)
{
    return print_int(x, args[0].i, ret_v);
}

FUNCTION(unix_epoch_nanos)
{
    int64_t ns;
    if (__builtin_mul_overflow(args[0].i, 1000000, &ns))
        return texec_fail(x, "time is too far away");
    return print_int(x, ns, ret_v);
}

/* Days, seconds, milli-, micro- or nanoseconds, by the number of digits. */
FUNCTION(unix_to_time)
{
    struct slice s = args[0].s;
    int64_t v;
    if (str_parse_i64(s, &v) == 0) {
        switch (s.n) {
        case 5:
            *ret_v = tval_time(v * 86400000);
            return true;
        case 10:
            *ret_v = tval_time(v * 1000);
            return true;
        case 13:
            *ret_v = tval_time(v);
            return true;
        case 16:
            *ret_v = tval_time(v / 1000);
            return true;
        case 19:
            *ret_v = tval_time(v / 1000000);
            return true;
        default:
            break;
        }
    }
    return texec_fail(x, "unable to parse time '%.*s'",
                      (int)MIN(s.n, (size_t)64), s.p);
}

/* --- Go's layouts -------------------------------------------------------- */

enum part {
    PART_YEAR,
    PART_YEAR2,
    PART_MONTH,
    PART_MONTH0,
    PART_MONTH_NAME,
    PART_MONTH_SHORT,
    PART_DAY,
    PART_DAY0,
    PART_WEEKDAY,
    PART_WEEKDAY_SHORT,
    PART_HOUR,
    PART_HOUR12,
    PART_HOUR12_0,
    PART_MINUTE,
    PART_SECOND,
    PART_FRACTION,
    PART_PM,
    PART_ZONE,
    PART_NONE
};

/* The longest first. */
static const struct {
    const char *text;
    enum part part;
} parts[] = {
    {"January", PART_MONTH_NAME},
    {"Jan", PART_MONTH_SHORT},
    {"Monday", PART_WEEKDAY},
    {"Mon", PART_WEEKDAY_SHORT},
    {"2006", PART_YEAR},
    {"Z07:00", PART_ZONE},
    {"MST", PART_ZONE},
    {".000000", PART_FRACTION},
    {".000", PART_FRACTION},
    {"01", PART_MONTH0},
    {"02", PART_DAY0},
    {"03", PART_HOUR12_0},
    {"04", PART_MINUTE},
    {"05", PART_SECOND},
    {"06", PART_YEAR2},
    {"15", PART_HOUR},
    {"PM", PART_PM},
    {"1", PART_MONTH},
    {"2", PART_DAY},
    {"3", PART_HOUR12},
};

static const char *const months[] = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
static const char *const weekdays[] = {"Sunday",    "Monday",   "Tuesday",
                                       "Wednesday", "Thursday", "Friday",
                                       "Saturday"};

static enum part
part_at(struct slice s, size_t *ret_n)
{
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        struct slice text = slice_from_str(parts[i].text);
        if (slice_starts_with(s, text)) {
            *ret_n = text.n;
            return parts[i].part;
        }
    }
    *ret_n = 1;
    return PART_NONE;
}

static void
part_print(struct buf *b, enum part part, size_t n, const struct civil *c)
{
    int hour12 = c->hour % 12 == 0 ? 12 : c->hour % 12;
    switch (part) {
    case PART_MONTH_NAME:
        (void)buf_append_str(b, months[c->month - 1]);
        return;
    case PART_MONTH_SHORT:
        (void)buf_append(b, months[c->month - 1], 3);
        return;
    case PART_WEEKDAY:
        (void)buf_append_str(b, weekdays[c->weekday]);
        return;
    case PART_WEEKDAY_SHORT:
        (void)buf_append(b, weekdays[c->weekday], 3);
        return;
    case PART_PM:
        (void)buf_append_str(b, c->hour < 12 ? "AM" : "PM");
        return;
    case PART_ZONE:
        (void)buf_append_str(b, n == 3 ? "UTC" : "Z");
        return;
    case PART_FRACTION:
        (void)buf_printf(b, n == 4 ? ".%03d" : ".%06d",
                         n == 4 ? c->microsecond / 1000 : c->microsecond);
        return;
    case PART_YEAR:
        (void)buf_printf(b, "%04d", c->year);
        return;
    default:
        break;
    }
    const int values[] = {
        [PART_YEAR2] = c->year % 100, [PART_MONTH] = c->month,
        [PART_MONTH0] = c->month,     [PART_DAY] = c->day,
        [PART_DAY0] = c->day,         [PART_HOUR] = c->hour,
        [PART_HOUR12] = hour12,       [PART_HOUR12_0] = hour12,
        [PART_MINUTE] = c->minute,    [PART_SECOND] = c->second};
    (void)buf_printf(b, n == 1 ? "%d" : "%02d", values[part]);
}

FUNCTION(date)
{
    AUTO_FINI(buf) b = BUF_INIT(TMPL_OUTPUT_MAX);
    struct slice layout = args[0].s;
    struct civil c;
    if (args[1].i > INT64_MAX / 1000 || args[1].i < INT64_MIN / 1000)
        return texec_fail(x, "time is too far away");
    time_to_civil(args[1].i * USEC_PER_MSEC, &c);
    while (layout.n > 0) {
        size_t used;
        enum part part = part_at(layout, &used);
        if (part == PART_NONE)
            (void)buf_putc(&b, layout.p[0]);
        else
            part_print(&b, part, used, &c);
        layout = slice_skip(layout, used);
    }
    return texec_string(x, &b, ret_v);
}

const struct tmpl_func tmpl_line_times[] = {
    {"__timestamp__", "", call_now},
    {"date", "st", call_date},
    {"now", "", call_now},
    {"unixEpoch", "t", call_unix_epoch},
    {"unixEpochMillis", "t", call_unix_epoch_millis},
    {"unixEpochNanos", "t", call_unix_epoch_nanos},
    {"unixToTime", "s", call_unix_to_time},
};
const size_t tmpl_line_time_count = ARRAY_SIZE(tmpl_line_times);
