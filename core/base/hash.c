/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <endian.h>

#include "core/base/hash.h"

const uint64_t hash_seed = UINT64_C(0x7473f31b6c8e944d);

/* Odd, half of their bits set, from the digits of pi and e. */
#define HASH_K1 UINT64_C(0x243f6a8885a308d3)
#define HASH_K2 UINT64_C(0xb7e151628aed2a6b)
#define HASH_K3 UINT64_C(0xa4093822299f31d1)

static inline uint64_t
read_u64(const unsigned char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return le64toh(v);
}

static inline uint64_t
read_u32(const unsigned char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return le32toh(v);
}

/* Sixteen bytes a step; two lanes, so that the multiplications overlap. */
static inline uint64_t
hash_long(const unsigned char *p, size_t n, uint64_t h)
{
    uint64_t other = HASH_K3;
    for (; n > 32; p += 32, n -= 32) {
        h = hash_fold_(read_u64(p) ^ HASH_K1, read_u64(p + 8) ^ h);
        other =
            hash_fold_(read_u64(p + 16) ^ HASH_K2, read_u64(p + 24) ^ other);
    }
    h ^= other;
    if (n > 16)
        h = hash_fold_(read_u64(p) ^ HASH_K1, read_u64(p + 8) ^ h);
    return h;
}

uint64_t
hash_bytes(const void *bytes, size_t n)
{
    const unsigned char *p = (const unsigned char *)bytes;
    uint64_t h = hash_seed, a = 0, b = 0;
    if (n > 16) {
        h = hash_long(p, n, h);
        a = read_u64(p + n - 16);
        b = read_u64(p + n - 8);
    } else if (n >= 8) {
        a = read_u64(p);
        b = read_u64(p + n - 8);
    } else if (n >= 4) {
        a = read_u32(p);
        b = read_u32(p + n - 4);
    } else if (n > 0) {
        a = (uint64_t)p[0] << 16 | (uint64_t)p[n / 2] << 8 | p[n - 1];
    }
    return hash_fold_(HASH_K3 ^ n, hash_fold_(a ^ HASH_K2, b ^ h) ^ HASH_K1);
}
