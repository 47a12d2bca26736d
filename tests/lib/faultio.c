/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/faultio.h"

#define SECTOR 512u
#define FDS_MAX 64
#define NAME_BYTES 64
#define DIRECTORY_FD 1000

enum change_kind { WRITE, SIZE };

/* Not yet durable. */
struct change {
    enum change_kind kind;
    bool doomed; /* a sync of it failed */
    size_t offset, n;
    char *data; /* WRITE */
};

struct bytes {
    char *p;
    size_t n, cap;
};

struct inode {
    struct bytes now, durable;
    struct change *changes;
    size_t n_changes;
    unsigned fds;
};

struct entry {
    char name[NAME_BYTES];
    struct inode *inode;
};

struct names {
    struct entry *e;
    size_t n;
};

/* A change of the directory. */
struct dirop {
    char remove[NAME_BYTES]; /* or "" */
    char add[NAME_BYTES];    /* or "" */
    struct inode *inode;
};

struct fault {
    uint64_t n; /* 0: none */
    int error;
    bool sticky, on;
};

struct faultio {
    struct io io;
    uint64_t random, capacity;
    struct inode **inodes;
    size_t n_inodes;
    struct names now, durable;
    struct dirop *dirops;
    size_t n_dirops;
    struct inode *fds[FDS_MAX];
    struct fault faults[FAULTIO_ANY + 1];
    uint64_t short_write;
    uint64_t calls[FAULTIO_ANY + 1], failed;
    void (*on_change)(void *arg);
    void *on_change_arg;
};

static const char *const call_names[] = {
    "open",   "close",     "pwritev",   "pread", "fdatasync",
    "fsync",  "ftruncate", "fallocate", "size",  "rename",
    "unlink", "mkdir",     "list",      "lock",  "any",
};

const char *
faultio_call_name(enum faultio_call call)
{
    return call_names[call];
}

uint64_t
faultio_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void *
need(void *p)
{
    if (!p)
        abort();
    return p;
}

static void *
grown(void *p, size_t n, size_t bytes)
{
    return need(realloc(p, (n + 1) * bytes));
}

static void
bytes_resize(struct bytes *b, size_t n)
{
    if (n > b->cap) {
        b->cap = n * 2;
        b->p = need(realloc(b->p, b->cap));
    }
    if (n > b->n)
        memset(b->p + b->n, 0, n - b->n);
    b->n = n;
}

static void
bytes_write(struct bytes *b, size_t offset, const char *p, size_t n)
{
    if (offset + n > b->n)
        bytes_resize(b, offset + n);
    if (n > 0)
        memcpy(b->p + offset, p, n);
}

static struct inode *
inode_new(struct faultio *d)
{
    struct inode *i = need(calloc(1, sizeof *i));
    d->inodes = grown(d->inodes, d->n_inodes, sizeof *d->inodes);
    d->inodes[d->n_inodes++] = i;
    return i;
}

static void
inode_change(struct inode *i, enum change_kind kind, size_t offset,
             const char *p, size_t n)
{
    i->changes = grown(i->changes, i->n_changes, sizeof *i->changes);
    struct change *c = &i->changes[i->n_changes++];
    *c = (struct change){.kind = kind, .offset = offset, .n = n};
    if (kind == WRITE) {
        c->data = need(malloc(n ? n : 1));
        if (n > 0)
            memcpy(c->data, p, n);
    }
}

static size_t
names_find(const struct names *t, const char *name)
{
    size_t i = 0;
    while (i < t->n && strcmp(t->e[i].name, name) != 0)
        i++;
    return i;
}

static void
names_remove(struct names *t, const char *name)
{
    size_t i = names_find(t, name);
    if (i == t->n)
        return;
    t->e[i] = t->e[--t->n];
}

static void
names_add(struct names *t, const char *name, struct inode *inode)
{
    names_remove(t, name);
    t->e = grown(t->e, t->n, sizeof *t->e);
    (void)snprintf(t->e[t->n].name, NAME_BYTES, "%s", name);
    t->e[t->n++].inode = inode;
}

static void
names_apply(struct names *t, const struct dirop *op)
{
    if (op->remove[0] != '\0')
        names_remove(t, op->remove);
    if (op->add[0] != '\0')
        names_add(t, op->add, op->inode);
}

