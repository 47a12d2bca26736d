/* SPDX-License-Identifier: Apache-2.0 */
/* route.h - from a record to the windows that count it.
 *
 * A selector's conditions are checked cheapest first.  Of each stream the
 * selectors are found by the value of a field that they want to be equal to
 * something; only those without such a field are asked for every record. */
#ifndef TOCSIN_ENGINE_ROUTE_H
#define TOCSIN_ENGINE_ROUTE_H

#include "core/base/types.h"
#include "core/record/schema.h"

struct arena;
struct lang_field;
struct matcher;
struct pipe_stage;
struct router;
struct selector;
struct window;

/* Leads a selector's events to 'sink' (the caller's, told in the callback
 * below); the stages of its pipeline before 'end' are conditions.  The selector
 * must live as long as the router.  0, -ENOMEM. */
MUST_CHECK struct router *router_new(const struct schema *schema);
void router_free(struct router *r);
MUST_CHECK int router_add(struct router *r, const struct selector *sel,
                          const struct pipe_stage *end, void *sink);
/* All are added. */
MUST_CHECK int router_finish(struct router *r);

struct route_record {
    uint16_t stream;
    const struct slice *fields; /* by id; absent ones are empty */
    struct slice raw;
};

/* Does anything read the stream? */
bool router_reads(const struct router *r, uint16_t stream);
/* Of the newest record: the i-th sink whose selector a regular expression
 * that hit its limit left undecided; NULL: no more. */
void *router_undecided(const struct router *r, uint32_t i);
/* Calls fn(arg, sink) for each selector that matches, in the order of adding;
 * returns its first nonzero result.  *unreadable counts the selectors whose
 * condition could not read a field. */
int router_match(struct router *r, const struct route_record *rec,
                 int (*fn)(void *arg, void *sink), void *arg,
                 uint64_t *unreadable);

#endif
