/* SPDX-License-Identifier: Apache-2.0 */
/* decoder_host.h - a host for one decoder: what the collector does around
 * decode(), for tests, fuzz targets and benchmarks.
 *
 * It keeps the bytes that were not consumed, counts what comes, checks each
 * call against the contract of <tocsin/plugin.h> (a breach aborts), and writes
 * what comes as text:
 *
 *     event hub_logs 2026-05-04T08:00:00.000000Z @19+672
 *         hub=contoso-hub
 *     sample iothub_device_connected 2026-05-04T08:00:00.000000Z 1
 *         hub=contoso-hub
 *     reject 12+34 "reason" the bytes
 *     pass 12+34 the bytes
 *     not mine 12+34
 */
#ifndef TOCSIN_TESTS_DECODER_HOST_H
#define TOCSIN_TESTS_DECODER_HOST_H
#include <stdio.h>

#include <tocsin/plugin.h>

#define DECODER_TEXT 1u      /* write what comes */
#define DECODER_OFFSETS 2u   /* … with its places */
#define DECODER_FOREIGN 4u   /* … with what is passed */
#define DECODER_UNCHECKED 8u /* count only: for benchmarks */

struct decoder_host {
    const struct tocsin_plugin *plugin;
    void *library;
    void *instance;
    struct tocsin_host host;
    struct tocsin_sink sink;
    uint32_t flags;

    size_t n_events, n_samples, n_values, n_rejects, n_passes, n_not_mine;
    size_t n_metric[16]; /* calls of host->metric */
    uint64_t n_rejected_bytes;

    /* The chunk at work. */
    const struct tocsin_chunk *chunk;
    uint64_t base; /* of the chunk in the stream */
    char *text;    /* what text() stored: offsets begin at the chunk's size */
    size_t text_used, text_room, text_max;

    FILE *out;
    char *output;
    size_t output_size;
};

/* Loads a plugin (path), or takes one that is linked in (plugin).  Returns 0,
 * or -1 after a message on standard error. */
int decoder_host_open(struct decoder_host *d, const char *path,
                      const struct tocsin_plugin *plugin, uint32_t flags);
void decoder_host_close(struct decoder_host *d);

/* One call of decode(), with its bytes in a block of just their size. */
int64_t decoder_host_call(struct decoder_host *d, const char *p, size_t n,
                          uint32_t flags, struct tocsin_context *context);

/* One message, as Kafka brings it. */
void decoder_host_message(struct decoder_host *d, const char *p, size_t n);

/* A byte stream in pieces: 'cuts' are rising positions in it.  A piece with
 * what was left before it is at most 'room' bytes, 0: any. */
void decoder_host_stream(struct decoder_host *d, const char *p, size_t n,
                         const size_t *cuts, size_t n_cuts, size_t room);

/* What has been written so far, and starts anew.  Free it. */
char *decoder_host_take(struct decoder_host *d);

#endif
