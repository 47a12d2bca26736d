/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <jansson.h>

#include "core/base/mem.h"
#include "core/config/options.h"
#include "core/config/secrets.h"
#include "tests/lib/unit.h"
#include "tests/unit/golden.h"

struct auth {
    const char *method, *client_id;
    int64_t refresh;
};

struct target {
    const char *url;
    struct tocsin_map labels;
};

struct all {
    int32_t follow, format;
    int64_t count, every, room;
    double ratio;
    const char *path, *token;
    struct tocsin_list names, kinds;
    struct tocsin_map properties, extra;
    const struct auth *auth;
    const struct auth *fallback;
    struct tocsin_list targets;
};

#define O(key_, type_, member_)                                                \
    .key = key_, .type = type_, .offset = offsetof(struct all, member_)

static const struct tocsin_option auth_options[] = {
    {.key = "method",
     .type = TOCSIN_OPT_STRING,
     .flags = TOCSIN_OPT_REQUIRED,
     .offset = offsetof(struct auth, method),
     .help = "How."},
    {.key = "client_id",
     .type = TOCSIN_OPT_STRING,
     .flags = TOCSIN_OPT_SECRET,
     .offset = offsetof(struct auth, client_id),
     .help = "Who."},
    {.key = "refresh",
     .type = TOCSIN_OPT_DURATION,
     .offset = offsetof(struct auth, refresh),
     .default_value = "1h",
     .min = 1000000,
     .max = 86400000000,
     .help = "When."},
};

static const struct tocsin_option target_options[] = {
    {.key = "url",
     .type = TOCSIN_OPT_STRING,
     .flags = TOCSIN_OPT_REQUIRED,
     .offset = offsetof(struct target, url),
     .help = "Where."},
    {.key = "labels",
     .type = TOCSIN_OPT_MAP,
     .offset = offsetof(struct target, labels),
     .default_value = "{site: none}",
     .help = "What it adds."},
};

static const struct tocsin_option all_options[] = {
    {O("path", TOCSIN_OPT_STRING, path), .flags = TOCSIN_OPT_REQUIRED,
     .help = "The files to read."},
    {O("follow", TOCSIN_OPT_BOOL, follow), .default_value = "true",
     .help = "Waits for more."},
    {O("format", TOCSIN_OPT_ENUM, format), .default_value = "gzip",
     .choices = "plain|gzip|zstd", .help = "How they are packed."},
    {O("count", TOCSIN_OPT_INT, count), .default_value = "5", .min = 1,
     .max = 10, .help = "How many."},
    {O("every", TOCSIN_OPT_DURATION, every), .default_value = "30s",
     .min = 1000000, .help = "How often."},
    {O("room", TOCSIN_OPT_SIZE, room), .max = 1 << 20, .help = "How large."},
    {O("ratio", TOCSIN_OPT_DOUBLE, ratio), .default_value = "0.5",
     .help = "How much."},
    {O("token", TOCSIN_OPT_STRING, token), .flags = TOCSIN_OPT_SECRET,
     .help = "A secret. 'Quoted', \\ and - too."},
    {O("names", TOCSIN_OPT_LIST, names), .default_value = "[a, b]",
     .help = "Names."},
    {O("kinds", TOCSIN_OPT_LIST, kinds), .help = "Kinds."},
    {O("properties", TOCSIN_OPT_MAP, properties), .help = "Anything."},
    {O("extra", TOCSIN_OPT_MAP, extra), .default_value = "{x: 1}",
     .help = "More."},
    {O("auth", TOCSIN_OPT_GROUP, auth), .flags = TOCSIN_OPT_SCALAR,
     .members = auth_options, .n_members = ARRAY_SIZE(auth_options),
     .members_struct_size = sizeof(struct auth), .help = "Who we are."},
    {O("fallback", TOCSIN_OPT_GROUP, fallback),
     .default_value = "{method: none, refresh: 2h}", .members = auth_options,
     .n_members = ARRAY_SIZE(auth_options),
     .members_struct_size = sizeof(struct auth),
     .help = "Who we are otherwise."},
    {O("targets", TOCSIN_OPT_GROUPS, targets), .flags = TOCSIN_OPT_SCALAR,
     .members = target_options, .n_members = ARRAY_SIZE(target_options),
     .members_struct_size = sizeof(struct target), .help = "What is asked."},
};

