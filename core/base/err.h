/* SPDX-License-Identifier: Apache-2.0 */
/* err.h - failures that a human must act on.
 *
 * struct err is one of them, on the caller's stack; the first to be set wins.
 * struct errlist collects many, each with its place in a file, and prints
 * them with the source line and a caret.  One owner: no locks. */
#ifndef TOCSIN_BASE_ERR_H
#define TOCSIN_BASE_ERR_H
#include <stdarg.h>
#include <stdio.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/types.h"

struct err {
    int code;              /* 0, or a negative errno */
    bool retriable;        /* the same call may succeed later */
    uint32_t line, column; /* from 1, in characters; 0 = unknown */
    char file[256];
    char message[512];
    char hint[256]; /* what to do about it, or "" */
};

#define ERR_INIT ((struct err){0})

/* Sets code and message, unless an error is there already.  'err' may be NULL.
 * Always returns 'code', which is negative. */
PRINTF_LIKE(3, 4) int err_set(struct err *err, int code, const char *fmt, ...);
PRINTF_LIKE(6, 7)
int err_set_at(struct err *err, int code, const char *file, uint32_t line,
               uint32_t column, const char *fmt, ...);
PRINTF_LIKE(3, 0)
int err_vset(struct err *err, int code, const char *fmt, va_list ap);
/* Adds to the error that is there; the first hint wins. */
PRINTF_LIKE(2, 3) void err_hint(struct err *err, const char *fmt, ...);
void err_set_retriable(struct err *err);
void err_clear(struct err *err);
/* "file:line:column: message (hint)", one line, for a log. */
void err_print(const struct err *err, struct buf *b);

enum severity { SEVERITY_ERROR, SEVERITY_WARNING };

/* A place in a file.  Lines and columns count from 1, columns in characters
 * (see err_column); 0 = unknown.  end_column is one past the last character,
 * or 0 for a single caret. */
struct where {
    const char *file; /* NULL = none */
    uint32_t line, column, end_column;
};

struct diag {
    enum severity severity;
    struct where where;  /* the file's name is a copy */
    const char *message; /* lower case, no full stop */
    const char *hint;    /* or NULL */
    const char *group;   /* of the rule that it is about, or NULL */
    const char *rule;    /* or NULL */
    uint32_t order;      /* of adding */
};

#define ERRLIST_MAX 256

struct errlist {
    struct arena arena;
    struct diag *diags;
    size_t n, cap;
    size_t errors, warnings;  /* all that were added, kept or not */
    size_t dropped;           /* beyond ERRLIST_MAX, or for want of memory */
    bool last_dropped;        /* so its hint goes nowhere */
    struct slice group, rule; /* that those to come are about */
};

void errlist_init(struct errlist *el);
void errlist_fini(struct errlist *el);

/* What is added from here on is about this rule of this group (borrowed until
 * the next call); empty: about none. */
void errlist_about(struct errlist *el, struct slice group, struct slice rule);

/* Adds one, copied.  Returns -EINVAL for errlist_error, so that it can be
 * returned; want of memory is a drop, counted. */
PRINTF_LIKE(3, 4)
int errlist_error(struct errlist *el, const struct where *where,
                  const char *fmt, ...);
PRINTF_LIKE(3, 4)
void errlist_warn(struct errlist *el, const struct where *where,
                  const char *fmt, ...);
PRINTF_LIKE(4, 0)
void errlist_vadd(struct errlist *el, enum severity severity,
                  const struct where *where, const char *fmt, va_list ap);
/* Gives the one added last a hint (the first hint wins). */
PRINTF_LIKE(2, 3) void errlist_hint(struct errlist *el, const char *fmt, ...);
/* Adds a struct err as an error. */
void errlist_add_err(struct errlist *el, const struct err *err);

/* By file, line, column; within one place in the order of adding. */
void errlist_sort(struct errlist *el);

/* Gives the source line, without its end; false if there is none. */
typedef bool (*err_source_fn)(void *ctx, const char *file, uint32_t line,
                              struct slice *ret_line);

/* Sorts, then prints each as
 *     rules.yaml:3:11: error: unknown function "ratee"
 *         expr: ratee(x[5m])
 *               ^~~~~
 *     hint: did you mean "rate"?
 * 'source' may be NULL.  Control characters are made visible. */
void errlist_print(struct errlist *el, struct buf *b, err_source_fn source,
                   void *ctx);
void errlist_print_file(struct errlist *el, FILE *out, err_source_fn source,
                        void *ctx);
/* [{"severity","file","line","column","end_column","message","hint","group",
 * "rule"}, …]; what is not known is null. */
void errlist_json(struct errlist *el, struct buf *b);

/* The column of a byte offset in a line. */
uint32_t err_column(struct slice line, size_t offset);

DEFINE_AUTO_FINI(errlist, errlist_fini)
#endif
