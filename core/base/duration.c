/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "core/base/duration.h"
#include "core/base/str.h"

/* In the order in which a duration must have them. */
static const struct {
    const char *name;
    usec_t us;
    bool whole; /* printed only if nothing remains: 8d isn't 1w1d */
} units[] = {
    {"y", 365 * USEC_PER_DAY, true}, {"w", 7 * USEC_PER_DAY, true},
    {"d", USEC_PER_DAY, false},      {"h", USEC_PER_HOUR, false},
    {"m", USEC_PER_MINUTE, false},   {"s", USEC_PER_SEC, false},
    {"ms", USEC_PER_MSEC, false},
};

static int
fail(struct fault *ret_fault, int code, size_t pos, const char *why)
{
    if (ret_fault != NULL)
        *ret_fault = (struct fault){pos, why};
    return code;
}

static size_t
span_digits(struct slice s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
        n++;
    return n;
}

static size_t
span_letters(struct slice s)
{
    size_t n = 0;
    while (n < s.n && str_lower(s.p[n]) >= 'a' && str_lower(s.p[n]) <= 'z')
        n++;
    return n;
}

static size_t
unit_find(struct slice name)
{
    size_t i = 0;
    while (i < ARRAY_SIZE(units) && !slice_eq_str(name, units[i].name))
        i++;
    return i;
}

/* One "30m" at 'pos'; 'unit' is the first unit that may still come. */
static int
duration_part(struct slice s, size_t *pos, size_t *unit, usec_t *us,
              struct fault *ret_fault)
{
    struct slice rest = slice_skip(s, *pos);
    size_t digits = span_digits(rest);
    if (digits == 0)
        return fail(ret_fault, -EINVAL, *pos, "a number is expected");
    struct slice number = slice_new(rest.p, digits);
    rest = slice_skip(rest, digits);
    size_t letters = span_letters(rest);
    size_t at = *pos + digits;
    if (letters == 0)
        return fail(ret_fault, -EINVAL, at,
                    "a unit is missing: y, w, d, h, m, s or ms");
    size_t found = unit_find(slice_new(rest.p, letters));
    if (found == ARRAY_SIZE(units))
        return fail(ret_fault, -EINVAL, at,
                    "unknown unit: use y, w, d, h, m, s or ms");
    if (found < *unit)
        return fail(ret_fault, -EINVAL, at,
                    "units go from large to small, each once");
    int64_t n;
    if (str_parse_i64(number, &n) < 0 ||
        __builtin_mul_overflow(n, units[found].us, &n) ||
        __builtin_add_overflow(*us, n, us))
        return fail(ret_fault, -ERANGE, *pos, "the duration is too long");
    *pos = at + letters;
    *unit = found + 1;
    return 0;
}

int
duration_parse(struct slice s, usec_t *ret_us, struct fault *ret_fault)
{
    if (s.n == 0)
        return fail(ret_fault, -EINVAL, 0, "a duration is expected");
    usec_t us = 0;
    size_t pos = 0, unit = 0;
    if (slice_eq_str(s, "0"))
        pos = 1;
    while (pos < s.n) {
        int r = duration_part(s, &pos, &unit, &us, ret_fault);
        if (r < 0)
            return r;
    }
    *ret_us = us;
    return 0;
}

size_t
duration_scan(struct slice s)
{
    size_t end = 0;
    for (size_t unit = 0; unit < ARRAY_SIZE(units);) {
        struct slice rest = slice_skip(s, end);
        size_t digits = span_digits(rest);
        rest = slice_skip(rest, digits);
        if (digits == 0)
            break;
        /* "ms" before "m": the longest name that fits. */
        size_t best = ARRAY_SIZE(units), best_n = 0;
        for (size_t i = unit; i < ARRAY_SIZE(units); i++) {
            struct slice name = slice_from_str(units[i].name);
            if (slice_starts_with(rest, name) && name.n > best_n) {
                best = i;
                best_n = name.n;
            }
        }
        if (best_n == 0)
            break;
        end += digits + best_n;
        unit = best + 1;
    }
    return end;
}

size_t
duration_format(usec_t us, char ret[static DURATION_STR_MAX])
{
    /* Unsigned, since the smallest number has no positive twin. */
    uint64_t left = us < 0 ? ~(uint64_t)us + 1 : (uint64_t)us;
    left -= left % (uint64_t)USEC_PER_MSEC;
    if (left == 0)
        return (size_t)snprintf(ret, DURATION_STR_MAX, "0s");
    size_t n = 0;
    if (us < 0)
        ret[n++] = '-';
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        uint64_t unit = (uint64_t)units[i].us;
        if (left < unit || (units[i].whole && left % unit != 0))
            continue;
        n += (size_t)snprintf(ret + n, DURATION_STR_MAX - n, "%llu%s",
                              (unsigned long long)(left / unit), units[i].name);
        left %= unit;
    }
    return n;
}

static const struct {
    const char *name;
    uint64_t bytes;
} sizes[] = {
    {"", 1},
    {"B", 1},
    {"kB", 1000},
    {"MB", 1000000},
    {"GB", 1000000000},
    {"TB", 1000000000000},
    {"KiB", UINT64_C(1) << 10},
    {"MiB", UINT64_C(1) << 20},
    {"GiB", UINT64_C(1) << 30},
    {"TiB", UINT64_C(1) << 40},
};

int
size_parse(struct slice s, uint64_t *ret_bytes, struct fault *ret_fault)
{
    size_t digits = span_digits(s);
    if (digits == 0)
        return fail(ret_fault, -EINVAL, 0,
                    s.n == 0 ? "a size is expected" : "a number is expected");
    struct slice name = slice_skip(s, digits);
    size_t i = 0;
    while (i < ARRAY_SIZE(sizes) &&
           !str_ieq(name, slice_from_str(sizes[i].name)))
        i++;
    if (i == ARRAY_SIZE(sizes))
        return fail(ret_fault, -EINVAL, digits,
                    "unknown unit: use B, KiB, MiB, GiB, TiB, kB, MB, GB or "
                    "TB");
    uint64_t n;
    if (str_parse_u64(slice_new(s.p, digits), &n) < 0 ||
        __builtin_mul_overflow(n, sizes[i].bytes, &n) || n > INT64_MAX)
        return fail(ret_fault, -ERANGE, 0, "the size is too large");
    *ret_bytes = n;
    return 0;
}

size_t
size_format(uint64_t bytes, char ret[static SIZE_STR_MAX])
{
    static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t i = 0;
    while (i + 1 < ARRAY_SIZE(names) && bytes != 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        i++;
    }
    return (size_t)snprintf(ret, SIZE_STR_MAX, "%llu%s",
                            (unsigned long long)bytes, names[i]);
}
