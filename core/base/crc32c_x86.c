/* SPDX-License-Identifier: Apache-2.0 */
/* crc32c_x86.c - CRC-32C by the instructions of SSE4.2 and PCLMULQDQ.
 *
 * crc32 takes three cycles but one may start in each, so a long buffer is cut
 * into three lanes that run side by side.  Joining them needs a lane's sum
 * moved past the bytes behind it, which is a multiplication by a power of x:
 * one PCLMULQDQ, whose 64-bit product another crc32 reduces. */
#include "config.h"

#include "core/base/crc32c_priv.h"

#if defined __x86_64__

#include <immintrin.h>

#define TARGET __attribute__((target("sse4.2,pclmul")))

#define LANE_LONG 1024 /* bytes; a multiple of 8 */
#define LANE_SHORT 128

/* x^(8 * bytes - 33) mod P, bits reversed: what moves a sum past 'bytes' zero
 * bytes.  The product is 33 bits short, which the reduction (32) and the
 * reversed multiplication (1) make up for. */
static uint32_t
shift_constant(size_t bytes)
{
    uint32_t crc = 0x80000000u; /* x^0 */
    for (size_t bit = 0; bit < 8 * bytes - 33; bit++)
        crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    return crc;
}

/* For one lane and for two. */
static struct {
    uint32_t long_1, long_2, short_1, short_2;
} shift;

static inline uint64_t
read_u64(const unsigned char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

TARGET static inline uint64_t
shifted(uint64_t crc, uint32_t constant)
{
    __m128i product =
        _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)crc),
                             _mm_cvtsi64_si128((long long)constant), 0);
    return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

TARGET static inline uint64_t
three_lanes(uint64_t crc, const unsigned char *p, size_t lane, uint32_t by_1,
            uint32_t by_2)
{
    uint64_t b = 0, c = 0;
    for (size_t i = 0; i < lane; i += 8) {
        crc = _mm_crc32_u64(crc, read_u64(p + i));
        b = _mm_crc32_u64(b, read_u64(p + lane + i));
        c = _mm_crc32_u64(c, read_u64(p + 2 * lane + i));
    }
    return shifted(crc, by_2) ^ shifted(b, by_1) ^ c;
}

TARGET static uint32_t
crc32c_sse42(uint32_t start, const void *bytes, size_t n)
{
    const unsigned char *p = (const unsigned char *)bytes;
    uint64_t crc = ~start;
    for (; n >= 3 * LANE_LONG; p += 3 * LANE_LONG, n -= 3 * LANE_LONG)
        crc = three_lanes(crc, p, LANE_LONG, shift.long_1, shift.long_2);
    for (; n >= 3 * LANE_SHORT; p += 3 * LANE_SHORT, n -= 3 * LANE_SHORT)
        crc = three_lanes(crc, p, LANE_SHORT, shift.short_1, shift.short_2);
    for (; n >= 8; p += 8, n -= 8)
        crc = _mm_crc32_u64(crc, read_u64(p));
    for (; n > 0; p++, n--)
        crc = _mm_crc32_u8((uint32_t)crc, *p);
    return ~(uint32_t)crc;
}

crc32c_fn
crc32c_x86(void)
{
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("sse4.2") || !__builtin_cpu_supports("pclmul"))
        return NULL;
    if (shift.long_1 == 0) { /* first from a constructor: one thread */
        shift.long_2 = shift_constant(2 * LANE_LONG);
        shift.short_1 = shift_constant(LANE_SHORT);
        shift.short_2 = shift_constant(2 * LANE_SHORT);
        shift.long_1 = shift_constant(LANE_LONG);
    }
    return crc32c_sse42;
}

#else

crc32c_fn
crc32c_x86(void)
{
    return NULL;
}

#endif
