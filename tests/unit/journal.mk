# SPDX-License-Identifier: Apache-2.0
unit_tests += %D%/test_journal.t
unit_tests += %D%/test_journal_power.t
unit_tests += %D%/test_journal_threads.t
%C%_test_journal_power_t_SOURCES = %D%/test_journal_power.c \
	tests/lib/faultio.c tests/lib/faultio.h
