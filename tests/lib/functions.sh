# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# functions.sh - what every shell test starts with:
#
#     #!/bin/sh
#     . "${top_srcdir:-$(dirname "$0")/../..}/tests/lib/functions.sh"
#
# It gives the test a folder of its own ($tmp), ends what the test started and
# removes the folder at the end.  A test ends with status 0, fails with 1, and
# is skipped by 77; the first command that fails ends it.
set -eu

: "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${top_builddir:=$top_srcdir/build}"
: "${TOCSIN:=$top_builddir/tocsin}"

test_name=$(basename "$0" .sh)
tmp=$(mktemp -d "${TMPDIR:-/tmp}/tocsin-$test_name.XXXXXX")
started=
cleanups=

# --- the end ------------------------------------------------------------------

# cleanup COMMAND - run at the end, the last one first.
cleanup()
{
    cleanups="$1
$cleanups"
}

test_end()
{
    status=$?
    trap - EXIT INT TERM HUP
    set +e
    eval "$cleanups"
    for pid in $started; do
        kill "$pid" 2>/dev/null && kill -CONT "$pid" 2>/dev/null
    done
    # shellcheck disable=SC2086 # a list
    end_wait $started
    if [ "$status" -ne 0 ] && [ "$status" -ne 77 ]; then
        for file in "$tmp"/*.log; do
            [ -s "$file" ] || continue
            echo "--- the end of ${file##*/}"
            tail -n 30 "$file"
        done
        echo "--- $test_name failed with status $status"
    fi
    if [ -n "${KEEP-}" ]; then
        echo "kept: $tmp"
    else
        rm -rf "$tmp"
    fi
    exit "$status"
}

# Gives processes 5 s to end by themselves, then ends them.  A signal that comes
# between fork and exec is lost, so it is sent once more.
end_wait()
{
    for pid; do
        tries=0
        while running "$pid" && [ $tries -lt 100 ]; do
            sleep 0.05
            tries=$((tries + 1))
            [ $tries -ne 4 ] || kill "$pid" 2>/dev/null
        done
        kill -KILL "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
}

trap test_end EXIT
trap 'exit 1' INT TERM HUP

fail()
{
    echo "FAIL: $*" >&2
    exit 1
}

skip()
{
    echo "skipped: $*"
    exit 77
}

# --- what a test needs ---------------------------------------------------------

# requires COMMAND… - skips the test where one of these is missing.
requires()
{
    for command; do
        command -v "$command" >/dev/null || skip "no $command here"
    done
}

