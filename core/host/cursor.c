/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "core/base/codec.h"
#include "core/base/crc32c.h"
#include "core/host/cursor.h"

#define CURSOR_SIZE 16 /* "tcur", crc32c of the rest, position */

uint64_t
cursor_load(const struct io *io, int dirfd, const char *name)
{
    int fd = io->open(io->arg, dirfd, name, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return 0;
    char b[CURSOR_SIZE];
    ssize_t n = io->pread(io->arg, fd, b, sizeof b, 0);
    (void)io->close(io->arg, fd);
    if (n != sizeof b || memcmp(b, "tcur", 4) != 0 ||
        le_get_u32(b + 4) != crc32c(0, b + 8, 8))
        return 0;
    return le_get_u64(b + 8);
}

int
cursor_store(const struct io *io, int dirfd, const char *name, uint64_t pos)
{
    char tmp[NAME_MAX + 8];
    (void)snprintf(tmp, sizeof tmp, "%s.new", name);
    int fd = io->open(io->arg, dirfd, tmp,
                      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return fd;
    char b[CURSOR_SIZE] = "tcur";
    le_put_u64(b + 8, pos);
    le_put_u32(b + 4, crc32c(0, b + 8, 8));
    struct iovec v = {b, sizeof b};
    ssize_t n = io->pwritev(io->arg, fd, &v, 1, 0);
    int r = n == sizeof b ? io->fdatasync(io->arg, fd) : n < 0 ? (int)n : -EIO;
    (void)io->close(io->arg, fd);
    if (r == 0)
        r = io->rename(io->arg, dirfd, tmp, name);
    return r;
}
