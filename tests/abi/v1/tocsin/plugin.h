/* SPDX-License-Identifier: Apache-2.0 */
/* plugin.h - all that a tocsin plugin sees of the collector.
 *
 * A plugin is a shared object with one exported function, tocsin_plugin_v1(),
 * which returns a constant struct tocsin_plugin.  It needs no symbol of the
 * program: what the collector offers comes in a table (struct tocsin_host).
 *
 * The contract to remember:
 *   - Callbacks of one instance are never called twice at once.
 *   - You may block (a source only until its deadline).
 *   - You own only what you allocated.  What the host hands in is yours to
 *     read until the callback returns; what you hand out stays yours and must
 *     stay valid until the next callback of the same instance.
 *   - Report an error by returning it; say why with host->fail().
 *   - Do not install signal handlers, change the environment or the working
 *     directory, or print.
 *
 * Growth: structs begin with their size, are only ever extended at their end,
 * and tables carry the size of an element, so that a plugin compiled against
 * an older header loads in a newer collector.  A member that the other side
 * does not know reads as zero.
 *
 * Changes
 *   ABI 1 (tocsin 0.1): first version.
 */
#ifndef TOCSIN_PLUGIN_H
#define TOCSIN_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_ABI 1

/* Kinds of plugin: struct tocsin_plugin.kind. */
#define TOCSIN_SOURCE 1   /* brings bytes and remembers a position */
#define TOCSIN_DECODER 2  /* turns bytes into records: pure, no I/O */
#define TOCSIN_EXPORTER 3 /* delivers batches of records */

/* ------------------------------------------------------------- options */

/* Types of an option, and the C type at its offset. */
#define TOCSIN_OPT_BOOL 1     /* int32_t: 0 or 1 */
#define TOCSIN_OPT_INT 2      /* int64_t */
#define TOCSIN_OPT_DOUBLE 3   /* double */
#define TOCSIN_OPT_STRING 4   /* const char *; NULL where unset */
#define TOCSIN_OPT_DURATION 5 /* int64_t, microseconds */
#define TOCSIN_OPT_SIZE 6     /* int64_t, bytes */
#define TOCSIN_OPT_ENUM 7     /* int32_t: index into 'choices' */
#define TOCSIN_OPT_LIST 8     /* struct tocsin_list of strings */
#define TOCSIN_OPT_MAP 9      /* struct tocsin_map of strings */
#define TOCSIN_OPT_GROUP 10   /* const struct of 'members', or NULL */
#define TOCSIN_OPT_GROUPS 11  /* struct tocsin_list of such structs */

/* Flags of an option. */
#define TOCSIN_OPT_REQUIRED 1u /* a configuration without it is refused */
#define TOCSIN_OPT_SECRET 2u   /* never printed, logged or exported */
#define TOCSIN_OPT_SCALAR 4u   /* GROUP: a plain value sets its first member */

struct tocsin_list {
    const void
        *items; /* LIST: const char *const *; GROUPS: const void *const * */
    size_t n;
};

struct tocsin_map {
    const char *const *keys;
    const char *const *values;
    size_t n;
};

/* One option.  The host checks the user's YAML against the table, fills a
 * zeroed struct of tocsin_plugin.options_struct_size bytes with values or
 * defaults, and hands it to create().  The same table makes `tocsin plugin
 * show`, the manual page and the JSON Schema. */
struct tocsin_option {
    const char *key;           /* snake_case, as users write it */
    uint32_t type;             /* TOCSIN_OPT_… */
    uint32_t flags;            /* TOCSIN_OPT_REQUIRED … */
    size_t offset;             /* of the value in the options struct */
    const char *default_value; /* as a user would write it, or NULL */
    int64_t min, max;          /* INT, DURATION, SIZE; both 0: no bounds */
    const char *choices;       /* ENUM: "plain|gzip" */
    const struct tocsin_option *members; /* GROUP, GROUPS */
    size_t n_members;
    size_t members_struct_size;
    const char *help; /* one sentence */
};

