/* SPDX-License-Identifier: Apache-2.0 */
/* bind.c - what the names in selectors and pipelines mean. */
#include "config.h"

#include <stdio.h>

#include "core/base/str.h"
#include "core/lang/catalog.h"
#include "core/lang/matcher.h"
#include "core/lang/parser.h"

/* Names that come into being when a record is looked at. */
static const char *const implied[] = {"__error__", "__error_details__"};

static uint32_t
stream_count(const struct lang_catalog *catalog)
{
    return catalog == NULL ? 0 : catalog->stream_count(catalog->ctx);
}

const struct lang_stream *
catalog_stream(const struct lang_catalog *catalog, struct slice name)
{
    for (uint32_t i = 0; i < stream_count(catalog); i++) {
        const struct lang_stream *s = catalog->stream_get(catalog->ctx, i);
        if (slice_eq_str(name, s->name))
            return s;
    }
    return NULL;
}

const struct lang_field *
stream_field(const struct lang_stream *stream, struct slice name)
{
    for (uint32_t i = 0; i < stream->field_count; i++)
        if (slice_eq_str(name, stream->fields[i].name))
            return &stream->fields[i];
    return NULL;
}

/* --- hints --------------------------------------------------------------- */

#define NAMES_MAX 512

static const char *
hint_stream(const struct lang_catalog *catalog, struct slice name,
            char ret[static HINT_MAX])
{
    const char *names[NAMES_MAX];
    uint32_t n = MIN(stream_count(catalog), (uint32_t)NAMES_MAX);
    for (uint32_t i = 0; i < n; i++)
        names[i] = catalog->stream_get(catalog->ctx, i)->name;
    return hint_nearest(name, names, n, ret);
}

static const char *
hint_field(const struct lang_stream *stream, struct slice name,
           char ret[static HINT_MAX])
{
    const char *names[NAMES_MAX];
    uint32_t n = MIN(stream->field_count, (uint32_t)NAMES_MAX);
    for (uint32_t i = 0; i < n; i++)
        names[i] = stream->fields[i].name;
    return hint_nearest(name, names, n, ret);
}

/* --- names --------------------------------------------------------------- */

static bool
name_is_implied(struct slice name)
{
    for (size_t i = 0; i < ARRAY_SIZE(implied); i++)
        if (slice_eq_str(name, implied[i]))
            return true;
    return false;
}

static const struct lang_field *
field_of_stream(struct parser *p, const struct lang_stream *stream,
                struct slice name, struct span span)
{
    const struct lang_field *f = stream_field(stream, name);
    char hint[HINT_MAX];
    if (f == NULL && !stream->open)
        problems_error(p->ps, span, hint_field(stream, name, hint),
                       "stream \"%s\" has no field \"%.*s\"", stream->name,
                       SLICE_FMT(name));
    return f;
}

/* A nameless selector reads all streams: one of them must have it. */
static void
field_of_any(struct parser *p, struct slice name, struct span span)
{
    for (uint32_t i = 0; i < stream_count(p->catalog); i++) {
        const struct lang_stream *s =
            p->catalog->stream_get(p->catalog->ctx, i);
        if (s->open || stream_field(s, name) != NULL)
            return;
    }
    if (p->catalog != NULL)
        problems_error(p->ps, span, NULL, "no stream has a field \"%.*s\"",
                       SLICE_FMT(name));
}

const struct lang_field *
bind_field(struct scope *scope, struct slice name, struct span span)
{
    if (name_is_implied(name))
        return NULL;
    for (uint32_t i = 0; i < scope->made_count; i++)
        if (slice_eq(scope->made[i], name))
            return NULL;
    const struct lang_stream *stream = scope->sel->stream;
    if (scope->open)
        return stream == NULL ? NULL : stream_field(stream, name);
    if (stream != NULL)
        return field_of_stream(scope->p, stream, name, span);
    if (scope->sel->name.n == 0)
        field_of_any(scope->p, name, span);
    return NULL;
}

/* --- types --------------------------------------------------------------- */

static const char *const type_names[] = {
    [LANG_FIELD_STRING] = "text",
    [LANG_FIELD_NUMBER] = "a number",
    [LANG_FIELD_DURATION_MS] = "a duration in milliseconds",
    [LANG_FIELD_BYTES] = "a number of bytes",
    [LANG_FIELD_TIME] = "a time",
    [LANG_FIELD_BOOL] = "true or false",
};

static bool
is_numeric(enum lang_field_type type)
{
    return type == LANG_FIELD_NUMBER || type == LANG_FIELD_DURATION_MS ||
           type == LANG_FIELD_BYTES;
}

