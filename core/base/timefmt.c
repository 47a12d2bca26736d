/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "core/base/timefmt.h"

/* A calendar whose year begins in March has its leap day at the very end, so
 * that the days before each month are a straight line: (153 m + 2) / 5. */
int64_t
time_days_from_civil(int year, int month, int day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t in_era = y - era * 400;
    int64_t m = month > 2 ? month - 3 : month + 9;
    int64_t in_year = (153 * m + 2) / 5 + day - 1;
    int64_t days = in_era * 365 + in_era / 4 - in_era / 100 + in_year;
    /* 146,097 days in 400 years; 1970-01-01 is day 719,468 from 0000-03-01 */
    return era * 146097 + days - 719468;
}

static bool
is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int
time_days_in_month(int year, int month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30,
                                         31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

static int64_t
floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* The day's date: the inverse of time_days_from_civil. */
static void
civil_from_days(int64_t days, struct civil *c)
{
    days += 719468;
    int64_t era = floor_div(days, 146097);
    int64_t in_era = days - era * 146097; /* 0 to 146,096 */
    /* Take the leap days out, so that every year has 365. */
    int64_t plain = in_era - in_era / 1460 + in_era / 36524 - in_era / 146096;
    int64_t y = plain / 365;
    int64_t in_year = in_era - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * in_year + 2) / 153;
    c->day = (int)(in_year - (153 * m + 2) / 5 + 1);
    c->month = (int)(m < 10 ? m + 3 : m - 9);
    c->year = (int)(y + era * 400 + (c->month <= 2));
}

void
time_to_civil(usec_t us, struct civil *ret_c)
{
    int64_t days = floor_div(us, USEC_PER_DAY);
    /* Unsigned: days * USEC_PER_DAY may pass the smallest number. */
    uint64_t in_day = (uint64_t)us - (uint64_t)days * (uint64_t)USEC_PER_DAY;
    civil_from_days(days, ret_c);
    ret_c->microsecond = (int)(in_day % 1000000);
    int second = (int)(in_day / 1000000);
    ret_c->hour = second / 3600;
    ret_c->minute = second / 60 % 60;
    ret_c->second = second % 60;
    ret_c->weekday = (int)(days + 4 - floor_div(days + 4, 7) * 7);
    ret_c->yearday = (int)(days - time_days_from_civil(ret_c->year, 1, 1)) + 1;
}

/* Two digits; a byte that isn't one sets bits in 'bad'. */
static inline unsigned
two_digits(const char *p, unsigned *bad)
{
    unsigned a = (unsigned char)p[0] - (unsigned)'0';
    unsigned b = (unsigned char)p[1] - (unsigned)'0';
    *bad |= (a > 9) | (b > 9);
    return a * 10 + b;
}

/* "….1234567" at 'p': up to nine digits, the microseconds of them. */
static const char *
parse_fraction(const char *p, const char *end, unsigned *ret_us)
{
    unsigned us = 0, digits = 0;
    for (; p < end && *p >= '0' && *p <= '9'; p++, digits++)
        if (digits < 6)
            us = us * 10 + (unsigned)(*p - '0');
    if (digits == 0 || digits > 9)
        return NULL;
    static const unsigned scale[] = {1, 100000, 10000, 1000, 100, 10, 1};
    *ret_us = us * scale[MIN(digits, 6u)];
    return p;
}

/* "Z" or "+02:00", and nothing behind it. */
static int
parse_zone(const char *p, const char *end, int *ret_minutes)
{
    if (end - p == 1 && (*p | 0x20) == 'z') {
        *ret_minutes = 0;
        return 0;
    }
    if (end - p != 6 || (*p != '+' && *p != '-') || p[3] != ':')
        return -EINVAL;
    unsigned bad = 0;
    unsigned hour = two_digits(p + 1, &bad), minute = two_digits(p + 4, &bad);
    if (bad || hour > 23 || minute > 59)
        return -EINVAL;
    int minutes = (int)(hour * 60 + minute);
    *ret_minutes = *p == '-' ? -minutes : minutes;
    return 0;
}

int
time_parse_rfc3339(struct slice s, usec_t *ret_us)
{
    if (s.n < sizeof "2026-05-04T08:11:02Z" - 1)
        return -EINVAL;
    const char *p = s.p, *end = s.p + s.n;
    unsigned bad = (p[4] != '-') | (p[7] != '-') | (p[13] != ':') |
                   (p[16] != ':') | ((p[10] | 0x20) != 't');
    unsigned year = two_digits(p, &bad) * 100;
    year += two_digits(p + 2, &bad);
    unsigned month = two_digits(p + 5, &bad), day = two_digits(p + 8, &bad);
    unsigned hour = two_digits(p + 11, &bad), min = two_digits(p + 14, &bad);
    unsigned second = two_digits(p + 17, &bad);
    if (bad || year < 1 || month - 1 > 11 || day < 1 || hour > 23 || min > 59 ||
        second > 60)
        return -EINVAL;
    if (day > 28 && (int)day > time_days_in_month((int)year, (int)month))
        return -EINVAL;
    unsigned us = 0;
    int zone = 0;
    p += 19;
    if (*p == '.') {
        p = parse_fraction(p + 1, end, &us);
        if (p == NULL)
            return -EINVAL;
    }
    if (parse_zone(p, end, &zone) < 0)
        return -EINVAL;
    int64_t days = time_days_from_civil((int)year, (int)month, (int)day);
    int64_t seconds = days * 86400 + hour * 3600 + min * 60 + second;
    seconds -= zone * 60;
    if (second == 60 && seconds % 86400 != 0)
        return -EINVAL; /* leap seconds come at the end of a day in UTC */
    *ret_us = seconds * USEC_PER_SEC + us;
    return 0;
}

static void
put_digits(char *out, unsigned v, int digits)
{
    for (int i = digits - 1; i >= 0; i--, v /= 10)
        out[i] = (char)('0' + v % 10);
}

size_t
time_format_rfc3339(usec_t us, enum time_precision precision,
                    char ret[static TIME_STR_MAX])
{
    static const char shape[] = "0000-00-00T00:00:00";
    const usec_t min = INT64_C(-62135596800) * USEC_PER_SEC;
    const usec_t max = INT64_C(253402300800) * USEC_PER_SEC - 1;
    if (us == USEC_NONE) {
        memcpy(ret, "-", 2);
        return 1;
    }
    struct civil c;
    time_to_civil(CLAMP(us, min, max), &c);
    memcpy(ret, shape, sizeof shape);
    put_digits(ret, (unsigned)c.year, 4);
    put_digits(ret + 5, (unsigned)c.month, 2);
    put_digits(ret + 8, (unsigned)c.day, 2);
    put_digits(ret + 11, (unsigned)c.hour, 2);
    put_digits(ret + 14, (unsigned)c.minute, 2);
    put_digits(ret + 17, (unsigned)c.second, 2);
    size_t n = sizeof shape - 1;
    unsigned fraction = (unsigned)c.microsecond;
    int digits = (int)precision;
    if (precision == TIME_SHORTEST)
        digits = fraction == 0 ? 0 : fraction % 1000 == 0 ? 3 : 6;
    if (digits > 0) {
        ret[n++] = '.';
        put_digits(ret + n, digits == 3 ? fraction / 1000 : fraction, digits);
        n += (size_t)digits;
    }
    ret[n++] = 'Z';
    ret[n] = '\0';
    return n;
}
