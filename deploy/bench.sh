#!/usr/bin/env bash
# Measures, on this machine, what docs/BENCHMARKS.md reports:
#   1. the stations that run per frame (criterion)
#   2. CPU of the whole edge agent per analysed frame, beside the least that decoding, scaling and inference cost
#      (edge-agent/examples/floor.rs) on the same clip, weights and frame rate, one after the other
#   3. from the moment in front of the camera to the committed change that pages hear of
#
#   deploy/bench.sh [SECONDS]    how long 2 and 3 measure, each (default 60)
#
# 2 needs SHAODIAN_DATA with the YOLOX-nano weights. Run it on an idle machine; the load is printed.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"
seconds=${1:-60}
fps=5

deploy/setup.sh
cargo build --release --workspace --locked --example floor
say "machine: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n1), $(nproc) cores, load $(cut -d' ' -f1-3 /proc/loadavg)"
say "commit: $(git rev-parse --short HEAD 2>/dev/null || echo unknown)"

say "== stations (criterion)"
cargo bench --workspace --locked 2>/dev/null -- --noplot | grep -aE 'time:' || say "skipped: no criterion benches are built"

# The demo's own functions run the stack: same configuration, other folder, nothing of the demo is touched.
state=$(mktemp -d) out=$state/out fresh=yes once=no
mkdir -p "$state"/{hub,edge,media,log,run} "$out"
. deploy/demo/services.sh
. deploy/demo/world.sh
. deploy/demo/cases.sh
finish() {
    local status=$?
    trap - EXIT
    stop_services >/dev/null
    rm -rf "$state"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

choose_ports >/dev/null
make_media
write_county
write_configuration
start hub
until_true 60 hub_is_ready || fail "the hub was not ready" "see $state/log/hub.log"
log_in
enrol_box
start camera
until_true 30 camera_is_ready || fail "the camera was not ready" "see $state/log/camera.log"
start edge
until_true 60 edge_is_ready || fail "the edge agent was not ready" "see $state/log/edge.log"

say "== whole process per analysed frame ($seconds s at $fps frames a second, $clip_name)"
weights=${SHAODIAN_DATA:-}/models/yolox-nano/yolox_nano.onnx
if [ -f "$weights" ]; then
    deploy/bench/cpu.py "${service_pid[edge]}" "http://127.0.0.1:$health_port/metrics" "$seconds"
    stop_services >/dev/null
    say "the floor:  $(target/release/examples/floor "$clip" "$weights" "$fps" "$seconds")"
    for name in hub camera edge; do start "$name"; sleep 1; done
    until_true 60 edge_is_ready || fail "the edge agent was not ready again" "see $state/log/edge.log"
    log_in
else
    say "skipped: no YOLOX-nano weights (SHAODIAN_DATA is ${SHAODIAN_DATA:-not set})"
fi

say "== incident to page ($seconds s)"
deploy/bench/latency.py "http://127.0.0.1:$http_port" "$token" "$seconds"
