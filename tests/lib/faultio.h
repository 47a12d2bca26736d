/* SPDX-License-Identifier: Apache-2.0 */
/* faultio.h - a disk in memory, for struct io: it can fail, fill up, and lose
 * power.
 *
 * It has one directory (any path opened with O_DIRECTORY is it).  It knows
 * what is durable and what is not: data that fdatasync() or fsync() of the file
 * covered, names that fsync() of the directory covered.  Data that a failed
 * sync covered may be lost for ever: a later sync does not save it.
 *
 * Not for several threads at once.  Everything follows from the seeds. */
#ifndef TOCSIN_TESTS_FAULTIO_H
#define TOCSIN_TESTS_FAULTIO_H

#include <stdbool.h>

#include "core/journal/io.h"

enum faultio_call {
    FAULTIO_OPEN,
    FAULTIO_CLOSE,
    FAULTIO_PWRITEV,
    FAULTIO_PREAD,
    FAULTIO_FDATASYNC,
    FAULTIO_FSYNC,
    FAULTIO_FTRUNCATE,
    FAULTIO_FALLOCATE,
    FAULTIO_SIZE,
    FAULTIO_RENAME,
    FAULTIO_UNLINK,
    FAULTIO_MKDIR,
    FAULTIO_LIST,
    FAULTIO_LOCK,
    FAULTIO_ANY, /* and how many there are */
};
const char *faultio_call_name(enum faultio_call call);

struct faultio;
/* capacity_bytes: of all files; 0: no bound.  Aborts for want of memory. */
struct faultio *faultio_new(uint64_t seed, uint64_t capacity_bytes);
void faultio_free(struct faultio *d);
const struct io *faultio_io(struct faultio *d);
void faultio_set_capacity(struct faultio *d, uint64_t capacity_bytes);

/* From now on the n-th call (1: the next) of that kind returns -error, and if
 * 'sticky' all later ones do.  A failing write may leave some of its bytes.
 * n 0: none fails any more. */
void faultio_fail(struct faultio *d, enum faultio_call call, uint64_t n,
                  int error, bool sticky);
/* The same for writes: the n-th stops half-way and says so. */
void faultio_short_write(struct faultio *d, uint64_t n);
uint64_t faultio_calls(const struct faultio *d, enum faultio_call call);
/* How often a call was made to fail. */
uint64_t faultio_failed(const struct faultio *d);

/* Called before each call that changes something. */
void faultio_on_change(struct faultio *d, void (*fn)(void *arg), void *arg);

/* A disk as one may be found after the power was cut now: what is durable, and
 * of the rest whatever 'seed' says.  Writes are torn at 512 bytes and come in
 * any order or not at all, sizes may be there without the data, each name may
 * or may not be made, changed or gone. */
struct faultio *faultio_cut(const struct faultio *d, uint64_t seed);

/* The disk as the next process finds it after this one was killed: nothing is
 * lost, and nothing more is durable. */
struct faultio *faultio_kill(const struct faultio *d);

/* Files as they are, for a test that damages them. */
size_t faultio_files(const struct faultio *d);
const char *faultio_file(struct faultio *d, size_t i, char **ret_data,
                         size_t *ret_size);
void faultio_resize(struct faultio *d, size_t i, size_t size);
void faultio_put(struct faultio *d, const char *name, const char *data,
                 size_t size);
void faultio_remove(struct faultio *d, size_t i);

/* A small generator: the same seed gives the same numbers. */
uint64_t faultio_random(uint64_t *state);

#endif
