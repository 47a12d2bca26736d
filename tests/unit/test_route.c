/* SPDX-License-Identifier: Apache-2.0 */
/* test_route.c - which routes take an alert, and how groups are named. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/notify/route.h"
#include "core/record/delivery.h"
#include "tests/lib/unit.h"
#include "tests/unit/notify_script.h"

static const char yaml[] =
    "state_dir: /tmp\n"
    "inputs: [{name: i, source: 'null', decoders: ['null']}]\n"
    "receivers:\n"
    "  - {name: root}\n"
    "  - {name: team}\n"
    "  - {name: night}\n"
    "  - {name: deep}\n"
    "  - {name: all}\n"
    "  - {name: not}\n"
    "route:\n"
    "  receiver: root\n"
    "  group_by: [hub]\n"
    "  routes:\n"
    "    - {matchers: ['audit=\"yes\"'], receiver: all, continue: true, "
    "group_by: ['...']}\n"
    "    - matchers: ['team=~\"a|b\"']\n"
    "      receiver: team\n"
    "      routes:\n"
    "        - {matchers: ['severity=\"page\"', 'hub!=\"test\"'], "
    "receiver: deep}\n"
    "        - {matchers: ['night=~\".+\"'], receiver: night, continue: "
    "true}\n"
    "        - {matchers: ['night=\"x\"'], receiver: deep}\n"
    "    - {matchers: ['owner!~\"x.*\"', 'owner!=\"\"'], receiver: not}\n";

static const struct {
    const char *labels, *want;
} cases[] = {
    {"", "root"},
    {"hub=x", "root"},
    {"team=a", "team"},
    {"team=ab", "root"}, /* a whole match */
    {"team=b,severity=page", "deep"},
    {"team=b,severity=page,hub=test", "team"},
    {"team=b,severity=page,hub=eu", "deep"},
    {"team=a,night=y", "night"},
    {"team=a,night=x", "night deep"},
    {"audit=yes", "all"},
    {"audit=yes,team=a", "all team"},
    {"audit=yes,team=a,night=x", "all night deep"},
    {"owner=xy", "root"},
    {"owner=y", "not"},
    {"audit=yes,owner=y", "all not"},
    {"team=a,owner=y", "team"}, /* the first ends the walk */
};

static size_t
parse(char *text, struct label *labels)
{
    size_t n = 0;
    char *save = NULL;
    for (char *w = strtok_r(text, ",", &save); w != NULL;
         w = strtok_r(NULL, ",", &save)) {
        char *eq = strchr(w, '=');
        labels[n++] = (struct label){slice_new(w, (size_t)(eq - w)),
                                     slice_from_str(eq + 1)};
    }
    return n;
}

static int
note(void *arg, const struct route *route)
{
    struct buf *b = arg;
    return buf_printf(b, "%s%s", b->n > 0 ? " " : "",
                      route->config->receiver->name);
}

START_TEST(an_alert_takes_these_routes)
{
    struct config *cfg = script_config(yaml);
    struct routes *rs;
    struct err err = ERR_INIT;
    struct label labels[8];
    char text[128];
    struct buf b = BUF_INIT(1024);
    ck_assert_int_eq(routes_new(cfg->route, &rs, &err), 0);
    snprintf(text, sizeof text, "%s", cases[_i].labels);
    ck_assert_int_eq(routes_match(rs, labels, parse(text, labels), note, &b),
                     0);
    ck_assert_msg(strcmp(buf_str(&b), cases[_i].want) == 0,
                  "%s: want %s, got %s", cases[_i].labels, cases[_i].want,
                  buf_str(&b));
    buf_fini(&b);
    routes_free(rs);
    config_free(cfg);
}
END_TEST

