#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# /api/v1 of a running collector, in Prometheus' JSON: rules with their alerts
# and errors, what a filter leaves, what is refused.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/lib/functions.sh"
requires curl jq
requires_plugin source_file decode_hub_logs
cd "$tmp"

cat >rules.yaml <<'YAML'
groups:
  - name: first
    interval: 1s
    limit: 7
    rules:
      - alert: Down
        expr: sum by (hub) (count_over_time(hub_logs[1h])) > 0
        for: 1h
        keep_firing_for: 90s
        labels: {severity: "{{ $labels.hub }}"}
        annotations: {summary: "{{ $value }} of <{{ $labels.hub }}>"}
      - record: hub:logs:count1h
        expr: sum by (hub) (count_over_time(hub_logs[1h]))
  - name: second
    interval: 1s
    rules:
      - record: twice
        expr: label_replace(sum by (hub, operation) (count_over_time(hub_logs[1h])), "operation", "", "", "")
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
record() # OPERATION
{
    printf '{"time":"%s","resourceId":"/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.DEVICES/IOTHUBS/HUB-EU","operationName":"%s","category":"Connections","level":"Error","properties":"{\\"deviceId\\":\\"pump-1\\"}","location":"westeurope"}\n' \
        "$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)" "$1"
}
{ record deviceConnect && record deviceDisconnect; } >hub.json
start_tocsin tocsin.yaml
url=$(sed -n 's|.*\(http://[^/]*\)/.*|\1|p' tocsin.log | head -n 1)

get() # PATH STATUS - the body is in 'out'
{
    get_status=$(curl -gsS -o out -w '%{http_code}' "$url$1") || fail "curl: $1"
    [ "$get_status" = "$2" ] || fail "$1: status $get_status: $(cat out)"
}

is() # JQ_FILTER - is true of 'out'
{
    jq -e "$1" out >/dev/null || fail "not so: $1: $(cat out)"
}

pending()
{
    get '/api/v1/rules' 200
    jq -e '.data.groups[0].rules[0].state == "pending" and
           .data.groups[1].rules[0].health == "err"' out >/dev/null
}
wait_for 20 pending
is '.status == "success" and (.data.groups | length) == 2'
is '.data.groups[0] | .name == "first" and .interval == 1 and .limit == 7'
is '.data.groups[0].file | endswith("/rules.yaml")'
is '.data.groups[0].lastEvaluation | startswith("20")'
is '.data.groups[0].rules[0] | .name == "Down" and .type == "alerting" and .duration == 3600 and .keepFiringFor == 90 and .health == "ok"'
# shellcheck disable=SC2016 # the template's own
is '.data.groups[0].rules[0] | (.query | startswith("sum by (hub)")) and .labels == {"severity": "{{ $labels.hub }}"}'
is '.data.groups[0].rules[0].alerts[0] | .state == "pending" and .labels.severity == "hub-eu" and .annotations.summary == "2 of <hub-eu>" and .value == "2e+00"'
is '.data.groups[0].rules[1] | .type == "recording" and .name == "hub:logs:count1h" and (has("alerts") | not)'
is '.data.groups[1].rules[0].lastError | contains("same labelset")'

get '/api/v1/rules?type=record' 200
is '[.data.groups[].rules[].type] == ["recording", "recording"]'
get '/api/v1/rules?type=alert&exclude_alerts=true' 200
is '[.data.groups[].rules[] | .name, (.alerts | length)] == ["Down", 0]'
get '/api/v1/rules?rule_name[]=twice&rule_name[]=Down' 200
is '[.data.groups[].rules[].name] == ["Down", "twice"]'
get '/api/v1/rules?rule_group[]=second' 200
is '[.data.groups[].name] == ["second"]'
get '/api/v1/rules?file[]=nowhere' 200
is '.data.groups == []'
get '/api/v1/rules?type=x' 400
is '.status == "error" and .errorType == "bad_data"'

get '/api/v1/alerts' 200
is '[.data.alerts[] | .state] == ["pending"]'
get '/api/v1/status/buildinfo' 200
is '.status == "success" and (.data.version | length) > 0'
