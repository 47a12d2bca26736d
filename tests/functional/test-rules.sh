#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `test rules`: promtool's format over the real engine, with events, lateness,
# sources that are down and restarts; what a failure looks like; coverage.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/lib/functions.sh"
requires_plugin decode_hub_logs
cd "$tmp"
cp "$top_srcdir/tests/functional/test-rules/"*.yaml .

# status N ARGUMENTS… - `test rules` must end with that status.
status()
{
    status_want=$1
    shift
    status_got=0
    "$TOCSIN" test rules "$@" >out 2>err || status_got=$?
    [ "$status_got" -eq "$status_want" ] ||
        fail "status $status_got instead of $status_want: $* $(cat out err)"
}

has()
{
    grep -qF -- "$1" "${2:-out}" || fail "no '$1' in: $(cat "${2:-out}")"
}

lacks()
{
    ! grep -qF -- "$1" "${2:-out}" || fail "'$1' in: $(cat "${2:-out}")"
}

# --- all that a test can say, and say rightly
status 0 --coverage good.yaml
has 'SUCCESS'
has ' passed, 0 failed'
has 'Coverage: 4 of 5 rules (80.0%)'
has 'rules.yaml:18: alert Never: never fired'
has 'rules.yaml:15: alert Silent: never resolved'
lacks 'Backlog'

# --- the same without what each of the tests hangs on: it fails
failing()
{
    sed "$1" good.yaml >less.yaml
    cmp -s good.yaml less.yaml && fail "the edit '$1' does nothing"
    status 1 less.yaml
    has "$2"
}
failing 's/received: 8m, //' 'test "late"'
failing 's/from: 10m30s/from: 39m/' 'test "a source that is down is not quiet"'
failing 's/lateness: 2m/lateness: 0s/' 'test "a storm, on arrival"'
failing 's/1200x12/1200x8/' 'test "backlog"'
failing 's/start_timestamp: .*/start_timestamp: 0/' 'test "time"'

# --- what failed, beside what was expected, and where
status 1 --junit junit.xml bad-expectations.yaml
cat >want <<'EOF'
Unit Testing:  bad-expectations.yaml
  FAILED:
    bad-expectations.yaml:10: test "wrong": alert Backlog at 11m
        + firing {alertname="Backlog", device_id="g1"}
        - firing {alertname="Backlog", device_id="g2"}
    bad-expectations.yaml:13: test "wrong": alert Backlog at 5m
        + pending {alertname="Backlog", device_id="g1"}
          (nothing was expected)
    bad-expectations.yaml:14: test "wrong": alert Backlog, resolved by 20m
        + resolved {alertname="Backlog", device_id="g1"}
          (nothing was expected)
    bad-expectations.yaml:16: test "wrong": expr edgehub_queue_length at 1m
        - edgehub_queue_length 7
        + edgehub_queue_length{device_id="g1"} 1200
    bad-expectations.yaml:17: test "wrong": expr sum(1) at 1m: parse error: expected type instant vector in aggregation expression, got scalar

1 test passed, 1 failed
EOF
diff want out >&2 || fail "not the report: $(cat out)"
has '<testsuite name="bad-expectations.yaml" tests="2" failures="1" errors="0">' junit.xml
has '<testcase classname="bad-expectations.yaml" name="right &lt;one&gt;"/>' junit.xml
has '<failure message="alert Backlog at 11m">' junit.xml

# --- some of them
status 0 --run 'right' bad-expectations.yaml
has '1 test passed, 0 failed'
status 2 --run '(' good.yaml
status 2

# --- for programs
status 1 --format json --coverage bad-expectations.yaml
has '"passed":1,"failed":1'
has '"line":10,"message":"alert Backlog at 11m","diff":"+ firing {alertname=\"Backlog\"'
has '"coverage":{"rules":5,"covered":2,"percent":40.0'

# --- a file that can't be meant: everything at once, with places and hints
status 1 --coverage unreadable.yaml
has "1 file can't be read"
has 'unreadable.yaml:2:26: warning: no file matches "none*.yaml"' err
has 'unreadable.yaml:7:18: error: no decoder makes stream "hub_log"' err
has 'did you mean "hub_logs"?' err
has 'unreadable.yaml:8:45: error: stream "hub_logs" has no label "hbu"' err
has 'unreadable.yaml:8:78: error: stream "hub_logs" has no field "devce_id"' err
has 'it is one of its labels: put it there' err
has 'unreadable.yaml:9:9: error: "every" needs an "until"' err
has 'an event is not received before it happens' err
has 'source "hub_lgs" is neither a stream nor "series"' err
has 'unreadable.yaml:12:46: error: expected "x" with how often' err
has 'unknown key "alert_rule_tests"' err
has 'misses required attribute alertname' err
has '"fring" is none of pending, firing' err
status 1 nowhere.yaml

# --- rules that can't be evaluated
cat >twice.yaml <<'EOF'
groups:
  - name: g
    rules:
      - record: twice
        expr: label_replace(x, "a", "", "", "")
EOF
cat >t.yaml <<'EOF'
rule_files: [twice.yaml]
tests:
  - name: same labels
    input_series:
      - {series: 'x{a="1"}', values: '1x5'}
      - {series: 'x{a="2"}', values: '1x5'}
    promql_expr_test: [{expr: x, eval_time: 5m}]
EOF
status 1 t.yaml
has 'test "same labels": rule twice (twice.yaml:4) at 0s: vector'
