#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A regular expression that takes for ever is cut off: its rule is told to fail,
# the collector and the other rules go on.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/lib/functions.sh"

requires curl
requires_plugin source_file decode_hub_logs
cd "$tmp"

event() # DEVICE
{
    printf '{"time":"%s","resourceId":"/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.DEVICES/IOTHUBS/HUB-EU","operationName":"deviceDisconnect","category":"Connections","level":"Error","properties":"{\\"deviceId\\":\\"%s\\"}","location":"westeurope"}\n' \
        "$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)" "$1"
}

cat >rules.yaml <<'YAML'
groups:
  - name: g
    interval: 1s
    rules:
      - alert: Hostile
        expr: sum by (hub) (count_over_time(hub_logs |~ "(a*a*)*(b*b*)*c{30}$" [1h])) > 0
      - alert: Fine
        expr: sum by (hub) (count_over_time(hub_logs{device_id=~"pump-.*"}[1h])) > 1
YAML
cat >tocsin.yaml <<YAML
state_dir: $tmp/state
listen: 127.0.0.1:0
rule_files: [$tmp/rules.yaml]
inputs:
  - name: hub
    source: {file: {path: $tmp/hub.json}}
    decoders: [hub_logs]
    lateness: 0s
YAML
many=$(printf '%2000s' '' | tr ' ' a)
{
    event pump-1
    event "$many"
    event pump-2
} >hub.json
start_tocsin tocsin.yaml
url=$(sed -n 's/.*metrics: \(http:[^ ]*\)\/.*/\1/p' tocsin.log | head -n 1)

fires()
{
    "$TOCSIN" journal dump --type alert state/journal | grep -q "\"$1\",\"state\":\"firing\""
}
metric() # NAME VALUE
{
    curl -sS "$url/metrics" | grep -q "^$1 $2\$"
}
# It fails for as long as such records come.
told_to_fail()
{
    event "$many" >>hub.json
    metric tocsin_rules_failing 1
}
wait_for 20 fires Fine
wait_for 20 told_to_fail
! fires Hostile || fail "Hostile fires"
# Once no such record comes any more, it is as well as the other.
wait_for 20 metric tocsin_rules_failing 0
stop_tocsin
expect_equal 0 "$stop_status" "status of a stop"
