/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_plugin.c - `plugin list` and `plugin show`: what is installed, and what
 * a plugin says of itself in its tables. */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/duration.h"
#include "core/cmd/cmd.h"
#include "core/config/options.h"
#include "core/host/plugins.h"

#define TEXT_MAX ((size_t)4 * 1024 * 1024)

static int
list_one(void *arg, const char *id, const char *path,
         const struct plugin *plugin, const struct err *broken)
{
    struct buf *b = arg;
    if (plugin == NULL) {
        (void)buf_printf(b, "%-18s broken: %s\n", id,
                         broken != NULL ? broken->message : path);
        return 0;
    }
    return buf_printf(b, "%-18s %-8s %-8s %s\n", id, plugin->desc.version,
                      plugin_kind_name(plugin->desc.kind),
                      plugin->desc.summary);
}

static int
no_arguments(const struct cmd *cmd, int argc, char **argv, int want,
             int *ret_status)
{
    int c = getopt(argc, argv, "+h");
    if (c == 'h')
        *ret_status = cmd_help(cmd);
    else if (c != -1)
        *ret_status = cmd_misuse(cmd, NULL);
    else if (argc - optind != want)
        *ret_status = cmd_misuse(
            cmd, "%s", want == 0 ? "it takes no arguments" : "name one plugin");
    else
        return 0;
    return 1;
}

static int
run_list(const struct cmd *cmd, int argc, char **argv)
{
    int status;
    if (no_arguments(cmd, argc, argv, 0, &status) != 0)
        return status;
    AUTO(plugins) *ps = plugins_new();
    AUTO_FINI(buf) b = BUF_INIT(TEXT_MAX);
    if (ps == NULL || plugins_list(ps, list_one, &b) < 0)
        return CMD_FAILED;
    return cmd_print(&b);
}

/* ---- show */

static const char *const field_types[] = {
    "string", "number", "duration (ms)", "bytes", "time", "bool",
};

static const char *const metric_types[] = {"", "counter", "gauge", "state"};

static void
show_fields(struct buf *b, const struct tocsin_field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct tocsin_field *f = &fields[i];
        const char *type =
            f->type < ARRAY_SIZE(field_types) ? field_types[f->type] : "?";
        (void)buf_printf(b, "    %-26s %-14s %s%s%s\n", f->name, type,
                         f->flags & TOCSIN_FIELD_LABEL ? "label; " : "",
                         f->flags & TOCSIN_FIELD_MANY ? "many values; " : "",
                         f->help != NULL ? f->help : "");
    }
}

static void
show_streams(struct buf *b, const struct tocsin_plugin *p)
{
    for (size_t i = 0; i < p->n_streams; i++) {
        const struct tocsin_stream *s = &p->streams[i];
        unsigned kind = s->semantics & 3;
        (void)buf_printf(b, "\nstream %s: %s\n", s->name,
                         s->help != NULL ? s->help : "");
        (void)buf_printf(b, "    %s%s%s; usually %u s late\n",
                         kind == TOCSIN_SNAPSHOT  ? "snapshots of a state"
                         : kind == TOCSIN_SAMPLED ? "sampled or throttled"
                                                  : "every event",
                         s->semantics & TOCSIN_LOSSY ? "; may lose some" : "",
                         s->semantics & TOCSIN_UNORDERED ? "; in no order" : "",
                         s->delay_ms / 1000);
        show_fields(b, s->fields, s->n_fields);
    }
}

static void
show_metrics(struct buf *b, const struct tocsin_plugin *p)
{
    for (size_t i = 0; i < p->n_metrics; i++) {
        const struct tocsin_metric *m = &p->metrics[i];
        (void)buf_printf(
            b, "\n%smetric %s: %s%s%s. %s\n",
            p->kind == TOCSIN_DECODER ? "" : "own ", m->name,
            m->type < ARRAY_SIZE(metric_types) ? metric_types[m->type] : "?",
            m->unit != NULL && m->unit[0] != '\0' ? ", " : "",
            m->unit != NULL ? m->unit : "", m->help != NULL ? m->help : "");
        show_fields(b, m->labels, m->n_labels);
    }
}

static void
show_plugin(struct buf *b, const struct plugin *plugin)
{
    const struct tocsin_plugin *p = &plugin->desc;
    (void)buf_printf(b, "%s %s, %s: %s\n%s, ABI %u\n", p->name, p->version,
                     plugin_kind_name(p->kind), p->summary, plugin->path,
                     p->abi);
    if (p->receiver_key != NULL)
        (void)buf_printf(b, "runs receivers with %s\n", p->receiver_key);
    struct options_table t = options_of_plugin(p);
    (void)buf_printf(b, "\noptions:%s\n", t.n == 0 ? " none" : "");
    options_print(&t, b);
    show_streams(b, p);
    show_metrics(b, p);
}

struct search {
    const char *name;
    struct buf *b;
    size_t found;
};

static int
show_one(void *arg, const char *id, const char *path,
         const struct plugin *plugin, const struct err *broken)
{
    struct search *s = arg;
    (void)path;
    bool match = strcmp(id, s->name) == 0 ||
                 (plugin != NULL && strcmp(plugin->desc.name, s->name) == 0);
    if (!match)
        return 0;
    if (s->found++ > 0)
        (void)buf_printf(s->b, "\n");
    if (plugin != NULL)
        show_plugin(s->b, plugin);
    else
        (void)buf_printf(s->b, "%s is broken: %s\n", id, broken->message);
    return plugin == NULL ? -EINVAL : 0;
}

static int
run_show(const struct cmd *cmd, int argc, char **argv)
{
    int status;
    if (no_arguments(cmd, argc, argv, 1, &status) != 0)
        return status;
    AUTO(plugins) *ps = plugins_new();
    AUTO_FINI(buf) b = BUF_INIT(TEXT_MAX);
    struct search s = {argv[optind], &b, 0};
    if (ps == NULL)
        return CMD_FAILED;
    int r = plugins_list(ps, show_one, &s);
    if (s.found == 0) {
        fprintf(stderr,
                "tocsin: there is no plugin \"%s\"; `tocsin plugin "
                "list` shows what is installed\n",
                s.name);
        return CMD_FAILED;
    }
    status = cmd_print(&b);
    return r < 0 ? CMD_FAILED : status;
}

const struct cmd cmd_plugin_list = {
    .name = "plugin list",
    .args = "",
    .summary = "list the installed plugins",
    .help = "",
    .run = run_list,
};

const struct cmd cmd_plugin_show = {
    .name = "plugin show",
    .args = "NAME",
    .summary = "show a plugin's options, streams and metrics",
    .help = "NAME is as in the configuration (\"kafka\") or as listed "
            "(\"source_kafka\").\n",
    .run = run_show,
};
