/* SPDX-License-Identifier: Apache-2.0 */
/* pages.h - how often somebody would have been told: the notifier over a
 * replay's transitions, with a configuration's routes.  Nothing is sent; each
 * notification counts as taken at once. */
#ifndef TOCSIN_RUN_PAGES_H
#define TOCSIN_RUN_PAGES_H
#include "core/base/auto.h"
#include "core/base/err.h"
#include "core/base/types.h"

struct config;
struct pages;
struct transition;

/* The configuration must outlive it. */
MUST_CHECK int pages_new(const struct config *cfg, struct pages **ret,
                         struct err *err);
void pages_free(struct pages *p);

/* It is that late now, in journal time; it never runs backwards.  0, -ENOMEM */
MUST_CHECK int pages_at(struct pages *p, usec_t time);
MUST_CHECK int pages_alert(struct pages *p, const struct transition *t);
/* Nothing comes any more: what waits for its group_wait is told. */
MUST_CHECK int pages_end(struct pages *p);
/* Notifications with something that fires, to all integrations. */
uint64_t pages_count(const struct pages *p);

DEFINE_AUTO(pages, pages_free)
#endif
