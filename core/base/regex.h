/* SPDX-License-Identifier: Apache-2.0 */
/* regex.h - regular expressions in the language of RE2 (so of Prometheus and
 * Loki), run by PCRE2 with JIT and limits.
 *
 * What RE2 doesn't have (look-around, back references, recursion, atomic
 * groups, possessive quantifiers …) is refused with a clear message.  A plain
 * text, a set of texts, "text.*" and the like never reach PCRE2.  A compiled
 * expression never changes: any number of threads may match with it at once;
 * what a match needs belongs to the thread and is released at its end.
 *
 * Subjects need not be valid UTF-8: each byte that can't be read counts as one
 * character U+FFFD, as in Go. */
#ifndef TOCSIN_BASE_REGEX_H
#define TOCSIN_BASE_REGEX_H
#include "core/base/auto.h"
#include "core/base/err.h"
#include "core/base/types.h"

#define REGEX_PATTERN_MAX 4096    /* bytes */
#define REGEX_MATCH_LIMIT 100000  /* steps of PCRE2 in one match */
#define REGEX_HEAP_LIMIT_KIB 4096 /* memory of PCRE2 in one match */
#define REGEX_GROUPS_MAX 64       /* capturing groups */

enum regex_mode {
    REGEX_SEARCH, /* anywhere, '.' stops at a newline: LogQL's |~ */
    REGEX_FULL    /* "^(?s:…)$": label matchers, as Prometheus anchors */
};

struct regex;

/* 0; -EINVAL with err filled: the message says what is wrong and column is
 * where, from 1, in characters of the pattern; or -ENOMEM. */
MUST_CHECK int regex_new(struct slice pattern, enum regex_mode mode,
                         struct regex **ret_re, struct err *err);
void regex_free(struct regex *re);

/* UNKNOWN: a limit was hit, or memory ran out. */
MUST_CHECK enum match regex_match(const struct regex *re, struct slice s);

/* Groups of the first match: ret_groups[0] is the whole, then group 1 …, up
 * to 'n' of them; {NULL, 0} for one that took no part.  They point into 's'.
 * Untouched unless MATCH. */
MUST_CHECK enum match regex_captures(const struct regex *re, struct slice s,
                                     size_t n, struct slice *ret_groups);
/* The same for the first match that begins at byte 'from' or behind it; what is
 * before still counts for "^" and "\b".  For replacing all matches. */
MUST_CHECK enum match regex_captures_from(const struct regex *re,
                                          struct slice s, size_t from, size_t n,
                                          struct slice *ret_groups);
size_t regex_group_count(const struct regex *re); /* group 0 not counted */
/* The name of group 1 …, or NULL if it has none. */
const char *regex_group_name(const struct regex *re, size_t group);

/* If the expression is a full match of one of a few texts, gives them, so that
 * an index can be asked instead: "a|b". */
bool regex_literals(const struct regex *re, const struct slice **ret_texts,
                    size_t *ret_n);
/* Every subject that matches starts with this; may be empty. */
struct slice regex_prefix(const struct regex *re);

struct slice regex_pattern(const struct regex *re); /* as it was given */

/* Appends the text with all that RE2 finds special escaped. */
void regex_quote(struct buf *b, struct slice text);

DEFINE_AUTO(regex, regex_free)
#endif
