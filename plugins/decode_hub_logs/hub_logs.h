/* SPDX-License-Identifier: Apache-2.0 */
/* hub_logs.h - what the files of this decoder share.
 *
 *   decode_hub_logs.c   the plugin: instance, decode(), the table of it all
 *   walk.c              framing: lines, arrays, envelopes, pieces of them
 *   lex.c               brackets and quotes of text that is not sound JSON
 *   record.c            one record: its keys, its properties
 *   emit.c              one record: whose it is, its event, its sample
 *   resource.c          resourceId: whose it is, and the hub's name
 *   keys.c              from a key's bytes to what is done with its value
 *   time.c              RFC 3339
 *   tables.c            fields, keys and metrics: the schema */
#ifndef HUB_LOGS_H
#define HUB_LOGS_H

#include <tocsin/json.h>
#include <tocsin/plugin.h>

/* Ids of fields are places in hub_logs_fields; the first five are labels, and
 * the first two those of the metric as well. */
enum field {
    FIELD_HUB,
    FIELD_DEVICE_ID,
    FIELD_CATEGORY,
    FIELD_OPERATION,
    FIELD_LEVEL,
    FIELD_RESULT_TYPE,
    FIELD_RESULT_DESCRIPTION,
    FIELD_DURATION_MS,
    FIELD_LOCATION,
    FIELD_CORRELATION_ID,
    FIELD_RESOURCE_ID,
    FIELD_TENANT_ID,
    FIELD_OPERATION_VERSION,
    FIELD_RESULT_SIGNATURE,
    FIELD_CALLER_IP_ADDRESS,
    FIELD_IDENTITY,
    FIELD_PROTOCOL,
    FIELD_SDK_VERSION,
    FIELD_AUTH_SCOPE,
    FIELD_AUTH_TYPE,
    FIELD_AUTH_ISSUER,
    FIELD_AUTH_ACCEPTING_IP_FILTER_RULE,
    FIELD_MASKED_IP_ADDRESS,
    FIELD_STATUS_CODE,
    FIELD_MODULE_ID,
    FIELD_MESSAGE_ID,
    FIELD_MESSAGE_SIZE_IN_BYTES,
    FIELD_MESSAGE_SIZE,
    FIELD_ENDPOINT_NAME,
    FIELD_ROUTE_NAME,
    FIELD_DETAILS,
    FIELD_ENDPOINT_TYPE,
    FIELD_PARENT_SPAN_ID,
    FIELD_IS_ROUTING_ENABLED,
    FIELD_CALLER_LOCAL_TIME_UTC,
    FIELD_CALLEE_LOCAL_TIME_UTC,
    FIELD_CONFIGURATION_ID,
    FIELD_REQUEST_SIZE,
    FIELD_RESPONSE_SIZE,
    FIELD_REQUEST_NAME,
    FIELD_DIRECTION,
    FIELD_QUERY,
    FIELD_PAGE_SIZE,
    FIELD_CONTINUATION,
    FIELD_RESULT_SIZE,
    FIELD_JOB_ID,
    FIELD_FILTER,
    FIELD_START_TIME_UTC,
    FIELD_DURATION,
    FIELD_BLOB_URI,
    FIELD_BATCHING,
    FIELD_PARTITION_ID,
    FIELD_EVENT_PROCESSED_UTC_TIME,
    FIELD_EVENT_ENQUEUED_UTC_TIME,
    FIELD_DELIVERY_ACKNOWLEDGEMENT,
    FIELD_DELIVERY_COUNT,
    FIELD_EXPIRY_TIME,
    FIELD_TIME_IN_SYSTEM,
    FIELD_TTL,
    FIELD_PROPERTIES_RAW,
    N_FIELDS
};

enum metric { METRIC_DEVICE_CONNECTED, METRIC_PROPERTIES_UNPARSED, N_METRICS };

extern const struct tocsin_field hub_logs_fields[N_FIELDS];
extern const struct tocsin_metric hub_logs_metrics[N_METRICS];

/* ---------------------------------------------------------------- keys */