void
bind_matcher(struct parser *p, const struct matcher *m)
{
    if (m->field == NULL || m->value.n == 0)
        return;
    double v;
    char hint[HINT_MAX];
    if (is_numeric(m->field->type) &&
        (m->op >= MATCHER_RE || str_parse_double(m->value, 0, &v) < 0)) {
        snprintf(hint, sizeof hint, "behind the selector: | %s > 100",
                 m->field->name);
        if (m->op >= MATCHER_RE)
            problems_error(p->ps, m->span, hint,
                           "field \"%s\" is %s: \"%s\" needs text",
                           m->field->name, type_names[m->field->type],
                           matcher_op_name(m->op));
        else
            problems_error(p->ps, m->span, hint,
                           "field \"%s\" is %s, never \"%.*s\"", m->field->name,
                           type_names[m->field->type],
                           (int)MIN(m->value.n, (size_t)64), m->value.p);
    }
    if (m->field->type == LANG_FIELD_BOOL && m->op < MATCHER_RE &&
        !slice_eq_str(m->value, "true") && !slice_eq_str(m->value, "false"))
        problems_error(p->ps, m->span, NULL,
                       "field \"%s\" is true or false, nothing else",
                       m->field->name);
}

/* May a filter of that kind look at a field of that type? */
static bool
filter_fits(enum filter_kind kind, enum lang_field_type type)
{
    switch (kind) {
    case FILTER_NUMBER:
        return is_numeric(type) || type == LANG_FIELD_STRING;
    case FILTER_DURATION:
        return type == LANG_FIELD_DURATION_MS || type == LANG_FIELD_STRING;
    case FILTER_BYTES:
        return type == LANG_FIELD_BYTES || type == LANG_FIELD_NUMBER ||
               type == LANG_FIELD_STRING;
    case FILTER_IP:
        return type == LANG_FIELD_STRING;
    default:
        return true;
    }
}

void
bind_filter(struct parser *p, const struct pipe_filter *f)
{
    static const char *const kinds[] = {
        [FILTER_NUMBER] = "a number",
        [FILTER_DURATION] = "a duration",
        [FILTER_BYTES] = "a size",
        [FILTER_IP] = "an address",
    };
    const struct lang_field *field = f->matcher.field;
    if (field == NULL || f->kind == FILTER_AND || f->kind == FILTER_OR)
        return;
    if (f->kind == FILTER_STRING)
        bind_matcher(p, &f->matcher);
    else if (!filter_fits(f->kind, field->type))
        problems_error(p->ps, f->span, NULL,
                       "field \"%s\" is %s: it can't be compared with %s",
                       field->name, type_names[field->type], kinds[f->kind]);
    else if (f->kind == FILTER_NUMBER && field->type == LANG_FIELD_STRING)
        problems_warn(p->ps, f->span, NULL,
                      "field \"%s\" is text: values that are no number match "
                      "nothing and are counted",
                      field->name);
}

void
bind_unwrap(struct parser *p, const struct pipe_stage *st, struct span span)
{
    const struct lang_field *field = st->field;
    if (field == NULL)
        return;
    if (field->type == LANG_FIELD_TIME || field->type == LANG_FIELD_BOOL)
        problems_error(p->ps, span, NULL,
                       "field \"%s\" is %s: it can't be unwrapped", field->name,
                       type_names[field->type]);
    else if (st->as != UNWRAP_NUMBER && field->type == LANG_FIELD_NUMBER)
        problems_error(p->ps, span, "unwrap it without a conversion",
                       "field \"%s\" is a number", field->name);
}

/* --- selectors ----------------------------------------------------------- */

void
bind_selector(struct parser *p, struct selector *sel, struct matcher *matchers,
              struct span span)
{
    if (p->catalog == NULL || sel->name.n == 0)
        return;
    sel->stream = catalog_stream(p->catalog, sel->name);
    if (sel->stream == NULL) {
        sel->binding = BOUND_METRIC;
        char hint[HINT_MAX];
        if (p->catalog->metric_known != NULL &&
            !p->catalog->metric_known(p->catalog->ctx, sel->name))
            problems_warn(p->ps, span, hint_stream(p->catalog, sel->name, hint),
                          "nothing here makes a metric or stream \"%.*s\"",
                          SLICE_FMT(sel->name));
        return;
    }
    sel->binding = BOUND_STREAM;
    for (uint32_t i = 0; i < sel->matcher_count; i++) {
        struct matcher *m = &matchers[i];
        if (slice_eq_str(m->name, "__name__"))
            continue;
        m->field = field_of_stream(p, sel->stream, m->name, m->span);
        bind_matcher(p, m);
    }
}

void
bind_pipeline(struct parser *p, struct selector *sel, struct span span)
{
    char hint[HINT_MAX];
    if (sel->binding == BOUND_METRIC)
        problems_error(p->ps, span, hint_stream(p->catalog, sel->name, hint),
                       "\"%.*s\" is no stream: only streams have a pipeline",
                       SLICE_FMT(sel->name));
    sel->binding = BOUND_STREAM;
}
