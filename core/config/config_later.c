/* SPDX-License-Identifier: Apache-2.0 */
/* config_later.c - what this version reads and does not do yet.
 *
 * Its shape is checked, so that a typing error is told as such; then it is
 * refused, because a collector that seems to inhibit or to mute and doesn't is
 * worse than one that says so.  What is empty asks for nothing and is fine. */
#include "config.h"

#include "core/config/config_priv.h"

#define KEYS(...)                                                              \
    .keys = (const char *const[]){__VA_ARGS__},                                \
    .n_keys = ARRAY_SIZE(((const char *const[]){__VA_ARGS__}))

static const struct later {
    const char *key;
    enum yaml_kind kind;
    const char *const *keys; /* of the mapping, or of a list's mappings */
    size_t n_keys;
} laters[] = {
    {"inhibit_rules", YAML_SEQUENCE,
     KEYS("name", "source_match", "source_match_re", "source_matchers",
          "target_match", "target_match_re", "target_matchers", "equal",
          "sources")},
    {"time_intervals", YAML_SEQUENCE, KEYS("name", "time_intervals")},
    {"mute_time_intervals", YAML_SEQUENCE, KEYS("name", "time_intervals")},
    {"silences", YAML_SEQUENCE,
     KEYS("id", "matchers", "startsAt", "endsAt", "createdBy", "comment")},
    {"heartbeat", YAML_MAPPING, KEYS("receiver", "interval")},
    {"alerting", YAML_MAPPING, KEYS("alertmanagers", "alert_relabel_configs")},
    {"alertmanager_config", YAML_SCALAR, .keys = NULL},
    {"templates", YAML_SEQUENCE, .keys = NULL},
    {"global", YAML_MAPPING, .keys = NULL},
};

static bool
is_empty(const struct yaml_node *node)
{
    return yaml_is_null(node) || (node->kind != YAML_SCALAR && node->n == 0);
}

void
config_later_key(struct config_build *b, const struct yaml_pair *pair)
{
    if (pair == NULL || is_empty(pair->value))
        return;
    yaml_error(pair->key, b->errs, "\"%.*s\" is not in this version yet",
               SLICE_FMT(pair->key->value));
    errlist_hint(b->errs, "remove it: nothing would come of it");
}

static void
check_shape(struct config_build *b, const struct later *later,
            const struct yaml_node *node)
{
    if (yaml_expect(node, later->kind, b->errs) < 0 || later->keys == NULL)
        return;
    if (node->kind == YAML_MAPPING) {
        (void)yaml_unknown_keys(node, later->keys, later->n_keys, b->errs);
        return;
    }
    for (size_t i = 0; i < node->n; i++)
        if (yaml_expect(node->items[i], YAML_MAPPING, b->errs) == 0)
            (void)yaml_unknown_keys(node->items[i], later->keys, later->n_keys,
                                    b->errs);
}

int
config_build_later(struct config_build *b, const struct yaml_node *root)
{
    for (size_t i = 0; i < ARRAY_SIZE(laters); i++) {
        const struct yaml_pair *pair = yaml_get_pair(root, laters[i].key);
        if (pair == NULL || is_empty(pair->value))
            continue;
        check_shape(b, &laters[i], pair->value);
        config_later_key(b, pair);
    }
    return 0;
}
