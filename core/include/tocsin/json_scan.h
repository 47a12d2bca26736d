/* SPDX-License-Identifier: Apache-2.0 */
/* json_scan.h - the parts of <tocsin/json.h> that look at bytes, not at
 * structure: where plain text ends, and whether UTF-8 is well formed.
 *
 * All of it is inline: a plugin that uses it needs no library.  SSE2 and NEON
 * are taken where the compiler has them, AVX2 where the processor has it (asked
 * at run time, for long runs only).  TOCSIN_JSON_PORTABLE, defined before the
 * header is included, takes plain C everywhere; the answers are the same.
 * Nothing here reads a byte at or behind 'end'. */
#ifndef TOCSIN_JSON_SCAN_H
#define TOCSIN_JSON_SCAN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if !defined(TOCSIN_JSON_PORTABLE) && defined(__GNUC__)
#if defined(__SSE2__)
#define TOCSIN_JSON_SSE2 1
#include <immintrin.h>
#elif defined(__aarch64__) && defined(__ARM_NEON)
#define TOCSIN_JSON_NEON 1
#include <arm_neon.h>
#endif
#endif

#if defined(__GNUC__)
#define TOCSIN_JSON_LIKELY(x) __builtin_expect(!!(x), 1)
/* Seldom called: kept out of the way of what is. */
#define TOCSIN_JSON_COLD static __attribute__((unused, noinline, cold))
#define TOCSIN_JSON_OUTLINE static __attribute__((unused, noinline))
#define TOCSIN_JSON_INLINE static inline __attribute__((unused, always_inline))
#else
#define TOCSIN_JSON_LIKELY(x) (x)
#define TOCSIN_JSON_COLD static inline
#define TOCSIN_JSON_OUTLINE static inline
#define TOCSIN_JSON_INLINE static inline
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Plain bytes stand in a string for themselves: ASCII from the space on, but
 * neither quote nor backslash. */
TOCSIN_JSON_INLINE int
tocsin_json_is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Eight bytes at a time: a set high bit marks the bytes that are not plain.
 * Bits above the lowest one set may be wrong (the subtractions borrow), so
 * the answer is only whether there is any. */
TOCSIN_JSON_INLINE int
tocsin_json_word_is_plain(uint64_t w)
{
    const uint64_t ones = 0x0101010101010101u, highs = ones * 0x80;
    uint64_t quote = w ^ (ones * '"'), slash = w ^ (ones * '\\');
    uint64_t odd = (w - ones * 0x20) | (quote - ones) | (slash - ones) | w;
    return (odd & highs) == 0;
}

TOCSIN_JSON_OUTLINE const char *
tocsin_json_plain_words(const char *p, const char *end)
{
    while (end - p >= 8) {
        uint64_t w;
        memcpy(&w, p, 8);
        if (!tocsin_json_word_is_plain(w))
            break;
        p += 8;
    }
    while (p < end && tocsin_json_is_plain((unsigned char)*p))
        p++;
    return p;
}

#ifdef TOCSIN_JSON_SSE2

#define TOCSIN_JSON_LANES 16

/* The index of the first byte of sixteen that is not plain, or 16 or more. */
TOCSIN_JSON_INLINE unsigned
tocsin_json_block(const char *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    /* Signed: below the space are control bytes and all of 0x80 and up. */
    __m128i odd = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(v, _mm_set1_epi8('"')));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
    return (unsigned)__builtin_ctz((unsigned)_mm_movemask_epi8(odd) | 0x10000u);
}

__attribute__((unused, noinline, target("avx2"))) static const char *
tocsin_json_plain_avx2(const char *p, const char *end)
{
    for (; end - p >= 32; p += 32) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p);
        __m256i odd = _mm256_cmpgt_epi8(_mm256_set1_epi8(0x20), v);
        odd = _mm256_or_si256(odd, _mm256_cmpeq_epi8(v, _mm256_set1_epi8('"')));
        odd =
            _mm256_or_si256(odd, _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\')));
        unsigned bits = (unsigned)_mm256_movemask_epi8(odd);
        if (bits != 0)
            return p + __builtin_ctz(bits);
    }
    return tocsin_json_plain_words(p, end);
}

