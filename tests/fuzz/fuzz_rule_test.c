/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_rule_test.c - files of unit tests: read and run within their bounds,
 * over rules that touch all that they can feed. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "core/engine/ruleset.h"
#include "core/run/ruletest.h"
#include "tests/lib/engine_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char rules[] =
    "groups:\n"
    "- name: g\n"
    "  rules:\n"
    "  - {record: s, expr: 'sum by (hub) (rate(messages_total[5m]))'}\n"
    "  - {alert: A, expr: 's > 1', for: 2m, keep_firing_for: 1m}\n"
    "  - {alert: B, expr: 'sum by (hub) (count_over_time(hub_logs[5m])) > 1',"
    " annotations: {s: '{{ $labels.hub }} {{ $value }}'}}\n";

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    static struct feed *feed; /* for its schema */
    if (feed == NULL) {
        feed = feed_new();
        feed_schema(feed, 0, 0);
    }
    struct ruleset_file file = {SLICE("r.yaml"), slice_from_str(rules)};
    struct ruletest_options o = {.decoders = feed_get_schema(feed),
                                 .max_steps = 200,
                                 .text = slice_new(input, size),
                                 .rules = &file,
                                 .n_rules = 1};
    AUTO_FINI(errlist) errs;
    AUTO_FINI(ruletest_report) report;
    errlist_init(&errs);
    ruletest_report_init(&report);
    if (ruletest_run("t.yaml", &o, &errs, &report) < 0)
        return 0; /* no memory */
    if (report.suites.p[0].broken != NULL && errs.errors == 0)
        abort(); /* nobody says why */
    return 0;
}
