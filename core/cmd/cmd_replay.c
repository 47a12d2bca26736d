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
#include "core/cmd/replay_diff.h"
#include "core/cmd/rules.h"
#include "core/config/configuration.h"
#include "core/host/plugins.h"
#include "core/run/pages.h"
#include "core/run/replay.h"

#define FILES_MAX 1024
#define LINE_MAX_BYTES ((size_t)4 * 1024 * 1024)
#define LATENESS_DEFAULT_US (2 * USEC_PER_MINUTE)
#define EVALUATION_DEFAULT_US USEC_PER_MINUTE

enum { OPT_RULES = 256, OPT_JOURNAL, OPT_INPUT, OPT_FROM, OPT_TO, OPT_FORMAT };
enum { OPT_LATENESS = 300, OPT_INTERVAL, OPT_DIFF };

/* One set of rules. */
struct side {
    const char *rules[FILES_MAX];
    size_t n_rules;
    struct episodes *episodes;
    struct pages *pages; /* NULL: no configuration */
    struct replay_stats stats;
};

struct job {
    struct arena arena;
    struct errlist errs;
    struct side old, new; /* 'new': of --diff */
    struct side *side;    /* that is being replayed */
    struct replay_file files[FILES_MAX];
    size_t n_files;
    const char *journal, *config_path;
    struct config *config;
    usec_t from, to, lateness, interval; /* interval 0: not given */
    bool json;
    int failed; /* the first error, of callbacks */
    struct buf line;
    uint64_t n_transitions;
};

static int
take_rules(void *arg, const struct schema *schema, struct ruleset *ret)
{
    struct job *j = arg;
    usec_t interval = j->interval != 0    ? j->interval
                      : j->config != NULL ? j->config->evaluation_interval_us
                                          : EVALUATION_DEFAULT_US;
    int r = rules_load(j->side->rules, j->side->n_rules, interval, &j->arena,
                       &j->errs, ret);
    if (r < 0)
        return r;
    ret->partial = RULESET_OTHER_RULES | RULESET_OTHER_METRICS;
    return ruleset_check(ret, schema, &j->errs, NULL, NULL);
}

