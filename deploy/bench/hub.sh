#!/usr/bin/env bash
# Measures the hub, on this machine, on SQLite and on PostgreSQL, and prints tables for docs/BENCHMARKS.md:
#
#   hub-intake   incidents until their receipt: MQTT (embedded broker, Mosquitto) and HTTP, beside what the database alone
#                needs for the very same statements, and beside Alerta on the same PostgreSQL; about 15 minutes
#   hub-lists    lists, cases, numbers and the live feed with 10 thousand and a million cases stored, 2 % of them open;
#                about 15 minutes, with --large also ten million: two hours more and 60 GB of disk
#   hub-live     from publishing an incident until a browser has been told of it: 200 incidents a second, 500 browsers of 50
#                and of 500 people; 5 minutes
#   grid         whose ground a point is, on a map of a hundred thousand vertices; a minute
#
#   deploy/bench/hub.sh [--seconds N] [--large] [--keep] [SECTION…]      all four by default
#
# Each measurement begins with a hub that has nothing. PostgreSQL is started for it with Debian's own settings, durable.
# Run it on an idle machine; the load before it is printed. Alerta comes from its Python package into a throw-away folder;
# without the network its rows are left out, and said so.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
cd "$root"

seconds=30 large=no keep=no sections=()
while [ $# -gt 0 ]; do
    case "$1" in
    --seconds) seconds=${2:-}; shift ;;
    --large) large=yes ;;
    --keep) keep=yes ;;
    hub-intake | hub-lists | hub-live | grid) sections+=("$1") ;;
    -h | --help) sed -n '2,18s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) fail "unknown argument $1" "deploy/bench/hub.sh [--seconds N] [--large] [--keep] [hub-intake] [hub-lists] [hub-live] [grid]" ;;
    esac
    shift
done
case "$seconds" in '' | *[!0-9]*) fail "--seconds wants a whole number, not $seconds" "deploy/bench/hub.sh --seconds 30" ;; esac
[ "${#sections[@]}" -gt 0 ] || sections=(hub-intake hub-lists hub-live grid)

load_before=$(cut -d' ' -f1-3 /proc/loadavg)
deploy/setup.sh --no-build --ship
# As it is installed, not as it is tested.
cargo build --profile ship --locked --quiet -p hub --bin hub --example load
hub=$root/target/ship/hub load=$root/target/ship/examples/load

