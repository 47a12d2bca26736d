#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The kafka source against a real broker that is shaped like Event Hubs.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/lib/functions.sh"
. "$top_srcdir/tests/lib/kafka/kafka.sh"

requires_unsanitized "librdkafka and a broker take their time; the plain build runs it"
requires_plugin source_kafka
kafka_start
so=$top_builddir/plugins/source_kafka/.libs/source_kafka.so
host=$top_builddir/tests/lib/plugin_host

# source_args GROUP TOPIC - what an Event Hubs user writes, and the test's CA.
source_args()
{
    printf '%s\n' "group=$1" "topics=$2" "brokers=$kafka_sasl" \
        "event_hubs.connection_string=$kafka_connection_string" \
        "properties.ssl.ca.location=$kafka_ca"
}

# read_topic OUT GROUP TOPIC [HOST_ARG…] [-- OPTION…] - runs to its end.
read_topic()
{
    out=$1
    group=$2
    topic=$3
    shift 3
    host_args=
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        host_args="$host_args $1"
        shift
    done
    [ $# -eq 0 ] || shift
    # shellcheck disable=SC2046,SC2086 # lists without blanks inside
    "$host" $host_args "$so" $(source_args "$group" "$topic") "$@" \
        >"$out" 2>>"$tmp/host.log"
}

# start_reader NAME GROUP TOPIC [OPTION…] - in the background, obeying lines
# sent with tell; its output is $tmp/NAME.out.
start_reader()
{
    name=$1
    group=$2
    topic=$3
    shift 3
    rm -f "$tmp/$name.in"
    mkfifo "$tmp/$name.in"
    # shellcheck disable=SC2046 # a list without blanks inside
    "$host" --stdin --for 120 --commit "${commit:-each}" \
        --state "$tmp/$name.state" "$so" $(source_args "$group" "$topic") \
        "$@" <"$tmp/$name.in" >"$tmp/$name.out" 2>>"$tmp/host.log" &
    reader_pid=$!
    started="$started $reader_pid"
    case $name in
    a) exec 6>"$tmp/a.in" ;;
    b) exec 7>"$tmp/b.in" ;;
    esac
}

tell() # NAME COMMAND
{
    case $1 in
    a) echo "$2" >&6 ;;
    b) echo "$2" >&7 ;;
    esac
}

end_reader() # NAME PID
{
    tell "$1" stop
    wait "$2"
}

# The data of the chunks of one partition, or of all.
data_of() # OUT [PARTITION]
{
    awk -F'\t' -v part="${2-}" \
        '$1 == "chunk" && (part == "" || $2 == part) { print $7 }' "$1"
}

metric_of() # OUT NAME
{
    awk -F'\t' -v name="$2" '$1 == "metric" && $2 == name { print $3 }' "$1"
}

has() # COUNT OUT - so many chunks are there
{
    [ "$(grep -c '^chunk	' "$2")" -ge "$1" ]
}

# --- the tests ---------------------------------------------------------------

messages_keep_key_headers_and_emptiness()
{
    kafka_topic plain 3
    printf 'one\ntwo\n' | kproduce lines plain 0
    kproduce -k pump-1 -H a=b -H content-type=json one plain 1 hello
    kproduce -k pump-2 one plain 1 -
    read_topic "$tmp/out" g1 plain --until-all-caught-up 3 --commit end
    expect_contains "$tmp/out" "chunk	plain/0	1	3	-		one"
    expect_contains "$tmp/out" "chunk	plain/0	2	3	-		two"
    expect_contains "$tmp/out" \
        "chunk	plain/1	1	5	pump-1	a=b;content-type=json;	hello"
    expect_contains "$tmp/out" "chunk	plain/1	2	0	pump-2		"
    expect_contains "$tmp/out" "caught_up	plain/2"
    kproduce committed g1 plain 3 >"$tmp/committed"
    expect_contains "$tmp/committed" plain/0=2
    expect_contains "$tmp/committed" plain/1=2
}

