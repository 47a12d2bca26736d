/* SPDX-License-Identifier: Apache-2.0 */
/* Ingest: decoders asked in order, bytes carried over, dead letters, plugins
 * that lie.  The decoders here are made for it and live in this program. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/host/ingest.h"
#include "core/host/instance.h"
#include "core/host/tables.h"
#include "core/record/chunk.h"
#include "tests/lib/unit.h"

/* A decoder of lines: those that begin with its letter are events; "p…" is
 * passed on, "r…" rejected, "e" an error, "l" a lie about offsets. */
static const struct tocsin_field fields[] = {
    {"body", TOCSIN_FIELD_STRING, 0, NULL},
    {"upper", TOCSIN_FIELD_STRING, TOCSIN_FIELD_LABEL, NULL},
};

static const struct tocsin_stream streams_a[] = {
    {"a", NULL, fields, 2, sizeof fields[0], 0, 0}};
static const struct tocsin_stream streams_b[] = {
    {"b", NULL, fields, 2, sizeof fields[0], 0, 0}};

static int
create_a(void **ret, const struct tocsin_host *h, struct tocsin_ctx *c,
         const void *o)
{
    static char letter = 'a';
    (void)h;
    (void)c;
    (void)o;
    *ret = &letter;
    return 0;
}

static int
create_b(void **ret, const struct tocsin_host *h, struct tocsin_ctx *c,
         const void *o)
{
    static char letter = 'b';
    (void)h;
    (void)c;
    (void)o;
    *ret = &letter;
    return 0;
}

static void
destroy(void *instance)
{
    (void)instance;
}

static int
line(char letter, const struct tocsin_chunk *c, uint32_t at, uint32_t n,
     struct tocsin_sink *sink)
{
    const char *p = c->data + at;
    if (p[0] == 'p')
        return sink->pass(sink, at + 1, n - 1);
    if (p[0] == 'r')
        return sink->reject(sink, at, n, "as asked");
    if (p[0] == 'e')
        return TOCSIN_ERROR;
    struct tocsin_value v[2] = {{0, at, n}, {1, 0, 1}};
    char upper = (char)(letter - 32);
    v[1].offset = sink->text(sink, &upper, 1);
    if (p[0] == 'l')
        v[0].offset = (uint32_t)c->size;
    struct tocsin_event e = {0, 2, 5, at, n, v};
    return sink->event(sink, &e);
}

static int64_t
decode(void *instance, const struct tocsin_chunk *c,
       struct tocsin_context *context, struct tocsin_sink *sink)
{
    char letter = *(char *)instance;
    if (c->size > 0 && c->data[0] != letter &&
        strchr("prel", c->data[0]) == NULL)
        return TOCSIN_NOT_MINE;
    uint32_t at = 0;
    while (at < c->size) {
        const char *end = memchr(c->data + at, '\n', c->size - at);
        if (end == NULL &&
            !(c->flags & (TOCSIN_CHUNK_MESSAGE | TOCSIN_CHUNK_LAST)))
            break;
        uint32_t n =
            (end != NULL ? (uint32_t)(end - c->data) : (uint32_t)c->size) - at;
        if (n > 0 && line(letter, c, at, n, sink) != 0)
            return TOCSIN_ERROR;
        at += n + (end != NULL);
        context->size = 1;
        context->bytes[0] = (uint8_t)letter;
        if (end != NULL && at < c->size && c->data[at] != letter &&
            strchr("prel", c->data[at]) == NULL) {
            context->size = 0; /* somebody else's turn */
            break;
        }
    }
    return at;
}

static const struct plugin plugins[] = {
    {.desc = {TOCSIN_PLUGIN_HEAD, .kind = TOCSIN_DECODER, .name = "a",
              .version = "1", .summary = "a", .streams = streams_a,
              .n_streams = 1, .create = create_a, .destroy = destroy,
              .decode = decode}},
    {.desc = {TOCSIN_PLUGIN_HEAD, .kind = TOCSIN_DECODER, .name = "b",
              .version = "1", .summary = "b", .streams = streams_b,
              .n_streams = 1, .create = create_b, .destroy = destroy,
              .decode = decode}},
};

struct fixture {
    struct instance *decoders[2];
    struct schema *schema;
    struct ingest *ingest;
    struct buf got;       /* what was appended, as text */
    uint64_t next_offset; /* of the newest chunk */
    char context;
    int refuse; /* the next so many appends fail */
    unsigned refuse_every, appends;
};

static struct fixture fx;

