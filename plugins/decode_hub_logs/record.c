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

/* ------------------------------------------------- properties, authType */

static int
read_auth_object(struct record *rec, struct tocsin_json *r)
{
    struct keytab *tab = &rec->h->auth_keys;
    struct tocsin_json_text v;
    unsigned at = KEY_START;
    int more = tocsin_json_enter(r, '{');
    while (more >= 0 && (more = keytab_next(tab, r, &at)) > 0) {
        const struct key *key = &tab->keys[at];
        more = keytab_value(r, more, &v);
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

static void
auth_memo_set(struct record *rec, const struct mark *mark, const char *from,
              const struct tocsin_json *r)
{
    struct auth_memo *memo = &rec->h->auth_memo;
    const uint32_t n_values = rec->n_values - mark->n_values;
    const uint32_t offset = (uint32_t)(from - rec->chunk->data);
    /* In a copy, or with values that are copies: not to be remembered. */
    if ((uintptr_t)from - (uintptr_t)rec->chunk->data >= rec->chunk->size ||
        rec->n_later != mark->n_later)
        return;
    memo->p = from;
    memo->n = (size_t)(r->p - from);
    memo->n_values = n_values;
    for (uint32_t i = 0; i < n_values; i++) {
        memo->values[i] = rec->values[mark->n_values + i];
        memo->values[i].offset -= offset;
    }
}

static int
auth_memo_get(struct record *rec, struct tocsin_json *r)
{
    const struct auth_memo *memo = &rec->h->auth_memo;
    if (memo->p == NULL || (size_t)(r->end - r->p) < memo->n ||
        (uintptr_t)r->p - (uintptr_t)rec->chunk->data >= rec->chunk->size ||
        memcmp(r->p, memo->p, memo->n) != 0)
        return 0;
    const uint32_t offset = (uint32_t)(r->p - rec->chunk->data);
    for (uint32_t i = 0; i < memo->n_values; i++) {
        struct tocsin_value *value = &rec->values[rec->n_values++];
        *value = memo->values[i];
        value->offset += offset;
        rec->seen |= (uint64_t)1 << value->id;
    }
    r->p += memo->n;
    return 1;
}

static int
read_auth(struct record *rec, struct tocsin_json *r)
{
    const char *from = r->p;
    if (auth_memo_get(rec, r))
        return 0;
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
    if (more >= 0)
        auth_memo_set(rec, &mark, from, r);
    if (more >= 0 || more == TOCSIN_JSON_MORE)
        return more;
    mark_undo(rec, mark);
    return read_auth_copy(rec, r);
}

static int
read_properties_object(struct record *rec, struct tocsin_json *r)
{
    struct keytab *tab = &rec->h->property_keys;
    struct tocsin_json_text v;
    unsigned at = KEY_START;
    int more = tocsin_json_enter(r, '{');
    while (more >= 0 && (more = keytab_next(tab, r, &at)) > 0) {
        const struct key *key = &tab->keys[at];
        if (key->kind == KEY_AUTH && !rec->has_auth) {
            rec->has_auth = 1;
            keytab_back(r, more);
            more = read_auth(rec, r);
            continue;
        }
        more = keytab_value(r, more, &v);
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

/* ----------------------------------------------------------- the record */

void
record_forget(struct hub_logs *h)
{
    for (unsigned i = 0; i < N_RESOURCES; i++)
        h->resources[i].p = NULL;
    h->resource = 0;
    h->auth_memo.p = NULL;
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
read_field(struct record *rec, struct tocsin_json *r, int member,
           unsigned field)
{
    struct tocsin_json_text v;
    const int bad = keytab_value(r, member, &v);
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
    struct keytab *tab = &rec->h->record_keys;
    unsigned at = KEY_START;
    int more = tocsin_json_enter(r, '{');
    while (more >= 0 && (more = keytab_next(tab, r, &at)) > 0) {
        const struct key *key = &tab->keys[at];
        rec->looks_ours |= key->ours;
        if (key->kind == KEY_FIELD) {
            more = read_field(rec, r, more, key->field);
            continue;
        }
        keytab_back(r, more);
        if (key->kind == KEY_RECORDS && !rec->in_envelope &&
            tocsin_json_peek(r) == '[') {
            more = tocsin_json_enter(r, '[');
            return more < 0 ? more : RECORD_ENVELOPE;
        }
        more = read_member(rec, r, key);
    }
    return more < 0 ? more : RECORD_READ;
}