static void
note(struct job *j, int r)
{
    if (r < 0 && j->failed == 0)
        j->failed = r;
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
print_transition(struct job *j, const struct transition *t)
{
    buf_reset(&j->line);
    if (!j->json)
        text_line(t, &j->line);
    else if (transition_json(t, &j->line) == 0)
        (void)buf_putc(&j->line, '\n');
    j->n_transitions++;
    note(j, buf_error(&j->line));
    if (fwrite(j->line.p, 1, j->line.n, stdout) != j->line.n)
        note(j, -EIO);
}

static void
on_transition(void *arg, const struct transition *t)
{
    struct job *j = arg;
    if (j->failed < 0)
        return;
    note(j, episodes_add(j->side->episodes, t));
    if (j->side->pages != NULL)
        note(j, pages_alert(j->side->pages, t));
    if (j->new.n_rules == 0 && t->time_us >= j->from && t->time_us < j->to)
        print_transition(j, t);
}

static void
on_passed(void *arg, usec_t time)
{
    struct job *j = arg;
    if (j->side->pages != NULL && j->failed == 0)
        note(j, pages_at(j->side->pages, time));
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
add_rules(struct side *side, const char *s)
{
    if (side->n_rules == FILES_MAX)
        return -E2BIG;
    side->rules[side->n_rules++] = s;
    return 0;
}

static int
take_option(struct job *j, int c, const char *arg)
{
    switch (c) {
    case OPT_RULES:
        return add_rules(&j->old, arg);
    case OPT_DIFF:
        return add_rules(&j->new, arg);
    case 'c':
        j->config_path = arg;
        return 0;
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

/* ---- a replay, or two */

static int
replay_side(struct job *j, struct plugins *ps, struct side *side,
            struct err *err)
{
    struct replay_options o = {.rules = take_rules,
                               .emit = on_transition,
                               .passed = on_passed,
                               .arg = j,
                               .lateness_us = j->lateness};
    j->side = side;
    side->episodes = episodes_new();
    if (side->episodes == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    int r = j->config == NULL ? 0 : pages_new(j->config, &side->pages, err);
    if (r == 0)
        r = j->journal != NULL
                ? replay_journal(&o, j->journal, &side->stats, err)
                : replay_files(&o, ps, j->files, j->n_files, &side->stats, err);
    if (r == 0 && side->pages != NULL)
        note(j, pages_end(side->pages));
    if (r == 0 && j->failed < 0)
        return err_set(err, j->failed, "the result can't be taken: %s",
                       strerror(-j->failed));
    return r;
}

static int
print_diff(struct job *j)
{
    AUTO_FINI(buf) b = BUF_INIT((size_t)256 * 1024 * 1024);
    episodes_diff(j->old.episodes, j->new.episodes, j->from, j->to, j->json,
                  &b);
    return cmd_print(&b);
}

static double
days_of(const struct job *j)
{
    const struct replay_stats *s = &j->old.stats;
    usec_t from = MAX(s->first, j->from), to = MIN(s->last, j->to);
    return s->first == USEC_NONE || to <= from
               ? 0
               : (double)(to - from) / USEC_PER_DAY;
}

static void
print_side(const struct job *j, const char *name, const struct side *side)
{
    double days = days_of(j);
    uint64_t alerts = episodes_count(side->episodes, j->from, j->to);
    fprintf(stderr, "%s%llu alerts", name, (unsigned long long)alerts);
    if (days > 0)
        fprintf(stderr, ", %.4g a day", (double)alerts / days);
    if (side->pages != NULL) {
        /* Of the whole input: what came before decides what is told. */
        uint64_t n = pages_count(side->pages);
        fprintf(stderr, "; %llu pages", (unsigned long long)n);
        usec_t all = side->stats.last - side->stats.first;
        if (days > 0 && all > 0)
            fprintf(stderr, ", %.4g a day",
                    (double)n / ((double)all / USEC_PER_DAY));
    }
    fputc('\n', stderr);
}

static void
print_summary(const struct job *j)
{
    const struct replay_stats *s = &j->old.stats;
    bool two = j->new.n_rules > 0;
    if (!two)
        fprintf(stderr, "%llu transitions of ",
                (unsigned long long)j->n_transitions);
    fprintf(stderr, "%llu records; %llu late, %llu dead letters",
            (unsigned long long)s->records, (unsigned long long)s->late,
            (unsigned long long)s->dead);
    if (s->damaged > 0)
        fprintf(stderr, ", %llu frames damaged",
                (unsigned long long)s->damaged);
    fputc('\n', stderr);
    print_side(j, two ? "old: " : "", &j->old);
    if (two)
        print_side(j, "new: ", &j->new);
}

static int
replay(struct job *j)
{
    struct err err = ERR_INIT;
    AUTO(plugins) *ps = plugins_new();
    int r = ps == NULL ? -ENOMEM : 0;
    if (r == 0 && j->config_path != NULL)
        r = config_load(j->config_path, CONFIG_NO_SECRETS, &j->config,
                        &j->errs);
    if (r == 0)
        r = replay_side(j, ps, &j->old, &err);
    if (r == 0 && j->new.n_rules > 0)
        r = replay_side(j, ps, &j->new, &err);
    problems_print(j->config, &j->errs);
    if (r < 0 && j->errs.errors == 0)
        return cmd_error(&err);
    if (r < 0 || (j->new.n_rules > 0 && print_diff(j) != CMD_OK) ||
        fflush(stdout) != 0)
        return CMD_FAILED;
    print_summary(j);
    return CMD_OK;
}

static void
job_fini(struct job *j)
{
    struct side *sides[] = {&j->old, &j->new};
    for (size_t i = 0; i < ARRAY_SIZE(sides); i++) {
        episodes_free(sides[i]->episodes);
        pages_free(sides[i]->pages);
    }
    config_free(j->config);
    buf_fini(&j->line);
    errlist_fini(&j->errs);
    arena_fini(&j->arena);
}

static const char *
what_is_wrong(const struct job *j)
{
    if (j->old.n_rules == 0 || (j->journal == NULL) == (j->n_files == 0))
        return "rules, and a journal or inputs, are needed";
    for (size_t i = 0; j->new.n_rules > 0 && i < j->n_files; i++)
        if (strcmp(j->files[i].path, "-") == 0)
            return "standard input can be read once, and --diff reads twice";
    return NULL;
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
        {"diff", required_argument, NULL, OPT_DIFF},
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
        .line = BUF_INIT(LINE_MAX_BYTES),
    };
    /* --rules a.yaml b.yaml: what has no option before it is of the last. */
    int list = OPT_RULES;
    for (int c; (c = getopt_long(argc, argv, "-hc:", options, NULL)) != -1;) {
        if (c == 'h')
            return cmd_help(cmd);
        if (c == '?')
            return cmd_misuse(cmd, NULL);
        if (c == OPT_RULES || c == OPT_DIFF || c == OPT_INPUT)
            list = c;
        if (take_option(&j, c == 1 ? list : c, optarg) < 0)
            return cmd_misuse(cmd, "\"%s\" can't be read", optarg);
    }
    const char *wrong = what_is_wrong(&j);
    if (optind < argc || wrong != NULL)
        return cmd_misuse(cmd, "%s",
                          wrong == NULL ? "\"--\" has no use here" : wrong);
    arena_init(&j.arena, 64 * 1024, (size_t)512 * 1024 * 1024);
    errlist_init(&j.errs);
    int status = replay(&j);
    job_fini(&j);
    return status;
}

const struct cmd cmd_replay = {
    .name = "replay",
    .args = "--rules FILE… [--diff FILE…] (--journal DIR | --input "
            "DECODER:FILE…) [-c FILE] [--from T] [--to T] [--format text|json]",
    .summary = "back-test rules over a journal or files",
    .help =
        "  --rules FILE…          the rules to evaluate\n"
        "  --diff FILE…           other rules: print what is not the same\n"
        "  --journal DIR          what a collector has seen, or sees now\n"
        "  --input DECODER:FILE…  files of records, gzip or not, \"-\" for "
        "standard input\n"
        "  -c FILE                count pages by this configuration's routes\n"
        "  --from T, --to T       print alerts of this span only (RFC 3339)\n"
        "  --format text|json     json: a line each, for programs\n"
        "  --lateness D           how far out of order files are (2m)\n"
        "  --interval D           evaluation interval of groups without one "
        "(1m)\n",
    .run = run,
};
