/* SPDX-License-Identifier: Apache-2.0 */
/* crc32c_arm.c - CRC-32C by the instructions of ARMv8. */
#include "config.h"

#include "core/base/crc32c_priv.h"

#if defined __aarch64__ && defined __linux__

#include <asm/hwcap.h>
#include <endian.h>
#include <sys/auxv.h>

/* In assembler, since compilers disagree on when <arm_acle.h> has it. */
static inline uint32_t
crc32cx(uint32_t crc, uint64_t word)
{
    __asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1"
            : "+r"(crc)
            : "r"(word));
    return crc;
}

static inline uint32_t
crc32cb(uint32_t crc, unsigned char byte)
{
    __asm__(".arch_extension crc\n\tcrc32cb %w0, %w0, %w1"
            : "+r"(crc)
            : "r"((uint32_t)byte));
    return crc;
}

static uint32_t
crc32c_armv8(uint32_t crc, const void *bytes, size_t n)
{
    const unsigned char *p = (const unsigned char *)bytes;
    crc = ~crc;
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
        crc = crc32cx(crc, le64toh(word));
    }
    for (; n > 0; p++, n--)
        crc = crc32cb(crc, *p);
    return ~crc;
}

crc32c_fn
crc32c_arm(void)
{
    return getauxval(AT_HWCAP) & HWCAP_CRC32 ? crc32c_armv8 : NULL;
}

#else

crc32c_fn
crc32c_arm(void)
{
    return NULL;
}

#endif
