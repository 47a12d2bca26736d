/* SPDX-License-Identifier: Apache-2.0 */
/* sd.h - tells systemd how it goes, where it asked; nothing without it. */
#ifndef TOCSIN_CMD_SD_H
#define TOCSIN_CMD_SD_H
void sd_ready(void);
void sd_reloading(void);
void sd_stopping(void);
void sd_watchdog(void); /* alive; call a few times a second */
#endif
