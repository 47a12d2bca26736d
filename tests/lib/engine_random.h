/* SPDX-License-Identifier: Apache-2.0 */
/* engine_random.h - random rules and random traces for the engine's tests:
 * events and samples late, out of order, twice and from the future, partitions
 * that go down, come back, end and go, reloads.  The same seed makes the same
 * frames. */
#ifndef TOCSIN_TESTS_ENGINE_RANDOM_H
#define TOCSIN_TESTS_ENGINE_RANDOM_H

#include "tests/lib/engine_feed.h"

struct rnd {
    uint64_t state;
};

uint64_t rnd_next(struct rnd *r);
uint32_t rnd_below(struct rnd *r, uint32_t n);
bool rnd_chance(struct rnd *r, double p);
double rnd_between(struct rnd *r, double lo, double hi);

#define RANDOM_REBASE 1u /* the clock may step back */
#define RANDOM_RELOAD 2u /* rules change on the way */
#define RANDOM_ALERTS 4u /* rules read ALERTS */
#define RANDOM_STAGES 8u /* rules with parsers and unwrap, too */

/* A journal of about 'frames' frames; free it with feed_free. */
struct feed *feed_random(uint64_t seed, unsigned frames, unsigned flags);

#endif
