/* SPDX-License-Identifier: Apache-2.0 */
/* tmpl_func.c - the functions that Prometheus adds to Go's templates. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "core/base/duration.h"
#include "core/base/str.h"
#include "core/lang/matcher.h"
#include "core/lang/problems.h"
#include "core/lang/tmpl.h"

/* --- queries ------------------------------------------------------------- */

static bool
call_query(struct texec *x, const struct tval *args, size_t n,
           struct tval *ret_v)
{
    (void)n;
    const struct tmpl_data *d = x->data;
    if (d->query == NULL)
        return texec_fail(x, "queries are not available here");
    struct err err = ERR_INIT;
    *ret_v = (struct tval){.kind = TV_SAMPLES};
    int r = d->query(d->query_ctx, args[0].s, &x->arena, &ret_v->samples,
                     &ret_v->n, &err);
    return r == 0 || texec_fail(x, "%s", err.message);
}

static bool
call_first(struct texec *x, const struct tval *args, size_t n,
           struct tval *ret_v)
{
    (void)n;
    if (args[0].n == 0)
        return texec_fail(x, "first() called on vector with no elements");
    *ret_v = (struct tval){.kind = TV_SAMPLE, .sample = &args[0].samples[0]};
    return true;
}

static bool
call_label(struct texec *x, const struct tval *args, size_t n,
           struct tval *ret_v)
{
    (void)x;
    (void)n;
    const struct tmpl_sample *s = args[1].sample;
    *ret_v = tval_string(labels_get(s->labels, s->label_count, args[0].s));
    return true;
}

static bool
call_value(struct texec *x, const struct tval *args, size_t n,
           struct tval *ret_v)
{
    (void)x;
    (void)n;
    *ret_v = tval_float(args[0].sample->value);
    return true;
}

static bool
call_strvalue(struct texec *x, const struct tval *args, size_t n,
              struct tval *ret_v)
{
    (void)x;
    (void)n;
    const struct tmpl_sample *s = args[0].sample;
    *ret_v =
        tval_string(labels_get(s->labels, s->label_count, SLICE("__value__")));
    return true;
}

/* Stable: an insertion sort, samples are few. */
static bool
call_sort_by_label(struct texec *x, const struct tval *args, size_t n,
                   struct tval *ret_v)
{
    (void)n;
    const struct tval *v = &args[1];
    const struct slice name = args[0].s;
    struct tmpl_sample *sorted =
        arena_new_array(&x->arena, struct tmpl_sample, v->n);
    if (sorted == NULL || v->n > 10000)
        return texec_fail(x, "too many samples to sort");
    for (size_t i = 0; i < v->n; i++) {
        const struct tmpl_sample *s = &v->samples[i];
        struct slice key = labels_get(s->labels, s->label_count, name);
        size_t j = i;
        for (; j > 0; j--) {
            const struct tmpl_sample *t = &sorted[j - 1];
            if (slice_cmp(labels_get(t->labels, t->label_count, name), key) <=
                0)
                break;
            sorted[j] = sorted[j - 1];
        }
        sorted[j] = *s;
    }
    *ret_v = *v;
    ret_v->samples = sorted;
    return true;
}

static bool
call_args(struct texec *x, const struct tval *args, size_t n,
          struct tval *ret_v)
{
    (void)x;
    *ret_v = (struct tval){.kind = TV_ARGS, .args = args, .n = n};
    return true;
}

/* --- addresses ----------------------------------------------------------- */

/* "host:port" and "[::1]:port" apart; false for anything else, as Go's
 * net.SplitHostPort. */
