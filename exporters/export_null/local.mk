# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

plugin_LTLIBRARIES += %D%/export_null.la
%C%_export_null_la_SOURCES = %D%/export_null.c
%C%_export_null_la_LDFLAGS = $(PLUGIN_LINK)
