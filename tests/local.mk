# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

include %D%/lib/local.mk
include %D%/unit/local.mk
include %D%/functional/local.mk
include %D%/scenario/local.mk
include %D%/fuzz/local.mk
include %D%/bench/local.mk
include %D%/abi/local.mk
include %D%/lint/local.mk

TEST_EXTENSIONS = .sh .t
T_LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) \
	$(top_srcdir)/build-aux/tap-driver.sh
AM_T_LOG_DRIVER_FLAGS = --merge
AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir; \
	top_builddir='$(abs_top_builddir)'; export top_builddir; \
	TOCSIN='$(abs_top_builddir)/tocsin'; export TOCSIN; \
	CC='$(CC)'; export CC; \
	TOCSIN_SANITIZERS='$(SANITIZERS)'; export TOCSIN_SANITIZERS; \
	LC_ALL=C.UTF-8; export LC_ALL;
# Leaks are seen only where Check does not fork.
if SANITIZED
AM_TESTS_ENVIRONMENT += CK_FORK=no; export CK_FORK;
endif

if HAVE_CHECK
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif
check_PROGRAMS += $(fuzz_targets)
TESTS += $(script_tests)
EXTRA_DIST += $(script_tests)
