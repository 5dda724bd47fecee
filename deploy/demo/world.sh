# What stands in the demo's world: ports, media, county, configuration, and what each service is. Sourced by
# deploy/demo.sh and deploy/bench.sh; expects `root`, `state`, `out`. `programs` names
# the folder of the binaries where that is not target/release.
# shellcheck shell=bash

simulate=${programs:=$root/target/release}/simulate
edge_agent=$programs/edge-agent
hub=$programs/hub

# choose_port NAME USUAL: the usual port when it is free, another one otherwise, and says so.
choose_port() {
    local chosen=$2
    if ! port_is_free "$chosen"; then
        chosen=$(free_port)
        say "note: port $2 is taken on this machine; $1 uses $chosen"
    fi
    printf -v "${1}_port" %s "$chosen"
}

# choose_port_again NAME: between choosing it and listening there somebody else was quicker.
choose_port_again() {
    local variable=${1}_port was
    was=${!variable}
    printf -v "$variable" %s "$(free_port)"
    say "note: port $was was taken by another program in the meantime; $1 uses ${!variable}"
}

choose_ports() {
    choose_port https 8443
    choose_port http 8080
    choose_port mqtt 8883
    choose_port rtsp 8554
    choose_port audio 9092
    choose_port calls 9093
    choose_port health 9464
}

# A real clip and real weights where SHAODIAN_DATA has them; otherwise drawn and spoken here, once.
make_media() {
    clip=${SHAODIAN_DATA:-}/video/one-by-one-person-detection.mp4
    clip_name="the clip one-by-one-person-detection"
    # The floor of the room in that clip.
    zone='[[0.0, 0.55], [1.0, 0.55], [1.0, 1.0], [0.0, 1.0]]'
    if [ -z "${SHAODIAN_DATA:-}" ] || [ ! -f "$clip" ]; then
        clip=$state/media/street.mp4 clip_name="a generated street"
        if [ ! -f "$state/media/street.json" ]; then
            say "drawing a street with people (once, some seconds)"
            (limited 300 "$simulate" scene --seconds 40 --out "$clip" --truth "$state/media/street.part") >"$state/log/media.log" 2>&1 ||
                { cat "$state/log/media.log" >&2; fail "the scene could not be drawn" "see the message above"; }
            mv "$state/media/street.part" "$state/media/street.json"
        fi
        zone=$(jq -c .zone "$state/media/street.json")
    fi
    if [ ! -f "$state/media/fire/script.json" ]; then
        say "speaking a hotline call (once)"
        rm -rf "$state/media/fire.part"
        (limited 120 "$simulate" speech --script fire --out "$state/media/fire.part") >>"$state/log/media.log" 2>&1 ||
            { cat "$state/log/media.log" >&2; fail "the call could not be spoken" "see the message above"; }
        mv "$state/media/fire.part" "$state/media/fire"
    fi
}

# The camera hangs in one of the 41 grids of the demo county.
write_county() {
    python3 "$root/deploy/demo/county.py" >"$out/county.geojson"
    place=$(jq -c '.features[] | select(.properties.name == "东关社区第03网格") | .properties' "$out/county.geojson")
}

camera_rules() {
    cat <<TOML

[[camera.zones]]
id = "forecourt"
polygon = $zone

[[camera.rules]]
id = "forecourt"
kind = "intrusion"
zone = "forecourt"
name = "门前禁入区"
name_en = "Forecourt"
cooldown_s = 5
TOML
}

# The places that callers of the demo tell, each in its grid.
write_gazetteer() {
    printf 'name,kind,grid,aliases\n东关社区,community\n凤鸣路,road\n凤鸣路菜市场,point,%s,凤鸣菜市场\n' \
        "$(jq -r .name <<<"$place")" >"$state/gazetteer.csv"
}