# PostgreSQL and Mosquitto started by root become users of their own, who must get to their folders.
state=$(mktemp -d)
chmod 711 "$state"
mkdir -p "$state"/{log,run,logs}
. deploy/demo/services.sh
postgres_pid=
finish() {
    local status=$?
    trap '' INT TERM
    trap - EXIT
    stop_services >/dev/null
    if [ -n "$postgres_pid" ]; then
        kill -INT "$postgres_pid" 2>/dev/null || true
        wait "$postgres_pid" 2>/dev/null || true
    fi
    if [ "$status" -eq 0 ] && [ "$keep" = no ]; then rm -rf "$state"; else say "everything is in $state" >&2; fi
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

# A service of this run is a command line in an array of its name.
run_hub() { launch "$hub" --config "$state/hub.toml" --data "$data" run; }
run_mosquitto() { launch mosquitto -c "$data/mosquitto/mosquitto.conf"; }
run_alerta() {
    cd "$state/alerta"
    DATABASE_URL="$(url alerta)" SECRET_KEY=none PYTHONWARNINGS=ignore \
        launch bin/gunicorn --workers 2 --worker-class gthread --threads 8 --keep-alive 60 --bind "127.0.0.1:$alerta_port" wsgi:app
}

ready_hub() { grep -q '^hub ready' "$state/log/hub.log"; }
ready_mosquitto() { ! port_is_free "$mqtt_port"; }
ready_alerta() { curl -sf -o "$state/alerta/ready" "http://127.0.0.1:$alerta_port/management/healthcheck"; }
# These ports are free when they are chosen; nobody else is expected here.
write_configuration() { configure "$database" "$broker"; }
choose_port_again() { fail "port of $1 was taken by another program" "run it again"; }

url() { printf 'postgres://shaodian@127.0.0.1:%s/%s' "$postgres_port" "$1"; }
sql() { PGOPTIONS="-c client_min_messages=warning" psql --quiet --no-psqlrc --tuples-only --no-align -v ON_ERROR_STOP=1 "$(url "$1")" "${@:2}"; }

# PostgreSQL refuses to run as root.
start_postgres() {
    local bin as
    [ -z "$postgres_pid" ] || return 0
    bin=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n1)
    [ -n "$bin" ] || fail "PostgreSQL is not installed" "deploy/setup.sh installs it"
    command -v pgbench >/dev/null || PATH=$PATH:$bin
    as=(setpriv --pdeathsig=INT --)
    mkdir "$state/postgres"
    if [ "$(id -u)" = 0 ]; then
        as=(setpriv --pdeathsig=INT --reuid=postgres --regid=postgres --init-groups --)
        chown postgres "$state/postgres" "$state/logs"
    fi
    (cd / && "${as[@]}" "$bin/initdb" -D "$state/postgres" -U shaodian --auth=trust --encoding=UTF8) >"$state/log/postgres.log" 2>&1 ||
        { cat "$state/log/postgres.log" >&2; fail "PostgreSQL could not be initialised" "see the message above"; }
    postgres_port=$(free_port)
    # Checkpoints as rare as on a server that was set up for work. The log is what `floor.py` reads; it is quiet until asked.
    (cd / && exec "${as[@]}" "$bin/postgres" -D "$state/postgres" -p "$postgres_port" -k "$state/postgres" \
        -c listen_addresses=127.0.0.1 -c max_wal_size=8GB -c shared_buffers=1GB -c logging_collector=on \
        -c log_destination=csvlog -c log_directory="$state/logs" -c log_filename=statements.log -c log_file_mode=0644) >>"$state/log/postgres.log" 2>&1 &
    postgres_pid=$!
    for _ in $(seq 150); do
        "$bin/pg_isready" -q -h 127.0.0.1 -p "$postgres_port" && return
        kill -0 "$postgres_pid" 2>/dev/null || break
        sleep 0.2
    done
    cat "$state/log/postgres.log" >&2
    fail "PostgreSQL did not start" "see the message above"
}

# configure sqlite|postgres embedded|mosquitto: the hub's settings.
configure() {
    {
        printf '[http]\nlisten = "127.0.0.1:%s"\nloopback = "127.0.0.1:%s"\n' "$https_port" "$http_port"
        case "$2" in
        embedded) printf '[broker]\nlisten = "127.0.0.1:%s"\n' "$mqtt_port" ;;
        *) printf '[broker]\nmode = "external"\nhost = "localhost"\nport = %s\n' "$mqtt_port" ;;
        esac
        [ "$1" = sqlite ] || printf '[database]\nurl = "%s"\n' "$(url hub)"
    } >"$state/hub.toml"
}

# fresh sqlite|postgres embedded|mosquitto: a hub that has nothing, not started.
fresh() {
    database=$1 broker=$2
    https_port=$(free_port) http_port=$(free_port) mqtt_port=$(free_port)
    data=$state/data
    rm -rf "$data"
    mkdir -p "$data"
    if [ "$database" = postgres ]; then
        start_postgres
        sql postgres -c 'drop database if exists hub with (force)' -c 'create database hub'
    fi
    configure "$database" "$broker"
    "$hub" --config "$state/hub.toml" --data "$data" user list >>"$state/log/made.log" 2>&1
}

start_all() {
    : >"$state/log/hub.log"
    if [ "$broker" = mosquitto ]; then
        "$hub" --config "$state/hub.toml" --data "$data" broker mosquitto-config "$data/mosquitto" --port "$mqtt_port" >>"$state/log/made.log" 2>&1
        if [ "$(id -u)" = 0 ]; then sed -i '1i user root' "$data/mosquitto/mosquitto.conf"; fi
        begin mosquitto 20 ready_mosquitto mqtt
    fi
    begin hub 60 ready_hub https http
}

stop_all() { stop_services >/dev/null; }

# The 99th percentile of a histogram of the hub, in milliseconds, since the start.
commit_ms() {
    curl -sf "http://127.0.0.1:$http_port/metrics" | awk '
        /^shaodian_hub_intake_commit_seconds_bucket/ {
            edge = $1; sub(/.*le="/, "", edge); sub(/".*/, "", edge); n++; le[n] = edge; count[n] = $2
        }
        END {
            if (n == 0 || count[n] == 0) { print "null"; exit }
            for (i = 1; i <= n; i++) if (count[i] >= 0.99 * count[n]) { printf "%.1f\n", le[i] * 1000; exit }
        }'
}