it_goes_on_at_the_furthest_position()
{
    kafka_topic resume 1
    seq 1 20 | kproduce lines resume 0
    read_topic "$tmp/out" g2 resume --count 8 --commit end \
        --state "$tmp/state"
    expect_equal 8 "$(data_of "$tmp/out" | tail -n 1)"
    # The journal knows, the group knows the same.
    read_topic "$tmp/out" g2 resume --count 4 --state "$tmp/state"
    expect_equal "9 10 11 12" "$(data_of "$tmp/out" | tr '\n' ' ' |
        sed 's/ $//')"
    # The journal is behind the group.
    read_topic "$tmp/out" g2 resume --start resume/0=3 --count 1
    expect_equal 9 "$(data_of "$tmp/out")"
    # The journal is ahead of the group.
    read_topic "$tmp/out" g2 resume --start resume/0=15 --count 1
    expect_equal 16 "$(data_of "$tmp/out")"
    # Only the group knows: it was told what the journal knew.
    read_topic "$tmp/out" g2 resume --count 1
    expect_equal 16 "$(data_of "$tmp/out")"
    # Nobody knows.
    read_topic "$tmp/out" g2b resume --count 1
    expect_equal 1 "$(data_of "$tmp/out")"
    # Nobody knows, and the past does not matter; the place is remembered.
    read_topic "$tmp/out" g2c resume --until caught_up -- start=latest
    expect_equal "" "$(data_of "$tmp/out")"
    echo 21 | kproduce lines resume 0
    read_topic "$tmp/out" g2c resume --count 1 -- start=latest
    expect_equal 21 "$(data_of "$tmp/out")"
}

only_what_is_synced_is_committed()
{
    kafka_topic synced 1
    seq 1 50 | kproduce lines synced 0
    read_topic "$tmp/out" g3 synced --until caught_up --commit every:7
    kproduce committed g3 synced 1 >"$tmp/committed"
    expect_contains "$tmp/committed" synced/0=49
    read_topic "$tmp/out" g3b synced --until caught_up
    kproduce committed g3b synced 1 >"$tmp/committed"
    expect_contains "$tmp/committed" synced/0=-1
}

a_killed_broker_is_down_and_nothing_is_lost()
{
    kafka_topic restart 2
    seq 1 100 | kproduce lines restart 0
    start_reader a g4 restart
    wait_for 20 has 100 "$tmp/a.out"
    wait_for 20 grep -q 'caught_up	restart/1' "$tmp/a.out"
    kafka_kill
    wait_for 20 grep -q '^down' "$tmp/a.out"
    kafka_again
    seq 101 200 | kproduce lines restart 0
    : >"$tmp/a.out.mark"
    wait_for 30 has 200 "$tmp/a.out"
    # A silent partition is known to be silent again.
    wait_for 20 silent_again
    seq 1 200 >"$tmp/want"
    # The broker's coordinator takes its time to be back.
    wait_for 30 committed_200
    end_reader a "$reader_pid"
    data_of "$tmp/a.out" restart/0 >"$tmp/got"
    expect_same "$tmp/want" "$tmp/got"
}

committed_200()
{
    kproduce committed g4 restart 2 | grep -q 'restart/0=200'
}

silent_again()
{
    sed -n '/^down	restart\/1/,$p' "$tmp/a.out" | grep -q 'caught_up	restart/1'
}

a_frozen_broker_is_down_and_close_returns()
{
    kafka_topic frozen 1
    start_reader a g5 frozen properties.fetch.wait.max.ms=100
    wait_for 20 grep -q caught_up "$tmp/a.out"
    kafka_freeze
    wait_for 40 grep -q '^down	frozen/0	.*has not answered' "$tmp/a.out"
    freeze_start=$(date +%s)
    tell a stop
    wait "$reader_pid"
    kafka_thaw
    [ $(($(date +%s) - freeze_start)) -le 15 ] ||
        fail "close took more than 15 s"
}

