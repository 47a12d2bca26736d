/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_replay.c - `replay`: back-tests rules over a journal or over files. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/duration.h"
#include "core/base/str.h"
#include "core/base/timefmt.h"
#include "core/cmd/cmd.h"
#include "core/cmd/problems.h"
#include "core/cmd/rules.h"
#include "core/host/plugins.h"
#include "core/run/replay.h"

#define FILES_MAX 1024
#define LINE_MAX_BYTES ((size_t)4 * 1024 * 1024)
#define LATENESS_DEFAULT_US (2 * USEC_PER_MINUTE)
#define EVALUATION_DEFAULT_US USEC_PER_MINUTE

enum { OPT_RULES = 256, OPT_JOURNAL, OPT_INPUT, OPT_FROM, OPT_TO, OPT_FORMAT };
enum { OPT_LATENESS = 300, OPT_INTERVAL };

struct job {
    struct arena arena;
    struct errlist errs;
    const char *rules[FILES_MAX];
    size_t n_rules;
    struct replay_file files[FILES_MAX];
    size_t n_files;
    const char *journal;
    usec_t from, to, lateness, interval;
    bool json, failed;
    struct buf line;
    uint64_t n_transitions;
};

static int
take_rules(void *arg, const struct schema *schema, struct ruleset *ret)
{
    struct job *j = arg;
    int r =
        rules_load(j->rules, j->n_rules, j->interval, &j->arena, &j->errs, ret);
    return r < 0 ? r : ruleset_check(ret, schema, &j->errs, NULL, NULL);
}

static void
text_line(const struct transition *t, struct buf *b)
{
    char time[TIME_STR_MAX], known[TIME_STR_MAX], value[STR_DOUBLE_MAX];
    (void)time_format_rfc3339(t->time_us, TIME_SHORTEST, time);
    (void)time_format_rfc3339(t->known_us, TIME_SHORTEST, known);
    (void)str_format_double(t->value, STR_DOUBLE_G, value);
    (void)buf_printf(b, "%s %-8s %.*s{", time, alert_state_name(t->state),
                     SLICE_FMT(t->rule));
    const char *comma = "";
    for (uint32_t i = 0; i < t->n_labels; i++) {
        if (slice_eq(t->labels[i].name, SLICE("alertname")))
            continue;
        (void)buf_printf(b, "%s%.*s=", comma, SLICE_FMT(t->labels[i].name));
        (void)buf_append_json_string(b, t->labels[i].value);
        comma = ", ";
    }
    (void)buf_printf(b, "} value=%s", value);
    if (t->known_us != t->time_us)
        (void)buf_printf(b, " known=%s", known);
    if (t->on_arrival)
        (void)buf_printf(b, " on arrival");
    (void)buf_putc(b, '\n');
}

static void
print_transition(void *arg, const struct transition *t)
{
    struct job *j = arg;
    if (t->time_us < j->from || t->time_us >= j->to || j->failed)
        return;
    buf_reset(&j->line);
    if (!j->json)
        text_line(t, &j->line);
    else if (transition_json(t, &j->line) < 0 || buf_putc(&j->line, '\n') < 0)
        j->failed = true;
    j->n_transitions++;
    if (fwrite(j->line.p, 1, j->line.n, stdout) != j->line.n)
        j->failed = true;
}

static int
parse_time(const char *s, usec_t *ret)
{
    return time_parse_rfc3339(slice_from_str(s), ret);
}

static int
add_input(struct job *j, const char *s)
{
    const char *colon = strchr(s, ':');
    if (colon == NULL || colon == s || colon[1] == '\0' ||
        j->n_files == FILES_MAX)
        return -EINVAL;
    j->files[j->n_files++] =
        (struct replay_file){slice_new(s, (size_t)(colon - s)), colon + 1};
    return 0;
}

static int
set_format(struct job *j, const char *s)
{
    j->json = strcmp(s, "json") == 0;
    return j->json || strcmp(s, "text") == 0 ? 0 : -EINVAL;
}

static int
add_rules(struct job *j, const char *s)
{
    if (j->n_rules == FILES_MAX)
        return -E2BIG;
    j->rules[j->n_rules++] = s;
    return 0;
}

