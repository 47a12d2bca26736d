# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

# Built against the frozen header alone.
check_LTLIBRARIES += %D%/decode_frozen.la
%C%_decode_frozen_la_SOURCES = %D%/v1/decode_frozen.c %D%/v1/tocsin/plugin.h
%C%_decode_frozen_la_CPPFLAGS = -I$(top_srcdir)/tests/abi/v1
%C%_decode_frozen_la_LDFLAGS = $(PLUGIN_LINK) -rpath /nowhere
