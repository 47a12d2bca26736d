/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>

#include "core/base/buf.h"
#include "core/base/codec.h"
#include "core/record/delivery.h"

#define DELIVERY_VERSION 1u

int
delivery_encode(const struct delivery *d, struct buf *out)
{
    (void)buf_put_u8(out, DELIVERY_VERSION);
    (void)buf_put_u8(out, d->step);
    (void)buf_put_u8(out, d->outcome);
    (void)buf_put_varint(out, d->attempts);
    (void)buf_put_slice(out, d->key);
    (void)buf_put_slice(out, d->target);
    (void)buf_put_slice(out, d->group_key);
    (void)buf_put_slice(out, d->reason);
    return buf_error(out);
}

int
delivery_decode(struct slice payload, struct delivery *ret)
{
    struct reader r = reader_new(payload);
    struct delivery d = {0};
    if (reader_u8(&r) != DELIVERY_VERSION)
        return -EBADMSG;
    d.step = reader_u8(&r);
    d.outcome = reader_u8(&r);
    d.attempts = reader_varint32(&r);
    d.key = reader_slice(&r);
    d.target = reader_slice(&r);
    d.group_key = reader_slice(&r);
    d.reason = reader_slice(&r);
    if (!reader_done(&r) || d.step < DELIVERY_ATTEMPT ||
        d.step > DELIVERY_DONE || d.outcome > DELIVERY_REFUSED)
        return -EBADMSG;
    *ret = d;
    return 0;
}
