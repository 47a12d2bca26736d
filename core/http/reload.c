/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/http/reload.h"

#include <errno.h>

#include <microhttpd.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/run/collector.h"
#include "core/run/desk.h"

#define WAIT_US (20 * USEC_PER_SEC)

unsigned
reload_answer(struct collector *c, struct buf *b)
{
    struct err err = ERR_INIT;
    int r = desk_ask(collector_desk(c), WAIT_US, &err);
    if (r == 0)
        return MHD_HTTP_OK;
    (void)buf_printf(b, "failed to reload config: %s\n", err.message);
    return r == -ESHUTDOWN || r == -ETIMEDOUT ? MHD_HTTP_SERVICE_UNAVAILABLE
                                              : MHD_HTTP_INTERNAL_SERVER_ERROR;
}
