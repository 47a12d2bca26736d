/* SPDX-License-Identifier: Apache-2.0 */
/* plugin_options.h - fills a plugin's options struct from key=value words.
 *
 * Groups and maps by dotted keys (event_hubs.connection_string=…,
 * properties.ssl.ca.location=…), lists by repetition. */
#ifndef TOCSIN_TESTS_PLUGIN_OPTIONS_H
#define TOCSIN_TESTS_PLUGIN_OPTIONS_H
#include <tocsin/plugin.h>

/* A zeroed struct with all defaults in it; never freed.  Ends the program
 * where memory is short or the table is wrong. */
void *plugin_options_new(const struct tocsin_option *table, size_t n,
                         size_t struct_size);
/* Sets one.  Returns 0, or -1 with a message on standard error. */
int plugin_options_set(void *options, const struct tocsin_option *table,
                       size_t n, const char *word);

#endif
