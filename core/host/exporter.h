/* SPDX-License-Identifier: Apache-2.0 */
/* exporter.h - one destination of records at work: a thread that reads what
 * is synced from its own durable cursor on, hands batches to the plugin, and
 * tries again with back-off and jitter until they are delivered.
 *
 * A batch is what one frame holds of the selected records, halved where the
 * plugin says it is too large.  What is refused for good is counted and
 * logged; the journal still has it.  One that lags past the journal's bound
 * loses its own oldest, counted. */
#ifndef TOCSIN_HOST_EXPORTER_H
#define TOCSIN_HOST_EXPORTER_H
#include "core/base/auto.h"
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/journal/io.h"

struct exporter;
struct instance;
struct journal;

#define EXPORT_EVENTS 1u
#define EXPORT_SAMPLES 2u
#define EXPORT_ALERTS 4u

struct exporter_options {
    const char *name;
    struct instance *plugin; /* owned from here on */
    struct journal *journal;
    const struct io *io;
    const char *cursor_dir;     /* made if it does not exist */
    unsigned kinds;             /* EXPORT_… */
    const struct slice *inputs; /* names; none: all.  Borrowed */
    size_t n_inputs;
    bool block;           /* pins the journal: back-pressure instead of loss */
    uint64_t store_bytes; /* its cursor is kept after so much of the journal at
                             the latest; 0: by time only */
};

/* Takes ownership of the plugin's instance, also on failure. */
MUST_CHECK int exporter_new(const struct exporter_options *o,
                            struct exporter **ret, struct err *err);
MUST_CHECK int exporter_start(struct exporter *e, struct err *err);
/* Delivers what is synced by now, at most until the deadline (boot clock),
 * keeps its cursor, and stops. */
void exporter_stop(struct exporter *e, usec_t deadline_us);
void exporter_free(struct exporter *e);

struct exporter_stats {
    const char *name;
    uint64_t delivered, retries, rejected, lost_bytes;
    uint64_t cursor; /* all before is delivered */
    usec_t lag_us;   /* age of the oldest undelivered frame; 0: none */
};
void exporter_get_stats(const struct exporter *e, struct exporter_stats *ret);

DEFINE_AUTO(exporter, exporter_free)
#endif
