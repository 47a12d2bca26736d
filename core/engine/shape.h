/* SPDX-License-Identifier: Apache-2.0 */
/* shape.h - which labels the result of an expression can have, as far as its
 * text tells: what no clause names and no selector brings can't be there.
 * Where that isn't certain, a label may be there. */
#ifndef TOCSIN_ENGINE_SHAPE_H
#define TOCSIN_ENGINE_SHAPE_H

#include "core/base/types.h"

#define SHAPE_MAX 32u

struct expr;
struct rulebook;
struct schema;

struct shape {
    bool open; /* any label but these; else only these */
    uint32_t n;
    struct slice names[SHAPE_MAX];
};

struct shaping {
    const struct schema *schema;
    const struct rulebook *book; /* recording rules make series too */
    unsigned depth;              /* 0 */
};

void shape_of(const struct shaping *sg, const struct expr *e,
              struct shape *ret);
/* Where its list is full, it may have any from then on. */
void shape_add(struct shape *s, struct slice name);
bool shape_may_have(const struct shape *s, struct slice name);

#endif
