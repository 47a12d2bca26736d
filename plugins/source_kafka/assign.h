/* SPDX-License-Identifier: Apache-2.0 */
/* assign.h - what the member's thread does with its partitions: takes them
 * over, gives them back, commits, and mends those that can't go on. */
#ifndef TOCSIN_SOURCE_KAFKA_ASSIGN_H
#define TOCSIN_SOURCE_KAFKA_ASSIGN_H
#include "plugins/source_kafka/member.h"

/* A new assignment: each partition goes on at our position or at the group's,
 * whichever is further. */
void assign_take(struct member *m, const rd_kafka_topic_partition_list_t *list);
/* The assignment is over: waits shortly until what was read is synced, commits
 * it, and lets go.  'lost': it is another member's already. */
void assign_give_back(struct member *m, bool lost);
/* Commits what is synced; does not wait.  Only for partitions that are ours: a
 * commit between two assignments is refused, and librdkafka joins anew then. */
void assign_commit(struct member *m);
/* The same for the last time before partitions go: waits for the answer, for
 * two seconds at most. */
void assign_commit_last(struct member *m);
/* The answer to a commit. */
void assign_committed(struct member *m, rd_kafka_event_t *ev);
/* Has librdkafka fetch on after its queue was full. */
void assign_nudge(struct member *m);
/* Finds new positions for parts that are lost or bad. */
void assign_mend(struct member *m);
/* Has messages go to the message queue; again where they already do. */
void assign_forward(struct member *m);

#endif
