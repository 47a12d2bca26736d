/* SPDX-License-Identifier: Apache-2.0 */
/* ruletest_inputs.c - what a test feeds: series, events, sources that are
 * down, restarts. */
#include "config.h"

#include <errno.h>

#include <tocsin/plugin.h>

#include "core/base/str.h"
#include "core/run/ruletest_priv.h"

#define NAMES_MAX 1024u

/* --- series -------------------------------------------------------------- */

static int
read_series(struct test_file *f, const struct yaml_node *node,
            struct test_series *s)
{
    static const char *const known[] = {"series", "values"};
    struct slice name = {0}, values = {0};
    struct err err = ERR_INIT;
    const char *why = "";
    size_t at = 0;
    if (yaml_expect(node, YAML_MAPPING, f->errs) < 0 ||
        yaml_unknown_keys(node, known, ARRAY_SIZE(known), f->errs) > 0 ||
        yaml_get_string(node, "series", f->errs, &name) < 0 ||
        yaml_get_string(node, "values", f->errs, &values) < 0) {
        f->bad = true;
        return 0;
    }
    const struct yaml_node *at_name = yaml_get(node, "series");
    int r = series_name(name, &f->arena, &s->metric, &s->labels, &s->n_labels,
                        &err);
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        test_error(f, at_name != NULL ? at_name : node, "%s", err.message);
    else if (s->metric.n == 0)
        test_error(f, at_name, "a series needs a name");
    r = series_values(values, s, &at, &why);
    if (r == -EINVAL) {
        struct where where = yaml_where_at(yaml_get(node, "values"), at, 1);
        (void)errlist_error(f->errs, &where, "%s", why);
        f->bad = true;
    }
    return r == -ENOMEM ? r : 0;
}

/* --- events -------------------------------------------------------------- */

static const char *
nearest_stream(const struct schema *s, struct slice name)
{
    const char *names[NAMES_MAX];
    uint32_t n = 0;
    for (; n < s->n_streams && n < NAMES_MAX; n++)
        names[n] = s->streams[n].name.p;
    return str_nearest(name, names, n);
}

/* Fields that are labels, or that are not. */
static const char *
nearest_field(const struct schema_stream *s, bool labels, struct slice name)
{
    const char *names[NAMES_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_fields && n < NAMES_MAX; i++) {
        if (((s->fields[i].flags & TOCSIN_FIELD_LABEL) != 0) == labels)
            names[n++] = s->fields[i].name.p;
    }
    return str_nearest(name, names, n);
}

static void
field_error(struct test_file *f, const struct schema_stream *s, bool labels,
            const struct yaml_node *key, int id)
{
    const char *kind = labels ? "label" : "field";
    test_error(f, key, "stream \"%.*s\" has no %s \"%.*s\"", SLICE_FMT(s->name),
               kind, SLICE_FMT(key->value));
    const char *near = nearest_field(s, labels, key->value);
    if (id >= 0)
        errlist_hint(f->errs, "it is one of its %s",
                     labels ? "fields: put it there" : "labels: put it there");
    else if (near != NULL)
        errlist_hint(f->errs, "did you mean \"%s\"?", near);
}

static void
read_fields(struct test_file *f, const struct yaml_node *event, bool labels,
            const struct schema_stream *s, struct event_field *to, uint32_t *n)
{
    const struct yaml_node *map = yaml_get(event, labels ? "labels" : "fields");
    if (yaml_is_null(map))
        return;
    if (yaml_expect(map, YAML_MAPPING, f->errs) < 0) {
        f->bad = true;
        return;
    }
    for (uint32_t i = 0; i < map->n; i++) {
        const struct yaml_pair *p = &map->pairs[i];
        int id = schema_stream_field(s, p->key->value);
        if (id < 0 ||
            ((s->fields[id].flags & TOCSIN_FIELD_LABEL) != 0) != labels) {
            field_error(f, s, labels, p->key, id);
            continue;
        }
        struct event_field *e = &to[*n];
        *e = (struct event_field){.id = (uint8_t)id, .name = p->key->value};
        if (yaml_string(p->value, f->errs, &e->value) < 0)
            f->bad = true;
        else
            ++*n;
    }
}

/* The record's own bytes, where the test gives none: its fields as JSON. */
static int
make_raw(struct test_file *f, struct test_event *e)
{
    AUTO_FINI(buf) b = BUF_INIT(1u << 20);
    (void)buf_putc(&b, '{');
    for (uint32_t i = 0; i < e->n_fields; i++) {
        if (i > 0)
            (void)buf_putc(&b, ',');
        (void)buf_append_json_string(&b, e->fields[i].name);
        (void)buf_putc(&b, ':');
        (void)buf_append_json_string(&b, e->fields[i].value);
    }
    (void)buf_putc(&b, '}');
    if (buf_error(&b) < 0)
        return -ENOMEM;
    return arena_slice_dup(&f->arena, buf_slice(&b), &e->raw);
}

