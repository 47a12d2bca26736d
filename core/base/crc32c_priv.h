/* SPDX-License-Identifier: Apache-2.0 */
/* crc32c_priv.h - the ways to compute it, for crc32c.c and its test. */
#ifndef TOCSIN_BASE_CRC32C_PRIV_H
#define TOCSIN_BASE_CRC32C_PRIV_H
#include "core/base/types.h"

typedef uint32_t (*crc32c_fn)(uint32_t crc, const void *p, size_t n);

struct crc32c_way {
    const char *name;
    crc32c_fn fn; /* as crc32c() */
};

/* The way number i that works on this machine, slowest first; false past the
 * last. */
bool crc32c_way(size_t i, struct crc32c_way *ret_way);

/* Tables: everywhere. */
uint32_t crc32c_portable(uint32_t crc, const void *p, size_t n);

/* The processor's instruction, or NULL if it has none (or the program was not
 * built for one). */
crc32c_fn crc32c_x86(void);
crc32c_fn crc32c_arm(void);

#endif
