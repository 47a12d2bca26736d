/* SPDX-License-Identifier: Apache-2.0 */
/* str.h - text and numbers, strictly.  No locale.  Thread: any. */
#ifndef TOCSIN_BASE_STR_H
#define TOCSIN_BASE_STR_H
#include "core/base/types.h"

/* Decimal, an optional sign for i64, nothing around it.
 * -EINVAL: no such number.  -ERANGE: too large. */
MUST_CHECK int str_parse_i64(struct slice s, int64_t *ret_v);
MUST_CHECK int str_parse_u64(struct slice s, uint64_t *ret_v);

/* Also accepts, as Go's ParseFloat, in any case: "NaN", "Inf" and "Infinity"
 * with an optional sign. */
#define STR_INF_NAN 1u

/* [+-] digits [. digits] [e [+-] digits], digits on one side of the point at
 * least; correctly rounded.  Too large: -ERANGE, too small: 0.  -EINVAL. */
MUST_CHECK int str_parse_double(struct slice s, unsigned flags, double *ret_v);

/* The fewest digits that read back as the same number.
 *   STR_DOUBLE_F  never an exponent, as Go's 'f', -1: PromQL values in JSON
 *   STR_DOUBLE_G  exponent below 1e-4 and from 1e+21 on: for people
 *   STR_DOUBLE_GO_G  exponent below 1e-4 and from 1e+06 on, as Go's 'g', -1
 *                 and %v: templates, the text exposition format
 * "+Inf", "-Inf", "NaN" in all of them.  NUL-terminated; returns the length.
 * The longest is -5e-324 as 'f'. */
enum str_double_style { STR_DOUBLE_F, STR_DOUBLE_G, STR_DOUBLE_GO_G };
#define STR_DOUBLE_MAX 352
size_t str_format_double(double v, enum str_double_style style,
                         char ret[static STR_DOUBLE_MAX]);

/* Decimal, NUL-terminated; returns the length. */
#define STR_I64_MAX 21
size_t str_format_i64(int64_t v, char ret[static STR_I64_MAX]);

/* Strict UTF-8: no surrogates, no overlong forms, up to U+10FFFF. */
bool utf8_valid(struct slice s);
/* The first character.  Its bytes (1 to 4), 0 if 's' is empty, -EILSEQ. */
int utf8_decode(struct slice s, uint32_t *ret_cp);
/* Writes 1 to 4 bytes; U+FFFD for what is no character.  Returns how many. */
size_t utf8_encode(uint32_t cp, char ret[static 4]);
/* Characters; a byte that can't be read counts as one. */
size_t utf8_count(struct slice s);
/* Columns on a terminal: 0, 1 or 2. */
int utf8_width(uint32_t cp);

/* The candidate nearest to 'name', for "did you mean", or NULL if none is
 * near: at most a third of its letters wrong.  A swap of neighbours counts as
 * one mistake, case as none.  Names above 64 bytes are near to none. */
const char *str_nearest(struct slice name, const char *const *candidates,
                        size_t n);
/* The same with at most so many mistakes. */
const char *str_nearest_within(struct slice name, const char *const *candidates,
                               size_t n, size_t limit);

/* ASCII letters without case. */
bool str_ieq(struct slice a, struct slice b);
int str_icmp(struct slice a, struct slice b);
static inline char
str_lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* Whole-string match; '*' any bytes, '?' one character, nothing else special.
 * Linear in practice, never exponential. */
bool str_glob(struct slice pattern, struct slice s);

#endif
