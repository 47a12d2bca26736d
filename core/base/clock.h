/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - the only place that reads clocks.  The engine, the decoders and all
 * that must give the same result twice never call it.  Thread: any. */
#ifndef TOCSIN_BASE_CLOCK_H
#define TOCSIN_BASE_CLOCK_H
#include "core/base/types.h"

/* Wall-clock time, may step. */
usec_t clock_wall_us(void);
/* Since boot, suspended time included; never steps back. */
usec_t clock_boot_us(void);
/* As above, without suspended time: for deadlines of cond_wait_until alone. */
usec_t clock_monotonic_us(void);

#endif
