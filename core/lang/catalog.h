/* SPDX-License-Identifier: Apache-2.0 */
/* catalog.h - what names mean: which are streams, and what their events carry.
 *
 * The caller gives it to query_parse, which binds each selector by it.  It must
 * outlive the queries that were bound with it. */
#ifndef TOCSIN_LANG_CATALOG_H
#define TOCSIN_LANG_CATALOG_H
#include "core/base/types.h"

/* As TOCSIN_FIELD_… of plugin.h.  A filter with a duration on a number of
 * milliseconds compares milliseconds: pipe_filter.number stays in seconds. */
enum lang_field_type {
    LANG_FIELD_STRING,
    LANG_FIELD_NUMBER,
    LANG_FIELD_DURATION_MS,
    LANG_FIELD_BYTES,
    LANG_FIELD_TIME,
    LANG_FIELD_BOOL
};

struct lang_field {
    const char *name;
    enum lang_field_type type;
    bool is_label; /* part of the event's identity, so of its series */
    uint32_t id;   /* the caller's; not read here */
};

struct lang_stream {
    const char *name;
    const struct lang_field *fields; /* labels too */
    uint32_t field_count;
    bool open;        /* its events may carry fields that are not listed */
    const void *data; /* the caller's; not read here */
};

struct lang_catalog {
    void *ctx;
    uint32_t (*stream_count)(void *ctx);
    const struct lang_stream *(*stream_get)(void *ctx, uint32_t i);
    /* Is this a metric that somebody makes?  NULL: any name may be one. */
    bool (*metric_known)(void *ctx, struct slice name);
};

const struct lang_stream *catalog_stream(const struct lang_catalog *catalog,
                                         struct slice name);
const struct lang_field *stream_field(const struct lang_stream *stream,
                                      struct slice name);

#endif
