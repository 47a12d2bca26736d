# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += \
	%D%/README.md \
	%D%/crash.sh \
	%D%/fakes.c \
	%D%/fakes.h \
	%D%/faultio.c \
	%D%/faultio.h \
	%D%/functions.sh \
	%D%/plugin_options.h \
	%D%/tsan.supp \
	%D%/unit.h

check_PROGRAMS += %D%/free_port %D%/http_sink
%C%_free_port_LDADD =
%C%_http_sink_CFLAGS = $(AM_CFLAGS) $(MHD_CFLAGS)
%C%_http_sink_LDADD = $(MHD_LIBS)
script_tests += %D%/selftest.sh

# A host for one source plugin.
check_PROGRAMS += %D%/plugin_host
%C%_plugin_host_SOURCES = %D%/plugin_host.c %D%/plugin_options.c
%C%_plugin_host_LDADD =

# What a journal's chunks were decoded from.
check_PROGRAMS += %D%/journal_bytes

include %D%/kafka/local.mk
