/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h - a fast 64-bit hash of short keys, by multiply and fold.
 *
 * The seed is fixed and reads are little-endian: the same key has the same
 * hash in every run and on every machine, because results (and their order)
 * must be the same.  It's no defence against chosen keys: tables that take
 * keys from outside are bounded.  Thread: any. */
#ifndef TOCSIN_BASE_HASH_H
#define TOCSIN_BASE_HASH_H
#include "core/base/types.h"

extern const uint64_t hash_seed;

uint64_t hash_bytes(const void *p, size_t n);

static inline uint64_t
hash_slice(struct slice s)
{
    return hash_bytes(s.p, s.n);
}

/* 64 x 64 -> 128 bits, both halves folded into one. */
static inline uint64_t
hash_fold_(uint64_t a, uint64_t b)
{
    unsigned __int128 m = (unsigned __int128)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* Combines two hashes or numbers; the order matters. */
static inline uint64_t
hash_mix(uint64_t a, uint64_t b)
{
    return hash_fold_(a ^ UINT64_C(0x9e3779b97f4a7c15),
                      b ^ UINT64_C(0xd1b54a32d192ed03)) +
           (a << 1 | a >> 63);
}

static inline uint64_t
hash_u64(uint64_t v)
{
    return hash_mix(UINT64_C(0x8bb84b93962eacc9), v);
}

#endif
