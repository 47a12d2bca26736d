# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md %D%/example.yaml
dist_man_MANS += %D%/tocsin-export-webhook.7

# All of it, for the plugin and for its test.
noinst_LTLIBRARIES += %D%/libwebhook.la
%C%_libwebhook_la_SOURCES = \
	%D%/alertmanager.c \
	%D%/export_webhook.c \
	%D%/options.c \
	%D%/request.c \
	%D%/redact.c \
	%D%/webhook.h
%C%_libwebhook_la_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS)
%C%_libwebhook_la_LIBADD = plugins/lib/libout.la $(CURL_LIBS)

plugin_LTLIBRARIES += %D%/export_webhook.la
%C%_export_webhook_la_SOURCES =
%C%_export_webhook_la_LDFLAGS = $(PLUGIN_LINK)
%C%_export_webhook_la_LIBADD = %D%/libwebhook.la
