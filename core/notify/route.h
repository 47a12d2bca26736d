/* SPDX-License-Identifier: Apache-2.0 */
/* route.h - the tree of routes, compiled: which routes take an alert, and what
 * groups it there.  As Alertmanager walks it: the children in their order,
 * the first that takes the alert ends the walk unless it says 'continue', and
 * a node takes what none of its children does.
 *
 * Never changes.  Thread: any. */
#ifndef TOCSIN_NOTIFY_ROUTE_H
#define TOCSIN_NOTIFY_ROUTE_H
#include "core/base/auto.h"
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/config/configuration.h"
#include "core/record/transition.h"

struct buf;
struct routes;

struct route {
    const struct config_route *config;
    struct slice key; /* "{}/{severity=\"page\"}", as Alertmanager has it */
    uint32_t index;   /* in the order of the file */
};

/* 'root' NULL: one route that takes everything and has no receiver.  It must
 * outlive the routes.  0; -EINVAL with the matcher's problem; -ENOMEM. */
MUST_CHECK int routes_new(const struct config_route *root, struct routes **ret,
                          struct err *err);
void routes_free(struct routes *rs);

size_t routes_count(const struct routes *rs);
const struct route *routes_get(const struct routes *rs, size_t index);

/* Calls 'fn' for each route that takes these labels (sorted by name, an absent
 * one is the empty value), in their order; stops at its first nonzero and
 * returns that.  A matcher that gives up (its limits were hit) takes nothing,
 * so the alert goes to the parent's receiver rather than nowhere. */
int routes_match(const struct routes *rs, const struct label *labels, size_t n,
                 int (*fn)(void *arg, const struct route *route), void *arg);

/* Does this route group by the label of that name? */
bool route_groups_by(const struct route *route, struct slice name);

/* Appends {a="b", c="d"}, as Alertmanager prints the labels of a group. */
int labels_print(const struct label *labels, size_t n, struct buf *out);

DEFINE_AUTO(routes, routes_free)
#endif
