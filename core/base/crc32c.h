/* SPDX-License-Identifier: Apache-2.0 */
/* crc32c.h - CRC-32C (Castagnoli), as iSCSI has it (RFC 3720, B.4).
 *
 * The fastest way that the processor has is chosen before main.  Thread:
 * any. */
#ifndef TOCSIN_BASE_CRC32C_H
#define TOCSIN_BASE_CRC32C_H
#include "core/base/types.h"

/* The checksum of what 'crc' is the checksum of, followed by these bytes.
 * Start with 0. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);

#endif
