#!/usr/bin/env bash
# Measures, on this machine, what docs/BENCHMARKS.md reports, and prints it as tables for that file:
#   1. CPU of the whole edge agent per analysed frame, beside the least that decoding, scaling and inference cost
#      (edge-agent/examples/floor.rs) on the same clip, weights and frame rate, one after the other
#   2. from the moment in front of the camera to the row on an open page, in headless Chromium
#   3. the stations that run per frame (criterion)
#   4. many cameras without inference: a main stream kept and a sub stream analysed of each
#   5. sixteen two-leg calls at once, heard by the demonstration recogniser: how long words take, what is lost, what it
#      costs beside the bare engine (edge-agent/examples/engine.rs) on the same sound
#
#   deploy/bench.sh SECTION…     what the hub does instead: hub-intake, hub-lists, hub-live, grid; deploy/bench/hub.sh --help says more
#   deploy/bench.sh [SECONDS]    how long 1 measures the agent, and the floor (default 60); all of it takes under
#                                15 minutes once everything is built
#
# With SHAODIAN_DATA: its real clip and the YOLOX-nano weights; without: a generated street, seen by motion alone. Run
# it on an idle machine; the load before it is printed.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"
case "${1:-}" in hub-intake | hub-lists | hub-live | grid) exec deploy/bench/hub.sh "$@" ;; esac
seconds=${1:-60}
case "$seconds" in '' | *[!0-9]*) fail "SECONDS is a whole number, not $seconds" "deploy/bench.sh [SECONDS], or deploy/bench.sh hub-intake, hub-lists, hub-live, grid" ;; esac
fps=5
# Enough for a 95th percentile; people come in their own time.
incidents=40 incidents_limit=240

load=$(cut -d' ' -f1-3 /proc/loadavg)
deploy/setup.sh --no-build --ship
# As they are installed, not as they are tested.
cargo build --profile ship --workspace --locked --quiet --bins --examples
cargo bench --profile ship --workspace --locked --quiet --bench vision --no-run
programs=$root/target/ship

