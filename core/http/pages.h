/* SPDX-License-Identifier: Apache-2.0 */
/* pages.h - what the server answers, as text in a buffer. */
#ifndef TOCSIN_HTTP_PAGES_H
#define TOCSIN_HTTP_PAGES_H

struct buf;
struct snapshot;

/* Prometheus' text format, version 0.0.4. */
void page_metrics(const struct snapshot *s, struct buf *b);
/* HTML for people. */
void page_status(const struct snapshot *s, struct buf *b);
/* {"status":"success","data":{"alerts":[…]}} */
void page_alerts(const struct snapshot *s, struct buf *b);
#endif
