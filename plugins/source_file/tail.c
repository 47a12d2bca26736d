/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "tail.h"

#define FINGERPRINT_BYTES 256

struct tail {
    char *path;
    int fd;          /* −1: none */
    gzFile gz;       /* reads from 'fd' where it is compressed */
    uint64_t offset; /* of uncompressed bytes */
    dev_t device;
    ino_t inode;
    uint64_t fingerprint;
    size_t fingerprinted; /* bytes that it covers */
    int waited;           /* was at the end when last read */
    /* where to continue, once it is opened */
    int resume, to_end;
    char where[TAIL_WHERE_MAX];
    uint64_t resume_offset;
    char error[256];
};

static int
is_stdin(const struct tail *t)
{
    return strcmp(t->path, "-") == 0;
}

struct tail *
tail_new(const char *path)
{
    struct tail *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->fd = -1;
    t->path = strdup(path);
    if (t->path == NULL) {
        free(t);
        return NULL;
    }
    return t;
}

static void
close_file(struct tail *t)
{
    if (t->gz != NULL)
        (void)gzclose(t->gz);
    else if (t->fd > 0)
        (void)close(t->fd);
    t->gz = NULL;
    t->fd = -1;
    t->offset = 0;
    t->fingerprinted = 0;
}

void
tail_free(struct tail *t)
{
    if (t == NULL)
        return;
    close_file(t);
    free(t->path);
    free(t);
}

void
tail_resume(struct tail *t, const char *where, size_t n, uint64_t offset)
{
    t->resume = 1;
    t->to_end = 0;
    t->resume_offset = offset;
    n = n < sizeof t->where - 1 ? n : sizeof t->where - 1;
    memcpy(t->where, where, n);
    t->where[n] = '\0';
}

void
tail_skip_to_end(struct tail *t)
{
    t->to_end = !t->resume;
}

static int
failed(struct tail *t, const char *what, const char *why)
{
    (void)snprintf(t->error, sizeof t->error, "%s: %s: %s", t->path, what, why);
    return TAIL_FAILED;
}

/* FNV-1a: only to tell files apart. */
static uint64_t
hash(const unsigned char *p, size_t n)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 1099511628211u;
    return h;
}

/* Of the first 'n' bytes of a file, fewer if it is shorter. */
static uint64_t
fingerprint(int fd, size_t n, size_t *ret_n)
{
    unsigned char head[FINGERPRINT_BYTES];
    ssize_t got = pread(fd, head, n < sizeof head ? n : sizeof head, 0);
    *ret_n = got > 0 ? (size_t)got : 0;
    return hash(head, *ret_n);
}

static void
identify(struct tail *t)
{
    struct stat st;
    if (fstat(t->fd, &st) == 0) {
        t->device = st.st_dev;
        t->inode = st.st_ino;
    }
    t->fingerprint = fingerprint(t->fd, FINGERPRINT_BYTES, &t->fingerprinted);
}

size_t
tail_where(struct tail *t, char ret[TAIL_WHERE_MAX])
{
    if (is_stdin(t) || t->fd < 0)
        return 0;
    if (t->fingerprinted < FINGERPRINT_BYTES)
        identify(t); /* it has grown */
    int n =
        snprintf(ret, TAIL_WHERE_MAX, "%llx:%llx:%zx:%llx",
                 (unsigned long long)t->device, (unsigned long long)t->inode,
                 t->fingerprinted, (unsigned long long)t->fingerprint);
    return n > 0 ? (size_t)n : 0;
}

/* Is the file behind 'fd' the one that a position's 'where' names? */
static int
is_same(int fd, const char *where)
{
    unsigned long long device, inode, print;
    size_t n, got;
    struct stat st;
    if (sscanf(where, "%llx:%llx:%zx:%llx", &device, &inode, &n, &print) != 4)
        return 0;
    if (fstat(fd, &st) < 0 || (unsigned long long)st.st_dev != device ||
        (unsigned long long)st.st_ino != inode)
        return 0;
    return fingerprint(fd, n, &got) == print && got == n;
}

static int
open_path(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    if (fd >= 0 && (fstat(fd, &st) < 0 || S_ISDIR(st.st_mode))) {
        (void)close(fd);
        errno = EISDIR;
        return -1;
    }
    return fd;
}

/* The file of 'where' under another name in the same folder: it was rotated
 * while nobody looked. */
