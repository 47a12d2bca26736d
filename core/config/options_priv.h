/* SPDX-License-Identifier: Apache-2.0 */
/* options_priv.h - between the files that make options.h. */
#ifndef TOCSIN_CONFIG_OPTIONS_PRIV_H
#define TOCSIN_CONFIG_OPTIONS_PRIV_H
#include "core/config/options.h"

/* Groups in groups in groups … that a table may have. */
#define OPTIONS_DEPTH_MAX 8

/* Option 'i' in today's layout. */
struct tocsin_option options_at(const struct options_table *t, size_t i);
/* The table of a GROUP or GROUPS. */
struct options_table options_members(const struct options_table *t,
                                     const struct tocsin_option *o);
/* Choice 'i' of an ENUM, or false past the last. */
bool options_choice(const struct tocsin_option *o, size_t i, struct slice *ret);
/* Reads any type but a group.  0; -EINVAL, the problem added; or -ENOMEM,
 * nothing added. */
int options_fill_value(const struct options_ctx *ctx,
                       const struct tocsin_option *o,
                       const struct yaml_node *node, void *dest);
/* A limit in the option's unit, as users write it. */
const char *options_limit(const struct tocsin_option *o, int64_t limit,
                          char ret[static 64]);
static inline bool
options_has_min(const struct tocsin_option *o)
{
    return o->min != 0 || o->max != 0;
}
static inline bool
options_has_max(const struct tocsin_option *o)
{
    return options_has_min(o) && o->max >= o->min;
}

#endif
