# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154 # what functions.sh assigns
# kafka.sh - a real broker for a shell test, after functions.sh:
#
#     . "$top_srcdir/tests/lib/kafka/kafka.sh"
#     kafka_start                 once; skips the test where there is no broker
#     kafka_topic NAME PARTITIONS
#     kproduce lines NAME 0 <FILE
#     kafka_stop / kafka_kill / kafka_freeze / kafka_thaw / kafka_again
#
# Tools and controller use $kafka_plain.  What Event Hubs clients see is
# $kafka_sasl: TLS with the CA $kafka_ca, SASL PLAIN, the user $ConnectionString
# with the password $kafka_connection_string.  $kafka_data/TOPIC-N are the
# partitions' folders.

kafka_version=3.9.1
kafka_java=${JAVA:-java}
kafka_pid=
kafka_connection_string='Endpoint=sb://fleet.servicebus.windows.net/;SharedAccessKeyName=collector;SharedAccessKey=dG9jc2luLXRlc3Qta2V5LW5vdC1hLXNlY3JldA=='

# No broker here: in CI that is a failure.
kafka_missing()
{
    [ -z "${CI-}" ] || fail "no Kafka broker in CI: $*"
    skip "no Kafka broker: $*"
}

# kafka_jars - sets $kafka_lib; downloads once for all tests and runs.
kafka_jars()
{
    kafka_cache=${TOCSIN_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/tocsin}
    kafka_lib=$kafka_cache/kafka-$kafka_version
    [ ! -e "$kafka_lib/complete" ] || return 0
    command -v mvn >/dev/null || kafka_missing "no mvn here"
    mkdir -p "$kafka_cache"
    (
        flock 9
        [ ! -e "$kafka_lib/complete" ] || exit 0
        mkdir -p "$tmp/maven"
        cp "$top_srcdir/tests/lib/kafka/pom.xml" "$tmp/maven/pom.xml"
        mvn -B -q -f "$tmp/maven/pom.xml" dependency:copy-dependencies \
            -DoutputDirectory="$tmp/maven/lib" -DincludeScope=runtime \
            >"$tmp/maven.log" 2>&1 || exit 1
        rm -rf "$kafka_lib"
        mkdir -p "$kafka_lib"
        cp "$tmp/maven/lib"/*.jar "$kafka_lib/"
        : >"$kafka_lib/complete"
    ) 9>"$kafka_cache/lock" ||
        kafka_missing "Maven Central gives no jars: $(tail -n 1 "$tmp/maven.log")"
}

# librdkafka starts its threads by thrd_create(), which ThreadSanitizer does
# not know: the first one crashes the process.
kafka_no_tsan()
{
    requires_no_tsan "it can't run librdkafka's threads"
}

# A CA, and a certificate of it for localhost.
kafka_certificate()
{
    kafka_ca=$kafka_home/ca.pem
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=test CA' \
        -keyout "$kafka_home/ca.key" -out "$kafka_ca" 2>/dev/null
    openssl req -newkey rsa:2048 -nodes -subj '/CN=localhost' \
        -keyout "$kafka_home/key.pem" -out "$kafka_home/csr.pem" 2>/dev/null
    printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' >"$kafka_home/ext"
    openssl x509 -req -in "$kafka_home/csr.pem" -days 2 -CAcreateserial \
        -CA "$kafka_ca" -CAkey "$kafka_home/ca.key" \
        -extfile "$kafka_home/ext" -out "$kafka_home/cert.pem" 2>/dev/null
    cat "$kafka_home/key.pem" "$kafka_home/cert.pem" "$kafka_ca" \
        >"$kafka_home/keystore.pem"
}

kafka_configure()
{
    plain_port=$(free_port)
    sasl_port=$(free_port)
    controller_port=$(free_port)
    kafka_plain=127.0.0.1:$plain_port
    # shellcheck disable=SC2034 # for the test
    kafka_sasl=localhost:$sasl_port
    kafka_data=$kafka_home/data
    cat >"$kafka_home/log4j.properties" <<LOG4J
log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d %p %m (%c)%n
LOG4J
    cat >"$kafka_home/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller_port
listeners=PLAINTEXT://127.0.0.1:$plain_port,SASL_SSL://127.0.0.1:$sasl_port,CONTROLLER://127.0.0.1:$controller_port
advertised.listeners=PLAINTEXT://127.0.0.1:$plain_port,SASL_SSL://localhost:$sasl_port
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL
log.dirs=$kafka_data
num.partitions=1
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=200
log.flush.interval.messages=1
num.network.threads=2
num.io.threads=2
num.recovery.threads.per.data.dir=1
log.cleaner.enable=false
controlled.shutdown.enable=false
sasl.enabled.mechanisms=PLAIN
ssl.keystore.type=PEM
ssl.keystore.location=$kafka_home/keystore.pem
ssl.client.auth=none
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_\$ConnectionString="$kafka_connection_string";
PROPERTIES
}

# kafka_run CLASS ARG… - in place of the shell that calls it.
kafka_run()
{
    exec "$kafka_java" -Xms128m -Xmx320m -XX:+UseSerialGC \
        -XX:TieredStopAtLevel=1 \
        -Dlog4j.configuration="file:$kafka_home/log4j.properties" \
        -cp "$kafka_lib/*" "$@"
}

kafka_ready()
{
    running "$kafka_pid" && kproduce ping
}

# kafka_again - starts the broker that was stopped, on the same ports.
kafka_again()
{
    spawn kafka kafka_run kafka.Kafka "$kafka_home/server.properties"
    kafka_pid=$pid
    kafka_tries=0
    until kafka_ready 2>/dev/null; do
        kafka_tries=$((kafka_tries + 1))
        running "$kafka_pid" || return 1
        [ $kafka_tries -lt 300 ] || fail "the broker does not get ready"
        sleep 0.2
    done
}

kafka_start()
{
    kafka_no_tsan
    command -v "$kafka_java" >/dev/null || kafka_missing "no java here"
    command -v openssl >/dev/null || kafka_missing "no openssl here"
    [ -x "$top_builddir/tests/lib/kafka/kproduce" ] ||
        skip "built without kafka"
    kafka_jars
    kafka_home=$tmp/kafka
    mkdir -p "$kafka_home"
    kafka_certificate
    # A port may be taken between choosing and binding it: try again then.
    for try in 1 2 3; do
        kafka_configure
        rm -rf "$kafka_data"
        (kafka_run kafka.tools.StorageTool format -t dG9jc2luLXRlc3RzMDAwMQ \
            -c "$kafka_home/server.properties") >"$tmp/format.log" 2>&1 ||
            fail "kafka: $(tail -n 3 "$tmp/format.log")"
        ! kafka_again || return 0
        echo "kafka: start $try failed"
    done
    fail "the broker does not start"
}

kafka_stop()
{
    stop "$kafka_pid" TERM
}

kafka_kill()
{
    stop "$kafka_pid" KILL
}

kafka_freeze()
{
    kill -STOP "$kafka_pid"
}

kafka_thaw()
{
    kill -CONT "$kafka_pid"
}

# kproduce ARG… - see kproduce.c.
kproduce()
{
    "$top_builddir/tests/lib/kafka/kproduce" -b "$kafka_plain" "$@"
}

kafka_topic() # NAME PARTITIONS
{
    kproduce create "$1" "$2"
}

# --- the mock cluster ----------------------------------------------------------

# kmock_start [BROKERS] - librdkafka's mock cluster; sets $kafka_plain, so that
# kproduce goes there.
kmock_start()
{
    kafka_no_tsan
    [ -x "$top_builddir/tests/lib/kafka/kmock" ] || skip "built without kafka"
    mkfifo "$tmp/kmock.in"
    : >"$tmp/kmock.out"
    "$top_builddir/tests/lib/kafka/kmock" "${1:-1}" \
        <"$tmp/kmock.in" >>"$tmp/kmock.out" 2>>"$tmp/kmock.log" &
    started="$started $!"
    exec 8>"$tmp/kmock.in"
    wait_for 10 grep -q '^brokers' "$tmp/kmock.out"
    kafka_plain=$(sed -n 's/^brokers //p' "$tmp/kmock.out")
}

# kmock COMMAND… - see kmock.c.
kmock()
{
    kmock_answers=$(wc -l <"$tmp/kmock.out")
    printf '%s\n' "$*" >&8
    wait_for 10 kmock_answered
    tail -n 1 "$tmp/kmock.out" | grep -qx ok ||
        fail "kmock $*: $(tail -n 1 "$tmp/kmock.out")"
}

kmock_answered()
{
    [ "$(wc -l <"$tmp/kmock.out")" -gt "$kmock_answers" ]
}
