/* SPDX-License-Identifier: Apache-2.0 */
/* inventory.h - the keys that a rule expects, read from a file.
 *
 * A file whose name ends in .csv has a line of column names and then a line a
 * key, values apart by commas, quoted by '"' where they hold one.  Any other is
 * YAML: a list of maps from label to value.  Labels that the rule's 'by' does
 * not name are ignored; each that it names must be there. */
#ifndef TOCSIN_ENGINE_INVENTORY_H
#define TOCSIN_ENGINE_INVENTORY_H

#include "core/base/types.h"

struct arena;
struct errlist;

#define INVENTORY_KEYS_MAX 1000000u

struct inventory {
    uint32_t n, n_by;
    const struct slice *values; /* n × n_by, in the order of 'by' */
};

/* Reads it into the arena.  0; -EINVAL with every problem in 'errs', by the
 * path's line and column; -ENOMEM. */
MUST_CHECK int inventory_parse(struct slice path, struct slice text,
                               const struct slice *by, uint32_t n_by,
                               struct arena *a, struct errlist *errs,
                               const struct inventory **ret);

/* 'path' as seen from the folder of 'file', in the arena; NULL: no memory. */
MUST_CHECK char *inventory_path(struct arena *a, struct slice file,
                                struct slice path);

#endif
