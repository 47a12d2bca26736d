/* SPDX-License-Identifier: Apache-2.0 */
/* record.c - reads one record and hands on its event.
 *
 * Values are noted where they stand in the chunk.  Only what does not stand
 * there as it is (escapes, an inner document that hides its quotes) is copied,
 * and not before the record is known to be ours.  Of a key that repeats, the
 * first counts. */
#include "config.h"

#include <stdlib.h>

#include "hub_logs.h"

void
record_init(struct record *rec, struct hub_logs *h,
            const struct tocsin_chunk *chunk, struct tocsin_sink *sink)
{
    memset(rec, 0, offsetof(struct record, values));
    rec->h = h;
    rec->chunk = chunk;
    rec->sink = sink;
}

char *
buffer_room(struct buffer *b, size_t n)
{
    if (n <= b->room)
        return b->p;
    size_t room = b->room > 0 ? b->room : 4096;
    while (room < n)
        room *= 2;
    free(b->p);
    b->p = malloc(room);
    b->room = b->p != NULL ? room : 0;
    return b->p;
}

static int
out_of_memory(struct tocsin_json *r)
{
    return tocsin_json_bad(r, r->p, "out of memory");
}

/* -------------------------------------------------------------- values */

static void
put_later(struct record *rec, unsigned field, const struct tocsin_json_text *v,
          uint32_t level)
{
    struct later *l = &rec->later[rec->n_later++];
    l->text = *v;
    l->level = level;
    l->field = field;
}

/* Notes a field's value; null and "" are as good as none. */
static inline void
put(struct record *rec, unsigned field, const struct tocsin_json_text *v,
    uint32_t level)
{
    const uint64_t bit = (uint64_t)1 << field;
    const size_t offset = (uintptr_t)v->p - (uintptr_t)rec->chunk->data;
    if (v->n == 0 || v->type == TOCSIN_JSON_NULL || (rec->seen & bit) != 0)
        return;
    rec->seen |= bit;
    const int is_container =
        v->type == TOCSIN_JSON_OBJECT || v->type == TOCSIN_JSON_ARRAY;
    if (v->escaped || (is_container && level > 0) ||
        offset >= rec->chunk->size) {
        put_later(rec, field, v, level);
        return;
    }
    struct tocsin_value *value = &rec->values[rec->n_values++];
    value->id = field;
    value->offset = (uint32_t)offset;
    value->length = (uint32_t)v->n;
}

/* What a failed attempt to read an inner document must undo. */
struct mark {
    uint64_t seen;
    uint32_t n_values, n_later;
};

static struct mark
mark_set(const struct record *rec)
{
    return (struct mark){rec->seen, rec->n_values, rec->n_later};
}

static void
mark_undo(struct record *rec, struct mark mark)
{
    rec->seen = mark.seen;
    rec->n_values = mark.n_values;
    rec->n_later = mark.n_later;
}

static inline const struct key *
find_key(const struct keytab *tab, const struct tocsin_json_text *name,
         uint32_t level)
{
    return name->escaped ? keytab_find_escaped(tab, name, level)
                         : keytab_find(tab, name->p, name->n);
}

/* ------------------------------------------------- properties, authType */

static int
read_auth_object(struct record *rec, struct tocsin_json *r)
{
    struct tocsin_json_text name, v;
    int more = tocsin_json_enter(r, '{');
    while (more >= 0 && (more = tocsin_json_next_key(r, &name)) > 0) {
        const struct key *key = find_key(&rec->h->auth_keys, &name, r->level);
        more = tocsin_json_read(r, &v);
        if (more >= 0 && key->kind == KEY_FIELD)
            put(rec, key->field, &v, r->level);
    }
    return more;
}

/* An authType whose document can't be walked in place, or is none. */
static int
read_auth_copy(struct record *rec, struct tocsin_json *r)
{
    struct tocsin_json_text v;
    struct tocsin_json inner;
    int bad = tocsin_json_read(r, &v);
    if (bad < 0)
        return bad;
    const struct mark mark = mark_set(rec);
    char *copy = buffer_room(&rec->h->auth, v.n);
    if (copy == NULL)
        return out_of_memory(r);
    size_t n = tocsin_json_unescape_all(copy, &v, r->level);
    if (n != TOCSIN_JSON_NO_SIZE) {
        tocsin_json_init(&inner, copy, n);
        if (read_auth_object(rec, &inner) >= 0 &&
            tocsin_json_finish(&inner) >= 0)
            return 0;
        mark_undo(rec, mark);
    }
    put(rec, FIELD_AUTH_TYPE, &v, r->level);
    return 0;
}

static int
read_auth(struct record *rec, struct tocsin_json *r)
{
    const int type = tocsin_json_peek(r);
    struct tocsin_json inner;
    if (type == TOCSIN_JSON_OBJECT)
        return read_auth_object(rec, r);
    if (type != TOCSIN_JSON_STRING)
        return tocsin_json_skip(r);
    const struct mark mark = mark_set(rec);
    int more = tocsin_json_enter_text(r, &inner);
    if (more >= 0)
        more = read_auth_object(rec, &inner);
    if (more >= 0)
        more = tocsin_json_leave_text(r, &inner);
    if (more >= 0 || more == TOCSIN_JSON_MORE)
        return more;
    mark_undo(rec, mark);
    return read_auth_copy(rec, r);
}

