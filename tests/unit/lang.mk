# SPDX-License-Identifier: Apache-2.0
unit_tests += \
	%D%/test_lang.t \
	%D%/test_lang_cases.t \
	%D%/test_lang_corpus.t \
	%D%/test_lang_template.t

EXTRA_DIST += \
	%D%/lang \
	%D%/lang_streams.h \
	tests/promqltest
