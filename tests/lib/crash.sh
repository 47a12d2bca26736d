# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154 # what functions.sh assigns
# crash.sh - collectors that are killed at random moments under load, after
# functions.sh.  SEED=N repeats a run, as far as time does.

: "${SEED:=$(($(date +%s) % 100000))}"
echo "SEED=$SEED"
cd "$tmp" || exit 1

cat >rules.yaml <<'YAML'
groups:
  - name: kill
    interval: 1s
    rules:
      - record: hub:disconnects
        expr: sum by (hub) (count_over_time(hub_logs{operation="deviceDisconnect"}[2s]))
      - alert: Storm
        expr: sum by (hub) (count_over_time(hub_logs{operation="deviceDisconnect"}[2s])) > 40
      - alert: StormForLong
        expr: hub:disconnects > 30
        for: 1s
        keep_firing_for: 1s
      - alert: Flapping
        expr: sum by (hub, device_id) (count_over_time(hub_logs{operation="deviceDisconnect"}[3s])) > 2
      - alert: Busy
        expr: sum by (hub, operation) (count_over_time(hub_logs[1s])) > 25
      - alert: Offline
        expr: count by (hub) (iothub_device_connected == 0) > 3
        for: 2s
YAML

# config NAME SOURCE - writes NAME.yaml.  A small journal: checkpoints are made all
# the time, and segments end.
config()
{
    cat >"$1.yaml" <<YAML
state_dir: $tmp/$1
listen: none
rule_files: [$tmp/rules.yaml]
journal: {max_size: 16MiB, segment_size: 1MiB, sync: 20ms}
inputs:
  - name: in
    source: $2
    decoders: [hub_logs]
    lateness: 500ms
exporters:
  - name: nowhere
    "null": {}
YAML
}

# delays COUNT FROM TO - so many random numbers.
delays()
{
    awk -v seed="$SEED" -v n="$1" -v lo="$2" -v hi="$3" 'BEGIN {
        srand(seed)
        for (i = 0; i < n; i++)
            printf "%.3f\n", lo + (hi - lo) * rand()
    }'
}

rounds=0
# rounds NAME COUNT FROM TO - starts and kills, one in ten with SIGTERM.
rounds()
{
    delays "$2" "$3" "$4" >"$1.delays"
    while read -r delay; do
        spawn "$1" "$TOCSIN" run -c "$1.yaml"
        sleep "$delay"
        rounds=$((rounds + 1))
        signal=KILL
        [ $((rounds % 10)) -ne 0 ] || signal=TERM
        running "$pid" || fail "$1 ended by itself"
        stop "$pid" $signal
    done <"$1.delays"
}

bytes_of() # NAME PARTITION
{
    "$top_builddir/tests/lib/journal_bytes" "$1/journal" "$2"
}

has_bytes() # NAME PARTITION COUNT
{
    [ "$(bytes_of "$1" "$2" | wc -c)" -ge "$3" ]
}

# verify NAME - nothing is damaged; transitions are those of a replay.
verify()
{
    expect_status 0 "$TOCSIN" journal verify "$1/journal"
    expect_lacks out damaged
    "$TOCSIN" journal dump --type alert "$1/journal" >"$1.alerts"
    sed 's/.*"transition":\(.*\)}$/\1/' "$1.alerts" >"$1.live"
    "$TOCSIN" replay --rules rules.yaml --interval 15s --format json \
        --journal "$1/journal" >"$1.replayed" 2>>replay.log
    # The end of a replay flushes: what is still to come in the journal.
    count=$(wc -l <"$1.live")
    head -n "$count" "$1.replayed" >"$1.want"
    expect_same "$1.want" "$1.live"
    sed 's/.*"cause":\([0-9]*\),"ordinal":\([0-9]*\).*/\1 \2/' "$1.alerts" |
        sort | uniq -d >"$1.twice"
    expect_lines "$1.twice" 0
    starts=$("$TOCSIN" journal dump --type mark "$1/journal" | grep -c start)
    echo "$1: $count transitions, $starts starts in the journal"
    [ "$count" -ge "$2" ] || fail "$1: only $count transitions, void"
    [ "$starts" -ge "$3" ] || fail "$1: only $starts starts, void"
}

# --- records, as of now: a storm of disconnects and calm in turn
record()
{
    printf '{"time":"@TIME@","resourceId":"/SUBSCRIPTIONS/11111111-2222-3333-4444-555555555555/RESOURCEGROUPS/FLEET-RG/PROVIDERS/MICROSOFT.DEVICES/IOTHUBS/HUB-EU","operationName":"%s","category":"Connections","level":"Information","properties":"{\\"deviceId\\":\\"pump-%s\\",\\"protocol\\":\\"Mqtt\\",\\"maskedIpAddress\\":\\"203.0.113.XXX\\"}","location":"westeurope"}\n' "$1" "$2"
}
for i in 1 2 3 4 5 6 7 8; do
    record deviceDisconnect "$i" >>storm
    record deviceConnect "$i" >>calm
    record deviceConnect "$i" >>calm
done

# load COMMAND - pipes blocks of records, as of now, into COMMAND until killed.
# The clock's tens of milliseconds tell storm from calm.
block()
{
    now=$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)
    case $now in
    *[0369].*Z) sed "s/@TIME@/$now/" storm ;;
    *) sed "s/@TIME@/$now/" calm ;;
    esac
}

