/* SPDX-License-Identifier: Apache-2.0 */
/* tally.h - what a range function of events counts, and by what it tells
 * events apart. */
#ifndef TOCSIN_ENGINE_TALLY_H
#define TOCSIN_ENGINE_TALLY_H

#include "core/base/types.h"

struct buf;
struct expr;
struct grouping;
struct lowering;
struct pipe_stage;
struct schema_stream;
struct selector;

#define NAMES_MAX 64u

struct names {
    struct slice p[NAMES_MAX];
    uint32_t n;
};
void names_add(struct names *ns, struct slice name);
void names_sort(struct names *ns);

enum measure {
    MEASURE_COUNT,
    MEASURE_BYTES,  /* of the line */
    MEASURE_UNWRAP, /* the number that unwrap took */
};

struct tally {
    enum measure measure;
    const struct pipe_stage *first; /* that runs on each record, or NULL */
    /* Closed: the key is the values of 'names'.  Open: it is all labels that
     * the record has in the end, with the fields in 'names' and without
     * 'except'. */
    bool open;
    struct names names, except;
    int mode; /* enum values_mode, of what isn't counted */
};

bool selects_stream(const struct selector *sel, const struct schema_stream *st);
/* What a call reads of a selector.  'only': a sum by these labels is all that
 * is wanted of it. */
void tally_of(const struct lowering *l, const struct expr *call,
              const struct selector *sel, const struct grouping *only,
              struct tally *ret);
/* Adds to the text by which a window is found what the selector's own text
 * doesn't say. */
void tally_print(const struct tally *sh, struct buf *b);
/* The call whose numbers an aggregation only joins further: it is done once,
 * by the aggregation's labels.  Or NULL. */
const struct expr *tally_joined(const struct expr *aggregate);

#endif
