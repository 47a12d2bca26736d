# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

hub_logs_sources = \
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
%C%_decode_hub_logs_la_SOURCES = $(hub_logs_sources)
%C%_decode_hub_logs_la_LDFLAGS = $(PLUGIN_LINK)
