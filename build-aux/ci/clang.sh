#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# clang, warnings fatal, unit tests.
tier=clang
. "$(dirname "$0")/tier.sh"

tier_configure CC=clang --enable-werror
tier_make
tier_tests check-unit
tier_end
