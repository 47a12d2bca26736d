# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

plugin_LTLIBRARIES += %D%/source_file.la
%C%_source_file_la_SOURCES = \
	%D%/source_file.c \
	%D%/tail.c \
	%D%/tail.h
%C%_source_file_la_CFLAGS = $(AM_CFLAGS) $(ZLIB_CFLAGS)
%C%_source_file_la_LDFLAGS = $(PLUGIN_LINK)
%C%_source_file_la_LIBADD = $(ZLIB_LIBS)