/* What is done with a key's value. */
enum key_kind {
    KEY_UNKNOWN, /* skipped */
    KEY_FIELD,   /* a field of the event */
    KEY_TIME,
    KEY_RESOURCE, /* resourceId */
    KEY_PROPERTIES,
    KEY_RECORDS, /* an envelope, if it holds an array */
    KEY_METRIC,  /* a record with this is a metric */
    KEY_AUTH     /* authType, authenticationType */
};

struct key {
    const char *name;
    uint8_t kind;  /* enum key_kind */
    uint8_t field; /* enum field, for KEY_FIELD */
    uint8_t ours;  /* 1: who sends this key sends Azure's records */
};

#define GUESS_BYTES 32
#define GUESS_NONE 0xffffffffu
#define KEYS_MAX 63
#define KEY_START KEYS_MAX /* in place of a key, at an object's start */

/* Records resemble each other: behind one key's value comes what came behind
 * it last time.  All bytes from there through the opening quote of the next
 * value are compared at once, and the next key need not be read. */
struct guess {
    uint64_t bytes[GUESS_BYTES / 8], mask[GUESS_BYTES / 8];
    uint32_t level; /* of the reader; GUESS_NONE: nothing is known yet */
    uint32_t n;
    uint32_t key; /* the next one */
};

/* A perfect hash of at most KEYS_MAX keys of at most 24 bytes. */
struct keytab {
    uint64_t factor;
    const struct key *keys;
    struct {
        uint64_t head, middle, tail; /* the key's bytes, overlapping */
        size_t n;
    } bytes[KEYS_MAX];
    uint8_t index[256]; /* of 'keys'; 0 is the unknown one */
    struct guess after[KEYS_MAX + 1];
};

extern const struct key hub_logs_record_keys[];
extern const struct key hub_logs_property_keys[];
extern const struct key hub_logs_auth_keys[];

/* 'keys' begins with the unknown key and ends with a NULL name.  -1: there is
 * no perfect hash of them, which a test would have found. */
int keytab_init(struct keytab *tab, const struct key *keys);

