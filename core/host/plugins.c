/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/arena.h"
#include "core/base/str.h"
#include "core/host/descriptor.h"
#include "core/host/plugins.h"

#define PLUGINS_MAX 256
#define FOLDERS_MAX 32

struct entry {
    const char *id;
    struct plugin *plugin; /* NULL until loaded */
    struct err broken;     /* why it can't be */
};

struct plugins {
    struct arena arena;
    const char *folders[FOLDERS_MAX];
    size_t n_folders;
    struct entry *entries[PLUGINS_MAX];
    size_t n;
};

static const struct {
    unsigned kind;
    const char *name, *prefix;
} kinds[] = {
    {TOCSIN_SOURCE, "source", "source_"},
    {TOCSIN_DECODER, "decoder", "decode_"},
    {TOCSIN_EXPORTER, "exporter", "export_"},
};

const char *
plugin_kind_name(unsigned kind)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (kinds[i].kind == kind)
            return kinds[i].name;
    return "plugin";
}

static const char *
kind_prefix(unsigned kind)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (kinds[i].kind == kind)
            return kinds[i].prefix;
    return "";
}

static void
folder_add(struct plugins *ps, const char *folder)
{
    if (folder != NULL && ps->n_folders < FOLDERS_MAX)
        ps->folders[ps->n_folders++] = folder;
}

static void
folders_add_path(struct plugins *ps, const char *path)
{
    while (path != NULL && *path != '\0') {
        const char *end = strchrnul(path, ':');
        if (end > path)
            folder_add(ps,
                       arena_strndup(&ps->arena, path, (size_t)(end - path)));
        path = *end == ':' ? end + 1 : end;
    }
}

/* The program in a build tree finds the tree's plugins.  libtool runs the
 * real file from .libs/, one level further down. */
static void
folders_add_beside(struct plugins *ps)
{
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n <= 0)
        return;
    exe[n] = '\0';
    char *slash = strrchr(exe, '/');
    if (slash == NULL)
        return;
    *slash = '\0';
    slash = strrchr(exe, '/');
    if (slash != NULL && strcmp(slash, "/.libs") == 0)
        *slash = '\0';
    folder_add(ps, arena_printf(&ps->arena, "%s/plugins", exe));
    folder_add(ps, arena_printf(&ps->arena, "%s/exporters", exe));
}

struct plugins *
plugins_new(void)
{
    struct plugins *ps = mem_new(struct plugins);
    if (ps == NULL)
        return NULL;
    arena_init(&ps->arena, 16 * 1024, 16 * 1024 * 1024);
    folders_add_path(ps, getenv("TOCSIN_PLUGIN_PATH"));
    folders_add_beside(ps);
    folder_add(ps, TOCSIN_PLUGINDIR);
    return ps;
}

void
plugins_free(struct plugins *ps)
{
    if (ps == NULL)
        return;
    arena_fini(&ps->arena);
    mem_free(ps);
}

/* The plugin's file: NAME.so in a folder, or where libtool leaves it in a
 * build tree, NAME/.libs/NAME.so. */
static const char *
file_find(struct plugins *ps, const char *id)
{
    for (size_t i = 0; i < ps->n_folders; i++) {
        const char *path =
            arena_printf(&ps->arena, "%s/%s.so", ps->folders[i], id);
        if (path != NULL && access(path, R_OK) == 0)
            return path;
        path = arena_printf(&ps->arena, "%s/%s/.libs/%s.so", ps->folders[i], id,
                            id);
        if (path != NULL && access(path, R_OK) == 0)
            return path;
    }
    return NULL;
}

static int
file_check(const char *path, struct err *err)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return err_set(err, -errno, "%s: %m", path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, -EINVAL, "%s: not a file", path);
    if (st.st_mode & S_IWOTH) {
        err_set(err, -EPERM, "%s: writable by everybody, refusing to load it",
                path);
        err_hint(err, "chmod o-w %s", path);
        return -EPERM;
    }
    return 0;
}

static int
plugin_load(struct plugins *ps, const char *id, const char *path,
            struct plugin **ret, struct err *err)
{
    int r = file_check(path, err);
    if (r < 0)
        return r;
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        return err_set(err, -ELIBBAD, "%s: %s", path, dlerror());
    const struct tocsin_plugin *(*entry)(void);
    *(void **)&entry = dlsym(handle, "tocsin_plugin_v1");
    const struct tocsin_plugin *from = entry != NULL ? entry() : NULL;
    if (from == NULL)
        return err_set(err, -ELIBBAD,
                       "%s: no plugin of ABI 1: tocsin_plugin_v1 is missing",
                       path);

