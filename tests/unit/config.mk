# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += \
	%D%/yaml_cases.txt

unit_tests += %D%/test_yaml.t
%C%_test_yaml_t_SOURCES = %D%/test_yaml.c %D%/golden.c %D%/golden.h