# What PostgreSQL's own daemon does within a minute: without statistics of its tables it takes them for empty ones, and goes
# through all of them instead of an index. Measured is what comes after that, as on any day but the first minute.
warm=6
look_at_tables() {
    [ "$database" = postgres ] || return 0
    sleep $((warm - 2))
    sql hub -c analyze
}

# measure NAME DATABASE BROKER load-arguments…: one row of the table, as JSON in $state/rows.
measure() {
    local name=$1 report way
    fresh "$2" "$3"
    shift 3
    start_all
    way=$1
    shift
    case "$way" in
    mqtt) set -- mqtt --at "localhost:$mqtt_port" "$@" ;;
    http) set -- http --url "http://127.0.0.1:$http_port" "$@" ;;
    esac
    look_at_tables &
    report=$(limited $((seconds + 90)) "$load" "$@" --config "$state/hub.toml" --data "$data" --warm "$warm" --seconds "$seconds" 2>>"$state/log/load.log") || {
        tail -n 5 "$state/log/load.log" "$state/log/hub.log" >&2
        fail "the measurement \"$name\" did not come through" "see the messages above"
    }
    jq -c --arg name "$name" --arg database "$database" --argjson commit "$(commit_ms)" \
        '. + {name: $name, database: $database, p99_commit_ms: $commit}' <<<"$report" >>"$state/rows"
    stop_all
}

# The statements that the hub sends when it has much to do, from a short run with PostgreSQL telling them.
find_pattern() {
    fresh postgres embedded
    start_all
    sql postgres -c "alter database hub set log_statement = 'all'"
    # Sessions that are there keep the settings with which they began.
    stop_all
    start_all
    limited 60 "$load" mqtt --at "localhost:$mqtt_port" --config "$state/hub.toml" --data "$data" --warm 2 --seconds 4 "$@" >>"$state/log/made.log" 2>>"$state/log/load.log"
    stop_all
    sql postgres -c "alter database hub reset log_statement"
    python3 deploy/bench/floor.py pattern "$state/logs/statements.csv" "$state/pattern.json" >>"$state/log/made.log"
    : >"$state/logs/statements.csv"
    # What the statements ask for is there on both databases, as it was for the hub.
    rm -f "$state"/floor.db*
    "$hub" --config "$state/hub.toml" --data "$data" move --to "sqlite:$state/floor.db" >>"$state/log/made.log" 2>&1
    sql postgres -c 'drop database if exists floor with (force)' -c 'create database floor template hub'
}

floor_rows() {
    local name=$1 incidents tps
    sql floor -c "select table_name || '.' || column_name, data_type from information_schema.columns where table_schema = 'public'" >"$state/columns"
    sql floor -c analyze
    incidents=$(python3 deploy/bench/floor.py pgbench "$state/pattern.json" "$state/columns" "$state/floor.sql")
    tps=$(pgbench -n -M prepared -c 1 -T "$seconds" -f "$state/floor.sql" "$(url floor)" 2>>"$state/log/floor.log" | tee -a "$state/log/floor.log" |
        sed -n 's/^tps = \([0-9.]*\).*/\1/p')
    [ -n "$tps" ] || { tail -n 5 "$state/log/floor.log" >&2; fail "pgbench did not come through" "see the message above"; }
    jq -nc --arg name "$name" --argjson tps "$tps" --argjson incidents "$incidents" \
        '{name: $name, database: "postgres", per_second: ($tps * $incidents | round), per_commit: $incidents}' >>"$state/rows"
    python3 deploy/bench/floor.py sqlite "$state/pattern.json" "$state/floor.db" "$seconds" |
        jq -c --arg name "$name" '. + {name: $name, database: "sqlite", per_commit: .incidents_per_commit}' >>"$state/rows"
}

