/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/base/crc32c.h"
#include "core/journal/format.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "heads are used in place");

#define MAGIC "TOCSINJ1"
#define TYPE_MAX 255u

static uint32_t
head_crc(const struct frame_head *h, uint64_t salt, uint64_t pos)
{
    char b[sizeof salt + sizeof pos + sizeof *h - sizeof h->head_crc];
    memcpy(b, &salt, 8);
    memcpy(b + 8, &pos, 8);
    memcpy(b + 16, (const char *)h + sizeof h->head_crc, sizeof b - 16);
    return crc32c(0, b, sizeof b);
}

void
frame_seal(struct frame_head *h, uint64_t salt, uint64_t pos)
{
    h->head_crc = head_crc(h, salt, pos);
}

bool
frame_head_ok(const struct frame_head *h, uint64_t salt, uint64_t pos,
              uint64_t room)
{
    return h->type != 0 && h->type <= TYPE_MAX && h->synced <= pos &&
           room >= sizeof *h && frame_bytes(h->length) <= room &&
           h->head_crc == head_crc(h, salt, pos);
}

bool
frame_payload_ok(const struct frame_head *h)
{
    return crc32c(0, frame_payload(h), h->length) == h->payload_crc;
}

static uint32_t
segment_crc(const struct segment_head *h)
{
    return crc32c(0, &h->version,
                  sizeof *h - offsetof(struct segment_head, version));
}

void
segment_seal(struct segment_head *h)
{
    memcpy(h->magic, MAGIC, sizeof h->magic);
    h->version = SEGMENT_VERSION;
    h->crc = segment_crc(h);
}

bool
segment_head_ok(const struct segment_head *h, uint64_t base, uint32_t seq,
                uint64_t file_size)
{
    return memcmp(h->magic, MAGIC, sizeof h->magic) == 0 &&
           h->crc == segment_crc(h) && h->version == SEGMENT_VERSION &&
           h->base == base && h->seq == seq && h->first_offset % 8 == 0 &&
           h->prelude_end >= sizeof *h && h->prelude_end <= h->first_offset &&
           h->first_offset <= file_size;
}

void
segment_name(uint64_t base, uint32_t seq, const char *suffix,
             char ret[static SEGMENT_NAME_MAX])
{
    (void)snprintf(ret, SEGMENT_NAME_MAX, "%016" PRIx64 "-%08" PRIx32 ".seg%s",
                   base, seq, suffix);
}

static bool
hex(const char *p, unsigned n, uint64_t *ret)
{
    uint64_t v = 0;
    for (; n > 0; n--, p++) {
        if (*p >= '0' && *p <= '9')
            v = v << 4 | (unsigned)(*p - '0');
        else if (*p >= 'a' && *p <= 'f')
            v = v << 4 | (unsigned)(*p - 'a' + 10);
        else
            return false;
    }
    *ret = v;
    return true;
}

bool
segment_name_parse(const char *name, const char *suffix, uint64_t *ret_base,
                   uint32_t *ret_seq)
{
    uint64_t base, seq;
    if (strlen(name) != 29 + strlen(suffix) || !hex(name, 16, &base) ||
        name[16] != '-' || !hex(name + 17, 8, &seq) ||
        strncmp(name + 25, ".seg", 4) != 0 || strcmp(name + 29, suffix) != 0)
        return false;
    if (base == 0 || base % 8 != 0 || base >= PRELUDE_POSITION)
        return false;
    *ret_base = base;
    *ret_seq = (uint32_t)seq;
    return true;
}
