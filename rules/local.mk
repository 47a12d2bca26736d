# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

# A pack: dist_rules_DATA += %D%/iothub.yaml; its unit tests are EXTRA_DIST.
rulesdir = $(pkgdatadir)/rules
dist_rules_DATA = %D%/demo.yaml
