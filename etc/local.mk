# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

# An example: dist_example_DATA += %D%/tocsin.yaml
exampledir = $(docdir)/examples
dist_example_DATA =
