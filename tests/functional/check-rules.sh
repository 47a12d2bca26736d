#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check rules: rules as people write them pass without a word; what can never
# fire, or never has what it prints, is told with its place.
# shellcheck disable=SC2016 # templates
. "${top_srcdir:-$(dirname "$0")/../..}/tests/lib/functions.sh"

requires jq
requires_plugin decode_hub_logs source_file
cd "$tmp"

# --- shapes of public collections: nothing to say
cat >good.yaml <<'YAML'
groups:
  - name: nodes
    interval: 30s
    rules:
      - record: instance:node_cpu:ratio_rate5m
        expr: 1 - avg without (cpu) (sum without (mode) (rate(node_cpu_seconds_total{job="node", mode=~"idle|iowait|steal"}[5m])))
      - record: cluster:node_cpu:ratio_rate5m
        expr: sum(rate(node_cpu_seconds_total{job="node",mode!="idle"}[5m])) by (cluster) / count(sum(node_cpu_seconds_total{job="node"}) by (cluster, instance, cpu)) by (cluster)
      - alert: NodeFilesystemSpaceFillingUp
        expr: |
          (
            node_filesystem_avail_bytes{job="node",fstype!="",mountpoint!=""} / node_filesystem_size_bytes{job="node",fstype!="",mountpoint!=""} * 100 < 15
          and
            predict_linear(node_filesystem_avail_bytes{job="node",fstype!="",mountpoint!=""}[6h], 24*60*60) < 0
          and
            node_filesystem_readonly{job="node",fstype!="",mountpoint!=""} == 0
          )
        for: 1h
        labels: {severity: warning}
        annotations:
          description: Filesystem on {{ $labels.device }}, mounted on {{ $labels.mountpoint }}, at {{ $labels.instance }} has only {{ printf "%.2f" $value }}% left.
      - alert: NodeClockSkew
        expr: (node_timex_offset_seconds > 0.05 and deriv(node_timex_offset_seconds[5m]) >= 0) or (node_timex_offset_seconds < -0.05 and deriv(node_timex_offset_seconds[5m]) <= 0)
        for: 10m
  - name: kubernetes
    rules:
      - alert: KubePodCrashLooping
        expr: max_over_time(kube_pod_container_status_waiting_reason{reason="CrashLoopBackOff", job="kube-state-metrics"}[5m]) >= 1
        for: 15m
        annotations:
          description: 'Pod {{ $labels.namespace }}/{{ $labels.pod }} ({{ $labels.container }}){{ with $labels.cluster -}} on cluster {{ . }}{{- end }}.'
      - alert: KubePodNotReady
        expr: |
          sum by (namespace, pod, cluster) (
            max by (namespace, pod, cluster) (kube_pod_status_phase{phase=~"Pending|Unknown"})
            * on (namespace, pod, cluster) group_left (owner_kind)
            topk by (namespace, pod, cluster) (1, max by (namespace, pod, owner_kind, cluster) (kube_pod_owner{owner_kind!="Job"}))
          ) > 0
        for: 15m
        annotations:
          description: Pod {{ $labels.namespace }}/{{ $labels.pod }} (instance {{ $labels.instance }})
      - record: namespace_workload_pod:kube_pod_owner:relabel
        expr: max by (cluster, namespace, workload, pod) (label_replace(label_replace(kube_pod_owner{owner_kind="ReplicaSet"}, "replicaset", "$1", "owner_name", "(.*)") * on (replicaset, namespace) group_left (owner_name) topk by (replicaset, namespace) (1, max by (replicaset, namespace, owner_name) (kube_replicaset_owner)), "workload", "$1", "owner_name", "(.*)"))
        labels: {workload_type: deployment}
      - alert: ErrorBudgetBurn
        expr: sum by (cluster) (apiserver_request:burnrate1h) > (14.40 * 0.01000) and on (cluster) sum by (cluster) (apiserver_request:burnrate5m) > (14.40 * 0.01000)
        for: 2m
        labels: {long: 1h, short: 5m, severity: critical}
      - alert: KubeVersionMismatch
        expr: count by (cluster) (count by (git_version, cluster) (label_replace(kubernetes_build_info{job!~"kube-dns|coredns"}, "git_version", "$1", "git_version", "(v[0-9]*.[0-9]*).*"))) > 1
      - alert: TargetDown
        expr: 100 * (count by (cluster, job) (up == 0) / count by (cluster, job) (up)) > 10
      - alert: Gone
        expr: absent(up{job="alertmanager"} == 1)
        annotations: {summary: '{{ $labels.job }} is gone'}
      - alert: Watchdog
        expr: vector(1)
      - alert: InfoInhibitor
        expr: group by (namespace) (ALERTS{severity = "info"} == 1) unless on (namespace) group by (namespace) (ALERTS{alertname != "InfoInhibitor", alertstate = "firing"} == 1)
  - name: iot
    interval: 15s
    rules:
      - alert: Storm
        expr: sum by (hub) (count_over_time(hub_logs{category="Connections", operation="deviceDisconnect"}[5m])) > 500
        annotations: {summary: '{{ $labels.hub }}: {{ $value }}'}
      - alert: Refused
        expr: sum by (hub, device_id) (count_over_time(hub_logs{category="Connections"} | result_type="401003" |~ "(?i)token" [10m])) > 3
        annotations: {summary: '{{ $labels.device_id }} of {{ $labels.hub }}'}
      - alert: Offline
        expr: iothub_device_connected == 0
        for: 10m
        annotations: {summary: '{{ $labels.device_id }}'}
      - alert: NoneAtAll
        expr: absent_over_time(hub_logs{hub="contoso"}[15m])
        annotations: {summary: '{{ $labels.hub }} is quiet'}
