/* SPDX-License-Identifier: Apache-2.0 */
/* input.h - one input at work: a thread that reads the source, decodes, and
 * appends to the journal; positions are acknowledged when they are synced.
 *
 *   source ──chunk──▶ ingest ──▶ journal_append
 *     ▲                              │ synced
 *     └────────── commit ◀───────────┘
 *
 * A full journal stops the reading.  A source that fails is closed and opened
 * again with back-off, from the journal's positions.  Each partition's state
 * is kept for the ticks. */
#ifndef TOCSIN_HOST_INPUT_H
#define TOCSIN_HOST_INPUT_H
#include "core/base/auto.h"
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/record/schema.h"
#include "core/record/tick.h"

struct instance;
struct journal;
struct input;

struct input_options {
    const char *name;
    uint16_t id; /* in 'schema' */
    const struct schema *schema;
    struct journal *journal;
    struct instance *source;          /* owned from here on */
    struct instance *const *decoders; /* each owned; the array is copied */
    size_t n_decoders;
    size_t max_record_bytes;
};

/* Takes ownership of the instances, also on failure.  Nothing runs yet. */
MUST_CHECK int input_new(const struct input_options *o, struct input **ret,
                         struct err *err);
MUST_CHECK int input_start(struct input *in, struct err *err);
/* Asks the thread to finish: it appends what it has, waits up to the deadline
 * (boot clock) for the sync, commits, and closes the source. */
void input_stop(struct input *in, usec_t deadline_us);
/* After input_stop(), or instead of it where it never ran. */
void input_free(struct input *in);

/* Synced up to 'pos': commits may be due.  Any thread. */
void input_synced(struct input *in, uint64_t pos);

/* Every partition's state now; one that is gone is told once, to the first who
 * asks.  Names stay as long as the input.  Any thread. */
int input_partitions(struct input *in,
                     int (*fn)(void *arg, const struct tick_partition *p),
                     void *arg);
/* Nothing will ever come again (a finite source is at its end, everything is
 * appended). */
bool input_has_ended(const struct input *in);

struct input_stats {
    const char *name;
    uint64_t bytes, chunks, records, samples, dead;
    uint64_t restarts, blocked; /* times the journal was full */
};
void input_get_stats(const struct input *in, struct input_stats *ret);
const struct instance *input_source(const struct input *in);

DEFINE_AUTO(input, input_free)
#endif
