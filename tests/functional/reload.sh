#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SIGHUP: a changed rule is in force at once, one that did not change keeps its
# timer, a file with an error changes nothing and says where it is; what is in
# force survives kill -9.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/lib/functions.sh"

requires_plugin source_file decode_hub_logs
cd "$tmp"

# rules THRESHOLD [MORE]
rules()
{
    cat >rules.yaml <<YAML
groups:
  - name: kept
    interval: 1s
    rules:
      - alert: Kept
        expr: sum by (hub) (count_over_time(hub_logs[1h])) > 0
        for: 15s
  - name: changed
    interval: 1s
    rules:
      - alert: Changed
        expr: sum by (hub) (count_over_time(hub_logs[1h])) > $1
${2-}
YAML
}

hup() # WORDS - that the log must say then
{
    before=$(grep -c "$1" tocsin.log || :)
    kill -HUP "$tocsin_pid"
    wait_for 10 said "$1" "$before"
}

said()
{
    [ "$(grep -c "$1" tocsin.log)" -gt "$2" ]
}

count() # TYPE [PATTERN] - frames of the journal
{
    "$TOCSIN" journal dump --type "$1" state/journal | grep -c "${2:-.}" || :
}

sets() # COUNT - so many rule sets are in the journal
{
    [ "$(count rules)" -eq "$1" ]
}

has() # ALERT STATE [COUNT]
{
    [ "$(count alert "\"$1\",\"state\":\"$2\"")" -eq "${3:-1}" ]
}

cat >tocsin.yaml <<YAML
state_dir: $tmp/state
listen: none
rule_files: [$tmp/rules.yaml]
inputs:
  - name: hub
    source: {file: {path: $tmp/hub.json}}
    decoders: [hub_logs]
    lateness: 0s
YAML
printf '{"time":"%s","resourceId":"/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.DEVICES/IOTHUBS/HUB-EU","operationName":"deviceDisconnect","category":"Connections","level":"Error","properties":"{\\"deviceId\\":\\"pump-1\\"}","location":"westeurope"}\n' \
    "$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)" >hub.json
rules 1000000
start_tocsin tocsin.yaml
wait_for 20 has Kept pending

# --- nothing changed
hup "as they were"
sets 1 || fail "$(count rules) rule sets in the journal"

# --- one rule changed, the other is pending
rules 0
hup "are in force"
wait_for 10 sets 2
wait_for 10 has Changed firing
has Kept firing 0 || fail "Kept fires before its time: the test was too slow"

# --- errors, in every kind of file
rules 0 "      - alert: Broken
        expr: sum by (hub) (count_over_time(hub_logs[5m]) > 1"
hup "still are"
expect_matches tocsin.log "rules\.yaml:[0-9]+:[0-9]+: "
rules 0 "      - alert: Broken
        exrp: up"
hup "still are"
expect_contains tocsin.log exrp
mv rules.yaml away
hup "still are"
cp tocsin.yaml good
echo 'nonsense: 1' >>tocsin.yaml
hup "still are"
expect_matches tocsin.log "tocsin\.yaml:[0-9]+:1: "
mv good tocsin.yaml
sets 2 || fail "$(count rules) rule sets in the journal"

# --- kill -9 before any checkpoint; what was in force is, timers go on
rules 0
stop "$tocsin_pid" KILL
start_tocsin tocsin.yaml
sets 2 || fail "$(count rules) rule sets in the journal"
wait_for 40 has Kept firing
has Kept pending 1 || fail "the timer started again"
has Changed firing 1 || fail "a transition came twice"

# Pending and firing are 15 seconds apart, whatever happened between.
seconds()
{
    "$TOCSIN" journal dump --type alert state/journal |
        sed -n "s/.*\"transition\":{\"time\":\"[^\"]*:\([0-9]*\)[.0-9]*Z\".*\"Kept\",\"state\":\"$1\".*/\1/p"
}
expect_equal 15 "$((($(seconds firing | sed 's/^0//') + 60 - \
    $(seconds pending | sed 's/^0//')) % 60))" "seconds that Kept was pending"

# --- an inventory is watched as its rule is
silent() # STATE
{
    [ "$(count alert "\"Silent\",\"state\":\"$1\".*pump-2")" -eq 1 ]
}
printf 'device_id\npump-1\npump-2\n' >devices.csv
rules 0 "      - alert: Silent
        missing: {select: hub_logs, by: [device_id], after: 2s, inventory: devices.csv}"
wait_for 20 silent firing
printf 'device_id\npump-1\n' >devices.new
mv devices.new devices.csv
wait_for 20 silent resolved

# --- a rule that is gone resolves, and a new one may fire
cat >rules.yaml <<'YAML'
groups:
  - name: new
    interval: 1s
    rules:
      - alert: New
        expr: sum by (hub) (count_over_time(hub_logs[1h])) > 0
YAML
hup "are in force"
cat hub.json >>hub.json.more
cat hub.json.more >>hub.json
wait_for 10 has New firing
stop_tocsin
expect_equal 0 "$stop_status" "status of a stop"