measure_alerta() {
    python3 -m venv "$state/alerta" >>"$state/log/alerta.log" 2>&1 &&
        "$state/alerta/bin/pip" install --quiet alerta-server==9.1.0 gunicorn psycopg2-binary >>"$state/log/alerta.log" 2>&1 || {
        say "Alerta could not be installed (no network?): its rows are left out" >&2
        return 0
    }
    printf 'from alerta import create_app\n\napp = create_app()\n' >"$state/alerta/wsgi.py"
    sql postgres -c 'drop database if exists alerta with (force)' -c 'create database alerta'
    alerta_port=$(free_port)
    begin alerta 60 ready_alerta
    "$load" alerta --url "http://127.0.0.1:$alerta_port" --clients 16 --seconds "$seconds" 2>>"$state/log/load.log" |
        jq -c '. + {name: "Alerta 9.1, HTTP, 16 clients, 2 workers", database: "postgres", alerta: true}' >>"$state/rows"
    stop_all
}

hub_intake() {
    : >"$state/rows"
    start_postgres
    measure "MQTT, embedded broker, a case each" sqlite embedded mqtt
    measure "MQTT, embedded broker, joining cases" sqlite embedded mqtt --joined
    measure "MQTT, embedded broker, a case each" postgres embedded mqtt
    measure "MQTT, embedded broker, joining cases" postgres embedded mqtt --joined
    measure "MQTT, Mosquitto, a case each" postgres mosquitto mqtt
    measure "MQTT, Mosquitto, joining cases" postgres mosquitto mqtt --joined
    measure "HTTP, 64 clients, a case each" sqlite embedded http --clients 64
    measure "HTTP, 64 clients, joining cases" sqlite embedded http --clients 64 --joined
    measure "HTTP, 64 clients, a case each" postgres embedded http --clients 64
    measure "HTTP, 64 clients, joining cases" postgres embedded http --clients 64 --joined
    measure "HTTP, 1 client, a case each" postgres embedded http --clients 1
    find_pattern
    floor_rows "the database alone, a case each"
    find_pattern --joined
    floor_rows "the database alone, joining cases"
    measure_alerta
    say
    say "| incidents until their receipt, $seconds s | database | per second | p50 ms | p99 ms | p99 commit ms | without receipt | other answers |"
    say "|---|---|---|---|---|---|---|---|"
    jq -r 'def one: if . == null then "" else tostring end;
        "| \(.name) | \(.database) | \(.per_second) | \(.p50_ms | one) | \(.p99_ms | one) | \(.p99_commit_ms | one) | \(.unanswered | one) | \((.other // {}) | if length == 0 then "" else tojson end) |"' "$state/rows"
    say
    say "| ratio | database | measured | goal |"
    say "|---|---|---|---|"
    jq -rs '
        def two: . * 100 | round / 100;
        def best($way; $database; $case): [.[] | select((.name | startswith($way)) and (.name | endswith($case)) and .database == $database and (.name | contains("1 client,") | not)) | .per_second] | max;
        . as $rows
        | ($rows | [.[] | select(.alerta) | .per_second] | max) as $alerta
        | ("sqlite", "postgres") as $database | ("a case each", "joining cases") as $case
        | ($rows | best("MQTT"; $database; $case)) as $mqtt | ($rows | best("HTTP"; $database; $case)) as $http
        | ($rows | best("the database alone"; $database; $case)) as $floor
        | "| MQTT, \($case), incidents a second | \($database) | \($mqtt) | 5000 |",
          "| MQTT, \($case), part of what the database alone does | \($database) | \($mqtt / $floor | two) | |",
          (if $alerta then "| HTTP, \($case), times Alerta | \($database) | \($http / $alerta | two) | 30 |" else empty end)' "$state/rows"
    say
    say "Receipts come after the commit in which the incident has its case: how long correlation lags is within p50 and p99."
}

# Waits until the hub has nothing to do: what a start brings with it is over.
settle() {
    local before now calm=0
    for _ in $(seq 300); do
        before=$(awk '{print $14 + $15}' "/proc/${service_pid[hub]}/stat")
        sleep 2
        now=$(awk '{print $14 + $15}' "/proc/${service_pid[hub]}/stat")
        if [ $((now - before)) -lt 10 ]; then calm=$((calm + 1)); else calm=0; fi
        [ "$calm" -lt 3 ] || return 0
    done
    fail "the hub does not come to rest" "see $state/log/hub.log"
}

