/* SPDX-License-Identifier: Apache-2.0 */
/* options_print.c - a table of options for a terminal, a manual page and an
 * editor. */
#include "config.h"

#include "core/config/options_priv.h"

#include "core/base/buf.h"

static const char *
type_name(uint32_t type)
{
    static const char *const names[] = {
        [TOCSIN_OPT_BOOL] = "true or false",
        [TOCSIN_OPT_INT] = "whole number",
        [TOCSIN_OPT_DOUBLE] = "number",
        [TOCSIN_OPT_STRING] = "text",
        [TOCSIN_OPT_DURATION] = "duration",
        [TOCSIN_OPT_SIZE] = "size",
        [TOCSIN_OPT_ENUM] = "one of",
        [TOCSIN_OPT_LIST] = "list of texts",
        [TOCSIN_OPT_MAP] = "map of texts",
        [TOCSIN_OPT_GROUP] = "group",
        [TOCSIN_OPT_GROUPS] = "list of groups",
    };
    return type < ARRAY_SIZE(names) && names[type] != NULL ? names[type]
                                                           : "unknown";
}

static void
put_choices(struct buf *b, const struct tocsin_option *o, const char *between)
{
    struct slice choice;
    for (size_t i = 0; options_choice(o, i, &choice); i++)
        (void)buf_printf(b, "%s%.*s", i > 0 ? between : "", SLICE_FMT(choice));
}

/* "duration, at least 1s, default 30s", without a secret's default. */
static void
put_type(struct buf *b, const struct tocsin_option *o)
{
    char limit[64];
    (void)buf_append_str(b, type_name(o->type));
    if (o->type == TOCSIN_OPT_ENUM) {
        (void)buf_putc(b, ' ');
        put_choices(b, o, ", ");
    }
    if ((o->flags & TOCSIN_OPT_SCALAR) != 0)
        /* The first member's key stands where it did in every version. */
        (void)buf_printf(b, ", or only its %s", o->members[0].key);
    if (options_has_min(o) && (o->min != 0 || o->type == TOCSIN_OPT_INT))
        (void)buf_printf(b, ", at least %s", options_limit(o, o->min, limit));
    if (options_has_max(o))
        (void)buf_printf(b, ", at most %s", options_limit(o, o->max, limit));
    if ((o->flags & TOCSIN_OPT_REQUIRED) != 0)
        (void)buf_append_str(b, ", required");
    if ((o->flags & TOCSIN_OPT_SECRET) != 0)
        (void)buf_append_str(b, ", secret");
    else if (o->default_value != NULL)
        (void)buf_printf(b, ", default %s",
                         o->default_value[0] == 0 ? "\"\"" : o->default_value);
}

/* ------------------------------------------------------------------ text */

static void
print_text(const struct options_table *t, struct buf *b, unsigned depth)
{
    int in = 2 + 4 * (int)depth;
    for (size_t i = 0; i < t->n; i++) {
        struct tocsin_option o = options_at(t, i);
        (void)buf_printf(b, "%*s%s (", in, "", o.key);
        put_type(b, &o);
        (void)buf_append_str(b, ")\n");
        if (o.help != NULL)
            (void)buf_printf(b, "%*s%s\n", in + 4, "", o.help);
        if (o.n_members > 0 && depth < OPTIONS_DEPTH_MAX) {
            struct options_table members = options_members(t, &o);
            print_text(&members, b, depth + 1);
        }
    }
}

void
options_print(const struct options_table *t, struct buf *b)
{
    print_text(t, b, 0);
}

/* ------------------------------------------------------------------ mdoc */

/* Text that roff must not read as anything else. */
static void
put_roff(struct buf *b, const char *text)
{
    if (text[0] == '.' || text[0] == '\'')
        (void)buf_append_str(b, "\\&");
    for (; *text != 0; text++) {
        if (*text == '\\')
            (void)buf_append_str(b, "\\e");
        else if (*text == '-')
            (void)buf_append_str(b, "\\-");
        else
            (void)buf_putc(b, *text == '\n' ? ' ' : *text);
    }
    (void)buf_putc(b, '\n');
}

static void
print_mdoc(const struct options_table *t, struct buf *b, unsigned depth)
{
    (void)buf_append_str(b, ".Bl -tag -width Ds\n");
    for (size_t i = 0; i < t->n; i++) {
        struct tocsin_option o = options_at(t, i);
        AUTO_FINI(buf) type = BUF_INIT(4096);
        put_type(&type, &o);
        (void)buf_printf(b, ".It Ic %s\n", o.key);
        if (o.help != NULL)
            put_roff(b, o.help);
        (void)buf_append_str(b, ".Pq ");
        put_roff(b, buf_str(&type));
        if (o.n_members > 0 && depth < OPTIONS_DEPTH_MAX) {
            struct options_table members = options_members(t, &o);
            print_mdoc(&members, b, depth + 1);
        }
    }
    (void)buf_append_str(b, ".El\n");
}

void
options_mdoc(const struct options_table *t, struct buf *b)
{
    print_mdoc(t, b, 0);
}

/* ----------------------------------------------------------- JSON Schema */

static void print_schema(const struct options_table *t, struct buf *b,
                         unsigned depth);

