/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of rule files: Prometheus' words, every problem at once, each
 * at its place. */
#include "config.h"

#include "core/base/err.h"
#include "core/engine/rulefile.h"
#include "tests/lib/engine_feed.h"
#include "tests/lib/unit.h"

#define TEXT_MAX (1u << 20)

/* The problems of a file "r" as "line:column: message", a line each, with
 * 'inventory' as the file d/inv.csv. */
static void
expect_of(const char *yaml, const char *inventory, const char *problems)
{
    AUTO_FINI(errlist) errs;
    AUTO_FINI(buf) out = BUF_INIT(TEXT_MAX);
    struct ruleset_file file = {SLICE("d/r"), slice_from_str(yaml)};
    struct ruleset_file inv = {SLICE("d/inv.csv"), slice_from_str(inventory)};
    struct ruleset rs = {.engine_version = ENGINE_VERSION,
                         .evaluation_interval_us = 15 * USEC_PER_SEC,
                         .n_files = 1,
                         .files = &file,
                         .n_inventories = inventory != NULL,
                         .inventories = &inv};
    struct feed *f = feed_new();
    feed_schema(f, 0, 0);
    errlist_init(&errs);
    int r = ruleset_check(&rs, feed_get_schema(f), &errs, NULL, NULL);
    errlist_sort(&errs);
    for (size_t i = 0; i < errs.n; i++) {
        const struct diag *p = &errs.diags[i];
        (void)buf_printf(
            &out, "%s%u:%u: %s%s\n",
            strcmp(p->where.file, "d/r") == 0 ? "" : "inv ", p->where.line,
            p->where.column,
            p->severity == SEVERITY_ERROR ? "" : "warning: ", p->message);
    }
    ck_assert_str_eq(buf_str(&out), problems);
    ck_assert_int_eq(r, errs.errors > 0 ? -EINVAL : 0);
    feed_free(f);
}

static void
expect(const char *yaml, const char *problems)
{
    expect_of(yaml, NULL, problems);
}

/* One rule at line 4. */
#define G "groups:\n- name: g\n  rules:\n  - "
#define W "group \"g\", rule 1, \"A\": "

START_TEST(empty_files_have_no_groups)
{
    expect("", "");
    expect("groups:\n", "");
    expect("groups: []\n", "");
    expect("groups:\n- name: g\n", "");
    expect("groups: []\n---\ngroups: 1\n",
           "2:1: a second document begins here\n");
}
END_TEST

START_TEST(groups)
{
    expect("groups:\n- rules: []\n", "2:3: Groupname must not be empty\n");
    expect("groups:\n- name: ''\n", "2:9: Groupname must not be empty\n");
    expect("groups:\n- name: a\n- name: b\n- name: a\n",
           "4:9: groupname: \"a\" is repeated in the same file\n");
    expect("groups:\n- name: a\n  labels: {__name__: x}\n  rules:\n"
           "  - alert: A\n    expr: vector(1)\n  - alert: B\n"
           "    expr: vector(1)\n",
           "3:12: invalid label name: __name__\n");
    expect("groups:\n- name: a\n  limit: -1\n",
           "3:10: limit must not be negative\n");
}
END_TEST

START_TEST(rules)
{
    expect(G "expr: vector(1)\n",
           "4:5: group \"g\", rule 1, \"\": one of 'record' or 'alert' must be "
           "set\n");
    expect(G "alert: A\n    record: b\n    expr: vector(1)\n",
           "5:5: " W "only one of 'record' and 'alert' must be set\n");
    expect(G "alert: A\n", "4:5: " W "field 'expr' must be set in rule\n");
    expect(G "alert: A\n    expr: ''\n",
           "5:11: " W "field 'expr' must be set in rule\n");
    expect(G "record: A\n    expr: vector(1)\n    for: 1m\n"
             "    keep_firing_for: 1m\n    annotations: {a: b}\n"
             "    keep_firing_while: vector(1)\n",
           "6:5: " W "invalid field 'for' in recording rule\n"
           "7:5: " W "invalid field 'keep_firing_for' in recording rule\n"
           "8:5: " W "invalid field 'annotations' in recording rule\n"
           "9:5: " W "invalid field 'keep_firing_while' in recording rule\n");
    expect(G "record: 'A{b=\"c\"}'\n    expr: vector(1)\n",
           "4:13: group \"g\", rule 1, \"A{b=\"c\"}\": braces present in the "
           "recording rule name; should it be in expr?: A{b=\"c\"}\n");
    expect(G "alert: A\n    expr: vector(1)\n    labels: {__name__: x}\n",
           "6:14: " W "invalid label name: __name__\n");
    expect(G "alert: A\n    expr: vector(1)\n    annotations: {a: '{{ x'}\n",
           "6:22: " W "annotation \"a\": error parsing template __alert_A: "
           "template: __alert_A:1: function \"x\" not defined\n");
    expect(G "alert: A\n    expr: sum(\n",
           "5:15: " W "could not parse expression: unclosed left "
           "parenthesis\n");
    expect(G "alert: A\n    expr: queue_length[5m]\n",
           "5:11: " W "could not parse expression: the result of a rule must "
           "be an instant vector or a scalar, got \"range vector\"\n");
}
END_TEST

