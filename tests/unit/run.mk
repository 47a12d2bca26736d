# SPDX-License-Identifier: Apache-2.0
unit_tests += %D%/test_outbox.t
%C%_test_outbox_t_SOURCES = %D%/test_outbox.c %D%/notify_script.c \
	%D%/notify_script.h

unit_tests += %D%/test_powercut_run.t
%C%_test_powercut_run_t_SOURCES = %D%/test_powercut_run.c \
	tests/lib/faultio.c tests/lib/faultio.h
%C%_test_powercut_run_t_LDADD = $(engine_test)
unit_tests += %D%/test_checkpoint.t
%C%_test_checkpoint_t_SOURCES = %D%/test_checkpoint.c \
	tests/lib/faultio.c tests/lib/faultio.h
%C%_test_checkpoint_t_LDADD = $(engine_test)
unit_tests += %D%/test_follower.t
%C%_test_follower_t_SOURCES = %D%/test_follower.c \
	tests/lib/faultio.c tests/lib/faultio.h
%C%_test_follower_t_LDADD = $(engine_test)
unit_tests += %D%/test_run_threads.t
%C%_test_run_threads_t_SOURCES = %D%/test_run_threads.c \
	tests/lib/fakes.c tests/lib/fakes.h

unit_tests += %D%/test_watch.t
%C%_test_watch_t_SOURCES = %D%/test_watch.c

unit_tests += %D%/test_ruletest.t
%C%_test_ruletest_t_LDADD = $(engine_test)
