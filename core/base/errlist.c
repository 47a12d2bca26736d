/* SPDX-License-Identifier: Apache-2.0 */
/* errlist.c - the errlist_ functions of err.h. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/err.h"
#include "core/base/str.h"

#define ERRLIST_BYTES_MAX ((size_t)1 << 20)
#define ERRLIST_LINE_MAX 240 /* bytes of a source line that are shown */

void
errlist_init(struct errlist *el)
{
    *el = (struct errlist){0};
    arena_init(&el->arena, 2048, ERRLIST_BYTES_MAX);
}

void
errlist_fini(struct errlist *el)
{
    mem_free(el->diags);
    arena_fini(&el->arena);
    errlist_init(el);
}

/* A free place for one more, or NULL. */
static struct diag *
errlist_slot(struct errlist *el)
{
    if (el->n == ERRLIST_MAX)
        return NULL;
    if (el->n == el->cap) {
        size_t cap = el->cap == 0 ? 8 : el->cap * 2;
        struct diag *diags =
            (struct diag *)mem_realloc(el->diags, cap, sizeof *diags);
        if (diags == NULL)
            return NULL;
        el->diags = diags;
        el->cap = cap;
    }
    return &el->diags[el->n];
}

void
errlist_about(struct errlist *el, struct slice group, struct slice rule)
{
    el->group = group;
    el->rule = rule;
}

/* NULL where it is empty, or there is no memory: it is left out then. */
static const char *
copy_name(struct errlist *el, struct slice s)
{
    return s.n == 0 ? NULL : arena_strndup(&el->arena, s.p, s.n);
}

void
errlist_vadd(struct errlist *el, enum severity severity,
             const struct where *where, const char *fmt, va_list ap)
{
    if (severity == SEVERITY_ERROR)
        el->errors++;
    else
        el->warnings++;
    el->last_dropped = true;
    struct diag *d = errlist_slot(el);
    char *message = d == NULL ? NULL : arena_vprintf(&el->arena, fmt, ap);
    struct where w = {0};
    if (where != NULL)
        w = *where;
    const char *file = w.file;
    if (message != NULL && file != NULL)
        w.file = arena_strdup(&el->arena, file);
    if (message == NULL || (file != NULL && w.file == NULL)) {
        el->dropped++;
        return;
    }
    *d = (struct diag){.severity = severity,
                       .where = w,
                       .message = message,
                       .group = copy_name(el, el->group),
                       .rule = copy_name(el, el->rule),
                       .order = (uint32_t)el->n};
    el->n++;
    el->last_dropped = false;
}

int
errlist_error(struct errlist *el, const struct where *where, const char *fmt,
              ...)
{
    va_list ap;
    va_start(ap, fmt);
    errlist_vadd(el, SEVERITY_ERROR, where, fmt, ap);
    va_end(ap);
    return -EINVAL;
}

void
errlist_warn(struct errlist *el, const struct where *where, const char *fmt,
             ...)
{
    va_list ap;
    va_start(ap, fmt);
    errlist_vadd(el, SEVERITY_WARNING, where, fmt, ap);
    va_end(ap);
}

void
errlist_hint(struct errlist *el, const char *fmt, ...)
{
    if (el->n == 0 || el->last_dropped)
        return;
    /* A sort may have moved the newest. */
    struct diag *d = &el->diags[0];
    for (size_t i = 1; i < el->n; i++)
        if (el->diags[i].order > d->order)
            d = &el->diags[i];
    if (d->hint != NULL)
        return;
    va_list ap;
    va_start(ap, fmt);
    d->hint = arena_vprintf(&el->arena, fmt, ap);
    va_end(ap);
}

void
errlist_add_err(struct errlist *el, const struct err *err)
{
    if (err->code == 0)
        return;
    struct where where = {
        .file = err->file[0] == '\0' ? NULL : err->file,
        .line = err->line,
        .column = err->column,
    };
    (void)errlist_error(el, &where, "%s", err->message);
    if (err->hint[0] != '\0')
        errlist_hint(el, "%s", err->hint);
}

