/* SPDX-License-Identifier: Apache-2.0 */
/* instance.h - one configured use of a plugin, and the host's side of it.
 *
 * Thread: one owner calls the plugin; metrics may be read by any. */
#ifndef TOCSIN_HOST_INSTANCE_H
#define TOCSIN_HOST_INSTANCE_H
#include <stdatomic.h>

#include "core/base/auto.h"
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/host/plugins.h"

/* What plugins know as struct tocsin_ctx. */
struct instance;

/* Creates the plugin's instance.  'name' is the input's or exporter's, for
 * messages; it is copied.  'options' is the filled options struct and must
 * outlive the instance. */
MUST_CHECK int instance_new(const struct plugin *plugin, const char *name,
                            const void *options, struct instance **ret,
                            struct err *err);
void instance_free(struct instance *in); /* destroys; NULL is fine */

const struct tocsin_plugin *instance_plugin(const struct instance *in);
void *instance_self(const struct instance *in); /* the plugin's own object */
const char *instance_name(const struct instance *in);

/* Before each callback: forgets the reason of the last failure. */
void instance_begin(struct instance *in);
/* The reason that the callback gave, or "no reason given". */
const char *instance_reason(const struct instance *in);

/* Makes wake_fd readable, so that read() returns; any thread. */
void instance_wake(struct instance *in);
/* Owner's thread; look after it for what a wake-up may be about: one that
 * comes meanwhile may be cleared with those before. */
void instance_wake_clear(struct instance *in);
int instance_wake_fd(const struct instance *in);

/* Partitions in the order of their first mention.  Owner's thread. */
uint32_t instance_partition(struct instance *in, struct slice name);
struct slice instance_partition_name(const struct instance *in, uint32_t id);
uint32_t instance_n_partitions(const struct instance *in);

/* The plugin's own metrics, by index of its table. */
double instance_metric(const struct instance *in, size_t index);

DEFINE_AUTO(instance, instance_free)
#endif
