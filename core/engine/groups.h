/* SPDX-License-Identifier: Apache-2.0 */
/* groups.h - the members of each group of an aggregation. */
#ifndef TOCSIN_ENGINE_GROUPS_H
#define TOCSIN_ENGINE_GROUPS_H

#include "core/base/table.h"
#include "core/engine/engine_priv.h"

/* The members of a group, by their places in the vector. */
struct group {
    struct lset *labels;
    uint32_t first, last; /* of a list through 'next' */
    uint32_t n;
    bool unnamed; /* a member's name is to go */
};

struct grouped {
    struct eval *ev;
    struct node *n;
    struct vector v; /* in the order of labels */
    struct group *groups;
    uint32_t n_groups;
    uint32_t *next;
    struct table table;
};

/* rank.c: topk, bottomk. */
MUST_CHECK int aggregate_rank(struct grouped *g, double k, struct value *ret);
/* How many 'k' asks for, at most all: 0, or -EINVAL with the error. */
MUST_CHECK int rank_count(struct grouped *g, double k, uint32_t *ret);
/* sampling.c: limitk, limit_ratio. */
MUST_CHECK int aggregate_limitk(struct grouped *g, double k, struct value *ret);
MUST_CHECK int aggregate_limit_ratio(struct grouped *g, double ratio,
                                     struct value *ret);

/* Adds the i-th member to a result as it is. */
static inline void
grouped_pass(const struct grouped *g, uint32_t i, struct vector *out)
{
    vector_push(out, g->v.labels[i], g->v.values[i], g->v.unnamed[i]);
}

#endif
