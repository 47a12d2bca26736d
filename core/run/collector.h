/* SPDX-License-Identifier: Apache-2.0 */
/* collector.h - everything running: what `tocsin run` and `tocsin demo` are.
 *
 *   inputs ─▶ JOURNAL ─▶ loop (engine) ─▶ JOURNAL ─▶ outbox, exporters
 *   ticker ─▶
 *
 * Starting restores what was there; stopping drains in the order of the flow.
 * Thread: main. */
#ifndef TOCSIN_RUN_COLLECTOR_H
#define TOCSIN_RUN_COLLECTOR_H
#include "core/base/auto.h"
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/config/configuration.h"
#include "core/host/exporter.h"
#include "core/host/input.h"
#include "core/journal/journal.h"
#include "core/run/loop.h"
#include "core/run/outbox.h"

struct collector;
struct desk;
struct plugins;

/* The configuration and the plugins must outlive it.  Problems of the
 * configuration go to 'errs', others to 'err'. */
MUST_CHECK int collector_start(struct config *cfg, struct plugins *plugins,
                               struct collector **ret, struct errlist *errs,
                               struct err *err);
/* Reads the rule files again (those that 'cfg' names now) and puts them in
 * force.  With an error nothing changes.  1: changed, 0: all as it was. */
MUST_CHECK int collector_reload_rules(struct collector *c,
                                      const struct config *cfg,
                                      struct errlist *errs, struct err *err);
/* Where a reload is asked for.  Thread: any. */
struct desk *collector_desk(struct collector *c);
/* A reload was asked for and failed before it came to the rules. */
void collector_reload_failed(struct collector *c);
/* Stops the inputs, lets the engine, the outbox and the exporters finish what
 * is there, at most until the deadline (boot clock). */
void collector_stop(struct collector *c, usec_t deadline_us);
void collector_free(struct collector *c);

/* Every input is at the end of a finite source, and all of it is evaluated
 * and delivered. */
bool collector_is_done(struct collector *c);

struct journal *collector_journal(struct collector *c);
struct loop *collector_loop(struct collector *c);
struct outbox *collector_outbox(struct collector *c);
size_t collector_n_inputs(const struct collector *c);
struct input *collector_input(struct collector *c, size_t i);
size_t collector_n_exporters(const struct collector *c);
struct exporter *collector_exporter(struct collector *c, size_t i);
const struct config *collector_config(const struct collector *c);
/* Wall clock; of the newest reload that was asked for, and how it went. */
usec_t collector_reload_time(const struct collector *c);
bool collector_reload_ok(const struct collector *c);

DEFINE_AUTO(collector, collector_free)
#endif
