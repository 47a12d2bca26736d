/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/run/ruletest.h"

#include <errno.h>
#include <stdlib.h>

#include "core/base/regex.h"
#include "core/run/ruletest_priv.h"

#define ARENA_MAX ((size_t)1 << 30)

void
ruletest_report_init(struct ruletest_report *r)
{
    *r = (struct ruletest_report){0};
    arena_init(&r->arena, 64 << 10, ARENA_MAX);
}

void
ruletest_report_fini(struct ruletest_report *r)
{
    for (uint32_t i = 0; i < r->suites.n; i++) {
        struct ruletest_suite *s = &r->suites.p[i];
        for (uint32_t k = 0; k < s->cases.n; k++)
            vec_free(&s->cases.p[k].failures);
        vec_free(&s->cases);
    }
    vec_free(&r->suites);
    vec_free(&r->rules);
    arena_fini(&r->arena);
}

bool
ruletest_rule_covered(const struct ruletest_rule *r)
{
    return r->is_alert ? r->fired > 0 : r->valued > 0;
}

/* --- the rules of a file -------------------------------------------------- */

struct listing {
    struct ruletest_report *report;
    const char *real; /* of the rule file that was looked up last */
    struct slice file;
    VEC(uint32_t) rules;
    int error;
};

static const char *
real_path(struct listing *l, struct slice file)
{
    if (l->real != NULL && slice_eq(l->file, file))
        return l->real;
    char *path = arena_strndup(&l->report->arena, file.p, file.n);
    if (path == NULL)
        return NULL;
    char *real = realpath(path, NULL);
    l->real = real == NULL ? path : arena_strdup(&l->report->arena, real);
    free(real); /* libc's own */
    l->file = file;
    return l->real;
}

static uint32_t
rule_find(const struct ruletest_report *r, const char *real, unsigned line)
{
    for (uint32_t i = 0; i < r->rules.n; i++) {
        if (r->rules.p[i].line == line && strcmp(r->rules.p[i].real, real) == 0)
            return i;
    }
    return r->rules.n;
}

static char *
text_of(struct listing *l, struct slice s)
{
    return arena_strndup(&l->report->arena, s.p, s.n);
}

static void
list_rule(void *arg, const struct rule_info *info)
{
    struct listing *l = arg;
    const char *real = real_path(l, info->file);
    if (real == NULL) {
        l->error = -ENOMEM;
        return;
    }
    uint32_t i = rule_find(l->report, real, info->line);
    struct ruletest_rule rule = {.file = text_of(l, info->file),
                                 .group = text_of(l, info->group),
                                 .name = text_of(l, info->name),
                                 .expr = text_of(l, info->expr),
                                 .real = real,
                                 .line = info->line,
                                 .is_alert = info->is_alert};
    if (rule.file == NULL || rule.group == NULL || rule.name == NULL ||
        rule.expr == NULL ||
        (i == l->report->rules.n && vec_push(&l->report->rules, rule) < 0) ||
        vec_push(&l->rules, i) < 0)
        l->error = -ENOMEM;
}

/* The rules as they stand, checked against what decoders bring; series of a
 * test are not known here, so what is said of unknown ones is left out. */
static int
check_rules(struct test_file *f, struct listing *l)
{
    struct errlist errs;
    errlist_init(&errs);
    struct ruleset rs = {.engine_version = ENGINE_VERSION,
                         .evaluation_interval_us = f->interval,
                         .n_files = (uint32_t)f->n_rule_files,
                         .files = f->texts};
    int r = ruleset_check(&rs, f->decoders, &errs, list_rule, l);
    for (size_t i = 0; i < errs.n; i++) {
        const struct diag *d = &errs.diags[i];
        if (d->severity != SEVERITY_ERROR)
            continue;
        (void)errlist_error(f->errs, &d->where, "%s", d->message);
        if (d->hint != NULL)
            errlist_hint(f->errs, "%s", d->hint);
    }
    f->bad |= errs.errors > 0;
    errlist_fini(&errs);
    return r == -ENOMEM ? r : l->error;
}

/* --- the tests ------------------------------------------------------------ */

static int
failure_cmp(const void *a, const void *b)
{
    const struct ruletest_failure *x = a, *y = b;
    return (x->line > y->line) - (x->line < y->line);
}

static int
run_group(struct test_file *f, struct test_group *g, struct listing *l,
          struct ruletest_suite *suite)
{
    struct ruletest_case c = {
        .name = arena_strdup(&l->report->arena, g->name),
        .line = g->node->line,
    };
    if (c.name == NULL || vec_push(&suite->cases, c) < 0)
        return -ENOMEM;
    struct ruletest_case *result = &suite->cases.p[suite->cases.n - 1];
    struct test_run r = {.file = f,
                         .group = g,
                         .report = l->report,
                         .result = result,
                         .rules = l->rules.p,
                         .n_rules = l->rules.n};
    int e = test_group_run(&r);
    if (result->failures.n > 1)
        qsort(result->failures.p, result->failures.n,
              sizeof *result->failures.p, failure_cmp);
    if (result->failures.n == 0)
        l->report->passed++;
    else
        l->report->failed++;
    return e;
}

static int
run_file(struct test_file *f, struct listing *l, struct ruletest_suite *suite)
{
    const struct regex *run = f->options->run;
    int e = test_file_read(f);
    if (e == 0 && !f->bad)
        e = check_rules(f, l);
    if (e == 0 && f->bad)
        suite->broken = "the file, or its rules, can't be read";
    for (uint32_t i = 0; e == 0 && !f->bad && i < f->n_groups; i++) {
        struct slice name = slice_from_str(f->groups[i].name);
        if (run == NULL || regex_match(run, name) == MATCH)
            e = run_group(f, &f->groups[i], l, suite);
    }
    return e;
}

int
ruletest_run(const char *path, const struct ruletest_options *o,
             struct errlist *errs, struct ruletest_report *report)
{
    struct test_file f = {
        .path = path, .errs = errs, .options = o, .decoders = o->decoders};
    struct ruletest_suite suite = {.file = arena_strdup(&report->arena, path)};
    struct listing l = {.report = report};
    arena_init(&f.arena, 64 << 10, ARENA_MAX);
    if (suite.file == NULL || vec_push(&report->suites, suite) < 0) {
        arena_fini(&f.arena);
        return -ENOMEM;
    }
    int e = run_file(&f, &l, &report->suites.p[report->suites.n - 1]);
    vec_free(&l.rules);
    test_file_fini(&f);
    return e;
}
