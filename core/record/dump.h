/* SPDX-License-Identifier: Apache-2.0 */
/* dump.h - frames as lines of JSON, for people: `journal dump`. */
#ifndef TOCSIN_RECORD_DUMP_H
#define TOCSIN_RECORD_DUMP_H

#include "core/base/types.h"

struct buf;
struct frame;
struct schema;

/* Appends a line for the frame, and one for each record of a chunk, names
 * taken from 's' (the newest FRAME_SCHEMA before it; may be NULL).  A payload
 * that can't be read gives a line with an "error".  0, or buf_error(). */
MUST_CHECK int dump_frame(const struct frame *f, const struct schema *s,
                          struct buf *out);

#endif
