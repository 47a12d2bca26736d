#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kill -9 at random moments under load, eighty times, with a file and the
# simulated fleet as source; crash-kill-kafka.sh has twenty more.  Afterwards the
# journal has each byte of the source once, and the transitions in it are those
# of a replay: none missing, none twice.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/lib/functions.sh"
. "$top_srcdir/tests/lib/crash.sh"

requires_plugin source_file source_sim decode_hub_logs export_null
# --- a file that grows, and is rotated meanwhile
config file "{file: {path: $tmp/live.json}}"
: >live.json
(
    while [ ! -e enough ]; do
        block >>live.json
        sleep 0.01
    done
) &
writer=$!
started="$started $writer"
rounds file 40 0.05 0.35
: >enough
wait $writer
start_tocsin file.yaml
wait_for 20 has_bytes file "$tmp/live.json" "$(wc -c <live.json)"
stop_tocsin
expect_equal 0 "$stop_status" "status of a stop"
bytes_of file "$tmp/live.json" >file.got
cmp live.json file.got || fail "the journal has not each byte once"
verify file 10 30

# --- the fleet: the same bytes as without any trouble
sim="{sim: {seed: $SEED, start: $(date +%s), rate: 1000, duration: 14s"
config sim "$sim}}"
config calm-sim "$sim, speed: 0}}"
rounds sim 40 0.05 0.35
spawn tocsin "$TOCSIN" run -c sim.yaml
wait "$pid" || fail "the fleet's end is no clean one"
"$TOCSIN" run -c calm-sim.yaml >>calm.log 2>&1
bytes_of calm-sim hub_logs >sim.want
bytes_of sim hub_logs >sim.got
[ -s sim.want ] || fail "the fleet is silent"
cmp sim.want sim.got || fail "the journal has not each byte once"
verify sim 2 30