    struct plugin *p = arena_new(&ps->arena, struct plugin);
    if (p == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    struct err why = ERR_INIT;
    r = descriptor_import(from, &ps->arena, &p->desc, &why);
    if (r < 0)
        return err_set(err, r, "%s: %s", path,
                       why.message[0] != '\0' ? why.message : strerror(-r));
    const char *prefix = kind_prefix(p->desc.kind);
    if (*prefix == '\0' || strncmp(id, prefix, strlen(prefix)) != 0 ||
        strcmp(id + strlen(prefix), p->desc.name) != 0)
        return err_set(err, -EINVAL,
                       "%s: it calls itself %s \"%s\", against its file name",
                       path, plugin_kind_name(p->desc.kind), p->desc.name);
    p->id = id;
    p->path = path;
    p->abi_size = from->struct_size;
    *ret = p;
    return 0;
}

static struct entry *
entry_get(struct plugins *ps, const char *id)
{
    for (size_t i = 0; i < ps->n; i++)
        if (strcmp(ps->entries[i]->id, id) == 0)
            return ps->entries[i];
    return NULL;
}

/* The entry of that id, loaded or broken; NULL where there is no file. */
static struct entry *
entry_load(struct plugins *ps, const char *id)
{
    struct entry *e = entry_get(ps, id);
    if (e != NULL)
        return e;
    const char *path = file_find(ps, id);
    if (path == NULL || ps->n == PLUGINS_MAX)
        return NULL;
    e = arena_new(&ps->arena, struct entry);
    if (e == NULL)
        return NULL;
    e->id = arena_strdup(&ps->arena, id);
    if (e->id == NULL)
        return NULL;
    (void)plugin_load(ps, e->id, path, &e->plugin, &e->broken);
    ps->entries[ps->n++] = e;
    return e;
}

/* "source_kafka.so" or a folder "source_kafka": the id's length, or 0. */
static size_t
name_is_plugin(const char *name)
{
    size_t n = strlen(name);
    if (n > 3 && strcmp(name + n - 3, ".so") == 0)
        n -= 3;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (strncmp(name, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
            return n;
    return 0;
}

struct ids {
    const char *v[PLUGINS_MAX];
    size_t n;
};

static int
id_cmp(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
ids_add(struct ids *ids, const char *id)
{
    for (size_t i = 0; i < ids->n; i++)
        if (strcmp(ids->v[i], id) == 0)
            return;
    if (id != NULL && ids->n < PLUGINS_MAX)
        ids->v[ids->n++] = id;
}

static void
ids_scan(struct plugins *ps, struct ids *ids)
{
    for (size_t i = 0; i < ps->n_folders; i++) {
        DIR *d = opendir(ps->folders[i]);
        if (d == NULL)
            continue;
        for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
            size_t n = name_is_plugin(e->d_name);
            const char *id =
                n > 0 ? arena_strndup(&ps->arena, e->d_name, n) : NULL;
            if (id != NULL && file_find(ps, id) != NULL)
                ids_add(ids, id);
        }
        (void)closedir(d);
    }
    qsort(ids->v, ids->n, sizeof ids->v[0], id_cmp);
}

static void
hint_nearest(struct plugins *ps, unsigned kind, struct slice name,
             struct err *err)
{
    struct ids ids = {.n = 0};
    ids_scan(ps, &ids);
    const char *prefix = kind_prefix(kind);
    const char *names[PLUGINS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < ids.n; i++)
        if (strncmp(ids.v[i], prefix, strlen(prefix)) == 0)
            names[n++] = ids.v[i] + strlen(prefix);
    const char *nearest = str_nearest(name, names, n);
    if (nearest != NULL)
        err_hint(err, "did you mean \"%s\"?", nearest);
    else
        err_hint(err, "`tocsin plugin list` shows what is installed");
}

int
plugins_get(struct plugins *ps, unsigned kind, struct slice name,
            const struct plugin **ret, struct err *err)
{
    const char *id =
        arena_printf(&ps->arena, "%s%.*s", kind_prefix(kind), SLICE_FMT(name));
    if (id == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    bool plain = memchr(id, '/', strlen(id)) == NULL;
    struct entry *e = plain ? entry_load(ps, id) : NULL;
    if (e == NULL) {
        err_set(err, -ENOENT, "there is no %s \"%.*s\"", plugin_kind_name(kind),
                SLICE_FMT(name));
        hint_nearest(ps, kind, name, err);
        return -ENOENT;
    }
    if (e->plugin == NULL)
        return err_set(err, e->broken.code, "%s", e->broken.message);
    *ret = e->plugin;
    return 0;
}

int
plugins_get_receiver(struct plugins *ps, struct slice key,
                     const struct plugin **ret, struct err *err)
{
    struct ids ids = {.n = 0};
    ids_scan(ps, &ids);
    for (size_t i = 0; i < ids.n; i++) {
        if (strncmp(ids.v[i], "export_", 7) != 0)
            continue;
        struct entry *e = entry_load(ps, ids.v[i]);
        if (e == NULL || e->plugin == NULL ||
            e->plugin->desc.receiver_key == NULL)
            continue;
        if (slice_eq_str(key, e->plugin->desc.receiver_key)) {
            *ret = e->plugin;
            return 0;
        }
    }
    return err_set(err, -ENOENT, "no installed exporter runs \"%.*s\"",
                   SLICE_FMT(key));
}

int
plugins_list(struct plugins *ps,
             int (*fn)(void *arg, const char *id, const char *path,
                       const struct plugin *plugin, const struct err *broken),
             void *arg)
{
    struct ids ids = {.n = 0};
    ids_scan(ps, &ids);
    for (size_t i = 0; i < ids.n; i++) {
        struct entry *e = entry_load(ps, ids.v[i]);
        if (e == NULL)
            continue;
        const char *path =
            e->plugin != NULL ? e->plugin->path : file_find(ps, ids.v[i]);
        int r = fn(arg, ids.v[i], path, e->plugin,
                   e->plugin == NULL ? &e->broken : NULL);
        if (r != 0)
            return r;
    }
    return 0;
}
