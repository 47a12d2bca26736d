/* SPDX-License-Identifier: Apache-2.0 */
/* memo.h - label sets that a node made from others, so that grouping and
 * matching hash a set once, not at each evaluation.
 *
 * Belongs to a node; holds both sets.  It is emptied when it has grown to
 * twice what one evaluation looks up.  No state: what it holds follows from
 * the keys. */
#ifndef TOCSIN_ENGINE_MEMO_H
#define TOCSIN_ENGINE_MEMO_H

#include "core/base/types.h"

struct labels;
struct lset;
struct memo;

/* Several kinds of sets may be made from one. */
enum memo_kind { MEMO_GROUP, MEMO_MATCH, MEMO_RESULT };

/* Before an evaluation that looks up 'n' sets: makes the memo, or empties it
 * if it has grown too large; sets that it lets go live until labels_drain().
 * 0 or -ENOMEM. */
MUST_CHECK int memo_ready(struct memo **m, struct labels *ls, uint32_t n);
void memo_free(struct memo *m, struct labels *ls); /* NULL is fine */

/* What was put for 'key', borrowed until labels_drain(), or
 * NULL. */
struct lset *memo_get(const struct memo *m, const struct lset *key,
                      enum memo_kind kind);
/* Takes the caller's reference of 'value', on failure too (NULL is a
 * failure).  Returns it, borrowed; NULL: no memory. */
MUST_CHECK struct lset *memo_put(struct memo *m, struct labels *ls,
                                 struct lset *key, enum memo_kind kind,
                                 struct lset *value);

#endif
