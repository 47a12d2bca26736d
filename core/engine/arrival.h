/* SPDX-License-Identifier: Apache-2.0 */
/* arrival.h - is a rule one that is tried when a record arrives? */
#ifndef TOCSIN_ENGINE_ARRIVAL_H
#define TOCSIN_ENGINE_ARRIVAL_H

#include "core/engine/rulefile.h"
#include "core/lang/ast.h"

struct arrival_shape {
    const struct expr *count; /* of events */
    enum binary_op op;        /* > or >= */
    double limit;
};

/* NULL: it is; else why not, as a sentence's second half. */
const char *arrival_reason(const struct rule_def *def,
                           struct arrival_shape *ret);

#endif
