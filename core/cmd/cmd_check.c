/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_check.c - `check config` and `check rules`: every problem at once. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/duration.h"
#include "core/cmd/cmd.h"
#include "core/cmd/problems.h"
#include "core/cmd/rules.h"
#include "core/config/configuration.h"
#include "core/host/plugins.h"
#include "core/run/assembly.h"

#define TEXT_MAX ((size_t)64 * 1024 * 1024)
#define INTERVAL_US USEC_PER_MINUTE

static int
check_config(const char *path, unsigned flags)
{
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    AUTO(plugins) *ps = plugins_new();
    struct config *cfg = NULL;
    int r = ps == NULL ? -ENOMEM : config_load(path, flags, &cfg, &errs);
    struct assembly *a = NULL;
    if (r != -ENOMEM && cfg != NULL)
        r = assembly_make(cfg, ps, NULL, &errs, &a) < 0 ? -EINVAL : r;
    problems_print(cfg, &errs);
    if (r == 0)
        printf("%s: good: %zu inputs, %zu exporters, %zu receivers, %zu rule "
               "files\n",
               path, cfg->n_inputs, cfg->n_exporters, cfg->n_receivers,
               cfg->n_rule_files);
    else if (r == -ENOMEM)
        fprintf(stderr, "tocsin: out of memory\n");
    assembly_free(a);
    config_free(cfg);
    return r == 0 ? CMD_OK : CMD_FAILED;
}

static int
run_config(const struct cmd *cmd, int argc, char **argv)
{
    static const struct option options[] = {
        {"no-secrets", no_argument, NULL, 'n'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    unsigned flags = 0;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'h')
            return cmd_help(cmd);
        if (c != 'n')
            return cmd_misuse(cmd, NULL);
        flags |= CONFIG_NO_SECRETS;
    }
    if (argc - optind != 1)
        return cmd_misuse(cmd, "name one configuration file");
    return check_config(argv[optind], flags);
}

/* ---- rules */

struct rules_job {
    const char *config; /* or NULL */
    const char **files;
    size_t n_files;
    bool json, fatal_warnings;
    struct buf report;
    size_t n_rules;
};

static void
report_text(struct buf *b, const struct rule_info *r)
{
    char every[DURATION_STR_MAX], delay[DURATION_STR_MAX];
    (void)duration_format(r->interval_us, every);
    (void)duration_format(r->delay_us, delay);
    (void)buf_printf(b, "%.*s:%u: %s %.*s: every %s; reads", SLICE_FMT(r->file),
                     r->line, r->is_alert ? "alert" : "record",
                     SLICE_FMT(r->name), every);
    for (uint32_t i = 0; i < r->n_inputs; i++)
        (void)buf_printf(b, "%s %.*s", i > 0 ? "," : "",
                         SLICE_FMT(r->inputs[i]));
    (void)buf_printf(b, "%s; delay %s; %s%s%.*s; %scost %u",
                     r->n_inputs == 0 ? " nothing" : "", delay,
                     r->on_arrival ? "on arrival" : "at slots",
                     r->arrival_reason.n > 0 ? ": " : "",
                     SLICE_FMT(r->arrival_reason),
                     r->expensive ? "EXPENSIVE: " : "", r->cost);
    if (r->cost_reasons.n > 0)
        (void)buf_printf(b, " (%.*s)", SLICE_FMT(r->cost_reasons));
    (void)buf_putc(b, '\n');
}

static void
report_json(struct buf *b, const struct rule_info *r, bool first)
{
    (void)buf_printf(b, "%s{\"file\":", first ? "" : ",");
    (void)buf_append_json_string(b, r->file);
    (void)buf_printf(b, ",\"line\":%u,\"type\":\"%s\",\"name\":", r->line,
                     r->is_alert ? "alert" : "record");
    (void)buf_append_json_string(b, r->name);
    (void)buf_printf(b, ",\"group\":");
    (void)buf_append_json_string(b, r->group);
    (void)buf_printf(b, ",\"inputs\":[");
    for (uint32_t i = 0; i < r->n_inputs; i++) {
        (void)buf_printf(b, "%s", i > 0 ? "," : "");
        (void)buf_append_json_string(b, r->inputs[i]);
    }
    (void)buf_printf(b,
                     "],\"interval_ms\":%lld,\"delay_ms\":%lld,\"on_arrival\""
                     ":%s,\"reason\":",
                     (long long)(r->interval_us / USEC_PER_MSEC),
                     (long long)(r->delay_us / USEC_PER_MSEC),
                     r->on_arrival ? "true" : "false");
    (void)buf_append_json_string(b, r->arrival_reason);
    (void)buf_printf(b,
                     ",\"cost\":%u,\"expensive\":%s,\"cost_reasons\":", r->cost,
                     r->expensive ? "true" : "false");
    (void)buf_append_json_string(b, r->cost_reasons);
    (void)buf_putc(b, '}');
}