static const struct options_table all_table = {
    all_options, ARRAY_SIZE(all_options), sizeof(struct tocsin_option),
    sizeof(struct all)};

static void
dump_list(const char *name, const struct tocsin_list *l, struct buf *out)
{
    buf_printf(out, "%s", name);
    for (size_t i = 0; i < l->n; i++)
        buf_printf(out, " %s", ((const char *const *)l->items)[i]);
    buf_putc(out, '\n');
}

static void
dump_map(const char *name, const struct tocsin_map *m, struct buf *out)
{
    buf_printf(out, "%s", name);
    for (size_t i = 0; i < m->n; i++)
        buf_printf(out, " %s=%s", m->keys[i], m->values[i]);
    buf_putc(out, '\n');
}

static void
dump_auth(const char *name, const struct auth *a, struct buf *out)
{
    if (a != NULL)
        buf_printf(out, "%s %s %s %lld\n", name, a->method,
                   a->client_id == NULL ? "-" : a->client_id,
                   (long long)a->refresh);
}

static void
dump(const struct all *o, struct buf *out)
{
    buf_printf(out, "%s %d %d %lld %lld %lld %g %s\n", o->path, o->follow,
               o->format, (long long)o->count, (long long)o->every,
               (long long)o->room, o->ratio, o->token == NULL ? "-" : o->token);
    dump_list("names", &o->names, out);
    dump_list("kinds", &o->kinds, out);
    dump_map("properties", &o->properties, out);
    dump_map("extra", &o->extra, out);
    dump_auth("auth", o->auth, out);
    dump_auth("fallback", o->fallback, out);
    const struct target *const *targets = (const void *)o->targets.items;
    for (size_t i = 0; i < o->targets.n; i++) {
        buf_printf(out, "target %s", targets[i]->url);
        dump_map("", &targets[i]->labels, out);
    }
}

static void
fill(struct slice input, struct buf *out)
{
    static const char *const others[] = {"send_resolved"};
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    AUTO_FINI(arena) arena;
    arena_init(&arena, 1024, 1 << 20);
    AUTO(secrets) *secrets = secrets_new();
    AUTO(yaml_doc) *doc = yaml_parse(input, "o.yaml", &errs);
    ck_assert(secrets != NULL && doc != NULL);
    struct options_ctx ctx = {&arena, secrets, &errs, others, 1};
    void *filled = NULL;
    int r = options_fill(&ctx, &all_table, doc->root, doc->root, &filled);
    ck_assert_int_eq(r, errs.errors > 0 ? -EINVAL : 0);
    if (r == 0)
        dump(filled, out);
    errlist_print(&errs, out, yaml_source, doc);
    if (r < 0)
        secrets_redact(secrets, out, 0);
}

START_TEST(options_are_filled_or_refused_as_written_down)
{
    ck_assert_uint_gt(golden_run("options_cases.txt", fill), 20);
}
END_TEST

