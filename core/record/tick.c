/* SPDX-License-Identifier: Apache-2.0 */
/* tick.c - a partition: state, varint input, name with its length. */
#include "config.h"

#include <errno.h>

#include "core/base/buf.h"
#include "core/base/codec.h"
#include "core/record/tick.h"

int
tick_encode(const struct tick_partition *p, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        (void)buf_put_u8(out, p[i].state);
        (void)buf_put_varint(out, p[i].input);
        (void)buf_put_slice(out, p[i].name);
    }
    return buf_error(out);
}

int
tick_next(struct slice payload, size_t *cursor, struct tick_partition *ret)
{
    if (*cursor >= payload.n)
        return 0;
    struct reader r = reader_new(slice_skip(payload, *cursor));
    uint8_t state = reader_u8(&r);
    uint32_t input = reader_varint32(&r);
    struct slice name = reader_slice(&r);
    if (!reader_ok(&r) || input > UINT16_MAX || state < PARTITION_READING ||
        state > PARTITION_ENDED)
        return -EBADMSG;
    *ret = (struct tick_partition){(uint16_t)input, state, name};
    *cursor = payload.n - reader_left(&r);
    return 1;
}
