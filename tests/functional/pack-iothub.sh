#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# rules/iothub.yaml: each trouble raises its own alert and no other, a healthy
# fleet raises none.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/lib/functions.sh"
requires_plugin decode_hub_logs
cd "$tmp"

# log N SECONDS CATEGORY OPERATION LEVEL RESULT DEVICE [EXTRA] - N records, one
# every so many seconds, devices numbered where DEVICE ends with %d.
log()
{
    awk -v n="$1" -v step="$2" -v cat="$3" -v op="$4" -v level="$5" \
        -v result="$6" -v device="$7" -v extra="${8-}" 'BEGIN {
        for (i = 0; i < n; i++) {
            t = 8 * 3600 + int(i * step)
            printf "{\"time\":\"2026-05-04T%02d:%02d:%02dZ\",", t / 3600, t % 3600 / 60, t % 60
            printf "\"resourceId\":\"/SUBSCRIPTIONS/0/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.DEVICES/IOTHUBS/HUB-EU\","
            printf "\"operationName\":\"%s\",\"category\":\"%s\",\"level\":\"%s\",\"resultType\":\"%s\",", op, cat, level, result
            d = device; gsub(/%d/, i, d)
            printf "\"properties\":\"{\\\"deviceId\\\":\\\"%s\\\"%s}\",\"location\":\"westeurope\"}\n", d, extra
        }
    }'
}

# fires ALERTS - exactly these fire over what stands in logs.json.
fires()
{
    "$TOCSIN" replay --rules "$top_srcdir/rules/iothub.yaml" --format json \
        --input hub_logs:logs.json 2>replay.log |
        sed -n 's/.*"alertname":"\([A-Za-z]*\)","state":"firing".*/\1/p' |
        sort -u | tr '\n' ' ' >fired
    [ "$(cat fired)" = "$1" ] || fail "expected '$1', fired '$(cat fired)'"
}

# A day's normal life: connects, a renewal each hour, telemetry twins.
{
    log 30 20 Connections deviceConnect Information '' 'd%d'
    log 2 60 Connections deviceDisconnect Error 404104 d1
    log 2 60 Connections deviceConnect Error 401003 d1
    log 30 20 D2CTwinOperations update Information '' 'd%d'
} >logs.json
fires ''

log 600 0.2 Connections deviceDisconnect Information '' 'd%d' >logs.json
# The devices stay away, but ten minutes have not passed.
fires 'IotHubDisconnectStorm '

log 5 30 Connections deviceConnect Error 401003 d7 >logs.json
fires 'IotHubTokenRejected '

log 6 60 Connections deviceDisconnect Error 400027 d7 >logs.json
fires 'IotHubDeviceFlapping IotHubIdentityShared '

{
    log 1 1 Connections deviceDisconnect Information '' d7
    log 60 15 Connections deviceConnect Information '' 'other%d'
} >logs.json
fires 'IotHubDeviceOffline '

{
    log 100 6 Connections deviceConnect Information '' 'd%d'
    log 100 6 Connections deviceConnect Error 500001 'd%d'
} | sort >logs.json
fires 'IotHubConnectErrors '

log 20 5 DeviceTelemetry ingress Error 429001 'd%d' >logs.json
fires 'IotHubThrottling '

log 1 1 Routes endpointUnhealthy Error 403004 d7 ',\\"endpointName\\":\\"eh\\"' >logs.json
grep -q 'endpointName' logs.json || fail "the record lacks its endpoint"
fires 'IotHubRoutingEndpointUnhealthy '

log 2 1 Routes droppedMessage Error '' d7 >logs.json
fires 'IotHubMessagesDropped '

log 30 5 DirectMethods send Error 404103 'd%d' >logs.json
fires 'IotHubMethodFailures '

log 30 5 TwinQueries query Error 500001 'd%d' >logs.json
fires 'IotHubTwinFailures '

# Every alert's runbook is there.
sed -n 's/.*runbook_url: //p' "$top_srcdir/rules/iothub.yaml" | while read -r page; do
    [ -s "$top_srcdir/rules/$page" ] || fail "no runbook $page"
done
