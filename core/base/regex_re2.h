/* SPDX-License-Identifier: Apache-2.0 */
/* regex_re2.h - the translator's state, shared by regex_re2.c (repetitions and
 * groups) and regex_escape.c (escapes and classes). */
#ifndef TOCSIN_BASE_REGEX_RE2_H
#define TOCSIN_BASE_REGEX_RE2_H
#include "core/base/regex_priv.h"

struct translator {
    struct slice in;
    size_t at;
    struct regex_pcre *out;
    struct err *err;
    unsigned depth;
    bool item;     /* something that can be repeated has just ended */
    bool repeated; /* … and is repeated already */
    bool lazy;     /* … and made lazy already */
};

#define RE2_FAIL(t, pos, ...)                                                  \
    err_set_at((t)->err, -EINVAL, NULL, 0, err_column((t)->in, (pos)),         \
               __VA_ARGS__)

static inline int
re2_peek(const struct translator *t, size_t ahead)
{
    return t->at + ahead < t->in.n ? (unsigned char)t->in.p[t->at + ahead] : -1;
}

static inline bool
re2_looking_at(const struct translator *t, const char *text)
{
    return slice_starts_with(slice_skip(t->in, t->at), slice_from_str(text));
}

static inline void
re2_set_item(struct translator *t, bool item)
{
    t->item = item;
    t->repeated = t->lazy = false;
}

static inline bool
re2_is_word(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || c == '_';
}

/* Writes text that stands for the input at t->at. */
void re2_emit(struct translator *t, const char *p, size_t n);
void re2_emit_str(struct translator *t, const char *s);
/* Writes the next n bytes of the input, as they are. */
void re2_copy(struct translator *t, size_t n);

/* At a backslash outside of a class; at a '['.  0 or -EINVAL. */
int re2_escape(struct translator *t);
int re2_class(struct translator *t);

#endif
