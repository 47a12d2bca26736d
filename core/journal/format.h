/* SPDX-License-Identifier: Apache-2.0 */
/* format.h - segments and frames as bytes, little endian.
 *
 *   segment = head | prelude frames | zeros | frames
 *   frame   = head | payload | zeros up to a multiple of 8
 *
 * A segment's file is named by the position of its first frame and a number
 * that only grows; the frame at position p stands at offset
 * first_offset + (p - base).  The zeros make first_offset and base leave the
 * same rest when divided by the writer's sector.  Prelude frames (what is
 * sticky, and where each partition stood) have no position: they repeat what
 * was in force at 'base'. Where two segments overlap, the later one holds from
 * its base on.
 *
 * A frame's checksum covers its position and the segment's salt, so that old
 * bytes of another place are no frame here.  The head has one of its own: the
 * search for the next frame behind damage reads no payload. */
#ifndef TOCSIN_JOURNAL_FORMAT_H
#define TOCSIN_JOURNAL_FORMAT_H

#include "core/base/types.h"

#define SEGMENT_VERSION 1u
#define POSITION_FIRST UINT64_C(64) /* of an empty journal */

struct segment_head {
    char magic[8];
    uint32_t crc; /* of what follows */
    uint32_t version;
    uint64_t base;
    uint64_t first_offset; /* in the file, of the frame at 'base' */
    uint64_t salt;
    uint32_t seq;
    uint32_t prelude_end; /* offset behind the last of its frames */
    usec_t time;          /* journal time of the newest frame before */
    usec_t wall_us;       /* when it was made, for people */
};
_Static_assert(sizeof(struct segment_head) == 64, "journal format");

struct frame_head {
    uint32_t head_crc; /* of what follows, the position and the salt */
    uint32_t payload_crc;
    uint32_t length; /* of the payload, without padding */
    uint16_t type, flags;
    usec_t time;
    uint64_t synced; /* all before was durable when this was appended */
};
_Static_assert(sizeof(struct frame_head) == 32, "journal format");

/* The 'position' of prelude frames, for their checksum: this | offset. */
#define PRELUDE_POSITION (UINT64_C(1) << 63)

static inline uint64_t
frame_bytes(uint32_t length) /* with head and padding */
{
    return sizeof(struct frame_head) + (((uint64_t)length + 7) & ~UINT64_C(7));
}

void frame_seal(struct frame_head *h, uint64_t salt, uint64_t pos);
/* Is it a frame's head, and does the frame fit into 'room' bytes? */
bool frame_head_ok(const struct frame_head *h, uint64_t salt, uint64_t pos,
                   uint64_t room);
static inline const char *
frame_payload(const struct frame_head *h)
{
    return (const char *)(h + 1);
}
bool frame_payload_ok(const struct frame_head *h);

void segment_seal(struct segment_head *h);
bool segment_head_ok(const struct segment_head *h, uint64_t base, uint32_t seq,
                     uint64_t file_size);

#define SEGMENT_NAME_MAX 48
/* "0000000000000040-00000001.seg" */
void segment_name(uint64_t base, uint32_t seq, const char *suffix,
                  char ret[static SEGMENT_NAME_MAX]);
/* Is it the name of a segment, followed by exactly 'suffix'? */
bool segment_name_parse(const char *name, const char *suffix,
                        uint64_t *ret_base, uint32_t *ret_seq);

#endif
