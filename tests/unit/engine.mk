# SPDX-License-Identifier: Apache-2.0
engine_test = tests/lib/libengine_feed.la $(LDADD)

check_LTLIBRARIES += tests/lib/libengine_feed.la
tests_lib_libengine_feed_la_SOURCES = \
	tests/lib/engine_expect.c \
	tests/lib/engine_feed.c \
	tests/lib/engine_feed.h \
	tests/lib/engine_random.c \
	tests/lib/engine_random.h \
	tests/lib/promql_eval.c \
	tests/lib/promql_eval.h \
	tests/lib/reference.c \
	tests/lib/reference.h \
	tests/lib/reference_eval.c \
	tests/lib/reference_kinds.c \
	tests/lib/reference_priv.h

unit_tests += %D%/test_engine.t
%C%_test_engine_t_SOURCES = %D%/test_engine.c
%C%_test_engine_t_LDADD = $(engine_test)

unit_tests += %D%/test_engine_kinds.t
%C%_test_engine_kinds_t_SOURCES = %D%/test_engine_kinds.c
%C%_test_engine_kinds_t_LDADD = $(engine_test)

unit_tests += %D%/test_rulefile.t
%C%_test_rulefile_t_SOURCES = %D%/test_rulefile.c
%C%_test_rulefile_t_LDADD = $(engine_test)

unit_tests += %D%/test_engine_restart.t
%C%_test_engine_restart_t_SOURCES = %D%/test_engine_restart.c
%C%_test_engine_restart_t_LDADD = $(engine_test)

unit_tests += %D%/test_engine_reference.t
%C%_test_engine_reference_t_SOURCES = %D%/test_engine_reference.c
%C%_test_engine_reference_t_LDADD = $(engine_test)

unit_tests += %D%/test_engine_reload.t
%C%_test_engine_reload_t_SOURCES = %D%/test_engine_reload.c
%C%_test_engine_reload_t_LDADD = $(engine_test)

unit_tests += %D%/test_promql_functions.t
%C%_test_promql_functions_t_SOURCES = %D%/test_promql_functions.c
%C%_test_promql_functions_t_LDADD = $(engine_test)

unit_tests += %D%/test_values.t
%C%_test_values_t_SOURCES = %D%/test_values.c
%C%_test_values_t_LDADD = $(engine_test)

unit_tests += %D%/test_query.t
%C%_test_query_t_SOURCES = %D%/test_query.c
%C%_test_query_t_LDADD = $(engine_test)
