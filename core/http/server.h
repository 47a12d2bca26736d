/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - the HTTP side of a running collector: the status page (/),
 * /metrics, /-/healthy, /-/ready; and as Prometheus answers them
 * /api/v1/alerts, /api/v1/rules and /api/v1/status/buildinfo.
 *
 * It reads only; it listens where `listen` says.  Threads of libmicrohttpd
 * call into the collector's thread-safe parts. */
#ifndef TOCSIN_HTTP_SERVER_H
#define TOCSIN_HTTP_SERVER_H
#include "core/base/auto.h"
#include "core/base/err.h"

struct collector;
struct http_server;

/* The collector must outlive it. */
MUST_CHECK int http_server_start(struct collector *c, struct http_server **ret,
                                 struct err *err);
unsigned http_server_port(const struct http_server *s); /* as bound */
void http_server_stop(struct http_server *s); /* frees; NULL is fine */

DEFINE_AUTO(http_server, http_server_stop)
#endif
