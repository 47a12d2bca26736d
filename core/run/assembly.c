/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/config/expand.h"
#include "core/config/options.h"
#include "core/engine/engine.h"
#include "core/host/instance.h"
#include "core/host/plugins.h"
#include "core/host/tables.h"
#include "core/run/assembly.h"

#define ARENA_MAX ((size_t)256 * 1024 * 1024)
#define RULE_FILE_MAX ((size_t)16 * 1024 * 1024)

struct maker {
    struct assembly *a;
    struct errlist *errs;
    int worst; /* -ENOMEM over -EINVAL over 0 */
};

static void
note(struct maker *m, int r)
{
    if (r == -ENOMEM || (r < 0 && m->worst == 0))
        m->worst = r == -ENOMEM ? -ENOMEM : -EINVAL;
}

static void
complain(struct maker *m, const struct yaml_node *at, const struct err *err)
{
    if (err->code == -ENOMEM) {
        note(m, -ENOMEM);
        return;
    }
    note(m, yaml_error(at, m->errs, "%s", err->message));
    if (err->hint[0] != '\0')
        errlist_hint(m->errs, "%s", err->hint);
}

/* An instance with options that were filled in; NULL with the problem noted,
 * or where a secret is left out on purpose and nothing more can be said. */
static struct instance *
make_instance(struct maker *m, const struct plugin *plugin, const char *name,
              const void *options, bool pending, const struct yaml_node *at)
{
    struct instance *in = NULL;
    struct err err = ERR_INIT;
    if (!pending && instance_new(plugin, name, options, &in, &err) < 0)
        complain(m, at, &err);
    return in;
}

static struct instance *
make_plugin(struct maker *m, unsigned kind, const char *name,
            const struct config_plugin *p)
{
    const struct plugin *plugin;
    struct err err = ERR_INIT;
    if (plugins_get(m->a->plugins, kind, slice_from_str(p->name), &plugin,
                    &err) < 0) {
        complain(m, p->at, &err);
        return NULL;
    }
    struct options_table table = options_of_plugin(&plugin->desc);
    void *options;
    int r = config_options(m->a->config, &table, p->options, p->at, m->errs,
                           &options);
    note(m, r);
    return r < 0 ? NULL
                 : make_instance(m, plugin, name, options,
                                 expand_is_pending(p->options), p->at);
}

static void
make_input(struct maker *m, const struct config_input *c,
           struct assembly_input *in)
{
    in->config = c;
    in->n_decoders = c->n_decoders;
    in->source = make_plugin(m, TOCSIN_SOURCE, c->name, &c->source);
    in->decoders =
        arena_new_array(&m->a->arena, struct instance *, c->n_decoders + 1);
    if (in->decoders == NULL) {
        in->n_decoders = 0;
        note(m, -ENOMEM);
        return;
    }
    for (size_t i = 0; i < c->n_decoders; i++)
        in->decoders[i] =
            make_plugin(m, TOCSIN_DECODER, c->name, &c->decoders[i]);
}

static void
make_inputs(struct maker *m)
{
    struct assembly *a = m->a;
    a->inputs = arena_new_array(&a->arena, struct assembly_input,
                                a->config->n_inputs + 1);
    if (a->inputs == NULL) {
        note(m, -ENOMEM);
        return;
    }
    a->n_inputs = a->config->n_inputs;
    for (size_t i = 0; i < a->n_inputs; i++)
        make_input(m, &a->config->inputs[i], &a->inputs[i]);
}

static void
make_exporters(struct maker *m)
{
    struct assembly *a = m->a;
    a->exporters = arena_new_array(&a->arena, struct assembly_exporter,
                                   a->config->n_exporters + 1);
    if (a->exporters == NULL) {
        note(m, -ENOMEM);
        return;
    }
    a->n_exporters = a->config->n_exporters;
    for (size_t i = 0; i < a->n_exporters; i++) {
        const struct config_exporter *c = &a->config->exporters[i];
        a->exporters[i].config = c;
        a->exporters[i].plugin =
            make_plugin(m, TOCSIN_EXPORTER, c->name, &c->plugin);
    }
}

