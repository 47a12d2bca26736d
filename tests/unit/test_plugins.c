/* SPDX-License-Identifier: Apache-2.0 */
/* Plugins: found, loaded, checked; old and new descriptors. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/arena.h"
#include "core/host/descriptor.h"
#include "core/host/plugins.h"
#include "tests/lib/unit.h"

static int
create(void **ret, const struct tocsin_host *host, struct tocsin_ctx *ctx,
       const void *o)
{
    (void)host;
    (void)ctx;
    (void)o;
    *ret = NULL;
    return 0;
}

static void
destroy(void *instance)
{
    (void)instance;
}

static int64_t
decode(void *instance, const struct tocsin_chunk *chunk,
       struct tocsin_context *context, struct tocsin_sink *sink)
{
    (void)instance;
    (void)context;
    (void)sink;
    return (int64_t)chunk->size;
}

static struct tocsin_plugin
good(void)
{
    return (struct tocsin_plugin){
        TOCSIN_PLUGIN_HEAD, .kind = TOCSIN_DECODER, .name = "x",
        .version = "1",     .summary = "a test",    .create = create,
        .destroy = destroy, .decode = decode,
    };
}

static int
import(const struct tocsin_plugin *p, struct tocsin_plugin *ret,
       struct err *err)
{
    static struct arena a; /* 'ret' points into it */
    arena_fini(&a);
    arena_init(&a, 4096, 1024 * 1024);
    *err = ERR_INIT;
    return descriptor_import(p, &a, ret, err);
}

START_TEST(a_descriptor_of_today_is_taken)
{
    struct tocsin_plugin p = good(), got;
    struct err err;
    ck_assert_int_eq(import(&p, &got, &err), 0);
    ck_assert_str_eq(got.name, "x");
    ck_assert(got.decode == decode);
}
END_TEST

START_TEST(an_older_descriptor_lacks_only_what_it_never_had)
{
    struct tocsin_plugin p = good(), got;
    struct err err;
    p.struct_size = offsetof(struct tocsin_plugin, deliver);
    p.receiver_key = "garbage behind its end";
    ck_assert_int_eq(import(&p, &got, &err), 0);
    ck_assert_ptr_null(got.receiver_key);
    ck_assert(got.decode == decode);
}
END_TEST

START_TEST(a_newer_descriptor_is_cut_to_what_we_know)
{
    struct {
        struct tocsin_plugin p;
        char more[64];
    } newer = {.p = good()};
    struct tocsin_plugin got;
    struct err err;
    newer.p.struct_size = sizeof newer;
    memset(newer.more, 0x5a, sizeof newer.more);
    ck_assert_int_eq(import(&newer.p, &got, &err), 0);
    ck_assert_uint_eq(got.struct_size, sizeof got);
}
END_TEST

/* An option without 'help' at its end was never valid, but one with more
 * behind it is a newer plugin's, and a shorter field is an older one's. */
START_TEST(tables_of_other_element_sizes_are_laid_out_anew)
{
    struct {
        struct tocsin_option o;
        uint64_t more;
    } options[2] = {
        {{"a", TOCSIN_OPT_INT, 0, 0, "1", 0, 0, NULL, NULL, 0, 0, "A."}, 99},
        {{"b", TOCSIN_OPT_INT, 0, 8, "2", 0, 0, NULL, NULL, 0, 0, "B."}, 99},
    };
    struct old_field {
        const char *name;
        uint32_t type, flags;
    } fields[2] = {{"f", 1, 0}, {"g", 2, 1}};
    struct tocsin_stream stream = {
        .name = "s",
        .fields = (const struct tocsin_field *)(const void *)fields,
        .n_fields = 2,
        .field_size = sizeof fields[0],
    };
    struct tocsin_plugin p = good(), got;
    struct err err;
    p.options = &options[0].o;
    p.n_options = 2;
    p.option_size = sizeof options[0];
    p.options_struct_size = 16;
    p.streams = &stream;
    p.n_streams = 1;
    p.stream_size = sizeof stream;
    ck_assert_int_eq(import(&p, &got, &err), 0);
    ck_assert_str_eq(got.options[1].key, "b");
    ck_assert_str_eq(got.streams[0].fields[1].name, "g");
    ck_assert_uint_eq(got.streams[0].fields[1].flags, 1);
    ck_assert_ptr_null(got.streams[0].fields[1].help);
}
END_TEST

static const struct tocsin_option outside = {
    "a", TOCSIN_OPT_INT, 0, 100, NULL, 0, 0, NULL, NULL, 0, 0, "A."};
static const struct tocsin_option untyped = {"a", 77,   0,    0, NULL, 0,
                                             0,   NULL, NULL, 0, 0,    "A."};
static const struct tocsin_stream many = {
    .name = "s",
    .n_fields = 256,
    .fields = (const struct tocsin_field *)(const void *)"",
    .field_size = sizeof(struct tocsin_field)};

static const struct {
    const char *message;
    struct tocsin_plugin change; /* members that are set replace ours */
} refused[] = {
    {"it was built for plugin ABI 2", {.abi = 2}},
    {"its descriptor has only 16 bytes", {.struct_size = 16}},
    {"lacks one of its callbacks (open, read and close)",
     {.kind = TOCSIN_SOURCE}},
    {"lacks one of its callbacks (deliver)", {.kind = TOCSIN_EXPORTER}},
    {"lies outside the options struct",
     {.options = &outside,
      .n_options = 1,
      .option_size = sizeof outside,
      .options_struct_size = 104}},
    {"has unknown type 77",
     {.options = &untyped,
      .n_options = 1,
      .option_size = sizeof untyped,
      .options_struct_size = 8}},
    {"its table of options is broken",
     {.options = &untyped, .n_options = 1, .option_size = 4}},
    {"its table of streams is broken", {.n_streams = 1, .stream_size = 64}},
    {"has 256 fields, 255 is the limit",
     {.streams = &many, .n_streams = 1, .stream_size = sizeof many}},
};

