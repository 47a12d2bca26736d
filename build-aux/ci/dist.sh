#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tarball: unpack, build out of a read-only tree, unit tests, install,
# a plugin built against what was installed, uninstall, distclean.
tier=dist
. "$(dirname "$0")/tier.sh"

tier_configure
(cd "$dir/tree" && timeout -k 10 "$limit" \
    make -j"$jobs" distcheck scripts_run=) >>"$log" 2>&1 ||
    tier_broken "make distcheck failed"

# Its tests are gone with its tree; their summary stands in the log.
sum_of()
{
    awk -v what="# $1:" 'index($0, what) == 1 { n += $NF } END { print n + 0 }' \
        "$log"
}
passed=$((1 + $(sum_of PASS)))
skipped=$(sum_of SKIP)
tier_end
