/* SPDX-License-Identifier: Apache-2.0 */
/* supervise.h - a running collector and the signals it gets. */
#ifndef TOCSIN_CMD_SUPERVISE_H
#define TOCSIN_CMD_SUPERVISE_H
#include "core/base/types.h"

struct config;
struct plugins;

struct supervise_options {
    struct config *config;
    struct plugins *plugins;
    const char *path; /* of the configuration, for SIGHUP; NULL: ignored */
    usec_t for_us;    /* stops by itself after this; 0: never */
};

/* Starts the collector and waits: SIGTERM and SIGINT drain and stop (a second
 * one stops at once), and the end of every input, where all are finite, ends
 * it too.  Rules are read again at SIGHUP, when asked for over HTTP, and when
 * the configuration or a rule file has changed.  Call before any thread exists.
 * Exit status. */
int supervise(const struct supervise_options *o);
#endif