static bool
split_host_port(struct slice s, struct slice *ret_host, struct slice *ret_port)
{
    size_t colon = s.n;
    while (colon > 0 && s.p[colon - 1] != ':')
        colon--;
    if (colon == 0)
        return false;
    struct slice host = slice_new(s.p, colon - 1);
    struct slice port = slice_skip(s, colon);
    if (host.n > 0 && host.p[0] == '[') {
        if (host.p[host.n - 1] != ']')
            return false;
        host = slice_new(host.p + 1, host.n - 2);
    } else if (host.n > 0 && memchr(host.p, ':', host.n) != NULL) {
        return false;
    }
    for (size_t i = 0; i < host.n; i++)
        if (host.p[i] == '[' || host.p[i] == ']')
            return false;
    *ret_host = host;
    *ret_port = port;
    return true;
}

static bool
call_strip_port(struct texec *x, const struct tval *args, size_t n,
                struct tval *ret_v)
{
    (void)x;
    (void)n;
    struct slice host, port;
    *ret_v = args[0];
    if (split_host_port(args[0].s, &host, &port))
        ret_v->s = host;
    return true;
}

static bool
call_strip_domain(struct texec *x, const struct tval *args, size_t n,
                  struct tval *ret_v)
{
    (void)n;
    struct slice host, port;
    struct ip_range ip;
    *ret_v = args[0];
    if (!split_host_port(args[0].s, &host, &port)) {
        host = args[0].s;
        port = (struct slice){NULL, 0};
    }
    bool plain = host.n == 0 || (memchr(host.p, '/', host.n) == NULL &&
                                 memchr(host.p, '-', host.n) == NULL);
    if (plain && ip_range_parse(host, &ip) == 0)
        return true;
    const char *dot = host.n > 0 ? memchr(host.p, '.', host.n) : NULL;
    if (dot != NULL)
        host.n = (size_t)(dot - host.p);
    AUTO_FINI(buf) b = BUF_INIT(TMPL_OUTPUT_MAX);
    (void)buf_append_slice(&b, host);
    if (port.n > 0)
        (void)buf_printf(&b, ":%.*s", SLICE_FMT(port));
    return texec_string(x, &b, ret_v);
}

/* --- links --------------------------------------------------------------- */

static bool
link_to(struct texec *x, struct slice expr, int tab, struct tval *ret_v)
{
    AUTO_FINI(buf) b = BUF_INIT(TMPL_OUTPUT_MAX);
    (void)buf_append_str(&b, "/graph?g0.expr=");
    tmpl_escape_query(&b, expr);
    (void)buf_printf(&b, "&g0.tab=%d", tab);
    return texec_string(x, &b, ret_v);
}

static bool
call_graph_link(struct texec *x, const struct tval *args, size_t n,
                struct tval *ret_v)
{
    (void)n;
    return link_to(x, args[0].s, 0, ret_v);
}

static bool
call_table_link(struct texec *x, const struct tval *args, size_t n,
                struct tval *ret_v)
{
    (void)n;
    return link_to(x, args[0].s, 1, ret_v);
}

static bool
call_url_query_escape(struct texec *x, const struct tval *args, size_t n,
                      struct tval *ret_v)
{
    (void)n;
    AUTO_FINI(buf) b = BUF_INIT(TMPL_OUTPUT_MAX);
    tmpl_escape_query(&b, args[0].s);
    return texec_string(x, &b, ret_v);
}

static bool
call_external_url(struct texec *x, const struct tval *args, size_t n,
                  struct tval *ret_v)
{
    (void)args;
    (void)n;
    *ret_v = tval_string(x->data->external_url);
    return true;
}

static bool
call_path_prefix(struct texec *x, const struct tval *args, size_t n,
                 struct tval *ret_v)
{
    (void)args;
    (void)n;
    struct slice url = x->data->external_url;
    const char *host = url.n > 0 ? memmem(url.p, url.n, "://", 3) : NULL;
    struct slice rest =
        host == NULL ? url : slice_skip(url, (size_t)(host - url.p) + 3);
    const char *path = rest.n > 0 ? memchr(rest.p, '/', rest.n) : NULL;
    struct slice prefix = {NULL, 0};
    if (path != NULL)
        prefix = slice_skip(rest, (size_t)(path - rest.p));
    for (size_t i = 0; i < prefix.n; i++)
        if (prefix.p[i] == '?' || prefix.p[i] == '#')
            prefix.n = i;
    *ret_v = tval_string(prefix);
    return true;
}

