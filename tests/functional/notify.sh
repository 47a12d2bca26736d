#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# From a log line to a webhook: a page leaves, is tried until it is taken, and
# survives kill -9 under the same key; what fires and what ends is told once.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/lib/functions.sh"
requires_plugin export_webhook

log=$tmp/hub.log
: >"$log"

# disconnect DEVICE - one line of hub logs, as of now
disconnect()
{
    printf '%s%s%s%s%s\n' \
        '{"time":"' "$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)" \
        '","resourceId":"/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.DEVICES/IOTHUBS/CONTOSO-HUB","operationName":"deviceDisconnect","category":"Connections","level":"Error","resultType":"404104","properties":"{\"deviceId\":\"' \
        "$1" '\",\"protocol\":\"Mqtt\"}","location":"westeurope"}' >>"$log"
}

sink_status=$tmp/status
start_sink --status-file "$sink_status"

cat >"$tmp/rules.yaml" <<END
groups:
  - name: test
    interval: 1s
    rules:
      - alert: Gone
        expr: sum by (device_id) (count_over_time(hub_logs{operation="deviceDisconnect"}[3s])) > 0
        annotations: {summary: "{{ \$labels.device_id }} is gone"}
END
cat >"$tmp/tocsin.yaml" <<END
state_dir: $tmp/state
listen: 127.0.0.1:0
journal: {sync: 5ms}
evaluation_interval: 1s
rule_files: [$tmp/rules.yaml]
external_labels: {region: here}
inputs:
  - name: hub
    source: {file: {path: $log}}
    decoders: [hub_logs]
    lateness: 0s
receivers:
  - name: hook
    webhook_configs: [{url: "$sink_url/canary-secret"}]
    stdout_configs: [{format: json}]
route: {receiver: hook, group_by: [device_id], group_wait: 0s, group_interval: 1s}
END
start_tocsin "$tmp/tocsin.yaml"

# bodies_with TEXT COUNT - so many bodies hold the text
bodies_with()
{
    [ "$(grep -cF -- "$1" "$sink_bodies")" -eq "$2" ]
}
heads_with()
{
    [ "$(grep -cE -- "$1" "$sink_heads")" -ge "$2" ]
}

# --- fires, and ends
disconnect pump-1
wait_for 20 bodies_with '"summary":"pump-1 is gone"' 1
expect_contains "$sink_bodies" '"groupKey":"{}:{device_id=\"pump-1\"}"'
expect_contains "$sink_bodies" '"region":"here"'
expect_contains "$sink_bodies" '"endsAt":"0001-01-01T00:00:00Z"'
wait_for 30 bodies_with '"status":"resolved"' 1
expect_matches "$tmp/tocsin.log" '^\{"status":"firing","receiver":"hook".*pump-1'

# --- a receiver that is down: tried again; then killed; told after all
echo 503 >"$sink_status"
disconnect pump-2
wait_for 20 heads_with '^503 ' 2
stop_tocsin KILL
rm "$sink_status"
start_tocsin "$tmp/tocsin.yaml"
wait_for 20 bodies_with 'pump-2' 1
keys=$(sed -n 's/^503 .*Idempotency-Key=\([0-9a-f]*\).*/\1/p' "$sink_heads" |
    sort -u)
expect_equal 32 "${#keys}" "one key for all attempts"
tail -n 1 "$sink_heads" | grep -q "^200 .*$keys" || {
    cat "$sink_heads"
    fail "another key after the crash"
}

# --- a clean restart says nothing again
wait_for 30 bodies_with '"status":"resolved"' 2
lines=$(wc -l <"$sink_bodies")
stop_tocsin
expect_equal 0 "$stop_status" "status of a clean stop"
start_tocsin "$tmp/tocsin.yaml"
disconnect pump-3
wait_for 20 bodies_with '"summary":"pump-3 is gone"' 1
expect_equal $((lines + 1)) "$(wc -l <"$sink_bodies")" "notifications"
stop_tocsin
expect_lacks "$tmp/tocsin.log" canary-secret
