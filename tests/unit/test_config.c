/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/duration.h"
#include "core/config/config_priv.h"
#include "core/config/expand.h"
#include "core/config/options_priv.h"
#include "tests/lib/unit.h"
#include "tests/unit/golden.h"

static const char *
dur(usec_t us)
{
    static char text[8][DURATION_STR_MAX];
    static unsigned i;
    char *s = text[i++ % 8];
    duration_format(us, s);
    return s;
}

static void
dump_plugin(const struct config_plugin *p, struct buf *out)
{
    buf_printf(out, " %s(%s)", p->name, yaml_kind_name(p->options));
}

static void
dump_route(const struct config_route *r, int depth, struct buf *out)
{
    static const char *const ops[] = {"=", "!=", "=~", "!~"};
    buf_printf(out, "%*sroute %s %s %s %s%s by", depth * 2, "",
               r->receiver->name, dur(r->group_wait_us),
               dur(r->group_interval_us), dur(r->repeat_interval_us),
               r->continues ? " continue" : "");
    for (size_t i = 0; i < r->n_group_by; i++)
        buf_printf(out, " %s", r->group_by[i]);
    buf_printf(out, "%s if", r->group_by_all ? " all" : "");
    for (size_t i = 0; i < r->n_matchers; i++)
        buf_printf(out, " %s%s\"%s\"", r->matchers[i].name,
                   ops[r->matchers[i].op], r->matchers[i].value);
    buf_putc(out, '\n');
    for (size_t i = 0; i < r->n_routes; i++)
        dump_route(&r->routes[i], depth + 1, out);
}

static void
dump_lists(const struct config *cfg, struct buf *out)
{
    for (size_t i = 0; i < cfg->n_inputs; i++) {
        const struct config_input *in = &cfg->inputs[i];
        buf_printf(out, "input %s", in->name);
        dump_plugin(&in->source, out);
        for (size_t k = 0; k < in->n_decoders; k++)
            dump_plugin(&in->decoders[k], out);
        buf_printf(out, " lateness %s%s expect %s max %lld\n",
                   dur(in->lateness_us), in->lateness_given ? "" : "*",
                   dur(in->expect_every_us), (long long)in->max_record_bytes);
    }
    for (size_t i = 0; i < cfg->n_exporters; i++) {
        const struct config_exporter *ex = &cfg->exporters[i];
        buf_printf(out, "exporter %s", ex->name);
        dump_plugin(&ex->plugin, out);
        buf_printf(out, " records %u%s\n", ex->records,
                   ex->on_full == CONFIG_BLOCK ? " block" : "");
    }
    for (size_t i = 0; i < cfg->n_receivers; i++) {
        const struct config_receiver *rc = &cfg->receivers[i];
        buf_printf(out, "receiver %s", rc->name);
        for (size_t k = 0; k < rc->n_integrations; k++)
            buf_printf(out, " %s[%zu]%s", rc->integrations[k].key,
                       rc->integrations[k].index,
                       rc->integrations[k].send_resolved ? "" : " quiet");
        buf_putc(out, '\n');
    }
}

static void
dump(const struct config *cfg, struct buf *out)
{
    buf_printf(out, "state %s listen %s:%u url %s\n", cfg->state_dir,
               cfg->listen_host == NULL ? "none" : cfg->listen_host,
               cfg->listen_port,
               cfg->external_url == NULL ? "none" : cfg->external_url);
    buf_printf(out, "journal %lld %lld %s ",
               (long long)cfg->journal.max_size_bytes,
               (long long)cfg->journal.segment_size_bytes,
               dur(cfg->journal.retain_us));
    buf_printf(out, "sync %lld every %s future %s\n",
               (long long)cfg->journal.sync_us,
               dur(cfg->evaluation_interval_us), dur(cfg->max_future_us));
    for (size_t i = 0; i < cfg->n_external_labels; i++)
        buf_printf(out, "label %s=\"%s\"\n", cfg->external_labels[i].name,
                   cfg->external_labels[i].value);
    for (size_t i = 0; i < cfg->n_rule_files; i++)
        buf_printf(out, "rules %s\n", cfg->rule_files[i]);
    dump_lists(cfg, out);
    if (cfg->route != NULL)
        dump_route(cfg->route, 0, out);
}

static void
load(struct slice input, unsigned flags, struct buf *out)
{
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    AUTO(config) *cfg = NULL;
    int r =
        config_parse(input, "tocsin.yaml", "/nonexistent", flags, &cfg, &errs);
    ck_assert_int_ne(r, -ENOMEM);
    ck_assert_ptr_nonnull(cfg);
    ck_assert_int_eq(r == -EINVAL, errs.errors > 0);
    if (r == 0)
        dump(cfg, out);
    config_print_errors(cfg, &errs, out);
}