static void
make_receiver(struct maker *m, const struct config_receiver *c,
              const struct config_integration *i)
{
    struct assembly *a = m->a;
    const struct plugin *plugin;
    struct err err = ERR_INIT;
    if (plugins_get_receiver(a->plugins, slice_from_str(i->key), &plugin,
                             &err) < 0) {
        complain(m, i->at, &err);
        return;
    }
    struct assembly_receiver *r = &a->receivers[a->n_receivers++];
    r->config = c;
    r->integration = i;
    struct options_table table = options_of_plugin(&plugin->desc);
    void *options;
    int status =
        config_integration_options(a->config, &table, i, m->errs, &options);
    note(m, status);
    if (status == 0)
        r->plugin = make_instance(m, plugin, c->name, options,
                                  expand_is_pending(i->options), i->at);
}

static void
make_receivers(struct maker *m)
{
    struct assembly *a = m->a;
    const struct config *cfg = a->config;
    size_t n = 0;
    for (size_t i = 0; i < cfg->n_receivers; i++)
        n += cfg->receivers[i].n_integrations;
    a->receivers = arena_new_array(&a->arena, struct assembly_receiver, n + 1);
    if (a->receivers == NULL) {
        note(m, -ENOMEM);
        return;
    }
    for (size_t i = 0; i < cfg->n_receivers; i++)
        for (size_t k = 0; k < cfg->receivers[i].n_integrations; k++)
            make_receiver(m, &cfg->receivers[i],
                          &cfg->receivers[i].integrations[k]);
}

/* ---- schema */

static void
make_schema(struct maker *m, const struct schema *old)
{
    struct assembly *a = m->a;
    AUTO(schema_builder) *b = schema_builder_new(old);
    if (b == NULL) {
        note(m, -ENOMEM);
        return;
    }
    for (size_t i = 0; i < a->n_inputs; i++) {
        const struct config_input *c = a->inputs[i].config;
        struct schema_input in = {
            .name = slice_from_str(c->name),
            .lateness_us = c->lateness_us,
            .expect_every_us = c->expect_every_us,
        };
        struct err err = ERR_INIT;
        int r = schema_from_decoders(b, a->inputs[i].decoders,
                                     a->inputs[i].n_decoders, &in, &err);
        if (r < 0 && err.code != 0)
            complain(m, c->at, &err);
        note(m, r < 0 ? r : 0);
    }
    a->schema = schema_build(b, a->config->max_future_us);
    if (a->schema == NULL)
        note(m, -ENOMEM);
}

/* ---- rules */

static int
file_read(const char *path, struct arena *a, struct slice *ret, struct err *err)
{
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_set(err, -errno, "%m");
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > RULE_FILE_MAX)
        return err_set(err, -EFBIG, "not a file of at most 16 MiB");
    size_t size = (size_t)st.st_size, n = 0;
    char *p = arena_alloc(a, size + 1);
    if (p == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    while (n < size) {
        ssize_t got = read(fd, p + n, size - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set(err, -errno, "%m");
        if (got == 0)
            break;
        n += (size_t)got;
    }
    *ret = slice_new(p, n);
    return 0;
}

/* The inventories that rules name, as they are found. */
struct finding {
    struct arena *arena;
    struct errlist *errs;
    const char *by; /* the rule file */
    uint32_t n, cap;
    struct ruleset_file *files;
    int worst;
};

static int
find_inventory(void *arg, struct slice path)
{
    struct finding *f = arg;
    for (uint32_t i = 0; i < f->n; i++) {
        if (slice_eq(f->files[i].path, path))
            return 0;
    }
    if (f->n == f->cap) {
        uint32_t cap = MAX(f->cap * 2, 8u);
        struct ruleset_file *more =
            arena_new_array(f->arena, struct ruleset_file, cap);
        if (more == NULL)
            return -ENOMEM;
        if (f->n > 0)
            memcpy(more, f->files, f->n * sizeof *more);
        f->files = more;
        f->cap = cap;
    }
    struct ruleset_file *file = &f->files[f->n];
    struct err err = ERR_INIT;
    char *name = arena_strndup(f->arena, path.p, path.n);
    if (name == NULL)
        return -ENOMEM;
    file->path = slice_from_str(name);
    int r = file_read(name, f->arena, &file->text, &err);
    if (r < 0) {
        struct where where = {.file = f->by};
        f->worst =
            errlist_error(f->errs, &where, "inventory \"%s\" can't be read: %s",
                          name, err.message);
        return r == -ENOMEM ? r : 0;
    }
    f->n++;
    return 0;
}

int
ruleset_read_inventories(struct ruleset *rs, struct arena *arena,
                         struct errlist *errs)
{
    struct finding f = {.arena = arena, .errs = errs};
    for (uint32_t i = 0; i < rs->n_files; i++) {
        f.by = rs->files[i].path.p;
        if (ruleset_inventories(&rs->files[i], find_inventory, &f) < 0)
            return -ENOMEM;
    }
    rs->inventories = f.files;
    rs->n_inventories = f.n;
    return f.worst;
}

int
ruleset_each_inventory(const char *const *paths, size_t n,
                       int (*fn)(void *arg, struct slice path), void *arg)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        AUTO_FINI(arena) a;
        struct err err = ERR_INIT;
        struct ruleset_file file = {.path = slice_from_str(paths[i])};
        arena_init(&a, 4096, 2 * RULE_FILE_MAX);
        r = file_read(paths[i], &a, &file.text, &err);
        if (r == 0)
            r = ruleset_inventories(&file, fn, arg);
        else if (r != -ENOMEM)
            r = 0; /* who reads the rules says so */
    }
    return r;
}

