/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/record/chunk.h"
#include "core/record/schema.h"
#include "tests/lib/unit.h"

#include <tocsin/plugin.h>

static char *
join(const struct slice *parts, int n, size_t *ret_n)
{
    size_t size = 0;
    for (int i = 0; i < n; i++)
        size += parts[i].n;
    char *p = malloc(size ? size : 1), *at = p;
    for (int i = 0; i < n; i++) {
        memcpy(at, parts[i].p, parts[i].n);
        at += parts[i].n;
    }
    *ret_n = size;
    return p;
}

/* An event with a field from raw and one from text, a sample, a dead letter. */
static void
fill(struct chunk_builder *b)
{
    struct slice raw = SLICE("{\"a\":\"one\"}\nbroken\n");
    chunk_begin(b, 3, SLICE("logs/0"), 77);
    int64_t base = chunk_add_raw(b, raw);
    ck_assert_int_eq(base, 0);
    int64_t text = chunk_add_text(b, SLICE("ONE"));
    ck_assert(text >= 0);
    struct chunk_value v[2] = {{6, 3u << 8 | 0}, {(uint32_t)text, 3u << 8 | 9}};
    struct chunk_record e = {.time_us = 1000,
                             .offset = 0,
                             .length = 11,
                             .name = 5,
                             .kind = RECORD_EVENT};
    ck_assert_int_eq(chunk_add_record(b, &e, v, 2), 0);
    struct chunk_record s = {.time_us = 2000,
                             .value = 1.5,
                             .sequence = 42,
                             .name = 6,
                             .kind = RECORD_SAMPLE};
    ck_assert_int_eq(chunk_add_record(b, &s, v, 1), 0);
    ck_assert_int_eq(chunk_add_dead(b, 12, 6, SLICE("no JSON")), 0);
}

static char *
sample_chunk(size_t *ret_n)
{
    struct chunk_builder *b = chunk_builder_new(1 << 20);
    struct slice parts[CHUNK_PARTS];
    fill(b);
    struct chunk_position next = {99, SLICE("file-7"), SLICE("ctx"), 2};
    int n = chunk_end(b, &next, parts);
    ck_assert_int_le(n, CHUNK_PARTS);
    char *p = join(parts, n, ret_n);
    chunk_builder_free(b);
    return p;
}

START_TEST(what_was_added_is_read_back)
{
    size_t n;
    char *p = sample_chunk(&n);
    struct chunk c;
    ck_assert_int_eq(chunk_parse(slice_new(p, n), &c), 0);
    ck_assert_uint_eq(c.head->input, 3);
    ck_assert_uint_eq(c.head->offset, 99);
    ck_assert_uint_eq(c.head->decoder, 2);
    ck_assert_int_eq(c.head->received_us, 77);
    ck_assert(slice_eq_str(c.partition, "logs/0"));
    ck_assert(slice_eq_str(c.where, "file-7"));
    ck_assert(slice_eq_str(c.context, "ctx"));
    ck_assert_uint_eq(c.head->n_records, 3);

    const struct chunk_record *r = c.records;
    ck_assert(slice_eq_str(chunk_raw(&c, r), "{\"a\":\"one\"}"));
    ck_assert(slice_eq_str(chunk_field(&c, r, 0), "one"));
    ck_assert(slice_eq_str(chunk_field(&c, r, 9), "ONE"));
    ck_assert_ptr_null(chunk_field(&c, r, 1).p);
    ck_assert_uint_eq(r[1].sequence, 42);
    ck_assert(r[1].value == 1.5);
    ck_assert_uint_eq(chunk_raw(&c, &r[1]).n, 0);
    ck_assert_uint_eq(r[2].kind, RECORD_DEAD);
    ck_assert_int_eq(r[2].time_us, 77);
    ck_assert(slice_eq_str(chunk_raw(&c, &r[2]), "broken"));
    ck_assert(slice_eq_str(chunk_field(&c, &r[2], 0), "no JSON"));
    free(p);
}
END_TEST

START_TEST(every_truncation_is_refused)
{
    size_t n;
    char *p = sample_chunk(&n);
    for (size_t i = 0; i < n; i++) {
        char *cut = malloc(i ? i : 1);
        struct chunk c;
        memcpy(cut, p, i);
        ck_assert_int_eq(chunk_parse(slice_new(cut, i), &c), -EBADMSG);
        free(cut);
    }
    free(p);
}
END_TEST

