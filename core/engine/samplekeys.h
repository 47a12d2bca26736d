/* SPDX-License-Identifier: Apache-2.0 */
/* samplekeys.h - from a sample's labels as they stand in a chunk to their
 * label set, remembered: most samples are of a series that was seen before,
 * and interning each string anew would cost more than all the rest.
 *
 * A cache: it holds references of sets, is dropped whole when it has grown
 * beyond its use, and nothing depends on what is in it.  One owner. */
#ifndef TOCSIN_ENGINE_SAMPLEKEYS_H
#define TOCSIN_ENGINE_SAMPLEKEYS_H

#include "core/engine/labels.h"
#include "core/record/chunk.h"
#include "core/record/schema.h"

struct samplekeys;

struct samplekeys *samplekeys_new(struct labels *ls); /* NULL: no memory */
void samplekeys_free(struct samplekeys *k);
/* Forgets everything: ids of another schema mean something else. */
void samplekeys_clear(struct samplekeys *k);

/* The labels of a sample with its metric's name, with one reference for the
 * caller; NULL for want of memory. */
MUST_CHECK struct lset *samplekeys_labels(struct samplekeys *k,
                                          const struct schema *s,
                                          const struct chunk *c,
                                          const struct chunk_record *rec);
/* So many series live: a cache much larger than that is dropped. */
void samplekeys_settle(struct samplekeys *k, uint32_t n_series);

size_t samplekeys_bytes(const struct samplekeys *k);

#endif
