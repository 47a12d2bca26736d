/* SPDX-License-Identifier: Apache-2.0 */
/* config_receivers.c - who is notified: lists of plugins' options by name. */
#include "config.h"

#include <errno.h>

#include "core/config/config_priv.h"

#include "core/base/str.h"

/* Alertmanager's integrations, for hints, and what each does with resolved
 * alerts if nobody says. */
static const struct {
    const char *key;
    bool send_resolved;
} integrations[] = {
    {"discord_configs", true},     {"email_configs", false},
    {"incidentio_configs", true},  {"jira_configs", true},
    {"mattermost_configs", true},  {"msteams_configs", true},
    {"msteamsv2_configs", true},   {"opsgenie_configs", true},
    {"pagerduty_configs", true},   {"pushover_configs", true},
    {"rocketchat_configs", false}, {"slack_configs", false},
    {"sns_configs", true},         {"telegram_configs", true},
    {"victorops_configs", true},   {"webex_configs", true},
    {"webhook_configs", true},     {"wechat_configs", false},
};

static bool
default_send_resolved(struct slice key)
{
    for (size_t i = 0; i < ARRAY_SIZE(integrations); i++)
        if (slice_eq_str(key, integrations[i].key))
            return integrations[i].send_resolved;
    return true;
}

/* How many entries the receiver's lists have. */
static size_t
count_integrations(const struct yaml_node *node)
{
    size_t n = 0;
    for (size_t i = 0; i < node->n; i++)
        if (node->pairs[i].value->kind == YAML_SEQUENCE)
            n += node->pairs[i].value->n;
    return n;
}

static int
build_integrations(struct config_build *b, const struct yaml_pair *pair,
                   struct config_integration *all, size_t *n)
{
    const struct yaml_node *list = pair->value;
    if (yaml_is_null(list) || yaml_expect(list, YAML_SEQUENCE, b->errs) < 0)
        return 0;
    struct slice key = pair->key->value;
    const char *name = arena_strndup(&b->cfg->arena, key.p, key.n);
    if (name == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < list->n; i++) {
        const struct yaml_node *entry = list->items[i];
        struct config_integration *in = &all[*n];
        if (yaml_expect(entry, YAML_MAPPING, b->errs) < 0)
            continue;
        *in = (struct config_integration){.key = name,
                                          .index = i,
                                          .at = pair->key,
                                          .options = entry,
                                          .send_resolved =
                                              default_send_resolved(key)};
        (void)yaml_get_bool(entry, "send_resolved", b->errs,
                            &in->send_resolved);
        ++*n;
    }
    return 0;
}

static void
unknown_receiver_key(struct config_build *b, const struct yaml_node *key)
{
    const char *names[ARRAY_SIZE(integrations) + 1];
    for (size_t i = 0; i < ARRAY_SIZE(integrations); i++)
        names[i] = integrations[i].key;
    names[ARRAY_SIZE(integrations)] = "name";
    yaml_error(key, b->errs, "unknown key \"%.*s\"", SLICE_FMT(key->value));
    const char *near = str_nearest(key->value, names, ARRAY_SIZE(names));
    if (near != NULL)
        errlist_hint(b->errs, "did you mean \"%s\"?", near);
    else
        errlist_hint(b->errs, "a receiver has lists such as "
                              "\"webhook_configs\"");
}

static int
build_receiver(struct config_build *b, const struct yaml_node *node,
               struct config_receiver *rc)
{
    rc->name = "";
    rc->at = node;
    if (yaml_expect(node, YAML_MAPPING, b->errs) < 0)
        return 0;
    struct config_integration *all = arena_new_array(
        &b->cfg->arena, struct config_integration, count_integrations(node));
    if (all == NULL)
        return -ENOMEM;
    rc->integrations = all;
    struct slice name = SLICE("");
    if (yaml_get_string(node, "name", b->errs, &name) >= 0 && name.n == 0)
        yaml_error(node, b->errs, "a receiver needs a name");
    rc->name = arena_strndup(&b->cfg->arena, name.p, name.n);
    if (rc->name == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < node->n; i++) {
        const struct yaml_pair *pair = &node->pairs[i];
        if (slice_eq_str(pair->key->value, "name"))
            continue;
        if (!slice_ends_with(pair->key->value, SLICE("_configs"))) {
            unknown_receiver_key(b, pair->key);
            continue;
        }
        int r = build_integrations(b, pair, all, &rc->n_integrations);
        if (r < 0)
            return r;
    }
    return 0;
}

int
config_build_receivers(struct config_build *b, const struct yaml_node *root)
{
    const struct yaml_node *list = yaml_get(root, "receivers");
    if (yaml_is_null(list) || yaml_expect(list, YAML_SEQUENCE, b->errs) < 0)
        return 0;
    struct config_receiver *receivers =
        arena_new_array(&b->cfg->arena, struct config_receiver, list->n);
    if (receivers == NULL)
        return -ENOMEM;
    b->cfg->receivers = receivers;
    for (size_t i = 0; i < list->n; i++) {
        int r = build_receiver(b, list->items[i], &receivers[i]);
        if (r < 0)
            return r;
        b->cfg->n_receivers = i + 1;
        for (size_t k = 0; k < i && receivers[i].name[0] != 0; k++)
            if (strcmp(receivers[k].name, receivers[i].name) == 0) {
                yaml_error(yaml_get(list->items[i], "name"), b->errs,
                           "there are two receivers named \"%s\"",
                           receivers[i].name);
                errlist_hint(b->errs, "the first one is in line %u",
                             receivers[k].at->line);
                break;
            }
    }
    return 0;
}