partitions_are_shared_and_come_back()
{
    kafka_topic shared 4
    fast="properties.session.timeout.ms=3000
        properties.heartbeat.interval.ms=300"
    # shellcheck disable=SC2086 # a list
    start_reader a g6 shared instance=a $fast
    a_pid=$reader_pid
    for p in 0 1 2 3; do
        seq 1 10 | kproduce lines shared $p
    done
    wait_for 20 has 40 "$tmp/a.out"
    # shellcheck disable=SC2086 # a list
    start_reader b g6 shared instance=b $fast
    b_pid=$reader_pid
    wait_for 20 a_lost_two
    for p in 0 1 2 3; do
        seq 11 20 | kproduce lines shared $p
    done
    wait_for 20 has 60 "$tmp/a.out"
    wait_for 20 has 20 "$tmp/b.out"
    # A restart within the session: b keeps its partitions, a notices nothing.
    end_reader b "$b_pid"
    # shellcheck disable=SC2086 # a list
    start_reader b g6 shared instance=b $fast
    b_pid=$reader_pid
    wait_for 20 grep -q caught_up "$tmp/b.out"
    end_reader b "$b_pid"
    expect_equal 1 "$(metric_of "$tmp/b.out" tocsin_kafka_rebalances_total)"
    # b does not return: after its session, a has them all.
    for p in 0 1 2 3; do
        seq 21 30 | kproduce lines shared $p
    done
    wait_for 30 has 100 "$tmp/a.out"
    end_reader a "$a_pid"
    for p in 0 1 2 3; do
        # b got 11 to 20 of the two that it had: nothing twice, nothing missed.
        data_of "$tmp/a.out" shared/$p | sort -n >"$tmp/got"
        uniq -d "$tmp/got" >"$tmp/twice"
        expect_lines "$tmp/twice" 0
    done
    expect_equal 100 "$(data_of "$tmp/a.out" | wc -l | tr -d ' ')"
}

a_lost_two()
{
    [ "$(grep -c '^gone' "$tmp/a.out")" -eq 2 ]
}

one_instance_twice_is_told()
{
    kafka_topic twice 1
    start_reader a g7 twice instance=same
    a_pid=$reader_pid
    wait_for 20 grep -q caught_up "$tmp/a.out"
    start_reader b g7 twice instance=same
    b_pid=$reader_pid
    wait_for 20 grep -q '^error	.*same' "$tmp/a.out"
    end_reader a "$a_pid"
    end_reader b "$b_pid"
}

a_wrong_password_is_down_with_the_reason()
{
    kafka_topic secret 1
    start_reader a g8 secret \
        "event_hubs.connection_string=Endpoint=sb://x/;SharedAccessKeyName=k;SharedAccessKey=wrong-and-secret="
    wait_for 20 grep -q '^down	\*	.*[Aa]uthentication' "$tmp/a.out"
    end_reader a "$reader_pid"
    expect_lacks "$tmp/host.log" wrong-and-secret
    expect_lacks "$tmp/a.out" wrong-and-secret
    # A broker whose certificate we have no reason to trust.
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=other CA' \
        -keyout "$tmp/other.key" -out "$tmp/other.pem" 2>/dev/null
    start_reader a g8 secret "properties.ssl.ca.location=$tmp/other.pem"
    wait_for 20 grep -q '^down	\*	.*certificate' "$tmp/a.out"
    end_reader a "$reader_pid"
}

a_missing_topic_is_down_with_the_reason()
{
    start_reader a g9 no-such-topic
    wait_for 30 grep -q '^down	\*	.*no-such-topic' "$tmp/a.out"
    end_reader a "$reader_pid"
}