START_TEST(a_plugin_with_a_smaller_table_is_read)
{
    /* As an older header had it: up to 'help', which it lacks. */
    enum { OLD = offsetof(struct tocsin_option, help) };
    _Alignas(8) char old[2 * OLD];
    memcpy(old, &all_options[0], OLD);
    memcpy(old + OLD, &all_options[3], OLD);
    struct options_table t = {(const void *)old, 2, OLD, sizeof(struct all)};
    struct err err = ERR_INIT;
    ck_assert_int_eq(options_check_table(&t, &err), 0);
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    AUTO_FINI(arena) arena;
    arena_init(&arena, 1024, 1 << 20);
    AUTO(yaml_doc) *doc = yaml_parse(SLICE("{path: x, count: 7}"), "t", &errs);
    struct options_ctx ctx = {.arena = &arena, .errs = &errs};
    void *filled;
    ck_assert_int_eq(options_fill(&ctx, &t, doc->root, doc->root, &filled), 0);
    const struct all *o = filled;
    ck_assert_str_eq(o->path, "x");
    ck_assert_int_eq(o->count, 7);
    AUTO_FINI(buf) b = BUF_INIT(4096);
    options_print(&t, &b);
    ck_assert_str_eq(buf_str(&b),
                     "  path (text, required)\n"
                     "  count (whole number, at least 1, at most 10, default "
                     "5)\n");
}
END_TEST

static void
expect_bad_table(struct tocsin_option o, const char *message)
{
    struct tocsin_option two[] = {o, o};
    struct options_table t = {two, 1, sizeof o, 64};
    struct err err = ERR_INIT;
    ck_assert_int_eq(options_check_table(&t, &err), -EINVAL);
    ck_assert_str_eq(err.message, message);
}

START_TEST(a_wrong_table_is_refused)
{
    struct tocsin_option ok = {.key = "a", .type = TOCSIN_OPT_INT};
    struct tocsin_option o = ok;
    o.key = NULL;
    expect_bad_table(o, "option 0 has no key");
    o.key = "Big";
    expect_bad_table(o, "option \"Big\": a key is snake_case");
    o = ok;
    o.type = 0;
    expect_bad_table(o, "option \"a\" has no known type");
    o.type = 12;
    expect_bad_table(o, "option \"a\" has no known type");
    o = ok;
    o.offset = 57;
    expect_bad_table(o, "option \"a\" does not lie in the options struct");
    o.offset = SIZE_MAX - 3;
    expect_bad_table(o, "option \"a\" does not lie in the options struct");
    o = ok;
    o.type = TOCSIN_OPT_ENUM;
    expect_bad_table(o, "option \"a\" has no choices");
    o = ok;
    o.default_value = "many";
    expect_bad_table(o, "the default of option \"a\" is wrong: expected a "
                        "whole number, found \"many\"");
    o = ok;
    o.type = TOCSIN_OPT_GROUP;
    o.flags = TOCSIN_OPT_SCALAR;
    expect_bad_table(o, "option \"a\" has no first member");
    o.flags = 0;
    o.n_members = 1;
    expect_bad_table(o, "option \"a\" has no members");
    struct tocsin_option endless = {.key = "g", .type = TOCSIN_OPT_GROUP};
    endless.members = &endless;
    endless.n_members = 1;
    endless.members_struct_size = 8;
    struct options_table t = {&endless, 1, sizeof endless, 64};
    struct err err = ERR_INIT;
    ck_assert_int_eq(options_check_table(&t, &err), -EINVAL);
    ck_assert_str_eq(err.message, "groups of options are too deep");
    struct tocsin_option twice[] = {ok, ok};
    t = (struct options_table){twice, 2, sizeof ok, 64};
    struct err err2 = ERR_INIT;
    ck_assert_int_eq(options_check_table(&t, &err2), -EINVAL);
    ck_assert_str_eq(err2.message, "option \"a\" is there twice");
}
END_TEST

