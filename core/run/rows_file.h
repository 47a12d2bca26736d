/* SPDX-License-Identifier: Apache-2.0 */
/* rows_file.h - the format of a checkpoint's file.
 *
 *   "tocsinC1" | frame …      frame: u32 crc32c, u32 length, body
 *   body: 'R' u64 node, varint key size, key, 'v' value   or 'd' (gone)
 *         'E' u64 position, u64 cause, u32 ordinal        (end mark)
 */
#ifndef TOCSIN_RUN_ROWS_FILE_H
#define TOCSIN_RUN_ROWS_FILE_H
#include "core/base/buf.h"
#include "core/base/types.h"
#include "core/engine/engine.h"
#include "core/journal/io.h"
#include "core/run/checkpoint.h"

#define ROWS_FILE_MAGIC "tocsinC1"
#define ROWS_FILE_MAGIC_SIZE 8

MUST_CHECK int rows_put_row(struct buf *b, const struct engine_row *row);
MUST_CHECK int rows_put_end(struct buf *b, const struct checkpoint_mark *m);

/* Reads frames from the start until 'limit' (0: the end, or the first that is
 * torn or damaged).  'row' may be NULL.  *ret_end: the offset after the last
 * end mark (0: none), *ret_mark: what it says.  0, or what 'row' returned, or
 * negative errno. */
MUST_CHECK int rows_file_read(const struct io *io, int fd, uint64_t limit,
                              int (*row)(void *arg, const struct engine_row *r),
                              void *arg, uint64_t *ret_end,
                              struct checkpoint_mark *ret_mark);
#endif