#elif defined(TOCSIN_JSON_NEON)

#define TOCSIN_JSON_LANES 16

TOCSIN_JSON_INLINE unsigned
tocsin_json_block(const char *p)
{
    int8x16_t v = vld1q_s8((const int8_t *)(const void *)p);
    uint8x16_t odd = vcltq_s8(v, vdupq_n_s8(0x20));
    odd = vorrq_u8(odd, vceqq_s8(v, vdupq_n_s8('"')));
    odd = vorrq_u8(odd, vceqq_s8(v, vdupq_n_s8('\\')));
    /* Four bits a byte: NEON has no movemask. */
    uint8x8_t half = vshrn_n_u16(vreinterpretq_u16_u8(odd), 4);
    uint64_t bits = vget_lane_u64(vreinterpret_u64_u8(half), 0);
    return bits == 0 ? 16 : (unsigned)__builtin_ctzll(bits) / 4;
}

#endif

/* Behind the plain bytes at p: the first that is not plain, or 'end'. */
TOCSIN_JSON_INLINE const char *
tocsin_json_plain(const char *p, const char *end)
{
#ifdef TOCSIN_JSON_LANES
    const char *start = p;
    while (TOCSIN_JSON_LIKELY(end - p >= TOCSIN_JSON_LANES)) {
        unsigned i = tocsin_json_block(p);
        p += i;
        if (TOCSIN_JSON_LIKELY(i < TOCSIN_JSON_LANES))
            return p;
#ifdef TOCSIN_JSON_SSE2
        if (p - start >= 96 && __builtin_cpu_supports("avx2"))
            return tocsin_json_plain_avx2(p, end);
#endif
    }
    (void)start;
#endif
    return tocsin_json_plain_words(p, end);
}

/* The length of the UTF-8 sequence at p, whose first byte is 0x80 or more; 0
 * where the bytes before 'end' may be the start of one; -1 where they are
 * wrong: overlong, a surrogate, above U+10FFFF, or no sequence at all. */
TOCSIN_JSON_OUTLINE int
tocsin_json_utf8(const char *p, const char *end)
{
    const unsigned char *u = (const unsigned char *)p;
    size_t n = (size_t)(end - p);
    unsigned lo = 0x80, hi = 0xbf;
    int len;
    if (u[0] < 0xc2 || u[0] > 0xf4)
        return -1;
    if (u[0] < 0xe0) {
        len = 2;
    } else if (u[0] < 0xf0) {
        len = 3;
        lo = u[0] == 0xe0 ? 0xa0 : lo;
        hi = u[0] == 0xed ? 0x9f : hi;
    } else {
        len = 4;
        lo = u[0] == 0xf0 ? 0x90 : lo;
        hi = u[0] == 0xf4 ? 0x8f : hi;
    }
    for (int i = 1; i < len; i++) {
        if ((size_t)i >= n)
            return 0;
        if (u[i] < lo || u[i] > hi)
            return -1;
        lo = 0x80;
        hi = 0xbf;
    }
    return len;
}

/* Four hexadecimal digits, or -1. */
TOCSIN_JSON_OUTLINE int32_t
tocsin_json_hex4(const char *p)
{
    int32_t v = 0;
    for (int i = 0; i < 4; i++) {
        unsigned char c = (unsigned char)p[i], low = (unsigned char)(c | 0x20);
        if (c >= '0' && c <= '9')
            v = v * 16 + (c - '0');
        else if (low >= 'a' && low <= 'f')
            v = v * 16 + (low - 'a' + 10);
        else
            return -1;
    }
    return v;
}

#ifdef __cplusplus
}
#endif

#endif
