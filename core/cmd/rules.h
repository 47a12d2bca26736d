/* SPDX-License-Identifier: Apache-2.0 */
/* rules.h - rule files that are named on the command line. */
#ifndef TOCSIN_CMD_RULES_H
#define TOCSIN_CMD_RULES_H
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/engine/ruleset.h"

struct arena;
struct plugins;

/* Reads the files into a ruleset; texts live in the arena.  0; -EINVAL with
 * the problems in 'errs'; -ENOMEM. */
MUST_CHECK int rules_load(const char *const *paths, size_t n, usec_t interval,
                          struct arena *arena, struct errlist *errs,
                          struct ruleset *ret);

/* What any installed decoder can bring, as one input. */
MUST_CHECK int rules_schema(struct plugins *ps, struct schema **ret,
                            struct err *err);
#endif