static void
read_times(struct test_file *f, const struct yaml_node *node,
           struct test_event *e)
{
    usec_t received = 0;
    (void)test_time(f, node, "at", &e->at);
    (void)test_time(f, node, "every", &e->every);
    int until = test_time(f, node, "until", &e->until);
    int late = test_time(f, node, "received", &received);
    if (e->every > 0 && until == 0)
        test_error(f, node, "\"every\" needs an \"until\"");
    if (e->every == 0 && until > 0)
        test_error(f, node, "\"until\" needs an \"every\"");
    if (e->every == 0)
        e->until = e->at;
    if (until > 0 && e->until < e->at)
        test_error(f, yaml_get(node, "until"), "it ends before it begins");
    if (late > 0 && received < e->at)
        test_error(f, yaml_get(node, "received"),
                   "an event is not received before it happens");
    e->delay = late > 0 ? MAX(received - e->at, (usec_t)0) : 0;
}

static int
read_event(struct test_file *f, const struct yaml_node *node,
           struct test_event *e)
{
    static const char *const known[] = {"stream",   "at",     "every",  "until",
                                        "received", "labels", "fields", "raw"};
    struct slice stream = {0};
    if (yaml_expect(node, YAML_MAPPING, f->errs) < 0 ||
        yaml_unknown_keys(node, known, ARRAY_SIZE(known), f->errs) > 0 ||
        yaml_get_string(node, "stream", f->errs, &stream) < 0) {
        f->bad = true;
        return 0;
    }
    read_times(f, node, e);
    int id = schema_find_stream(f->decoders, stream);
    if (id < 0) {
        const struct yaml_node *at = yaml_get(node, "stream");
        const char *near = nearest_stream(f->decoders, stream);
        test_error(f, at != NULL ? at : node,
                   "no decoder makes stream \"%.*s\"", SLICE_FMT(stream));
        if (near != NULL)
            errlist_hint(f->errs, "did you mean \"%s\"?", near);
        return 0;
    }
    const struct schema_stream *s = &f->decoders->streams[id];
    struct event_field *fields =
        arena_new_array(&f->arena, struct event_field, 2 * s->n_fields + 1);
    if (fields == NULL)
        return -ENOMEM;
    e->stream = (uint16_t)id;
    read_fields(f, node, true, s, fields, &e->n_fields);
    read_fields(f, node, false, s, fields, &e->n_fields);
    e->fields = fields;
    if (yaml_get(node, "raw") == NULL)
        return make_raw(f, e);
    if (yaml_get_string(node, "raw", f->errs, &e->raw) < 0)
        f->bad = true;
    return 0;
}

/* --- what befalls the collector ------------------------------------------ */

static void
read_down(struct test_file *f, const struct yaml_node *node,
          struct test_down *d)
{
    static const char *const known[] = {"source", "from", "until"};
    d->until = USEC_MAX;
    if (yaml_expect(node, YAML_MAPPING, f->errs) < 0 ||
        yaml_unknown_keys(node, known, ARRAY_SIZE(known), f->errs) > 0 ||
        yaml_get_string(node, "source", f->errs, &d->source) < 0 ||
        test_time(f, node, "from", &d->from) < 0 ||
        test_time(f, node, "until", &d->until) < 0) {
        f->bad = true;
        return;
    }
    if (d->until <= d->from)
        test_error(f, node, "it is up again before it is down");
    if (!slice_eq_str(d->source, "series") &&
        schema_find_stream(f->decoders, d->source) < 0) {
        const char *near = nearest_stream(f->decoders, d->source);
        test_error(f, node,
                   "source \"%.*s\" is neither a stream nor \"series\"",
                   SLICE_FMT(d->source));
        if (near != NULL)
            errlist_hint(f->errs, "did you mean \"%s\"?", near);
    }
}

int
test_inputs_read(struct test_file *f, struct test_group *g)
{
    const struct yaml_node *series = test_list(f, g->node, "input_series");
    const struct yaml_node *events = test_list(f, g->node, "input_events");
    const struct yaml_node *downs = test_list(f, g->node, "sources_down");
    const struct yaml_node *restarts = test_list(f, g->node, "restart_at");
    struct arena *a = &f->arena;
    g->series = arena_new_array(a, struct test_series, series->n + 1);
    g->events = arena_new_array(a, struct test_event, events->n + 1);
    g->downs = arena_new_array(a, struct test_down, downs->n + 1);
    g->restarts = arena_new_array(a, usec_t, restarts->n + 1);
    if (g->series == NULL || g->events == NULL || g->downs == NULL ||
        g->restarts == NULL)
        return -ENOMEM;
    g->n_series = series->n;
    g->n_events = events->n;
    g->n_downs = downs->n;
    g->n_restarts = restarts->n;
    for (uint32_t i = 0; i < series->n; i++) {
        if (read_series(f, series->items[i], &g->series[i]) < 0)
            return -ENOMEM;
    }
    for (uint32_t i = 0; i < events->n; i++) {
        if (read_event(f, events->items[i], &g->events[i]) < 0)
            return -ENOMEM;
    }
    for (uint32_t i = 0; i < downs->n; i++)
        read_down(f, downs->items[i], &g->downs[i]);
    for (uint32_t i = 0; i < restarts->n; i++) {
        if (yaml_duration(restarts->items[i], f->errs, &g->restarts[i]) < 0)
            f->bad = true;
    }
    return 0;
}