START_TEST(every_problem_is_told_at_once)
{
    expect(G "alert: A\n    expr: sum(\n    fro: 1m\n  - alert: B\n"
             "    for: soon\n    expr: vector(1)\n",
           "5:15: " W "could not parse expression: unclosed left "
           "parenthesis\n"
           "6:5: unknown key \"fro\"\n"
           "8:10: \"soon\" is no duration: a number is expected\n");
}
END_TEST

START_TEST(other_kinds)
{
    expect(G "alert: A\n    expr: vector(1)\n    missing: {}\n",
           "6:5: " W "only one of 'expr', 'missing' and 'sequence' may be set "
           "in rule\n");
    expect(G "alert: A\n    missing: {}\n",
           "5:14: " W "field 'select' must be set in missing\n"
           "5:14: " W "field 'by' must be set in missing\n"
           "5:14: " W "field 'after' must be set in missing\n");
    expect(G "alert: A\n    missing: {select: 'queue_length[5m]', by: [hub], "
             "after: 1m, remember: 30s, untill: x}\n",
           "5:24: " W "could not parse expression: expected a selector without "
           "range and modifiers\n"
           "5:75: " W "'remember' must be longer than 'after'\n"
           "5:80: unknown key \"untill\"\n");
    expect(G "alert: A\n    missing: {select: hub_logs, by: [hub, site], "
             "after: 1m}\n",
           "5:23: stream \"hub_logs\" has no field \"site\", which 'by' "
           "names\n");
    expect(G "record: A\n    sequence: {by: [hub], steps: [hub_logs], within: "
             "1m}\n",
           "5:5: " W "invalid field 'sequence' in recording rule\n");
    expect(G "alert: A\n    sequence: {by: [hub], steps: [{no: hub_logs, "
             "within: 1m}, {}], times: 0, within: 1m}\n",
           "5:35: " W "the first step can't be a 'no'\n"
           "5:58: " W "the first step has no step before it to come within a "
           "time of\n"
           "5:63: " W "a step has exactly one of 'select' and 'no'\n"
           "5:75: " W "'times' is from 1 to 1000\n");
    expect(G "alert: A\n    sequence: {by: [hub], steps: [hub_logs, {no: "
             "hub_logs, within: 2m}], within: 1m}\n",
           "5:34: " W "the steps with 'no' take longer than the sequence's "
           "'within': it can never be complete\n");
}
END_TEST

#define LISTED                                                                 \
    G "alert: A\n    missing: {select: queue_length, by: [hub, device_id], "   \
      "after: 1m, inventory: inv.csv}\n"

START_TEST(good_rules_of_other_kinds_are_not_warned_of)
{
    expect(G "alert: A\n    missing: {select: hub_logs, by: [hub], after: 1m}\n"
             "  - alert: B\n    sequence: {by: [hub], steps: [hub_logs, "
             "{no: hub_logs, within: 10s}], within: 1m}\n",
           "");
}
END_TEST

START_TEST(inventories)
{
    expect_of(LISTED, "hub,x,device_id\r\neu,,d1\r\n\r\n\"e,\"\"u\",1,d2", "");
    expect(LISTED, "5:81: " W "inventory \"d/inv.csv\" can't be read\n");
    expect_of(LISTED, "hub,device\neu,d1\n",
              "inv 1:1: no column \"device_id\", which 'by' names\n");
    expect_of(LISTED, "hub,device_id\neu,d1\neu\n",
              "inv 3:1: 1 values, but 2 columns\n");
    expect_of(LISTED, "hub,device_id\neu,\"d1\n",
              "inv 2:1: a quoted value has no end\n");
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("rulefile");
    TCase *tc = tcase_create("messages");
    tcase_add_test(tc, empty_files_have_no_groups);
    tcase_add_test(tc, groups);
    tcase_add_test(tc, rules);
    tcase_add_test(tc, every_problem_is_told_at_once);
    tcase_add_test(tc, other_kinds);
    tcase_add_test(tc, good_rules_of_other_kinds_are_not_warned_of);
    tcase_add_test(tc, inventories);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return unit_main(suite(), NULL);
}
