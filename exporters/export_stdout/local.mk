# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md %D%/example.yaml
dist_man_MANS += %D%/tocsin-export-stdout.7

plugin_LTLIBRARIES += %D%/export_stdout.la
%C%_export_stdout_la_SOURCES = %D%/export_stdout.c
%C%_export_stdout_la_LDFLAGS = $(PLUGIN_LINK)
%C%_export_stdout_la_LIBADD = plugins/lib/libout.la
