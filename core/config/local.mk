# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

core_libcore_la_SOURCES += \
	%D%/yaml.h
