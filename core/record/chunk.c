/* SPDX-License-Identifier: Apache-2.0 */
/* chunk.c - reads chunks.  The payload is used where it lies: it is little
 * endian, as are the machines that we run on. */
#include "config.h"

#include <errno.h>

#include "core/record/chunk.h"
#include "core/record/schema.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "chunks are used in place");
_Static_assert(sizeof(struct chunk_value) == 8, "journal format");

#define CHUNK_SIZE_MAX 0x7fffffffu

static struct slice
cut(struct slice *rest, size_t n)
{
    struct slice s = {rest->p, n};
    rest->p += n;
    rest->n -= n;
    return s;
}

/* Each value lies within 'size' bytes.  No branch a value: a borrow of any
 * subtraction ends up in the sign. */
static bool
values_fit(const struct chunk_value *v, uint32_t n, uint32_t size)
{
    uint64_t bad = 0;
    for (uint32_t i = 0; i < n; i++)
        bad |= (uint64_t)size - ((uint64_t)v[i].offset + (v[i].length_id >> 8));
    return bad >> 63 == 0;
}

/* Records own their values one after another, none left over. */
static bool
records_fit(const struct chunk_record *r, const struct chunk_head *h)
{
    uint32_t next = 0;
    bool bad = false;
    for (uint32_t i = 0; i < h->n_records; i++, r++) {
        bad |= r->first_value != next || r->n_values > h->n_values - next;
        bad |= r->kind < RECORD_EVENT || r->kind > RECORD_DEAD;
        bad |= r->kind == RECORD_DEAD && r->n_values != 1;
        bad |= r->kind != RECORD_SAMPLE &&
               (uint64_t)r->offset + r->length > h->raw_size;
        if (unlikely(bad))
            return false;
        next += r->n_values;
    }
    return next == h->n_values;
}

int
chunk_parse(struct slice payload, struct chunk *ret)
{
    if (payload.n < sizeof(struct chunk_head) || payload.n > CHUNK_SIZE_MAX ||
        ((uintptr_t)payload.p & 7) != 0)
        return -EBADMSG;

    struct slice rest = payload;
    const void *head = cut(&rest, sizeof(struct chunk_head)).p;
    const struct chunk_head *h = head;
    if (h->partition_size > CHUNK_PARTITION_MAX ||
        h->where_size > CHUNK_WHERE_MAX || h->context_size > CHUNK_CONTEXT_MAX)
        return -EBADMSG;

    uint64_t names =
        (uint64_t)h->partition_size + h->where_size + h->context_size;
    uint64_t padded = (names + 7) & ~UINT64_C(7);
    uint64_t total = padded + (uint64_t)h->n_records * 32 +
                     (uint64_t)h->n_values * 8 + h->raw_size + h->text_size;
    if (total != rest.n)
        return -EBADMSG;

    struct chunk c = {.head = h};
    c.partition = cut(&rest, h->partition_size);
    c.where = cut(&rest, h->where_size);
    c.context = cut(&rest, h->context_size);
    (void)cut(&rest, padded - names);
    const void *records = cut(&rest, (size_t)h->n_records * 32).p;
    const void *values = cut(&rest, (size_t)h->n_values * 8).p;
    c.records = records;
    c.values = values;
    c.bytes = rest.p;
    if (!records_fit(c.records, h) ||
        !values_fit(c.values, h->n_values, h->raw_size + h->text_size))
        return -EBADMSG;
    *ret = c;
    return 0;
}

static bool
ids_below(const struct chunk_value *v, unsigned n, unsigned limit)
{
    bool good = true;
    for (unsigned i = 0; i < n; i++)
        good &= chunk_value_id(&v[i]) < limit;
    return good;
}

int
chunk_check(const struct chunk *c, const struct schema *s)
{
    if (c->head->input >= s->n_inputs)
        return -EBADMSG;
    for (uint32_t i = 0; i < c->head->n_records; i++) {
        const struct chunk_record *r = &c->records[i];
        unsigned n_ids;
        if (r->kind == RECORD_DEAD)
            continue;
        if (r->name >= (r->kind == RECORD_EVENT ? s->n_streams : s->n_metrics))
            return -EBADMSG;
        n_ids = r->kind == RECORD_EVENT ? s->streams[r->name].n_fields
                                        : s->metrics[r->name].n_labels;
        if (!ids_below(c->values + r->first_value, r->n_values, n_ids))
            return -EBADMSG;
    }
    return 0;
}

struct slice
chunk_field(const struct chunk *c, const struct chunk_record *r, unsigned id)
{
    const struct chunk_value *v = c->values + r->first_value;
    for (unsigned i = 0; i < r->n_values; i++, v++)
        if (chunk_value_id(v) == id)
            return chunk_text(c, v);
    return (struct slice){NULL, 0};
}