int
ruleset_read(const char *const *paths, size_t n, struct arena *arena,
             struct errlist *errs, struct ruleset_file **ret)
{
    struct ruleset_file *files =
        arena_new_array(arena, struct ruleset_file, n + 1);
    if (files == NULL)
        return -ENOMEM;
    int worst = 0;
    for (size_t i = 0; i < n; i++) {
        const char *path = paths[i];
        struct err err = ERR_INIT;
        files[i].path = slice_from_str(path);
        int r = file_read(path, arena, &files[i].text, &err);
        if (r == -ENOMEM)
            return r;
        if (r < 0) {
            struct where where = {.file = path};
            worst =
                errlist_error(errs, &where, "can't be read: %s", err.message);
        }
    }
    *ret = files;
    return worst;
}

int
assembly_rules(const struct config *cfg, const struct schema *schema,
               struct arena *arena, struct errlist *errs,
               void (*fn)(void *arg, const struct rule_info *r), void *arg,
               struct ruleset *ret)
{
    struct ruleset_file *files;
    int r =
        ruleset_read(cfg->rule_files, cfg->n_rule_files, arena, errs, &files);
    if (r < 0)
        return r;
    struct label *labels =
        arena_new_array(arena, struct label, cfg->n_external_labels + 1);
    if (labels == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < cfg->n_external_labels; i++)
        labels[i] = (struct label){
            slice_from_str(cfg->external_labels[i].name),
            slice_from_str(cfg->external_labels[i].value),
        };
    *ret = (struct ruleset){
        .engine_version = ENGINE_VERSION,
        .evaluation_interval_us = cfg->evaluation_interval_us,
        .external_url = slice_from_str(cfg->external_url),
        .n_external_labels = (uint32_t)cfg->n_external_labels,
        .external_labels = labels,
        .n_files = (uint32_t)cfg->n_rule_files,
        .files = files,
    };
    r = ruleset_read_inventories(ret, arena, errs);
    return r < 0 ? r : ruleset_check(ret, schema, errs, fn, arg);
}

int
assembly_make(struct config *cfg, struct plugins *plugins,
              const struct schema *old, struct errlist *errs,
              struct assembly **ret)
{
    struct assembly *a = mem_new(struct assembly);
    *ret = a;
    if (a == NULL)
        return -ENOMEM;
    arena_init(&a->arena, 64 * 1024, ARENA_MAX);
    a->config = cfg;
    a->plugins = plugins;
    struct maker m = {a, errs, 0};
    make_inputs(&m);
    make_exporters(&m);
    make_receivers(&m);
    if (m.worst == 0)
        make_schema(&m, old);
    if (a->schema != NULL)
        note(&m, assembly_rules(cfg, a->schema, &a->arena, errs, NULL, NULL,
                                &a->rules));
    return m.worst;
}

void
assembly_free(struct assembly *a)
{
    if (a == NULL)
        return;
    for (size_t i = 0; i < a->n_inputs; i++) {
        instance_free(a->inputs[i].source);
        for (size_t k = 0; k < a->inputs[i].n_decoders; k++)
            instance_free(a->inputs[i].decoders[k]);
    }
    for (size_t i = 0; i < a->n_exporters; i++)
        instance_free(a->exporters[i].plugin);
    for (size_t i = 0; i < a->n_receivers; i++)
        instance_free(a->receivers[i].plugin);
    schema_free(a->schema);
    arena_fini(&a->arena);
    mem_free(a);
}
