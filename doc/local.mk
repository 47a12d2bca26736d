# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/ARCHITECTURE.md %D%/README.md %D%/decisions

# Manual pages are written in mdoc, in %D%/man; a plugin's stands in its folder.
dist_man_MANS += \
	%D%/man/tocsin-logql.7 \
	%D%/man/tocsin-plugin.3 \
	%D%/man/tocsin-test-rules.1 \
	%D%/man/tocsin-rules.5 \
	%D%/man/tocsin.1 \
	%D%/man/tocsin.yaml.5
