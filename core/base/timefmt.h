/* SPDX-License-Identifier: Apache-2.0 */
/* timefmt.h - points in time as RFC 3339 text.  UTC only.  Thread: any. */
#ifndef TOCSIN_BASE_TIMEFMT_H
#define TOCSIN_BASE_TIMEFMT_H
#include "core/base/types.h"

/* "2026-05-04T08:11:02.1234567Z", "…+02:00"; up to 9 digits of fraction, cut
 * to microseconds; t and z in lower case are fine.  The whole slice must be
 * the time.  A leap second (":60") counts as the second after it.  Years 0001
 * to 9999.  0 or -EINVAL. */
MUST_CHECK int time_parse_rfc3339(struct slice s, usec_t *ret_us);

enum time_precision {
    TIME_SECONDS = 0, /* 2026-05-04T08:11:02Z */
    TIME_MILLIS = 3,  /* 2026-05-04T08:11:02.123Z */
    TIME_MICROS = 6,  /* 2026-05-04T08:11:02.123456Z */
    TIME_SHORTEST = 9 /* as many of 0, 3 or 6 digits as there are */
};

/* NUL-terminated, what is smaller is cut (towards the past); returns the
 * length.  USEC_NONE gives "-".  Times outside years 0001 to 9999 are clamped
 * to them. */
#define TIME_STR_MAX 32
size_t time_format_rfc3339(usec_t us, enum time_precision precision,
                           char ret[static TIME_STR_MAX]);

/* The calendar, proleptic Gregorian. */
struct civil {
    int year;       /* 2026 */
    int month, day; /* 1-12, 1-31 */
    int hour, minute, second;
    int microsecond;
    int weekday; /* 0 = Sunday */
    int yearday; /* 1-366 */
};
void time_to_civil(usec_t us, struct civil *ret_c);
/* Days since 1970-01-01; month 1-12, day may be out of range. */
int64_t time_days_from_civil(int year, int month, int day);
int time_days_in_month(int year, int month);

#endif