/* ------------------------------------------------- streams and metrics */

/* Types of a field: what rules may do with it.  On the wire all are text. */
#define TOCSIN_FIELD_STRING 0
#define TOCSIN_FIELD_NUMBER 1
#define TOCSIN_FIELD_DURATION_MS 2
#define TOCSIN_FIELD_BYTES 3
#define TOCSIN_FIELD_TIME 4 /* RFC 3339 */
#define TOCSIN_FIELD_BOOL 5

/* Flags of a field. */
#define TOCSIN_FIELD_LABEL 1u /* part of the event's identity */
#define TOCSIN_FIELD_MANY 2u  /* high cardinality (a device id) */

struct tocsin_field {
    const char *name; /* snake_case */
    uint32_t type;
    uint32_t flags;
    const char *help;
};

/* What a stream can be trusted with: struct tocsin_stream.semantics. */
#define TOCSIN_EVERY_EVENT 0 /* each thing that happens is an event */
#define TOCSIN_SNAPSHOT 1    /* the newest state, at intervals */
#define TOCSIN_SAMPLED 2     /* throttled or sampled: counts are lower bounds */
#define TOCSIN_LOSSY 4u      /* flag: events may be lost */
#define TOCSIN_UNORDERED 8u  /* flag: events may come out of order */

/* A stream that a decoder makes.  A field's id is its index in 'fields'; at
 * most 255 fields. */
struct tocsin_stream {
    const char *name;
    const char *help;
    const struct tocsin_field *fields;
    size_t n_fields;
    size_t field_size; /* sizeof(struct tocsin_field) */
    uint32_t semantics;
    uint32_t delay_ms; /* how late its events usually come */
};

#define TOCSIN_COUNTER 1
#define TOCSIN_GAUGE 2
#define TOCSIN_STATE 3 /* a gauge that holds its last value until replaced */

/* Flag of a metric. */
#define TOCSIN_METRIC_OWN 1u /* a decoder's own health, not its samples */

/* A metric: of a decoder, one that it makes as samples (or, with
 * TOCSIN_METRIC_OWN, one of its own health); of a source or an exporter, one
 * of its own health.  Own ones go through host->metric(), to /metrics. */
struct tocsin_metric {
    const char *name;
    uint32_t type;
    uint32_t flags;
    const char *unit; /* "", "seconds", "bytes" */
    const char *help;
    const struct tocsin_field *labels; /* decoders: ids are indices */
    size_t n_labels;
    size_t label_size;
    int64_t
        remember_us; /* STATE: forgotten when not seen for so long; 0: never */
};

/* ---------------------------------------------------------------- host */

#define TOCSIN_LOG_ERROR 3
#define TOCSIN_LOG_WARN 4
#define TOCSIN_LOG_INFO 6
#define TOCSIN_LOG_DEBUG 7

/* The host's side of one instance. */
struct tocsin_ctx;

struct tocsin_host {
    uint32_t struct_size;
    uint32_t abi;

    /* Logs one line; the host adds time and instance, and limits the rate. */
    void (*log)(struct tocsin_ctx *ctx, int level, const char *message);

    /* Sets the reason for the error that the current callback is about to
     * return.  The first call of a callback wins.  Returns TOCSIN_ERROR. */
    int (*fail)(struct tocsin_ctx *ctx, const char *reason);

    /* Wall clock and boot-time clock, microseconds. */
    int64_t (*wall_us)(struct tocsin_ctx *ctx);
    int64_t (*boot_us)(struct tocsin_ctx *ctx);

    /* Adds to (counter) or sets (gauge) the metric at that index of the
     * plugin's table.  Any thread. */
    void (*metric)(struct tocsin_ctx *ctx, uint32_t index, double value);

    /* Sources: the id of a partition, by name (any bytes, at most 512).
     * The same name gives the same id for the instance's life. */
    uint32_t (*partition)(struct tocsin_ctx *ctx, const char *name, size_t n);

