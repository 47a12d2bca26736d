#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kill -9 at random moments while messages come from a broker: each is in the
# journal, in its order; as positions are in the journal, each is there once.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/lib/functions.sh"
. "$top_srcdir/tests/lib/kafka/kafka.sh"
. "$top_srcdir/tests/lib/crash.sh"

requires_plugin source_kafka decode_hub_logs export_null
kafka_start
kafka_topic logs 1
config kafka "{kafka: {brokers: \"$kafka_plain\", topics: [logs], group: kill, instance: one, properties: {fetch.wait.max.ms: 20}}}"

(
    while [ ! -e enough ]; do
        block >message
        kproduce lines logs 0 <message >/dev/null
        cat message >>messages
    done
) &
writer=$!
started="$started $writer"
wait_for 10 test -s messages
rounds kafka 20 0.2 1.2
: >enough
wait $writer || fail "the producer failed"

start_tocsin kafka.yaml
tr -d '\n' <messages >kafka.want
wait_for 30 has_bytes kafka logs/0 "$(wc -c <kafka.want)"
stop_tocsin
expect_equal 0 "$stop_status" "status of a stop"
bytes_of kafka logs/0 >kafka.got
cmp kafka.want kafka.got || fail "the journal has not each message once"
verify kafka 5 10