static void
load_plain(struct slice input, struct buf *out)
{
    load(input, 0, out);
}

/* A bad case says "error:", so that none passes by being accepted. */
static void
load_bad(struct slice input, struct buf *out)
{
    load(input, 0, out);
    if (memmem(out->p, out->n, ": error: ", 9) == NULL)
        buf_append_str(out, "THIS WAS ACCEPTED\n");
}

START_TEST(good_configurations_are_read)
{
    setenv("TOCSIN_TEST_A", " alpha \n", 1);
    setenv("TOCSIN_TEST_B", "9092", 1);
    setenv("TOCSIN_TEST_EVERY", "15s", 1);
    setenv("TOCSIN_TEST_NESTED", "${env:TOCSIN_TEST_A}", 1);
    ck_assert_uint_gt(golden_run("config_good.txt", load_plain), 15);
}
END_TEST

START_TEST(bad_configurations_are_told_in_full)
{
    unsetenv("TOCSIN_TEST_UNSET");
    setenv("TOCSIN_TEST_EMPTY", " \n", 1);
    setenv("TOCSIN_TEST_SECRET", "hunter2-hunter2", 1);
    setenv("TOCSIN_TEST_PORT", "9092", 1);
    ck_assert_uint_ge(golden_run("config_bad.txt", load_bad), 150);
}
END_TEST

/* --------------------------------------------------------------- files */

struct folder {
    char path[64];
};

static void
folder_make(struct folder *f)
{
    snprintf(f->path, sizeof f->path, "/tmp/tocsin-config-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(f->path));
}

static void
folder_write(const struct folder *f, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", f->path, name);
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    ck_assert_int_ge(fputs(text, out), 0);
    ck_assert_int_eq(fclose(out), 0);
}

static void
folder_remove(const struct folder *f, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", f->path, names[i]);
        unlink(path);
    }
    ck_assert_int_eq(rmdir(f->path), 0);
}

START_TEST(files_are_found_beside_the_configuration)
{
    static const char *const names[] = {"t.yaml", "b.rules", "a.rules",
                                        "secret"};
    struct folder f;
    folder_make(&f);
    folder_write(&f, "a.rules", "");
    folder_write(&f, "b.rules", "");
    folder_write(&f, "secret", "\n s3cr3t-t0ken \n\n");
    folder_write(&f, "t.yaml",
                 "inputs: [{name: a, source: sim, decoders: x}]\n"
                 "rule_files: [b.rules, '*.rules']\n"
                 "state_dir: state\n"
                 "external_labels: {t: '${file:secret}'}\n");
    char path[256];
    snprintf(path, sizeof path, "%s/t.yaml", f.path);
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    AUTO(config) *cfg = NULL;
    ck_assert_int_eq(config_load(path, 0, &cfg, &errs), 0);
    ck_assert_uint_eq(errs.errors + errs.warnings, 0);
    ck_assert_str_eq(cfg->external_labels[0].value, "s3cr3t-t0ken");
    AUTO_FINI(buf) b = BUF_INIT(4096);
    for (size_t i = 0; i < cfg->n_rule_files; i++)
        buf_printf(&b, "%s ", cfg->rule_files[i] + strlen(f.path));
    buf_printf(&b, "%s", cfg->state_dir + strlen(f.path));
    ck_assert_str_eq(buf_str(&b), "/b.rules /a.rules /state");
    buf_append_str(&b, " s3cr3t-t0ken");
    config_redact(cfg, &b);
    ck_assert_str_eq(buf_str(&b), "/b.rules /a.rules /state <secret>");
    config_redact(NULL, &b);
    folder_remove(&f, names, ARRAY_SIZE(names));
}
END_TEST

START_TEST(a_file_that_is_not_there_is_told)
{
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    AUTO(config) *cfg = NULL;
    ck_assert_int_eq(config_load("/nonexistent.yaml", 0, &cfg, &errs), -EINVAL);
    AUTO_FINI(buf) b = BUF_INIT(4096);
    config_print_errors(cfg, &errs, &b);
    ck_assert_str_eq(buf_str(&b), "/nonexistent.yaml: error: can't be read: "
                                  "No such file or directory\n");
}
END_TEST

