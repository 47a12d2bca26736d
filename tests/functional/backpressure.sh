#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A journal that is full stops the sources that can wait, and nothing else:
# an exporter that lags loses its own oldest, counted, and holds up nobody; one
# that says on_full: block holds up its inputs and loses nothing; a disk without
# room pauses the input, alerts still go in, and room is used when it is back.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/lib/functions.sh"

requires_plugin source_file decode_hub_logs export_webhook
cd "$tmp"

lines=80000
awk -v n=$lines 'BEGIN {
    for (i = 0; i < n; i++)
        printf "{\"time\":\"2026-05-04T%02d:%02d:%02d.%03dZ\",\"resourceId\":\"/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.DEVICES/IOTHUBS/HUB-EU\",\"operationName\":\"deviceConnect\",\"category\":\"Connections\",\"level\":\"Error\",\"properties\":\"{\\\"deviceId\\\":\\\"pump-%d\\\",\\\"protocol\\\":\\\"Mqtt\\\"}\",\"location\":\"westeurope\"}\n",
            6 + i / 36000, i / 600 % 60, i / 10 % 60, i % 10 * 100, i % 7
}' >hub.json

# One alert that only the clock fires, in so many seconds.
rules()
{
    cat >rules.yaml <<YAML
groups:
  - name: g
    interval: 1s
    rules:
      - alert: Later
        expr: vector(time()) > $(($(date +%s) + $1))
YAML
}

# config STATE MAX_SIZE ON_FULL
config()
{
    cat >tocsin.yaml <<YAML
state_dir: $1
listen: none
rule_files: [$tmp/rules.yaml]
journal: {max_size: $2, segment_size: 1MiB, sync: 20ms}
inputs:
  - name: hub
    source: {file: {path: $tmp/hub.json}}
    decoders: [hub_logs]
exporters:
  - name: out
    webhook: {url: "$sink_url/records"}
    select: {records: [events]}
    on_full: $3
YAML
}

bytes()
{
    "$top_builddir/tests/lib/journal_bytes" "$1/journal" |
        awk '{ n += $5 } END { print n + 0 }'
}

all_read() # STATE
{
    [ "$(bytes "$1")" -ge "$size" ]
}

said()
{
    grep -qF -- "$1" tocsin.log
}

fired()
{
    "$TOCSIN" journal dump --type alert "$1/journal" | grep -q '"Later"'
}

size=$(wc -c <hub.json)
status_file=$tmp/status
echo 503 >"$status_file"
start_sink --status-file "$status_file"

# --- on_full: block.  The input waits, alerts don't, nothing is lost.
rules 4
config state-block 16MiB block
start_tocsin tocsin.yaml
wait_for 20 said "pausing the source"
wait_for 20 fired state-block
before=$(bytes state-block)
[ "$before" -lt "$size" ] || fail "all of it fits: the test is void"
sleep 0.5
expect_equal "$before" "$(bytes state-block)" "bytes read while blocked"
rm "$status_file"
delivered()
{
    [ "$(grep -o '"device_id":' "$sink_bodies" | wc -l)" -ge "$lines" ]
}
wait_for 60 delivered
stop_tocsin
expect_equal 0 "$stop_status" "status of a stop"
expect_equal "$lines" "$(grep -o '"device_id":' "$sink_bodies" | wc -l)" \
    "events delivered"

# --- on_full: drop_oldest.  Everything is read although nobody takes it, as
# fast as the engine follows.
: >tocsin.log
echo 503 >"$status_file"
rules 100000
config state-drop 16MiB drop_oldest
start_tocsin tocsin.yaml
end_of_file()
{
    "$TOCSIN" journal dump --type tick state-drop/journal | tail -n 1 |
        grep -q 'caught up'
}
wait_for 20 end_of_file
[ "$(bytes state-drop)" -lt "$size" ] || fail "nothing was dropped: void"
stop "$tocsin_pid" KILL # it would wait for its exporter

# --- a disk without room
mkdir small
if ! mount -t tmpfs -o size=24m tocsin-test small 2>/dev/null; then
    echo "not root: no small disk here"
    exit 0
fi
cleanup "umount -l '$tmp/small'"
: >tocsin.log
rm -f "$status_file"
rules 5
config small/state 64MiB drop_oldest
dd if=/dev/zero of=small/filler bs=1M count=14 2>/dev/null
start_tocsin tocsin.yaml
wait_for 20 said "No space left on device"
wait_for 20 said "pausing the source"
[ "$(bytes small/state)" -lt "$size" ] || fail "all of it fits: void"
wait_for 20 fired small/state
rm small/filler
mount -o remount,size=200m small
wait_for 30 all_read small/state
expect_contains tocsin.log "room on the journal's disk again"
stop_tocsin
expect_equal 0 "$stop_status" "status of a stop"
"$top_builddir/tests/lib/journal_bytes" small/state/journal "$tmp/hub.json" >got
cmp hub.json got || fail "the journal has not each byte once"
expect_status 0 "$TOCSIN" journal verify small/state/journal
