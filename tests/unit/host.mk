# SPDX-License-Identifier: Apache-2.0
unit_tests += %D%/test_ingest.t %D%/test_plugins.t
unit_tests += %D%/test_input.t
%C%_test_input_t_SOURCES = %D%/test_input.c tests/lib/fakes.c tests/lib/fakes.h
unit_tests += %D%/test_exporter.t
%C%_test_exporter_t_SOURCES = %D%/test_exporter.c \
	tests/lib/fakes.c tests/lib/fakes.h tests/lib/faultio.c tests/lib/faultio.h
