# Services of the demo: started as children of the script, watched, started again when they die, ended by process
# id. Sourced by deploy/demo.sh; expects `state` (folder) and one function `run_NAME` per service that ends in
# `launch COMMAND…`.
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

# Ends every service, the last started first: SIGTERM, five seconds, then SIGKILL, each by its process id.
stop_services() {
    local i name
    for ((i = ${#service_order[@]} - 1; i >= 0; i--)); do
        name=${service_order[i]}
        if is_running "$name"; then kill -TERM "${service_pid[$name]}" 2>/dev/null || true; fi
    done
    for name in "${service_order[@]}"; do
        for _ in $(seq 50); do
            is_running "$name" || break
            sleep 0.1
        done
        if is_running "$name"; then
            say "note: $name did not end within 5 seconds and is killed"
            kill -KILL "${service_pid[$name]}" 2>/dev/null || true
        fi
        wait "${service_pid[$name]}" 2>/dev/null || true
        rm -f "$state/run/$name.pid"
    done
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