/* --- time ---------------------------------------------------------------- */

static bool
call_now(struct texec *x, const struct tval *args, size_t n, struct tval *ret_v)
{
    (void)args;
    (void)n;
    *ret_v = tval_float((double)(x->data->now / USEC_PER_MSEC) / 1000.0);
    return true;
}

static bool
call_parse_duration(struct texec *x, const struct tval *args, size_t n,
                    struct tval *ret_v)
{
    (void)n;
    struct slice s = args[0].s;
    bool minus = s.n > 0 && s.p[0] == '-';
    usec_t us;
    if (duration_parse(minus ? slice_skip(s, 1) : s, &us, NULL) < 0)
        return texec_fail(x, "not a valid duration string: \"%.*s\"",
                          (int)MIN(s.n, (size_t)64), s.p);
    double seconds = (double)us / (double)USEC_PER_SEC;
    *ret_v = tval_float(minus ? -seconds : seconds);
    return true;
}

/* --- table --------------------------------------------------------------- */

static const struct tmpl_func functions[] = {
    {"args", "v*", call_args},
    {"externalURL", "", call_external_url},
    {"first", "l", call_first},
    {"graphLink", "s", call_graph_link},
    {"humanize", "v", tmpl_humanize},
    {"humanize1024", "v", tmpl_humanize1024},
    {"humanizeDuration", "v", tmpl_humanize_duration},
    {"humanizePercentage", "v", tmpl_humanize_percentage},
    {"humanizeTimestamp", "v", tmpl_humanize_timestamp},
    {"label", "sp", call_label},
    {"now", "", call_now},
    {"parseDuration", "s", call_parse_duration},
    {"pathPrefix", "", call_path_prefix},
    {"query", "s", call_query},
    {"sortByLabel", "sl", call_sort_by_label},
    {"stripDomain", "s", call_strip_domain},
    {"stripPort", "s", call_strip_port},
    {"strvalue", "p", call_strvalue},
    {"tableLink", "s", call_table_link},
    {"toDuration", "v", tmpl_to_duration},
    {"toTime", "v", tmpl_to_time},
    {"urlQueryEscape", "s", call_url_query_escape},
    {"value", "p", call_value},
};

static const size_t function_count = ARRAY_SIZE(functions);

/* All tables; a name stands in one of them that a template has. */
static const struct {
    const struct tmpl_func *funcs;
    const size_t *n;
    bool rules, lines;
} tables[] = {
    {functions, &function_count, true, false},
    {tmpl_texts, &tmpl_text_count, true, false},
    {tmpl_line_texts, &tmpl_line_text_count, false, true},
    {tmpl_line_numbers, &tmpl_line_number_count, false, true},
    {tmpl_line_times, &tmpl_line_time_count, false, true},
    {tmpl_builtins, &tmpl_builtin_count, true, true},
};

const struct tmpl_func *
tmpl_func_find(struct slice name, bool is_line)
{
    for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
        for (size_t i = 0; i < *tables[t].n; i++)
            if ((is_line ? tables[t].lines : tables[t].rules) &&
                slice_eq_str(name, tables[t].funcs[i].name))
                return &tables[t].funcs[i];
    return NULL;
}

const char *
tmpl_func_nearest(struct slice name, bool is_line, char ret[static HINT_MAX])
{
    const char *names[128];
    size_t n = 0;
    for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
        for (size_t i = 0; i < *tables[t].n && n < ARRAY_SIZE(names); i++)
            if (is_line ? tables[t].lines : tables[t].rules)
                names[n++] = tables[t].funcs[i].name;
    return hint_nearest(name, names, n, ret);
}
