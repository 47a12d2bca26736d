# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

plugin_LTLIBRARIES += %D%/decode_null.la
%C%_decode_null_la_SOURCES = %D%/decode_null.c
%C%_decode_null_la_LDFLAGS = $(PLUGIN_LINK)
