# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += \
	%D%/README.md \
	%D%/functions.sh \
	%D%/tsan.supp \
	%D%/unit.h

check_PROGRAMS += %D%/free_port %D%/http_sink
%C%_free_port_LDADD =
%C%_http_sink_CFLAGS = $(AM_CFLAGS) $(MHD_CFLAGS)
%C%_http_sink_LDADD = $(MHD_LIBS)
script_tests += %D%/selftest.sh
