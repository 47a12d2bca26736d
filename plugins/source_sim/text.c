/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "plugins/source_sim/text.h"

void
text_fini(struct text *t)
{
    free(t->p);
    memset(t, 0, sizeof *t);
}

bool
text_room(struct text *t, size_t n)
{
    size_t max = t->max ? t->max : 4096;
    while (max - t->n < n && max <= TEXT_MAX)
        max *= 2;
    char *p = max > TEXT_MAX ? NULL : realloc(t->p, max);
    if (!p) {
        t->failed = true;
        return false;
    }
    t->p = p;
    t->max = max;
    return true;
}

void
text_u64(struct text *t, uint64_t value, int min_digits)
{
    char digits[24];
    int n = 0;
    while (value || n < min_digits) {
        digits[sizeof digits - 1 - (size_t)n++] = (char)('0' + value % 10);
        value /= 10;
    }
    text_add(t, digits + sizeof digits - n, (size_t)n);
}

void
text_millionths(struct text *t, uint64_t value)
{
    text_u64(t, value / 1000000, 1);
    uint64_t rest = value % 1000000;
    if (!rest)
        return;
    int digits = 6;
    for (; rest % 10 == 0; digits--)
        rest /= 10;
    text_str(t, ".");
    text_u64(t, rest, digits);
}

void
text_time(struct text *t, int64_t us)
{
    time_t seconds = (time_t)(us / 1000000);
    struct tm tm;
    char s[32];
    if (!gmtime_r(&seconds, &tm))
        return;
    size_t n = strftime(s, sizeof s, "%Y-%m-%dT%H:%M:%SZ", &tm);
    text_add(t, s, n);
}

void
text_uuid(struct text *t, uint64_t high, uint64_t low)
{
    char s[40];
    int n = snprintf(s, sizeof s, "%08x-%04x-4%03x-%04x-%012llx",
                     (unsigned)(high >> 32), (unsigned)(high >> 16 & 0xffff),
                     (unsigned)(high & 0xfff),
                     (unsigned)(0x8000 | (low >> 48 & 0x3fff)),
                     (unsigned long long)(low & 0xffffffffffff));
    text_add(t, s, (size_t)n);
}
