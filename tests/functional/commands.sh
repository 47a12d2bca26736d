#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The commands that read and end: check, replay, journal, plugin; their exit
# statuses, and what they print for programs.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/lib/functions.sh"
requires_plugin source_file decode_hub_logs export_null

data=$top_srcdir/tests/data/iothub-logs
cd "$tmp"

# status N COMMAND… - the command must end with that status.
status()
{
    status_want=$1
    shift
    status_got=0
    "$@" >out 2>err || status_got=$?
    [ "$status_got" -eq "$status_want" ] ||
        fail "status $status_got instead of $status_want: $*"
}

has()
{
    grep -qF -- "$1" "${2:-out}" || fail "no '$1' in: $(cat "${2:-out}")"
}

cat >rules.yaml <<'YAML'
groups:
  - name: g
    interval: 15s
    rules:
      - alert: Errors
        expr: sum by (hub, device_id) (count_over_time(hub_logs{level="Error"}[5m])) > 0
        annotations: {summary: "{{ $labels.device_id }}: {{ $value }}"}
YAML
cat >bad.yaml <<'YAML'
groups:
  - name: g
    rules:
      - alert: A
        expr: sum by (hub) (count_over_time(hub_logs{categry="x"}[5m])) > 1
      - alert: B
        expr: ratee(up[5m]) > 1
        fro: 5m
YAML

# --- misuse
status 0 "$TOCSIN"
status 0 "$TOCSIN" replay -h
status 2 "$TOCSIN" bogus
status 2 "$TOCSIN" run
status 2 "$TOCSIN" check rules

# --- check rules: every problem at once, with its place and a hint
status 0 "$TOCSIN" check rules rules.yaml
has "on arrival"
status 1 "$TOCSIN" check rules bad.yaml
has 'bad.yaml:5:54: error' err
has 'did you mean "category"?' err
has 'bad.yaml:7:15: error' err
has 'did you mean "rate"?' err
has 'bad.yaml:8:9: error: unknown key "fro"' err
status 1 "$TOCSIN" check rules --format json bad.yaml
has '"hint":"did you mean \"rate\"?"'

cat >templates.yaml <<'YAML'
groups:
  - name: g
    rules:
      - alert: A
        expr: count_over_time(hub_logs[5m]) > 1
        annotations:
          good: '{{ query "sum(iothub_device_connected)" | len }}'
          bad: '{{ query "summ(up)" | len }}'
          stream: '{{ query "count_over_time(hub_logs{categry=\"x\"}[5m])" | len }}'
YAML
status 1 "$TOCSIN" check rules templates.yaml
has 'templates.yaml:7:27: warning: "query" is not answered in templates yet' err
has 'templates.yaml:8:26: error: group "g", rule 1, "A": query in a template: parse error: unknown function with name "summ"' err
has 'templates.yaml:9:29: error' err
# --- an inventory is read with its rule
cat >silent.yaml <<'YAML'
groups:
  - name: g
    rules:
      - alert: Silent
        missing: {select: hub_logs, by: [hub, device_id], after: 15m, inventory: devices.csv}
YAML
status 1 "$TOCSIN" check rules silent.yaml
has 'inventory "devices.csv" can'"'"'t be read' err
printf 'hub,device\n' >devices.csv
status 1 "$TOCSIN" check rules silent.yaml
has 'devices.csv:1:1: error: no column "device_id"' err
printf 'hub,device_id\nhub-eu,pump-1\n' >devices.csv
status 0 "$TOCSIN" check rules silent.yaml
has "known at a slot"

# --- replay: a line of JSON for each transition
status 0 "$TOCSIN" replay --rules rules.yaml --format json \
    --input "hub_logs:$data/sas-renewal-noise.eventhub.json"
[ "$(wc -l <out)" -eq 1 ] || fail "not one line: $(cat out)"
has '"time":"2026-05-04T09:05:00Z"'
has '"alertname":"Errors","state":"firing"'
has '"summary":"pump-0017: 1"'
status 1 "$TOCSIN" replay --rules bad.yaml --input "hub_logs:$data/sas-renewal-noise.eventhub.json"
status 1 "$TOCSIN" replay --rules rules.yaml --input "hub_logs:nowhere.json"
status 1 "$TOCSIN" replay --rules rules.yaml --journal nowhere

# --- run over files, to their end; then its journal
cp "$data/sas-renewal-noise.eventhub.json" in.json
printf 'not json at all\n' >>in.json
cat >tocsin.yaml <<YAML
state_dir: $tmp/state
listen: 127.0.0.1:0
rule_files: [rules.yaml]
inputs:
  - {name: hub, source: {file: {path: $tmp/in.json, follow: false}}, decoders: [hub_logs]}
exporters:
  - {name: nowhere, "null": {}}
YAML
status 0 "$TOCSIN" check config tocsin.yaml
status 0 "$TOCSIN" run -c tocsin.yaml
status 0 "$TOCSIN" journal verify state/journal
has ' chunk '
status 0 "$TOCSIN" journal dump state/journal
has '"device_id":"pump-0017"'
has 'not json at all'
has '"alertname":"Errors"'
status 0 "$TOCSIN" journal dump --type alert state/journal
grep -v '"alert"' out && fail "other frames than alerts"
status 0 "$TOCSIN" replay --rules rules.yaml --format json --journal state/journal
has '"alertname":"Errors","state":"firing"'
# A second run reads nothing again.
"$TOCSIN" journal dump state/journal | grep -c '"device_id"' >first
status 0 "$TOCSIN" run -c tocsin.yaml
"$TOCSIN" journal dump state/journal | grep -c '"device_id"' >second
cmp first second || fail "records came twice"

# --- plugins
status 0 "$TOCSIN" plugin list
has decode_hub_logs
status 0 "$TOCSIN" plugin show hub_logs
has 'stream hub_logs'
status 1 "$TOCSIN" plugin show hub_lgos
