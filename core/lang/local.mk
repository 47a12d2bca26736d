# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md
core_libcore_la_SOURCES += \
	%D%/ast.c \
	%D%/ast.h \
	%D%/bind.c \
	%D%/catalog.h \
	%D%/equal.c \
	%D%/functions.c \
	%D%/functions.h \
	%D%/lexer.c \
	%D%/lexer.h \
	%D%/lexer_priv.h \
	%D%/lexer_scan.c \
	%D%/literal.c \
	%D%/matcher.c \
	%D%/matcher.h \
	%D%/parse_call.c \
	%D%/parse_duration.c \
	%D%/parse_expr.c \
	%D%/parse_filter.c \
	%D%/parse_pipeline.c \
	%D%/parse_selector.c \
	%D%/parser.h \
	%D%/print.c \
	%D%/print.h \
	%D%/print_selector.c \
	%D%/problems.c \
	%D%/problems.h \
	%D%/quantity.c \
	%D%/query.c \
	%D%/query.h \
	%D%/selector.h \
	%D%/support.c \
	%D%/token.c \
	%D%/types.c
