/* SPDX-License-Identifier: Apache-2.0 */
/* delivery.h - payload of FRAME_DELIVERY: what became of a notification.
 *
 * 'attempt' is appended before a notification is first handed to a receiver,
 * 'done' when it was taken or refused for good.  One with an attempt and
 * without a done is sent again after a restart, with the same key. */
#ifndef TOCSIN_RECORD_DELIVERY_H
#define TOCSIN_RECORD_DELIVERY_H
#include "core/base/types.h"

struct buf;

enum delivery_step { DELIVERY_ATTEMPT = 1, DELIVERY_DONE = 2 };
enum delivery_outcome {
    DELIVERY_PENDING = 0, /* of an attempt */
    DELIVERY_TAKEN = 1,
    DELIVERY_REFUSED = 2,
};

struct delivery {
    uint8_t step, outcome;
    uint32_t attempts;   /* so far */
    struct slice key;    /* of the notification */
    struct slice target; /* "oncall/webhook_configs[0]" */
    struct slice group_key;
    struct slice reason; /* of a refusal */
};

MUST_CHECK int delivery_encode(const struct delivery *d, struct buf *out);
/* Slices point into the payload.  0 or -EBADMSG. */
MUST_CHECK int delivery_decode(struct slice payload, struct delivery *ret);

#endif
