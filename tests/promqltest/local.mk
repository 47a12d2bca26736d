# SPDX-License-Identifier: Apache-2.0
check_PROGRAMS += %D%/promqltest
%C%_promqltest_SOURCES = \
	%D%/ask.c \
	%D%/compare.c \
	%D%/promqltest.c \
	%D%/promqltest.h \
	%D%/read.c
script_tests += %D%/conformance.sh