START_TEST(without_secrets_everything_else_is_checked)
{
    struct slice text =
        SLICE("inputs: [{name: '${env:A}', source: {kafka: {b: ['${env:A}']}},"
              " decoders: x, lateness: '${env:A}', max_record: 1MiB}]\n"
              "listen: 127.0.0.1:${env:NOPE}\n"
              "insecure_listen: ${file:/nope}\n"
              "journal: {max_size: '${env:A}', sync: '${env:A}'}\n"
              "external_url: ${env:A}\n"
              "rule_files: ['${env:A}']\n"
              "receivers: [{name: r}]\n"
              "route: {receiver: '${env:A}', group_wait: '${env:A}'}\n");
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    AUTO(config) *cfg = NULL;
    int r = config_parse(text, "t", "/", CONFIG_NO_SECRETS, &cfg, &errs);
    AUTO_FINI(buf) b = BUF_INIT(65536);
    config_print_errors(cfg, &errs, &b);
    ck_assert_msg(r == 0 && errs.errors == 0, "%s", buf_str(&b));
    ck_assert(expand_is_pending(cfg->inputs[0].source.options));
    ck_assert(!expand_is_pending(yaml_get(cfg->doc->root, "receivers")));
    config_free(TAKE(cfg));

    r = config_parse(SLICE("inputs: [{name: a, source: s, decoders: d, "
                           "lateness: '${env:A}', max_record: 1}]\n"
                           "state_dir: '${nope}'\n"),
                     "t", "/", CONFIG_NO_SECRETS, &cfg, &errs);
    ck_assert_int_eq(r, -EINVAL);
    ck_assert_uint_eq(errs.errors, 2);
}
END_TEST

START_TEST(options_of_plugins_are_filled_from_the_tree)
{
    struct hook {
        const char *url;
    };
    static const struct tocsin_option options[] = {
        {.key = "url",
         .type = TOCSIN_OPT_STRING,
         .flags = TOCSIN_OPT_REQUIRED | TOCSIN_OPT_SECRET,
         .help = "Where to."}};
    static const struct options_table table =
        CONFIG_TABLE(options, struct hook);
    struct slice text =
        SLICE("inputs: [{name: a, source: s, decoders: {d: {url: w, "
              "send_resolved: true}}}]\n"
              "receivers: [{name: r, webhook_configs: [{url: 'https://h/x', "
              "send_resolved: false}]}]\n"
              "route: {receiver: r}\n");
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    AUTO(config) *cfg = NULL;
    ck_assert_int_eq(config_parse(text, "t", "/", 0, &cfg, &errs), 0);
    void *filled = NULL;
    ck_assert_int_eq(
        config_integration_options(
            cfg, &table, &cfg->receivers[0].integrations[0], &errs, &filled),
        0);
    ck_assert_str_eq(((struct hook *)filled)->url, "https://h/x");
    AUTO_FINI(buf) b = BUF_INIT(4096);
    buf_append_str(&b, "posting to https://h/x");
    config_redact(cfg, &b);
    ck_assert_str_eq(buf_str(&b), "posting to <secret>");
    const struct config_plugin *d = &cfg->inputs[0].decoders[0];
    ck_assert_int_eq(
        config_options(cfg, &table, d->options, d->at, &errs, &filled),
        -EINVAL);
    ck_assert_uint_eq(errs.errors, 1);
    ck_assert_str_eq(errs.diags[0].message, "unknown key \"send_resolved\"");
    const struct config_plugin *s = &cfg->inputs[0].source;
    ck_assert_int_eq(
        config_options(cfg, &table, s->options, s->at, &errs, &filled),
        -EINVAL);
    ck_assert_str_eq(errs.diags[1].message, "option \"url\" is required");
}
END_TEST

/* ----------------------------------------------------------- documents */

START_TEST(the_printed_defaults_are_the_defaults)
{
    AUTO_FINI(buf) text = BUF_INIT(1 << 20);
    config_print_defaults(&text);
    buf_append_str(&text, "inputs: [{name: a, source: s, decoders: d}]\n");
    AUTO_FINI(buf) printed = BUF_INIT(1 << 20);
    AUTO_FINI(buf) least = BUF_INIT(1 << 20);
    load(buf_slice(&text), 0, &printed);
    load(SLICE("inputs: [{name: a, source: s, decoders: d}]\n"), 0, &least);
    ck_assert_str_eq(buf_str(&printed), buf_str(&least));
}
END_TEST

static void
read_source(const char *name, struct buf *b)
{
    const char *top = getenv("top_srcdir");
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", top == NULL ? "." : top, name);
    FILE *f = fopen(path, "r");
    ck_assert_msg(f != NULL, "%s", path);
    ck_assert_int_eq(buf_reserve(b, 1 << 20), 0);
    b->n = fread(b->p, 1, 1 << 20, f);
    fclose(f);
}

