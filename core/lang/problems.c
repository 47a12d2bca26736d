/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "core/base/str.h"
#include "core/lang/problems.h"

void
query_position(struct slice text, uint32_t offset, uint32_t *ret_line,
               uint32_t *ret_column)
{
    if (offset > text.n)
        offset = (uint32_t)text.n;
    uint32_t line = 1, start = 0;
    for (uint32_t i = 0; i < offset; i++) {
        if (text.p[i] == '\n') {
            line++;
            start = i + 1;
        }
    }
    struct slice before = slice_skip(text, start);
    before.n = offset - start;
    *ret_line = line;
    *ret_column = 1 + (uint32_t)utf8_count(before);
}

PRINTF_LIKE(5, 0)
static void
add(struct problems *ps, enum severity severity, struct span span,
    const char *hint, const char *fmt, va_list ap)
{
    bool tell = ps->report != NULL && ps->told < QUERY_PROBLEMS_MAX;
    bool first = severity == SEVERITY_ERROR && ps->errors == 0;
    ps->errors += severity == SEVERITY_ERROR;
    if (!tell && !first)
        return; /* finding the line costs time */
    char message[480];
    vsnprintf(message, sizeof message, fmt, ap);
    struct problem p = {
        .severity = severity, .span = span, .message = message, .hint = hint};
    uint32_t end_line;
    query_position(ps->text, span.start, &p.line, &p.column);
    query_position(ps->text, MAX(span.end, span.start), &end_line,
                   &p.end_column);
    if (end_line != p.line)
        p.end_column = 0;
    if (first && ps->err != NULL) {
        (void)err_set_at(ps->err, -EINVAL, NULL, p.line, p.column, "%s%s",
                         ps->prefix, message);
        if (hint != NULL)
            err_hint(ps->err, "%s", hint);
    }
    if (tell) {
        ps->told++;
        ps->report(ps->ctx, &p);
    }
}

void
problems_error(struct problems *ps, struct span span, const char *hint,
               const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(ps, SEVERITY_ERROR, span, hint, fmt, ap);
    va_end(ap);
}

void
problems_warn(struct problems *ps, struct span span, const char *hint,
              const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(ps, SEVERITY_WARNING, span, hint, fmt, ap);
    va_end(ap);
}

const char *
hint_nearest(struct slice name, const char *const *names, size_t n,
             char ret[static HINT_MAX])
{
    const char *nearest = str_nearest(name, names, n);
    if (nearest == NULL)
        return NULL;
    snprintf(ret, HINT_MAX, "did you mean \"%s\"?", nearest);
    return ret;
}
