/* SPDX-License-Identifier: Apache-2.0 */
/* test_report.h - the results of `test rules`: for people, for programs, for
 * what reads JUnit's XML. */
#ifndef TOCSIN_CMD_TEST_REPORT_H
#define TOCSIN_CMD_TEST_REPORT_H
#include "core/base/types.h"
#include "core/run/ruletest.h"

struct buf;

void test_report_text(const struct ruletest_report *r, bool coverage,
                      struct buf *b);
void test_report_json(const struct ruletest_report *r, bool coverage,
                      struct buf *b);
void test_report_junit(const struct ruletest_report *r, struct buf *b);

#endif
