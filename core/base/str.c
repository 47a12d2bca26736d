/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/base/str.h"

int
str_icmp(struct slice a, struct slice b)
{
    size_t n = MIN(a.n, b.n);
    for (size_t i = 0; i < n; i++) {
        int d =
            (unsigned char)str_lower(a.p[i]) - (unsigned char)str_lower(b.p[i]);
        if (d != 0)
            return d;
    }
    return (a.n > b.n) - (a.n < b.n);
}

bool
str_ieq(struct slice a, struct slice b)
{
    return a.n == b.n && str_icmp(a, b) == 0;
}

#define NEAREST_MAX 64 /* bytes of a name */

/* Edit distance, with swaps of neighbours, or more than 'limit' if it is. */
static size_t
edit_distance(struct slice a, struct slice b, size_t limit)
{
    size_t rows[3][NEAREST_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b.n; j++)
        last[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t best = now[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            char ca = str_lower(a.p[i - 1]), cb = str_lower(b.p[j - 1]);
            size_t d = MIN(last[j], now[j - 1]) + 1;
            d = MIN(d, last[j - 1] + (ca != cb));
            if (i > 1 && j > 1 && ca == str_lower(b.p[j - 2]) &&
                cb == str_lower(a.p[i - 2]))
                d = MIN(d, before[j - 2] + 1);
            now[j] = d;
            best = MIN(best, d);
        }
        if (best > limit)
            return limit + 1;
        size_t *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[b.n];
}

const char *
str_nearest_within(struct slice name, const char *const *candidates, size_t n,
                   size_t limit)
{
    const char *nearest = NULL;
    if (name.n > NEAREST_MAX)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        struct slice c = slice_from_str(candidates[i]);
        if (c.n > NEAREST_MAX || c.n > name.n + limit || name.n > c.n + limit)
            continue;
        size_t d = edit_distance(name, c, limit);
        if (d > limit)
            continue;
        nearest = candidates[i];
        if (d == 0)
            break;
        limit = d - 1; /* only a nearer one replaces it */
    }
    return nearest;
}

const char *
str_nearest(struct slice name, const char *const *candidates, size_t n)
{
    return str_nearest_within(name, candidates, n, name.n / 3);
}

/* Bytes of the first character, invalid bytes one by one. */
static size_t
char_bytes(struct slice s)
{
    uint32_t cp;
    int n = utf8_decode(s, &cp);
    return n > 0 ? (size_t)n : 1;
}

bool
str_glob(struct slice pattern, struct slice s)
{
    size_t p = 0, i = 0;
    size_t star = SIZE_MAX, star_i = 0; /* the last '*', and what it ate */
    while (i < s.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = ++p;
            star_i = i;
        } else if (p < pattern.n && pattern.p[p] == '?') {
            i += char_bytes(slice_skip(s, i));
            p++;
        } else if (p < pattern.n && pattern.p[p] == s.p[i]) {
            i++;
            p++;
        } else if (star != SIZE_MAX) {
            p = star;
            star_i += char_bytes(slice_skip(s, star_i));
            i = star_i;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}
