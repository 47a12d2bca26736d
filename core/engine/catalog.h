/* SPDX-License-Identifier: Apache-2.0 */
/* catalog.h - a schema as the language wants to see it: the streams that
 * selectors are bound to.  Any other name may be a metric: see lint_names.c. */
#ifndef TOCSIN_ENGINE_CATALOG_H
#define TOCSIN_ENGINE_CATALOG_H

#include "core/base/types.h"
#include "core/lang/catalog.h"
#include "core/record/schema.h"

struct catalog;

/* The schema must live as long.  NULL: no memory. */
MUST_CHECK struct catalog *catalog_new(const struct schema *schema);
void catalog_free(struct catalog *c);

const struct lang_catalog *catalog_lang(const struct catalog *c);
/* The id of a bound stream in the schema. */
uint16_t catalog_stream_id(const struct schema *schema,
                           const struct lang_stream *s);

#endif