static int
on_append(void *arg, uint32_t partition, const struct chunk_position *next,
          const struct slice *parts, size_t n_parts, uint32_t n_records)
{
    struct fixture *f = arg;
    (void)partition;
    f->appends++;
    if (f->refuse > 0 ||
        (f->refuse_every > 0 && f->appends % f->refuse_every == 0)) {
        f->refuse -= f->refuse > 0;
        return -ENOSPC;
    }
    AUTO_FINI(buf) payload = BUF_INIT(1024 * 1024);
    for (size_t i = 0; i < n_parts; i++)
        ck_assert_int_eq(buf_append_slice(&payload, parts[i]), 0);
    struct chunk c;
    ck_assert_int_eq(chunk_parse(buf_slice(&payload), &c), 0);
    ck_assert_uint_eq(c.head->n_records, n_records);
    for (uint32_t i = 0; i < n_records; i++) {
        const struct chunk_record *r = &c.records[i];
        struct slice raw = chunk_raw(&c, r);
        if (r->kind == RECORD_DEAD) {
            struct slice why = chunk_text(&c, &c.values[r->first_value]);
            (void)buf_printf(&f->got, "dead(%.*s: %.*s) ", SLICE_FMT(raw),
                             SLICE_FMT(why));
            continue;
        }
        struct slice name = f->schema->streams[r->name].name;
        (void)buf_printf(&f->got, "%.*s(%.*s,%.*s) ", SLICE_FMT(name),
                         SLICE_FMT(chunk_field(&c, r, 0)),
                         SLICE_FMT(chunk_field(&c, r, 1)));
    }
    f->next_offset = next->offset;
    f->context = next->context.n > 0 ? next->context.p[0] : '-';
    return 0;
}

static void
setup(void)
{
    struct err err = ERR_INIT;
    fx = (struct fixture){.got = BUF_INIT(1024 * 1024)};
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(
            instance_new(&plugins[i], "test", NULL, &fx.decoders[i], &err), 0);
    AUTO(schema_builder) *b = schema_builder_new(NULL);
    struct schema_input in = {.name = SLICE("in")};
    ck_assert_int_eq(schema_from_decoders(b, fx.decoders, 2, &in, &err), 0);
    fx.schema = schema_build(b, USEC_PER_MINUTE);
    ck_assert_ptr_nonnull(fx.schema);
    struct ingest_options o = {
        .schema = fx.schema,
        .decoders = fx.decoders,
        .n_decoders = 2,
        .max_record_bytes = 100,
        .chunk_bytes = 8192,
        .append = on_append,
        .arg = &fx,
    };
    fx.ingest = ingest_new(&o);
    ck_assert_ptr_nonnull(fx.ingest);
}

static void
teardown(void)
{
    ingest_free(fx.ingest);
    schema_free(fx.schema);
    for (size_t i = 0; i < 2; i++)
        instance_free(fx.decoders[i]);
    buf_fini(&fx.got);
}

static int
feed_n(const char *text, size_t n, unsigned flags, uint64_t next)
{
    struct tocsin_chunk c = {
        .struct_size = sizeof c,
        .flags = flags,
        .data = text,
        .size = n,
        .next = {.offset = next},
    };
    return ingest_feed(fx.ingest, 0, SLICE("p"), &c);
}

static int
feed(const char *text, unsigned flags, uint64_t next)
{
    return feed_n(text, strlen(text), flags, next);
}

static const char *
flushed(void)
{
    ck_assert_int_eq(ingest_flush(fx.ingest), 0);
    return buf_str(&fx.got);
}

START_TEST(a_message_goes_to_the_first_decoder_that_claims_it)
{
    ck_assert_int_eq(feed("a1", TOCSIN_CHUNK_MESSAGE, 1), 0);
    ck_assert_int_eq(feed("b2", TOCSIN_CHUNK_MESSAGE, 2), 0);
    ck_assert_int_eq(feed("zz", TOCSIN_CHUNK_MESSAGE, 3), 0);
    ck_assert_str_eq(flushed(),
                     "a(a1,A) b(b2,B) dead(zz: no decoder of this input "
                     "claims it) ");
    ck_assert_uint_eq(fx.next_offset, 3);
}
END_TEST

START_TEST(a_record_that_is_passed_keeps_its_place)
{
    ck_assert_int_eq(feed("a1\npb2\na3\npz\n", TOCSIN_CHUNK_MESSAGE, 1), 0);
    ck_assert_str_eq(flushed(), "a(a1,A) b(b2,B) a(a3,A) dead(z: no decoder "
                                "of this input claims it) ");
}
END_TEST

