# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

include %D%/lib/local.mk
include %D%/unit/local.mk
include %D%/functional/local.mk
include %D%/promqltest/local.mk
include %D%/logqltest/local.mk
include %D%/scenario/local.mk
include %D%/fuzz/local.mk
include %D%/bench/local.mk
include %D%/abi/local.mk
include %D%/lint/local.mk

# No test hangs make check: this many seconds for each.
TEST_TIMEOUT = 300
LIMIT = $(TEST_WRAP) timeout -k 10 $(TEST_TIMEOUT)
# What else a test shall run under.
TEST_WRAP =

TEST_EXTENSIONS = .sh .t
T_LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) \
	$(top_srcdir)/build-aux/tap-driver.sh
AM_T_LOG_DRIVER_FLAGS = --merge
T_LOG_COMPILER = $(LIMIT)
SH_LOG_COMPILER = $(LIMIT) sh
AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir; \
	top_builddir='$(abs_top_builddir)'; export top_builddir; \
	TOCSIN='$(abs_top_builddir)/tocsin'; export TOCSIN; \
	CC='$(CC)'; export CC; \
	TOCSIN_SANITIZERS='$(SANITIZERS)'; export TOCSIN_SANITIZERS; \
	CK_DEFAULT_TIMEOUT=60; export CK_DEFAULT_TIMEOUT; \
	LC_ALL=C.UTF-8; export LC_ALL;
# Leaks are seen only where Check does not fork.
if SANITIZED
AM_TESTS_ENVIRONMENT += CK_FORK=no; export CK_FORK;
endif
if SANITIZED_THREAD
AM_TESTS_ENVIRONMENT += \
	TSAN_OPTIONS="halt_on_error=1 second_deadlock_stack=1 \
		suppressions=$(abs_top_srcdir)/tests/lib/tsan.supp"; \
	export TSAN_OPTIONS;
endif

# Two steps, so that one line can leave a kind of test out.
program_tests =
if HAVE_CHECK
check_PROGRAMS += $(unit_tests)
program_tests += $(unit_tests)
endif
check_PROGRAMS += $(fuzz_targets)
scripts_run = $(script_tests)
TESTS += $(program_tests) $(scripts_run) $(fast_lint_tests)
EXTRA_DIST += $(script_tests) $(fast_lint_tests) $(slow_lint_tests)

# Parts of make check, for those who know what they want.
run_tests = $(MAKE) $(AM_MAKEFLAGS) check

check-unit:
	$(run_tests) TESTS='$(program_tests)'
check-functional:
	$(run_tests) TESTS='$(script_tests)'
check-sanitized check-threads:
	$(run_tests) TESTS='$(program_tests) $(script_tests)'
check-valgrind:
	@test -n '$(VALGRIND)' || { echo 'no valgrind here'; exit 1; }
	CK_FORK=no $(run_tests) TESTS='$(program_tests)' \
		T_LOG_COMPILER='$(LIMIT) $(VALGRIND) -q --error-exitcode=99 \
		--leak-check=full --errors-for-leak-kinds=definite'
lint:
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS check_PROGRAMS= \
		check_LTLIBRARIES= \
		TESTS='$(fast_lint_tests) $(slow_lint_tests)'
fuzz-targets: $(fuzz_targets)

.PHONY: check-unit check-functional check-sanitized check-threads \
	check-valgrind lint fuzz-targets
