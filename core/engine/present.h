/* SPDX-License-Identifier: Apache-2.0 */
/* present.h - what an expression of a rule may not ask for: a rule is evaluated
 * as the stream flows, on samples that have come and are still kept. */
#ifndef TOCSIN_ENGINE_PRESENT_H
#define TOCSIN_ENGINE_PRESENT_H

#include "core/base/types.h"

struct errlist;
struct expr;
struct yaml_node;

/* Adds an error for each part of the expression, which is the text of 'node',
 * that needs what is to come, or a time that is not kept.  True: there was
 * none. */
bool present_check(const struct expr *root, const struct yaml_node *node,
                   struct errlist *errs);

#endif
