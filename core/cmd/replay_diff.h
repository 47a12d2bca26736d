/* SPDX-License-Identifier: Apache-2.0 */
/* replay_diff.h - episodes of two sets of rules over the same records, and
 * what is not the same about them. */
#ifndef TOCSIN_CMD_REPLAY_DIFF_H
#define TOCSIN_CMD_REPLAY_DIFF_H
#include "core/base/auto.h"
#include "core/base/types.h"

struct buf;
struct episodes;
struct transition;

MUST_CHECK struct episodes *episodes_new(void);
void episodes_free(struct episodes *es);
/* Takes in a transition.  0; -ENOMEM; -E2BIG past a million episodes. */
MUST_CHECK int episodes_add(struct episodes *es, const struct transition *t);
/* Those that began in [from, to). */
uint64_t episodes_count(const struct episodes *es, usec_t from, usec_t to);

/* Appends a line for each difference in [from, to): which alerts only one of
 * them has, which begin earlier or later, end earlier or later. */
void episodes_diff(struct episodes *old, struct episodes *new, usec_t from,
                   usec_t to, bool json, struct buf *b);

DEFINE_AUTO(episodes, episodes_free)
#endif
