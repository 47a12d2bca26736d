/* SPDX-License-Identifier: Apache-2.0 */
/* tables.h - the options and the metrics, as users see them. */
#ifndef TOCSIN_SOURCE_KAFKA_TABLES_H
#define TOCSIN_SOURCE_KAFKA_TABLES_H
#include <tocsin/plugin.h>

#define METRIC_LAG 0
#define METRIC_PARTITIONS 1
#define METRIC_QUEUED 2
#define METRIC_ERRORS 3
#define METRIC_REBALANCES 4
#define METRIC_SKIPPED 5
#define METRIC_LOST 6
#define METRIC_COMMIT_FAILURES 7
#define KAFKA_METRICS 8

#define KAFKA_OPTIONS 7

extern const struct tocsin_option kafka_options[KAFKA_OPTIONS];
extern const struct tocsin_metric kafka_metrics[KAFKA_METRICS];

#endif
