/* SPDX-License-Identifier: Apache-2.0 */
/* tap.h - from records to the rules that follow keys one by one (kind.h). */
#ifndef TOCSIN_ENGINE_TAP_H
#define TOCSIN_ENGINE_TAP_H

#include "core/base/types.h"

struct chunk_record;
struct engine;
struct plan;
struct route_record;
struct taps;
struct touch;

/* Those of all rules of the plan; *ret NULL where there are none. */
MUST_CHECK int taps_new(struct plan *p, struct taps **ret);
void taps_free(struct taps *t);

/* Does any rule follow events of the stream, samples of the metric?  't' may
 * be NULL. */
bool taps_read_stream(const struct taps *t, uint16_t stream);
bool taps_read_metric(const struct taps *t, uint16_t metric);
/* Foresee what the record whose fields e->cur holds will touch. */
MUST_CHECK int taps_event(struct engine *e, struct taps *t,
                          const struct route_record *rr);
MUST_CHECK int taps_sample(struct engine *e, struct taps *t,
                           const struct chunk_record *rec);
/* Hands the record to the rule. */
MUST_CHECK int taps_take(struct engine *e, const struct touch *x);

#endif