a_bad_batch_is_skipped_and_counted()
{
    kafka_topic bad 1
    # One batch each, and a big one in the middle.
    seq 1 5 | kproduce lines bad 0
    seq -f 'corrupt-%g' 1 1000 | kproduce -X linger.ms=500 lines bad 0
    seq 6 10 | kproduce lines bad 0
    kafka_stop
    log=$(echo "$kafka_data"/bad-0/*.log)
    at=$(grep -abo corrupt-500 "$log" | head -n 1 | cut -d: -f1)
    printf X | dd of="$log" bs=1 seek="$at" conv=notrunc 2>/dev/null
    kafka_again
    start_reader a g10 bad
    wait_for 60 grep -q '	10$' "$tmp/a.out"
    wait_for 20 grep -q 'caught_up	bad/0' "$tmp/a.out"
    end_reader a "$reader_pid"
    data_of "$tmp/a.out" | grep -v corrupt | tr '\n' ' ' >"$tmp/got"
    expect_equal "1 2 3 4 5 6 7 8 9 10 " "$(cat "$tmp/got")"
    read_before=$(data_of "$tmp/a.out" | grep -c corrupt || :)
    expect_equal $((1000 - read_before)) \
        "$(metric_of "$tmp/a.out" tocsin_kafka_skipped_messages_total)"
    expect_contains "$tmp/host.log" "can't be read, skipping them"
}

deleted_messages_and_new_topics_are_told()
{
    kafka_topic gone 1
    seq 1 20 | kproduce lines gone 0
    kproduce trim gone 0 12
    read_topic "$tmp/out" g11 gone --start gone/0=5 --until caught_up
    expect_equal 13 "$(data_of "$tmp/out" | head -n 1)"
    expect_equal 7 "$(metric_of "$tmp/out" tocsin_kafka_lost_messages_total)"
    kproduce delete gone
    wait_for 10 kafka_topic gone 1
    seq 1 3 | kproduce lines gone 0
    read_topic "$tmp/out" g11 gone --start gone/0=20 --until caught_up
    expect_equal "1 2 3 " "$(data_of "$tmp/out" | tr '\n' ' ')"
    expect_contains "$tmp/host.log" "is behind the end 3"
}

# librdkafka looks only once a second whether its queue has room again: a
# hundred times here, if nobody tells it.
a_queue_that_was_full_is_filled_again_at_once()
{
    kafka_topic many 1
    kproduce -X linger.ms=20 -X batch.num.messages=100 count many 0 10000 200
    read_topic "$tmp/out" g13 many --no-data --for 60 --until caught_up -- \
        properties.queued.min.messages=100 \
        properties.max.partition.fetch.bytes=20000
    expect_equal 10000 "$(grep -c '^chunk	' "$tmp/out")"
}

# The host does not read for longer than the group waits for a poll, with far
# more to read than may be kept in memory.
back_pressure_costs_neither_membership_nor_memory()
{
    kafka_topic big 2
    kproduce -X linger.ms=20 count big 0 1000 100000
    commit=every:100
    start_reader a g12 big properties.max.poll.interval.ms=3000 \
        properties.session.timeout.ms=3000 properties.heartbeat.interval.ms=500
    commit=each
    wait_for 20 has 1 "$tmp/a.out"
    tell a pause
    sleep 8
    rss=$(awk '/VmRSS/ { print $2 }' "/proc/$reader_pid/status")
    tell a resume
    wait_for 60 has 1000 "$tmp/a.out"
    end_reader a "$reader_pid"
    expect_equal 1 "$(metric_of "$tmp/a.out" tocsin_kafka_rebalances_total)"
    awk -F'\t' '$1 == "chunk" { print $3 }' "$tmp/a.out" >"$tmp/got"
    seq 1 1000 >"$tmp/want"
    expect_same "$tmp/want" "$tmp/got"
    kproduce committed g12 big 2 >"$tmp/committed"
    expect_contains "$tmp/committed" big/0=1000
    echo "resident while paused: $rss KiB"
    [ "${TOCSIN_SANITIZERS:-no}" != no ] || [ "$rss" -lt 65536 ] ||
        fail "$rss KiB are resident"
}

for case in ${ONLY:-messages_keep_key_headers_and_emptiness \
    it_goes_on_at_the_furthest_position \
    only_what_is_synced_is_committed \
    a_killed_broker_is_down_and_nothing_is_lost \
    partitions_are_shared_and_come_back \
    one_instance_twice_is_told \
    a_wrong_password_is_down_with_the_reason \
    a_missing_topic_is_down_with_the_reason \
    a_bad_batch_is_skipped_and_counted \
    deleted_messages_and_new_topics_are_told \
    a_queue_that_was_full_is_filled_again_at_once \
    back_pressure_costs_neither_membership_nor_memory \
    a_frozen_broker_is_down_and_close_returns}; do
    case_start=$(date +%s)
    $case
    echo "ok - $case ($(($(date +%s) - case_start)) s)"
done
