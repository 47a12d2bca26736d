/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.c - the utf8_ functions of str.h. */
#include "config.h"

#include <errno.h>

#include "core/base/str.h"

#define CP_REPLACEMENT 0xfffdu
#define CP_MAX 0x10ffffu

static inline bool
is_surrogate(uint32_t cp)
{
    return cp >= 0xd800 && cp <= 0xdfff;
}

int
utf8_decode(struct slice s, uint32_t *ret_cp)
{
    if (s.n == 0)
        return 0;
    const unsigned char *p = (const unsigned char *)s.p;
    uint32_t cp = p[0], min;
    int n;
    if (cp < 0x80) {
        *ret_cp = cp;
        return 1;
    } else if ((cp & 0xe0) == 0xc0) {
        n = 2, min = 0x80, cp &= 0x1f;
    } else if ((cp & 0xf0) == 0xe0) {
        n = 3, min = 0x800, cp &= 0x0f;
    } else if ((cp & 0xf8) == 0xf0) {
        n = 4, min = 0x10000, cp &= 0x07;
    } else {
        return -EILSEQ;
    }
    if (s.n < (size_t)n)
        return -EILSEQ;
    for (int i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return -EILSEQ;
        cp = cp << 6 | (p[i] & 0x3f);
    }
    if (cp < min || cp > CP_MAX || is_surrogate(cp))
        return -EILSEQ;
    *ret_cp = cp;
    return n;
}

/* Bytes below 0x80 at the start, in steps of eight. */
static size_t
ascii_run(struct slice s)
{
    size_t i = 0;
    for (; s.n - i >= 8; i += 8) {
        uint64_t word;
        memcpy(&word, s.p + i, sizeof word);
        if (word & UINT64_C(0x8080808080808080))
            break;
    }
    while (i < s.n && (unsigned char)s.p[i] < 0x80)
        i++;
    return i;
}

bool
utf8_valid(struct slice s)
{
    for (;;) {
        s = slice_skip(s, ascii_run(s));
        if (s.n == 0)
            return true;
        uint32_t cp;
        int n = utf8_decode(s, &cp);
        if (n < 0)
            return false;
        s = slice_skip(s, (size_t)n);
    }
}

size_t
utf8_encode(uint32_t cp, char ret[static 4])
{
    if (cp > CP_MAX || is_surrogate(cp))
        cp = CP_REPLACEMENT;
    if (cp < 0x80) {
        ret[0] = (char)cp;
        return 1;
    }
    size_t n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n - 1; i > 0; i--, cp >>= 6)
        ret[i] = (char)(0x80 | (cp & 0x3f));
    ret[0] = (char)(first[n] | cp);
    return n;
}

size_t
utf8_count(struct slice s)
{
    size_t count = 0;
    while (s.n > 0) {
        uint32_t cp;
        int n = utf8_decode(s, &cp);
        s = slice_skip(s, n < 0 ? 1 : (size_t)n);
        count++;
    }
    return count;
}

struct cp_range {
    uint32_t first, last;
};

static bool
in_ranges(uint32_t cp, const struct cp_range *ranges, size_t n)
{
    for (size_t i = 0; i < n && cp >= ranges[i].first; i++)
        if (cp <= ranges[i].last)
            return true;
    return false;
}

int
utf8_width(uint32_t cp)
{
    /* The ranges that turn up in configurations, not all of Unicode. */
    static const struct cp_range none[] = {
        {0x0000, 0x001f}, {0x007f, 0x009f}, {0x0300, 0x036f}, {0x200b, 0x200f},
        {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff},
    };
    static const struct cp_range wide[] = {
        {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},
        {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
        {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f},
        {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
    };
    if (in_ranges(cp, none, ARRAY_SIZE(none)))
        return 0;
    return in_ranges(cp, wide, ARRAY_SIZE(wide)) ? 2 : 1;
}
