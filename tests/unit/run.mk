# SPDX-License-Identifier: Apache-2.0
unit_tests += %D%/test_outbox.t
%C%_test_outbox_t_SOURCES = %D%/test_outbox.c %D%/notify_script.c \
	%D%/notify_script.h