# The demo's own functions run the stack: same configuration, other folder, nothing of the demo is touched.
state=$(mktemp -d) out=$state/out
mkdir -p "$state"/{hub,edge,media,log,run} "$out"
. deploy/demo/services.sh
. deploy/demo/world.sh
finish() {
    local status=$?
    trap '' INT TERM
    trap - EXIT
    stop_services >/dev/null
    if [ "$status" -eq 0 ]; then rm -rf "$state"; else say "the logs are in $state/log" >&2; fi
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

{
    choose_ports
    make_media
    write_county
    write_configuration
} >&2
weights=${SHAODIAN_DATA:-}/models/yolox-nano/yolox_nano.onnx
sight="YOLOX-nano"
[ -f "$weights" ] || { weights=- sight="motion alone"; }

say
say "$(date -u +%F), commit $(git rev-parse --short HEAD 2>/dev/null || echo unknown)$(git diff --quiet HEAD 2>/dev/null || printf ' with changes'), $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n1), $(nproc) cores, load before $load; $clip_name, $sight, $fps frames a second"

begin hub 60 hub_is_ready https http mqtt
log_in
enrol_box
begin camera 30 camera_is_ready rtsp
begin edge 60 edge_is_ready audio calls health
agent=$(limited $((seconds + 120)) deploy/bench/cpu.py "${service_pid[edge]}" "http://127.0.0.1:$health_port/metrics" "$seconds")
stop_services >/dev/null
floor=$(limited $((seconds * 3 + 60)) target/ship/examples/floor "$clip" "$weights" "$fps" "$seconds")
say
say "| whole process | frames | looked at by the detector | CPU ms per frame | peak MB |"
say "|---|---|---|---|---|"
jq -rn --argjson agent "$agent" --argjson floor "$floor" '
    def two: . * 100 | round / 100;
    ($floor.cpu_ms_per_frame - $floor.looking_ms_per_frame) as $decode
    | (($decode * $agent.analysed + $floor.looking_ms_per_frame * $agent.inferred) / $agent.analysed) as $same
    | "| edge agent | \($agent.analysed) | \($agent.inferred) | \($agent.cpu_ms_per_frame) | \($agent.peak_mb) |",
      "| floor: decode, scale, look at every frame | \($floor.frames) | \(if $floor.looking_ms_per_frame > 0 then $floor.frames else 0 end) | \($floor.cpu_ms_per_frame) | |",
      "| floor for as many looks as the agent took | \($agent.analysed) | \($agent.inferred) | \($same | two) | |",
      "| agent above that floor | | | \($agent.cpu_ms_per_frame - $same | two) | |"'

# Strips instead of one zone: each person who crosses the picture causes several incidents.
camera_rules() {
    jq -nr 'range(10) | (. / 10) as $left | ($left + 0.1) as $right | "

[[camera.zones]]
id = \"strip-\(.)\"
polygon = [[\($left), 0.3], [\($right), 0.3], [\($right), 1.0], [\($left), 1.0]]

[[camera.rules]]
id = \"strip-\(.)\"
kind = \"intrusion\"
zone = \"strip-\(.)\"
cooldown_s = 1"'
}
write_configuration
begin hub 60 hub_is_ready https http mqtt
begin camera 30 camera_is_ready rtsp
begin edge 60 edge_is_ready audio calls health
arrivals=$(limited $((incidents_limit + 120)) "$simulate" watch --hub "http://127.0.0.1:$http_port" \
    --password-file "$state/password" --incidents "$incidents" --seconds "$incidents_limit")
stop_services >/dev/null
say
say "| camera incidents until they stand on an open page | n | p50 ms | p95 ms | longest ms |"
say "|---|---|---|---|---|"
jq -r '
    (.incidents | tostring) as $n
    | "| since the frame that began them | \($n) | \(.cause_to_page_ms | "\(.p50) | \(.p95) | \(.longest)") |",
      "| since the hub had them | \($n) | \(.hub_to_page_ms | "\(.p50) | \(.p95) | \(.longest)") |",
      (if .not_shown > 0 then "\n**\(.not_shown) incidents never came to the page.**" else empty end)' <<<"$arrivals"
[ "$(jq .incidents <<<"$arrivals")" -ge 30 ] ||
    say "only $(jq .incidents <<<"$arrivals") incidents arose in $incidents_limit s: too few for a 95th percentile"

say
say "| station, per frame | time |"
say "|---|---|"
(limited 240 cargo bench --profile ship --workspace --locked --quiet --bench vision -- --noplot) 2>"$state/log/criterion.log" >"$state/log/criterion.out" ||
    { cat "$state/log/criterion.log" >&2; fail "the criterion benches did not come through" "see the message above"; }
# The name stands before the figures, or on the line above when it is long; of low, middle and high the middle.
awk '/time: +\[/ {
        name = $0; sub(/ *time: +\[.*/, "", name); if (name == "") name = last
        figures = $0; sub(/.*time: +\[/, "", figures); split(figures, part, " ")
        printf "| %s | %s %s |\n", name, part[3], part[4]
    }
    NF {last = $0; sub(/ +$/, "", last)}' "$state/log/criterion.out"

say
say "| cameras | CPU, % of one core | of the machine | MB | MB per added camera | threads | kept, per second | decoded | analysed | dropped |"
say "|---|---|---|---|---|---|---|---|---|---|"
limited 300 deploy/bench/cameras.py 15 2>"$state/log/cameras.log" >"$state/cameras.jsonl" ||
    { tail -n 5 "$state/log/cameras.log" >&2; fail "the run with many cameras did not come through" "see the message above"; }
jq -r '"| \(.cameras) | \(.cpu_percent_of_core) | \(.cpu_percent_of_machine) | \(.resident_mb) | \(.mb_per_added_camera // "") | \(.threads) | \(.kept_per_second) | \(.decoded_per_second) | \(.analysed_per_second) | \(.dropped) |"' "$state/cameras.jsonl"

# Each call lasts 45 s and begins a little after the one before it.
calls=16
rush=$(limited 420 "$simulate" rush --calls "$calls" --seconds 45 --out "$state/rush" 2>"$state/log/rush.log") ||
    { tail -n 20 "$state/log/rush.log" >&2; fail "the run with many calls did not come through" "see the message above"; }
engine=$(limited 420 target/ship/examples/engine models/mandarin-demo "$state/rush" 2>"$state/log/engine.log") ||
    { tail -n 5 "$state/log/engine.log" >&2; fail "the bare engine did not come through" "see the message above"; }
say
say "| $calls two-leg calls at once | turns | p50 ms | p95 ms | longest ms | goal for p95 |"
say "|---|---|---|---|---|---|"
jq -r '
    def row(name; goal): "| \(name) | \(.n) | \(.p50) | \(.p95) | \(.longest) | \(goal) |";
    (.first_words_ms | row("first words, since the first sound of a turn"; 600)),
    (.final_words_ms | row("finished line, since the last sound of a turn"; 800)),
    (if .turns_without_words > 0 then "\n\(.turns_without_words) of \(.turns) turns ended in no words." else empty end)' <<<"$rush"
say
say "| the same calls | CPU s per second of audio | the agent is this many times that | goal |"
say "|---|---|---|---|"
jq -rn --argjson rush "$rush" --argjson engine "$engine" '
    def four: . * 10000 | round / 10000;
    def two: . * 100 | round / 100;
    ($engine.streaming_cpu_s + $engine.final_cpu_s) as $everything
    | ($engine.streaming_speech_cpu_s + $engine.final_cpu_s) as $speech
    | "| agent, all its processes | \($rush.cpu_s_per_s | four) | | |",
      "| bare engine: streaming over everything, final over speech | \($everything / $engine.audio_s | four) | \($rush.cpu_s / $everything | two) | 1.05 |",
      "| bare engine, both over speech alone | \($speech / $engine.audio_s | four) | \($rush.cpu_s / $speech | two) | |"'
say
say "| the same calls | | goal |"
say "|---|---|---|"
jq -r '
    def one: . * 10 | round / 10;
    "| samples lost, of \(.samples_sent) sent | \(.samples_lost) | 0 |",
    "| samples of silence put in between | \(.silence_added) | 0 |",
    "| sound left out of live words, ms | \(.unheard_ms) | 0 |",
    "| memory at rest; with \(.calls) calls, MB | \(.mb_at_rest | one); \(.mb_with_calls | one) | |",
    "| memory per call, MB | \(.mb_per_call | one) | |",
    "| this sender was late by at most, ms | \(.sender_late_ms) | |"' <<<"$rush"
