/* SPDX-License-Identifier: Apache-2.0 */
/* badbatch.h - where a batch ends that can't be read.
 *
 * A batch whose checksum is wrong stops librdkafka 2.0.2: it reports the
 * batch's first offset, does not know its last, and fetches it for ever.  Any
 * offset inside a batch is answered with the whole batch, so the end is found
 * by asking at offsets ahead, further each time, then halving. */
#ifndef TOCSIN_SOURCE_KAFKA_BADBATCH_H
#define TOCSIN_SOURCE_KAFKA_BADBATCH_H
#include <librdkafka/rdkafka.h>
#include <stdbool.h>

/* Is this error a batch that can't be read, now or ever? */
bool badbatch_is(rd_kafka_resp_err_t err);

/* What is at 'offset': 1 something else, 0 the bad batch, -1 no answer. */
typedef int (*badbatch_ask_fn)(void *arg, int64_t offset);

/* The first offset behind the bad batch that begins at 'base', or -1; 'base'
 * where it can be read after all. */
int64_t badbatch_search(int64_t base, badbatch_ask_fn ask, void *arg);

/* The same, asking the broker with a client of its own.  Blocks, at most 30 s.
 * 'conf' is copied. */
int64_t badbatch_end(const rd_kafka_conf_t *conf, const char *topic,
                     int32_t number, int64_t base);

#endif
