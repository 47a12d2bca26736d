/* SPDX-License-Identifier: Apache-2.0 */
/* stage_json.c - json, its paths, and unpack. */
#include "config.h"

#include <tocsin/json.h>

#include "core/engine/pipeline.h"
#include "core/lang/extract.h"
#include "core/lang/selector.h"

#define NAME_MAX_BYTES 1024u

static struct slice
text_of(struct pipe_run *r, const struct tocsin_json_text *t)
{
    if (!t->escaped)
        return slice_new(t->p, t->n);
    char *p = pipe_alloc(r, t->n);
    return p == NULL ? (struct slice){0}
                     : slice_new(p, tocsin_json_unescape(p, t->p, t->n));
}

static void
json_failed(struct pipe_run *r, const struct tocsin_json *j)
{
    pipe_fail(r, "JSONParserErr", "%s at byte %zu",
              j->error == NULL ? "expected an object" : j->error,
              (size_t)(j->p - j->begin));
}

static bool
is_plain(int type)
{
    return type == TOCSIN_JSON_STRING || type == TOCSIN_JSON_NUMBER ||
           type == TOCSIN_JSON_TRUE || type == TOCSIN_JSON_FALSE;
}

/* --- everything --------------------------------------------------------- */

/* "a_b" of the objects that are open and a key. */
struct flat {
    char name[NAME_MAX_BYTES];
    size_t n;
};

static struct slice
flat_name(struct pipe_run *r, const struct flat *f, struct slice raw)
{
    struct slice key = pipe_name(r, raw);
    if (f->n == 0 || key.n == 0)
        return key;
    char *p = pipe_alloc(r, f->n + 1 + key.n);
    if (p == NULL)
        return (struct slice){0};
    memcpy(p, f->name, f->n);
    p[f->n] = '_';
    /* Inside a name a digit needs nothing in front of it. */
    if (raw.p[0] >= '0' && raw.p[0] <= '9')
        key = slice_skip(key, 1);
    memcpy(p + f->n + 1, key.p, key.n);
    return slice_new(p, f->n + 1 + key.n);
}

/* Each object once: its place in the name is taken back when it ends. */
static int
flatten(struct pipe_run *r, struct tocsin_json *j, struct flat *f)
{
    size_t outer[TOCSIN_JSON_DEPTH + 1];
    unsigned depth = 0;
    struct tocsin_json_text key, v;
    int more = tocsin_json_enter(j, '{');
    outer[0] = 0;
    while (more >= 0) {
        more = tocsin_json_next_key(j, &key);
        if (more < 0)
            break;
        if (more == 0) { /* the object ends */
            f->n = outer[depth];
            if (depth-- == 0)
                return 0;
            continue;
        }
        int type = tocsin_json_peek(j);
        struct slice name = flat_name(r, f, text_of(r, &key));
        if (type == TOCSIN_JSON_OBJECT && name.n <= sizeof f->name) {
            more = tocsin_json_enter(j, '{');
            outer[++depth] = f->n;
            if (name.n > 0) {
                memcpy(f->name, name.p, name.n);
                f->n = name.n;
            }
            continue;
        }
        more = type < 0 ? type : tocsin_json_read(j, &v);
        if (more >= 0 && is_plain(type) && name.n > 0)
            pipe_extract(r, name, text_of(r, &v));
    }
    return more;
}

/* --- paths -------------------------------------------------------------- */

/* Goes to what the step names: 1 there, 0 not there, or an error. */
static int
path_step(struct pipe_run *r, struct tocsin_json *j,
          const struct path_step *step)
{
    struct tocsin_json_text key;
    int type = tocsin_json_peek(j), more;
    if (type != (step->is_index ? '[' : '{'))
        return type < 0 ? type : 0;
    more = tocsin_json_enter(j, (char)type);
    for (uint32_t i = 0; more >= 0; i++) {
        more = step->is_index ? tocsin_json_next_element(j)
                              : tocsin_json_next_key(j, &key);
        if (more <= 0)
            return more;
        if (step->is_index ? i == step->index
                           : slice_eq(text_of(r, &key), step->key))
            return 1;
        more = tocsin_json_skip(j);
    }
    return more;
}

static int
extract_item(struct pipe_run *r, const struct pipe_item *item)
{
    struct tocsin_json j;
    struct tocsin_json_text v;
    int there = 1;
    tocsin_json_init(&j, r->line.p, r->line.n);
    for (uint32_t i = 0; i < item->path_length && there > 0; i++)
        there = path_step(r, &j, &item->path[i]);
    if (there > 0)
        there = tocsin_json_read(&j, &v) < 0 ? -1 : 1;
    if (there < 0) {
        json_failed(r, &j);
        return -1;
    }
    bool none = there == 0 || v.type == TOCSIN_JSON_NULL;
    pipe_assign(r, item->name, none ? SLICE("") : text_of(r, &v));
    return 0;
}

/* The line as a whole must be a document too. */
static bool
check_document(struct pipe_run *r)
{
    struct tocsin_json j;
    tocsin_json_init(&j, r->line.p, r->line.n);
    if (tocsin_json_peek(&j) >= 0 && tocsin_json_skip(&j) >= 0 &&
        tocsin_json_finish(&j) >= 0)
        return true;
    json_failed(r, &j);
    return false;
}

void
stage_json(struct pipe_run *r, const struct pipe_stage *st)
{
    struct tocsin_json j;
    struct flat f = {.n = 0};
    if (r->line.n > PIPE_LINE_MAX) {
        pipe_fail(r, "JSONParserErr", "line is longer than %u bytes",
                  PIPE_LINE_MAX);
        return;
    }
    if (st->item_count > 0) {
        if (r->line.n == 0 || !check_document(r))
            return;
        for (uint32_t i = 0; i < st->item_count; i++) {
            if (extract_item(r, &st->items[i]) < 0)
                return;
        }
        return;
    }
    tocsin_json_init(&j, r->line.p, r->line.n);
    int bad = tocsin_json_peek(&j);
    if (bad >= 0 && bad != TOCSIN_JSON_OBJECT)
        bad = tocsin_json_bad(&j, j.p, "expected an object");
    if (bad < 0 || flatten(r, &j, &f) < 0 || tocsin_json_finish(&j) < 0)
        json_failed(r, &j);
}

/* --- unpack ------------------------------------------------------------- */

void
stage_unpack(struct pipe_run *r)
{
    struct tocsin_json j;
    struct tocsin_json_text key, v;
    struct slice entry = {0};
    bool has_entry = false;
    if (r->line.n == 0)
        return;
    tocsin_json_init(&j, r->line.p, r->line.n);
    int more = tocsin_json_enter(&j, '{');
    while (more >= 0 && (more = tocsin_json_next_key(&j, &key)) > 0) {
        int type = tocsin_json_peek(&j);
        more = type < 0 ? type : tocsin_json_read(&j, &v);
        if (more < 0 || type != TOCSIN_JSON_STRING)
            continue;
        struct slice name = text_of(r, &key);
        if (slice_eq_str(name, "_entry")) {
            entry = text_of(r, &v);
            has_entry = true;
        } else if ((name = pipe_name(r, name)).n > 0) {
            pipe_extract(r, name, text_of(r, &v));
        }
    }
    if (more < 0 || tocsin_json_finish(&j) < 0)
        json_failed(r, &j);
    else if (has_entry)
        r->line = entry;
}