# requires_plugin NAME… - skips where these were not built.
requires_plugin()
{
    for name; do
        ls "$top_builddir"/*/"$name/.libs/$name.so" >/dev/null 2>&1 ||
            skip "plugin $name is not built"
    done
}

# requires_unsanitized WHY - for tests of speed, memory or raw signals.
requires_unsanitized()
{
    [ "${TOCSIN_SANITIZERS:-no}" = no ] || skip "sanitizers are on: $*"
}

# requires_no_tsan WHY - for what ThreadSanitizer can't run.
requires_no_tsan()
{
    [ "${TOCSIN_SANITIZERS:-no}" != thread ] || skip "ThreadSanitizer: $*"
}

# free_port - prints a port of 127.0.0.1 that was free a moment ago.  Better:
# let the program take port 0 and say which one it got.
free_port()
{
    "$top_builddir/tests/lib/free_port"
}

# --- processes -------------------------------------------------------------------

# spawn NAME COMMAND… - in the background, output to $tmp/NAME.log; sets $pid.
spawn()
{
    spawn_name=$1
    shift
    "$@" >>"$tmp/$spawn_name.log" 2>&1 &
    pid=$!
    started="$started $pid"
}

# stop PID [SIGNAL] - and waits; sets $stop_status to how it ended.
stop()
{
    kill -s "${2:-TERM}" "$1" 2>/dev/null || :
    stop_status=0
    # shellcheck disable=SC2034 # for the test
    wait "$1" || stop_status=$?
}

# A process that ended and was not waited for yet does not run.
running()
{
    read -r _ _ run_state _ 2>/dev/null <"/proc/$1/stat" &&
        [ "$run_state" != Z ]
}

# wait_for SECONDS COMMAND… - until the command succeeds.  Time is only ever
# the upper bound, taken three times: sanitizers and busy machines are slow.
wait_for()
{
    wait_limit=$(($1 * 3 * 20))
    shift
    wait_tries=0
    until "$@" >/dev/null 2>&1; do
        wait_tries=$((wait_tries + 1))
        [ $wait_tries -lt $wait_limit ] ||
            fail "waited $((wait_limit / 20)) s in vain for: $*"
        sleep 0.05
    done
}

# start_tocsin CONFIG [ARG…] - runs the collector, waits until it is ready; sets
# $tocsin_pid.  Its log is $tmp/tocsin.log.
start_tocsin()
{
    start_config=$1
    shift
    ready_before=$(ready_count)
    spawn tocsin "$TOCSIN" run -c "$start_config" "$@"
    tocsin_pid=$pid
    wait_for 30 tocsin_ready
}

ready_count()
{
    grep -c 'ready' "$tmp/tocsin.log" 2>/dev/null || :
}

tocsin_ready()
{
    running "$tocsin_pid" ||
        fail "tocsin ended before it was ready"
    [ "$(ready_count)" -gt "${ready_before:-0}" ]
}

# stop_tocsin [SIGNAL] - sets $stop_status.
stop_tocsin()
{
    stop "$tocsin_pid" "${1:-TERM}"
}

# start_sink [ARG…] - an HTTP server that takes what is sent to it; sets
# $sink_url, and $sink_bodies: a line for each body that it answered with 2xx;
# $sink_heads: a line for each request, "STATUS METHOD PATH NAME=VALUE…".
# ARGs: --answers 503,429:1,200 (status[:Retry-After][@delay in ms]), used up
# one a request; --status-file FILE: what that file says, while it exists.
start_sink()
{
    sink_port_file=$tmp/sink.port
    sink_bodies=$tmp/sink.bodies
    sink_heads=$tmp/sink.heads
    rm -f "$sink_port_file"
    : >>"$sink_bodies"
    : >>"$sink_heads"
    spawn sink "$top_builddir/tests/lib/http_sink" \
        --port-file "$sink_port_file" --bodies "$sink_bodies" \
        --heads "$sink_heads" "$@"
    # shellcheck disable=SC2034 # for the test
    sink_pid=$pid
    wait_for 10 test -s "$sink_port_file"
    # shellcheck disable=SC2034 # for the test
    sink_url=http://127.0.0.1:$(cat "$sink_port_file")
}

# --- expectations -------------------------------------------------------------------

expect_equal() # WANT GOT [WHAT]
{
    [ "$1" = "$2" ] || fail "${3:-value}: want \"$1\", got \"$2\""
}

expect_contains() # FILE TEXT
{
    grep -qF -- "$2" "$1" || {
        cat "$1"
        fail "\"$2\" is not in ${1##*/}"
    }
}

expect_lacks() # FILE TEXT
{
    ! grep -F -- "$2" "$1" || fail "\"$2\" is in ${1##*/}"
}

expect_matches() # FILE EXTENDED_REGEX
{
    grep -qE -- "$2" "$1" || {
        cat "$1"
        fail "nothing in ${1##*/} matches \"$2\""
    }
}

expect_lines() # FILE COUNT
{
    expect_equal "$2" "$(wc -l <"$1" | tr -d ' ')" "lines of ${1##*/}"
}

expect_same() # WANTED_FILE GOT_FILE
{
    diff -u "$1" "$2" || fail "${2##*/} differs from ${1##*/}"
}

# expect_status STATUS COMMAND… - output in $tmp/out and $tmp/err.
expect_status()
{
    want_status=$1
    shift
    got_status=0
    "$@" >"$tmp/out" 2>"$tmp/err" || got_status=$?
    [ "$got_status" -eq "$want_status" ] || {
        cat "$tmp/out" "$tmp/err"
        fail "status of \"$*\": want $want_status, got $got_status"
    }
}