START_TEST(a_route_has_alertmanagers_key)
{
    static const char *const want[] = {
        "{}",
        "{}/{audit=\"yes\"}",
        "{}/{team=~\"a|b\"}",
        "{}/{team=~\"a|b\"}/{hub!=\"test\",severity=\"page\"}",
        "{}/{team=~\"a|b\"}/{night=~\".+\"}",
        "{}/{team=~\"a|b\"}/{night=\"x\"}",
        "{}/{owner!=\"\",owner!~\"x.*\"}",
    };
    struct config *cfg = script_config(yaml);
    struct routes *rs;
    struct err err = ERR_INIT;
    ck_assert_int_eq(routes_new(cfg->route, &rs, &err), 0);
    ck_assert_uint_eq(routes_count(rs), ARRAY_SIZE(want));
    for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
        struct slice key = routes_get(rs, i)->key;
        ck_assert_msg(slice_eq_str(key, want[i]), "%.*s", SLICE_FMT(key));
    }
    ck_assert(route_groups_by(routes_get(rs, 0), SLICE("hub")));
    ck_assert(!route_groups_by(routes_get(rs, 0), SLICE("team")));
    ck_assert(route_groups_by(routes_get(rs, 1), SLICE("team")));
    routes_free(rs);
    config_free(cfg);
}
END_TEST

START_TEST(labels_are_printed_as_go_does)
{
    static const struct label labels[] = {
        {SLICE_INIT("a"), SLICE_INIT("x\"y\\z")},
        {SLICE_INIT("a0"), SLICE_INIT("line\n\x01\xff\xc3\xa4\xc2\xa0")},
    };
    struct buf b = BUF_INIT(1024);
    ck_assert_int_eq(labels_print(labels, 2, &b), 0);
    ck_assert_str_eq(buf_str(&b), "{a0=\"line\\n\\x01\\xff\xc3\xa4\\u00a0\", "
                                  "a=\"x\\\"y\\\\z\"}");
    buf_reset(&b);
    ck_assert_int_eq(labels_print(labels, 0, &b), 0);
    ck_assert_str_eq(buf_str(&b), "{}");
    buf_fini(&b);
}
END_TEST

START_TEST(a_delivery_reads_back_and_no_piece_of_it_does)
{
    struct delivery d = {.step = DELIVERY_DONE,
                         .outcome = DELIVERY_REFUSED,
                         .attempts = 300,
                         .key = SLICE("k"),
                         .target = SLICE("a/b[0]"),
                         .group_key = SLICE("{}:{}"),
                         .reason = SLICE("because")};
    struct delivery got;
    struct buf b = BUF_INIT(1024);
    ck_assert_int_eq(delivery_encode(&d, &b), 0);
    ck_assert_int_eq(delivery_decode(buf_slice(&b), &got), 0);
    ck_assert_uint_eq(got.step, d.step);
    ck_assert_uint_eq(got.outcome, d.outcome);
    ck_assert_uint_eq(got.attempts, d.attempts);
    ck_assert(slice_eq(got.key, d.key));
    ck_assert(slice_eq(got.target, d.target));
    ck_assert(slice_eq(got.group_key, d.group_key));
    ck_assert(slice_eq(got.reason, d.reason));
    for (size_t n = 0; n < b.n; n++) {
        char *piece = malloc(n + 1); /* of its own, for the sanitizer */
        memcpy(piece, b.p, n);
        ck_assert_int_eq(delivery_decode(slice_new(piece, n), &got), -EBADMSG);
        free(piece);
    }
    buf_fini(&b);
}
END_TEST

static Suite *
route_suite(void)
{
    Suite *s = suite_create("route");
    TCase *tc = tcase_create("routes");
    tcase_add_loop_test(tc, an_alert_takes_these_routes, 0,
                        (int)ARRAY_SIZE(cases));
    tcase_add_test(tc, a_route_has_alertmanagers_key);
    tcase_add_test(tc, labels_are_printed_as_go_does);
    tcase_add_test(tc, a_delivery_reads_back_and_no_piece_of_it_does);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return unit_main(route_suite(), NULL);
}
