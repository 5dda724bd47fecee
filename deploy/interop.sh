#!/usr/bin/env bash
# Holds a real hub against programs and a schema that others wrote: two clients of Open311 GeoReport v2 (`georeport`, `three`)
# read, report and look up in JSON and in XML, and what they understand is held against the hub's own API; every alert and its
# feed are held against the schema that OASIS publishes for CAP 1.2 and against what the standard says in words. Status 0 only
# when all of it agrees. Not part of deploy/test.sh: the packages are fetched (pinned, with their hashes).
#
#   deploy/interop.sh                   the hub is target/release/hub; logs lie in target/interop
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

[ $# -eq 0 ] || fail "deploy/interop.sh takes no words, not $*" "deploy/interop.sh"
hub=target/release/hub work=target/interop own=deploy/interop
[ -x "$hub" ] || fail "there is no $hub" "deploy/setup.sh, then cargo build --release"
mkdir -p "$work"

# A folder that fits the pins is used again, and then no network is needed.
pins=$(cat "$own/build.txt" "$own/requirements.txt" | sha256sum | cut -d' ' -f1)
if [ "$(cat "$work/venv/pins" 2>/dev/null)" != "$pins" ]; then
    rm -rf "$work/venv"
    python3 -m venv "$work/venv"
    fetch() {
        limited 600 "$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes "$@" \
            >>"$work/pip.log" 2>&1
    }
    : >"$work/pip.log"
    # What comes as source is built with what is pinned as well, not with what a build would fetch by itself.
    if ! fetch -r "$own/build.txt" || ! fetch --no-build-isolation -r "$own/requirements.txt"; then
        tail -n 5 "$work/pip.log" >&2
        fail "the clients of others could not be fetched, so nothing was checked" \
            "this check needs a package registry of Python once; see $work/pip.log, and set PIP_INDEX_URL where there is a mirror"
    fi
    printf '%s\n' "$pins" >"$work/venv/pins"
fi
python="$root/$work/venv/bin/python"

state=$(mktemp -d) hub_pid=
stop_hub() {
    [ -n "$hub_pid" ] || return 0
    kill -TERM "$hub_pid" 2>/dev/null || true
    wait "$hub_pid" 2>/dev/null || true
    hub_pid=
}
finish() {
    stop_hub
    rm -rf "$state"
}
trap finish EXIT
trap 'exit 130' INT TERM

https=$(free_port) http=$(free_port) mqtt=$(free_port)
here="http://127.0.0.1:$http" api="http://127.0.0.1:$http/api/v1"

# start_hub TIMEZONE
start_hub() {
    cat >"$state/hub.toml" <<TOML
[hub]
timezone = "$1"
[http]
public_url = "$here"
listen = "127.0.0.1:$https"
loopback = "127.0.0.1:$http"
[broker]
listen = "127.0.0.1:$mqtt"
TOML
    "$hub" --config "$state/hub.toml" --data "$state/data" run --first-password-file "$state/password" >>"$work/hub.log" 2>&1 &
    hub_pid=$!
    for _ in $(seq 150); do
        curl -fsS "$here/readyz" >/dev/null 2>&1 && break
        kill -0 "$hub_pid" 2>/dev/null || { tail -n 20 "$work/hub.log" >&2; fail "the hub did not start" "see $work/hub.log"; }
        sleep 0.2
    done
    token=$(jq -n --arg p "$(cat "$state/password")" '{name: "admin", password: $p}' |
        curl -fsS "$api/session" -H 'content-type: application/json' -d @- | jq -r .token)
}
of_hub() { limited 60 "$hub" --config "$state/hub.toml" --data "$state/data" "$@" 2>>"$work/hub.log"; }
# ask METHOD PATH [JSON]
ask() {
    local answer
    answer=$(curl -sS --fail-with-body -X "$1" "$api$2" -H "authorization: Bearer $token" -H 'content-type: application/json' ${3:+-d "$3"}) ||
        fail "$1 $2 was refused: $answer" "see $work/hub.log"
    printf '%s' "$answer"
}

: >"$work/hub.log"
start_hub Asia/Shanghai
for role in operator commander shift_leader dispatcher; do of_hub user grant admin --role "$role" >/dev/null; done
python3 deploy/demo/county.py --areas >"$state/areas.csv"
python3 deploy/demo/county.py >"$state/county.geojson"
of_hub area import "$state/areas.csv" >/dev/null
of_hub grid import "$state/county.geojson" --note 演示县 >/dev/null
key=$(of_hub open311 key add interop)

# outcome LOG: what did not fit, or how one of the programs itself broke off, and how much did.
outcome() {
    grep '^WRONG' "$1" >&2 || true
    grep -q '^Traceback' "$1" && tail -n 5 "$1" >&2
    say "$(grep -c '^ok' "$1") things fit, $(grep -c '^WRONG' "$1") do not"
}

# Cases of every fate: filed, sent to a unit, ended; and those that nobody outside may read.
report() { ask POST /cases "$1" | jq -r .number; }
moves() { ask POST "/cases/$1/moves" "$2" >/dev/null; }
filed=$(report '{"title": "井盖破损", "text": "东关巷口井盖破了", "place": "东关巷口", "latitude": 34.541234, "longitude": 106.951234}')
moves "$filed" '{"move": "file", "category": "street_facility"}'
sent=$(report '{"title": "夜间施工", "text": "工地 & <夜里> 还在响", "place": "西园"}')
moves "$sent" '{"move": "file", "category": "noise"}'
moves "$sent" '{"move": "dispatch", "lead": "police"}'
ended=$(report '{"title": "重复上报", "text": "同一件事", "place": "东关巷口"}')
moves "$ended" '{"move": "file", "category": "noise"}'
moves "$ended" '{"move": "void", "reason": "duplicate", "note": "重复"}'
secret=$(report '{"title": "举报", "text": "不要外传", "place": "后院", "confidential": true}')
moves "$secret" '{"move": "file", "category": "noise"}'
false=$(report '{"title": "误报", "text": "看错了", "place": "北塘"}')
moves "$false" '{"move": "file", "category": "noise"}'
moves "$false" '{"move": "void", "reason": "false_alarm", "note": "看错"}'
unfiled=$(report '{"title": "未立案", "text": "还没有人看", "place": "南桥"}')
fire=$(report '{"title": "仓库着火", "text": "冒黑烟", "place": "菜市场 & <后院>", "latitude": 34.532345, "longitude": 106.942345, "severity": "emergency"}')
moves "$fire" '{"move": "file", "category": "fire_hazard"}'
flood=$(report '{"title": "路面塌陷", "text": "桥头", "place": "南桥头", "area": "nanqiao", "severity": "major"}')

say "two clients of Open311 against $here/open311/v2/ (log: $work/open311.txt)"
status=0
limited 300 "$python" "$own/open311.py" --hub "$here" --token "$token" --key "$key" --open "$filed" "$sent" "$fire" --closed "$ended" \
    --hidden "$secret" "$false" "$unfiled" >"$work/open311.txt" 2>&1 || status=1
outcome "$work/open311.txt"

say "alerts against the schema of CAP 1.2 and the standard's words (log: $work/cap.txt)"
check_cap() { limited 300 "$python" "$own/cap.py" --hub "$here" --token "$token" "$@" >>"$work/cap.txt" 2>&1 || status=1; }
: >"$work/cap.txt"
check_cap --draft "$flood"
ask POST "/cases/$fire/cap" '{"text": "仓库着火，请绕行 <南街> & 北街", "text_en": "Warehouse on fire", "instruction": "关好门窗"}' >/dev/null
ask POST "/cases/$fire/cap" '{"text": "火势已控制"}' >/dev/null
ask POST "/cases/$flood/cap" '{}' >/dev/null
check_cap --case "$fire" 2 --case "$flood" 1
ask DELETE "/cases/$fire/cap" >/dev/null
check_cap --case "$fire" 3 --case "$flood" 1
# An office by Greenwich: CAP wants its offset as -00:00.
stop_hub
start_hub UTC
ask POST "/cases/$flood/cap" '{"text": "东侧已封闭"}' >/dev/null
check_cap --case "$flood" 2 --offset=-00:00
# And one whose offset is no whole hour.
stop_hub
start_hub America/St_Johns
ask POST "/cases/$flood/cap" '{"text": "西侧已封闭"}' >/dev/null
check_cap --case "$flood" 3
outcome "$work/cap.txt"

[ "$status" = 0 ] || fail "the hub and what others wrote do not agree" "see $work/open311.txt, $work/cap.txt and $work/hub.log"
say "all of it agrees"
