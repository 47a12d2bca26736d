/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>

#include "core/base/clock.h"
#include "core/cmd/sd.h"

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>

static void
tell(const char *state)
{
    (void)sd_notify(0, state);
}
#else
static void
tell(const char *state)
{
    (void)state;
}
#endif

void
sd_ready(void)
{
    tell("READY=1");
}

/* systemd wants the time at which the reload began (sd_notify(3)). */
void
sd_reloading(void)
{
    char state[64];
    (void)snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%lld",
                   (long long)clock_monotonic_us());
    tell(state);
}

void
sd_stopping(void)
{
    tell("STOPPING=1");
}

void
sd_watchdog(void)
{
    tell("WATCHDOG=1");
}