YAML
expect_status 0 "$TOCSIN" check rules --fatal-warnings good.yaml
[ ! -s err ] || fail "something is said: $(cat err)"
expect_contains out "1 files, 17 rules, 0 errors, 0 warnings"
expect_matches out 'Storm: every 15s; reads any; .* on arrival: .*; cost [0-9]'
expect_matches out 'Refused: .*; cost [0-9]+ \(.*a counter for each device_id\)'

# --- a line of each mistake, and what is said of it
cat >head.yaml <<'YAML'
groups:
  - name: known
    rules:
      - {record: 'hub:errors:rate5m', expr: 'sum by (hub) (rate(errors_total[5m]))'}
      - {alert: IotHubStorm, expr: 'vector(1)'}
  - name: bad
    interval: 5m
    rules:
YAML
n=0
bad() # EXPRESSION WORDS [HINT] [ANNOTATION]
{
    n=$((n + 1))
    {
        cat head.yaml
        echo "      - alert: Bad
        expr: '$1'
        labels: {severity: page}
        annotations: {summary: '${4-}'}"
    } >bad.yaml
    expect_status 0 "$TOCSIN" check rules bad.yaml
    expect_matches err "bad.yaml:1[0-9]+:[0-9]+: warning: .*$2"
    [ -z "${3-}" ] || expect_contains err "$3"
    expect_status 1 "$TOCSIN" check rules --fatal-warnings bad.yaml
    expect_status 0 "$TOCSIN" check rules --format json bad.yaml
    jq -e '.problems | length == 1 and .[0].severity == "warning" and
        .[0].line >= 10 and .[0].column > 0 and .[0].group == "bad" and
        .[0].rule == "Bad"' out >/dev/null || fail "$1: $(jq -c .problems out)"
}
bad 'iothub_device_conected == 0' 'nothing here makes' 'did you mean "iothub_device_connected"'
bad 'hub:erors:rate5m > 1' 'nothing here makes' 'did you mean "hub:errors:rate5m"'
bad 'ALERTS{alertname="IotHubStrom"}' 'no rule here makes an alert' 'did you mean "IotHubStorm"'
bad 'x{a="1", a="2"} > 0' 'no "a" fits both'
bad 'x{a="1", a!~"1|2"} > 0' 'no "a" fits both'
bad 'x{a=~"1", a!~"1"} > 0' 'no "a" fits both'
bad 'hub:errors:rate5m{device="x"} > 1' 'never has a label "device"'
bad 'rate(x[5m]) < 0' 'never negative'
bad '0 > sum(increase(x[5m]))' 'never negative'
bad 'count(x) == 0' 'a count is 1 at least' 'absent()'
bad 'sum by (hub) (count_over_time(hub_logs[5m])) < 5' 'an empty window has no value'
bad 'count_over_time(hub_logs{hub="a"}[5m]) == 0' 'an empty window' 'absent_over_time()'
bad 'sum(count_over_time(hub_logs[1m])) > 5' "shorter than the group.s interval"
bad 'sum by (device) (hub:errors:rate5m) > 1' 'grouped by "device"'
bad 'x * on (hub) group_left (site) hub:errors:rate5m > 1' 'group_left takes "site"'
bad 'sum by (a) (x) * on (b) sum by (b) (y) > 1' 'matched on "b"'
bad 'rate(iothub_device_connected[5m]) > 0' 'is no counter' 'deriv()'
bad 'sum by (hub) (x) > 1' 'prints .labels.device_id' '' '{{ $labels.device_id }}'
bad 'sum by (hub) (x) > 1' 'prints .labels.severity' 'without those that the rule adds' '{{ $labels.severity }}'
bad 'vector(1)' 'prints .labels.a' '' '{{ if $labels.b }}{{ $labels.b }}{{ end }}{{ $labels.a }}'

