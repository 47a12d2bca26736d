/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <endian.h>

#include "core/base/crc32c.h"
#include "core/base/crc32c_priv.h"

#define CRC32C_POLY 0x82f63b78u /* x^32 + x^28 + ..., bits reversed */

/* crc32c_table[k][b]: the effect of byte b with k zero bytes behind it. */
static uint32_t crc32c_table[8][256];
static crc32c_fn crc32c_chosen = crc32c_portable;

__attribute__((constructor)) static void
crc32c_prepare(void)
{
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t crc = b;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? CRC32C_POLY : 0);
        crc32c_table[0][b] = crc;
    }
    for (int k = 1; k < 8; k++)
        for (int b = 0; b < 256; b++) {
            uint32_t crc = crc32c_table[k - 1][b];
            crc32c_table[k][b] = crc >> 8 ^ crc32c_table[0][crc & 0xff];
        }
    struct crc32c_way way;
    for (size_t i = 0; crc32c_way(i, &way); i++)
        crc32c_chosen = way.fn;
}

uint32_t
crc32c_portable(uint32_t crc, const void *bytes, size_t n)
{
    const unsigned char *p = (const unsigned char *)bytes;
    crc = ~crc;
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
        word = le64toh(word) ^ crc;
        crc = 0;
        for (int k = 0; k < 8; k++)
            crc ^= crc32c_table[7 - k][word >> (8 * k) & 0xff];
    }
    for (; n > 0; p++, n--)
        crc = crc >> 8 ^ crc32c_table[0][(crc ^ *p) & 0xff];
    return ~crc;
}

bool
crc32c_way(size_t i, struct crc32c_way *ret_way)
{
    const struct crc32c_way all[] = {
        {"portable", crc32c_portable},
        {"x86", crc32c_x86()},
        {"arm", crc32c_arm()},
    };
    for (size_t k = 0; k < ARRAY_SIZE(all); k++) {
        if (all[k].fn != NULL && i-- == 0) {
            *ret_way = all[k];
            return true;
        }
    }
    return false;
}

uint32_t
crc32c(uint32_t crc, const void *p, size_t n)
{
    return crc32c_chosen(crc, p, n);
}
