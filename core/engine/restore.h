/* SPDX-License-Identifier: Apache-2.0 */
/* restore.h - the rows of a checkpoint, gathered until all are there. */
#ifndef TOCSIN_ENGINE_RESTORE_H
#define TOCSIN_ENGINE_RESTORE_H

#include "core/base/types.h"

struct engine_row;
struct restore;

MUST_CHECK struct restore *restore_new(void);
void restore_free(struct restore *r);
/* Replaces the row of that node and key, or removes it. */
MUST_CHECK int restore_put(struct restore *r, const struct engine_row *row);
/* The value of a row; false if there is none. */
bool restore_get(const struct restore *r, uint64_t node, struct slice key,
                 struct slice *ret);
/* Calls fn with each row whose key starts with 'first' (0: each), in the
 * order in which they came first; stops at its first negative result. */
MUST_CHECK int restore_each(const struct restore *r, char first,
                            int (*fn)(void *arg, const struct engine_row *row),
                            void *arg);

#endif
