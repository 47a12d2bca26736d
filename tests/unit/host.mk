# SPDX-License-Identifier: Apache-2.0
unit_tests += %D%/test_ingest.t %D%/test_plugins.t
unit_tests += %D%/test_input.t
%C%_test_input_t_SOURCES = %D%/test_input.c tests/lib/fakes.c tests/lib/fakes.h
