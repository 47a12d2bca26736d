/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/record/frame.h"

static const char *const names[] = {
    [FRAME_SCHEMA] = "schema",       [FRAME_RULES] = "rules",
    [FRAME_CHUNK] = "chunk",         [FRAME_TICK] = "tick",
    [FRAME_ALERT] = "alert",         [FRAME_DELIVERY] = "delivery",
    [FRAME_POSITIONS] = "positions", [FRAME_MARK] = "mark",
};

const char *
frame_type_name(unsigned type)
{
    return type < ARRAY_SIZE(names) ? names[type] : NULL;
}
