# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

plugin_LTLIBRARIES += %D%/source_null.la
%C%_source_null_la_SOURCES = %D%/source_null.c
%C%_source_null_la_LDFLAGS = $(PLUGIN_LINK)
