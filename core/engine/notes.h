/* SPDX-License-Identifier: Apache-2.0 */
/* notes.h - what an evaluation has to say beside its value: Prometheus'
 * annotations, in its words (promql.md 8).
 *
 * Each text of a place stands once; past NOTES_MAX more are only counted.
 * One owner. */
#ifndef TOCSIN_ENGINE_NOTES_H
#define TOCSIN_ENGINE_NOTES_H

#include "core/base/arena.h"
#include "core/base/types.h"
#include "core/lang/selector.h"

#define NOTES_MAX 100u

struct buf;
struct eval;
struct expr;

enum note_kind { NOTE_WARNING, NOTE_INFO };

/* Buckets that were made to rise: merged over samples and times. */
struct note_buckets {
    int64_t from_ms, to_ms;
    double lowest, highest, difference;
    uint32_t samples; /* 0: the note is about something else */
};

struct note {
    enum note_kind kind;
    struct span span; /* of the query's text */
    const char *text; /* without prefix and place */
    struct note_buckets buckets;
};

struct notes {
    struct arena *arena; /* the texts live there */
    struct note p[NOTES_MAX];
    uint32_t n, omitted;
};

void notes_init(struct notes *ns, struct arena *a);

/* "PromQL info: metric might … (1:6)": 'query' is the text of the whole
 * expression. */
int note_print(const struct note *n, struct slice query, struct buf *b);

/* About the part of the expression that 'e' is.  Nothing happens where nobody
 * reads the notes of this evaluation. */
PRINTF_LIKE(4, 5)
void eval_note(struct eval *ev, enum note_kind kind, const struct expr *e,
               const char *fmt, ...);
/* A quantile outside [0, 1]. */
void eval_note_quantile(struct eval *ev, const struct expr *e, double q);
/* histogram_quantile() needed to make buckets rise; 'name' may be empty. */
void eval_note_buckets(struct eval *ev, const struct expr *e, struct slice name,
                       const struct note_buckets *b);

#endif
