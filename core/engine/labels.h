/* SPDX-License-Identifier: Apache-2.0 */
/* labels.h - label sets, each stored once, so that equal sets are one pointer.
 *
 * Strings are interned and counted; a set is an array of pairs of their
 * numbers, sorted by name.  Hashes and orders come from the texts alone, so
 * they are the same in every run.  One owner: no locks. */
#ifndef TOCSIN_ENGINE_LABELS_H
#define TOCSIN_ENGINE_LABELS_H

#include "core/base/types.h"
#include "core/record/transition.h"

struct buf;
struct reader;

struct lpair {
    uint32_t name, value; /* numbers of strings */
};

struct lset {
    uint32_t refs, slot;
    struct lset *bare; /* see lset_bare(); NULL: not asked for yet */
    uint64_t hash;     /* of the content */
    uint32_t n;
    struct lpair l[];
};

struct labels;

struct labels *labels_new(void);
void labels_free(struct labels *ls); /* every set must have been released */

/* A string's number, counted once more; 0 for want of memory. */
MUST_CHECK uint32_t labels_intern(struct labels *ls, struct slice s);
uint32_t labels_find(const struct labels *ls, struct slice s); /* 0: unknown */
void labels_release(struct labels *ls, uint32_t str);
struct slice labels_str(const struct labels *ls, uint32_t str);

/* The number of "__name__". */
uint32_t labels_name(const struct labels *ls);

/* The set of these, in any order; empty values are left out, the last of
 * equal names wins.  All functions that return a set return it with one
 * reference for the caller, NULL for want of memory. */
MUST_CHECK struct lset *lset_new(struct labels *ls, const struct label *l,
                                 size_t n);
/* Pairs sorted by name, no empty values. */
MUST_CHECK struct lset *lset_intern(struct labels *ls, const struct lpair *l,
                                    uint32_t n);
/* Only / all but the names that are listed. */
MUST_CHECK struct lset *lset_keep(struct labels *ls, struct lset *l,
                                  const uint32_t *names, uint32_t n);
MUST_CHECK struct lset *lset_drop(struct labels *ls, struct lset *l,
                                  const uint32_t *names, uint32_t n,
                                  bool drop_name);
/* With one label set; an empty value removes it. */
MUST_CHECK struct lset *lset_set(struct labels *ls, struct lset *l,
                                 uint32_t name, struct slice value);
/* The same by the label's name. */
MUST_CHECK struct lset *lset_set_named(struct labels *ls, struct lset *l,
                                       struct slice name, struct slice value);
MUST_CHECK struct lset *lset_empty(struct labels *ls);
/* Without what describes the metric: __name__, __type__, __unit__.  Made once,
 * borrowed: it lives as long as 'l'. */
MUST_CHECK struct lset *lset_bare(struct labels *ls, struct lset *l);

static inline struct lset *
lset_ref(struct lset *l)
{
    l->refs++;
    return l;
}
void lset_unref(struct labels *ls, struct lset *l); /* NULL is fine */

/* Keeps the caller's reference until labels_drain(); returns 'l'. */
MUST_CHECK struct lset *lset_pool(struct labels *ls, struct lset *l);
void labels_drain(struct labels *ls);
/* The same for those that were pooled after the first 'n'. */
size_t labels_pooled(const struct labels *ls);
void labels_drain_to(struct labels *ls, size_t n);

uint32_t lset_value(const struct lset *l, uint32_t name); /* 0: absent */
struct slice lset_get(const struct labels *ls, const struct lset *l,
                      struct slice name);
/* Order of the texts, as Prometheus compares label sets. */
int lset_cmp(const struct labels *ls, const struct lset *a,
             const struct lset *b);

/* {a="b", c="d"} for messages. */
int lset_print(const struct labels *ls, const struct lset *l, struct buf *b);
int lset_encode(const struct labels *ls, const struct lset *l, struct buf *b);
/* NULL: bad bytes or no memory. */
MUST_CHECK struct lset *lset_decode(struct labels *ls, struct reader *r);

size_t labels_bytes(const struct labels *ls); /* memory, about */

#endif