START_TEST(tables_print_themselves)
{
    struct err err = ERR_INIT;
    ck_assert_int_eq(options_check_table(&all_table, &err), 0);
    AUTO_FINI(buf) b = BUF_INIT(1 << 20);
    options_print(&all_table, &b);
    ck_assert_ptr_nonnull(
        strstr(buf_str(&b),
               "  format (one of plain, gzip, zstd, default gzip)\n"
               "      How they are packed.\n"
               "  count (whole number, at least 1, at most 10, default 5)\n"
               "      How many.\n"));
    ck_assert_ptr_nonnull(strstr(buf_str(&b),
                                 "  auth (group, or only its method)\n"
                                 "      Who we are.\n"
                                 "      method (text, required)\n"
                                 "          How.\n"));
    buf_reset(&b);
    options_mdoc(&all_table, &b);
    ck_assert_ptr_nonnull(strstr(buf_str(&b),
                                 ".It Ic token\n"
                                 "A secret. 'Quoted', \\e and \\- too.\n"
                                 ".Pq text, secret\n"));
    buf_reset(&b);
    options_json_schema(&all_table, &b);
    json_error_t error;
    json_t *schema = json_loadb(b.p, b.n, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(schema != NULL, "%s in %.*s", error.text, (int)b.n, b.p);
    json_t *properties = json_object_get(schema, "properties");
    ck_assert_uint_eq(json_object_size(properties), ARRAY_SIZE(all_options));
    ck_assert_uint_eq(json_array_size(json_object_get(schema, "required")), 1);
    json_t *count = json_object_get(properties, "count");
    ck_assert_int_eq(json_integer_value(json_object_get(count, "maximum")), 10);
    ck_assert(json_object_get(json_object_get(properties, "token"),
                              "default") == NULL);
    json_decref(schema);
}
END_TEST

START_TEST(secrets_are_hidden_in_every_form)
{
    AUTO(secrets) *s = secrets_new();
    ck_assert_int_eq(secrets_add(s, SLICE("abc")), 0); /* too short to hide */
    ck_assert_int_eq(secrets_add(s, SLICE("hunter2")), 0);
    ck_assert_int_eq(secrets_add(s, SLICE("hunter2hunter2")), 0);
    ck_assert_int_eq(secrets_add(s, SLICE("quo\"te\n")), 0);
    ck_assert_int_eq(
        secrets_add(s, SLICE("-----BEGIN KEY-----\r\nMIIEvQIBADANBgkqh\r\n")),
        0);
    ck_assert_int_eq(
        secrets_add(s, SLICE("Endpoint=sb://x/;SharedAccessKeyName=me;"
                             "SharedAccessKey=a2V5a2V5a2V5=;EntityPath=e")),
        0);
    AUTO_FINI(buf) b = BUF_INIT(4096);
    buf_append_str(&b, "abc hunter2 xhunter2hunter2x quo\\\"te\\n and "
                       "MIIEvQIBADANBgkqh: sb://x/ me a2V5a2V5a2V5= hunter");
    secrets_redact(s, &b, 4);
    ck_assert_str_eq(buf_str(&b),
                     "abc <secret> x<secret>x <secret> and <secret>: sb://x/ "
                     "me <secret> hunter");
    buf_reset(&b);
    buf_append_str(&b, "hunter2 hunter2");
    secrets_redact(s, &b, 8);
    ck_assert_str_eq(buf_str(&b), "hunter2 <secret>");
    secrets_redact(NULL, &b, 0);
    AUTO_FINI(buf) full = BUF_INIT(7);
    buf_append_str(&full, "hunter2");
    secrets_redact(s, &full, 0);
    ck_assert_uint_eq(full.n, 0);
    ck_assert_int_lt(buf_error(&full), 0);
    ck_assert_int_eq(secrets_add(NULL, SLICE("hunter2")), 0);
}
END_TEST

static Suite *
options_suite(void)
{
    Suite *s = suite_create("options");
    TCase *tc = tcase_create("options");
    tcase_add_test(tc, options_are_filled_or_refused_as_written_down);
    tcase_add_test(tc, a_plugin_with_a_smaller_table_is_read);
    tcase_add_test(tc, a_wrong_table_is_refused);
    tcase_add_test(tc, tables_print_themselves);
    tcase_add_test(tc, secrets_are_hidden_in_every_form);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return unit_main(options_suite(), NULL);
}
