/* SPDX-License-Identifier: Apache-2.0 */
/* reference.h - what the engine should say, computed the slow way.
 *
 * It keeps a list of all records and evaluates each slot from nothing, by
 * walking the expression's tree over that list.  It shares with the engine
 * only the reading of frames, rule files and expressions.  It knows one set of
 * rules and a clock that runs forward: no reloads, no steps back. */
#ifndef TOCSIN_TESTS_REFERENCE_H
#define TOCSIN_TESTS_REFERENCE_H

#include "tests/lib/engine_feed.h"

/* The transitions of a whole journal, as feed_log() writes them. */
void reference_run(const struct feed *f, struct buf *told);

#endif
