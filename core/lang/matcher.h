/* SPDX-License-Identifier: Apache-2.0 */
/* matcher.h - what matchers and filters say of a value.  Thread: any. */
#ifndef TOCSIN_LANG_MATCHER_H
#define TOCSIN_LANG_MATCHER_H
#include "core/base/types.h"
#include "core/lang/selector.h"

/* An absent label is the empty value: {a=""} matches what has no a.  UNKNOWN:
 * the regular expression hit a limit. */
enum match matcher_match(const struct matcher *m, struct slice value);

/* Do those on "__name__", if there are any, match this name? */
bool matchers_take_name(const struct matcher *m, uint32_t n, struct slice name);

static inline bool
matcher_is_equality(const struct matcher *m)
{
    return m->op == MATCHER_EQ;
}

/* Of pipe_filter's numbers, durations and bytes. */
bool filter_compare(enum compare_op op, double value, double limit);

/* "10.0.0.1", "10.0.0.0/8", "10.0.0.1-10.0.0.9", IPv6 too; -EINVAL. */
MUST_CHECK int ip_range_parse(struct slice s, struct ip_range *ret_range);
/* Is 's' an address in the range?  False for what is no address. */
bool ip_range_match(const struct ip_range *range, struct slice s);
/* Does the line hold such an address anywhere? */
bool ip_range_find(const struct ip_range *range, struct slice line);

/* "1.5s", "2h45m", "300ms", "20µs": Go's durations, and Prometheus' units d, w,
 * y.  Into seconds.  -EINVAL. */
MUST_CHECK int lang_parse_duration(struct slice s, double *ret_seconds);
/* "20KB", "1.5MiB", "42b", "10k", as LogQL: 1000 and 1024.  -EINVAL. */
MUST_CHECK int lang_parse_bytes(struct slice s, double *ret_bytes);

const char *matcher_op_name(enum matcher_op op); /* "=~" */
const char *line_op_name(enum line_op op);       /* "|=" */
const char *compare_op_name(enum compare_op op); /* ">=" */

#endif
