/* SPDX-License-Identifier: Apache-2.0 */
/* config_priv.h - between the files that make configuration.h. */
#ifndef TOCSIN_CONFIG_CONFIG_PRIV_H
#define TOCSIN_CONFIG_CONFIG_PRIV_H
#include "core/config/configuration.h"
#include "core/config/options.h"

struct config_build {
    struct config *cfg;
    struct errlist *errs;
    unsigned flags; /* CONFIG_… */
    size_t errors_before;
};

/* Everything below that returns int: 0, also after problems were added, or
 * -ENOMEM.  'root' is the configuration's mapping. */

/* Settings with a value of their own, by tables; keys that no table and none
 * of the rest knows are errors. */
int config_build_settings(struct config_build *b, const struct yaml_node *root);
int config_build_inputs(struct config_build *b, const struct yaml_node *root);
int config_build_exporters(struct config_build *b,
                           const struct yaml_node *root);
int config_build_receivers(struct config_build *b,
                           const struct yaml_node *root);
int config_build_route(struct config_build *b, const struct yaml_node *root);
/* What this version does not do yet: an error unless it is empty. */
int config_build_later(struct config_build *b, const struct yaml_node *root);
/* The same for one key of a mapping further down. */
void config_later_key(struct config_build *b, const struct yaml_pair *pair);

/* Fills a struct by a table and returns it, even where something in it is
 * wrong: then it has the defaults.  NULL: out of memory. */
void *config_fill(struct config_build *b, const struct options_table *t,
                  const struct yaml_node *node, const struct yaml_node *at,
                  const char *const *other_keys, size_t n_other_keys);

/* {kafka: {…}} or kafka. */
int config_build_plugin(struct config_build *b, const struct yaml_node *node,
                        const char *what, struct config_plugin *ret);

/* Adds an error unless it is a name for an input or an exporter. */
bool config_check_name(struct config_build *b, const struct yaml_node *node,
                       const char *what);
bool config_is_label_name(struct slice s);

/* Appends the matchers in a text, Alertmanager's: a="b", {a=~"x", c!=d}.
 * Counts them in *n; 'ret' has room for CONFIG_MATCHERS_MAX. */
#define CONFIG_MATCHERS_MAX 64
int config_parse_matchers(struct config_build *b, const struct yaml_node *node,
                          struct config_matcher *ret, size_t *n);
/* Adds an error unless the matcher's regular expression, if any, is right. */
void config_check_matcher(struct config_build *b, const struct yaml_node *node,
                          size_t offset, const struct config_matcher *m);

/* The tables, for printing and for tests: "", "journal", "inputs" … */
struct config_section {
    const char *path; /* "" is the top, "route" … */
    const struct options_table *table;
};
const struct config_section *config_section(size_t i); /* NULL past the last */
extern const struct options_table config_settings_table, config_input_table,
    config_exporter_table, config_select_table, config_route_table;

#define CONFIG_TABLE(options_, type)                                           \
    {                                                                          \
        .options = (options_), .n = ARRAY_SIZE(options_),                      \
        .option_size = sizeof(struct tocsin_option),                           \
        .struct_size = sizeof(type)                                            \
    }

#endif
