# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

core_libcore_la_SOURCES += \
	%D%/page_api.c \
	%D%/page_metrics.c \
	%D%/page_status.c \
	%D%/pages.h \
	%D%/reload.c \
	%D%/reload.h \
	%D%/server.c \
	%D%/server.h \
	%D%/snapshot.c \
	%D%/snapshot.h