/* Whatever parses may be read without leaving the payload (a sanitizer
 * watches). */
static unsigned
touch(const struct chunk *c)
{
    unsigned sum = 0;
    for (uint32_t i = 0; i < c->head->n_records; i++) {
        const struct chunk_record *r = &c->records[i];
        struct slice raw = chunk_raw(c, r);
        for (size_t k = 0; k < raw.n; k++)
            sum += (unsigned char)raw.p[k];
        for (unsigned v = 0; v < r->n_values; v++) {
            struct slice t = chunk_text(c, &c->values[r->first_value + v]);
            for (size_t k = 0; k < t.n; k++)
                sum += (unsigned char)t.p[k];
        }
    }
    return sum;
}

START_TEST(a_flipped_bit_never_leads_outside)
{
    size_t n;
    char *p = sample_chunk(&n);
    unsigned refused = 0;
    for (size_t bit = 0; bit < n * 8; bit++) {
        struct chunk c;
        p[bit / 8] ^= (char)(1 << bit % 8);
        if (chunk_parse(slice_new(p, n), &c) == 0)
            (void)touch(&c);
        else
            refused++;
        p[bit / 8] ^= (char)(1 << bit % 8);
    }
    ck_assert_uint_gt(refused, 500);
    free(p);
}
END_TEST

START_TEST(an_odd_address_is_refused)
{
    size_t n;
    char *p = sample_chunk(&n);
    char *q = malloc(n + 8);
    struct chunk c;
    memcpy(q + 4, p, n);
    ck_assert_int_eq(chunk_parse(slice_new(q + 4, n), &c), -EBADMSG);
    free(q);
    free(p);
}
END_TEST

START_TEST(rewinding_leaves_nothing)
{
    struct chunk_builder *b = chunk_builder_new(1 << 20);
    struct slice parts[CHUNK_PARTS];
    struct chunk_position next = {.offset = 1};
    chunk_begin(b, 0, SLICE("p"), 0);
    size_t empty = chunk_size(b);
    struct chunk_mark mark = chunk_mark(b);
    fill(b);
    chunk_begin(b, 0, SLICE("p"), 0);
    fill(b);
    ck_assert_uint_eq(chunk_n_records(b), 3);
    chunk_rewind(b, mark);
    ck_assert_uint_eq(chunk_n_records(b), 0);
    ck_assert_uint_eq(chunk_size(b), empty);
    ck_assert_int_eq(chunk_end(b, &next, parts), 1);
    struct chunk c;
    ck_assert_int_eq(chunk_parse(parts[0], &c), 0);
    ck_assert_uint_eq(c.head->n_records + c.head->raw_size, 0);
    chunk_builder_free(b);
}
END_TEST

START_TEST(a_full_builder_refuses_and_stays_whole)
{
    struct chunk_builder *b = chunk_builder_new(4096);
    struct slice parts[CHUNK_PARTS];
    struct chunk_value v[40] = {{0}};
    struct chunk_record rec = {.kind = RECORD_EVENT, .length = 10};
    char line[100] = "x";
    chunk_begin(b, 0, SLICE("p"), 0);
    int64_t r = 0;
    unsigned n = 0;
    while (r >= 0) {
        r = chunk_add_raw(b, slice_new(line, sizeof line));
        if (r >= 0)
            r = chunk_add_record(b, &rec, v, ARRAY_SIZE(v));
        n += r >= 0;
    }
    ck_assert_int_eq(r, -ENOSPC);
    ck_assert_uint_ge(n, 3);
    ck_assert_int_eq(chunk_add_record(b, &rec, v, 256), -E2BIG);
    char where[CHUNK_WHERE_MAX] = "w", context[CHUNK_CONTEXT_MAX] = "c";
    struct chunk_position next = {1, slice_new(where, sizeof where),
                                  slice_new(context, sizeof context), 0};
    int k = chunk_end(b, &next, parts);
    size_t size;
    char *p = join(parts, k, &size);
    ck_assert_uint_le(size, 4096);
    struct chunk c;
    ck_assert_int_eq(chunk_parse(slice_new(p, size), &c), 0);
    ck_assert_uint_eq(c.head->n_records, n);
    free(p);
    chunk_builder_free(b);
}
END_TEST

