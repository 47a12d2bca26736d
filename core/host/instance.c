/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base/arena.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/base/symtab.h"
#include "core/host/instance.h"

#define INSTANCE_MAGIC 0x1257a9ceu
#define PARTITIONS_MAX 100000
#define PARTITION_NAME_MAX 512

struct instance {
    uint32_t magic;
    int wake_fd;
    atomic_bool woken; /* wake_fd may be readable */
    const struct plugin *plugin;
    void *self;
    char *name;
    struct symtab *partitions; /* symbol − 1 is the id */
    _Atomic uint64_t *metrics; /* bits of a double each */
    char reason[512];
};

static struct instance *
instance_of(struct tocsin_ctx *ctx)
{
    struct instance *in = (struct instance *)(void *)ctx;
    CHECK_OBJ(in, INSTANCE_MAGIC);
    return in;
}

static void
host_log(struct tocsin_ctx *ctx, int level, const char *message)
{
    struct instance *in = instance_of(ctx);
    enum log_level l = level <= TOCSIN_LOG_ERROR  ? LOG_ERROR
                       : level == TOCSIN_LOG_WARN ? LOG_WARN
                       : level < TOCSIN_LOG_DEBUG ? LOG_INF
                                                  : LOG_DBG;
    if (log_enabled(l))
        log_write(l, "%s \"%s\": %s", plugin_kind_name(in->plugin->desc.kind),
                  in->name, message);
}

static int
host_fail(struct tocsin_ctx *ctx, const char *reason)
{
    struct instance *in = instance_of(ctx);
    if (in->reason[0] == '\0')
        (void)snprintf(in->reason, sizeof in->reason, "%s", reason);
    return TOCSIN_ERROR;
}

static int64_t
host_wall_us(struct tocsin_ctx *ctx)
{
    (void)ctx;
    return clock_wall_us();
}

static int64_t
host_boot_us(struct tocsin_ctx *ctx)
{
    (void)ctx;
    return clock_boot_us();
}

static double
bits_double(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static uint64_t
double_bits(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static void
host_metric(struct tocsin_ctx *ctx, uint32_t index, double value)
{
    struct instance *in = instance_of(ctx);
    const struct tocsin_plugin *p = &in->plugin->desc;
    if (index >= p->n_metrics)
        return;
    _Atomic uint64_t *m = &in->metrics[index];
    if (p->metrics[index].type != TOCSIN_COUNTER) {
        atomic_store_explicit(m, double_bits(value), memory_order_relaxed);
        return;
    }
    uint64_t old = atomic_load_explicit(m, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(
        m, &old, double_bits(bits_double(old) + value), memory_order_relaxed,
        memory_order_relaxed))
        continue;
}

static uint32_t
host_partition(struct tocsin_ctx *ctx, const char *name, size_t n)
{
    return instance_partition(instance_of(ctx), slice_new(name, n));
}

static int
host_wake_fd(struct tocsin_ctx *ctx)
{
    return instance_of(ctx)->wake_fd;
}

static const struct tocsin_host host_table = {
    .struct_size = sizeof(struct tocsin_host),
    .abi = TOCSIN_ABI,
    .log = host_log,
    .fail = host_fail,
    .wall_us = host_wall_us,
    .boot_us = host_boot_us,
    .metric = host_metric,
    .partition = host_partition,
    .wake_fd = host_wake_fd,
};

int
instance_new(const struct plugin *plugin, const char *name, const void *options,
             struct instance **ret, struct err *err)
{
    struct instance *in = mem_new(struct instance);
    if (in == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    in->magic = INSTANCE_MAGIC;
    in->plugin = plugin;
    in->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    in->name = mem_strdup(name);
    in->partitions = symtab_new(PARTITIONS_MAX, 64 * 1024 * 1024);
    in->metrics = mem_new_array(_Atomic uint64_t, plugin->desc.n_metrics + 1);
    int r = 0;
    if (in->wake_fd < 0)
        r = err_set(err, -errno, "no event descriptor: %m");
    else if (in->name == NULL || in->partitions == NULL || in->metrics == NULL)
        r = err_set(err, -ENOMEM, "out of memory");
    else if (plugin->desc.create(&in->self, &host_table,
                                 (struct tocsin_ctx *)(void *)in, options) != 0)
        r = err_set(err, -EINVAL, "%s", instance_reason(in));
    if (r < 0) {
        in->self = NULL;
        instance_free(in);
        return r;
    }
    *ret = in;
    return 0;
}

void
instance_free(struct instance *in)
{
    if (in == NULL)
        return;
    CHECK_OBJ(in, INSTANCE_MAGIC);
    if (in->self != NULL)
        in->plugin->desc.destroy(in->self);
    if (in->wake_fd >= 0)
        (void)close(in->wake_fd);
    symtab_free(in->partitions);
    mem_free((void *)in->metrics);
    mem_free(in->name);
    in->magic = 0;
    mem_free(in);
}

const struct tocsin_plugin *
instance_plugin(const struct instance *in)
{
    return &in->plugin->desc;
}

void *
instance_self(const struct instance *in)
{
    return in->self;
}

const char *
instance_name(const struct instance *in)
{
    return in->name;
}

void
instance_begin(struct instance *in)
{
    in->reason[0] = '\0';
}

const char *
instance_reason(const struct instance *in)
{
    return in->reason[0] != '\0' ? in->reason : "no reason given";
}

void
instance_wake(struct instance *in)
{
    if (atomic_exchange(&in->woken, true))
        return;
    uint64_t one = 1;
    (void)!write(in->wake_fd, &one, sizeof one); /* full: already readable */
}

/* Where the flag is set and nothing is there to read, a wake-up is between
 * the two: it stays.  Forgetting the flag first would leave the descriptor
 * readable with nobody to clear it. */
void
instance_wake_clear(struct instance *in)
{
    uint64_t n;
    if (atomic_load_explicit(&in->woken, memory_order_relaxed) &&
        read(in->wake_fd, &n, sizeof n) == sizeof n)
        atomic_store(&in->woken, false);
}

int
instance_wake_fd(const struct instance *in)
{
    return in->wake_fd;
}

/* A name that is too long, or one too many, shares the id of "". */
uint32_t
instance_partition(struct instance *in, struct slice name)
{
    if (name.n > PARTITION_NAME_MAX)
        name.n = PARTITION_NAME_MAX;
    uint32_t symbol = symtab_intern(in->partitions, name);
    if (symbol == SYMBOL_NONE)
        symbol = symtab_intern(in->partitions, SLICE(""));
    return symbol == SYMBOL_NONE ? 0 : symbol - 1;
}

struct slice
instance_partition_name(const struct instance *in, uint32_t id)
{
    return symtab_slice(in->partitions, id + 1);
}

uint32_t
instance_n_partitions(const struct instance *in)
{
    return symtab_count(in->partitions);
}

double
instance_metric(const struct instance *in, size_t index)
{
    return bits_double(
        atomic_load_explicit(&in->metrics[index], memory_order_relaxed));
}
