/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_yaml.c - any bytes as a configuration: nothing crashes, nothing is read
 * past its end, each place lies in the text, and what is refused is told. */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/base/buf.h"
#include "core/config/configuration.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_node(const struct yaml_node *node)
{
    if (node->start > node->end || node->end > node->doc->text.n ||
        node->line == 0 || node->column == 0)
        abort();
    if (node->kind == YAML_SCALAR) {
        size_t step = node->value.n / 16 + 1;
        for (size_t i = 0; i <= node->value.n; i += step) {
            struct where w = yaml_where_at(node, i, 1);
            if (w.line < node->line || w.line > node->end_line + 1)
                abort();
        }
        return;
    }
    for (size_t i = 0; i < node->n; i++) {
        if (node->kind == YAML_MAPPING)
            check_node(node->pairs[i].key);
        check_node(node->kind == YAML_MAPPING ? node->pairs[i].value
                                              : node->items[i]);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_new(data, size);
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    AUTO(yaml_doc) *doc = yaml_parse(text, "fuzz.yaml", &errs);
    if (doc == NULL || (doc->broken && errs.errors == 0))
        abort();
    if (doc->root->weight <= 4096)
        check_node(doc->root);

    AUTO_FINI(errlist) more;
    errlist_init(&more);
    AUTO(config) *cfg = NULL;
    int r = config_parse(text, "fuzz.yaml", "/nonexistent",
                         CONFIG_NO_SECRETS | CONFIG_NO_FILES, &cfg, &more);
    if (r == -ENOMEM || (r < 0) != (more.errors > 0))
        abort();
    AUTO_FINI(buf) out = BUF_INIT((size_t)64 << 20);
    config_print_errors(cfg, &more, &out);
    return 0;
}
