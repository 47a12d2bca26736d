/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/catalog.h"

#include <tocsin/plugin.h>

#include "core/base/arena.h"

struct catalog {
    struct arena arena;
    const struct schema *schema;
    struct lang_stream *streams;
    struct lang_catalog lang;
};

_Static_assert((int)LANG_FIELD_STRING == TOCSIN_FIELD_STRING &&
                   (int)LANG_FIELD_NUMBER == TOCSIN_FIELD_NUMBER &&
                   (int)LANG_FIELD_DURATION_MS == TOCSIN_FIELD_DURATION_MS &&
                   (int)LANG_FIELD_BYTES == TOCSIN_FIELD_BYTES &&
                   (int)LANG_FIELD_TIME == TOCSIN_FIELD_TIME &&
                   (int)LANG_FIELD_BOOL == TOCSIN_FIELD_BOOL,
               "the language has the plugins' types");

static uint32_t
catalog_count(void *ctx)
{
    const struct catalog *c = ctx;
    return c->schema->n_streams;
}

static const struct lang_stream *
catalog_get(void *ctx, uint32_t i)
{
    const struct catalog *c = ctx;
    return &c->streams[i];
}

static int
stream_fill(struct catalog *c, struct lang_stream *to,
            const struct schema_stream *s)
{
    struct lang_field *f =
        arena_new_array(&c->arena, struct lang_field, s->n_fields + 1);
    to->name = arena_strndup(&c->arena, s->name.p, s->name.n);
    if (f == NULL || to->name == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < s->n_fields; i++) {
        const struct schema_field *from = &s->fields[i];
        f[i].name = arena_strndup(&c->arena, from->name.p, from->name.n);
        f[i].type = (enum lang_field_type)from->type;
        f[i].is_label = (from->flags & TOCSIN_FIELD_LABEL) != 0;
        f[i].id = i;
        if (f[i].name == NULL)
            return -ENOMEM;
    }
    to->fields = f;
    to->field_count = s->n_fields;
    to->data = s;
    return 0;
}

struct catalog *
catalog_new(const struct schema *schema)
{
    struct catalog *c = mem_new(struct catalog);
    if (c == NULL)
        return NULL;
    arena_init(&c->arena, 16 << 10, 64 << 20);
    c->schema = schema;
    c->streams =
        arena_new_array(&c->arena, struct lang_stream, schema->n_streams + 1);
    int r = c->streams == NULL ? -ENOMEM : 0;
    for (uint32_t i = 0; i < schema->n_streams && r == 0; i++)
        r = stream_fill(c, &c->streams[i], &schema->streams[i]);
    if (r < 0) {
        catalog_free(c);
        return NULL;
    }
    c->lang = (struct lang_catalog){
        .ctx = c, .stream_count = catalog_count, .stream_get = catalog_get};
    return c;
}

void
catalog_free(struct catalog *c)
{
    if (c == NULL)
        return;
    arena_fini(&c->arena);
    mem_free(c);
}

const struct lang_catalog *
catalog_lang(const struct catalog *c)
{
    return &c->lang;
}

uint16_t
catalog_stream_id(const struct schema *schema, const struct lang_stream *s)
{
    const struct schema_stream *stream = s->data;
    return (uint16_t)(stream - schema->streams);
}
