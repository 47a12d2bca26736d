/* SPDX-License-Identifier: Apache-2.0 */
/* yaml.c - documents: from text or a file, with their lines for messages. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>

#include "core/config/yaml_priv.h"

#include "core/base/mem.h"

#define ARENA_BLOCK (32u << 10)
#define ARENA_MAX (64u << 20)

/* An empty document, or NULL. */
static struct yaml_doc *
doc_new(const char *path)
{
    struct yaml_doc *doc = mem_new(struct yaml_doc);
    if (doc == NULL)
        return NULL;
    arena_init(&doc->arena, ARENA_BLOCK, ARENA_MAX);
    struct yaml_node *root = arena_new(&doc->arena, struct yaml_node);
    doc->path = arena_strdup(&doc->arena, path);
    if (root == NULL || doc->path == NULL) {
        yaml_doc_free(doc);
        return NULL;
    }
    *root = (struct yaml_node){.kind = YAML_SCALAR,
                               .value = SLICE(""),
                               .line = 1,
                               .column = 1,
                               .end_line = 1,
                               .end_column = 1,
                               .weight = 1,
                               .doc = doc};
    doc->root = root;
    return doc;
}

struct yaml_doc *
yaml_parse(struct slice text, const char *path, struct errlist *errs)
{
    AUTO(yaml_doc) *doc = doc_new(path);
    if (doc == NULL)
        return NULL;
    if (text.n > YAML_TEXT_MAX) {
        struct where w = {.file = doc->path};
        errlist_error(errs, &w, "the file has more than 8 MiB");
        doc->broken = true;
        return TAKE(doc);
    }
    if (arena_slice_dup(&doc->arena, text, &doc->text) < 0)
        return NULL;
    if (yaml_check_bytes(doc, errs) < 0)
        doc->broken = true;
    else if (yaml_build(doc, errs) < 0)
        return NULL;
    return TAKE(doc);
}

static int
read_file(const char *path, struct buf *b)
{
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    for (;;) {
        int r = buf_reserve(b, MIN((size_t)64 << 10, b->max - b->n));
        if (r < 0)
            return r;
        ssize_t n = read(fd, b->p + b->n, MIN(b->cap, b->max) - b->n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return 0;
        b->n += (size_t)n;
    }
}

struct yaml_doc *
yaml_load(const char *path, struct errlist *errs)
{
    AUTO_FINI(buf) b = BUF_INIT(YAML_TEXT_MAX + 1);
    int r = read_file(path, &b);
    if (r == -ENOMEM)
        return NULL;
    if (r == 0)
        return yaml_parse(buf_slice(&b), path, errs);
    struct yaml_doc *doc = doc_new(path);
    if (doc == NULL)
        return NULL;
    struct where w = {.file = doc->path};
    errlist_error(errs, &w, "can't be read: %s", strerror(-r));
    doc->broken = true;
    return doc;
}

void
yaml_doc_free(struct yaml_doc *doc)
{
    if (doc == NULL)
        return;
    arena_fini(&doc->arena);
    mem_free(doc);
}

/* --------------------------------------------------------------- lines */

size_t
yaml_line_start(struct slice text, uint32_t line)
{
    size_t at = 0;
    for (uint32_t i = 1; i < line && at < text.n; i++) {
        const char *nl = memchr(text.p + at, '\n', text.n - at);
        at = nl == NULL ? text.n : (size_t)(nl - text.p) + 1;
    }
    return at;
}

struct slice
yaml_line_at(struct slice text, size_t start)
{
    struct slice line = slice_skip(text, start);
    const char *nl = line.n == 0 ? NULL : memchr(line.p, '\n', line.n);
    if (nl != NULL)
        line.n = (size_t)(nl - line.p);
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

bool
yaml_source(void *ctx, const char *file, uint32_t line, struct slice *ret_line)
{
    for (const struct yaml_doc *doc = ctx; doc != NULL; doc = doc->next) {
        if (line == 0 || strcmp(doc->path, file) != 0)
            continue;
        size_t start = yaml_line_start(doc->text, line);
        if (start >= doc->text.n)
            return false;
        *ret_line = yaml_line_at(doc->text, start);
        return true;
    }
    return false;
}
