/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_test.c - `test rules`: unit tests of rules. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/regex.h"
#include "core/cmd/cmd.h"
#include "core/cmd/problems.h"
#include "core/cmd/rules.h"
#include "core/cmd/test_report.h"
#include "core/host/plugins.h"

#define REPORT_MAX ((size_t)256 << 20)

enum { OPT_COVERAGE = 256, OPT_JUNIT, OPT_RUN, OPT_FORMAT };

struct job {
    const char *const *files;
    size_t n_files;
    const char *junit; /* or NULL */
    struct regex *run; /* or NULL */
    bool coverage, json;
};

static int
write_junit(const char *path, const struct ruletest_report *r)
{
    AUTO_FINI(buf) b = BUF_INIT(REPORT_MAX);
    test_report_junit(r, &b);
    FILE *f = fopen(path, "we");
    bool good =
        f != NULL && buf_error(&b) == 0 && fwrite(b.p, 1, b.n, f) == b.n;
    if (f != NULL && fclose(f) != 0)
        good = false;
    if (!good)
        fprintf(stderr, "tocsin: %s can't be written: %m\n", path);
    return good ? 0 : -EIO;
}

static int
run_files(struct job *j, struct ruletest_report *report, struct errlist *errs)
{
    struct err err = ERR_INIT;
    AUTO(plugins) *ps = plugins_new();
    AUTO(schema) *schema = NULL;
    int r = ps == NULL ? -ENOMEM : rules_schema(ps, &schema, &err);
    struct ruletest_options o = {.decoders = schema, .run = j->run};
    for (size_t i = 0; r == 0 && i < j->n_files; i++)
        r = ruletest_run(j->files[i], &o, errs, report);
    if (r < 0)
        (void)err_set(&err, r, "the tests could not be run: %s", strerror(-r));
    return r < 0 ? cmd_error(&err) : CMD_OK;
}

static int
report_all(struct job *j, const struct ruletest_report *report)
{
    AUTO_FINI(buf) b = BUF_INIT(REPORT_MAX);
    if (j->json)
        test_report_json(report, j->coverage, &b);
    else
        test_report_text(report, j->coverage, &b);
    bool good = report->failed == 0;
    for (uint32_t i = 0; i < report->suites.n; i++)
        good &= report->suites.p[i].broken == NULL;
    if (cmd_print(&b) != CMD_OK)
        good = false;
    if (j->junit != NULL && write_junit(j->junit, report) < 0)
        good = false;
    return good ? CMD_OK : CMD_FAILED;
}

static int
test_rules(struct job *j)
{
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    AUTO_FINI(ruletest_report) report;
    ruletest_report_init(&report);
    int status = run_files(j, &report, &errs);
    problems_print(NULL, &errs);
    return status == CMD_OK ? report_all(j, &report) : status;
}

static int
set_run(const struct cmd *cmd, struct job *j, const char *pattern)
{
    struct err err = ERR_INIT;
    regex_free(j->run);
    j->run = NULL;
    if (regex_new(slice_from_str(pattern), REGEX_SEARCH, &j->run, &err) == 0)
        return CMD_OK;
    return cmd_misuse(cmd, "--run: %s", err.message);
}

static int
take_option(const struct cmd *cmd, struct job *j, int c)
{
    switch (c) {
    case OPT_COVERAGE:
        j->coverage = true;
        return CMD_OK;
    case OPT_JUNIT:
        j->junit = optarg;
        return CMD_OK;
    case OPT_RUN:
        return set_run(cmd, j, optarg);
    case OPT_FORMAT:
        j->json = strcmp(optarg, "json") == 0;
        if (j->json || strcmp(optarg, "text") == 0)
            return CMD_OK;
        return cmd_misuse(cmd, "--format is text or json");
    default:
        return cmd_misuse(cmd, NULL);
    }
}

static int
run(const struct cmd *cmd, int argc, char **argv)
{
    static const struct option options[] = {
        {"coverage", no_argument, NULL, OPT_COVERAGE},
        {"junit", required_argument, NULL, OPT_JUNIT},
        {"run", required_argument, NULL, OPT_RUN},
        {"format", required_argument, NULL, OPT_FORMAT},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct job j = {0};
    int status = CMD_OK;
    for (int c; status == CMD_OK &&
                (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'h')
            return cmd_help(cmd);
        status = take_option(cmd, &j, c);
    }
    if (status == CMD_OK && optind == argc)
        status = cmd_misuse(cmd, "name at least one file of tests");
    j.files = (const char *const *)(uintptr_t)(argv + optind);
    j.n_files = (size_t)(argc - optind);
    if (status == CMD_OK)
        status = test_rules(&j);
    regex_free(j.run);
    return status;
}

const struct cmd cmd_test_rules = {
    .name = "test rules",
    .args = "[--run REGEX] [--coverage] [--junit FILE] [--format text|json] "
            "FILE…",
    .summary = "run unit tests of rules (promtool's format, and more)",
    .help = "  --run REGEX         only tests whose name matches\n"
            "  --coverage          tell which rules no test made fire\n"
            "  --junit FILE        write the results as JUnit's XML, too\n"
            "  --format text|json  json: for editors and CI\n",
    .run = run,
};
