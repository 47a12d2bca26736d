#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SIGTERM drains: what was read is journalled, evaluated and delivered before
# the end, with status 0; the next start goes on behind it.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/lib/functions.sh"

requires_plugin source_file decode_hub_logs export_stdout
cd "$tmp"

lines=120000
awk -v n=$lines 'BEGIN {
    for (i = 0; i < n; i++)
        printf "{\"time\":\"2026-05-04T%02d:%02d:%02d.%03dZ\",\"resourceId\":\"/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.DEVICES/IOTHUBS/HUB-EU\",\"operationName\":\"%s\",\"category\":\"Connections\",\"level\":\"Error\",\"properties\":\"{\\\"deviceId\\\":\\\"pump-%d\\\"}\",\"location\":\"westeurope\"}\n",
            6 + i / 36000, i / 600 % 60, i / 10 % 60, i % 10 * 100,
            int(i / 300) % 3 ? "deviceConnect" : "deviceDisconnect", i % 7
}' >hub.json
cat >rules.yaml <<'YAML'
groups:
  - name: g
    interval: 10s
    rules:
      - alert: Storm
        expr: sum by (hub) (count_over_time(hub_logs{operation="deviceDisconnect"}[20s])) > 100
      - alert: Offline
        expr: count by (hub) (iothub_device_connected == 0) > 3
        for: 10s
YAML
cat >tocsin.yaml <<YAML
state_dir: $tmp/state
listen: none
rule_files: [$tmp/rules.yaml]
journal: {sync: 20ms}
inputs:
  - name: hub
    source: {file: {path: $tmp/hub.json, follow: false}}
    decoders: [hub_logs]
    lateness: 0s
exporters:
  - name: out
    stdout: {format: json}
    select: {records: [events]}
YAML

events()
{
    "$top_builddir/tests/lib/journal_bytes" state/journal |
        awk '{ n += $3 } END { print n + 0 }'
}

# --- stopped again and again, at once and later
runs=0
for delay in 0 0.02 0.05 0.03 0.1; do
    "$TOCSIN" run -c tocsin.yaml >>exported 2>>tocsin.log &
    pid=$!
    started="$started $pid"
    sleep $delay
    running "$pid" || break # it was quick
    stop "$pid"
    # Before anything began a signal just ends the process.
    [ $stop_status -ne 143 ] || continue
    expect_equal 0 $stop_status "status of a stop"
    runs=$((runs + 1))
    expect_equal "$(events)" "$(grep -c '^{' exported || :)" \
        "what was journalled is delivered"
done

# --- and to its end
"$TOCSIN" run -c tocsin.yaml >>exported 2>>tocsin.log ||
    fail "status $? at the end of all input"
expect_equal $lines "$(events)" "events in the journal"
expect_equal $lines "$(grep -c '^{' exported)" "events delivered"
"$top_builddir/tests/lib/journal_bytes" state/journal "$tmp/hub.json" >got
cmp hub.json got || fail "the journal has not each byte once"

# --- evaluated: what a replay concludes is in the journal
"$TOCSIN" journal dump --type alert state/journal |
    sed 's/.*"transition":\(.*\)}$/\1/' >live
"$TOCSIN" replay --rules rules.yaml --interval 15s --format json \
    --journal state/journal >replayed 2>>replay.log
head -n "$(wc -l <live)" replayed >want
expect_same want live
[ "$(wc -l <live)" -ge 10 ] || fail "only $(wc -l <live) transitions, void"

# --- a start with nothing left to read ends as well
"$TOCSIN" run -c tocsin.yaml >>exported 2>>tocsin.log
expect_equal $lines "$(grep -c '^{' exported)" "events delivered"
echo "$runs clean stops on the way"
