/* SPDX-License-Identifier: Apache-2.0 */
/* expand.c - fills in what stands outside of the configuration. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "core/config/expand.h"

#include "core/base/buf.h"
#include "core/base/str.h"
#include "core/config/secrets.h"

struct expand {
    struct yaml_doc *doc;
    const struct expand_options *o;
    struct errlist *errs;
    bool failed;
};

/* One "${kind:name}" in a scalar. */
struct reference {
    struct yaml_node *node;
    size_t at, n; /* in the value */
    struct slice name;
};

PRINTF_LIKE(3, 4)
static int
fail(struct expand *x, const struct reference *ref, const char *fmt, ...)
{
    struct where w = yaml_where_at(ref->node, ref->at, ref->n);
    va_list ap;
    va_start(ap, fmt);
    errlist_vadd(x->errs, SEVERITY_ERROR, &w, fmt, ap);
    va_end(ap);
    x->failed = true;
    return 0;
}

static struct slice
trim(struct slice s)
{
    while (s.n > 0 && strchr(" \t\r\n", s.p[s.n - 1]) != NULL)
        s.n--;
    while (s.n > 0 && strchr(" \t\r\n", s.p[0]) != NULL)
        s = slice_skip(s, 1);
    return s;
}

/* Appends what was found.  0, also after an error was added, or -ENOMEM. */
static int
fill_in(struct expand *x, const struct reference *ref, const char *what,
        struct slice text, struct buf *out)
{
    text = trim(text);
    if (text.n == 0) {
        fail(x, ref, "%s \"%.*s\" is empty", what, SLICE_FMT(ref->name));
        return 0;
    }
    if (memchr(text.p, 0, text.n) != NULL || !utf8_valid(text)) {
        fail(x, ref, "%s \"%.*s\" holds no text", what, SLICE_FMT(ref->name));
        return 0;
    }
    int r = secrets_add(x->o->secrets, text);
    if (r == -ENOSPC) {
        fail(x, ref, "more than %d secrets", SECRETS_MAX);
        return 0;
    }
    if (r < 0)
        return r;
    return buf_append_slice(out, text);
}

static int
from_env(struct expand *x, const struct reference *ref, struct buf *out)
{
    char name[256];
    for (size_t i = 0; i < ref->name.n; i++) {
        char c = ref->name.p[i];
        bool ok = c == '_' || (str_lower(c) >= 'a' && str_lower(c) <= 'z') ||
                  (c >= '0' && c <= '9' && i > 0);
        if (!ok || i + 1 == sizeof name) {
            fail(x, ref, "\"%.*s\" is no name of an environment variable",
                 SLICE_FMT(ref->name));
            return 0;
        }
        name[i] = c;
    }
    name[ref->name.n] = 0;
    const char *value = getenv(name);
    if (value != NULL)
        return fill_in(x, ref, "environment variable", slice_from_str(value),
                       out);
    fail(x, ref, "environment variable \"%s\" is not set", name);
    errlist_hint(x->errs, "to check without secrets, use --no-secrets");
    return 0;
}

/* 0, a negative errno, or -EFBIG. */
static int
read_small(const char *path, struct buf *b)
{
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;
    for (;;) {
        if (b->n > EXPAND_FILE_MAX)
            return -EFBIG;
        int r = buf_reserve(b, 4096);
        if (r < 0)
            return r;
        ssize_t n = read(fd, b->p + b->n, 4096);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        b->n += (size_t)n;
    }
}

static int
from_file(struct expand *x, const struct reference *ref, struct buf *out)
{
    AUTO_FINI(buf) path = BUF_INIT(4096);
    AUTO_FINI(buf) text = BUF_INIT(EXPAND_FILE_MAX + 8192);
    if (ref->name.p[0] != '/')
        (void)buf_printf(&path, "%s/", x->o->dir);
    (void)buf_append_slice(&path, ref->name);
    if (buf_error(&path) == -ENOMEM)
        return -ENOMEM;
    int r = buf_error(&path) < 0 ? -ENAMETOOLONG
                                 : read_small(buf_str(&path), &text);
    if (r == -ENOMEM)
        return r;
    if (r == 0)
        return fill_in(x, ref, "file", buf_slice(&text), out);
    fail(x, ref, "file \"%.*s\" can't be read: %s", SLICE_FMT(ref->name),
         strerror(-r));
    if (r == -ENOENT)
        errlist_hint(x->errs, "to check without secrets, use --no-secrets");
    return 0;
}