static void
check_documented(const struct options_table *t, const char *path,
                 const char *page)
{
    for (size_t i = 0; i < t->n; i++) {
        struct tocsin_option o = options_at(t, i);
        char item[128];
        snprintf(item, sizeof item, ".It Ic %s\n", o.key);
        ck_assert_msg(strstr(page, item) != NULL,
                      "tocsin.yaml.5 doesn't know %s %s", path, o.key);
        if (o.n_members > 0) {
            struct options_table members = options_members(t, &o);
            check_documented(&members, path, page);
        }
    }
}

START_TEST(every_setting_is_in_the_manual_page)
{
    AUTO_FINI(buf) page = BUF_INIT(1 << 21);
    read_source("doc/man/tocsin.yaml.5", &page);
    for (size_t i = 0; config_section(i) != NULL; i++)
        check_documented(config_section(i)->table, config_section(i)->path,
                         buf_str(&page));
}
END_TEST

static const char *const shipped[] = {
    "etc/tocsin.yaml", "etc/examples/file-to-stdout.yaml",
    "etc/examples/event-hubs-to-webhook.yaml", "etc/examples/null-bench.yaml"};

START_TEST(shipped_configurations_are_good)
{
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    const char *top = getenv("top_srcdir");
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", top == NULL ? "." : top, shipped[_i]);
    AUTO(config) *cfg = NULL;
    int r = config_load(path, CONFIG_NO_SECRETS, &cfg, &errs);
    AUTO_FINI(buf) b = BUF_INIT(65536);
    config_print_errors(cfg, &errs, &b);
    ck_assert_msg(r == 0 && errs.errors == 0, "%s", buf_str(&b));
}
END_TEST

/* -------------------------------------------------------------- memory */

static int
load_once(void)
{
    static const char text[] =
        "inputs: [{name: a, source: {kafka: {b: [x]}}, decoders: [x, y]}]\n"
        "external_labels: {a: '${env:TOCSIN_TEST_A}', b: c}\n"
        "journal: {sync: always}\n"
        "rule_files: ['/nonexistent/*.yaml']\n"
        "exporters: [{name: e, stdout: {}, on_full: block}]\n"
        "receivers: [{name: r, webhook_configs: [{url: x}]}]\n"
        "route: {receiver: r, group_by: [a, b], routes: [{matchers: "
        "['a=\"b\"', 'c=~d.*'], match: {e: f}}]}\n";
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    AUTO(config) *cfg = NULL;
    int r = config_parse(slice_from_str(text), "t", "/", 0, &cfg, &errs);
    AUTO_FINI(buf) b = BUF_INIT(65536);
    config_print_errors(cfg, &errs, &b);
    return r;
}

START_TEST(want_of_memory_is_no_crash_and_no_wrong_success)
{
    setenv("TOCSIN_TEST_A", "alpha-alpha", 1);
    ck_assert_int_eq(load_once(), 0);
    uint64_t before = mem_count();
    ck_assert_int_eq(load_once(), 0);
    uint64_t n = mem_count() - before;
    uint64_t failed = 0;
    for (uint64_t i = 1; i <= n; i++) {
        mem_fail_at(i);
        failed += load_once() != 0;
    }
    mem_fail_at(0);
    ck_assert_int_eq(load_once(), 0);
    /* All but those of the error list and of printing, which only drop. */
    ck_assert_uint_ge(failed, n / 2);
    if (getenv("TOCSIN_TEST_VERBOSE") != NULL)
        fprintf(stderr, "# %llu allocations, %llu failed\n",
                (unsigned long long)n, (unsigned long long)failed);
}
END_TEST

static Suite *
config_suite(void)
{
    Suite *s = suite_create("config");
    TCase *tc = tcase_create("config");
    tcase_add_test(tc, good_configurations_are_read);
    tcase_add_test(tc, bad_configurations_are_told_in_full);
    tcase_add_test(tc, files_are_found_beside_the_configuration);
    tcase_add_test(tc, a_file_that_is_not_there_is_told);
    tcase_add_test(tc, without_secrets_everything_else_is_checked);
    tcase_add_test(tc, options_of_plugins_are_filled_from_the_tree);
    tcase_add_test(tc, the_printed_defaults_are_the_defaults);
    tcase_add_test(tc, every_setting_is_in_the_manual_page);
    tcase_add_loop_test(tc, shipped_configurations_are_good, 0,
                        ARRAY_SIZE(shipped));
    tcase_add_test(tc, want_of_memory_is_no_crash_and_no_wrong_success);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return unit_main(config_suite(), NULL);
}
