#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tests' own tools: the sink, the ports, the waits.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/lib/functions.sh"
requires curl

start_sink --answers 503,429:7,200 --status-file "$tmp/outage"

status_of()
{
    curl -s -o "$tmp/answer" -D "$tmp/headers" -w '%{http_code}' \
        --data-binary "$1" -H 'X-Key: k1' "$sink_url/hook"
}

expect_equal 503 "$(status_of one)"
expect_equal 429 "$(status_of two)"
expect_matches "$tmp/headers" '^Retry-After: 7'
expect_equal 200 "$(status_of 'three
lines')"
expect_equal 200 "$(status_of four)" "after the list"
expect_lines "$sink_bodies" 2
expect_contains "$sink_bodies" 'three lines'
expect_lines "$sink_heads" 4
expect_matches "$sink_heads" '^429 POST /hook .*X-Key=k1'

echo 500 >"$tmp/outage"
expect_equal 500 "$(status_of five)" "in the outage"
rm "$tmp/outage"
expect_equal 200 "$(status_of six)" "after the outage"
expect_lacks "$sink_bodies" five

expect_equal 3 "$("$top_builddir/tests/lib/free_port" 3 | sort -u | wc -l)"

stop "$sink_pid"
expect_equal 0 "$stop_status" "how the sink ended"
expect_status 7 curl -s "$sink_url/hook"

# A wait that is in vain, a failure and a skip end a test as they should.
for try in 'wait_for 1 false:1' 'fail on purpose:1' 'skip no reason:77' \
    'requires no-such-tool:77' 'false:1' ':;:0'; do
    cat >"$tmp/try.sh" <<END
. "$top_srcdir/tests/lib/functions.sh"
spawn sleeper sleep 100
${try%:*}
END
    (export top_srcdir top_builddir
        expect_status "${try##*:}" sh "$tmp/try.sh")
done
