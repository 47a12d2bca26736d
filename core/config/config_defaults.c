/* SPDX-License-Identifier: Apache-2.0 */
/* config_defaults.c - every setting with its default, from the tables. */
#include "config.h"

#include "core/config/config_priv.h"
#include "core/config/options_priv.h"

#include "core/base/buf.h"

static const struct config_section sections[] = {
    {"", &config_settings_table},
    {"inputs", &config_input_table},
    {"exporters", &config_exporter_table},
    {"exporters.select", &config_select_table},
    {"route", &config_route_table},
};

const struct config_section *
config_section(size_t i)
{
    return i < ARRAY_SIZE(sections) ? &sections[i] : NULL;
}

/* 'first' and 'rest' stand before the first key and before all others. */
static void
print_table(const struct options_table *t, const char *first, const char *rest,
            struct buf *b)
{
    for (size_t i = 0; i < t->n; i++) {
        struct tocsin_option o = options_at(t, i);
        bool group = o.type == TOCSIN_OPT_GROUP;
        const char *text = o.default_value;
        if (text == NULL && o.type == TOCSIN_OPT_LIST)
            text = "[]";
        else if (text == NULL && o.type == TOCSIN_OPT_MAP)
            text = "{}";
        (void)buf_printf(b, "%s# %s\n", rest, o.help);
        (void)buf_printf(b, "%s%s%s:", i == 0 ? first : rest,
                         text == NULL && first[0] != '#' ? "# " : "", o.key);
        if (text != NULL && !group)
            (void)buf_printf(b, " %s", text);
        (void)buf_putc(b, '\n');
        if (group) {
            struct options_table members = options_members(t, &o);
            print_table(&members, "  ", "  ", b);
        }
    }
}

void
config_print_defaults(struct buf *b)
{
    print_table(&config_settings_table, "", "", b);
    (void)buf_append_str(b, "# inputs:\n");
    print_table(&config_input_table, "#   - ", "#     ", b);
    (void)buf_append_str(b, "#     source: {}\n#     decoders: []\n");
    (void)buf_append_str(b, "# exporters:\n");
    print_table(&config_exporter_table, "#   - ", "#     ", b);
    (void)buf_append_str(b, "# receivers: []\n# route:\n");
    print_table(&config_route_table, "#   ", "#   ", b);
    (void)buf_append_str(b, "#   routes: []\n");
}
