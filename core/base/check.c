/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/check.h"

static _Thread_local const char *panic_stage;

const char *
panic_set_stage(const char *stage)
{
    const char *previous = panic_stage;
    panic_stage = stage;
    return previous;
}

void
check_failed(const char *file, int line, const char *func, const char *fmt, ...)
{
    char what[512];
    va_list ap;
    va_start(ap, fmt);
    if (vsnprintf(what, sizeof what, fmt, ap) < 0)
        what[0] = '\0';
    va_end(ap);

    const char *stage = panic_stage;
    char text[1024];
    int n = snprintf(text, sizeof text,
                     "tocsin: bug, aborting: %s:%d: %s: %s%s%s%s\n", file, line,
                     func, what, stage == NULL ? "" : " (stage \"",
                     stage == NULL ? "" : stage, stage == NULL ? "" : "\")");
    if (n > 0) {
        size_t len = MIN((size_t)n, sizeof text - 1);
        text[len - 1] = '\n';
        if (write(STDERR_FILENO, text, len) < 0)
            abort(); /* nobody listens; the core dump still does */
    }
    abort();
}