# --- the same rule twice; two rules that only share a name are no mistake
cat >twice.yaml <<'YAML'
groups:
  - name: a
    rules:
      - {alert: One, expr: x > 1, labels: {severity: page}}
      - {alert: One, expr: x > 2, labels: {severity: page}}
      - {alert: One, expr: x  >  1, labels: {severity: page}}
YAML
expect_status 0 "$TOCSIN" check rules twice.yaml
expect_contains err 'twice.yaml:6:28: warning: this rule says what "One" says at twice.yaml:4'
expect_contains out "0 errors, 1 warnings"

# --- with a configuration its inputs are all that there is; delays are told
cat >tocsin.yaml <<YAML
state_dir: $tmp/state
inputs:
  - name: hub
    source: {file: {path: $tmp/hub.json}}
    decoders: [hub_logs]
    lateness: 2m
YAML
cat >delay.yaml <<'YAML'
groups:
  - name: a
    query_offset: 1m
    rules:
      - {alert: A, expr: 'sum(count_over_time(hub_logs[5m])) > 1'}
  - name: b
    rules:
      - {alert: B, expr: 'sum(count_over_time(hub_logs[5m] offset 5m)) > 1'}
      - {alert: C, expr: 'sum(count_over_time(hub_logs[5m])) > 2 * sum(count_over_time(hub_logs[5m] offset 1d))'}
      - {alert: D, expr: 'node_load1 > 1'}
      - {record: 'a:long', expr: 'max_over_time(iothub_device_connected[1w])'}
YAML
expect_status 0 "$TOCSIN" check rules -c tocsin.yaml delay.yaml
expect_contains err "query_offset comes on top of the 2m"
expect_contains err "the offset comes on top of the 2m"
expect_contains err 'nothing here makes a metric or stream "node_load1"'
expect_contains out "0 errors, 3 warnings"
expect_matches out 'A: every 1m; reads hub; delay 3m; at slots'
expect_matches out 'a:long: .*EXPENSIVE: cost [0-9]+ \(1w of samples'
expect_status 0 "$TOCSIN" check rules -c tocsin.yaml --format json delay.yaml
jq -e '.rules | length == 5 and .[0].delay_ms == 180000 and
    .[0].inputs == ["hub"] and (.[4].expensive and .[4].cost > 50)' \
    out >/dev/null || fail "$(cat out)"