START_TEST(steady_state_allocates_nothing)
{
    struct chunk_builder *b = chunk_builder_new(1 << 20);
    struct slice parts[CHUNK_PARTS];
    struct chunk_position next = {.offset = 1};
    uint64_t before = 0;
    for (int i = 0; i < 20; i++) {
        if (i == 1)
            before = mem_count();
        fill(b);
        (void)chunk_end(b, &next, parts);
    }
    ck_assert_uint_eq(mem_count(), before);
    chunk_builder_free(b);
}
END_TEST

START_TEST(want_of_memory_adds_nothing)
{
    for (uint64_t n = 1; n <= 8; n++) {
        mem_fail_at(n);
        struct chunk_builder *b = chunk_builder_new(1 << 20);
        if (!b)
            continue;
        chunk_begin(b, 0, SLICE("p"), 0);
        struct chunk_record rec = {.kind = RECORD_SAMPLE};
        struct chunk_value v = {0, 0};
        unsigned good = 0;
        for (int i = 0; i < 4; i++) {
            good += chunk_add_record(b, &rec, &v, 1) == 0;
            good += chunk_add_dead(b, 0, 0, SLICE("why")) == 0;
        }
        mem_fail_at(0);
        struct slice parts[CHUNK_PARTS];
        struct chunk_position next = {.offset = 1};
        size_t size;
        char *p = join(parts, chunk_end(b, &next, parts), &size);
        struct chunk c;
        ck_assert_int_eq(chunk_parse(slice_new(p, size), &c), 0);
        ck_assert_uint_eq(c.head->n_records, good);
        free(p);
        chunk_builder_free(b);
    }
    mem_fail_at(0);
}
END_TEST

START_TEST(ids_are_checked_against_the_schema)
{
    struct chunk_builder *b = chunk_builder_new(1 << 20);
    struct schema_builder *sb = schema_builder_new(NULL);
    struct schema_field f[2] = {{SLICE("a"), 0, 0}, {SLICE("b"), 0, 0}};
    struct schema_stream st = {.name = SLICE("s"), .n_fields = 2, .fields = f};
    uint16_t id = (uint16_t)schema_add_stream(sb, &st, NULL);
    struct schema_input in = {
        .name = SLICE("i"), .active = true, .n_streams = 1, .streams = &id};
    ck_assert_int_eq(schema_add_input(sb, &in, NULL), 0);
    struct schema *s = schema_build(sb, 0);

    static const struct {
        uint8_t kind;
        uint16_t name;
        uint32_t field;
        uint16_t input;
        int want;
    } cases[] = {
        {RECORD_EVENT, 0, 1, 0, 0},        {RECORD_EVENT, 0, 2, 0, -EBADMSG},
        {RECORD_EVENT, 1, 0, 0, -EBADMSG}, {RECORD_SAMPLE, 0, 0, 0, -EBADMSG},
        {RECORD_EVENT, 0, 1, 1, -EBADMSG},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct slice parts[CHUNK_PARTS];
        struct chunk_position next = {.offset = 1};
        struct chunk_record rec = {.kind = cases[i].kind,
                                   .name = cases[i].name};
        struct chunk_value v = {0, cases[i].field};
        struct chunk c;
        chunk_begin(b, cases[i].input, SLICE("p"), 0);
        ck_assert_int_eq(chunk_add_record(b, &rec, &v, 1), 0);
        size_t size;
        char *p = join(parts, chunk_end(b, &next, parts), &size);
        ck_assert_int_eq(chunk_parse(slice_new(p, size), &c), 0);
        ck_assert_int_eq(chunk_check(&c, s), cases[i].want);
        free(p);
    }
    schema_builder_free(sb);
    schema_free(s);
    chunk_builder_free(b);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("chunk");
    TCase *t = tcase_create("chunk");
    tcase_add_test(t, what_was_added_is_read_back);
    tcase_add_test(t, every_truncation_is_refused);
    tcase_add_test(t, a_flipped_bit_never_leads_outside);
    tcase_add_test(t, an_odd_address_is_refused);
    tcase_add_test(t, rewinding_leaves_nothing);
    tcase_add_test(t, a_full_builder_refuses_and_stays_whole);
    tcase_add_test(t, steady_state_allocates_nothing);
    tcase_add_test(t, want_of_memory_adds_nothing);
    tcase_add_test(t, ids_are_checked_against_the_schema);
    suite_add_tcase(s, t);
    return unit_main(s, NULL);
}
