/* SPDX-License-Identifier: Apache-2.0 */
/* engine_feed.h - a virtual journal for tests of the engine: frames are made
 * from short texts, kept, and fed to any number of engines.
 *
 * Times are seconds after FEED_T0, a multiple of every interval.  Failures
 * abort the test. */
#ifndef TOCSIN_TESTS_ENGINE_FEED_H
#define TOCSIN_TESTS_ENGINE_FEED_H

#include "core/base/buf.h"
#include "core/engine/engine.h"
#include "core/engine/ruleset.h"
#include "core/record/schema.h"
#include "core/record/tick.h"

#define FEED_T0 ((usec_t)1767225600 * USEC_PER_SEC) /* 2026-01-01T00:00:00Z */

struct feed;

struct feed *feed_new(void);
void feed_free(struct feed *f);

/* The schema's inputs, with lateness and expect_every in seconds:
 *   hub   stream hub_logs {hub, category, operation, level} device_id,
 *         result_type, duration_ms, size; iothub_device_connected (state)
 *   dps   stream dps_events {dps, status} device_id
 *   edge  queue_length (gauge), messages_total (counter), temperature (gauge)
 *         {hub, device_id}; up {instance}
 * Appends it as a frame. */
void feed_schema(struct feed *f, double hub_lateness, double edge_lateness);
void feed_expect_every(struct feed *f, double hub_s); /* before feed_schema */
const struct schema *feed_get_schema(const struct feed *f);
/* Frames that continue those of 'from' at a position, without a schema frame
 * of their own. */
void feed_copy_schema(struct feed *f, const struct feed *from, uint64_t number);

/* A whole file of rules; or one group "g" with this interval and these rules.
 * Appended as a frame. */
void feed_rules(struct feed *f, double time, const char *yaml);
void feed_rule_files(struct feed *f, double time,
                     const struct ruleset_file *files, uint32_t n);
/* A file that the rules to come may name as their inventory. */
void feed_inventory(struct feed *f, const char *path, const char *text);

/* "hub/0 reading", "hub/0 caught_up dps/0 down": any number of partitions. */
void feed_tick(struct feed *f, double time, const char *states);
void feed_rebase(struct feed *f, double time, const char *states);

/* A chunk of "hub/0"; then its records; then the end appends it. */
void feed_chunk(struct feed *f, double time, const char *partition);
/* "hub=eu category=Connections device_id=d1"; a value ends at a space. */
void feed_event(struct feed *f, double t, const char *stream,
                const char *fields);
void feed_sample(struct feed *f, double t, const char *metric,
                 const char *labels, double value, uint64_t sequence);
void feed_end(struct feed *f);

/* Frames that are there; the i-th. */
uint32_t feed_count(const struct feed *f);
const struct frame *feed_frame(const struct feed *f, uint32_t i);

/* An engine whose transitions are written to 'log', a line each:
 *     300.5 firing DisconnectStorm{hub="eu"} 7 on arrival since 300.5
 * Time is that of the evaluation. */
struct engine *feed_engine(struct buf *log, const struct engine_options *o);
void feed_run(const struct feed *f, struct engine *e, uint32_t from,
              uint32_t to);
void feed_log(void *log, const struct transition *t); /* an emit function */

/* Feeds all and checks the transitions; then does it again, restarted after
 * each frame: the transitions and the last rows are the same. */
void feed_expect(const struct feed *f, const char *lines);

/* The rows of a full checkpoint as one number that their order doesn't
 * change; with 'dump', also as text. */
uint64_t feed_digest(struct engine *e, struct buf *dump);

/* Rows as a store would keep them. */
struct feed_store;
struct feed_store *feed_store_new(void);
void feed_store_free(struct feed_store *s);
int feed_store_put(void *store, const struct engine_row *row);
/* A new engine from them. */
struct engine *feed_store_restore(const struct feed_store *s, uint64_t position,
                                  struct buf *log,
                                  const struct engine_options *o);

#endif