static int
take_option(struct job *j, int c, const char *arg)
{
    switch (c) {
    case OPT_RULES:
        return add_rules(j, arg);
    case OPT_JOURNAL:
        j->journal = arg;
        return 0;
    case OPT_INPUT:
        return add_input(j, arg);
    case OPT_FROM:
        return parse_time(arg, &j->from);
    case OPT_TO:
        return parse_time(arg, &j->to);
    case OPT_FORMAT:
        return set_format(j, arg);
    case OPT_LATENESS:
        return duration_parse(slice_from_str(arg), &j->lateness, NULL);
    case OPT_INTERVAL:
        return duration_parse(slice_from_str(arg), &j->interval, NULL);
    default:
        return -EINVAL;
    }
}

static int
replay(struct job *j)
{
    struct replay_options o = {take_rules, print_transition, j, j->lateness};
    struct replay_stats stats = {0};
    struct err err = ERR_INIT;
    AUTO(plugins) *ps = plugins_new();
    int r = ps == NULL ? -ENOMEM
            : j->journal != NULL
                ? replay_journal(&o, j->journal, &stats, &err)
                : replay_files(&o, ps, j->files, j->n_files, &stats, &err);
    problems_print(NULL, &j->errs);
    if (r < 0 && j->errs.errors == 0)
        return cmd_error(&err);
    if (r < 0 || j->failed || fflush(stdout) != 0)
        return CMD_FAILED;
    fprintf(stderr,
            "%llu transitions of %llu records; %llu late, %llu dead letters\n",
            (unsigned long long)j->n_transitions,
            (unsigned long long)stats.records, (unsigned long long)stats.late,
            (unsigned long long)stats.dead);
    return CMD_OK;
}

static int
run(const struct cmd *cmd, int argc, char **argv)
{
    static const struct option options[] = {
        {"rules", required_argument, NULL, OPT_RULES},
        {"journal", required_argument, NULL, OPT_JOURNAL},
        {"input", required_argument, NULL, OPT_INPUT},
        {"from", required_argument, NULL, OPT_FROM},
        {"to", required_argument, NULL, OPT_TO},
        {"format", required_argument, NULL, OPT_FORMAT},
        {"lateness", required_argument, NULL, OPT_LATENESS},
        {"interval", required_argument, NULL, OPT_INTERVAL},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    static struct job j; /* large */
    j = (struct job){
        .from = USEC_MIN,
        .to = USEC_MAX,
        .lateness = LATENESS_DEFAULT_US,
        .interval = EVALUATION_DEFAULT_US,
        .line = BUF_INIT(LINE_MAX_BYTES),
    };
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'h')
            return cmd_help(cmd);
        if (c == '?')
            return cmd_misuse(cmd, NULL);
        if (take_option(&j, c, optarg) < 0)
            return cmd_misuse(cmd, "\"%s\" can't be read", optarg);
    }
    for (; optind < argc; optind++) /* --rules takes several */
        if (add_rules(&j, argv[optind]) < 0)
            return cmd_misuse(cmd, "too many rule files");
    if (j.n_rules == 0 || (j.journal == NULL) == (j.n_files == 0))
        return cmd_misuse(cmd, "rules, and a journal or inputs, are needed");

    arena_init(&j.arena, 64 * 1024, (size_t)256 * 1024 * 1024);
    errlist_init(&j.errs);
    int status = replay(&j);
    errlist_fini(&j.errs);
    arena_fini(&j.arena);
    buf_fini(&j.line);
    return status;
}

const struct cmd cmd_replay = {
    .name = "replay",
    .args = "--rules FILE… (--journal DIR | --input DECODER:FILE…) [--from T] "
            "[--to T] [--format text|json]",
    .summary = "back-test rules over a journal or files",
    .help =
        "  --rules FILE…          the rules to evaluate\n"
        "  --journal DIR          what a collector has seen\n"
        "  --input DECODER:FILE   a file of records, gzip or not, \"-\" for "
        "standard input\n"
        "  --from T, --to T       print transitions of this span only (RFC "
        "3339)\n"
        "  --format text|json     json: a line each, for programs\n"
        "  --lateness D           how far out of order files are (2m)\n"
        "  --interval D           evaluation interval of groups without one "
        "(1m)\n",
    .run = run,
};
