# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md
core_libcore_la_SOURCES += \
	%D%/ast.c \
	%D%/ast.h \
	%D%/catalog.h \
	%D%/functions.c \
	%D%/functions.h \
	%D%/lexer.c \
	%D%/lexer.h \
	%D%/lexer_priv.h \
	%D%/lexer_scan.c \
	%D%/literal.c \
	%D%/matcher.c \
	%D%/matcher.h \
	%D%/quantity.c \
	%D%/query.h \
	%D%/selector.h \
	%D%/token.c