static int
open_rotated(const struct tail *t)
{
    char folder[PATH_MAX], path[PATH_MAX];
    (void)snprintf(folder, sizeof folder, "%s", t->path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        (void)snprintf(folder, sizeof folder, ".");
    else
        *(slash == folder ? slash + 1 : slash) = '\0';
    DIR *d = opendir(folder);
    if (d == NULL)
        return -1;
    int fd = -1;
    for (struct dirent *e = readdir(d); e != NULL && fd < 0; e = readdir(d)) {
        int n = snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (e->d_name[0] == '.' || n < 0 || (size_t)n >= sizeof path)
            continue;
        fd = open_path(path);
        if (fd >= 0 && !is_same(fd, t->where)) {
            (void)close(fd);
            fd = -1;
        }
    }
    (void)closedir(d);
    return fd;
}

static int
is_gzip(int fd)
{
    unsigned char magic[2];
    return pread(fd, magic, 2, 0) == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
}

static int
seek(struct tail *t, uint64_t offset)
{
    if (t->gz != NULL)
        return gzseek(t->gz, (z_off_t)offset, SEEK_SET) < 0 ? -1 : 0;
    return lseek(t->fd, (off_t)offset, SEEK_SET) < 0 ? -1 : 0;
}

static int
go_to_start(struct tail *t, int found)
{
    struct stat st;
    uint64_t offset = 0;
    if (t->resume && found)
        offset = t->resume_offset;
    else if (t->to_end && t->gz == NULL && fstat(t->fd, &st) == 0)
        offset = (uint64_t)st.st_size;
    t->resume = t->to_end = 0;
    if (offset > 0 && seek(t, offset) < 0)
        return failed(t, "can't continue where it was", strerror(errno));
    t->offset = offset;
    return TAIL_DATA;
}

static int
open_file(struct tail *t)
{
    if (is_stdin(t)) {
        t->fd = STDIN_FILENO;
        t->resume = 0;
        return TAIL_DATA;
    }
    int fd = open_path(t->path);
    int why = errno;
    int found = t->resume && fd >= 0 && is_same(fd, t->where);
    if (t->resume && !found) {
        int rotated = open_rotated(t);
        if (rotated >= 0) {
            if (fd >= 0)
                (void)close(fd);
            fd = rotated;
            found = 1;
        }
    }
    if (fd < 0)
        return why == ENOENT ? TAIL_MISSING
                             : failed(t, "can't be opened", strerror(why));
    t->fd = fd;
    identify(t);
    if (is_gzip(fd)) {
        t->gz = gzdopen(fd, "rb");
        if (t->gz == NULL) {
            close_file(t);
            return failed(t, "can't be read", "out of memory");
        }
    }
    return go_to_start(t, found);
}

/* Truncated in place (copytruncate): it begins anew. */
static int
begin_again(struct tail *t)
{
    identify(t);
    t->offset = 0;
    return seek(t, 0) < 0 ? failed(t, "can't be read again", strerror(errno))
                          : TAIL_AT_END;
}

/* A file that has waited at its end may have been truncated and written to
 * beyond that place since: its beginning tells. */
static int
was_rewritten(struct tail *t)
{
    size_t n;
    int waited = t->waited;
    t->waited = 0;
    return waited && fingerprint(t->fd, t->fingerprinted, &n) != t->fingerprint;
}

/* At the end of what the open file holds: is there more to come in it? */
static int
at_end(struct tail *t)
{
    struct stat now, open;
    int there = stat(t->path, &now) == 0;
    if (there && (now.st_dev != t->device || now.st_ino != t->inode)) {
        close_file(t);
        return TAIL_FINISHED;
    }
    if (t->gz != NULL)
        return TAIL_OVER;
    t->waited = 1;
    if (fstat(t->fd, &open) == 0 && (uint64_t)open.st_size < t->offset)
        return begin_again(t);
    return TAIL_AT_END;
}

static int
read_stdin(struct tail *t, char *buf, size_t size, size_t *ret_n)
{
    ssize_t n = read(t->fd, buf, size);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return TAIL_AT_END;
    if (n < 0)
        return failed(t, "can't be read", strerror(errno));
    t->offset += (uint64_t)n;
    *ret_n = (size_t)n;
    return n > 0 ? TAIL_DATA : TAIL_OVER;
}

int
tail_read(struct tail *t, char *buf, size_t size, size_t *ret_n)
{
    *ret_n = 0;
    if (t->fd < 0) {
        int r = open_file(t);
        if (r != TAIL_DATA)
            return r;
    }
    if (is_stdin(t))
        return read_stdin(t, buf, size, ret_n);
    long n;
    if (t->gz != NULL) {
        n = gzread(t->gz, buf, (unsigned)size);
        if (n < 0) {
            int code;
            return failed(t, "can't be unpacked", gzerror(t->gz, &code));
        }
    } else {
        if (was_rewritten(t) && begin_again(t) == TAIL_FAILED)
            return TAIL_FAILED;
        do
            n = (long)read(t->fd, buf, size);
        while (n < 0 && errno == EINTR);
        if (n < 0)
            return failed(t, "can't be read", strerror(errno));
    }
    if (n == 0)
        return at_end(t);
    t->offset += (uint64_t)n;
    *ret_n = (size_t)n;
    return TAIL_DATA;
}

const char *
tail_path(const struct tail *t)
{
    return t->path;
}

const char *
tail_error(const struct tail *t)
{
    return t->error;
}

uint64_t
tail_offset(const struct tail *t)
{
    return t->offset;
}

int
tail_is_open(const struct tail *t)
{
    return t->fd >= 0;
}
