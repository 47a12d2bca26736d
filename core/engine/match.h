/* SPDX-License-Identifier: Apache-2.0 */
/* match.h - operators between two vectors (promql.md 7). */
#ifndef TOCSIN_ENGINE_MATCH_H
#define TOCSIN_ENGINE_MATCH_H

#include "core/engine/engine_priv.h"

/* The result of one pair; false where a comparison leaves it out.  'kept' is
 * the value that a comparison keeps.  In binary.c. */
bool pair_value(const struct node *n, double a, double b, double kept,
                double *ret);

/* 0, -ENOMEM, or -EINVAL with the error: the match isn't unique. */
MUST_CHECK int match_vectors(struct eval *ev, struct node *n,
                             const struct vector *left,
                             const struct vector *right, struct value *ret);

#endif
