# SPDX-License-Identifier: Apache-2.0
unit_tests += %D%/test_notifier.t
%C%_test_notifier_t_SOURCES = %D%/test_notifier.c %D%/notify_script.c \
	%D%/notify_script.h
