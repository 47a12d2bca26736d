/* SPDX-License-Identifier: Apache-2.0 */
/* configuration.c - a configuration's life: load, parse, print, free. */
#include "config.h"

#include <errno.h>

#include "core/config/configuration.h"

#include "core/base/mem.h"
#include "core/config/config_priv.h"
#include "core/config/expand.h"
#include "core/config/secrets.h"

#define ARENA_BLOCK (32u << 10)
#define ARENA_MAX (256u << 20)

/* -------------------------------------------------------------- building */

static int
check_root_kind(struct config_build *b, const struct yaml_node *root)
{
    if (yaml_is_null(root)) {
        yaml_error(root, b->errs, "the configuration is empty");
        errlist_hint(b->errs, "begin with what is read: \"inputs:\"");
        return -EINVAL;
    }
    return yaml_expect(root, YAML_MAPPING, b->errs);
}

static int
build_all(struct config_build *b, const struct yaml_node *root)
{
    static int (*const parts[])(struct config_build *,
                                const struct yaml_node *) = {
        config_build_settings,  config_build_inputs, config_build_exporters,
        config_build_receivers, config_build_route,  config_build_later,
    };
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        int r = parts[i](b, root);
        if (r < 0)
            return r;
    }
    const struct yaml_pair *inputs = yaml_get_pair(root, "inputs");
    if (inputs == NULL || yaml_is_null(inputs->value) ||
        (inputs->value->kind == YAML_SEQUENCE && inputs->value->n == 0)) {
        yaml_error(inputs == NULL ? root : inputs->key, b->errs,
                   "there are no inputs");
        errlist_hint(b->errs, "write \"inputs: [{name: …, source: …, "
                              "decoders: …}]\"");
    }
    return 0;
}

/* 0, also after problems were added, or -ENOMEM. */
static int
build(struct config *cfg, unsigned flags, struct errlist *errs)
{
    if (cfg->doc->broken)
        return 0;
    struct config_build b = {cfg, errs, flags, errs->errors};
    struct expand_options ex = {.dir = cfg->dir,
                                .secrets = cfg->secrets,
                                .keep = (flags & CONFIG_NO_SECRETS) != 0};
    if (check_root_kind(&b, cfg->doc->root) < 0)
        return 0;
    if (expand_doc(cfg->doc, &ex, errs) == -ENOMEM)
        return -ENOMEM;
    return build_all(&b, cfg->doc->root);
}

/* Takes ownership of 'doc'. */
static int
build_doc(struct yaml_doc *doc, const char *dir, unsigned flags,
          size_t errors_before, struct config **ret_cfg, struct errlist *errs)
{
    struct config *cfg = mem_new(struct config);
    if (doc == NULL || cfg == NULL) {
        yaml_doc_free(doc);
        mem_free(cfg);
        return -ENOMEM;
    }
    arena_init(&cfg->arena, ARENA_BLOCK, ARENA_MAX);
    cfg->doc = doc;
    cfg->path = doc->path;
    cfg->secrets = secrets_new();
    cfg->dir = arena_strdup(&cfg->arena, dir);
    if (cfg->secrets == NULL || cfg->dir == NULL ||
        build(cfg, flags, errs) < 0) {
        config_free(cfg);
        return -ENOMEM;
    }
    *ret_cfg = cfg;
    return errs->errors > errors_before ? -EINVAL : 0;
}

int
config_parse(struct slice text, const char *path, const char *dir,
             unsigned flags, struct config **ret_cfg, struct errlist *errs)
{
    size_t before = errs->errors;
    return build_doc(yaml_parse(text, path, errs), dir, flags, before, ret_cfg,
                     errs);
}

int
config_load(const char *path, unsigned flags, struct config **ret_cfg,
            struct errlist *errs)
{
    size_t before = errs->errors;
    const char *slash = strrchr(path, '/');
    size_t n = slash == NULL ? 0 : (size_t)(slash - path);
    auto_free char *dir = slash == NULL   ? mem_strdup(".")
                          : slash == path ? mem_strdup("/")
                                          : mem_strndup(path, n);
    if (dir == NULL)
        return -ENOMEM;
    return build_doc(yaml_load(path, errs), dir, flags, before, ret_cfg, errs);
}

void
config_free(struct config *cfg)
{
    if (cfg == NULL)
        return;
    yaml_doc_free(cfg->doc);
    secrets_free(cfg->secrets);
    arena_fini(&cfg->arena);
    mem_free(cfg);
}

/* -------------------------------------------------------------- printing */

void
config_redact(const struct config *cfg, struct buf *b)
{
    if (cfg != NULL)
        secrets_redact(cfg->secrets, b, 0);
}

void
config_print_errors(const struct config *cfg, struct errlist *errs,
                    struct buf *b)
{
    size_t from = b->n;
    errlist_print(errs, b, yaml_source, cfg == NULL ? NULL : cfg->doc);
    if (cfg != NULL)
        secrets_redact(cfg->secrets, b, from);
}

int
config_options(struct config *cfg, const struct options_table *t,
               const struct yaml_node *node, const struct yaml_node *at,
               struct errlist *errs, void **ret_options)
{
    struct options_ctx ctx = {
        .arena = &cfg->arena, .secrets = cfg->secrets, .errs = errs};
    return options_fill(&ctx, t, node, at, ret_options);
}

int
config_integration_options(struct config *cfg, const struct options_table *t,
                           const struct config_integration *in,
                           struct errlist *errs, void **ret_options)
{
    static const char *const others[] = {"send_resolved"};
    struct options_ctx ctx = {.arena = &cfg->arena,
                              .secrets = cfg->secrets,
                              .errs = errs,
                              .other_keys = others,
                              .n_other_keys = ARRAY_SIZE(others)};
    return options_fill(&ctx, t, in->options, in->at, ret_options);
}