hub_lists() {
    local counts=(10000 1000000) count kind
    [ "$large" = no ] || counts+=(10000000)
    : >"$state/lists"
    for kind in sqlite postgres; do
        for count in "${counts[@]}"; do
            fresh "$kind" embedded
            "$hub" --config "$state/hub.toml" --data "$data" user add chief --role commander 2>>"$state/log/made.log" | tail -n1 >"$state/password"
            # Administrator, units and policy are made now, not in the measurement.
            "$hub" --config "$state/hub.toml" --data "$data" policy show >>"$state/log/made.log" 2>&1
            start_all
            stop_all
            if [ "$kind" = sqlite ]; then at=sqlite:$data/hub.db; else at=$(url hub); fi
            python3 deploy/bench/cases.py "$at" "$count" 2>>"$state/log/made.log"
            start_all
            settle
            limited 3600 "$load" lists --url "http://127.0.0.1:$http_port" --user chief --password-file "$state/password" --rounds 300 \
                --open "open cases, page=/cases" --open "numbers beside it=/cases/counts" \
                --open "dispatcher's queue=/api/v1/cases?state=filed&limit=20" --open "all cases=/api/v1/cases" \
                --open "a case, page=/cases/{number}" --open "a case, JSON=/api/v1/cases/{number}" \
                --open "live feed, first change=/api/v1/changes?after=$((count - 100))" ${MAP_PATH:+--open "map=$MAP_PATH"} \
                2>>"$state/log/load.log" | jq -c --arg database "$kind" --argjson count "$count" '{database: $database, count: $count, found: .}' >>"$state/lists"
            stop_all
        done
    done
    rm -rf "$data"
    say
    say "| opened, whole answer, p50 / p99 ms | database | $(printf '%s cases | ' "${counts[@]}")p99 grows by | goal |"
    say "|---|---|$(printf -- '---|%.0s' "${counts[@]}")---|---|"
    jq -rs '
        def two: . * 100 | round / 100;
        group_by(.database)[] | sort_by(.count) as $rows | $rows[0].found | keys_unsorted[] as $name
        | ($rows | map(.found[$name])) as $each
        | "| \($name) | \($rows[0].database) | \($each | map("\(.p50_ms) / \(.p99_ms)") | join(" | ")) | \($each[-1].p99_ms / $each[0].p99_ms | two) | 1.5 |"' "$state/lists"
}

hub_live() {
    local kind people
    : >"$state/live"
    for kind in sqlite postgres; do
        for people in 50 500; do
            fresh "$kind" embedded
            start_all
            look_at_tables &
            limited $((seconds + 400)) "$load" live --at "localhost:$mqtt_port" --url "http://127.0.0.1:$http_port" --people "$people" \
                --config "$state/hub.toml" --data "$data" --warm "$warm" --seconds "$seconds" 2>>"$state/log/load.log" |
                jq -c --arg database "$kind" '. + {database: $database}' >>"$state/live" || {
                tail -n 5 "$state/log/load.log" "$state/log/hub.log" >&2
                fail "the live feed could not be measured" "see the messages above"
            }
            stop_all
        done
    done
    say
    say "| 200 incidents a second, from publishing until a browser is told, $seconds s | database | told | p50 ms | p99 ms | goal p99 | never told | receipts a second |"
    say "|---|---|---|---|---|---|---|---|"
    jq -r '"| \(.browsers) browsers of \(.people) people | \(.database) | \(.n) | \(.p50_ms) | \(.p99_ms) | 500 | \(.missed) | \(.receipts.per_second) |"' "$state/live"
}

grid() {
    local report
    report=$(limited 600 "$load" grid --vertices 100000 2>>"$state/log/load.log") ||
        { tail -n 5 "$state/log/load.log" >&2; fail "the measurement of the grid did not come through" "see the message above"; }
    say
    say "| map | grids | vertices | checked and taken, ms | read, ms | µs per point | points a second |"
    say "|---|---|---|---|---|---|---|"
    jq -r '"| \(.map_bytes / 1000000 | round) MB of GeoJSON | \(.grids) | \(.vertices) | \(.check_and_take_ms) | \(.read_ms) | \(.us_per_point) | \(.points_per_second) |"' <<<"$report"
}

say
say "$(date -u +%F), commit $(git rev-parse --short HEAD 2>/dev/null || echo unknown)$(git diff --quiet HEAD 2>/dev/null || printf ' with changes'), $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n1), $(nproc) cores, load before $load_before"
for section in "${sections[@]}"; do "${section//-/_}"; done
