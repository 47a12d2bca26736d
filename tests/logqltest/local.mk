# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

# Loki's test language: see README.md.
check_PROGRAMS += %D%/logqltest
%C%_logqltest_SOURCES = %D%/logqltest.c %D%/script.c %D%/script.h
script_tests += %D%/run.sh
EXTRA_DIST += \
	%D%/ranges.logqltest \
	%D%/stages.logqltest \
	%D%/templates.logqltest
