/* SPDX-License-Identifier: Apache-2.0 */
/* cost.h - about how much a rule costs, and what it is that costs. */
#ifndef TOCSIN_ENGINE_COST_H
#define TOCSIN_ENGINE_COST_H

#include "core/base/types.h"

struct plan;
struct rule;

struct cost {
    uint32_t points; /* 1 is one counter that a record moves */
    bool expensive;
    char reasons[512]; /* "a, b" */
};

void rule_cost(const struct plan *p, const struct rule *r, struct cost *ret);

#endif
