/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/journal/io.h"

static int
result(int r)
{
    return r < 0 ? -errno : r;
}

static int
posix_open(void *arg, int dirfd, const char *path, int flags, int mode)
{
    (void)arg;
    return result(openat(dirfd, path, flags | O_CLOEXEC, mode));
}

static int
posix_close(void *arg, int fd)
{
    (void)arg;
    return result(close(fd));
}

static ssize_t
posix_pwritev(void *arg, int fd, const struct iovec *v, int n, off_t offset)
{
    (void)arg;
    ssize_t r = pwritev(fd, v, n, offset);
    return r < 0 ? -errno : r;
}

static ssize_t
posix_pread(void *arg, int fd, void *p, size_t n, off_t offset)
{
    (void)arg;
    ssize_t r = pread(fd, p, n, offset);
    return r < 0 ? -errno : r;
}

static int
posix_fdatasync(void *arg, int fd)
{
    (void)arg;
    return result(fdatasync(fd));
}

static int
posix_fsync(void *arg, int fd)
{
    (void)arg;
    return result(fsync(fd));
}

static int
posix_ftruncate(void *arg, int fd, off_t size)
{
    (void)arg;
    return result(ftruncate(fd, size));
}

/* fallocate(2), not posix_fallocate(3), which would write zeros where the file
 * system can't. */
static int
posix_fallocate_(void *arg, int fd, off_t size)
{
    (void)arg;
    return result(fallocate(fd, 0, 0, size));
}

static int64_t
posix_size(void *arg, int fd)
{
    (void)arg;
    struct stat st;
    return fstat(fd, &st) < 0 ? -errno : st.st_size;
}

static int
posix_rename(void *arg, int dirfd, const char *from, const char *to)
{
    (void)arg;
    return result(renameat(dirfd, from, dirfd, to));
}

static int
posix_unlink(void *arg, int dirfd, const char *path)
{
    (void)arg;
    return result(unlinkat(dirfd, path, 0));
}

static int
posix_mkdir(void *arg, int dirfd, const char *path, int mode)
{
    (void)arg;
    return result(mkdirat(dirfd, path, (mode_t)mode));
}

static int
posix_list(void *arg, int dirfd, int (*fn)(void *fn_arg, const char *name),
           void *fn_arg)
{
    (void)arg;
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        int e = -errno;
        if (fd >= 0)
            (void)close(fd);
        return e;
    }
    int r = 0;
    for (;;) {
        errno = 0;
        struct dirent *e = readdir(d);
        if (!e) {
            r = -errno;
            break;
        }
        r = fn(fn_arg, e->d_name);
        if (r != 0)
            break;
    }
    (void)closedir(d);
    return r;
}

static int
posix_lock(void *arg, int fd)
{
    (void)arg;
    return result(flock(fd, LOCK_EX | LOCK_NB));
}

const struct io io_posix = {
    .open = posix_open,
    .close = posix_close,
    .pwritev = posix_pwritev,
    .pread = posix_pread,
    .fdatasync = posix_fdatasync,
    .fsync = posix_fsync,
    .ftruncate = posix_ftruncate,
    .fallocate = posix_fallocate_,
    .size = posix_size,
    .rename = posix_rename,
    .unlink = posix_unlink,
    .mkdir = posix_mkdir,
    .list = posix_list,
    .lock = posix_lock,
};
