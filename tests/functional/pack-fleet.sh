#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# rules/fleet.yaml: its unit tests pass, and make each rule do what it is for;
# each alert has its runbook.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/lib/functions.sh"
requires_plugin decode_hub_logs

"$TOCSIN" test rules --coverage "$top_srcdir/rules/fleet.test.yaml" >"$tmp/out" 2>&1 ||
    fail "$(cat "$tmp/out")"
grep -q '(100.0%)$' "$tmp/out" || fail "$(cat "$tmp/out")"
sed -n 's/.*runbook_url: *//p' "$top_srcdir/rules/fleet.yaml" | sort -u >"$tmp/runbooks"
[ -s "$tmp/runbooks" ] || fail "no runbooks"
while read -r runbook; do
    [ -f "$top_srcdir/rules/$runbook" ] || fail "no $runbook"
done <"$tmp/runbooks"
