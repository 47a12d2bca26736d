/* SPDX-License-Identifier: Apache-2.0 */
/* tail.h - one file that is read from a position on: plain or gzip, followed
 * through rotation and truncation.
 *
 * The position's 'where' names the file itself, "device:inode:fingerprint",
 * since a path may be another file tomorrow; the fingerprint is a hash of its
 * first bytes, since an inode's number is used again. */
#ifndef SOURCE_FILE_TAIL_H
#define SOURCE_FILE_TAIL_H
#include <stddef.h>
#include <stdint.h>

#define TAIL_WHERE_MAX 96

struct tail;

/* 'path' is copied; "-" is standard input. NULL: out of memory. */
struct tail *tail_new(const char *path);
void tail_free(struct tail *t);

/* Where the journal has it: continue there if that file can still be found
 * under the path or beside it (rotated), else at the beginning of what is
 * under the path now. */
void tail_resume(struct tail *t, const char *where, size_t n, uint64_t offset);
/* Starts at the end of what is there now. */
void tail_skip_to_end(struct tail *t);

/* What tail_read() found. */
#define TAIL_DATA 1
#define TAIL_AT_END 2   /* nothing more for now */
#define TAIL_FINISHED 3 /* this file is over, another one is at the path */
#define TAIL_OVER 6     /* it is over and can't grow: gzip, standard input */
#define TAIL_MISSING 4  /* there is no such file (now) */
#define TAIL_FAILED 5   /* see tail_error() */

/* Reads at most 'size' bytes.  After TAIL_FINISHED the next call goes on with
 * the path's newer file, from its beginning. */
int tail_read(struct tail *t, char *buf, size_t size, size_t *ret_n);

const char *tail_path(const struct tail *t);
const char *tail_error(const struct tail *t);
/* After the newest read. */
uint64_t tail_offset(const struct tail *t);
size_t tail_where(struct tail *t, char ret[TAIL_WHERE_MAX]);
int tail_is_open(const struct tail *t);
#endif
