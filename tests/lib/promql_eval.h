/* SPDX-License-Identifier: Apache-2.0 */
/* promql_eval.h - one expression over a few series, for tests of the engine's
 * functions.  Time starts at 0.  Failures abort the test. */
#ifndef TOCSIN_TESTS_PROMQL_EVAL_H
#define TOCSIN_TESTS_PROMQL_EVAL_H

#include "core/base/buf.h"

struct promql;

/* A series a line, a sample a minute from 0 on:
 *     a_total{i="1"} 0 10 _ 20 NaN */
struct promql *promql_new(const char *series);
void promql_free(struct promql *p);

/* The value at 'minute', in p's memory until the next call: a line for each
 * sample, in the order of the result, "{i="1"} 20"; a scalar's number; "error:
 * …"; then the notes, a line each. */
const char *promql_eval(struct promql *p, double minute, const char *expr);

#endif
