#!/usr/bin/env bash
# Lets a public tester of OpenAPI descriptions (Schemathesis, from its Python package) loose on a real hub: made-up and
# broken requests to every operation, and ways through several. Status 0 only when no answer contradicts the description and
# nothing failed inside. Not part of deploy/test.sh: it takes minutes, and its package is fetched.
#
#   deploy/fuzz.sh [EXAMPLES [SEED]]    so many examples of each operation (default 30); a seed repeats an earlier run.
#                                       The log is target/fuzz/log.txt
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

examples=${1:-30} seed=${2:-$((RANDOM * 32768 + RANDOM))}
for number in "$examples" "$seed"; do
    case "$number" in '' | *[!0-9]*) fail "EXAMPLES and SEED are whole numbers, not $number" "deploy/fuzz.sh [EXAMPLES [SEED]]" ;; esac
done
deploy/setup.sh
hub=target/release/hub work=target/fuzz
mkdir -p "$work"
if ! "$work/venv/bin/st" --version 2>/dev/null | grep -q 4.32.5; then
    python3 -m venv --clear "$work/venv"
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check schemathesis==4.32.5
fi

state=$(mktemp -d) hub_pid=
finish() {
    if [ -n "$hub_pid" ]; then
        kill -TERM "$hub_pid" 2>/dev/null || true
        wait "$hub_pid" 2>/dev/null || true
    fi
    rm -rf "$state"
}
trap finish EXIT
trap 'exit 130' INT TERM

https=$(free_port) http=$(free_port) mqtt=$(free_port)
cat >"$state/hub.toml" <<TOML
[http]
listen = "127.0.0.1:$https"
loopback = "127.0.0.1:$http"
[broker]
listen = "127.0.0.1:$mqtt"
TOML
"$hub" --config "$state/hub.toml" --data "$state/data" run --first-password-file "$state/password" >"$work/hub.log" 2>&1 &
hub_pid=$!
for _ in $(seq 150); do
    curl -fsS "http://127.0.0.1:$http/readyz" >/dev/null 2>&1 && break
    kill -0 "$hub_pid" 2>/dev/null || { tail -n 20 "$work/hub.log" >&2; fail "the hub did not start" "see $work/hub.log"; }
    sleep 0.2
done
# Somebody with every role of the centre, so that little is refused for who asks.
for role in operator commander shift_leader dispatcher evaluator auditor; do
    limited 60 "$hub" --config "$state/hub.toml" --data "$state/data" user grant admin --role "$role" >/dev/null 2>>"$work/hub.log"
done
api="http://127.0.0.1:$http/api/v1"
token=$(jq -n --arg p "$(cat "$state/password")" '{name: "admin", password: $p}' |
    curl -fsS "$api/session" -H 'content-type: application/json' -d @- | jq -r .token)
# A case to begin with.
jq -n '{title: "井盖破损", text: "东关巷口井盖破了", place: "东关巷口"}' |
    curl -fsS "$api/cases" -H "authorization: Bearer $token" -H 'content-type: application/json' -d @- >/dev/null

say "$examples examples of each operation, seed $seed; the log is $work/log.txt"
# The live feed never ends; the session is what it works with.
# What it remembers of earlier runs stays in its folder.
st=$root/$work/venv/bin/st
cd "$work"
if limited 3600 "$st" run "http://127.0.0.1:$http/api/openapi.json" --url "http://127.0.0.1:$http" \
    --header "Authorization: Bearer $token" --max-examples "$examples" --seed "$seed" --workers 2 --no-color \
    --exclude-path /api/v1/changes --exclude-path /api/v1/session --continue-on-failure \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,negative_data_rejection,unsupported_method \
    >log.txt 2>&1; then
    tail -n 12 log.txt
else
    tail -n 40 log.txt >&2
    fail "an answer contradicts the description, or an operation failed inside" "see $work/log.txt and $work/hub.log; again: deploy/fuzz.sh $examples $seed"
fi
