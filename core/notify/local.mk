# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

core_libcore_la_SOURCES += \
	%D%/alert.c \
	%D%/flush.c \
	%D%/group.c \
	%D%/heap.c \
	%D%/heap.h \
	%D%/notification.c \
	%D%/notifier.c \
	%D%/notifier.h \
	%D%/notifier_priv.h \
	%D%/route.c \
	%D%/route.h \
	%D%/state.c
