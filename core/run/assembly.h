/* SPDX-License-Identifier: Apache-2.0 */
/* assembly.h - all that a configuration asks for, made but not running:
 * plugins' instances with their options, the schema of what inputs bring, the
 * rules in full.  `check config` makes one and throws it away; `run` makes
 * one and sets it going.  So what passes the check starts. */
#ifndef TOCSIN_RUN_ASSEMBLY_H
#define TOCSIN_RUN_ASSEMBLY_H
#include "core/base/arena.h"
#include "core/base/auto.h"
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/config/configuration.h"
#include "core/engine/ruleset.h"
#include "core/record/schema.h"

struct instance;
struct plugins;

struct assembly_input {
    const struct config_input *config;
    struct instance *source;
    struct instance **decoders;
    size_t n_decoders;
};

struct assembly_exporter {
    const struct config_exporter *config;
    struct instance *plugin;
};

struct assembly_receiver {
    const struct config_receiver *config;
    const struct config_integration *integration;
    struct instance *plugin;
};

struct assembly {
    struct arena arena;
    struct config *config;   /* borrowed */
    struct plugins *plugins; /* borrowed */
    struct assembly_input *inputs;
    struct assembly_exporter *exporters;
    struct assembly_receiver *receivers; /* one for each integration */
    size_t n_inputs, n_exporters, n_receivers;
    struct schema *schema;
    struct ruleset rules; /* file texts live in the arena */
};

/* 'old' is the journal's schema, whose ids go on, or NULL.  Every problem goes
 * to 'errs'.  0; -EINVAL; -ENOMEM.  To be freed in any case. */
MUST_CHECK int assembly_make(struct config *cfg, struct plugins *plugins,
                             const struct schema *old, struct errlist *errs,
                             struct assembly **ret);
/* Instances that were taken out (set to NULL) are left alone. */
void assembly_free(struct assembly *a);

/* The configuration's rule files as a ruleset, read and checked against the
 * schema.  Texts go to 'arena'.  'fn' as in ruleset_check(). */
MUST_CHECK int assembly_rules(const struct config *cfg,
                              const struct schema *schema, struct arena *arena,
                              struct errlist *errs,
                              void (*fn)(void *arg, const struct rule_info *r),
                              void *arg, struct ruleset *ret);

/* Calls fn with the path (NUL behind its end) of each inventory that rule files
 * name; those that can't be read are left out.  fn's first nonzero result, or
 * -ENOMEM. */
MUST_CHECK int ruleset_each_inventory(const char *const *paths, size_t n,
                                      int (*fn)(void *arg, struct slice path),
                                      void *arg);

/* Reads the inventories that the ruleset's rules name (paths end with a NUL, as
 * ruleset_read() leaves them).  As ruleset_read(). */
MUST_CHECK int ruleset_read_inventories(struct ruleset *rs, struct arena *arena,
                                        struct errlist *errs);

/* Reads rule files; texts live in the arena.  0; -EINVAL with every problem in
 * 'errs'; -ENOMEM. */
MUST_CHECK int ruleset_read(const char *const *paths, size_t n,
                            struct arena *arena, struct errlist *errs,
                            struct ruleset_file **ret);

DEFINE_AUTO(assembly, assembly_free)
#endif
