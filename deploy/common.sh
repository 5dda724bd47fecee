# Words and small tools that the scripts beside it share; sourced, never run.
# shellcheck shell=bash

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
[ -d "${CARGO_HOME:-${HOME:-}/.cargo}/bin" ] && PATH="${CARGO_HOME:-${HOME:-}/.cargo}/bin:$PATH"

say() { printf '%s\n' "$*"; }

# fail WHAT-IS-WRONG WHAT-TO-DO
fail() {
    printf 'error: %s\n' "$1" >&2
    [ $# -lt 2 ] || printf '  what to do: %s\n' "$2" >&2
    exit 1
}

# limited SECONDS COMMAND…: the command, ended and told when it takes longer. For programs that end by themselves. It
# stays in the terminal's group, so that Ctrl-C reaches it. With its output redirected, call it in a subshell: a trap that
# runs meanwhile would write where the command does.
limited() {
    local limit=$1 status=0
    shift
    timeout --foreground --kill-after=10 "$limit" "$@" || status=$?
    case "$status" in
    124 | 137)
        printf 'error: %s did not end within %s seconds and was ended\n' "$(basename "$1")" "$limit" >&2
        printf '  what to do: see whether the machine is overloaded, or whether something stopped it (kill -STOP); by hand: %s\n' "$*" >&2
        ;;
    esac
    return "$status"
}

# Runs a command as root: directly, or through sudo where there is one.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "this step needs root, and there is no sudo: $*" "run deploy/setup.sh as root once, then as yourself"
    fi
}

# port_is_free PORT: nobody listens on it, on any address.
port_is_free() { [ -z "$(ss -Htln "sport = :$1")" ]; }

# A free TCP port below the range that the kernel hands out to clients, so that none of them takes it away.
free_port() {
    local port
    for _ in $(seq 100); do
        port=$((20000 + RANDOM % 12000))
        port_is_free "$port" && { printf '%s\n' "$port"; return; }
    done
    fail "no free TCP port between 20000 and 32000" "see what listens there: ss -tln"
}
