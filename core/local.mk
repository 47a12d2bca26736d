# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

# Everything but the program's own files, for the program and for the tests.
noinst_LTLIBRARIES += %D%/libcore.la
%C%_libcore_la_SOURCES =
%C%_libcore_la_CPPFLAGS = $(AM_CPPFLAGS) $(YAML_CFLAGS) $(PCRE2_CFLAGS) \
	$(ZLIB_CFLAGS) $(JANSSON_CFLAGS) $(CRYPTO_CFLAGS) $(MHD_CFLAGS) \
	$(SYSTEMD_CFLAGS)
%C%_libcore_la_LIBADD = $(YAML_LIBS) $(PCRE2_LIBS) $(ZLIB_LIBS) \
	$(JANSSON_LIBS) $(CRYPTO_LIBS) $(MHD_LIBS) $(SYSTEMD_LIBS)

bin_PROGRAMS += tocsin
tocsin_SOURCES =
tocsin_LDADD = %D%/libcore.la

include %D%/include/tocsin/local.mk
include %D%/base/local.mk
include %D%/record/local.mk
include %D%/journal/local.mk
include %D%/config/local.mk
include %D%/lang/local.mk
include %D%/engine/local.mk
include %D%/notify/local.mk
include %D%/host/local.mk
include %D%/run/local.mk
include %D%/http/local.mk
include %D%/cmd/local.mk
