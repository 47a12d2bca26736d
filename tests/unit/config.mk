# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += \
	%D%/config_bad.txt \
	%D%/config_good.txt \
	%D%/options_cases.txt \
	%D%/yaml_cases.txt \
	%D%/yaml_values.txt

unit_tests += %D%/test_yaml.t
%C%_test_yaml_t_SOURCES = %D%/test_yaml.c %D%/golden.c %D%/golden.h

unit_tests += %D%/test_config.t
%C%_test_config_t_SOURCES = %D%/test_config.c %D%/golden.c %D%/golden.h

unit_tests += %D%/test_options.t
%C%_test_options_t_SOURCES = %D%/test_options.c %D%/golden.c %D%/golden.h
%C%_test_options_t_LDADD = $(LDADD) $(JANSSON_LIBS)