static void
dirop_do(struct faultio *d, const char *remove, const char *add,
         struct inode *inode)
{
    d->dirops = grown(d->dirops, d->n_dirops, sizeof *d->dirops);
    struct dirop *op = &d->dirops[d->n_dirops++];
    *op = (struct dirop){.inode = inode};
    (void)snprintf(op->remove, NAME_BYTES, "%s", remove);
    (void)snprintf(op->add, NAME_BYTES, "%s", add);
    names_apply(&d->now, op);
}

/* ---- failing */

static int
enter(struct faultio *d, enum faultio_call call, bool changes)
{
    const enum faultio_call both[] = {call, FAULTIO_ANY};
    int error = 0;
    if (changes && d->on_change)
        d->on_change(d->on_change_arg);
    for (int i = 0; i < 2; i++) {
        struct fault *f = &d->faults[both[i]];
        d->calls[both[i]]++;
        if (f->on || (f->n > 0 && --f->n == 0)) {
            f->on = f->sticky;
            error = f->error;
        }
    }
    d->failed += error != 0;
    return -error;
}

void
faultio_fail(struct faultio *d, enum faultio_call call, uint64_t n, int error,
             bool sticky)
{
    d->faults[call] = (struct fault){n, error, sticky, false};
}

void
faultio_short_write(struct faultio *d, uint64_t n)
{
    d->short_write = n;
}

uint64_t
faultio_calls(const struct faultio *d, enum faultio_call call)
{
    return d->calls[call];
}

uint64_t
faultio_failed(const struct faultio *d)
{
    return d->failed;
}

void
faultio_on_change(struct faultio *d, void (*fn)(void *arg), void *arg)
{
    d->on_change = fn;
    d->on_change_arg = arg;
}

/* Bytes that files may still grow by. */
static size_t
room(const struct faultio *d)
{
    uint64_t used = 0;
    if (d->capacity == 0)
        return SIZE_MAX;
    for (size_t i = 0; i < d->n_inodes; i++) {
        const struct inode *x = d->inodes[i];
        bool live = x->fds > 0;
        for (size_t k = 0; k < d->now.n && !live; k++)
            live = d->now.e[k].inode == x;
        used += live ? x->now.n : 0;
    }
    return used < d->capacity ? (size_t)(d->capacity - used) : 0;
}

/* ---- the calls */

static int
fault_open(void *arg, int dirfd, const char *path, int flags, int mode)
{
    struct faultio *d = arg;
    (void)dirfd;
    (void)mode;
    int r = enter(d, FAULTIO_OPEN, (flags & O_CREAT) != 0);
    if (r < 0)
        return r;
    if (flags & O_DIRECTORY)
        return DIRECTORY_FD;
    size_t i = names_find(&d->now, path);
    if (i < d->now.n && (flags & O_EXCL))
        return -EEXIST;
    if (i == d->now.n && !(flags & O_CREAT))
        return -ENOENT;
    if (i == d->now.n)
        dirop_do(d, "", path, inode_new(d));
    for (int fd = 0; fd < FDS_MAX; fd++) {
        if (d->fds[fd])
            continue;
        d->fds[fd] = d->now.e[names_find(&d->now, path)].inode;
        d->fds[fd]->fds++;
        return fd;
    }
    return -EMFILE;
}

static struct inode *
inode_of(struct faultio *d, int fd)
{
    if (fd < 0 || fd >= FDS_MAX || !d->fds[fd])
        abort(); /* a descriptor that is not open */
    return d->fds[fd];
}

static int
fault_close(void *arg, int fd)
{
    struct faultio *d = arg;
    int r = enter(d, FAULTIO_CLOSE, false);
    if (fd == DIRECTORY_FD)
        return r;
    inode_of(d, fd)->fds--;
    d->fds[fd] = NULL;
    return r;
}