static int
read_properties_object(struct record *rec, struct tocsin_json *r)
{
    struct tocsin_json_text name, v;
    int more = tocsin_json_enter(r, '{');
    while (more >= 0 && (more = tocsin_json_next_key(r, &name)) > 0) {
        const struct key *key =
            find_key(&rec->h->property_keys, &name, r->level);
        if (key->kind == KEY_AUTH && !rec->has_auth) {
            rec->has_auth = 1;
            more = read_auth(rec, r);
            continue;
        }
        more = tocsin_json_read(r, &v);
        if (more >= 0 && key->kind == KEY_FIELD)
            put(rec, key->field, &v, r->level);
    }
    return more;
}

/* Properties whose document can't be walked in place, or is none: kept whole
 * then, so that nothing of the record is lost. */
static int
read_properties_copy(struct record *rec, struct tocsin_json *r)
{
    struct tocsin_json_text v;
    struct tocsin_json inner;
    int bad = tocsin_json_read(r, &v);
    if (bad < 0 || v.n == 0 || v.type == TOCSIN_JSON_NULL)
        return bad;
    const struct mark mark = mark_set(rec);
    rec->has_auth = 0;
    if (v.type == TOCSIN_JSON_STRING) {
        char *copy = buffer_room(&rec->h->document, v.n);
        if (copy == NULL)
            return out_of_memory(r);
        size_t n = tocsin_json_unescape_all(copy, &v, r->level);
        tocsin_json_init(&inner, copy, n);
        if (read_properties_object(rec, &inner) >= 0 &&
            tocsin_json_finish(&inner) >= 0)
            return 0;
        mark_undo(rec, mark);
    }
    put(rec, FIELD_PROPERTIES_RAW, &v, r->level);
    rec->is_raw = 1;
    return 0;
}

static int
read_properties(struct record *rec, struct tocsin_json *r)
{
    const int type = tocsin_json_peek(r);
    struct tocsin_json inner;
    if (rec->has_properties)
        return tocsin_json_skip(r);
    rec->has_properties = 1;
    if (type == TOCSIN_JSON_OBJECT)
        return read_properties_object(rec, r);
    if (type != TOCSIN_JSON_STRING)
        return read_properties_copy(rec, r);
    const struct mark mark = mark_set(rec);
    int more = tocsin_json_enter_text(r, &inner);
    if (more >= 0)
        more = read_properties_object(rec, &inner);
    if (more >= 0)
        more = tocsin_json_leave_text(r, &inner);
    if (more >= 0 || more == TOCSIN_JSON_MORE)
        return more;
    mark_undo(rec, mark);
    return read_properties_copy(rec, r);
}

/* ---------------------------------------------------- resourceId, time */

void
hub_logs_forget_resources(struct hub_logs *h)
{
    for (unsigned i = 0; i < N_RESOURCES; i++)
        h->resources[i].p = NULL;
    h->resource = 0;
}

static char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Where 'what' (lower case) ends in the lower-case text, or NULL. */
static const char *
find_end(const char *p, size_t n, const char *what)
{
    const size_t len = strlen(what);
    for (; n >= len; p++, n--)
        if (memcmp(p, what, len) == 0)
            return p + len;
    return NULL;
}

/* What a resourceId says.  'p' is lower case and without escapes.  The hub is
 * the segment behind "/iothubs/", or else the last one. */
static void
resource_parse(struct resource *res, const char *p, size_t n,
               struct tocsin_sink *sink)
{
    const char *end = p + n;
    while (end > p && end[-1] == '/')
        end--;
    const char *hub =
        find_end(p, (size_t)(end - p), "/microsoft.devices/iothubs/");
    res->is_hub = hub != NULL;
    res->has_provider = find_end(p, n, "/providers/") != NULL;
    if (hub == NULL)
        for (hub = end; hub > p && hub[-1] != '/';)
            hub--;
    const char *hub_end = hub;
    while (hub_end < end && *hub_end != '/' && *hub_end != '.')
        hub_end++;
    res->hub_length = (uint32_t)(hub_end - hub);
    if (res->hub_length > 0 && (res->is_hub || !res->has_provider))
        res->hub_offset = sink->text(sink, hub, res->hub_length);
}

/* A resourceId not seen in this chunk before. */
static struct resource *
resource_add(struct record *rec, const struct tocsin_json_text *v)
{
    struct hub_logs *h = rec->h;
    char *copy = buffer_room(&h->value, v->n);
    if (copy == NULL)
        return NULL;
    const size_t n = tocsin_json_unescape_all(copy, v, 0);
    h->resource = (h->resource + 1) % N_RESOURCES;
    struct resource *res = &h->resources[h->resource];
    memset(res, 0, sizeof *res);
    res->p = v->p;
    res->n = v->n;
    res->escaped = v->escaped;
    if (v->escaped) {
        res->id_length = (uint32_t)n;
        res->id_offset = rec->sink->text(rec->sink, copy, n);
    }
    for (size_t i = 0; i < n; i++)
        copy[i] = lower(copy[i]);
    resource_parse(res, copy, n, rec->sink);
    return res;
}

