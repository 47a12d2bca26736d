/* SPDX-License-Identifier: Apache-2.0 */
/* plugins.h - finds, loads and checks plugins.
 *
 * A plugin is asked for by kind and name; its file is KIND_NAME.so
 * ("source_kafka.so") in the first folder of the search path that has one.
 * What the program keeps is a copy of the descriptor in today's layout, so
 * that nobody else need mind older tables.  Nothing is ever unloaded: code
 * that may still have threads or callbacks can't be unmapped safely.
 *
 * Thread: main (loading); descriptors are read-only after that. */
#ifndef TOCSIN_HOST_PLUGINS_H
#define TOCSIN_HOST_PLUGINS_H
#include <tocsin/plugin.h>

#include "core/base/auto.h"
#include "core/base/err.h"
#include "core/base/types.h"

struct plugins;

struct plugin {
    struct tocsin_plugin desc; /* tables have today's element sizes */
    const char *id;            /* "source_kafka" */
    const char *path;
    uint32_t abi_size; /* struct_size as the plugin was compiled */
};

/* Search path, first hit wins: $TOCSIN_PLUGIN_PATH (folders, ':' between),
 * plugins/ and exporters/ beside the executable (a build tree), the installed
 * folder.  NULL: out of memory. */
struct plugins *plugins_new(void);
void plugins_free(struct plugins *ps);

/* The plugin, loaded at its first use.  'kind' is TOCSIN_SOURCE, …  Fails
 * with the reason and, where there is one, the nearest installed name. */
MUST_CHECK int plugins_get(struct plugins *ps, unsigned kind, struct slice name,
                           const struct plugin **ret, struct err *err);
/* The exporter that runs receivers of that key ("webhook_configs"); loads
 * exporters until one claims it. */
MUST_CHECK int plugins_get_receiver(struct plugins *ps, struct slice key,
                                    const struct plugin **ret, struct err *err);
/* Each installed plugin, by kind and name; 'broken' is filled where it can't
 * be loaded ('plugin' is then NULL).  Loads them all. */
int plugins_list(struct plugins *ps,
                 int (*fn)(void *arg, const char *id, const char *path,
                           const struct plugin *plugin,
                           const struct err *broken),
                 void *arg);

const char *plugin_kind_name(unsigned kind); /* "source" */

DEFINE_AUTO(plugins, plugins_free)
#endif