static void
report_rule(void *arg, const struct rule_info *r)
{
    struct rules_job *j = arg;
    if (j->json)
        report_json(&j->report, r, j->n_rules == 0);
    else
        report_text(&j->report, r);
    j->n_rules++;
}

/* The schema that rules are checked against: of a configuration's inputs, or
 * of every installed decoder. */
static int
schema_get(struct rules_job *j, struct plugins *ps, struct config **ret_cfg,
           struct assembly **ret_a, struct schema **ret, struct errlist *errs,
           struct err *err)
{
    if (j->config == NULL)
        return rules_schema(ps, ret, err);
    int r = config_load(j->config, CONFIG_NO_SECRETS, ret_cfg, errs);
    if (r == 0)
        r = assembly_make(*ret_cfg, ps, NULL, errs, ret_a);
    if (r == 0)
        *ret = TAKE((*ret_a)->schema);
    return r;
}

static void
print_report(struct rules_job *j, const struct config *cfg,
             struct errlist *errs)
{
    if (!j->json) {
        problems_print(cfg, errs);
        (void)cmd_print(&j->report);
        printf("%zu files, %zu rules, %zu errors, %zu warnings\n", j->n_files,
               j->n_rules, errs->errors, errs->warnings);
        return;
    }
    AUTO_FINI(buf) b = BUF_INIT(TEXT_MAX);
    (void)buf_printf(&b, "{\"rules\":[");
    (void)buf_append_slice(&b, buf_slice(&j->report));
    (void)buf_printf(&b, "],\"problems\":");
    errlist_json(errs, &b);
    (void)buf_printf(&b, "}\n");
    config_redact(cfg, &b);
    (void)cmd_print(&b);
}

static int
check_rules(struct rules_job *j)
{
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    AUTO_FINI(arena) arena;
    arena_init(&arena, 64 * 1024, (size_t)256 * 1024 * 1024);
    AUTO(plugins) *ps = plugins_new();
    struct config *cfg = NULL;
    struct assembly *a = NULL;
    AUTO(schema) *schema = NULL;
    struct err err = ERR_INIT;
    struct ruleset rules;
    int r = ps == NULL ? -ENOMEM
                       : schema_get(j, ps, &cfg, &a, &schema, &errs, &err);
    usec_t interval = cfg != NULL ? cfg->evaluation_interval_us : INTERVAL_US;
    if (r == 0)
        r = rules_load(j->files, j->n_files, interval, &arena, &errs, &rules);
    rules.partial =
        RULESET_OTHER_RULES | (j->config == NULL ? RULESET_OTHER_METRICS : 0);
    if (r == 0)
        r = ruleset_check(&rules, schema, &errs, report_rule, j);
    if (r < 0 && err.code != 0)
        (void)cmd_error(&err);
    print_report(j, cfg, &errs);
    assembly_free(a);
    config_free(cfg);
    bool fatal = j->fatal_warnings && errs.warnings > 0;
    return r == 0 && !fatal ? CMD_OK : CMD_FAILED;
}

static int
run_rules(const struct cmd *cmd, int argc, char **argv)
{
    static const struct option options[] = {
        {"fatal-warnings", no_argument, NULL, 'w'},
        {"format", required_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct rules_job j = {.report = BUF_INIT(TEXT_MAX)};
    for (int c; (c = getopt_long(argc, argv, "hc:", options, NULL)) != -1;) {
        switch (c) {
        case 'h':
            return cmd_help(cmd);
        case 'c':
            j.config = optarg;
            break;
        case 'w':
            j.fatal_warnings = true;
            break;
        case 'f':
            j.json = strcmp(optarg, "json") == 0;
            if (!j.json && strcmp(optarg, "text") != 0)
                return cmd_misuse(cmd, "--format is text or json");
            break;
        default:
            return cmd_misuse(cmd, NULL);
        }
    }
    if (optind == argc)
        return cmd_misuse(cmd, "name at least one rule file");
    j.files = (const char **)(uintptr_t)(argv + optind);
    j.n_files = (size_t)(argc - optind);
    int status = check_rules(&j);
    buf_fini(&j.report);
    return status;
}

const struct cmd cmd_check_config = {
    .name = "check config",
    .args = "[--no-secrets] FILE",
    .summary = "check a configuration with its rules and plugins' options",
    .help = "  --no-secrets   leave ${env:…} and ${file:…} as they are (for "
            "CI)\n",
    .run = run_config,
};

const struct cmd cmd_check_rules = {
    .name = "check rules",
    .args = "[-c FILE] [--fatal-warnings] [--format text|json] FILE…",
    .summary = "check rule files, and tell what each rule reads and costs",
    .help = "  -c FILE             against the inputs of this configuration "
            "(otherwise\n"
            "                      against every installed decoder)\n"
            "  --fatal-warnings    a warning is a failure too\n"
            "  --format text|json  json: for editors and CI\n",
    .run = run_rules,
};
