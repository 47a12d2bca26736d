/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/host/descriptor.h"

/* No table is sensible beyond this; a larger count is garbage. */
#define TABLE_MAX 4096
#define ELEMENT_MAX 4096
#define GROUP_DEPTH_MAX 4

/* Re-lays 'n' elements of 'from_size' bytes as elements of 'to_size' bytes,
 * zeroing what the plugin did not know. */
static void *
table_import(struct arena *a, const void *from, size_t n, size_t from_size,
             size_t to_size)
{
    char *to = arena_calloc(a, n > 0 ? n : 1, to_size);
    if (to == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++)
        memcpy(to + i * to_size, (const char *)from + i * from_size,
               MIN(from_size, to_size));
    return to;
}

static int
table_check(const char *what, const void *table, size_t n, size_t size,
            size_t least, struct err *err)
{
    if (n == 0)
        return 0;
    if (table == NULL || n > TABLE_MAX || size < least || size > ELEMENT_MAX)
        return err_set(err, -EINVAL,
                       "its table of %s is broken: %zu elements of %zu bytes",
                       what, n, size);
    return 0;
}

static size_t
option_value_size(uint32_t type)
{
    switch (type) {
    case TOCSIN_OPT_BOOL:
    case TOCSIN_OPT_ENUM:
        return sizeof(int32_t);
    case TOCSIN_OPT_INT:
    case TOCSIN_OPT_DURATION:
    case TOCSIN_OPT_SIZE:
    case TOCSIN_OPT_DOUBLE:
        return sizeof(int64_t);
    case TOCSIN_OPT_STRING:
    case TOCSIN_OPT_GROUP:
        return sizeof(void *);
    case TOCSIN_OPT_LIST:
    case TOCSIN_OPT_GROUPS:
        return sizeof(struct tocsin_list);
    case TOCSIN_OPT_MAP:
        return sizeof(struct tocsin_map);
    default:
        return 0;
    }
}

struct option_import {
    struct arena *a;
    size_t element_size; /* as the plugin was compiled */
    struct err *err;
};

static int
option_check(const struct tocsin_option *o, size_t struct_size, struct err *err)
{
    size_t size = option_value_size(o->type);
    if (o->key == NULL || o->help == NULL)
        return err_set(err, -EINVAL, "an option lacks its key or its help");
    if (size == 0)
        return err_set(err, -EINVAL, "option \"%s\" has unknown type %u",
                       o->key, o->type);
    if (o->offset > struct_size || struct_size - o->offset < size)
        return err_set(err, -EINVAL,
                       "option \"%s\" lies outside the options struct", o->key);
    if (o->type == TOCSIN_OPT_ENUM && o->choices == NULL)
        return err_set(err, -EINVAL, "option \"%s\" has no choices", o->key);
    return 0;
}

/* Depth is bounded by GROUP_DEPTH_MAX. */
static int
options_import(const struct option_import *in, const void *from, size_t n,
               size_t struct_size, int depth, const struct tocsin_option **ret)
{
    int r = table_check("options", from, n, in->element_size,
                        offsetof(struct tocsin_option, help) + sizeof(char *),
                        in->err);
    if (r < 0)
        return r;
    if (depth > GROUP_DEPTH_MAX)
        return err_set(in->err, -EINVAL, "its options nest too deeply");

    struct tocsin_option *to = table_import(in->a, from, n, in->element_size,
                                            sizeof(struct tocsin_option));
    if (to == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        r = option_check(&to[i], struct_size, in->err);
        if (r < 0)
            return r;
        if (to[i].type != TOCSIN_OPT_GROUP && to[i].type != TOCSIN_OPT_GROUPS)
            continue;
        r = options_import(in, to[i].members, to[i].n_members,
                           to[i].members_struct_size, depth + 1,
                           &to[i].members);
        if (r < 0)
            return r;
    }
    *ret = to;
    return 0;
}

