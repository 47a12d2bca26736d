/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/mem.h"
#include "core/cmd/rules.h"
#include "core/config/options.h"
#include "core/engine/engine.h"
#include "core/host/instance.h"
#include "core/host/plugins.h"
#include "core/host/tables.h"
#include "core/run/assembly.h"

#define DECODERS_MAX 256

int
rules_load(const char *const *paths, size_t n, usec_t interval,
           struct arena *arena, struct errlist *errs, struct ruleset *ret)
{
    struct ruleset_file *files;
    int r = ruleset_read(paths, n, arena, errs, &files);
    if (r < 0)
        return r;
    *ret = (struct ruleset){
        .engine_version = ENGINE_VERSION,
        .evaluation_interval_us = interval,
        .n_files = (uint32_t)n,
        .files = files,
    };
    return ruleset_read_inventories(ret, arena, errs);
}

struct decoders {
    struct arena arena;
    struct instance *v[DECODERS_MAX];
    size_t n;
};

/* One that needs options is left out: what it makes depends on them. */
static int
decoder_add(void *arg, const char *id, const char *path,
            const struct plugin *plugin, const struct err *broken)
{
    struct decoders *d = arg;
    (void)id;
    (void)path;
    (void)broken;
    if (plugin == NULL || plugin->desc.kind != TOCSIN_DECODER ||
        d->n == DECODERS_MAX)
        return 0;
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    struct options_ctx ctx = {.arena = &d->arena, .errs = &errs};
    struct options_table table = options_of_plugin(&plugin->desc);
    void *options;
    struct err err = ERR_INIT;
    if (options_fill(&ctx, &table, NULL, NULL, &options) == 0 &&
        instance_new(plugin, plugin->desc.name, options, &d->v[d->n], &err) ==
            0)
        d->n++;
    return 0;
}

int
rules_schema(struct plugins *ps, struct schema **ret, struct err *err)
{
    struct decoders d = {.n = 0};
    arena_init(&d.arena, 16 * 1024, (size_t)16 * 1024 * 1024);
    (void)plugins_list(ps, decoder_add, &d);
    AUTO(schema_builder) *b = schema_builder_new(NULL);
    struct schema_input in = {.name = SLICE("any")};
    int r = b == NULL ? err_set(err, -ENOMEM, "out of memory")
                      : schema_from_decoders(b, d.v, d.n, &in, err);
    struct schema *s = NULL;
    if (r >= 0)
        s = schema_build(b, USEC_PER_MINUTE);
    for (size_t i = 0; i < d.n; i++)
        instance_free(d.v[i]);
    arena_fini(&d.arena);
    if (s == NULL)
        return err_set(err, r < 0 ? r : -ENOMEM, "no schema");
    *ret = s;
    return 0;
}
