#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What reads the sources: format, includes, sizes, cppcheck.
tier=lint
. "$(dirname "$0")/tier.sh"

tier_configure --enable-werror
tier_tests lint
tier_end
