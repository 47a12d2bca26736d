/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <time.h>

#include "core/base/check.h"
#include "core/base/clock.h"

static usec_t
clock_read(clockid_t id)
{
    struct timespec ts;
    CHECK(clock_gettime(id, &ts) == 0);
    return (usec_t)ts.tv_sec * USEC_PER_SEC + ts.tv_nsec / 1000;
}

usec_t
clock_wall_us(void)
{
    return clock_read(CLOCK_REALTIME);
}

usec_t
clock_boot_us(void)
{
    return clock_read(CLOCK_BOOTTIME);
}

usec_t
clock_monotonic_us(void)
{
    return clock_read(CLOCK_MONOTONIC);
}
