/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/duration.h"
#include "core/config/config_priv.h"
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

static Suite *
config_suite(void)
{
    Suite *s = suite_create("config");
    TCase *tc = tcase_create("config");
    tcase_add_test(tc, good_configurations_are_read);
    tcase_add_test(tc, bad_configurations_are_told_in_full);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return unit_main(config_suite(), NULL);
}
