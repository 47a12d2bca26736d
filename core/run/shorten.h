/* SPDX-License-Identifier: Apache-2.0 */
/* shorten.h - a transition as a frame can hold it, however long a label or an
 * annotation is that somebody's data made. */
#ifndef TOCSIN_RUN_SHORTEN_H
#define TOCSIN_RUN_SHORTEN_H
#include "core/base/types.h"

struct buf;
struct transition;

/* Replaces what 'out' holds.  0; 1 where it would not fit out->max, and so has
 * no evidence, annotations and expression, and labels of which the first bytes
 * are left (its fingerprint is that of the whole ones); or negative errno.
 * The same transition and bound give the same bytes. */
MUST_CHECK int transition_encode_within(const struct transition *t,
                                        struct buf *out);
#endif
