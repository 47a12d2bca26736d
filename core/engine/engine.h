/* SPDX-License-Identifier: Apache-2.0 */
/* engine.h - evaluates rules; a pure function of the journal.
 *
 * Fed every frame in order, it emits transitions.  It does no I/O, reads no
 * clock, has no globals and never logs: the same frames give the same
 * transitions, bit for bit, live, late, restarted or replayed.
 *
 * Thread: one owner. */
#ifndef TOCSIN_ENGINE_ENGINE_H
#define TOCSIN_ENGINE_ENGINE_H

#include "core/base/auto.h"
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/record/frame.h"
#include "core/record/transition.h"

#define ENGINE_VERSION 1 /* changes when the same journal may give others */

struct engine;
struct rule;
struct trial;

struct engine_options {
    /* Told of each transition, in order, during engine_feed(). */
    void (*emit)(void *arg, const struct transition *t);
    void *arg;
    /* Expressions as Loki reads them: a selector without a name is of streams,
     * and a record that a stage can't read is an error of the expression
     * instead of being left out.  doc/decisions/logql.md */
    bool logql;
    size_t max_keys_per_rule;   /* 0: default 100,000 */
    size_t max_alerts_per_rule; /* 0: default 10,000; past it one overflow
                                   alert stands for the rest */
    const struct trial *trial;  /* trial.h: of a unit test, else NULL */
};

struct engine *engine_new(const struct engine_options *o);
void engine_free(struct engine *e);

/* Takes in one frame; frames at or before the restored position are ignored.
 * Frames that are not the engine's business are ignored.  0; -ENOMEM (the
 * engine is then unusable: restore another from the checkpoint); -EBADMSG
 * for a frame that can't be read (ignored, counted). */
MUST_CHECK int engine_feed(struct engine *e, const struct frame *f);

/* The input has ended (replay, tests): every watermark passes everything
 * seen, and all slots up to it are evaluated. */
MUST_CHECK int engine_flush(struct engine *e, usec_t journal_time);

/* After the newest frame that was fed. */
uint64_t engine_position(const struct engine *e);

/* ---- state as rows: (node, key) → value.  A node's number comes from its
 * text, so that it is the same after a restart or a reload. */

struct engine_row {
    uint64_t node;
    struct slice key;
    struct slice value; /* p NULL: the row is gone */
};

/* Freezes the rows that changed since the last begin (all of them if 'full'),
 * as of engine_position(), which it returns.  engine_feed() may go on between
 * steps: a row that is about to change is handed out first. */
uint64_t engine_checkpoint_begin(struct engine *e, bool full);
/* Hands out about 'max_rows' rows: 1 if there are more, 0 when done, or what
 * 'fn' returned where negative. */
MUST_CHECK int engine_checkpoint_step(struct engine *e, size_t max_rows,
                                      int (*fn)(void *arg,
                                                const struct engine_row *row),
                                      void *arg);

/* Restoring: rows in any order (later ones replace earlier ones), then the
 * position that they reflect. */
MUST_CHECK int engine_restore_row(struct engine *e,
                                  const struct engine_row *row);
MUST_CHECK int engine_restore_end(struct engine *e, uint64_t position);

/* ---- looking inside: for /metrics, status, query, check */

struct engine_stats {
    uint64_t records, events, samples, late, future, slots, evaluations;
    uint64_t transitions, unreadable_fields, rules, rules_unknown;
    uint64_t rules_failing; /* whose last evaluation was an error */
    uint64_t series, keys, rows, bytes;
};
void engine_get_stats(const struct engine *e, struct engine_stats *ret);

struct engine_watermark {
    struct slice input, partition;
    usec_t watermark_us; /* USEC_NONE: none yet */
    usec_t newest_us;
    uint8_t state; /* enum partition_state */
};
int engine_watermarks(const struct engine *e,
                      int (*fn)(void *arg, const struct engine_watermark *w),
                      void *arg);

/* Alerts that are pending or firing now, as transitions with that state. */
int engine_alerts(const struct engine *e,
                  int (*fn)(void *arg, const struct transition *t), void *arg);

/* A rule and how it does. */
struct engine_rule {
    struct slice file, group, name, expr;
    unsigned line;
    bool is_alert;
    usec_t interval_us, for_us, keep_us;
    uint64_t limit, evaluations;
    uint32_t n_labels, n_annotations;
    const struct label *labels, *annotations; /* as written */
    usec_t last_slot_us;                      /* USEC_NONE: none yet */
    struct slice error;                       /* of the last evaluation */
    struct rule *rule;
};
/* Calls fn with each rule that can run, in the order of the files; what is not
 * 0 ends it and is returned. */
int engine_rules(struct engine *e,
                 int (*fn)(void *arg, const struct engine_rule *r), void *arg);
/* Its alerts, as engine_alerts() has them. */
int engine_rule_alerts(const struct engine_rule *r,
                       int (*fn)(void *arg, const struct transition *t),
                       void *arg);

DEFINE_AUTO(engine, engine_free)

#endif
