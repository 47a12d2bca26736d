/* SPDX-License-Identifier: Apache-2.0 */
/* reference_priv.h - the reference's two halves: time and alerts, values. */
#ifndef TOCSIN_TESTS_REFERENCE_PRIV_H
#define TOCSIN_TESTS_REFERENCE_PRIV_H

#include "core/base/arena.h"
#include "core/engine/rulefile.h"
#include "core/engine/vec.h"
#include "core/lang/ast.h"
#include "core/lang/query.h"
#include "core/record/schema.h"
#include "core/record/transition.h"

/* Labels sorted by name, none empty. */
struct rset {
    uint32_t n;
    struct label *l;
};

struct rrec {
    bool is_sample;
    uint16_t name; /* stream or metric */
    usec_t t;
    double v;
    uint64_t seq;
    struct slice raw;
    struct slice *values;  /* by field or label id */
    struct slice recorded; /* name of a recording rule's sample, or empty */
    struct rset labels;    /* of such a sample, without the name */
};

struct rpoint {
    struct rset labels; /* the name among them */
    double v;
};

struct rvalue {
    bool is_vector, failed;
    double scalar;
    uint32_t n;
    struct rpoint *p; /* sorted by labels */
};

struct reference {
    struct arena arena;
    const struct schema *schema;
    VEC(struct rrec) recs;
};

/* What encloses an expression: the names that clauses group by. */
struct rnames {
    const struct slice *p;
    uint32_t n;
    const struct rnames *up;
};

struct rvalue reference_eval(struct reference *rf, const struct expr *e,
                             usec_t t, const struct rnames *names);

/* ---- missing and sequence: reference_kinds.c */

struct ritem {
    usec_t t;
    uint32_t mask; /* of the selectors that match; missing: 1 retires */
};

struct rkey {
    struct rset labels;
    VEC(struct ritem) items;
};

struct rspan {
    usec_t lo, hi; /* (lo, hi] */
};

struct rkind {
    const struct rule_def *def;
    usec_t evaluated; /* USEC_NONE: not yet */
    VEC(struct rkey) keys;
    VEC(struct rspan) spans; /* that nobody observed */
};

void rkind_record(struct reference *rf, struct rkind *k,
                  const struct rrec *rec);
void rkind_skip(struct rkind *k, usec_t lo, usec_t hi);
struct rvalue rkind_eval(struct reference *rf, struct rkind *k, usec_t t);
void rkind_fini(struct rkind *k);

bool rset_equal(const struct rset *a, const struct rset *b);
int rset_cmp(const struct rset *a, const struct rset *b);
struct slice rset_get(const struct rset *s, struct slice name);
/* With a label set; empty removes it. */
struct rset rset_with(struct reference *rf, const struct rset *s,
                      struct slice name, struct slice value);
struct rset rset_without(struct reference *rf, const struct rset *s,
                         const struct slice *names, uint32_t n, bool drop_name);

/* Does the event match, and what are its labels in this place? */
bool reference_matches(struct reference *rf, const struct selector *sel,
                       const struct rrec *rec);
struct rset reference_labels(struct reference *rf, const struct rrec *rec,
                             const struct grouping *only,
                             const struct rnames *names);

#endif
