#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The kafka source while the broker answers with errors: librdkafka's mock
# cluster, of three brokers.  Whatever fails, all messages come, once, in
# order, and their positions are committed.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/lib/functions.sh"
. "$top_srcdir/tests/lib/kafka/kafka.sh"

kafka_no_tsan
requires_plugin source_kafka
so=$top_builddir/plugins/source_kafka/.libs/source_kafka.so
host=$top_builddir/tests/lib/plugin_host
top=$tmp
seq 1 20 >"$top/first"
seq 21 40 >"$top/second"
cat "$top/first" "$top/second" >"$top/want"

has() # COUNT - so many chunks are there
{
    [ "$(grep -c '^chunk	' "$tmp/out")" -ge "$1" ]
}

committed_40()
{
    kproduce committed "$topic" "$topic" 1 2>/dev/null | grep -q '=40$'
}

# attempt NAME BEFORE AFTER - BEFORE and AFTER are commands for the mock, divided
# by ";": sent before the source starts, and after the first 20 messages.  In a
# subshell, with a cluster and a folder of its own.
attempt()
{
    topic=$1
    tmp=$tmp/$topic
    mkdir "$tmp"
    started=
    kmock_start 3
    kmock topic "$topic" 1
    kproduce lines "$topic" 0 <"$top/first"
    send "$2"
    : >"$tmp/out"
    mkfifo "$tmp/host.in"
    "$host" --for 90 --commit each --stdin "$so" "group=$topic" \
        "topics=$topic" "brokers=$kafka_plain" \
        properties.session.timeout.ms=6000 \
        properties.heartbeat.interval.ms=300 <"$tmp/host.in" \
        >"$tmp/out" 2>>"$tmp/host.log" &
    reader=$!
    started="$started $reader"
    exec 7>"$tmp/host.in"
    wait_for 60 has 20
    send "$3"
    # A producer that meets the errors takes them from the source.
    sleep 0.5
    kproduce lines "$topic" 0 <"$top/second"
    wait_for 60 has 40
    wait_for 60 committed_40
    echo stop >&7
    wait "$reader"
    exec 7>&-
    awk -F'\t' '$1 == "chunk" { print $7 }' "$tmp/out" >"$tmp/got"
    expect_same "$top/want" "$tmp/got"
    exec 8>&-
}

# The group's first join takes the mock three seconds: several at once.
at_once=6
waiting=

try()
{
    (attempt "$@") >"$tmp/$1.log" 2>&1 &
    waiting="$waiting $1:$!"
    # shellcheck disable=SC2086 # a list
    set -- $waiting
    [ $# -lt $at_once ] || collect "$1"
}

# collect NAME:PID - and drops it from those that are waited for.
collect()
{
    waiting=${waiting#" $1"}
    wait "${1#*:}" || fail "${1%:*}"
    echo "ok - ${1%:*}"
}

send()
{
    send_rest=$1
    while [ -n "$send_rest" ]; do
        kmock "${send_rest%%;*}"
        case $send_rest in
        *\;*) send_rest=${send_rest#*;} ;;
        *) send_rest= ;;
        esac
    done
}

# API keys: 1 fetch, 2 list offsets, 3 metadata, 8 offset commit, 9 offset
# fetch, 10 find coordinator, 11 join, 12 heartbeat, 14 sync.
# Codes: -195 the connection breaks, 3 unknown topic, 6 not the leader,
# 7 timed out, 14 loading, 15 no coordinator, 16 not the coordinator, 22 wrong
# generation, 25 unknown member, 27 rebalancing, -1 unknown.
try plain "" ""
try fetch-breaks "" "errors 1 -195 3"
try fetch-not-leader "" "errors 1 6 3"
try fetch-unknown "" "errors 1 -1 2"
try offsets-break "errors 2 -195 2" ""
try offsets-not-leader "errors 2 6 2" ""
try metadata-breaks "errors 3 -195 2" "errors 3 -195 1"
try commit-breaks "" "errors 8 -195 2"
try commit-wrong-generation "" "errors 8 22 1"
try commit-not-coordinator "" "errors 8 16 2"
try committed-loading "errors 9 14 3" ""
try committed-breaks "errors 9 -195 3" ""
try coordinator-missing "errors 10 15 3" ""
try join-breaks "errors 11 -195 2" ""
try join-not-coordinator "errors 11 16 2" ""
try heartbeat-rebalancing "" "errors 12 27 1"
try heartbeat-unknown-member "" "errors 12 25 1"
try heartbeat-breaks "" "errors 12 -195 3"
try sync-rebalancing "errors 14 27 2" ""
try slow "rtt 1 300;rtt 2 300;rtt 3 300" "rtt 1 0;rtt 2 0;rtt 3 0"
try leader-moves "" "leader leader-moves 0 2"
try coordinator-moves "coordinator coordinator-moves 1" \
    "coordinator coordinator-moves 2"

for attempt in $waiting; do
    collect "$attempt"
done