    /* Sources: a file descriptor that becomes readable when read() should
     * return before its deadline.  Poll it; never read or close it. */
    int (*wake_fd)(struct tocsin_ctx *ctx);
};

/* -------------------------------------------------------------- source */

/* Where a partition stands.  'offset' is the next byte of a byte stream, or
 * the next message's number; 'where' is the plugin's own (at most 1024
 * bytes), such as the file that 'offset' lies in. */
struct tocsin_position {
    uint64_t offset;
    const char *where;
    size_t where_size;
};

struct tocsin_start {
    uint32_t partition;
    uint32_t reserved;
    const char *name; /* the partition's name */
    size_t name_size;
    struct tocsin_position position;
};

struct tocsin_header {
    const char *name;
    size_t name_size;
    const char *value;
    size_t value_size;
};

#define TOCSIN_ALL_PARTITIONS 0xffffffffu

/* Flags of a chunk. */
#define TOCSIN_CHUNK_MESSAGE 1u /* whole messages: nothing is carried over */
#define TOCSIN_CHUNK_LAST 2u    /* the byte stream ends here (end of file) */
#define TOCSIN_CHUNK_FULL                                                      \
    4u /* host to decoder: no more will be added to                            \
          this; what cannot be decoded now never can */

/* What read() brings, and (with carried-over bytes in front) what decode()
 * gets. */
struct tocsin_chunk {
    uint32_t struct_size;
    uint32_t flags;
    uint32_t partition;
    uint32_t n_headers;
    const char *data; /* at most 2^28 bytes */
    size_t size;
    const char *key; /* of a message, or NULL */
    size_t key_size;
    const struct tocsin_header *headers;
    struct tocsin_position next; /* the position after this chunk */
    int64_t received_us;         /* wall clock; 0: now */
};

/* What read() returns. */
#define TOCSIN_ERROR (-1)      /* failed; the host re-opens with back-off */
#define TOCSIN_CHUNK 1         /* *ret is filled */
#define TOCSIN_IDLE 2          /* deadline or wake-up came first */
#define TOCSIN_CAUGHT_UP 3     /* ret->partition has nothing more for now */
#define TOCSIN_DOWN 4          /* ret->partition can't be reached: fail() why */
#define TOCSIN_GONE 5          /* ret->partition is no longer ours */
#define TOCSIN_END 6           /* nothing will ever come again */
#define TOCSIN_SCRAPE_BEGIN 7  /* a scrape of ret->partition has begun */
#define TOCSIN_SCRAPE_END 8    /* it is complete */
#define TOCSIN_SCRAPE_FAILED 9 /* it failed: fail() why */
#define TOCSIN_OVER 10         /* ret->partition is complete, for good */

/* ------------------------------------------------------------- decoder */

/* A value in a record: the field's id and where its text stands, in the
 * chunk's bytes or in what text() stored (see there). */
struct tocsin_value {
    uint32_t id;
    uint32_t offset;
    uint32_t length;
};

struct tocsin_event {
    uint32_t stream; /* index in the decoder's table */
    uint32_t n_values;
    int64_t time_us;
    uint32_t offset, length; /* the record's own bytes in the chunk */
    const struct tocsin_value *values;
};

struct tocsin_sample {
    uint32_t metric; /* index in the decoder's table */
    uint32_t n_values;
    int64_t time_us; /* rounded down to milliseconds by the host */
    double value;
    const struct tocsin_value *values; /* labels */
    uint64_t sequence; /* orders samples of one series before time; 0: none */
};

/* What a decoder calls, once a record.  All return 0, or TOCSIN_ERROR where
 * the host can take no more: return TOCSIN_ERROR from decode() then. */
struct tocsin_sink {
    uint32_t struct_size;
    uint32_t abi;
    int (*event)(struct tocsin_sink *sink, const struct tocsin_event *event);
    int (*sample)(struct tocsin_sink *sink, const struct tocsin_sample *sample);

