/* SPDX-License-Identifier: Apache-2.0 */
/* ruletest_priv.h - a test file as read, and the run of one of its tests; for
 * the files ruletest_*.c. */
#ifndef TOCSIN_RUN_RULETEST_PRIV_H
#define TOCSIN_RUN_RULETEST_PRIV_H
#include "core/base/buf.h"
#include "core/config/yaml.h"
#include "core/engine/engine.h"
#include "core/engine/ruleset.h"
#include "core/engine/trial.h"
#include "core/record/schema.h"
#include "core/run/ruletest.h"

struct chunk_builder;

/* --- series (ruletest_series.c): promtool's notation of values ----------- */

enum run_kind { RUN_VALUE, RUN_MISSING, RUN_STALE };

/* 'count' values: start, start + delta, start + delta + delta … */
struct value_run {
    enum run_kind kind;
    double start, delta;
    uint64_t count;
};

struct test_series {
    struct slice metric;
    const struct label *labels; /* sorted */
    uint32_t n_labels;
    VEC(struct value_run) runs;
    /* where the run of the test stands */
    uint32_t run;
    uint64_t index;
    double value;
};

/* Reads "1+1x10 _x3 stale" behind a series' name.  0; -EINVAL with *ret_at the
 * byte and *ret_why what is wrong there; -ENOMEM. */
MUST_CHECK int series_values(struct slice text, struct test_series *s,
                             size_t *ret_at, const char **ret_why);
/* The next value: false where there are no more. */
bool series_next(struct test_series *s, enum run_kind *ret_kind,
                 double *ret_value);
/* A metric's name with its labels: 'up{job="x"}'.  As above. */
MUST_CHECK int series_name(struct slice text, struct arena *a,
                           struct slice *ret_metric,
                           const struct label **ret_labels, uint32_t *ret_n,
                           struct err *err);

/* --- the file (ruletest_read.c, ruletest_inputs.c) ------------------------ */

struct event_field {
    uint8_t id; /* in the schema of the decoders */
    struct slice name, value;
};

struct test_event {
    uint16_t stream; /* in the schema of the decoders */
    usec_t at, every, until, delay;
    uint32_t n_fields;
    const struct event_field *fields;
    struct slice raw;
    uint64_t next; /* the occurrence that comes; past the last: done */
};

struct test_down {
    struct slice source; /* a stream, or "series" */
    usec_t from, until;
};

struct exp_alert {
    unsigned line;
    uint8_t state; /* ALERT_FIRING or ALERT_PENDING */
    bool has_annotations;
    const struct label *labels, *annotations; /* sorted */
    uint32_t n_labels, n_annotations;
};

struct alert_check {
    unsigned line;
    usec_t time; /* after the start */
    struct slice alertname;
    bool none, has_resolved, has_pending;
    struct exp_alert *alerts, *resolved;
    uint32_t n_alerts, n_resolved;
    bool done;
};

struct exp_sample {
    const struct label *labels;
    uint32_t n_labels;
    double value;
};

struct expr_check {
    unsigned line;
    usec_t time; /* after the start */
    struct slice expr;
    struct exp_sample *samples;
    uint32_t n_samples;
    bool done;
};

struct test_group {
    const struct yaml_node *node;
    const char *name;
    usec_t interval, start, lateness;
    struct slice external_url;
    const struct label *external_labels;
    uint32_t n_external_labels;
    struct test_series *series;
    struct test_event *events;
    struct test_down *downs;
    usec_t *restarts;
    struct alert_check *alerts;
    struct expr_check *exprs;
    uint32_t n_series, n_events, n_downs, n_restarts, n_alerts, n_exprs;
};

struct test_file {
    struct arena arena;
    const char *path;
    struct yaml_doc *doc;
    struct errlist *errs;
    const struct ruletest_options *options;
    const struct schema *decoders;
    usec_t interval;
    bool fuzzy, bad; /* bad: it has errors */
    const char **rule_files;
    size_t n_rule_files;
    const struct ruleset_file *texts;
    struct test_group *groups;
    uint32_t n_groups;
};

/* Fills what follows 'decoders'.  0 (look at 'bad'), or -ENOMEM. */
MUST_CHECK int test_file_read(struct test_file *f);
void test_file_fini(struct test_file *f);
/* What a test feeds: series, events, sources that are down. */
MUST_CHECK int test_inputs_read(struct test_file *f, struct test_group *g);

/* A list below a key: its nodes, with an array for them; 0 nodes where it is
 * missing, or no list (an error then). */
const struct yaml_node *test_list(struct test_file *f,
                                  const struct yaml_node *map, const char *key);
/* A mapping of texts as labels, sorted. */
MUST_CHECK int test_labels(struct test_file *f, const struct yaml_node *map,
                           const struct label **ret, uint32_t *ret_n);
/* A time of a test, or a span: 1; 0 where the key is missing, *ret untouched;
 * -EINVAL, with the error added. */
#define TEST_TIME_MAX (110000 * USEC_PER_DAY)
int test_time(struct test_file *f, const struct yaml_node *map, const char *key,
              usec_t *ret);
PRINTF_LIKE(3, 4)
void test_error(struct test_file *f, const struct yaml_node *node,
                const char *fmt, ...);

/* --- the run of a test (ruletest_feed.c, ruletest_clock.c) ---------------- */

/* What became of an alert that once fired. */
struct test_episode {
    const char *alertname;
    uint64_t fingerprint;
    bool resolved;
    const struct label *labels, *annotations;
    uint32_t n_labels, n_annotations;
};

struct test_run {
    struct test_file *file;
    struct test_group *group;
    struct ruletest_report *report;
    struct ruletest_case *result;
    const uint32_t *rules; /* of the report, in the order of the rulebook */
    uint32_t n_rules, rule_hint;
    struct arena arena;
    struct schema *schema;
    struct chunk_builder *chunk;
    struct buf payload;
    struct engine *engine;
    struct trial trial;
    struct engine_options options;
    uint64_t pos;
    usec_t now, end;    /* of the clock */
    usec_t series_next; /* time of the coming samples; USEC_MAX: none */
    uint64_t series_step;
    uint32_t fired, resolved; /* transitions of the evaluation that runs */
    VEC(struct test_episode) episodes;
    int error;   /* negative: no memory, or the engine gave up */
    bool broken; /* a rule could not be evaluated */
};

MUST_CHECK int feed_start(struct test_run *r);
/* All that arrives by now, then a tick. */
MUST_CHECK int feed_now(struct test_run *r);
/* The next moment at which something arrives; USEC_MAX: never. */
usec_t feed_next(const struct test_run *r);
bool source_is_down(const struct test_run *r, struct slice source);

MUST_CHECK int test_group_run(struct test_run *r);

/* --- comparing (ruletest_compare.c) --------------------------------------- */

MUST_CHECK int check_alerts(struct test_run *r, struct alert_check *c);
MUST_CHECK int check_answer(struct test_run *r, struct expr_check *c,
                            const struct trial_result *a);
PRINTF_LIKE(4, 5)
int test_fail(struct test_run *r, unsigned line, const char *diff,
              const char *fmt, ...);
void print_labels(struct buf *b, struct slice name, const struct label *l,
                  uint32_t n);

#endif
