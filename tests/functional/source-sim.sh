#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The simulated fleet as a source: the same bytes each time, no gap and no
# repeat over a restart, in step with the clock.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/lib/functions.sh"

so=$top_builddir/plugins/source_sim/.libs/source_sim.so
host=$top_builddir/tests/lib/plugin_host
all="formats=hub_logs formats=dps formats=edge_metrics"
fixed="start=2026-05-04T08:00:00Z speed=0 duration=61s"

# The chunks of each partition, in its order.
chunks_of()
{
    grep '^chunk	' "$1" | sort -s -t'	' -k2,2 -k3,3n
}

# shellcheck disable=SC2086 # lists of options
"$host" "$so" $all $fixed >"$tmp/one" 2>"$tmp/host.log"
# shellcheck disable=SC2086
"$host" "$so" $all $fixed >"$tmp/two" 2>>"$tmp/host.log"
expect_same "$tmp/one" "$tmp/two"
expect_contains "$tmp/one" end
# shellcheck disable=SC2086
"$host" "$so" $all $fixed seed=2 >"$tmp/other" 2>>"$tmp/host.log"
! cmp -s "$tmp/one" "$tmp/other" || fail "another seed gives the same fleet"

# A restart in the middle of things, three times, goes on where it was.
for count in 100 33 271 100000; do
    # shellcheck disable=SC2086
    "$host" --count $count --state "$tmp/state" --commit end "$so" $all \
        $fixed >>"$tmp/pieces" 2>>"$tmp/host.log"
done
chunks_of "$tmp/one" >"$tmp/want"
chunks_of "$tmp/pieces" >"$tmp/got"
expect_same "$tmp/want" "$tmp/got"

# Each scrape that was begun was ended.
expect_equal "$(grep -c '^scrape_begin' "$tmp/one")" \
    "$(grep -c '^scrape_end' "$tmp/one")" "ends of scrapes"

# Thirty seconds of the fleet take three of ours, at a speed of ten, and what it
# says is of now.
before=$(date +%s)
"$host" "$so" speed=10 duration=30s >"$tmp/live" 2>>"$tmp/host.log"
after=$(date +%s)
[ $((after - before)) -ge 2 ] || fail "30 s at speed 10 took less than 2 s"
newest=$(grep -o '"time":"[^"]*' "$tmp/live" | tail -n 1 | cut -d'"' -f4)
newest=$(date -d "$newest" +%s)
[ "$newest" -ge "$before" ] && [ "$newest" -le "$after" ] ||
    fail "records are of $newest, it ran from $before to $after"
expect_contains "$tmp/live" "caught_up	hub_logs"

# What can't be is refused, with what can.
expect_status 1 "$host" "$so" faults=earthquake
expect_contains "$tmp/out" "is none of all, none, disconnect_storm"
expect_status 1 "$host" "$so" formats=xml
expect_contains "$tmp/out" "is none of hub_logs, dps"
expect_status 1 "$host" "$so" start=yesterday
expect_contains "$tmp/out" "start: want"