    /* Stores text that does not stand in the chunk as it is (unescaped,
     * lower-cased) and returns an offset for it, good for this decode();
     * 0xffffffff if full. */
    uint32_t (*text)(struct tocsin_sink *sink, const char *p, size_t n);

    /* These bytes of the chunk are a record of somebody else: the input's
     * next decoders are asked, each as if they were a message. */
    int (*pass)(struct tocsin_sink *sink, uint32_t offset, uint32_t length);

    /* These bytes can't be decoded: kept whole with the reason as a dead
     * letter, counted, and their neighbours go on. */
    int (*reject)(struct tocsin_sink *sink, uint32_t offset, uint32_t length,
                  const char *reason);
};

#define TOCSIN_CONTEXT_SIZE 64

/* Kept beside a partition's position between calls, across restarts. */
struct tocsin_context {
    uint32_t size; /* used bytes of 'bytes'; 0 at a partition's start */
    uint8_t bytes[TOCSIN_CONTEXT_SIZE];
};

/* decode() returns the bytes consumed, or one of these. */
#define TOCSIN_NOT_MINE (-2) /* nothing consumed: ask the next decoder */

/* ------------------------------------------------------------ exporter */

#define TOCSIN_RECORD_EVENT 1
#define TOCSIN_RECORD_SAMPLE 2
#define TOCSIN_RECORD_ALERT 3

struct tocsin_text {
    const char *p;
    size_t n;
};

struct tocsin_pair {
    struct tocsin_text name;
    struct tocsin_text value;
};

#define TOCSIN_PAIR_LABEL 0
#define TOCSIN_PAIR_FIELD 1

struct tocsin_record {
    uint32_t kind;
    uint32_t n_pairs;
    struct tocsin_text name;  /* stream, metric or alert name */
    struct tocsin_text input; /* "" for alerts */
    struct tocsin_text key;   /* the same in every delivery of this record */
    struct tocsin_text body;  /* EVENT: as received; ALERT: its JSON */
    int64_t time_us;
    int64_t received_us;
    double value;                    /* SAMPLE, ALERT */
    const struct tocsin_pair *pairs; /* labels, then fields */
    uint32_t n_labels;               /* of the pairs, the first so many */
    uint32_t reserved;
};

/* One alert of a notification; an episode is one alert from firing to
 * resolved, and its key is the same in every delivery. */
struct tocsin_alert {
    uint32_t firing; /* 0: resolved */
    uint32_t n_labels, n_annotations, n_evidence;
    const struct tocsin_pair *labels;
    const struct tocsin_pair *annotations;
    const struct tocsin_text *evidence; /* records that moved it, as received */
    int64_t starts_us, ends_us; /* event time; ends_us 0: still firing */
    int64_t detected_us;        /* wall clock of the detection */
    double value;
    struct tocsin_text episode;
    struct tocsin_text fingerprint; /* 16 hexadecimal digits, of the labels */
    struct tocsin_text generator_url;
};

struct tocsin_notification {
    uint32_t struct_size;
    uint32_t firing; /* 1 while any alert of the group fires */
    struct tocsin_text receiver, group_key, external_url;
    const struct tocsin_pair *group_labels, *common_labels, *common_annotations;
    size_t n_group_labels, n_common_labels, n_common_annotations;
    const struct tocsin_alert *alerts;
    size_t n_alerts;
    size_t alert_size; /* the step from one alert to the next */
    size_t n_truncated;
    struct tocsin_text key; /* idempotency key of this notification */
};

struct tocsin_batch {
    uint32_t struct_size;
    uint32_t attempt; /* 1 at first */
    const struct tocsin_record *records;
    size_t n_records;
    size_t record_size;                             /* step between records */
    const struct tocsin_notification *notification; /* receivers; else NULL */
    int64_t deadline_us; /* boot clock: answer by then */
};

#define TOCSIN_DELIVERED 1
#define TOCSIN_RETRY 2     /* again, not before answer.retry_after_us */
#define TOCSIN_TOO_LARGE 3 /* again in two halves */
#define TOCSIN_REJECTED 4  /* for good: see answer.rejected; fail() why */

