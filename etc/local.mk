# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

# Folders stay as they are: the examples name their rules by relative paths.
exampledir = $(docdir)/examples
dist_example_DATA = \
	%D%/examples/event-hubs-to-webhook.yaml \
	%D%/examples/file-to-stdout.yaml \
	%D%/examples/null-bench.yaml \
	%D%/tocsin.yaml
examplerulesdir = $(exampledir)/rules
dist_examplerules_DATA = \
	%D%/examples/rules/disconnects.yaml