static ssize_t
fault_pwritev(void *arg, int fd, const struct iovec *v, int n, off_t offset)
{
    struct faultio *d = arg;
    int r = enter(d, FAULTIO_PWRITEV, true);
    struct inode *inode = inode_of(d, fd);
    size_t want = 0, at = (size_t)offset, done = 0;
    for (int i = 0; i < n; i++)
        want += v[i].iov_len;
    size_t let = want;
    if (r < 0)
        let = faultio_random(&d->random) % (want + 1);
    else if (d->short_write > 0 && --d->short_write == 0)
        let = want / 2;
    size_t old = inode->now.n, free_bytes = room(d);
    if (at + let > old && at + let - old > free_bytes)
        let = at < old + free_bytes ? old + free_bytes - at : 0;
    for (int i = 0; i < n && done < let; i++) {
        size_t k = v[i].iov_len < let - done ? v[i].iov_len : let - done;
        bytes_write(&inode->now, at + done, v[i].iov_base, k);
        inode_change(inode, WRITE, at + done, v[i].iov_base, k);
        done += k;
    }
    if (r < 0)
        return r;
    return done == 0 && want > 0 ? -ENOSPC : (ssize_t)done;
}

static ssize_t
fault_pread(void *arg, int fd, void *p, size_t n, off_t offset)
{
    struct faultio *d = arg;
    int r = enter(d, FAULTIO_PREAD, false);
    if (r < 0)
        return r;
    const struct inode *inode = inode_of(d, fd);
    size_t at = (size_t)offset;
    if (at >= inode->now.n)
        return 0;
    n = n < inode->now.n - at ? n : inode->now.n - at;
    memcpy(p, inode->now.p + at, n);
    return (ssize_t)n;
}

static void
change_apply(struct bytes *b, const struct change *c)
{
    if (c->kind == WRITE)
        bytes_write(b, c->offset, c->data, c->n);
    else
        bytes_resize(b, c->n);
}

/* Names go through the file system's log: a later sync saves them too. */
static int
sync_directory(struct faultio *d, int r)
{
    if (r < 0)
        return r;
    for (size_t i = 0; i < d->n_dirops; i++)
        names_apply(&d->durable, &d->dirops[i]);
    d->n_dirops = 0;
    return 0;
}

static int
sync_file(struct faultio *d, int fd, int r)
{
    struct inode *inode = inode_of(d, fd);
    size_t k = 0;
    for (size_t i = 0; i < inode->n_changes; i++) {
        struct change *c = &inode->changes[i];
        if (r < 0)
            c->doomed = true;
        if (c->doomed) {
            inode->changes[k++] = *c;
            continue;
        }
        change_apply(&inode->durable, c);
        free(c->data);
    }
    inode->n_changes = k;
    return r;
}

static int
fault_fdatasync(void *arg, int fd)
{
    struct faultio *d = arg;
    return sync_file(d, fd, enter(d, FAULTIO_FDATASYNC, true));
}

static int
fault_fsync(void *arg, int fd)
{
    struct faultio *d = arg;
    int r = enter(d, FAULTIO_FSYNC, true);
    return fd == DIRECTORY_FD ? sync_directory(d, r) : sync_file(d, fd, r);
}

static int
fault_ftruncate(void *arg, int fd, off_t size)
{
    struct faultio *d = arg;
    int r = enter(d, FAULTIO_FTRUNCATE, true);
    if (r < 0)
        return r;
    struct inode *inode = inode_of(d, fd);
    bytes_resize(&inode->now, (size_t)size);
    inode_change(inode, SIZE, 0, NULL, (size_t)size);
    return 0;
}

static int
fault_fallocate(void *arg, int fd, off_t size)
{
    struct faultio *d = arg;
    int r = enter(d, FAULTIO_FALLOCATE, true);
    if (r < 0)
        return r;
    struct inode *inode = inode_of(d, fd);
    if ((size_t)size <= inode->now.n)
        return 0;
    if ((size_t)size - inode->now.n > room(d))
        return -ENOSPC;
    bytes_resize(&inode->now, (size_t)size);
    inode_change(inode, SIZE, 0, NULL, (size_t)size);
    return 0;
}

static int64_t
fault_size(void *arg, int fd)
{
    struct faultio *d = arg;
    int r = enter(d, FAULTIO_SIZE, false);
    return r < 0 ? r : (int64_t)inode_of(d, fd)->now.n;
}

