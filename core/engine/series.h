/* SPDX-License-Identifier: Apache-2.0 */
/* series.h - samples of the series that some rule reads, for as long as it
 * needs them.
 *
 * A view is one selector: the series that match it, in the order of their
 * labels.  A metric that no view reads is not kept at all, a series neither.
 * Samples of a series are ordered by time whatever order they came in; of two
 * at one time the greater value stays.  A state metric holds its last value
 * until replaced: of its samples the one with the greater sequence number
 * counts, where there are such numbers; else the newer.
 *
 * Times are milliseconds, as samples have them.  One owner.  Bounded by
 * max_series a metric: new ones past it are refused and counted. */
#ifndef TOCSIN_ENGINE_SERIES_H
#define TOCSIN_ENGINE_SERIES_H

#include "core/base/types.h"
#include "core/engine/labels.h"
#include "core/engine/rows.h"

struct err;
struct keysets;
struct matcher;
struct seriesdb;

#define SERIES_STALE_BITS UINT64_C(0x7ff0000000000002)

static inline bool
value_is_stale(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits == SERIES_STALE_BITS;
}
double value_stale(void);

struct sample {
    int64_t ms;
    double v;
};

struct metric_kind {
    bool is_state;
    usec_t remember_us; /* of a state: 0: for ever */
};

MUST_CHECK struct seriesdb *seriesdb_new(struct rows *rows, struct labels *ls,
                                         struct keysets *keysets,
                                         uint32_t max_series);
void seriesdb_free(struct seriesdb *db);

/* ---- views */

/* A selector: all its matchers, that on the name among them.  'name' is empty
 * where the matchers don't say one.  Returns its number or -ENOMEM.
 * 'matchers' must live as long as the view. */
MUST_CHECK int seriesdb_add_view(struct seriesdb *db, struct slice name,
                                 const struct matcher *matchers, uint32_t n);
uint32_t seriesdb_view_count(const struct seriesdb *db);
/* Puts the series that are there into the views from 'first' on, which came
 * after them; and takes those views away again. */
MUST_CHECK int seriesdb_fill_views(struct seriesdb *db, uint32_t first);
void seriesdb_drop_views(struct seriesdb *db, uint32_t first);
/* Do the first 'views' views keep all that this one selects after 'from_ms'?
 * -ERANGE with err filled: no. */
MUST_CHECK int seriesdb_check_kept(const struct seriesdb *db, uint32_t view,
                                   uint32_t views, int64_t from_ms,
                                   struct err *err);
/* Forgets all views (new rules come): their numbers start from 0 again, and
 * metrics are to be declared anew. */
void seriesdb_reset_views(struct seriesdb *db);
/* The views are complete: drops what none of them reads. */
MUST_CHECK int seriesdb_settle(struct seriesdb *db);
/* The view will be read at times after 'from_ms' only. */
void seriesdb_view_from(struct seriesdb *db, uint32_t view, int64_t from_ms);
/* Forgets what is no longer read. */
void seriesdb_trim(struct seriesdb *db);

/* The series of a view, and their samples with ms in (from, to]. */
uint32_t view_count(struct seriesdb *db, uint32_t view);
struct lset *view_labels(const struct seriesdb *db, uint32_t view, uint32_t i);
uint32_t view_samples(const struct seriesdb *db, uint32_t view, uint32_t i,
                      int64_t from, int64_t to, const struct sample **ret);
/* The newest sample in (from, to]; for a state metric: held at 'to'.  False if
 * there is none or it is stale. */
bool view_newest(const struct seriesdb *db, uint32_t view, uint32_t i,
                 int64_t from, int64_t to, struct sample *ret);
bool view_is_state(const struct seriesdb *db, uint32_t view, uint32_t i);

/* ---- samples */

/* Declares a metric, and what it is unless 'kind' is NULL; returns its number
 * or -ENOMEM.  Whether one is there depends on the schema and the rules, and
 * not on what was recorded before: so it is the same after a restart. */
MUST_CHECK int64_t seriesdb_metric(struct seriesdb *db, struct slice name,
                                   const struct metric_kind *kind);
/* The names of the labels that its samples come with; equal to those before
 * (as the schema grows), or with more behind them. */
MUST_CHECK int seriesdb_bind(struct seriesdb *db, uint32_t metric,
                             const struct slice *names, uint32_t n);

/* Does any view read it? */
bool seriesdb_is_read(const struct seriesdb *db, uint32_t metric);

enum series_add { SERIES_KEPT, SERIES_UNREAD, SERIES_LATE, SERIES_FULL };

/* The key set of the labels that were bound, and where each of its names stands
 * among them. */
struct keyset *seriesdb_keyset(const struct seriesdb *db, uint32_t metric,
                               const uint8_t **ret_ids);
/* A sample with this key of that set.  enum series_add, or -ENOMEM. */
MUST_CHECK int seriesdb_add(struct seriesdb *db, uint32_t metric, uint32_t key,
                            struct sample s, uint64_t sequence);
/* Two steps ahead of it: each asks for memory that it will need. */
void seriesdb_fetch(const struct seriesdb *db, uint32_t metric, uint32_t key);
void seriesdb_fetch_samples(const struct seriesdb *db, uint32_t metric,
                            uint32_t key);
/* The same for what a recording rule made: 'rule' owns the series. */
MUST_CHECK int seriesdb_record(struct seriesdb *db, uint64_t rule,
                               struct lset *labels, struct sample s);
/* Ends with a stale marker the series of a rule that got no sample at 'ms'
 * though they had one before. */
MUST_CHECK int seriesdb_record_end(struct seriesdb *db, uint64_t rule,
                                   int64_t ms);

/* The clock stepped back: samples after 'ms' are forgotten. */
MUST_CHECK int seriesdb_rebase(struct seriesdb *db, int64_t ms);

/* Is this a row of ours?  1 restored, 0 not ours, negative errno. */
MUST_CHECK int seriesdb_restore(struct seriesdb *db,
                                const struct engine_row *row);
uint64_t seriesdb_count(const struct seriesdb *db);
size_t seriesdb_bytes(const struct seriesdb *db);

#define NODE_METRICS UINT64_C(0x6d65747269637300)
#define NODE_SERIES UINT64_C(0x7365726965730000)

#endif
