# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += \
	tests/data/dps \
	tests/data/iothub-logs \
	tests/data/iothub-metrics

hub_logs_test = $(LDADD) tests/lib/libdecoder_host.la

check_LTLIBRARIES += tests/lib/libdecoder_host.la
tests_lib_libdecoder_host_la_SOURCES = \
	tests/lib/decoder_host.c \
	tests/lib/decoder_host.h

unit_tests += %D%/test_hub_logs_samples.t
%C%_test_hub_logs_samples_t_SOURCES = %D%/test_hub_logs_samples.c
%C%_test_hub_logs_samples_t_LDADD = $(hub_logs_test)

unit_tests += %D%/test_hub_logs.t
%C%_test_hub_logs_t_SOURCES = %D%/test_hub_logs.c
%C%_test_hub_logs_t_LDADD = $(hub_logs_test)

unit_tests += %D%/test_hub_logs_alloc.t
%C%_test_hub_logs_alloc_t_SOURCES = %D%/test_hub_logs_alloc.c
%C%_test_hub_logs_alloc_t_LDADD = $(hub_logs_test)

EXTRA_DIST += tests/lib/json_dump.h
unit_tests += %D%/test_json.t %D%/test_json_portable.t
%C%_test_json_t_SOURCES = %D%/test_json.c
%C%_test_json_portable_t_SOURCES = %D%/test_json.c
%C%_test_json_portable_t_CPPFLAGS = $(AM_CPPFLAGS) -DTOCSIN_JSON_PORTABLE
