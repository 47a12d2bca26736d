# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md %D%/example.yaml
dist_man_MANS += %D%/tocsin-export-null.7

plugin_LTLIBRARIES += %D%/export_null.la
%C%_export_null_la_SOURCES = %D%/export_null.c
%C%_export_null_la_LDFLAGS = $(PLUGIN_LINK)