static struct resource *
resource_find(struct hub_logs *h, const char *p, size_t n)
{
    for (unsigned i = 0; i < N_RESOURCES; i++) {
        struct resource *res = &h->resources[i];
        if (res->p != NULL && res->n == n && memcmp(res->p, p, n) == 0) {
            h->resource = i;
            return res;
        }
    }
    return NULL;
}

static void
put_resource(struct record *rec, const struct resource *res, const char *p)
{
    rec->resource = res;
    rec->seen |= (uint64_t)1 << FIELD_RESOURCE_ID;
    struct tocsin_value *value = &rec->values[rec->n_values++];
    value->id = FIELD_RESOURCE_ID;
    value->offset =
        res->escaped ? res->id_offset : (uint32_t)(p - rec->chunk->data);
    value->length = res->escaped ? res->id_length : (uint32_t)res->n;
}

static int
read_resource(struct record *rec, struct tocsin_json *r)
{
    struct hub_logs *h = rec->h;
    struct resource *res = &h->resources[h->resource];
    struct tocsin_json_text v;
    if (rec->resource != NULL)
        return tocsin_json_skip(r);
    /* The same as in the record before, its closing quote included: it need
     * not be read again. */
    if (res->p != NULL && (size_t)(r->end - r->p) >= res->n + 2 &&
        *r->p == '"' && memcmp(r->p + 1, res->p, res->n + 1) == 0) {
        put_resource(rec, res, r->p + 1);
        r->p += res->n + 2;
        return 0;
    }
    int bad = tocsin_json_read(r, &v);
    if (bad < 0 || v.type != TOCSIN_JSON_STRING || v.n == 0)
        return bad;
    res = resource_find(h, v.p, v.n);
    if (res == NULL)
        res = resource_add(rec, &v);
    if (res == NULL)
        return out_of_memory(r);
    put_resource(rec, res, v.p);
    return 0;
}

static int
read_time(struct record *rec, struct tocsin_json *r)
{
    struct tocsin_json_text v;
    int bad = tocsin_json_read(r, &v);
    if (bad < 0 || v.n == 0 || v.type == TOCSIN_JSON_NULL || rec->has_time)
        return bad;
    char copy[256];
    const char *p = v.p;
    size_t n = v.n;
    rec->has_time = -1;
    if (v.escaped && n <= sizeof copy) {
        n = tocsin_json_unescape(copy, v.p, n);
        p = copy;
    }
    if (v.type == TOCSIN_JSON_STRING && hub_logs_time(p, n, &rec->time_us) >= 0)
        rec->has_time = 1;
    return 0;
}

/* --------------------------------------------------------- the record */

/* Values that decide what the record is. */
static void
note(struct record *rec, unsigned field, const struct tocsin_json_text *v)
{
    switch (field) {
    case FIELD_CATEGORY:
        rec->has_category = 1;
        rec->category = *v;
        break;
    case FIELD_OPERATION:
        rec->operation = *v;
        break;
    case FIELD_LEVEL:
        rec->level = *v;
        break;
    case FIELD_RESULT_TYPE:
        rec->result_type = *v;
        break;
    default:
        break;
    }
}

static int
read_field(struct record *rec, struct tocsin_json *r, unsigned field)
{
    struct tocsin_json_text v;
    int bad = tocsin_json_read(r, &v);
    if (bad < 0)
        return bad;
    if ((rec->seen >> field & 1) == 0) {
        put(rec, field, &v, 0);
        if (rec->seen >> field & 1)
            note(rec, field, &v);
    }
    return 0;
}

static int
read_member(struct record *rec, struct tocsin_json *r, const struct key *key)
{
    switch (key->kind) {
    case KEY_FIELD:
        return read_field(rec, r, key->field);
    case KEY_TIME:
        return read_time(rec, r);
    case KEY_RESOURCE:
        return read_resource(rec, r);
    case KEY_PROPERTIES:
        return read_properties(rec, r);
    case KEY_METRIC:
        rec->is_metric = 1;
        return tocsin_json_skip(r);
    default:
        return tocsin_json_skip(r);
    }
}

int
record_read(struct record *rec, struct tocsin_json *r)
{
    struct tocsin_json_text name;
    int more = tocsin_json_enter(r, '{');
    while (more >= 0 && (more = tocsin_json_next_key(r, &name)) > 0) {
        const struct key *key = find_key(&rec->h->record_keys, &name, 0);
        rec->looks_ours |= key->ours;
        if (key->kind == KEY_RECORDS && !rec->in_envelope &&
            tocsin_json_peek(r) == '[') {
            more = tocsin_json_enter(r, '[');
            return more < 0 ? more : RECORD_ENVELOPE;
        }
        more = read_member(rec, r, key);
    }
    return more < 0 ? more : RECORD_READ;
}
