/* SPDX-License-Identifier: Apache-2.0 */
/* kind.h - what rules that are no expression keep: missing.c, sequence.c.
 *
 * Records reach them through taps (tap.c), key by key; at a slot they say for
 * which keys the rule holds, and the rest is as of every alert.  All times are
 * event times less the rule's query_offset. */
#ifndef TOCSIN_ENGINE_KIND_H
#define TOCSIN_ENGINE_KIND_H

#include "core/base/types.h"
#include "core/engine/keyed.h"
#include "core/record/transition.h"

struct engine;
struct engine_row;
struct eval;
struct rule;
struct rule_def;
struct lset;
struct vector;

#define KIND_EVIDENCE_MAX 16u

struct kind;

/* (lo, hi]: slots were skipped as nobody observed them. */
struct unseen {
    usec_t lo, hi;
};
#define KIND_UNSEEN_MAX 16u

struct kind_ops {
    struct kind *(*make)(struct engine *e, uint64_t id, struct keyset *ks);
    void (*free)(struct kind *k);
    /* The rule's text, which may differ in what its id leaves out. */
    int (*configure)(struct kind *k, const struct rule_def *d);
    /* A record of a key, which matches the selectors in 'mask'.  1: too late
     * to be seen by a slot that should have seen it; 2: refused; -ENOMEM. */
    int (*record)(struct kind *k, uint32_t key, usec_t t, uint32_t mask);
    int (*evaluate)(struct kind *k, struct eval *ev, struct vector *ret);
    /* The oldest span that nobody observed is about to be forgotten: moves on
     * what it still holds up. */
    void (*settle)(struct kind *k, struct unseen s);
    /* The clock stepped back: evaluations come 'span' (< 0) later. */
    int (*rebase)(struct kind *k, usec_t span);
    /* Results that were refused for want of room. */
    uint64_t (*refused)(const struct kind *k, usec_t t);
    /* What made an entry hold, as texts in ev's arena: how many. */
    int (*evidence)(struct kind *k, struct engine *e, uint32_t entry,
                    struct slice ret[KIND_EVIDENCE_MAX]);
    int (*restore)(struct kind *k, const struct engine_row *row);
    size_t (*bytes)(const struct kind *k);
};

/* Begins what each of them keeps. */
struct kind {
    const struct kind_ops *ops;
    struct keyed keyed;
    usec_t evaluated;  /* newest evaluation; USEC_NONE: none yet */
    uint32_t n_unseen; /* by time */
    struct unseen unseen[KIND_UNSEEN_MAX];
};

#define KIND_LATE 1
#define KIND_REFUSED 2

extern const struct kind_ops kind_missing, kind_sequence;

void kind_free(struct kind *k); /* NULL is fine */
/* Gives the rule's state what its kind keeps, and the rule's text. */
MUST_CHECK int kind_adopt(struct engine *e, struct rule *r);
/* Nobody observed (lo, hi]. */
void kind_skip(struct kind *k, usec_t lo, usec_t hi);
void kind_settle_all(struct kind *k);
/* When 'd' of observed time have passed since 'base'. */
usec_t kind_due(const struct kind *k, usec_t base, usec_t d);
/* The owner's row, as far as both are the same: key and value. */
int kind_head_put(const struct kind *k, struct buf *key, struct buf *value);
MUST_CHECK int kind_head_restore(struct kind *k, const struct engine_row *row);
/* Evidence of an alert of this sample: the texts' number, -ENOMEM. */
MUST_CHECK int kind_evidence(struct rule *r, const struct lset *sample,
                             struct slice ret[KIND_EVIDENCE_MAX]);

/* A text in the engine's arena; -ENOMEM. */
PRINTF_LIKE(3, 4)
MUST_CHECK int kind_text(struct engine *e, struct slice *ret, const char *fmt,
                         ...);

#endif