START_TEST(a_dead_letter_costs_its_neighbours_nothing)
{
    ck_assert_int_eq(feed("a1\nrx\na2\n", 0, 9), 0);
    ck_assert_str_eq(flushed(), "a(a1,A) dead(rx: as asked) a(a2,A) ");
}
END_TEST

START_TEST(an_error_of_a_decoder_takes_back_what_it_gave)
{
    ck_assert_int_eq(feed("a1\ne\n", TOCSIN_CHUNK_MESSAGE, 1), 0);
    ck_assert_str_eq(flushed(), "dead(a1\ne\n: no reason given) ");
}
END_TEST

START_TEST(a_decoder_that_lies_about_offsets_is_not_believed)
{
    ck_assert_int_eq(feed("l1", TOCSIN_CHUNK_MESSAGE, 1), 0);
    ck_assert_str_eq(flushed(), "dead(l1: a value outside the chunk) ");
}
END_TEST

START_TEST(unfinished_bytes_come_again_with_more_behind_them)
{
    ck_assert_int_eq(feed("a1\na", 0, 4), 0);
    ck_assert_str_eq(flushed(), "a(a1,A) ");
    ck_assert_uint_eq(fx.next_offset, 3); /* the carried byte is not over */
    ck_assert_int_eq(fx.context, 'a');
    ck_assert_int_eq(feed("2\n", 0, 6), 0);
    ck_assert_str_eq(flushed(), "a(a1,A) a(a2,A) ");
    ck_assert_uint_eq(fx.next_offset, 6);
}
END_TEST

START_TEST(a_stream_cut_anywhere_gives_the_same_records)
{
    const char *text = "a11\na2\nra\na3\na4";
    size_t n = strlen(text);
    for (size_t cut = 0; cut <= n; cut++) {
        buf_reset(&fx.got);
        ck_assert_int_eq(
            ingest_start(fx.ingest, 0, SLICE("p"), (struct slice){NULL, 0}, 0),
            0);
        ck_assert_int_ge(feed_n(text, cut, 0, cut), 0);
        ck_assert_int_eq(ingest_flush(fx.ingest), 0);
        ck_assert_int_ge(feed_n(text + cut, n - cut, TOCSIN_CHUNK_LAST, n), 0);
        ck_assert_str_eq(flushed(), "a(a11,A) a(a2,A) dead(ra: as asked) "
                                    "a(a3,A) a(a4,A) ");
    }
}
END_TEST

START_TEST(lines_that_nobody_claims_are_dead_letters)
{
    ck_assert_int_eq(feed("zz\nyy", 0, 5), 0);
    ck_assert_str_eq(flushed(),
                     "dead(zz\n: no decoder of this input claims it) ");
    ck_assert_uint_eq(fx.next_offset, 3);
    ck_assert_int_eq(feed("", TOCSIN_CHUNK_LAST, 5), 0);
}
END_TEST

START_TEST(an_endless_line_is_a_dead_letter_and_the_next_one_is_not)
{
    char text[150];
    memset(text, 'x', sizeof text);
    text[0] = 'a';
    int r = feed_n(text, 99, 0, 99);
    ck_assert_int_ge(r, 0);
    r = feed_n(text, 10, 0, 109);
    ck_assert_int_ge(r, 0);
    ck_assert_ptr_nonnull(strstr(flushed(), "longer than a record may be"));
    ck_assert_uint_eq(fx.next_offset, 109);
    buf_reset(&fx.got);
    ck_assert_int_eq(feed("a1\n", 0, 112), 0);
    ck_assert_str_eq(flushed(), "a(a1,A) ");
}
END_TEST

START_TEST(a_message_larger_than_a_chunk_is_kept_in_part)
{
    static char text[100000];
    memset(text, 'a', sizeof text);
    ck_assert_int_ge(feed("a1", TOCSIN_CHUNK_MESSAGE, 1), 0);
    ck_assert_int_ge(feed_n(text, sizeof text, TOCSIN_CHUNK_MESSAGE, 2), 0);
    ck_assert_int_ge(feed("a2", TOCSIN_CHUNK_MESSAGE, 3), 0);
    const char *got = flushed();
    ck_assert_int_eq(strncmp(got, "a(a1,A) dead(aaa", 16), 0);
    ck_assert_ptr_nonnull(strstr(got, "100000 bytes"));
    ck_assert_ptr_nonnull(strstr(got, "a(a2,A)"));
}
END_TEST

