/* SPDX-License-Identifier: Apache-2.0 */
/* tables.h - from decoders' tables to the schema. */
#ifndef TOCSIN_HOST_TABLES_H
#define TOCSIN_HOST_TABLES_H
#include "core/base/err.h"
#include "core/record/schema.h"

struct instance;

/* Adds what these decoders can make to a schema, and the input ('input' with
 * its streams and metrics filled in).  The input's id, or negative. */
MUST_CHECK int schema_from_decoders(struct schema_builder *b,
                                    struct instance *const *decoders,
                                    size_t n_decoders,
                                    const struct schema_input *input,
                                    struct err *err);
#endif