static int
fault_rename(void *arg, int dirfd, const char *from, const char *to)
{
    struct faultio *d = arg;
    (void)dirfd;
    int r = enter(d, FAULTIO_RENAME, true);
    size_t i = names_find(&d->now, from);
    if (r == 0 && i == d->now.n)
        r = -ENOENT;
    if (r == 0)
        dirop_do(d, from, to, d->now.e[i].inode);
    return r;
}

static int
fault_unlink(void *arg, int dirfd, const char *path)
{
    struct faultio *d = arg;
    (void)dirfd;
    int r = enter(d, FAULTIO_UNLINK, true);
    if (r == 0 && names_find(&d->now, path) == d->now.n)
        r = -ENOENT;
    if (r == 0)
        dirop_do(d, path, "", NULL);
    return r;
}

static int
fault_mkdir(void *arg, int dirfd, const char *path, int mode)
{
    (void)dirfd;
    (void)path;
    (void)mode;
    return enter(arg, FAULTIO_MKDIR, true);
}

static int
fault_list(void *arg, int dirfd, int (*fn)(void *fn_arg, const char *name),
           void *fn_arg)
{
    struct faultio *d = arg;
    (void)dirfd;
    int r = enter(d, FAULTIO_LIST, false);
    for (size_t i = 0; i < d->now.n && r == 0; i++)
        r = fn(fn_arg, d->now.e[i].name);
    return r;
}

static int
fault_lock(void *arg, int fd)
{
    (void)fd;
    return enter(arg, FAULTIO_LOCK, false);
}

/* ---- the disk */

struct faultio *
faultio_new(uint64_t seed, uint64_t capacity_bytes)
{
    struct faultio *d = need(calloc(1, sizeof *d));
    d->random = seed;
    d->capacity = capacity_bytes;
    d->io = (struct io){
        .arg = d,
        .open = fault_open,
        .close = fault_close,
        .pwritev = fault_pwritev,
        .pread = fault_pread,
        .fdatasync = fault_fdatasync,
        .fsync = fault_fsync,
        .ftruncate = fault_ftruncate,
        .fallocate = fault_fallocate,
        .size = fault_size,
        .rename = fault_rename,
        .unlink = fault_unlink,
        .mkdir = fault_mkdir,
        .list = fault_list,
        .lock = fault_lock,
    };
    return d;
}

void
faultio_free(struct faultio *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->n_inodes; i++) {
        struct inode *x = d->inodes[i];
        for (size_t k = 0; k < x->n_changes; k++)
            free(x->changes[k].data);
        free(x->changes);
        free(x->now.p);
        free(x->durable.p);
        free(x);
    }
    free(d->inodes);
    free(d->now.e);
    free(d->durable.e);
    free(d->dirops);
    free(d);
}

const struct io *
faultio_io(struct faultio *d)
{
    return &d->io;
}

void
faultio_set_capacity(struct faultio *d, uint64_t capacity_bytes)
{
    d->capacity = capacity_bytes;
}

/* ---- the power cut */

/* How a set of changes came through. */
enum fate { ALL, NONE, PREFIX, SOME, FATES };

struct survival {
    enum fate fate;
    size_t prefix;
};

static struct survival
survival(uint64_t *random, size_t n)
{
    enum fate fate = (enum fate)(faultio_random(random) % FATES);
    size_t prefix = (size_t)(faultio_random(random) % (n + 1));
    return (struct survival){fate, prefix};
}

static bool
survives(const struct survival *s, size_t i, uint64_t *random)
{
    switch (s->fate) {
    case ALL:
        return true;
    case NONE:
        return false;
    case PREFIX:
        return i < s->prefix;
    default:
        return faultio_random(random) % 2;
    }
}

/* A write of which each sector came through or not. */
static void
write_torn(struct bytes *b, const struct change *c, uint64_t *random)
{
    unsigned mode = faultio_random(random) % 3; /* whole, front, any */
    size_t front = (size_t)(faultio_random(random) % (c->n / SECTOR + 2));
    bool grow = faultio_random(random) % 2;
    for (size_t at = c->offset, k = 0; at < c->offset + c->n; k++) {
        size_t end = (at / SECTOR + 1) * SECTOR;
        end = end < c->offset + c->n ? end : c->offset + c->n;
        bool there = mode == 0 || (mode == 1 && k < front) ||
                     (mode == 2 && faultio_random(random) % 2);
        if (there)
            bytes_write(b, at, c->data + (at - c->offset), end - at);
        else if (grow && end > b->n)
            bytes_resize(b, end); /* the size without the data */
        at = end;
    }
}

