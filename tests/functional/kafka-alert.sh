#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The main job: envelopes of an IoT hub's logs, read from a broker that is
# shaped like Event Hubs, raise an alert at a webhook; a restart repeats
# nothing and goes on.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/lib/functions.sh"
. "$top_srcdir/tests/lib/kafka/kafka.sh"

requires_unsanitized "librdkafka and a broker take their time; the plain build runs it"
requires_plugin source_kafka decode_hub_logs export_webhook
kafka_start
start_sink
kafka_topic insights-logs 2

cat >"$tmp/rules.yaml" <<'YAML'
groups:
  - name: connections
    interval: 1s
    rules:
      - alert: DisconnectStorm
        expr: sum by (hub) (count_over_time(hub_logs{category="Connections", operation="deviceDisconnect"}[10m])) > 5
        labels: {severity: page}
        annotations:
          summary: "{{ $value }} disconnects at {{ $labels.hub }}"
YAML
cat >"$tmp/tocsin.yaml" <<YAML
state_dir: $tmp/state
listen: none
rule_files: [$tmp/rules.yaml]
inputs:
  - name: hub
    source:
      kafka:
        brokers: "$kafka_sasl"
        topics: [insights-logs]
        event_hubs: {connection_string: "\${env:EVENTHUB}"}
        properties: {ssl.ca.location: $kafka_ca, fetch.wait.max.ms: 100}
    decoders: [hub_logs]
    lateness: 0s
receivers:
  - name: oncall
    webhook_configs: [{url: "$sink_url/alerts"}]
route: {receiver: oncall, group_by: [alertname, hub], group_wait: 0s, group_interval: 1s}
YAML
EVENTHUB=$kafka_connection_string
export EVENTHUB

# envelope HUB DEVICES - one message, in which so many devices leave now.
envelope()
{
    now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
    sed -n '/"404104"/p' \
        "$top_srcdir/tests/data/iothub-logs/storage-blob.PT1H.json" |
        head -n 1 >"$tmp/record"
    printf '{"records":['
    device=0
    while [ $device -lt "$2" ]; do
        [ $device -eq 0 ] || printf ,
        tr -d '\n' <"$tmp/record" |
            sed "s/\"time\":\"[^\"]*\"/\"time\":\"$now\"/; s/CONTOSO-HUB/$1/
                s/pump-0017/pump-$device/"
        device=$((device + 1))
    done
    printf ']}\n'
}

# firing HUB - prints how many firing notifications about the hub came.
firing()
{
    grep -c "\"status\":\"firing\".*\"hub\":\"$1\"" "$sink_bodies" || :
}

fired()
{
    [ "$(firing "$1")" -ge 1 ]
}

committed_sum()
{
    kproduce committed tocsin insights-logs 2 |
        awk -F= '$2 > 0 { n += $2 } END { print n + 0 }'
}

committed_is()
{
    [ "$(committed_sum)" -eq "$1" ]
}

expect_status 0 "$TOCSIN" check config "$tmp/tocsin.yaml"
start_tocsin "$tmp/tocsin.yaml"

# Not enough, from two partitions; then enough: the sixth raises the alert.
envelope FIRST-HUB 3 | kproduce lines insights-logs 0
envelope FIRST-HUB 2 | kproduce lines insights-logs 1
wait_for 30 committed_is 2
expect_equal 0 "$(firing first-hub)" "notifications"
envelope FIRST-HUB 4 | kproduce lines insights-logs 1
wait_for 30 fired first-hub
expect_contains "$sink_bodies" '"alertname":"DisconnectStorm"'
expect_contains "$sink_bodies" '"severity":"page"'
expect_contains "$sink_bodies" "6 disconnects at first-hub"
wait_for 30 committed_is 3

# What breaks one message costs its neighbours nothing.
printf 'no JSON at all\n{"records":[{"time":"2026-' |
    kproduce lines insights-logs 0
stop_tocsin
expect_equal 0 "$stop_status" "tocsin's status"

# While it is away, another hub is in trouble.
envelope SECOND-HUB 8 | kproduce lines insights-logs 0
start_tocsin "$tmp/tocsin.yaml"
wait_for 30 fired second-hub
expect_contains "$sink_bodies" "6 disconnects at second-hub"
wait_for 30 committed_is 6
expect_equal 1 "$(firing first-hub)" "notifications about the first hub"
expect_equal 1 "$(firing second-hub)" "notifications about the second hub"
stop_tocsin
expect_lacks "$tmp/tocsin.log" dG9jc2lu