START_TEST(a_full_journal_loses_nothing)
{
    ck_assert_int_eq(feed("a1\n", 0, 3), 0);
    fx.refuse = 2;
    ck_assert_int_eq(ingest_flush(fx.ingest), -ENOSPC);
    struct tocsin_chunk other = {.struct_size = sizeof other,
                                 .data = "a2\n",
                                 .size = 3,
                                 .next = {.offset = 3}};
    ck_assert_int_eq(ingest_feed(fx.ingest, 1, SLICE("q"), &other), -ENOSPC);
    ck_assert_int_eq(ingest_feed(fx.ingest, 1, SLICE("q"), &other), 0);
    ck_assert_str_eq(flushed(), "a(a1,A) a(a2,A) ");
}
END_TEST

/* Short records need more room than their bytes: chunks split, whatever the
 * journal refuses meanwhile, and nothing comes twice. */
START_TEST(records_that_do_not_fit_one_chunk_come_in_several)
{
    static char text[30001];
    struct buf want = BUF_INIT(1024 * 1024);
    for (unsigned i = 0; i < 5000; i++) {
        (void)snprintf(text + (size_t)i * 6, 7, "a%04u\n", i);
        (void)buf_printf(&want, "a(a%04u,A) ", i);
    }
    fx.refuse_every = (unsigned)_i;
    struct tocsin_chunk c = {
        .struct_size = sizeof c,
        .data = text,
        .size = 30000,
        .next = {.offset = 30000},
    };
    int r, tries = 0;
    while ((r = ingest_feed(fx.ingest, 0, SLICE("p"), &c)) < 0)
        ck_assert_int_lt(tries++, 100);
    while (ingest_flush(fx.ingest) < 0)
        ck_assert_int_lt(tries++, 100);
    ck_assert_str_eq(buf_str(&fx.got), buf_str(&want));
    ck_assert_uint_eq(fx.next_offset, 30000);
    ck_assert_uint_gt(fx.appends, 3);
    ck_assert_int_eq(tries > 0, _i > 0);
    buf_fini(&want);
}
END_TEST

START_TEST(a_last_line_without_end_is_taken_once_whatever_is_refused)
{
    static char text[12000];
    memset(text, 'a', sizeof text);
    for (size_t i = 39; i < sizeof text; i += 40)
        text[i] = '\n';
    size_t n = sizeof text - 5; /* an unfinished line at the end */
    fx.refuse = _i;
    struct tocsin_chunk c = {
        .struct_size = sizeof c,
        .flags = TOCSIN_CHUNK_LAST,
        .data = text,
        .size = n,
        .next = {.offset = n},
    };
    while (ingest_feed(fx.ingest, 0, SLICE("p"), &c) < 0)
        continue;
    while (ingest_flush(fx.ingest) < 0)
        continue;
    unsigned count = 0;
    for (const char *p = buf_str(&fx.got); *p != 0; p++)
        count += *p == '(';
    ck_assert_uint_eq(count, 300);
    ck_assert_uint_eq(fx.next_offset, n);
}
END_TEST

static Suite *
ingest_suite(void)
{
    Suite *s = suite_create("ingest");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_message_goes_to_the_first_decoder_that_claims_it);
    tcase_add_test(t, a_record_that_is_passed_keeps_its_place);
    tcase_add_test(t, a_dead_letter_costs_its_neighbours_nothing);
    tcase_add_test(t, an_error_of_a_decoder_takes_back_what_it_gave);
    tcase_add_test(t, a_decoder_that_lies_about_offsets_is_not_believed);
    tcase_add_test(t, unfinished_bytes_come_again_with_more_behind_them);
    tcase_add_test(t, a_stream_cut_anywhere_gives_the_same_records);
    tcase_add_test(t, lines_that_nobody_claims_are_dead_letters);
    tcase_add_test(t, an_endless_line_is_a_dead_letter_and_the_next_one_is_not);
    tcase_add_test(t, a_message_larger_than_a_chunk_is_kept_in_part);
    tcase_add_test(t, a_full_journal_loses_nothing);
    tcase_add_loop_test(t, records_that_do_not_fit_one_chunk_come_in_several, 0,
                        1);
    tcase_add_loop_test(t, records_that_do_not_fit_one_chunk_come_in_several, 2,
                        6);
    tcase_add_loop_test(
        t, a_last_line_without_end_is_taken_once_whatever_is_refused, 0, 4);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(ingest_suite(), NULL);
}
