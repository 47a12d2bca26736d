/* SPDX-License-Identifier: Apache-2.0 */
/* resource.c - resourceIds: whose a record is, and the name of its hub.  A
 * chunk has few of them, so each is looked at once and its hub's text stored
 * once. */
#include "config.h"

#include "hub_logs.h"

static char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Where 'what' (lower case) ends in the lower-case text, or NULL. */
static const char *
find_end(const char *p, size_t n, const char *what)
{
    const size_t len = strlen(what);
    for (; n >= len; p++, n--)
        if (memcmp(p, what, len) == 0)
            return p + len;
    return NULL;
}

/* What a resourceId says.  'p' is lower case and without escapes.  The hub is
 * the segment behind "/iothubs/", or else the last one. */
static void
resource_parse(struct resource *res, const char *p, size_t n,
               struct tocsin_sink *sink)
{
    const char *end = p + n;
    while (end > p && end[-1] == '/')
        end--;
    const char *hub =
        find_end(p, (size_t)(end - p), "/microsoft.devices/iothubs/");
    res->is_hub = hub != NULL;
    res->has_provider = find_end(p, n, "/providers/") != NULL;
    if (hub == NULL)
        for (hub = end; hub > p && hub[-1] != '/';)
            hub--;
    const char *hub_end = hub;
    while (hub_end < end && *hub_end != '/' && *hub_end != '.')
        hub_end++;
    res->hub_length = (uint32_t)(hub_end - hub);
    if (res->hub_length > 0 && (res->is_hub || !res->has_provider))
        res->hub_offset = sink->text(sink, hub, res->hub_length);
}

/* A resourceId not seen in this chunk before. */
static struct resource *
resource_add(struct record *rec, const struct tocsin_json_text *v)
{
    struct hub_logs *h = rec->h;
    char *copy = buffer_room(&h->value, v->n);
    if (copy == NULL)
        return NULL;
    const size_t n = tocsin_json_unescape_all(copy, v, 0);
    h->resource = (h->resource + 1) % N_RESOURCES;
    struct resource *res = &h->resources[h->resource];
    memset(res, 0, sizeof *res);
    res->p = v->p;
    res->n = v->n;
    res->escaped = v->escaped;
    if (v->escaped) {
        res->id_length = (uint32_t)n;
        res->id_offset = rec->sink->text(rec->sink, copy, n);
    }
    for (size_t i = 0; i < n; i++)
        copy[i] = lower(copy[i]);
    resource_parse(res, copy, n, rec->sink);
    return res;
}

static struct resource *
resource_find(struct hub_logs *h, const char *p, size_t n)
{
    for (unsigned i = 0; i < N_RESOURCES; i++) {
        struct resource *res = &h->resources[i];
        if (res->p != NULL && res->n == n && memcmp(res->p, p, n) == 0) {
            h->resource = i;
            return res;
        }
    }
    return NULL;
}

static void
put_resource(struct record *rec, const struct resource *res, const char *p)
{
    rec->resource = res;
    rec->seen |= (uint64_t)1 << FIELD_RESOURCE_ID;
    struct tocsin_value *value = &rec->values[rec->n_values++];
    value->id = FIELD_RESOURCE_ID;
    value->offset =
        res->escaped ? res->id_offset : (uint32_t)(p - rec->chunk->data);
    value->length = res->escaped ? res->id_length : (uint32_t)res->n;
}

int
read_resource(struct record *rec, struct tocsin_json *r)
{
    struct hub_logs *h = rec->h;
    struct resource *res = &h->resources[h->resource];
    struct tocsin_json_text v;
    if (rec->resource != NULL)
        return tocsin_json_skip(r);
    /* The same as in the record before, its closing quote included: it need
     * not be read again. */
    if (res->p != NULL && (size_t)(r->end - r->p) >= res->n + 2 &&
        *r->p == '"' && memcmp(r->p + 1, res->p, res->n + 1) == 0) {
        put_resource(rec, res, r->p + 1);
        r->p += res->n + 2;
        return 0;
    }
    int bad = tocsin_json_read(r, &v);
    if (bad < 0 || v.type != TOCSIN_JSON_STRING || v.n == 0)
        return bad;
    res = resource_find(h, v.p, v.n);
    if (res == NULL)
        res = resource_add(rec, &v);
    if (res == NULL)
        return tocsin_json_bad(r, r->p, "out of memory");
    put_resource(rec, res, v.p);
    return 0;
}