static inline uint64_t
keytab_load(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint64_t
keytab_load_short(const char *p, size_t n)
{
    uint64_t v = 0;
    memcpy(&v, p, n);
    return v;
}

static inline int
guess_fits(const struct guess *g, const struct tocsin_json *r)
{
    uint64_t differ = 0;
    if (r->end - r->p < GUESS_BYTES)
        return 0;
    for (unsigned i = 0; i < GUESS_BYTES / 8; i++)
        differ |= (keytab_load(r->p + 8 * i) ^ g->bytes[i]) & g->mask[i];
    return differ == 0 && g->level == r->level;
}

/* What keytab_next() returns beside 0 (the object is closed) and errors. */
#define MEMBER_VALUE 1  /* the value is next */
#define MEMBER_STRING 2 /* so is a string, its opening quote taken already */

int keytab_next_slow(struct keytab *tab, struct tocsin_json *r, unsigned *at);

/* The next member of an object: *at is the key before it, KEY_START at first,
 * and becomes the index of its own. */
static inline int
keytab_next(struct keytab *tab, struct tocsin_json *r, unsigned *at)
{
    const struct guess *g = &tab->after[*at];
    if (!guess_fits(g, r))
        return keytab_next_slow(tab, r, at);
    r->p += g->n;
    r->fresh = 0;
    *at = g->key;
    return MEMBER_STRING;
}

/* A member's value; 'member' is what keytab_next() returned. */
static inline int
keytab_value(struct tocsin_json *r, int member, struct tocsin_json_text *ret)
{
    return member == MEMBER_STRING ? tocsin_json_contents(r, ret)
                                   : tocsin_json_read(r, ret);
}

/* Goes back to the opening quote of a value. */
static inline void
keytab_back(struct tocsin_json *r, int member)
{
    if (member == MEMBER_STRING)
        r->p -= r->unit;
}

/* ---------------------------------------------------------------- time */

/* RFC 3339 with 0 to 9 digits of fraction, in microseconds since the epoch;
 * without a zone it is UTC.  0, or -1. */
int hub_logs_time(const char *p, size_t n, int64_t *ret_us);

/* ----------------------------------------------------------------- lex */

enum lex_result { LEX_DONE, LEX_MORE, LEX_UNSOUND };

struct lex {
    uint64_t objects; /* a bit for each open container: 1 is an object */
    uint8_t depth;
    uint8_t in_string;
    uint8_t escape;
};

/* Goes on through a value: DONE behind the bracket that closes it, UNSOUND at
 * a byte that no JSON has there.  '*ret_used' are the bytes gone through. */
enum lex_result lex_run(struct lex *lex, const char *p, size_t n,
                        size_t *ret_used);

/* -------------------------------------------------------------- record */

struct buffer {
    char *p;
    size_t room;
};

/* resourceIds of this chunk: the text of each one's hub is stored once. */
#define N_RESOURCES 4

struct resource {
    const char *p; /* its raw text in the chunk; NULL: unused */
    size_t n;
    int32_t escaped;
    int32_t is_hub;       /* of an IoT hub */
    int32_t has_provider; /* it names a provider at all */
    uint32_t hub_offset, hub_length;
    uint32_t id_offset, id_length; /* where it is escaped */
};

/* The authType read last: most are the same, byte for byte.  Its quotes belong
 * to the text, and tell the level. */
struct auth_memo {
    const char *p; /* in the chunk; NULL: none */
    size_t n;
    uint32_t n_values;
    struct tocsin_value values[4]; /* offsets from p */
};

struct hub_logs {
    const struct tocsin_host *host;
    struct tocsin_ctx *ctx;
    struct keytab record_keys, property_keys, auth_keys;
    struct buffer document; /* a `properties` that can't be walked in place */
    struct buffer auth;     /* the same of an authType */
    struct buffer value;    /* one value while it is unescaped */
    struct resource resources[N_RESOURCES];
    unsigned resource; /* the one used last */
    struct auth_memo auth_memo;
    char reason[160];
};

/* A value that does not stand in the chunk as it is. */
struct later {
    struct tocsin_json_text text;
    uint32_t level;
    uint32_t field;
};

/* One record while it is read. */
struct record {
    struct hub_logs *h;
    const struct tocsin_chunk *chunk;
    struct tocsin_sink *sink;

    int32_t in_envelope; /* an inner `records` is no envelope */
    int32_t looks_ours;  /* has keys that Azure's records have */
    int32_t is_metric, has_category, has_properties, has_auth, is_raw;
    int32_t has_time; /* 1: time_us is set, -1: it can't be read */
    int64_t time_us;
    const struct resource *resource;
    struct tocsin_json_text category, operation, level, result_type;

    uint64_t seen; /* bits of fields */
    uint32_t n_values, n_later;
    struct tocsin_value values[N_FIELDS];
    struct later later[N_FIELDS];
};

/* record_read() */
#define RECORD_READ 0
#define RECORD_ENVELOPE 1 /* the reader stands in its `records` */

void record_init(struct record *rec, struct hub_logs *h,
                 const struct tocsin_chunk *chunk, struct tocsin_sink *sink);

/* Reads the object at r->p.  RECORD_…, or what the reader says. */
int record_read(struct record *rec, struct tocsin_json *r);

/* Whether the record that was read is one of an IoT hub's logs. */
int record_is_ours(const struct record *rec);

/* record_emit() */
#define EMIT_OK 0
#define EMIT_REJECT 1  /* *ret_reason says why */
#define EMIT_NO_ROOM 2 /* the sink takes no more text */

/* Hands the event, and its sample, to the sink. */
int record_emit(struct record *rec, size_t offset, size_t length,
                const char **ret_reason);

/* resourceId: notes rec->resource and its field. */
int read_resource(struct record *rec, struct tocsin_json *r);

/* Room for n bytes, whose old contents are lost; NULL: out of memory. */
char *buffer_room(struct buffer *b, size_t n);

/* Forgets what points into the chunk before. */
void record_forget(struct hub_logs *h);

/* ---------------------------------------------------------------- walk */

int64_t walk_chunk(struct hub_logs *h, const struct tocsin_chunk *chunk,
                   struct tocsin_context *context, struct tocsin_sink *sink);

#endif
