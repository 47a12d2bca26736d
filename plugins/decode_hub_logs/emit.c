/* SPDX-License-Identifier: Apache-2.0 */
/* emit.c - whose a record is, its event, and the sample that follows from a
 * connect or a disconnect. */
#include "config.h"

#include <strings.h>

#include "hub_logs.h"

#define NO_TEXT 0xffffffffu

/* The categories of the reference, for records that name no resource. */
static const char *const categories[] = {
    "Connections",          "DeviceTelemetry",
    "C2DCommands",          "DeviceIdentityOperations",
    "FileUploadOperations", "Routes",
    "D2CTwinOperations",    "C2DTwinOperations",
    "TwinQueries",          "JobsOperations",
    "DirectMethods",        "DistributedTracing",
    "Configurations",       "DeviceStreams",
};

/* Whether a value of the record reads 'word', whatever its case. */
static inline int
text_is(const struct tocsin_json_text *v, const char *word)
{
    char copy[256];
    const char *p = v->p;
    size_t n = v->n;
    if (v->escaped) {
        if (n > sizeof copy)
            return 0;
        n = tocsin_json_unescape(copy, v->p, n);
        p = copy;
    }
    return n == strlen(word) && strncasecmp(p, word, n) == 0;
}

static int
is_hub_category(const struct tocsin_json_text *v)
{
    for (size_t i = 0; i < sizeof categories / sizeof *categories; i++)
        if (text_is(v, categories[i]))
            return 1;
    return 0;
}

int
record_is_ours(const struct record *rec)
{
    if (rec->is_metric || !rec->has_category)
        return 0;
    if (rec->resource != NULL && rec->resource->is_hub)
        return 1;
    /* Another provider's resource; or none that can be told (Azure's own
     * samples say "Resource Id"). */
    if (rec->resource != NULL && rec->resource->has_provider)
        return 0;
    return is_hub_category(&rec->category);
}

/* A connect that failed: by level, or by a result that is no success. */
static int
has_failed(const struct record *rec)
{
    const struct tocsin_json_text *result = &rec->result_type;
    if (text_is(&rec->level, "Error") || text_is(&rec->level, "Critical"))
        return 1;
    return result->n > 0 && result->p[0] != '2' && !text_is(result, "0") &&
           !text_is(result, "Success") && !text_is(result, "Succeeded") &&
           !text_is(result, "OK");
}

/* 1 or 0 where the record says whether the device is connected, else -1.  A
 * failed connect changes nothing, and a module is not its device.  400027 says
 * that a new connection of the device ended the old one: it is connected,
 * whatever order the two are logged in. */
static int
connected(const struct record *rec)
{
    const uint64_t device = (uint64_t)1 << FIELD_DEVICE_ID;
    const uint64_t module = (uint64_t)1 << FIELD_MODULE_ID;
    if ((rec->seen & (device | module)) != device ||
        !text_is(&rec->category, "Connections"))
        return -1;
    if (text_is(&rec->operation, "deviceConnect"))
        return has_failed(rec) ? -1 : 1;
    if (text_is(&rec->operation, "deviceDisconnect"))
        return text_is(&rec->result_type, "400027") ? -1 : 0;
    return -1;
}

static int
emit_sample(const struct record *rec, double value)
{
    struct tocsin_value labels[2];
    struct tocsin_sample sample = {
        .metric = METRIC_DEVICE_CONNECTED,
        .time_us = rec->time_us,
        .value = value,
        .values = labels,
    };
    for (uint32_t i = 0; i < rec->n_values && sample.n_values < 2; i++)
        if (rec->values[i].id == FIELD_HUB ||
            rec->values[i].id == FIELD_DEVICE_ID)
            labels[sample.n_values++] = rec->values[i];
    return rec->sink->sample(rec->sink, &sample);
}

/* Stores what does not stand in the chunk as it is. */
static int
store_later(struct record *rec)
{
    for (uint32_t i = 0; i < rec->n_later; i++) {
        const struct later *l = &rec->later[i];
        char *copy = buffer_room(&rec->h->value, l->text.n);
        if (copy == NULL)
            return -1;
        size_t n = tocsin_json_unescape_all(copy, &l->text, l->level);
        if (n == TOCSIN_JSON_NO_SIZE || n == 0)
            continue; /* the reader has seen to it: can't be */
        const uint32_t offset = rec->sink->text(rec->sink, copy, n);
        if (offset == NO_TEXT)
            return -1;
        rec->values[rec->n_values++] =
            (struct tocsin_value){l->field, offset, (uint32_t)n};
    }
    return 0;
}

static int
put_hub(struct record *rec)
{
    const struct resource *res = rec->resource;
    if (res == NULL || res->hub_length == 0)
        return 0;
    if (res->hub_offset == NO_TEXT || res->id_offset == NO_TEXT)
        return -1;
    rec->values[rec->n_values++] =
        (struct tocsin_value){FIELD_HUB, res->hub_offset, res->hub_length};
    return 0;
}

int
record_emit(struct record *rec, size_t offset, size_t length,
            const char **ret_reason)
{
    if (rec->has_time <= 0) {
        *ret_reason =
            rec->has_time < 0 ? "its time can't be read" : "it has no time";
        return EMIT_REJECT;
    }
    if (put_hub(rec) < 0 || store_later(rec) < 0)
        return EMIT_NO_ROOM;
    const struct tocsin_event event = {
        .stream = 0,
        .n_values = rec->n_values,
        .time_us = rec->time_us,
        .offset = (uint32_t)offset,
        .length = (uint32_t)length,
        .values = rec->values,
    };
    if (rec->sink->event(rec->sink, &event) < 0)
        return TOCSIN_ERROR;
    const int state = connected(rec);
    if (state >= 0 && emit_sample(rec, state) < 0)
        return TOCSIN_ERROR;
    const struct tocsin_host *host = rec->h->host;
    if (rec->is_raw && host->metric != NULL)
        host->metric(rec->h->ctx, METRIC_PROPERTIES_UNPARSED, 1);
    return EMIT_OK;
}
