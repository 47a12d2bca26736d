#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# gcc, warnings fatal, every test.
tier=gcc
. "$(dirname "$0")/tier.sh"

tier_configure CC=gcc --enable-werror \
    --enable-kafka=yes --enable-webhook=yes --enable-systemd=yes
tier_make
tier_tests check
tier_end
