# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

core_libcore_la_SOURCES += \
	%D%/config_defaults.c \
	%D%/config_inputs.c \
	%D%/config_later.c \
	%D%/config_matcher.c \
	%D%/config_priv.h \
	%D%/config_receivers.c \
	%D%/config_route.c \
	%D%/config_settings.c \
	%D%/configuration.c \
	%D%/configuration.h \
	%D%/expand.c \
	%D%/expand.h \
	%D%/options.c \
	%D%/options.h \
	%D%/options_print.c \
	%D%/options_priv.h \
	%D%/options_table.c \
	%D%/options_value.c \
	%D%/secrets.c \
	%D%/secrets.h \
	%D%/yaml.c \
	%D%/yaml.h \
	%D%/yaml_build.c \
	%D%/yaml_keys.c \
	%D%/yaml_priv.h \
	%D%/yaml_read.c \
	%D%/yaml_syntax.c \
	%D%/yaml_where.c
