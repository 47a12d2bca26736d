# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md
core_libcore_la_SOURCES += \
	%D%/ast.h \
	%D%/catalog.h \
	%D%/functions.h \
	%D%/matcher.h \
	%D%/query.h \
	%D%/selector.h
