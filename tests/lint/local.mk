# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += \
	%D%/README.md \
	%D%/cppcheck.allow \
	%D%/lib.sh \
	%D%/size.allow

fast_lint_tests += \
	%D%/banned.sh \
	%D%/headers.sh \
	%D%/includes.sh \
	%D%/readme.sh \
	%D%/symbols.sh

slow_lint_tests += \
	%D%/cppcheck.sh \
	%D%/distfiles.sh \
	%D%/format.sh \
	%D%/man.sh \
	%D%/scripts.sh \
	%D%/size.sh \
	%D%/text.sh

print-distfiles:
	@echo $(DISTFILES)

.PHONY: print-distfiles
