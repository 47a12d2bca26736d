/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/cmd/problems.h"
#include "core/config/configuration.h"

#define TEXT_MAX ((size_t)64 * 1024 * 1024)

/* Only when something is wrong, so reading the file again is fine. */
static bool
file_source(void *ctx, const char *file, uint32_t line, struct slice *ret_line)
{
    static char text[4096];
    (void)ctx;
    FILE *f = file != NULL ? fopen(file, "re") : NULL;
    if (f == NULL)
        return false;
    bool found = false;
    for (uint32_t i = 1; fgets(text, sizeof text, f) != NULL; i++) {
        size_t n = strcspn(text, "\n");
        found = i == line;
        if (found) {
            *ret_line = slice_new(text, n);
            break;
        }
        while (text[n] != '\n' && fgets(text, sizeof text, f) != NULL)
            n = strcspn(text, "\n"); /* a long line's rest */
    }
    (void)fclose(f);
    return found;
}

/* Lines of the configuration, or of any other file. */
static bool
any_source(void *ctx, const char *file, uint32_t line, struct slice *ret_line)
{
    const struct config *cfg = ctx;
    if (cfg != NULL && cfg->doc != NULL &&
        yaml_source(cfg->doc, file, line, ret_line))
        return true;
    return file_source(NULL, file, line, ret_line);
}

void
problems_print(const struct config *cfg, struct errlist *errs)
{
    if (errs->n == 0)
        return;
    AUTO_FINI(buf) b = BUF_INIT(TEXT_MAX);
    errlist_print(errs, &b, any_source, (void *)(uintptr_t)cfg);
    config_redact(cfg, &b);
    (void)fwrite(b.p, 1, b.n, stderr);
}
