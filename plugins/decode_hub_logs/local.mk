# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md %D%/example.yaml
dist_man_MANS += %D%/tocsin-hub_logs.7

# All of it, for the plugin and for the fuzz target.
noinst_LTLIBRARIES += %D%/libhub_logs.la
%C%_libhub_logs_la_SOURCES = \
	%D%/decode_hub_logs.c \
	%D%/emit.c \
	%D%/hub_logs.h \
	%D%/keys.c \
	%D%/lex.c \
	%D%/record.c \
	%D%/resource.c \
	%D%/tables.c \
	%D%/time.c \
	%D%/walk.c

plugin_LTLIBRARIES += %D%/decode_hub_logs.la
%C%_decode_hub_logs_la_SOURCES =
%C%_decode_hub_logs_la_LDFLAGS = $(PLUGIN_LINK)
%C%_decode_hub_logs_la_LIBADD = %D%/libhub_logs.la
