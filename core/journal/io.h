/* SPDX-License-Identifier: Apache-2.0 */
/* io.h - all file I/O of journal and checkpoints, as one table that a test
 * can replace: to count, to fail the n-th call, to cut the power. */
#ifndef TOCSIN_JOURNAL_IO_H
#define TOCSIN_JOURNAL_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Each returns as the system call of its name, but negative errno instead of
 * errno.  Paths are relative to 'dirfd'. */
struct io {
    void *arg; /* handed to each */
    int (*open)(void *arg, int dirfd, const char *path, int flags, int mode);
    int (*close)(void *arg, int fd);
    ssize_t (*pwritev)(void *arg, int fd, const struct iovec *v, int n,
                       off_t offset);
    ssize_t (*pread)(void *arg, int fd, void *p, size_t n, off_t offset);
    int (*fdatasync)(void *arg, int fd);
    int (*fsync)(void *arg, int fd); /* directories too */
    int (*ftruncate)(void *arg, int fd, off_t size);
    int (*fallocate)(void *arg, int fd, off_t size); /* -EOPNOTSUPP is fine */
    int64_t (*size)(void *arg, int fd);
    int (*rename)(void *arg, int dirfd, const char *from, const char *to);
    int (*unlink)(void *arg, int dirfd, const char *path);
    int (*mkdir)(void *arg, int dirfd, const char *path, int mode);
    /* Calls 'fn' for each entry, in no order; stops at its first nonzero. */
    int (*list)(void *arg, int dirfd, int (*fn)(void *fn_arg, const char *name),
                void *fn_arg);
    int (*lock)(void *arg, int fd); /* flock(2), exclusive, never waits */
};

extern const struct io io_posix;

#endif