/* What each type looks like in YAML; a value may always hold a ${…}. */
static const char *
schema_of(uint32_t type)
{
    switch (type) {
    case TOCSIN_OPT_BOOL:
        return "\"type\":[\"boolean\",\"string\"],"
               "\"pattern\":\"^(true|false)$|[$][{]\"";
    case TOCSIN_OPT_INT:
        return "\"type\":[\"integer\",\"string\"],"
               "\"pattern\":\"^[-+]?[0-9]+$|^0[xo][0-9a-fA-F]+$|[$][{]\"";
    case TOCSIN_OPT_DOUBLE:
        return "\"type\":[\"number\",\"string\"],"
               "\"pattern\":\"^[-+.0-9eEinfaINFA]+$|[$][{]\"";
    case TOCSIN_OPT_DURATION:
        return "\"type\":[\"string\",\"integer\"],\"maximum\":0,"
               "\"minimum\":0,"
               "\"pattern\":\"^(0|([0-9]+(y|w|d|h|m|s|ms))+)$|[$][{]\"";
    case TOCSIN_OPT_SIZE:
        return "\"type\":[\"string\",\"integer\"],"
               "\"pattern\":\"^[0-9]+([kKmMgGtT]?[iI]?[bB])?$|[$][{]\"";
    default:
        return "\"type\":[\"string\",\"number\",\"boolean\"]";
    }
}

#define TEXT "{\"type\":[\"string\",\"number\",\"boolean\"]}"

static void
put_group_schema(const struct options_table *t, const struct tocsin_option *o,
                 struct buf *b, unsigned depth)
{
    struct options_table members = options_members(t, o);
    bool scalar = (o->flags & TOCSIN_OPT_SCALAR) != 0;
    (void)buf_append_str(b, scalar ? "{\"anyOf\":[" TEXT "," : "");
    print_schema(&members, b, depth + 1);
    (void)buf_append_str(b, scalar ? "]}" : "");
}

static void
put_enum_schema(const struct tocsin_option *o, struct buf *b)
{
    struct slice choice;
    (void)buf_append_str(b, "\"anyOf\":[{\"enum\":[");
    for (size_t i = 0; options_choice(o, i, &choice); i++) {
        (void)buf_append_str(b, i > 0 ? "," : "");
        (void)buf_append_json_string(b, choice);
    }
    (void)buf_append_str(b, "]},{\"type\":\"string\",\"pattern\":\"[$][{]\"}]");
}

static void
put_bounds(const struct tocsin_option *o, struct buf *b)
{
    if (o->type != TOCSIN_OPT_INT)
        return;
    if (options_has_min(o))
        (void)buf_printf(b, ",\"minimum\":%lld", (long long)o->min);
    if (options_has_max(o))
        (void)buf_printf(b, ",\"maximum\":%lld", (long long)o->max);
}

static void
put_default(const struct tocsin_option *o, struct buf *b)
{
    if (o->default_value == NULL || (o->flags & TOCSIN_OPT_SECRET) != 0 ||
        o->type >= TOCSIN_OPT_LIST)
        return;
    (void)buf_append_str(b, ",\"default\":");
    if (o->type == TOCSIN_OPT_BOOL)
        (void)buf_append_str(
            b, strcmp(o->default_value, "true") == 0 ? "true" : "false");
    else
        (void)buf_append_json_string(b, slice_from_str(o->default_value));
}

static void
put_option_schema(const struct options_table *t, const struct tocsin_option *o,
                  struct buf *b, unsigned depth)
{
    (void)buf_append_str(b, "{\"description\":");
    (void)buf_append_json_string(b, slice_from_str(o->help));
    (void)buf_putc(b, ',');
    switch (o->type) {
    case TOCSIN_OPT_ENUM:
        put_enum_schema(o, b);
        break;
    case TOCSIN_OPT_LIST:
        (void)buf_append_str(
            b, "\"anyOf\":[{\"type\":[\"string\",\"number\",\"boolean\","
               "\"null\"]},{\"type\":\"array\",\"items\":" TEXT "}]");
        break;
    case TOCSIN_OPT_MAP:
        (void)buf_append_str(b, "\"type\":[\"object\",\"null\"],"
                                "\"additionalProperties\":" TEXT);
        break;
    case TOCSIN_OPT_GROUP:
        (void)buf_append_str(b, "\"allOf\":[");
        put_group_schema(t, o, b, depth);
        (void)buf_putc(b, ']');
        break;
    case TOCSIN_OPT_GROUPS:
        (void)buf_append_str(b, "\"type\":[\"array\",\"null\"],\"items\":");
        put_group_schema(t, o, b, depth);
        break;
    default:
        (void)buf_append_str(b, schema_of(o->type));
    }
    put_bounds(o, b);
    put_default(o, b);
    (void)buf_putc(b, '}');
}

static void
print_schema(const struct options_table *t, struct buf *b, unsigned depth)
{
    (void)buf_append_str(b, "{\"type\":[\"object\",\"null\"],"
                            "\"additionalProperties\":false,"
                            "\"properties\":{");
    for (size_t i = 0; i < t->n && depth <= OPTIONS_DEPTH_MAX; i++) {
        struct tocsin_option o = options_at(t, i);
        (void)buf_append_str(b, i > 0 ? "," : "");
        (void)buf_append_json_string(b, slice_from_str(o.key));
        (void)buf_putc(b, ':');
        put_option_schema(t, &o, b, depth);
    }
    (void)buf_append_str(b, "},\"required\":[");
    bool first = true;
    for (size_t i = 0; i < t->n; i++) {
        struct tocsin_option o = options_at(t, i);
        if ((o.flags & TOCSIN_OPT_REQUIRED) == 0)
            continue;
        (void)buf_append_str(b, first ? "" : ",");
        (void)buf_append_json_string(b, slice_from_str(o.key));
        first = false;
    }
    (void)buf_append_str(b, "]}");
}

void
options_json_schema(const struct options_table *t, struct buf *b)
{
    print_schema(t, b, 0);
}
