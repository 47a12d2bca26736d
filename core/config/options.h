/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - a table of struct tocsin_option: fills a plugin's options struct
 * from YAML, and prints itself.
 *
 * A list is written as a list or, with one element, as a plain value.  A list,
 * a map and a list of groups with nothing behind the key are empty; any other
 * option with nothing behind its key is an error.  A group is NULL in the
 * struct if it isn't given.  Numbers in lists and maps of strings are their
 * text. */
#ifndef TOCSIN_CONFIG_OPTIONS_H
#define TOCSIN_CONFIG_OPTIONS_H
#include <tocsin/plugin.h>

#include "core/base/err.h"
#include "core/base/types.h"
#include "core/config/yaml.h"

struct buf;
struct secrets;

/* 'option_size' is the step from one option to the next, in nested groups too:
 * a plugin may have been compiled with a smaller struct. */
struct options_table {
    const struct tocsin_option *options;
    size_t n, option_size, struct_size;
};

struct options_table options_of_plugin(const struct tocsin_plugin *plugin);

/* Is the table itself right: known types, offsets inside of the struct, keys
 * once, defaults that can be read?  0 or -EINVAL with 'err' filled. */
MUST_CHECK int options_check_table(const struct options_table *t,
                                   struct err *err);

struct options_ctx {
    struct arena *arena;     /* what is filled lives here */
    struct secrets *secrets; /* learns what secret options hold; or NULL */
    struct errlist *errs;
    /* Keys that somebody else reads ("send_resolved"). */
    const char *const *other_keys;
    size_t n_other_keys;
};

/* Fills a struct with what 'node' says (NULL: nothing was written, the plugin
 * was only named) and with defaults.  'at' is where an error points that has
 * no better place: the plugin's name.  0; -EINVAL, every problem added; or
 * -ENOMEM.  After -EINVAL *ret_options is NULL or has defaults, zeros and NULLs
 * in place of what is wrong: good for finding more errors, and no more. */
MUST_CHECK int options_fill(const struct options_ctx *ctx,
                            const struct options_table *t,
                            const struct yaml_node *node,
                            const struct yaml_node *at, void **ret_options);

/* For people, on a terminal: key, type, default, bounds, help. */
void options_print(const struct options_table *t, struct buf *b);
/* The same as an mdoc list, for the manual page. */
void options_mdoc(const struct options_table *t, struct buf *b);
/* The same as JSON Schema (2020-12): an object without "$schema". */
void options_json_schema(const struct options_table *t, struct buf *b);

#endif
