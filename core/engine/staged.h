/* SPDX-License-Identifier: Apache-2.0 */
/* staged.h - windows of events that run through stages, or of their numbers:
 * a record's way into one. */
#ifndef TOCSIN_ENGINE_STAGED_H
#define TOCSIN_ENGINE_STAGED_H

#include "core/base/types.h"
#include "core/engine/values.h"
#include "core/lang/functions.h"

struct engine;
struct eval;
struct node;
struct pipe_stage;
struct rule;
struct sink;
struct value;

/* Takes the current record into a sink that has stages or numbers. */
MUST_CHECK int staged_take(struct engine *e, struct sink *s);
/* Does the current record, whose fields and bytes are set, pass the stages of
 * a rule's selector?  1; 0, counted if it can't be read; -ENOMEM. */
MUST_CHECK int staged_filter(struct engine *e, struct rule *r,
                             const struct pipe_stage *first);
/* With engine_options.logql: the error of a record in the range, if any. */
MUST_CHECK int staged_check(struct eval *ev, const struct sink *s);
void staged_fini(struct sink *s);

/* The name of the only member of a key set whose keys are whole label sets:
 * no label has it.  See keyset_labels(). */
#define KEYS_OPEN "*"

enum values_mode values_mode_of(enum func_id func);
MUST_CHECK int eval_values(struct eval *ev, struct node *n, struct value *ret);

#endif
