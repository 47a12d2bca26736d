/* SPDX-License-Identifier: Apache-2.0 */
/* configuration.h - all that tocsin.yaml says, checked, with defaults filled
 * in.  (A config.h beside these sources would hide the one that configure
 * makes.)
 *
 * Built once and never changed; a reload builds another.  What belongs to a
 * plugin stays a node of the tree, to be read by the plugin's own table
 * (options_fill).  Strings are NUL-terminated and live as long as the
 * configuration.  Thread: any, after config_load. */
#ifndef TOCSIN_CONFIG_CONFIGURATION_H
#define TOCSIN_CONFIG_CONFIGURATION_H
#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/config/yaml.h"

struct buf;
struct secrets;

#define CONFIG_SYNC_NEVER (-1)

struct config_journal {
    int64_t max_size_bytes, segment_size_bytes;
    usec_t retain_us;
    usec_t sync_us; /* 0: always; CONFIG_SYNC_NEVER */
};

/* A plugin with its options: "kafka", or {kafka: {…}}. */
struct config_plugin {
    const char *name;
    const struct yaml_node *at;      /* the name, for errors */
    const struct yaml_node *options; /* NULL: none were written */
};

struct config_pair {
    const char *name, *value;
};

struct config_input {
    const char *name;
    const struct yaml_node *at;
    struct config_plugin source;
    const struct config_plugin *decoders; /* in the order of asking */
    size_t n_decoders;
    usec_t lateness_us;
    bool lateness_given;
    usec_t expect_every_us; /* 0: no expectation */
    int64_t max_record_bytes;
};

enum config_on_full { CONFIG_DROP_OLDEST, CONFIG_BLOCK };

#define CONFIG_RECORD_EVENTS 1u
#define CONFIG_RECORD_SAMPLES 2u
#define CONFIG_RECORD_ALERTS 4u

struct config_exporter {
    const char *name;
    const struct yaml_node *at;
    struct config_plugin plugin;
    const char *const *inputs; /* n_inputs 0: all */
    size_t n_inputs;
    unsigned records; /* CONFIG_RECORD_… */
    enum config_on_full on_full;
};

/* One entry of one list of a receiver. */
struct config_integration {
    const char *key;                      /* "webhook_configs" */
    size_t index;                         /* in that list */
    const struct yaml_node *at, *options; /* the key; the entry, a mapping */
    bool send_resolved;
};

struct config_receiver {
    const char *name;
    const struct yaml_node *at;
    const struct config_integration *integrations;
    size_t n_integrations;
};

enum config_match { CONFIG_EQ, CONFIG_NE, CONFIG_RE, CONFIG_NRE };

struct config_matcher {
    const char *name, *value;
    enum config_match op;
};

/* A node of the tree of routes, with what it inherits filled in. */
struct config_route {
    const struct yaml_node *at;
    const struct config_receiver *receiver;
    const char *const *group_by; /* sorted */
    size_t n_group_by;
    bool group_by_all; /* '...' */
    usec_t group_wait_us, group_interval_us, repeat_interval_us;
    bool continues;
    const struct config_matcher *matchers;
    size_t n_matchers;
    const struct config_route *routes;
    size_t n_routes;
};

struct config {
    struct arena arena;
    struct yaml_doc *doc;
    struct secrets *secrets;
    const char *path, *dir; /* of the file; what paths in it are relative to */

    const char *state_dir;
    const char *listen_host; /* without brackets; NULL: no HTTP server */
    uint16_t listen_port;    /* 0: any */
    struct config_journal journal;
    usec_t evaluation_interval_us, max_future_us;
    const char *external_url; /* NULL: made of the listening address */
    const struct config_pair *external_labels; /* sorted by name */
    size_t n_external_labels;
    const char *const *rule_patterns; /* as configured, absolute */
    size_t n_rule_patterns;
    const char *const *rule_files; /* found, each once, in order */
    size_t n_rule_files;
    const struct config_input *inputs;
    size_t n_inputs;
    const struct config_exporter *exporters;
    size_t n_exporters;
    const struct config_receiver *receivers;
    size_t n_receivers;
    const struct config_route *route; /* NULL: nobody is notified */
};

/* Leaves ${…} as it is: for checking where the secrets are not. */
#define CONFIG_NO_SECRETS 1u
/* Doesn't look for rule files: for text that nobody vouches for. */
#define CONFIG_NO_FILES 2u

/* Reads and checks a file.  0; -EINVAL, every problem in 'errs'; or -ENOMEM.
 * After -EINVAL *ret_cfg is NULL or a configuration that is good for
 * config_source and for finding more errors only; free it in any case. */
MUST_CHECK int config_load(const char *path, unsigned flags,
                           struct config **ret_cfg, struct errlist *errs);
/* The same from text; what it names is relative to 'dir'. */
MUST_CHECK int config_parse(struct slice text, const char *path,
                            const char *dir, unsigned flags,
                            struct config **ret_cfg, struct errlist *errs);
void config_free(struct config *cfg); /* NULL is fine */

/* Hides the configuration's secrets in what 'b' holds; 'cfg' may be NULL.
 * Everything that is printed about a configuration goes through it. */
void config_redact(const struct config *cfg, struct buf *b);

/* Prints errors with their lines, secrets hidden. */
void config_print_errors(const struct config *cfg, struct errlist *errs,
                         struct buf *b);

/* Fills a plugin's options from a node of this configuration: options_fill
 * with its arena and secrets ('cfg' is only changed in these). */
struct options_table;
MUST_CHECK int config_options(struct config *cfg, const struct options_table *t,
                              const struct yaml_node *node,
                              const struct yaml_node *at, struct errlist *errs,
                              void **ret_options);

/* The same for an entry of a receiver, without what the notifier reads. */
MUST_CHECK int config_integration_options(struct config *cfg,
                                          const struct options_table *t,
                                          const struct config_integration *in,
                                          struct errlist *errs,
                                          void **ret_options);

/* Appends every setting with its default, as YAML. */
void config_print_defaults(struct buf *b);

DEFINE_AUTO(config, config_free)
#endif
