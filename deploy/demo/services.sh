# Services of the demo: started as children of the script, watched, started again when they die, ended by process
# id. Sourced by deploy/demo.sh and deploy/bench.sh; expects `state` (folder), one function `run_NAME` per service that
# ends in `launch COMMAND…`, and deploy/demo/world.sh.
# shellcheck shell=bash

declare -A service_pid=() service_deaths=()
service_order=()

# Replaces the calling subshell. The kernel ends the service should this script die without ending it, and
# Ctrl-C in the terminal reaches only the script, which then ends the services in order.
launch() { exec setpriv --pdeathsig=TERM -- setsid "$@"; }

# start NAME
start() {
    # 9 is the lock of the demo: only the script itself holds it.
    (exec 9>&- && "run_$1") >>"$state/log/$1.log" 2>&1 &
    service_pid[$1]=$!
    printf '%s\n' "$!" >"$state/run/$1.pid"
    case " ${service_order[*]} " in *" $1 "*) ;; *) service_order+=("$1") ;; esac
}

# begin NAME SECONDS READY PORT…: starts a service and waits until READY says yes and the service itself holds its
# ports (https → $https_port). One that another program took since it was chosen is chosen anew, and the service
# started again.
begin() {
    local name=$1 limit=$((SECONDS + $2)) seconds=$2 ready=$3 port variable lost tries=0
    shift 3
    start "$name"
    until "$ready" && holds_ports "$name" "$@"; do
        lost=no
        for port in "$@"; do
            variable=${port}_port
            port_is_free "${!variable}" || holds_port "$name" "${!variable}" || { lost=yes; choose_port_again "$port"; }
        done
        if [ "$lost" = yes ] && [ "$tries" -lt 5 ]; then
            tries=$((tries + 1))
            end "$name"
            write_configuration
            start "$name"
        elif ! is_running "$name"; then
            tail -n 20 "$state/log/$name.log" >&2
            fail "$name ended before it was ready" "see the message above; its log: $state/log/$name.log"
        fi
        [ "$SECONDS" -lt "$limit" ] || fail "$name was not ready within $seconds seconds" "its log: $state/log/$name.log"
        sleep 0.3
    done
}

# holds_port NAME PORT: that service listens there.
holds_port() { [[ "$(ss -Htlnp "sport = :$2")" == *"pid=${service_pid[$1]},"* ]]; }

holds_ports() {
    local name=$1 port variable
    shift
    for port in "$@"; do
        variable=${port}_port
        holds_port "$name" "${!variable}" || return 1
    done
}

is_running() { [ -n "${service_pid[$1]:-}" ] && kill -0 "${service_pid[$1]}" 2>/dev/null; }

# Starts again what died since the last look, and says so.
watch_services() {
    local name status how
    for name in "${service_order[@]}"; do
        is_running "$name" && continue
        status=0
        wait "${service_pid[$name]}" 2>/dev/null || status=$?
        how="status $status"
        [ "$status" -le 128 ] || how="signal $((status - 128))"
        service_deaths[$name]=$((${service_deaths[$name]:-0} + 1))
        if [ "${service_deaths[$name]}" -gt 5 ]; then
            tail -n 20 "$state/log/$name.log" >&2
            fail "$name ended again and again, now with $how" "its log: $state/log/$name.log"
        fi
        say "note: $name ended ($how) and is started again; nothing is lost by it"
        start "$name"
    done
}

# end NAME: SIGTERM, five seconds, then SIGKILL, by process id.
end() {
    if is_running "$1"; then kill -TERM "${service_pid[$1]}" 2>/dev/null || true; fi
    for _ in $(seq 50); do
        is_running "$1" || break
        sleep 0.1
    done
    if is_running "$1"; then
        say "note: $1 did not end within 5 seconds and is killed"
        kill -KILL "${service_pid[$1]}" 2>/dev/null || true
    fi
    wait "${service_pid[$1]}" 2>/dev/null || true
    rm -f "$state/run/$1.pid"
}

# All asked to end first, the last started before the others, so that they end beside each other.
stop_services() {
    local i name
    for ((i = ${#service_order[@]} - 1; i >= 0; i--)); do
        name=${service_order[i]}
        if is_running "$name"; then kill -TERM "${service_pid[$name]}" 2>/dev/null || true; fi
    done
    for name in "${service_order[@]}"; do end "$name"; done
    service_order=()
}

# until_true SECONDS COMMAND…: repeats the command until it succeeds, watching the services meanwhile.
until_true() {
    local limit=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$limit" ] || return 1
        watch_services
        sleep 0.3
    done
}
