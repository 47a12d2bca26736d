/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/pipeline.h"

#include <stdarg.h>

#include <tocsin/plugin.h>

#include "core/lang/selector.h"
#include "core/record/schema.h"

void
pipe_run_init(struct pipe_run *r)
{
    *r = (struct pipe_run){0};
    arena_init(&r->arena, 16 << 10, PIPE_MEMORY_MAX);
}

void
pipe_run_fini(struct pipe_run *r)
{
    arena_fini(&r->arena);
    vec_free(&r->labels);
}

/* --- labels ------------------------------------------------------------- */

static struct pipe_label *
label_find(const struct pipe_run *r, struct slice name)
{
    for (uint32_t i = 0; i < r->labels.n; i++) {
        if (slice_eq(r->labels.p[i].name, name))
            return &r->labels.p[i];
    }
    return NULL;
}

const struct pipe_label *
pipe_get(const struct pipe_run *r, struct slice name)
{
    const struct pipe_label *l = label_find(r, name);
    return l == NULL || l->gone ? NULL : l;
}

void
pipe_fail(struct pipe_run *r, const char *error, const char *fmt, ...)
{
    if (r->error.n > 0)
        return;
    va_list ap;
    va_start(ap, fmt);
    char *details = arena_vprintf(&r->arena, fmt, ap);
    va_end(ap);
    r->error = slice_from_str(error);
    r->details = slice_from_str(details == NULL ? "" : details);
}

void
pipe_undecided(struct pipe_run *r, const char *error)
{
    r->undecided = true;
    pipe_fail(r, error, "regular expression takes too many steps");
}

char *
pipe_alloc(struct pipe_run *r, size_t n)
{
    char *p = arena_alloc(&r->arena, n == 0 ? 1 : n);
    if (p == NULL)
        pipe_fail(r, "PipelineErr", "the record needs more than %u bytes",
                  PIPE_MEMORY_MAX);
    return p;
}

static void
label_add(struct pipe_run *r, struct pipe_label l)
{
    if (r->labels.n >= PIPE_LABELS_MAX)
        pipe_fail(r, "PipelineErr", "the record has more than %u labels",
                  PIPE_LABELS_MAX);
    else if (vec_push(&r->labels, l) < 0)
        r->nomem = true;
}

void
pipe_set(struct pipe_run *r, struct slice name, struct slice value)
{
    struct pipe_label *l = label_find(r, name);
    struct pipe_label made = {
        .name = name, .value = value, .origin = PIPE_MADE};
    if (l != NULL)
        *l = made;
    else
        label_add(r, made);
}

/* The name beside that of one of the event's own. */
static struct slice
name_beside(struct pipe_run *r, struct slice name)
{
    static const struct slice suffix = SLICE_INIT("_extracted");
    const struct pipe_label *l = label_find(r, name);
    if (l == NULL || l->origin == PIPE_MADE)
        return name;
    char *p = pipe_alloc(r, name.n + suffix.n);
    if (p == NULL)
        return (struct slice){0};
    memcpy(p, name.p, name.n);
    memcpy(p + name.n, suffix.p, suffix.n);
    return slice_new(p, name.n + suffix.n);
}

void
pipe_assign(struct pipe_run *r, struct slice name, struct slice value)
{
    name = name_beside(r, name);
    if (name.n > 0)
        pipe_set(r, name, value);
}

void
pipe_extract(struct pipe_run *r, struct slice name, struct slice value)
{
    name = name_beside(r, name);
    const struct pipe_label *l = name.n == 0 ? NULL : label_find(r, name);
    if (name.n > 0 && (l == NULL || l->origin != PIPE_MADE))
        pipe_set(r, name, value);
}

static bool
is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_name(struct slice s)
{
    bool plain = s.n > 0 && !is_digit(s.p[0]);
    for (size_t i = 0; i < s.n && plain; i++)
        plain = s.p[i] == '_' || is_letter(s.p[i]) || is_digit(s.p[i]);
    return plain;
}