START_TEST(a_broken_descriptor_is_refused_with_the_reason)
{
    const struct tocsin_plugin *c = &refused[_i].change;
    struct tocsin_plugin p = good(), got;
    struct err err;
    p.abi = c->abi != 0 ? c->abi : p.abi;
    p.kind = c->kind != 0 ? c->kind : p.kind;
    p.struct_size = c->struct_size != 0 ? c->struct_size : p.struct_size;
    p.options = c->options;
    p.n_options = c->n_options;
    p.option_size = c->option_size;
    p.options_struct_size = c->options_struct_size;
    p.streams = c->streams;
    p.n_streams = c->n_streams;
    p.stream_size = c->stream_size;
    ck_assert_int_eq(import(&p, &got, &err), -EINVAL);
    ck_assert_msg(strstr(err.message, refused[_i].message) != NULL, "got: %s",
                  err.message);
}
END_TEST

/* ---- files */

START_TEST(a_frozen_plugin_loads)
{
    ck_assert_int_eq(setenv("TOCSIN_PLUGIN_PATH", "tests/abi/.libs", 1), 0);
    AUTO(plugins) *ps = plugins_new();
    const struct plugin *p;
    struct err err = ERR_INIT;
    int r = plugins_get(ps, TOCSIN_DECODER, SLICE("frozen"), &p, &err);
    ck_assert_msg(r == 0, "%s", err.message);
    ck_assert_str_eq(p->id, "decode_frozen");
    ck_assert_str_eq(p->desc.streams[0].fields[1].name, "size");
    ck_assert_str_eq(p->desc.metrics[0].labels[0].name, "first");
    ck_assert_uint_eq(p->desc.n_options, 3);
}
END_TEST

START_TEST(an_unknown_name_gets_the_nearest_as_a_hint)
{
    ck_assert_int_eq(setenv("TOCSIN_PLUGIN_PATH", "tests/abi/.libs", 1), 0);
    AUTO(plugins) *ps = plugins_new();
    const struct plugin *p;
    struct err err = ERR_INIT;
    ck_assert_int_eq(plugins_get(ps, TOCSIN_DECODER, SLICE("frozn"), &p, &err),
                     -ENOENT);
    ck_assert_str_eq(err.message, "there is no decoder \"frozn\"");
    ck_assert_str_eq(err.hint, "did you mean \"frozen\"?");
    err = ERR_INIT;
    ck_assert_int_eq(
        plugins_get(ps, TOCSIN_DECODER, SLICE("../frozen"), &p, &err), -ENOENT);
}
END_TEST

static void
copy_file(const char *from, const char *to, mode_t mode)
{
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    ck_assert(in != NULL && out != NULL);
    for (int c; (c = fgetc(in)) != EOF;)
        ck_assert_int_ne(fputc(c, out), EOF);
    ck_assert_int_eq(fclose(in), 0);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_int_eq(chmod(to, mode), 0);
}

START_TEST(a_file_that_anybody_may_write_or_misnamed_is_refused)
{
    char dir[] = "/tmp/tocsin-plugins-XXXXXX", path[256], other[256];
    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/decode_frozen.so", dir);
    (void)snprintf(other, sizeof other, "%s/decode_thawed.so", dir);
    copy_file("tests/abi/.libs/decode_frozen.so", path, 0666);
    copy_file("tests/abi/.libs/decode_frozen.so", other, 0644);
    ck_assert_int_eq(setenv("TOCSIN_PLUGIN_PATH", dir, 1), 0);
    AUTO(plugins) *ps = plugins_new();
    const struct plugin *p;
    struct err err = ERR_INIT;
    int r = plugins_get(ps, TOCSIN_DECODER, SLICE("frozen"), &p, &err);
    ck_assert_int_eq(r, -EPERM);
    ck_assert_ptr_nonnull(strstr(err.message, "writable by everybody"));
    err = ERR_INIT;
    r = plugins_get(ps, TOCSIN_DECODER, SLICE("thawed"), &p, &err);
    ck_assert_int_eq(r, -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.message, "against its file name"));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(unlink(other), 0);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

static Suite *
plugins_suite(void)
{
    Suite *s = suite_create("plugins");
    TCase *t = tcase_create("descriptors");
    tcase_add_test(t, a_descriptor_of_today_is_taken);
    tcase_add_test(t, an_older_descriptor_lacks_only_what_it_never_had);
    tcase_add_test(t, a_newer_descriptor_is_cut_to_what_we_know);
    tcase_add_test(t, tables_of_other_element_sizes_are_laid_out_anew);
    tcase_add_loop_test(t, a_broken_descriptor_is_refused_with_the_reason, 0,
                        (int)ARRAY_SIZE(refused));
    suite_add_tcase(s, t);
    t = tcase_create("files");
    tcase_add_test(t, a_frozen_plugin_loads);
    tcase_add_test(t, an_unknown_name_gets_the_nearest_as_a_hint);
    tcase_add_test(t, a_file_that_anybody_may_write_or_misnamed_is_refused);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return unit_main(plugins_suite(), NULL);
}
