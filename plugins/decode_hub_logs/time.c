/* SPDX-License-Identifier: Apache-2.0 */
/* time.c - RFC 3339 times to microseconds. */
#include "config.h"

#include "hub_logs.h"

/* n digits as a number, or a negative one. */
static int
digits(const char *p, int n)
{
    int v = 0;
    for (int i = 0; i < n; i++) {
        const unsigned d = (unsigned char)p[i] - (unsigned)'0';
        if (d > 9)
            return -1;
        v = v * 10 + (int)d;
    }
    return v;
}

/* Days since 1970-01-01 in the Gregorian calendar, of any year from 0. */
static int64_t
days(int year, int month, int day)
{
    /* The year begins in March, so that the leap day is its last. */
    const int64_t y = year - (month <= 2);
    const int64_t era = (y >= 0 ? y : y - 399) / 400;
    const int64_t of_era = y - era * 400;
    const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year +
           day - 1 - 719468;
}

static int
month_days(int year, int month)
{
    static const int8_t n[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return n[month - 1] + (month == 2 && leap);
}

/* The zone at p: nothing, Z, or +hh:mm, in seconds east of UTC. */
static int
zone(const char *p, size_t n, int *ret)
{
    *ret = 0;
    if (n == 0 || (n == 1 && (*p == 'Z' || *p == 'z')))
        return 0;
    if (n != 6 || (*p != '+' && *p != '-') || p[3] != ':')
        return -1;
    const int hours = digits(p + 1, 2), minutes = digits(p + 4, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return -1;
    *ret = (hours * 60 + minutes) * (*p == '+' ? 60 : -60);
    return 0;
}

/* "2026-05-04T08:11:02" in seconds since the epoch.  A leap second is the first
 * of the next minute. */
static int
seconds(const char *p, int64_t *ret)
{
    if (p[4] != '-' || p[7] != '-' || p[13] != ':' || p[16] != ':' ||
        (p[10] != 'T' && p[10] != 't' && p[10] != ' '))
        return -1;
    const int year = digits(p, 4), month = digits(p + 5, 2),
              day = digits(p + 8, 2), hour = digits(p + 11, 2),
              minute = digits(p + 14, 2), second = digits(p + 17, 2);
    if ((year | month | day | hour | minute | second) < 0)
        return -1;
    if (month < 1 || month > 12 || day < 1 || day > month_days(year, month))
        return -1;
    if (hour > 23 || minute > 59 || second > 60)
        return -1;
    *ret = days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return 0;
}

int
hub_logs_time(const char *p, size_t n, int64_t *ret_us)
{
    int64_t s;
    if (n < 19 || seconds(p, &s) < 0)
        return -1;
    size_t at = 19;
    int32_t nanos = 0, scale = 100000000;
    if (at < n && p[at] == '.') {
        const size_t first = ++at;
        for (; at < n && p[at] >= '0' && p[at] <= '9'; at++, scale /= 10)
            nanos += (p[at] - '0') * scale;
        if (at == first || at > first + 9)
            return -1;
    }
    int east;
    if (zone(p + at, n - at, &east) < 0)
        return -1;
    *ret_us = (s - east) * 1000000 + nanos / 1000;
    return 0;
}
