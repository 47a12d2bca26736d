/* SPDX-License-Identifier: Apache-2.0 */
/* rulefile_priv.h - the reader of rule files, for the files that share it. */
#ifndef TOCSIN_ENGINE_RULEFILE_PRIV_H
#define TOCSIN_ENGINE_RULEFILE_PRIV_H

#include "core/config/yaml.h"
#include "core/engine/rulefile.h"

/* Where the reader stands. */
struct reading {
    struct rulebook *book;
    struct errlist *errs;
    struct slice file, group;
    const struct yaml_node *group_labels;
    usec_t interval_us, offset_us;
    uint64_t limit;
    unsigned index; /* of the rule, from 1 */
    struct slice name;
    bool bad;
};

#define NO_MEMORY (-ENOMEM)

/* An error of the rule that is being read. */
PRINTF_LIKE(3, 4)
void rule_error(struct reading *rd, const struct where *where, const char *fmt,
                ...);

#define RULE_ERROR(rd, node, ...)                                              \
    do {                                                                       \
        struct where where_ = yaml_where(node);                                \
        rule_error((rd), &where_, __VA_ARGS__);                                \
    } while (0)

/* An expression, or a selector.  0 (with its errors told), or -ENOMEM. */
MUST_CHECK int rule_query_read(struct reading *rd, const struct yaml_node *node,
                               bool selector, struct rule_query *ret);

/* rulekind.c: what stands behind 'missing' and 'sequence'. */
MUST_CHECK int rule_missing_read(struct reading *rd,
                                 const struct yaml_node *node,
                                 struct rule_def *def);
MUST_CHECK int rule_sequence_read(struct reading *rd,
                                  const struct yaml_node *node,
                                  struct rule_def *def);

#endif