static void
cut_inode(const struct inode *from, struct inode *to, uint64_t *random)
{
    struct bytes *b = &to->durable;
    bytes_write(b, 0, from->durable.p, from->durable.n);
    struct survival s = survival(random, from->n_changes);
    for (size_t i = 0; i < from->n_changes; i++) {
        const struct change *c = &from->changes[i];
        if (!survives(&s, i, random))
            continue;
        if (c->kind == WRITE && s.fate != ALL)
            write_torn(b, c, random);
        else
            change_apply(b, c);
    }
    bytes_write(&to->now, 0, b->p, b->n);
}

static void
copy_inode(const struct inode *from, struct inode *to)
{
    bytes_write(&to->now, 0, from->now.p, from->now.n);
    bytes_write(&to->durable, 0, from->durable.p, from->durable.n);
    for (size_t i = 0; i < from->n_changes; i++) {
        const struct change *c = &from->changes[i];
        inode_change(to, c->kind, c->offset, c->data, c->n);
        to->changes[i].doomed = c->doomed;
    }
}

static struct inode *
inode_in(const struct faultio *c, const struct faultio *d,
         const struct inode *inode)
{
    size_t k = 0;
    while (d->inodes[k] != inode)
        k++;
    return c->inodes[k];
}

struct faultio *
faultio_cut(const struct faultio *d, uint64_t seed)
{
    uint64_t random = seed;
    struct faultio *c = faultio_new(seed, d->capacity);
    struct names names = {0};
    for (size_t i = 0; i < d->n_inodes; i++)
        (void)inode_new(c);
    for (size_t i = 0; i < d->durable.n; i++)
        names_add(&names, d->durable.e[i].name, d->durable.e[i].inode);
    struct survival s = survival(&random, d->n_dirops);
    for (size_t i = 0; i < d->n_dirops; i++)
        if (survives(&s, i, &random))
            names_apply(&names, &d->dirops[i]);
    for (size_t i = 0; i < names.n; i++) {
        struct inode *inode = inode_in(c, d, names.e[i].inode);
        cut_inode(names.e[i].inode, inode, &random);
        names_add(&c->now, names.e[i].name, inode);
        names_add(&c->durable, names.e[i].name, inode);
    }
    free(names.e);
    return c;
}

struct faultio *
faultio_kill(const struct faultio *d)
{
    struct faultio *c = faultio_new(d->random, d->capacity);
    for (size_t i = 0; i < d->n_inodes; i++)
        copy_inode(d->inodes[i], inode_new(c));
    for (size_t i = 0; i < d->now.n; i++)
        names_add(&c->now, d->now.e[i].name, inode_in(c, d, d->now.e[i].inode));
    for (size_t i = 0; i < d->durable.n; i++)
        names_add(&c->durable, d->durable.e[i].name,
                  inode_in(c, d, d->durable.e[i].inode));
    for (size_t i = 0; i < d->n_dirops; i++) {
        c->dirops = grown(c->dirops, i, sizeof *c->dirops);
        c->dirops[i] = d->dirops[i];
        if (d->dirops[i].inode)
            c->dirops[i].inode = inode_in(c, d, d->dirops[i].inode);
        c->n_dirops = i + 1;
    }
    return c;
}

/* ---- damage */

size_t
faultio_files(const struct faultio *d)
{
    return d->now.n;
}

const char *
faultio_file(struct faultio *d, size_t i, char **ret_data, size_t *ret_size)
{
    *ret_data = d->now.e[i].inode->now.p;
    *ret_size = d->now.e[i].inode->now.n;
    return d->now.e[i].name;
}

void
faultio_resize(struct faultio *d, size_t i, size_t size)
{
    bytes_resize(&d->now.e[i].inode->now, size);
}

void
faultio_put(struct faultio *d, const char *name, const char *data, size_t size)
{
    struct inode *inode = inode_new(d);
    bytes_write(&inode->now, 0, data, size);
    names_add(&d->now, name, inode);
}

void
faultio_remove(struct faultio *d, size_t i)
{
    names_remove(&d->now, d->now.e[i].name);
}