write_configuration() {
    write_gazetteer
    cat >"$state/hub.toml" <<TOML
[hub]
tenant = "demo"
name = "哨点 · 青梧县演示"

[http]
listen = "0.0.0.0:$https_port"
loopback = "127.0.0.1:$http_port"

[broker]
listen = "0.0.0.0:$mqtt_port"
TOML
    cat >"$state/edge.toml" <<TOML
[agent]
data_dir = "$state/edge"
name = "演示盒子"

# Ports may differ from those of the day of enrolment.
[hub]
url = "https://127.0.0.1:$https_port"
mqtt_port = $mqtt_port

[[camera]]
id = "gate"
name = "东关巷北口"
url = "rtsp://127.0.0.1:$rtsp_port/gate"

[camera.place]
name = "$(jq -r .name <<<"$place") 东关巷北口"
longitude = $(jq '.centre[0]' <<<"$place")
latitude = $(jq '.centre[1]' <<<"$place")
$(camera_rules)

[calls]
audiosocket_listen = "127.0.0.1:$audio_port"
api_listen = "127.0.0.1:$calls_port"
# It knows the voice of this demo and no other; docs/INSTALL.md says which recognisers hear people.
speech_model = "$root/models/mandarin-demo"
gazetteer = "$state/gazetteer.csv"

[calls.seats]
"01" = "一号坐席"

[calls.place]
name = "青梧县市民热线"

[health]
listen = "127.0.0.1:$health_port"
TOML
}

run_hub() { launch "$hub" --config "$state/hub.toml" --data "$state/hub" run --first-password-file "$state/password"; }
run_camera() { launch "$simulate" rtsp --listen "127.0.0.1:$rtsp_port" --mount "gate=$clip" </dev/null; }
run_edge() { launch "$edge_agent" --config "$state/edge.toml" run; }

answers() { curl -fsS --max-time 5 -o /dev/null "$1" 2>/dev/null; }
hub_is_ready() { answers "http://127.0.0.1:$http_port/readyz" && [ -s "$state/password" ]; }
edge_is_ready() { answers "http://127.0.0.1:$health_port/healthz"; }
camera_is_ready() { grep -q '^rtsp ready' "$state/log/camera.log"; }

# ask METHOD PATH [JSON]: the hub's API, as the administrator; prints the answer.
ask() {
    local body=()
    [ $# -lt 3 ] || body=(-H 'Content-Type: application/json' --data "$3")
    curl -fsS --max-time 10 -X "$1" -H "Authorization: Bearer ${token:-}" "${body[@]}" "http://127.0.0.1:$http_port$2" 2>>"$state/log/ask.log"
}

log_in() {
    local who
    who=$(jq -nc --arg password "$(cat "$state/password")" '{name: "admin", password: $password}')
    token=$(ask POST /api/v1/session "$who" | jq -er .token) ||
        fail "logging in as admin did not work" "see $state/log/ask.log; deploy/demo.sh --fresh starts from nothing"
}

# As an installer does it: a one-time code at the hub, typed in at the box.
enrol_box() {
    curl -fsS --max-time 10 "http://127.0.0.1:$http_port/ca.pem" -o "$state/hub-ca.pem" || true
    [ ! -f "$state/edge/identity/identity.json" ] || return 0
    local code
    code=$(limited 60 "$hub" --config "$state/hub.toml" --data "$state/hub" device add demo-box 2>>"$state/log/hub.log" |
        grep -oE '[A-Za-z0-9_-]{10,}\.[a-z0-9]{16,}' | head -n1) || true
    [ -n "$code" ] || fail "the hub gave no enrolment code" "its log: $state/log/hub.log"
    (limited 60 "$edge_agent" --config "$state/edge.toml" enrol --hub "https://127.0.0.1:$https_port" --code "$code") >"$state/log/enrol.log" 2>&1 ||
        { cat "$state/log/enrol.log" >&2; fail "the box could not be enrolled" "see the message above; the hub's log: $state/log/hub.log"; }
}

# What an operator may tell callers. The demo goes on without it.
import_knowledge() {
    limited 60 "$hub" --config "$state/hub.toml" --data "$state/hub" knowledge import "$root/deploy/demo/knowledge.csv" \
        >"$state/log/knowledge.log" 2>&1 || say "note: the knowledge base could not be imported ($state/log/knowledge.log)"
}

# In real time, beside everything else.
play_call() {
    (exec 9>&- && launch "$simulate" call --audio "127.0.0.1:$audio_port" --api "http://127.0.0.1:$calls_port" \
        --speech "$state/media/fire") >>"$state/log/call.log" 2>&1 &
    call_pid=$!
}