static int
fields_import(struct arena *a, const char *owner,
              const struct tocsin_field **fields, size_t n, size_t *size,
              struct err *err)
{
    int r = table_check("fields", *fields, n, *size,
                        offsetof(struct tocsin_field, help), err);
    if (r < 0)
        return r;
    if (n > 255)
        return err_set(err, -EINVAL, "\"%s\" has %zu fields, 255 is the limit",
                       owner, n);
    const struct tocsin_field *to =
        table_import(a, *fields, n, *size, sizeof(struct tocsin_field));
    if (to == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        if (to[i].name == NULL)
            return err_set(err, -EINVAL, "a field of \"%s\" lacks its name",
                           owner);
    *fields = to;
    *size = sizeof(struct tocsin_field);
    return 0;
}

static int
streams_import(struct tocsin_plugin *p, struct arena *a, struct err *err)
{
    int r = table_check("streams", p->streams, p->n_streams, p->stream_size,
                        offsetof(struct tocsin_stream, semantics), err);
    if (r < 0)
        return r;
    struct tocsin_stream *to =
        table_import(a, p->streams, p->n_streams, p->stream_size,
                     sizeof(struct tocsin_stream));
    if (to == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < p->n_streams; i++) {
        if (to[i].name == NULL)
            return err_set(err, -EINVAL, "a stream lacks its name");
        r = fields_import(a, to[i].name, &to[i].fields, to[i].n_fields,
                          &to[i].field_size, err);
        if (r < 0)
            return r;
    }
    p->streams = to;
    p->stream_size = sizeof(struct tocsin_stream);
    return 0;
}

static int
metrics_import(struct tocsin_plugin *p, struct arena *a, struct err *err)
{
    int r = table_check("metrics", p->metrics, p->n_metrics, p->metric_size,
                        offsetof(struct tocsin_metric, labels), err);
    if (r < 0)
        return r;
    struct tocsin_metric *to =
        table_import(a, p->metrics, p->n_metrics, p->metric_size,
                     sizeof(struct tocsin_metric));
    if (to == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < p->n_metrics; i++) {
        if (to[i].name == NULL || to[i].type < TOCSIN_COUNTER ||
            to[i].type > TOCSIN_STATE)
            return err_set(err, -EINVAL, "a metric lacks its name or type");
        r = fields_import(a, to[i].name, &to[i].labels, to[i].n_labels,
                          &to[i].label_size, err);
        if (r < 0)
            return r;
    }
    p->metrics = to;
    p->metric_size = sizeof(struct tocsin_metric);
    return 0;
}

static int
callbacks_check(const struct tocsin_plugin *p, struct err *err)
{
    const char *missing = NULL;
    if (p->create == NULL || p->destroy == NULL)
        missing = "create and destroy";
    else if (p->kind == TOCSIN_SOURCE &&
             (p->open == NULL || p->read == NULL || p->close == NULL))
        missing = "open, read and close";
    else if (p->kind == TOCSIN_DECODER && p->decode == NULL)
        missing = "decode";
    else if (p->kind == TOCSIN_EXPORTER && p->deliver == NULL)
        missing = "deliver";
    if (missing != NULL)
        return err_set(err, -EINVAL, "it lacks one of its callbacks (%s)",
                       missing);
    return 0;
}

int
descriptor_import(const struct tocsin_plugin *from, struct arena *a,
                  struct tocsin_plugin *ret, struct err *err)
{
    /* Up to and with 'summary': in every version there ever was. */
    if (from->struct_size < offsetof(struct tocsin_plugin, options))
        return err_set(err, -EINVAL, "its descriptor has only %u bytes",
                       from->struct_size);
    if (from->abi != TOCSIN_ABI)
        return err_set(err, -EINVAL,
                       "it was built for plugin ABI %u, this program has %d",
                       from->abi, TOCSIN_ABI);

    struct tocsin_plugin to = {0};
    memcpy(&to, from, MIN((size_t)from->struct_size, sizeof to));
    to.struct_size = sizeof to;
    if (to.name == NULL || to.version == NULL || to.summary == NULL)
        return err_set(err, -EINVAL, "it lacks its name, version or summary");

    int r = callbacks_check(&to, err);
    if (r < 0)
        return r;
    struct option_import in = {a, to.option_size, err};
    r = options_import(&in, to.options, to.n_options, to.options_struct_size, 1,
                       &to.options);
    if (r < 0)
        return r;
    to.option_size = sizeof(struct tocsin_option);
    r = streams_import(&to, a, err);
    if (r < 0)
        return r;
    r = metrics_import(&to, a, err);
    if (r < 0)
        return r;
    *ret = to;
    return 0;
}