static int
diag_cmp(const void *pa, const void *pb)
{
    const struct diag *a = (const struct diag *)pa;
    const struct diag *b = (const struct diag *)pb;
    int r = strcmp(a->where.file == NULL ? "" : a->where.file,
                   b->where.file == NULL ? "" : b->where.file);
    if (r != 0)
        return r;
    if (a->where.line != b->where.line)
        return a->where.line < b->where.line ? -1 : 1;
    if (a->where.column != b->where.column)
        return a->where.column < b->where.column ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

void
errlist_sort(struct errlist *el)
{
    if (el->n > 1)
        qsort(el->diags, el->n, sizeof *el->diags, diag_cmp);
}

uint32_t
err_column(struct slice line, size_t offset)
{
    return 1 + (uint32_t)utf8_count(slice_new(line.p, MIN(offset, line.n)));
}

/* The next character of 's', which is not empty: its bytes, and U+FFFD for one
 * that a terminal must not get. */
static size_t
next_char(struct slice s, uint32_t *ret_cp)
{
    int n = utf8_decode(s, ret_cp);
    bool control = n > 0 && *ret_cp != '\t' &&
                   (*ret_cp < 0x20 || (*ret_cp >= 0x7f && *ret_cp < 0xa0));
    if (n < 0 || control)
        *ret_cp = 0xfffd;
    return n < 0 ? 1 : (size_t)n;
}

static void
put_visible(struct buf *b, struct slice s)
{
    while (s.n > 0) {
        uint32_t cp;
        char text[4];
        s = slice_skip(s, next_char(s, &cp));
        size_t n = utf8_encode(cp, text);
        (void)buf_append(b, text, n);
    }
}

/* The first byte of the part of a long line that is shown: some way before the
 * caret, at the start of a character. */
static size_t
window_start(struct slice line, uint32_t column)
{
    size_t at = 0;
    for (uint32_t c = 1; c < column && at < line.n; c++) {
        uint32_t cp;
        at += next_char(slice_skip(line, at), &cp);
    }
    if (line.n <= ERRLIST_LINE_MAX || at < ERRLIST_LINE_MAX / 2)
        return 0;
    at -= ERRLIST_LINE_MAX / 2;
    while (at < line.n && ((unsigned char)line.p[at] & 0xc0) == 0x80)
        at++;
    return at;
}

/* Spaces as wide as what stands before the caret (tabs stay tabs), then the
 * caret and as many tildes as there are further characters. */
static void
put_caret(struct buf *b, struct slice line, uint32_t column, uint32_t end)
{
    uint32_t c = 1;
    bool drawn = false;
    while (line.n > 0 && (c < column || c < end)) {
        uint32_t cp;
        line = slice_skip(line, next_char(line, &cp));
        int width = utf8_width(cp);
        if (c < column && cp == '\t') {
            (void)buf_putc(b, '\t');
        } else {
            for (int i = 0; i < width || (cp == '\t' && i < 1); i++) {
                char mark = c < column ? ' ' : drawn ? '~' : '^';
                drawn |= mark == '^';
                (void)buf_putc(b, mark);
            }
        }
        c++;
    }
    if (!drawn)
        (void)buf_putc(b, '^');
}

static void
put_source(struct buf *b, const struct where *w, struct slice line)
{
    size_t skip = window_start(line, w->column);
    uint32_t skipped = err_column(line, skip) - 1;
    line = slice_skip(line, skip);
    while (line.n > 0 &&
           (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
        line.n--;
    struct slice shown = line;
    if (shown.n > ERRLIST_LINE_MAX) {
        shown.n = ERRLIST_LINE_MAX;
        while (shown.n > 0 && ((unsigned char)shown.p[shown.n] & 0xc0) == 0x80)
            shown.n--;
    }
    (void)buf_append_str(b, skip > 0 ? "    …" : "    ");
    put_visible(b, shown);
    (void)buf_append_str(b, shown.n < line.n ? "…\n" : "\n");
    if (w->column == 0)
        return;
    (void)buf_append_str(b, skip > 0 ? "     " : "    ");
    uint32_t column = w->column - skipped;
    uint32_t end = w->end_column > w->column ? w->end_column - skipped : 0;
    put_caret(b, shown, column, end);
    (void)buf_putc(b, '\n');
}

static void
put_diag(struct buf *b, const struct diag *d, err_source_fn source, void *ctx)
{
    const struct where *w = &d->where;
    if (w->file != NULL) {
        put_visible(b, slice_from_str(w->file));
        (void)buf_putc(b, ':');
    }
    if (w->line > 0)
        (void)buf_printf(b, "%u:", w->line);
    if (w->line > 0 && w->column > 0)
        (void)buf_printf(b, "%u:", w->column);
    if (w->file != NULL || w->line > 0)
        (void)buf_putc(b, ' ');
    (void)buf_append_str(b, d->severity == SEVERITY_ERROR ? "error: "
                                                          : "warning: ");
    put_visible(b, slice_from_str(d->message));
    (void)buf_putc(b, '\n');
    struct slice line;
    if (source != NULL && w->file != NULL && w->line > 0 &&
        source(ctx, w->file, w->line, &line))
        put_source(b, w, line);
    if (d->hint != NULL) {
        (void)buf_append_str(b, "hint: ");
        put_visible(b, slice_from_str(d->hint));
        (void)buf_putc(b, '\n');
    }
}

void
errlist_print(struct errlist *el, struct buf *b, err_source_fn source,
              void *ctx)
{
    errlist_sort(el);
    for (size_t i = 0; i < el->n; i++)
        put_diag(b, &el->diags[i], source, ctx);
    if (el->dropped > 0)
        (void)buf_printf(b, "and %zu more\n", el->dropped);
}

void
errlist_print_file(struct errlist *el, FILE *out, err_source_fn source,
                   void *ctx)
{
    AUTO_FINI(buf) b = BUF_INIT((size_t)1 << 24);
    errlist_print(el, &b, source, ctx);
    (void)fwrite(buf_str(&b), 1, b.n, out);
}

static void
put_json_member(struct buf *b, const char *name, const char *value)
{
    (void)buf_printf(b, "\"%s\":", name);
    if (value == NULL)
        (void)buf_append_str(b, "null");
    else
        (void)buf_append_json_string(b, slice_from_str(value));
}

void
errlist_json(struct errlist *el, struct buf *b)
{
    errlist_sort(el);
    (void)buf_putc(b, '[');
    for (size_t i = 0; i < el->n; i++) {
        const struct diag *d = &el->diags[i];
        const struct where *w = &d->where;
        (void)buf_append_str(b, i == 0 ? "{" : ",{");
        put_json_member(b, "severity",
                        d->severity == SEVERITY_ERROR ? "error" : "warning");
        (void)buf_putc(b, ',');
        put_json_member(b, "file", w->file);
        (void)buf_printf(b, ",\"line\":%u,\"column\":%u,\"end_column\":%u,",
                         w->line, w->column, w->end_column);
        put_json_member(b, "message", d->message);
        (void)buf_putc(b, ',');
        put_json_member(b, "hint", d->hint);
        (void)buf_putc(b, ',');
        put_json_member(b, "group", d->group);
        (void)buf_putc(b, ',');
        put_json_member(b, "rule", d->rule);
        (void)buf_putc(b, '}');
    }
    (void)buf_putc(b, ']');
}
