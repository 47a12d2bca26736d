/* SPDX-License-Identifier: Apache-2.0 */
/* batch.h - records as exporters see them, from frames of the journal. */
#ifndef TOCSIN_HOST_BATCH_H
#define TOCSIN_HOST_BATCH_H
#include <tocsin/plugin.h>

#include "core/base/arena.h"
#include "core/base/types.h"
#include "core/record/frame.h"
#include "core/record/schema.h"

struct batch_select {
    unsigned kinds;             /* EXPORT_… */
    const struct slice *inputs; /* none: all */
    size_t n_inputs;
};

/* Adds what 'f' holds of the selected records to an array from the arena;
 * texts point into the frame and the arena.  0, -ENOMEM, -EBADMSG. */
MUST_CHECK int
batch_from_frame(const struct frame *f, const struct schema *schema,
                 const struct batch_select *select, struct arena *a,
                 struct tocsin_record **ret_records, size_t *ret_n);
#endif
