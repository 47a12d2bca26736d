# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md %D%/example.yaml
dist_man_MANS += %D%/tocsin-export-stdout.7

# All of it, for the plugin and for its test.
noinst_LTLIBRARIES += %D%/libstdout.la
%C%_libstdout_la_SOURCES = %D%/export_stdout.c
%C%_libstdout_la_LIBADD = plugins/lib/libout.la

plugin_LTLIBRARIES += %D%/export_stdout.la
%C%_export_stdout_la_SOURCES =
%C%_export_stdout_la_LDFLAGS = $(PLUGIN_LINK)
%C%_export_stdout_la_LIBADD = %D%/libstdout.la
