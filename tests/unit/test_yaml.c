/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/base/err.h"
#include "core/config/yaml.h"
#include "tests/lib/unit.h"
#include "tests/unit/golden.h"

static void
dump(const struct yaml_node *node, unsigned depth, struct buf *out)
{
    static const char styles[] = {'p', 's', 'd', 'l', 'f'};
    static const char kinds[] = {0, '[', '{'};
    char c =
        node->kind == YAML_SCALAR ? styles[node->style] : kinds[node->kind];
    buf_printf(out, "%u:%u-%u:%u %c ", node->line, node->column, node->end_line,
               node->end_column, c);
    if (node->kind == YAML_SCALAR) {
        buf_append_json_string(out, node->value);
        buf_printf(out, "%s\n", yaml_is_null(node) ? " null" : "");
        return;
    }
    buf_printf(out, "%u\n", node->n);
    for (size_t i = 0; i < node->n; i++) {
        buf_printf(out, "%*s", (int)(depth + 1) * 2, "");
        if (node->kind == YAML_MAPPING) {
            dump(node->pairs[i].key, depth + 1, out);
            buf_printf(out, "%*s= ", (int)(depth + 1) * 2, "");
            dump(node->pairs[i].value, depth + 1, out);
        } else {
            dump(node->items[i], depth + 1, out);
        }
    }
}

static void
tree_and_errors(struct slice input, struct buf *out)
{
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    AUTO(yaml_doc) *doc = yaml_parse(input, "t.yaml", &errs);
    ck_assert(doc != NULL);
    if (!doc->broken)
        dump(doc->root, 0, out);
    errlist_print(&errs, out, yaml_source, doc);
}

START_TEST(trees_and_errors_are_as_written_down)
{
    ck_assert_uint_gt(golden_run("yaml_cases.txt", tree_and_errors), 40);
}
END_TEST

static Suite *
yaml_suite(void)
{
    Suite *s = suite_create("yaml");
    TCase *tc = tcase_create("yaml");
    tcase_add_test(tc, trees_and_errors_are_as_written_down);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return unit_main(yaml_suite(), NULL);
}
