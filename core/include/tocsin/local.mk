# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md
pkginclude_HEADERS += \
	%D%/json.h \
	%D%/json_scan.h \
	%D%/json_value.h \
	%D%/plugin.h
