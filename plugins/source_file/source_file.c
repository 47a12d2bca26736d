/* SPDX-License-Identifier: Apache-2.0 */
/* source_file.c - reads files: globs, standard input, followed as they grow
 * and rotate, gzip.  Each file is a partition, named by its path. */
#include "config.h"

#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tocsin/plugin.h>

#include "tail.h"

#define READ_BYTES ((size_t)256 * 1024)
#define LOOK_MS 100                  /* at followed files for more */
#define RESCAN_US ((int64_t)1000000) /* at globs for new files */
#define FILES_MAX 65536

struct options {
    struct tocsin_list path;
    int32_t follow;
    int32_t start; /* 0 beginning, 1 end */
};

struct file {
    struct tail *tail;
    uint32_t partition;
    int over;      /* finished for good */
    int caught_up; /* told so */
    int down;      /* told so */
};

struct source {
    const struct tocsin_host *host;
    struct tocsin_ctx *ctx;
    const struct options *o;
    struct file *files;
    size_t n_files, next; /* whose turn it is */
    int64_t rescan_us;
    int first_scan;
    char *buf;
    char where[TAIL_WHERE_MAX];
    int told_end;
};

static const char *
option_path(const struct source *s, size_t i)
{
    return ((const char *const *)s->o->path.items)[i];
}

static int
create(void **ret, const struct tocsin_host *host, struct tocsin_ctx *ctx,
       const void *options)
{
    struct source *s = calloc(1, sizeof *s);
    char *buf = malloc(READ_BYTES);
    if (s == NULL || buf == NULL) {
        free(s);
        free(buf);
        return host->fail(ctx, "out of memory");
    }
    s->host = host;
    s->ctx = ctx;
    s->o = options;
    s->buf = buf;
    for (size_t i = 0; i < s->o->path.n; i++) {
        const char *path = option_path(s, i);
        if (path[0] != '\0')
            continue;
        free(buf);
        free(s);
        return host->fail(ctx, "path: an empty path");
    }
    *ret = s;
    return 0;
}

static void
files_clear(struct source *s)
{
    for (size_t i = 0; i < s->n_files; i++)
        tail_free(s->files[i].tail);
    free(s->files);
    s->files = NULL;
    s->n_files = s->next = 0;
}

static void
destroy(void *instance)
{
    struct source *s = instance;
    files_clear(s);
    free(s->buf);
    free(s);
}

static struct file *
file_find(struct source *s, uint32_t partition)
{
    for (size_t i = 0; i < s->n_files; i++)
        if (s->files[i].partition == partition)
            return &s->files[i];
    return NULL;
}

static struct file *
file_add(struct source *s, const char *path)
{
    uint32_t id = s->host->partition(s->ctx, path, strlen(path));
    struct file *f = file_find(s, id);
    if (f != NULL)
        return f;
    if (s->n_files == FILES_MAX)
        return NULL;
    struct file *files =
        realloc(s->files, (s->n_files + 1) * sizeof s->files[0]);
    struct tail *tail = files != NULL ? tail_new(path) : NULL;
    if (files != NULL)
        s->files = files;
    if (tail == NULL)
        return NULL;
    f = &s->files[s->n_files++];
    *f = (struct file){.tail = tail, .partition = id};
    return f;
}

/* Adds the files that match by now, in the order of their names. */
static int
scan(struct source *s)
{
    for (size_t i = 0; i < s->o->path.n; i++) {
        const char *path = option_path(s, i);
        glob_t g = {0};
        int r = strcmp(path, "-") == 0 ? GLOB_NOMATCH : glob(path, 0, NULL, &g);
        size_t n = r == 0 ? g.gl_pathc : 1;
        for (size_t k = 0; k < n; k++) {
            const char *name = r == 0 ? g.gl_pathv[k] : path;
            size_t before = s->n_files;
            /* A pattern without a match yet is no file. */
            if (r != 0 && strpbrk(path, "*?[") != NULL)
                continue;
            struct file *f = file_add(s, name);
            if (f == NULL) {
                globfree(&g);
                return s->host->fail(s->ctx, "too many files, or no memory");
            }
            if (s->n_files > before && s->first_scan && s->o->start == 1)
                tail_skip_to_end(f->tail);
        }
        globfree(&g);
    }
    s->first_scan = 0;
    s->rescan_us = s->host->boot_us(s->ctx) + RESCAN_US;
    return 0;
}

static int
open_(void *instance, const struct tocsin_start *starts, size_t n)
{
    struct source *s = instance;
    files_clear(s);
    s->told_end = 0;
    s->first_scan = 1;
    for (size_t i = 0; i < n; i++) {
        char path[4096];
        if (starts[i].name_size >= sizeof path)
            continue;
        memcpy(path, starts[i].name, starts[i].name_size);
        path[starts[i].name_size] = '\0';
        struct file *f = file_add(s, path);
        if (f == NULL)
            return s->host->fail(s->ctx, "out of memory");
        tail_resume(f->tail, starts[i].position.where,
                    starts[i].position.where_size, starts[i].position.offset);
    }
    return scan(s);
}

static int
give_chunk(struct source *s, struct file *f, size_t n, uint32_t flags,
           struct tocsin_chunk *ret)
{
    ret->flags = flags;
    ret->partition = f->partition;
    ret->data = s->buf;
    ret->size = n;
    ret->next.offset = tail_offset(f->tail);
    ret->next.where = s->where;
    ret->next.where_size = tail_where(f->tail, s->where);
    f->caught_up = f->down = 0;
    return TOCSIN_CHUNK;
}

