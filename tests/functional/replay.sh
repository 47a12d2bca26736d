#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# replay: files side by side in the order of time, two sets of rules compared,
# pages counted; a journal that a collector writes, and a damaged one.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/lib/functions.sh"

requires jq gzip
requires_plugin source_sim decode_hub_logs
cd "$tmp"

# events DEVICE SECONDS… - one record at each.
events()
{
    device=$1
    shift
    for s; do
        printf '{"time":"2026-05-04T08:%02d:%02dZ","resourceId":"/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.DEVICES/IOTHUBS/HUB-EU","operationName":"deviceDisconnect","category":"Connections","level":"Error","properties":"{\\"deviceId\\":\\"%s\\"}","location":"westeurope"}\n' \
            $((s / 60)) $((s % 60)) "$device"
    done
}

rules() # NAME THRESHOLD
{
    cat >"$1" <<YAML
groups:
  - name: g
    interval: 30s
    rules:
      - alert: Many
        expr: sum by (hub) (count_over_time(hub_logs[1m])) > $2
YAML
}

# --- side by side: neither file alone has so many, nor any other minute
seconds=$({ seq 0 2 1198 && seq 601 2 659; } | sort -n)
# shellcheck disable=SC2086
events pump-1 $seconds >a.json
# shellcheck disable=SC2086
events pump-2 $seconds >b.json
gzip b.json
rules rules.yaml 100
expect_status 0 "$TOCSIN" replay --rules rules.yaml --format json \
    --lateness 30s --input hub_logs:a.json hub_logs:b.json.gz
expect_equal firing,resolved \
    "$(jq -rs 'map(.state) | join(",")' out)" "transitions"
# Known when it happened, not when the other file has been read.
jq -es 'all(.[]; (.known_at[11:16] | . >= "08:10" and . <= "08:12"))' out \
    >/dev/null || fail "known too late: $(cat out)"
expect_contains err "2 transitions of 2520 records"
expect_contains err "1 alerts, 72.12 a day"
expect_status 0 "$TOCSIN" replay --rules rules.yaml --format json \
    --input hub_logs:a.json
expect_lines out 0

# --- what other rules would have done
all="--input hub_logs:a.json hub_logs:b.json.gz"
rules never.yaml 1000
rules slow.yaml 110
rules low.yaml 50
# shellcheck disable=SC2086
diff_of()
{
    expect_status 0 "$TOCSIN" replay --rules rules.yaml --diff "$@" $all
}
diff_of rules.yaml
expect_lines out 0
diff_of never.yaml
expect_matches out '^only old +\{"alertname":"Many","hub":"hub-eu"\}; old 2026-05-04T08:1[01]'
expect_contains err "old: 1 alerts"
expect_contains err "new: 0 alerts"
diff_of slow.yaml
expect_matches out '^fires later +.* by [0-9.a-z]+; old 2026.*; new 2026'
diff_of low.yaml --format json
jq -es 'length == 1 and .[0].diff == "fires earlier" and .[0].by_ms < 0 and
    .[0].labels.hub == "hub-eu" and .[0].old.resolved != null' out >/dev/null ||
    fail "$(cat out)"
diff_of never.yaml --from 2026-05-04T08:15:00Z
expect_lines out 0
expect_status 2 "$TOCSIN" replay --rules rules.yaml --diff low.yaml \
    --input hub_logs:-

# --- pages: one group for two alerts, or a group each
cat >two.yaml <<'YAML'
groups:
  - name: g
    interval: 30s
    rules:
      - {alert: Many, expr: 'sum by (hub, device_id) (count_over_time(hub_logs[1m])) > 50'}
YAML
pages() # GROUP_BY
{
    cat >tocsin.yaml <<YAML
state_dir: $tmp/none
inputs:
  - {name: hub, source: {file: {path: $tmp/a.json}}, decoders: [hub_logs]}
receivers:
  - name: oncall
    webhook_configs: [{url: "http://127.0.0.1:1/"}]
route: {receiver: oncall, group_by: [$1], group_wait: 10s, repeat_interval: 4h}
YAML
    # shellcheck disable=SC2086
    expect_status 0 "$TOCSIN" replay --rules two.yaml -c tocsin.yaml $all
}
pages hub
expect_contains err "2 alerts, 144.2 a day; 1 pages, 72.12 a day"
pages device_id
expect_contains err "2 alerts, 144.2 a day; 2 pages, 144.2 a day"

# --- a journal that is being written, then one with a hole
cat >tocsin.yaml <<YAML
state_dir: $tmp/state
listen: none
inputs:
  - name: fleet
    source: {sim: {devices: 50, rate: 300, faults: [none]}}
    decoders: [hub_logs]
    lateness: 1s
YAML
cat >live.yaml <<'YAML'
groups:
  - name: g
    interval: 1s
    rules:
      - {alert: Busy, expr: 'sum by (hub) (count_over_time(hub_logs[1s])) > 100'}
YAML
# It fires early, and goes on for so long that the hole is far from there.
replay_live()
{
    "$TOCSIN" replay --rules live.yaml --journal state/journal >out 2>err &&
        grep -q firing out &&
        [ "$(awk '/ transitions of / { print $4 }' err)" -gt 1000 ]
}
start_tocsin tocsin.yaml
wait_for 20 replay_live
stop_tocsin
expect_equal 0 "$stop_status" "status of a stop"
segment=$(find state/journal -name '*.seg' | head -n 1)
size=$(wc -c <"$segment")
printf 'XXXXXXXX' | dd of="$segment" bs=1 seek=$((size / 2)) conv=notrunc \
    status=none
expect_status 0 "$TOCSIN" replay --rules live.yaml --journal state/journal
expect_contains out firing
expect_matches err 'damaged'
