#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Without every part that can be left out: it builds, unit tests pass.
tier=minimal
. "$(dirname "$0")/tier.sh"

tier_configure --enable-werror \
    --disable-kafka --disable-webhook --disable-systemd
tier_make
tier_tests check-unit
tier_end
