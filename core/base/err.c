/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>

#include "core/base/check.h"
#include "core/base/err.h"
#include "core/base/str.h"

/* vsnprintf that cuts between characters. */
PRINTF_LIKE(3, 0)
static void
err_text(char *out, size_t size, const char *fmt, va_list ap)
{
    int n = vsnprintf(out, size, fmt, ap);
    if (n < 0)
        out[0] = '\0';
    if (n < 0 || (size_t)n < size)
        return;
    size_t last = size - 2; /* the last character begins here or before */
    while (last > 0 && ((unsigned char)out[last] & 0xc0) == 0x80)
        last--;
    uint32_t cp;
    if (utf8_decode(slice_new(out + last, size - 1 - last), &cp) < 0)
        out[last] = '\0';
}

int
err_vset(struct err *err, int code, const char *fmt, va_list ap)
{
    CHECK(code < 0);
    if (err == NULL || err->code != 0)
        return code;
    *err = ERR_INIT;
    err->code = code;
    err_text(err->message, sizeof err->message, fmt, ap);
    return code;
}

int
err_set(struct err *err, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)err_vset(err, code, fmt, ap);
    va_end(ap);
    return code;
}

int
err_set_at(struct err *err, int code, const char *file, uint32_t line,
           uint32_t column, const char *fmt, ...)
{
    if (err == NULL || err->code != 0)
        return code;
    va_list ap;
    va_start(ap, fmt);
    (void)err_vset(err, code, fmt, ap);
    va_end(ap);
    (void)snprintf(err->file, sizeof err->file, "%s", file == NULL ? "" : file);
    err->line = line;
    err->column = column;
    return code;
}

void
err_hint(struct err *err, const char *fmt, ...)
{
    if (err == NULL || err->code == 0 || err->hint[0] != '\0')
        return;
    va_list ap;
    va_start(ap, fmt);
    err_text(err->hint, sizeof err->hint, fmt, ap);
    va_end(ap);
}

void
err_set_retriable(struct err *err)
{
    if (err != NULL && err->code != 0)
        err->retriable = true;
}

void
err_clear(struct err *err)
{
    *err = ERR_INIT;
}

void
err_print(const struct err *err, struct buf *b)
{
    if (err->file[0] != '\0')
        (void)buf_printf(b, "%s:", err->file);
    if (err->line > 0)
        (void)buf_printf(b, "%u:", err->line);
    if (err->line > 0 && err->column > 0)
        (void)buf_printf(b, "%u:", err->column);
    if (err->file[0] != '\0' || err->line > 0)
        (void)buf_putc(b, ' ');
    (void)buf_append_str(b, err->message);
    if (err->hint[0] != '\0')
        (void)buf_printf(b, " (%s)", err->hint);
}