/* The stream ends here: its last, unfinished line is all there is of it. */
static int
give_last(struct source *s, struct file *f, int over, struct tocsin_chunk *ret)
{
    f->over = over;
    return give_chunk(s, f, 0, TOCSIN_CHUNK_LAST, ret);
}

/* A status for the host, or 0 where there is nothing new to say. */
static int
file_read(struct source *s, struct file *f, struct tocsin_chunk *ret)
{
    size_t n;
    ret->partition = f->partition;
    if (f->over == 1) { /* its last chunk was taken */
        f->over = 2;
        return TOCSIN_OVER;
    }
    switch (f->over ? TAIL_AT_END
                    : tail_read(f->tail, s->buf, READ_BYTES, &n)) {
    case TAIL_DATA:
        return give_chunk(s, f, n, 0, ret);
    case TAIL_FINISHED:
        return give_last(s, f, !s->o->follow, ret);
    case TAIL_OVER:
        return give_last(s, f, 1, ret);
    case TAIL_AT_END:
        if (f->over)
            return 0;
        if (!s->o->follow)
            return give_last(s, f, 1, ret);
        if (f->caught_up)
            return 0;
        f->caught_up = 1;
        return TOCSIN_CAUGHT_UP;
    case TAIL_MISSING:
        if (!s->o->follow && !f->down) {
            char why[4200];
            (void)snprintf(why, sizeof why, "%s: there is no such file",
                           tail_path(f->tail));
            s->host->log(s->ctx, TOCSIN_LOG_ERROR, why);
            f->over = 1;
            return 0;
        }
        if (f->caught_up)
            return 0;
        f->caught_up = 1; /* nothing there is nothing to wait for */
        return TOCSIN_CAUGHT_UP;
    default:
        if (f->down)
            return 0;
        f->down = 1;
        (void)s->host->fail(s->ctx, tail_error(f->tail));
        return TOCSIN_DOWN;
    }
}

static int
all_over(const struct source *s)
{
    for (size_t i = 0; i < s->n_files; i++)
        if (s->files[i].over != 2)
            return 0;
    return !s->o->follow ||
           (s->o->path.n == 1 && strcmp(option_path(s, 0), "-") == 0);
}

static void
wait_(struct source *s, int64_t until_us)
{
    struct pollfd fds[2] = {{s->host->wake_fd(s->ctx), POLLIN, 0}, {-1, 0, 0}};
    int ms = LOOK_MS;
    int64_t left = (until_us - s->host->boot_us(s->ctx)) / 1000;
    if (s->n_files == 1 && !s->files[0].over &&
        strcmp(tail_path(s->files[0].tail), "-") == 0) {
        fds[1] = (struct pollfd){STDIN_FILENO, POLLIN, 0};
        ms = 1000;
    }
    ms = left < ms ? (int)left : ms;
    if (ms > 0)
        (void)poll(fds, 2, ms);
}

/* Standard input may be a terminal or a pipe: never block in it. */
static int
stdin_is_silent(const struct file *f)
{
    struct pollfd fd = {STDIN_FILENO, POLLIN, 0};
    return strcmp(tail_path(f->tail), "-") == 0 && poll(&fd, 1, 0) == 0;
}

static int
woken(const struct source *s)
{
    struct pollfd fd = {s->host->wake_fd(s->ctx), POLLIN, 0};
    return poll(&fd, 1, 0) > 0;
}

static int
read_(void *instance, int64_t deadline_us, struct tocsin_chunk *ret)
{
    struct source *s = instance;
    for (;;) {
        if (s->o->follow && s->host->boot_us(s->ctx) >= s->rescan_us &&
            scan(s) < 0)
            return TOCSIN_ERROR;
        for (size_t i = 0; i < s->n_files; i++) {
            struct file *f = &s->files[s->next++ % s->n_files];
            if (stdin_is_silent(f))
                continue;
            int status = file_read(s, f, ret);
            if (status != 0)
                return status;
        }
        if (all_over(s))
            return TOCSIN_END;
        if (s->host->boot_us(s->ctx) >= deadline_us || woken(s))
            return TOCSIN_IDLE;
        wait_(s, deadline_us);
    }
}

static void
close_(void *instance)
{
    files_clear(instance);
}

static const struct tocsin_option options[] = {
    {.key = "path",
     .type = TOCSIN_OPT_LIST,
     .flags = TOCSIN_OPT_REQUIRED,
     .offset = offsetof(struct options, path),
     .help = "Files, patterns (*.json), or \"-\" for standard input; "
             "gzip is unpacked."},
    {.key = "follow",
     .type = TOCSIN_OPT_BOOL,
     .offset = offsetof(struct options, follow),
     .default_value = "true",
     .help = "Go on as files grow, rotate and appear; otherwise each is read "
             "to its end, once."},
    {.key = "start",
     .type = TOCSIN_OPT_ENUM,
     .offset = offsetof(struct options, start),
     .default_value = "beginning",
     .choices = "beginning|end",
     .help = "Where to begin in files that are there at the first start; "
             "later ones are read from their beginning."},
};

static const struct tocsin_plugin plugin = {
    TOCSIN_PLUGIN_HEAD,
    .kind = TOCSIN_SOURCE,
    .name = "file",
    .version = "0.1.0",
    .summary = "reads files and standard input, follows them as they grow",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .option_size = sizeof options[0],
    .options_struct_size = sizeof(struct options),
    .create = create,
    .destroy = destroy,
    .open = open_,
    .read = read_,
    .close = close_,
};

TOCSIN_PLUGIN_REGISTER(plugin)
