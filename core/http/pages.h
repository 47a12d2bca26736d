/* SPDX-License-Identifier: Apache-2.0 */
/* pages.h - what the server answers, as text in a buffer. */
#ifndef TOCSIN_HTTP_PAGES_H
#define TOCSIN_HTTP_PAGES_H

#include "core/base/types.h"

struct buf;
struct engine;
struct snapshot;

/* Prometheus' text format, version 0.0.4. */
void page_metrics(const struct snapshot *s, struct buf *b);
/* HTML for people. */
void page_status(const struct snapshot *s, struct buf *b);
/* {"status":"success","data":{"alerts":[…]}} */
void page_alerts(const struct snapshot *s, struct buf *b);

/* What of /api/v1/rules is asked for; an empty list: all. */
#define FILTER_MAX 64u
struct filter_list {
    const char *v[FILTER_MAX];
    uint32_t n;
};
struct rules_filter {
    bool alerts_only, records_only, exclude_alerts;
    struct filter_list names, groups, files;
};
/* On the engine's thread. */
void page_rules(struct engine *e, const struct rules_filter *f, struct buf *b);
void page_buildinfo(struct buf *b);
/* {"status":"error","errorType":…,"error":…}, as Prometheus has it. */
void page_error(const char *type, const char *message, struct buf *b);
#endif
