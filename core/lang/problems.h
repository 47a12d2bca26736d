/* SPDX-License-Identifier: Apache-2.0 */
/* problems.h - tells the author of a text what is wrong.  Private. */
#ifndef TOCSIN_LANG_PROBLEMS_H
#define TOCSIN_LANG_PROBLEMS_H
#include "core/base/types.h"
#include "core/lang/query.h"

struct problems {
    struct slice text;
    problem_fn report; /* or NULL */
    void *ctx;
    struct err *err;    /* or NULL; gets the first error */
    const char *prefix; /* of the message in err: "parse error: " */
    unsigned errors, told;
    bool logql; /* query_options.logql */
};

/* 'hint' may be NULL. */
PRINTF_LIKE(4, 5)
void problems_error(struct problems *ps, struct span span, const char *hint,
                    const char *fmt, ...);
PRINTF_LIKE(4, 5)
void problems_warn(struct problems *ps, struct span span, const char *hint,
                   const char *fmt, ...);

/* "did you mean \"rate\"?" in a caller's buffer, or NULL. */
#define HINT_MAX 128
const char *hint_nearest(struct slice name, const char *const *names, size_t n,
                         char ret[static HINT_MAX]);

#endif