struct tocsin_answer {
    uint32_t struct_size;
    uint32_t reserved;
    int64_t retry_after_us; /* as the receiver asked; 0: the host decides */
    uint8_t *rejected;      /* n_records bytes, zeroed by the host; set those
                               refused, or none to refuse all */
};

/* -------------------------------------------------------------- plugin */

/* Life of an instance:
 *
 *   create ──▶ source:   open ──▶ read* / commit* ──▶ close ─┐ (again)
 *          ──▶ decoder:  decode*                             ├─▶ destroy
 *          ──▶ exporter: deliver*                            ┘
 */
struct tocsin_plugin {
    uint32_t struct_size; /* TOCSIN_PLUGIN_HEAD sets both */
    uint32_t abi;
    uint32_t kind;
    uint32_t flags;
    const char *name;    /* the key in the configuration: "kafka" */
    const char *version; /* the plugin's own */
    const char *summary; /* one sentence */

    const struct tocsin_option *options;
    size_t n_options;
    size_t option_size;
    size_t options_struct_size;

    const struct tocsin_stream *streams; /* decoders */
    size_t n_streams;
    size_t stream_size;

    const struct tocsin_metric *metrics;
    size_t n_metrics;
    size_t metric_size;

    /* All kinds.  Makes an instance: checks the options, allocates, does no
     * I/O.  'host' and 'ctx' stay valid until destroy(); so does 'options'.
     * Returns 0, or TOCSIN_ERROR after host->fail().  Also called by `tocsin
     * check config`, then destroyed at once. */
    int (*create)(void **ret_instance, const struct tocsin_host *host,
                  struct tocsin_ctx *ctx, const void *options);
    void (*destroy)(void *instance);

    /* Source.  'starts' are the partitions known from the journal and where
     * each continues; a position that the other side remembers is a hint. */
    int (*open)(void *instance, const struct tocsin_start *starts,
                size_t n_starts);
    /* Returns by 'deadline_us' (boot clock), or soon after wake_fd becomes
     * readable.  ret->struct_size is set by the host. */
    int (*read)(void *instance, int64_t deadline_us, struct tocsin_chunk *ret);
    /* All of 'partition' before 'position' is synced.  May come between any
     * two reads; never waits for one.  NULL: nobody needs to know. */
    void (*commit)(void *instance, uint32_t partition,
                   const struct tocsin_position *position);
    void (*close)(void *instance);

    /* Decoder.  Pure: the same chunk and context give the same calls.
     * Without TOCSIN_CHUNK_MESSAGE the chunk is a piece of a byte stream: the
     * bytes not consumed come again with more behind them.  With it, all is
     * there, and what is not consumed is a dead letter. */
    int64_t (*decode)(void *instance, const struct tocsin_chunk *chunk,
                      struct tocsin_context *context, struct tocsin_sink *sink);

    /* Exporter.  Returns TOCSIN_DELIVERED … or TOCSIN_ERROR (as RETRY). */
    int (*deliver)(void *instance, const struct tocsin_batch *batch,
                   struct tocsin_answer *ret);
    /* The key under `receivers` whose entries are this plugin's options
     * ("webhook_configs"), or NULL if it can't be a receiver. */
    const char *receiver_key;
};

#define TOCSIN_PLUGIN_HEAD                                                     \
    .struct_size = sizeof(struct tocsin_plugin), .abi = TOCSIN_ABI

#if defined(__GNUC__)
#define TOCSIN_EXPORT __attribute__((visibility("default")))
#else
#define TOCSIN_EXPORT
#endif

/* Put at a plugin's end: the only symbol that it exports. */
#define TOCSIN_PLUGIN_REGISTER(plugin)                                         \
    const struct tocsin_plugin *tocsin_plugin_v1(void)                         \
    {                                                                          \
        return &(plugin);                                                      \
    }

TOCSIN_EXPORT const struct tocsin_plugin *tocsin_plugin_v1(void);

#ifdef __cplusplus
}
#endif

#endif