struct slice
pipe_name(struct pipe_run *r, struct slice raw)
{
    while (raw.n > 0 && is_space(raw.p[0]))
        raw = slice_skip(raw, 1);
    while (raw.n > 0 && is_space(raw.p[raw.n - 1]))
        raw.n--;
    if (raw.n == 0 || is_name(raw))
        return raw;
    char *p = pipe_alloc(r, raw.n + 1);
    if (p == NULL)
        return (struct slice){0};
    size_t n = 0;
    if (is_digit(raw.p[0]))
        p[n++] = '_';
    for (size_t i = 0; i < raw.n; i++) {
        char c = raw.p[i];
        bool word = is_letter(c) || is_digit(c);
        /* One '_' for each character, not for each byte of it. */
        if (word || ((unsigned char)c & 0xc0) != 0x80)
            p[n++] = word ? c : '_';
    }
    return slice_new(p, n);
}

/* --- a record's way ----------------------------------------------------- */

void
pipe_begin(struct pipe_run *r, const struct schema_stream *s,
           const struct slice *fields, struct slice raw, usec_t time)
{
    arena_reset(&r->arena);
    r->labels.n = 0;
    r->line = raw;
    r->time = time;
    r->error = r->details = (struct slice){0};
    r->value = 0;
    r->nomem = r->undecided = false;
    for (uint32_t i = 0; i < s->n_fields; i++) {
        const struct schema_field *f = &s->fields[i];
        bool label = (f->flags & TOCSIN_FIELD_LABEL) != 0;
        if (fields[i].n > 0)
            label_add(r, (struct pipe_label){.name = f->name,
                                             .value = fields[i],
                                             .origin = label ? PIPE_LABEL
                                                             : PIPE_FIELD,
                                             .type = f->type});
    }
}

/* False: the record is filtered out. */
static bool
stage_run(struct pipe_run *r, const struct pipe_stage *st)
{
    switch (st->kind) {
    case STAGE_LINE_FILTER:
        return stage_line_filter(r, st);
    case STAGE_FILTER:
        return stage_filter(r, st->filter);
    case STAGE_JSON:
        stage_json(r, st);
        return true;
    case STAGE_LOGFMT:
        stage_logfmt(r, st);
        return true;
    case STAGE_REGEXP:
        stage_regexp(r, st);
        return true;
    case STAGE_PATTERN:
        stage_pattern(r, st);
        return true;
    case STAGE_UNPACK:
        stage_unpack(r);
        return true;
    case STAGE_LINE_FORMAT:
        stage_line_format(r, st);
        return true;
    case STAGE_LABEL_FORMAT:
        stage_label_format(r, st);
        return true;
    case STAGE_DECOLORIZE:
        stage_decolorize(r);
        return true;
    case STAGE_DROP:
        stage_drop(r, st);
        return true;
    case STAGE_KEEP:
        stage_keep(r, st);
        return true;
    case STAGE_UNWRAP:
        return stage_unwrap(r, st);
    case STAGE_KIND_COUNT:
        break;
    }
    return true;
}

enum match
pipe_stages(struct pipe_run *r, const struct pipe_stage *st)
{
    for (; st != NULL && !r->nomem; st = st->next) {
        if (!stage_run(r, st))
            return NO_MATCH;
    }
    return MATCH;
}

/* --- where it begins ---------------------------------------------------- */

static bool
filter_is_condition(const struct pipe_filter *f)
{
    if (f->kind == FILTER_AND || f->kind == FILTER_OR)
        return filter_is_condition(f->left) && filter_is_condition(f->right);
    return f->kind != FILTER_IP;
}

static bool
stage_is_condition(const struct pipe_stage *st, bool strict)
{
    if (st->kind == STAGE_FILTER)
        return !strict && filter_is_condition(st->filter);
    if (st->kind != STAGE_LINE_FILTER || st->line.op >= LINE_PATTERN)
        return false;
    for (uint32_t i = 0; i < st->line.count; i++) {
        if (st->line.texts[i].is_ip)
            return false;
    }
    return true;
}

const struct pipe_stage *
pipeline_start(const struct selector *sel, bool strict)
{
    const struct pipe_stage *st = sel->pipeline;
    while (st != NULL && stage_is_condition(st, strict))
        st = st->next;
    return st;
}