static int
expand_reference(struct expand *x, struct reference *ref, struct buf *out)
{
    struct slice env = SLICE("env:"), file = SLICE("file:");
    struct slice inner =
        slice_new(ref->node->value.p + ref->at + 2, ref->n - 3);
    bool is_env = slice_starts_with(inner, env);
    bool is_file = slice_starts_with(inner, file);
    ref->name = slice_skip(inner, is_env ? env.n : is_file ? file.n : 0);
    if ((!is_env && !is_file) || ref->name.n == 0) {
        fail(x, ref, "\"%.*s\" can't be filled in", (int)MIN(ref->n, 80u),
             ref->node->value.p + ref->at);
        errlist_hint(x->errs, "write \"${env:NAME}\" or \"${file:PATH}\", or "
                              "\"$${\" for a plain \"${\"");
        return 0;
    }
    if (x->o->keep)
        return buf_append(out, ref->node->value.p + ref->at, ref->n);
    return is_env ? from_env(x, ref, out) : from_file(x, ref, out);
}

/* Appends the value with everything filled in; counts references. */
static int
expand_value(struct expand *x, struct yaml_node *node, struct buf *out,
             size_t *ret_n)
{
    struct slice v = node->value;
    for (size_t i = 0; i < v.n;) {
        struct slice rest = slice_skip(v, i);
        int r;
        if (slice_starts_with(rest, SLICE("$${"))) {
            r = buf_append_str(out, "${");
            i += 3;
        } else if (slice_starts_with(rest, SLICE("${"))) {
            const char *close = memchr(rest.p, '}', rest.n);
            struct reference ref = {.node = node, .at = i, .n = 2};
            if (close == NULL) {
                fail(x, &ref, "\"${\" without \"}\"");
                errlist_hint(x->errs, "write \"$${\" for a plain \"${\"");
                return 0;
            }
            ref.n = (size_t)(close - rest.p) + 1;
            r = expand_reference(x, &ref, out);
            i += ref.n;
            ++*ret_n;
        } else {
            r = buf_putc(out, v.p[i++]);
        }
        if (r < 0)
            return r;
    }
    return 0;
}

static int
expand_scalar(struct expand *x, struct yaml_node *node)
{
    if (node->value.n == 0 || memchr(node->value.p, '$', node->value.n) == NULL)
        return 0;
    AUTO_FINI(buf) out = BUF_INIT(YAML_SCALAR_MAX);
    size_t n = 0, errors = x->errs->errors;
    int r = expand_value(x, node, &out, &n);
    if (r == -ENOSPC)
        yaml_error(node, x->errs,
                   "with all filled in this has more than 1 MiB");
    else if (r < 0)
        return r;
    if (x->errs->errors > errors) { /* one error is enough for it */
        node->pending = true;
        x->failed = true;
        return 0;
    }
    r = arena_slice_dup(&x->doc->arena, buf_slice(&out), &node->value);
    node->secret = n > 0 && !x->o->keep;
    node->pending = n > 0 && x->o->keep;
    return r;
}

static int
expand_node(struct expand *x, const struct yaml_node *const_node)
{
    /* The tree is constant to those who read it; the document is ours. */
    struct yaml_node *node = (struct yaml_node *)const_node;
    if (node->seen)
        return 0;
    node->seen = true;
    if (node->kind == YAML_SCALAR)
        return expand_scalar(x, node);
    int r = 0;
    for (size_t i = 0; i < node->n && r == 0; i++)
        r = expand_node(x, node->kind == YAML_MAPPING ? node->pairs[i].value
                                                      : node->items[i]);
    return r;
}

/* Depth is bounded by YAML_DEPTH_MAX. */
static void
unsee(const struct yaml_node *const_node)
{
    struct yaml_node *node = (struct yaml_node *)const_node;
    if (!node->seen)
        return;
    node->seen = false;
    for (size_t i = 0; node->kind != YAML_SCALAR && i < node->n; i++)
        unsee(node->kind == YAML_MAPPING ? node->pairs[i].value
                                         : node->items[i]);
}

int
expand_doc(struct yaml_doc *doc, const struct expand_options *o,
           struct errlist *errs)
{
    struct expand x = {.doc = doc, .o = o, .errs = errs};
    int r = expand_node(&x, doc->root);
    unsee(doc->root);
    return r < 0 ? r : x.failed ? -EINVAL : 0;
}

bool
expand_is_pending(const struct yaml_node *node)
{
    if (node == NULL || node->kind == YAML_SCALAR)
        return node != NULL && node->pending;
    for (size_t i = 0; i < node->n; i++)
        if (expand_is_pending(node->kind == YAML_MAPPING ? node->pairs[i].value
                                                         : node->items[i]))
            return true;
    return false;
}
