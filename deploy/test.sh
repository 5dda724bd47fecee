#!/usr/bin/env bash
# Sets up and runs every test: formatting, then all crates with the real parts (brokers, databases, RTSP,
# browser). Status 0 only when all passed. Says at the end what was skipped and why.
#
#   deploy/test.sh            everything
#   deploy/test.sh FILTER     only tests whose name contains FILTER
#   deploy/test.sh --lint     also clippy (compiles the dependencies once more, in check mode), and cargo-deny where it
#                             is installed
#
# SHAODIAN_DATA, when set, names a folder with models and clips; tests that need it are skipped without it.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

lint=no filter=()
for argument in "$@"; do
    case "$argument" in
    --lint) lint=yes ;;
    -h | --help) sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    -*) fail "unknown argument $argument" "deploy/test.sh [--lint] [FILTER]" ;;
    *) filter+=("$argument") ;;
    esac
done

# Long counts are deploy/soak.sh's: left over in the environment they would run for hours here.
unset SHAODIAN_QUIET_HOURS SHAODIAN_QUIET_CLIPS SHAODIAN_KILL_ROUNDS SHAODIAN_POWER_ROUNDS SHAODIAN_POWER_INCIDENTS \
    SHAODIAN_STAY_S SHAODIAN_DISCONNECTIONS SHAODIAN_PICTURES
[ -n "${SHAODIAN_SOAK:-}" ] || unset SHAODIAN_CALENDAR_QUESTIONS SHAODIAN_WAYS SHAODIAN_FLOOD

began=$SECONDS
step() { say "== $* ($((SECONDS - began)) s)"; }

# What an interrupted test leaves in the temporary folder goes with it; others may pass through, but not look.
scratch=$(mktemp -d)
chmod 711 "$scratch"
mkdir -m 1777 "$scratch/tmp"
export TMPDIR=$scratch/tmp
postgres_pid=
finish() {
    if [ -n "$postgres_pid" ]; then
        kill -INT "$postgres_pid" 2>/dev/null || true
        wait "$postgres_pid" 2>/dev/null || true
    fi
    rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 130' INT TERM

# One PostgreSQL for the whole run; each test makes a database of its own in it. It refuses to run as root.
start_postgres() {
    local bin as port data="$scratch/postgres"
    bin=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n1)
    [ -n "$bin" ] || fail "PostgreSQL is not installed" "deploy/setup.sh installs it"
    # Ended by the kernel should this script be killed; set in the same step as the user, which would clear it.
    as=(setpriv --pdeathsig=INT --)
    mkdir "$data"
    if [ "$(id -u)" = 0 ]; then
        as=(setpriv --pdeathsig=INT --reuid=postgres --regid=postgres --init-groups --)
        chown postgres "$data"
    fi
    (cd / && "${as[@]}" "$bin/initdb" -D "$data" -U shaodian --auth=trust --encoding=UTF8 --no-sync) >"$scratch/postgres.log" 2>&1 ||
        { cat "$scratch/postgres.log"; fail "PostgreSQL could not be initialised" "see the message above"; }
    port=$(free_port)
    # Durability is not under test here, speed is welcome: the tests that cut power do so to our own processes.
    (cd / && exec "${as[@]}" "$bin/postgres" -D "$data" -p "$port" -k "$data" \
        -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=300) >>"$scratch/postgres.log" 2>&1 &
    postgres_pid=$!
    for _ in $(seq 150); do
        "$bin/pg_isready" -q -h 127.0.0.1 -p "$port" && break
        kill -0 "$postgres_pid" 2>/dev/null || { cat "$scratch/postgres.log"; fail "PostgreSQL did not start" "see the message above"; }
        sleep 0.2
    done
    export SHAODIAN_TEST_POSTGRES="postgres://shaodian@127.0.0.1:$port/postgres"
}

step "setting up"
deploy/setup.sh --no-build
# Programs and tests in one pass: while one core finishes a long crate the other has something to do.
step "building programs and tests"
cargo build --release --workspace --locked --lib --bins --tests --quiet ||
    fail "the build failed" "read the compiler's message above; if it speaks of downloads, check the network"
deploy/setup.sh
step "formatting"
cargo fmt --all --check || fail "some files are not formatted" "cargo fmt --all"
if [ "$lint" = yes ]; then
    step "clippy"
    cargo clippy --release --workspace --all-targets --locked -- -D warnings
    # Its list of advisories comes from the network; licences, bans and sources are judged by what lies here.
    if command -v cargo-deny >/dev/null; then cargo-deny --locked --offline check licenses bans sources; fi
fi
[ -n "${SHAODIAN_TEST_POSTGRES:-}" ] || start_postgres
log=target/test.log
export outputs="$root/target/test-output"
rm -rf "$log" "$outputs"
mkdir "$outputs"
step "testing; what each program says comes into $outputs"
status=0
# The test programs wait more than they compute, so two run at a time. A browser that draws page after page, and the demo,
# take the whole machine, as the demo does a newcomer's: they come last, one after the other.
programs=$(cargo test --release --workspace --locked --no-run --quiet --message-format=json-render-diagnostics |
    jq -r 'select(.profile.test and .executable) | "\(.manifest_path | sub("/[^/]*$"; ""))\t\(.executable)"') ||
    fail "the tests could not be built" "read the compiler's message above"
run_program() {
    local folder=${1%%$'\t'*} program=${1##*$'\t'} status=0
    shift
    {
        echo "Running $program"
        (cd "$folder" && exec "$program" --show-output "$@") || status=$?
        [ "$status" = 0 ] || echo "error: $program ended with status $status"
    } >"$outputs/$(basename "$program")" 2>&1 && [ "$status" = 0 ]
}
export -f run_program
# xargs starts no more programs when one ends with 255.
in_turn() { xargs -d '\n' -P "$1" -I{} bash -c 'run_program "$@" || exit 1' _ {} "${filter[@]}" || status=1; }
in_turn 2 < <(grep -vE '/(browser|demo)-[0-9a-f]*$' <<<"$programs")
in_turn 1 < <(grep -E '/(browser|demo)-[0-9a-f]*$' <<<"$programs")
cat "$outputs"/* >"$log"

# The whole output is in the log; here only what a person needs.
passed=$(awk '/^test result:/ {n += $4} END {print n + 0}' "$log")
failed=$(awk '/^test result:/ {n += $6} END {print n + 0}' "$log")
ignored=$(awk '/^test result:/ {n += $8} END {print n + 0}' "$log")
skips=$(grep -aE '^skipped: ' "$log" | sort | uniq -c || true)
if [ "$status" -ne 0 ]; then
    say "---- what failed (all of it: $log)"
    sed -n '/^failures:$/,/^test result:/p' "$log" | tail -n 400
    grep -a '^error' "$log" || true
fi
[ -z "$skips" ] || { say "---- skipped"; say "$skips"; }
step "done"
say "$passed passed, $failed failed, $ignored ignored, $(grep -caE '^skipped: ' "$log" || true) skipped"
[ "$status" -ne 0 ] || [ "$passed" -gt 0 ] || fail "no test ran" "look into $log"
exit "$status"
