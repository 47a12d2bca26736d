#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Reloads of a collector at work: rules come, go, change and move between
# files while a fleet talks.  What a replay of the journal says of the rules
# that never changed, without any reload, is what the collector said.
#   RELOADS (50), KEPT (20)
. "${top_srcdir:-$(dirname "$0")/../..}/tests/lib/functions.sh"

requires curl
requires_plugin source_sim decode_hub_logs
cd "$tmp"
reloads=${RELOADS:-50}
kept=${KEPT:-20}

# rule NAME NUMBER MORE WAIT WORDS - counts that are reached now and then.
rule()
{
    some="hub_logs{device_id=~\".*$(($2 % 10))\"}"
    case $(($2 % 4)) in
    0) expr="sum by (hub) (count_over_time(${some}[1s])) > 9 + $3" ;;
    1) expr="sum(rate(${some}[2s])) > 9 + $3" ;;
    2) expr="sum by (hub) (count_over_time(hub_logs[1s])) >= 100 + $3" ;;
    3) expr="count(count_over_time(${some}[2s]) > 2) > $3" ;;
    esac
    echo "      - alert: $1$2
        expr: '$expr'
        for: $4s
        annotations: {words: '$5'}"
}

group() # NAME LABEL
{
    echo "  - name: $1
    interval: 1s
    labels: {team: '$2'}
    rules:"
}

kept_rules() # FROM TO WORDS
{
    group "kept$1" fixed
    n=$1
    while [ "$n" -lt "$2" ]; do
        rule Kept "$n" $((n / 10)) $((n % 3)) "$3"
        n=$((n + 1))
    done
}

# What reload number N asks for: a turn each of nothing, another order, another
# file, words, a limit, a wait, a rule more, a rule less, labels of a group.
write_rules()
{
    i=$1 half=$((kept / 2)) turn=$(($1 / 9))
    more=$(((i + 2) / 9))
    less=$(((i + 1) / 9))
    {
        echo groups:
        [ $(((i + 8) / 9 % 2)) -eq 1 ] || kept_rules 0 $half "$(((i + 6) / 9))"
        group changed "t$turn"
        rule Changed 0 $(((i + 5) / 9)) $(((i + 4) / 9 % 3)) words
        [ $more -eq $less ] || rule Added 1 0 0 words
        [ $(((i + 8) / 9 % 2)) -eq 0 ] || kept_rules 0 $half "$(((i + 6) / 9))"
    } >"new.tmp"
    {
        echo groups:
        kept_rules $half "$kept" "$(((i + 6) / 9))"
    } >"second.tmp"
    name=b$(((i + 7) / 9)).yaml
    mkdir next
    mv new.tmp next/a.yaml
    mv second.tmp "next/$name"
    rm -rf old
    if [ -d rules ]; then mv rules old; fi
    mv next rules
}

said()
{
    [ "$(grep -c "^.*reload ($1).*rules are" tocsin.log)" -gt "$2" ]
}

# reload N: by signal, over HTTP, or by itself.
reload()
{
    case $(($1 % 17)) in
    5)
        before=$(grep -c 'reload (files changed)' tocsin.log || :)
        wait_for 20 said "files changed" "$before"
        ;;
    [0-9])
        before=$(grep -c 'reload (SIGHUP)' tocsin.log || :)
        kill -HUP "$tocsin_pid"
        wait_for 10 said SIGHUP "$before"
        ;;
    *)
        expect_status 0 curl -sS -f -X POST "$url/-/reload"
        ;;
    esac
}

cat >tocsin.yaml <<YAML
state_dir: $tmp/state
listen: 127.0.0.1:0
rule_files: ["$tmp/rules/*.yaml"]
inputs:
  - name: fleet
    source: {sim: {devices: 100, rate: 100, speed: 1, faults: [none]}}
    decoders: [hub_logs]
    lateness: 1s
YAML
write_rules 0
start_tocsin tocsin.yaml
url=$(sed -n 's/.*metrics: \(http:[^ ]*\)\/.*/\1/p' tocsin.log | head -n 1)

i=1
while [ $i -le "$reloads" ]; do
    write_rules $i
    reload "$i"
    i=$((i + 1))
done
expect_lacks tocsin.log "still are"

# --- over HTTP, with an error, and mended by the next change of a file
expect_status 0 curl -sS "$url/metrics"
expect_contains out "tocsin_config_last_reload_successful 1"
echo "  - nonsense" >>rules/a.yaml
expect_equal 500 "$(curl -sS -o out -w '%{http_code}' -X POST "$url/-/reload")" status
expect_matches out 'rules/a.yaml:[0-9]+:[0-9]+: '
expect_status 0 curl -sS "$url/metrics"
expect_contains out "tocsin_config_last_reload_successful 0"
expect_equal 405 "$(curl -sS -o out -w '%{http_code}' "$url/-/reload")" status
before=$(grep -c 'reload (files changed)' tocsin.log || :)
write_rules "$reloads"
wait_for 20 said "files changed" "$before"
expect_status 0 curl -sS "$url/metrics"
expect_contains out "tocsin_config_last_reload_successful 1"

stop_tocsin
expect_equal 0 "$stop_status" "status of a stop"

# --- the same without reloads
{
    echo groups:
    kept_rules 0 "$kept" 0
} >kept.yaml
expect_status 0 "$TOCSIN" replay --rules kept.yaml --journal state/journal \
    --format json
# What moves an alert: time, name, state, labels; not known_at or the words.
facts()
{
    grep '"Kept' "$1" |
        sed -E 's/"known_at":"[^"]*",//; s/"annotations":\{[^}]*\},//; s/\}+$//' |
        sort
}
facts out >want
"$TOCSIN" journal dump --type alert state/journal |
    sed -n 's/.*"transition"://p' >live
facts live >got
# The replay says as well what the end of its input would bring.
[ "$(wc -l <got)" -gt $((kept * 2)) ] || fail "too little happened"
head -n "$(wc -l <got)" want >want.now
expect_same want.now got
