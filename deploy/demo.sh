#!/usr/bin/env bash
# The whole system on one machine: a hub, one enrolled edge agent, a real RTSP camera and a real two-leg call.
#
#   deploy/demo.sh           runs until Ctrl-C; prints the address and how to log in
#   deploy/demo.sh --once    ends by itself, with status 0 as soon as one camera case (with snapshot and clip) and
#                            one filed hotline case exist; otherwise with the reason, 120 s after the services are up
#   deploy/demo.sh --fresh   forgets the state of earlier runs first
#
# SHAODIAN_DATA, when set, names a folder with models and clips: a real clip and the YOLOX-nano weights are used.
# Without it the demo draws its own clip, speaks its own call, and sees by the stand-in that comes with the product.
# State lies in demo-state/, what the demo shows in demo-out/; both in SHAODIAN_DEMO_DIR where that is set.
# SHAODIAN_DEMO_LIMIT_S is another limit than those 120 s.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
folder=$(realpath -m -- "${SHAODIAN_DEMO_DIR:-$root}")
cd "$root"
state=$folder/demo-state out=$folder/demo-out
limit_s=${SHAODIAN_DEMO_LIMIT_S:-120}
case "$limit_s" in *[!0-9]*) fail "SHAODIAN_DEMO_LIMIT_S is a whole number of seconds, not $limit_s" ;; esac

once=no fresh=no
for argument in "$@"; do
    case "$argument" in
    --once) once=yes ;;
    --fresh) fresh=yes ;;
    -h | --help) sed -n '2,13s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) fail "unknown argument $argument" "deploy/demo.sh [--once] [--fresh]" ;;
    esac
done

deploy/setup.sh
. deploy/demo/services.sh
. deploy/demo/world.sh
. deploy/demo/cases.sh
. deploy/demo/people.sh

mkdir -p "$state"
exec 9>"$state/lock"
flock -n 9 || fail "a demo is already running with $state" "end it with Ctrl-C in its terminal; its processes are listed in $state/run"
[ "$fresh" = no ] || find "$state" -mindepth 1 -maxdepth 1 ! -name lock ! -name media -exec rm -rf {} +
mkdir -p "$state"/{hub,edge,media,log,run} "$out"
rm -f "$state"/log/*.log

finish() {
    local status=$?
    trap '' INT TERM
    trap - EXIT
    local pid
    for pid in ${call_pid:-} ${operator_pid:-}; do kill -TERM "$pid" 2>/dev/null || true; done
    stop_services
    [ "$status" -eq 0 ] || [ "$status" -eq 130 ] || say "the logs are in $state/log"
    say "the demo has ended; its state is kept in $state"
    exit "$status"
}
trap finish EXIT
trap 'say; say "interrupted"; exit 130' INT TERM

choose_ports
make_media
write_county
write_configuration

say "starting the hub"
begin hub 60 hub_is_ready https http mqtt
log_in
enrol_box
import_knowledge
settle_people
say "starting the camera and the edge agent"
begin camera 30 camera_is_ready rtsp
asked_from=$(date +%s%3N)
begin edge 60 edge_is_ready audio calls health

services_up=$SECONDS
say
say "  address   https://127.0.0.1:$https_port   (certificate of the hub's own authority: $state/hub-ca.pem)"
say "            http://127.0.0.1:$http_port    (this machine only, no certificate to accept)"
say "  log in    admin / $(cat "$state/password")"
[ ! -s "$state/people.txt" ] || say "            or as $(cut -d' ' -f1 "$state/people.txt" | paste -sd' '): $state/people.txt"
say

camera_case='' hotline_case='' shown=''
left() { [ "$once" = no ] || [ $((SECONDS - services_up)) -lt "$limit_s" ]; }

play_call
next_call=$((SECONDS + 180))
while left; do
    watch_services
    if [ "$SECONDS" -ge "$next_call" ]; then
        # Left unfiled: these are for the person who watches.
        play_call
        next_call=$((SECONDS + 180))
    fi
    if [ -z "$camera_case" ] && find_camera_case; then
        camera_case=$found_case
        print_case "$camera_case" "$found_ms"
    fi
    if [ -z "$hotline_case" ]; then
        if find_filed_case; then
            hotline_case=$found_case
            print_case "$hotline_case" "$found_ms"
            walk "$hotline_case"
        elif operator_is_done && find_hotline_case; then
            # Logs in, opens the page of the call and files the form like anybody else; again, should that fail.
            file_ticket "$found_call"
        fi
    fi
    if [ -n "$camera_case" ] && [ -n "$hotline_case" ] && [ -z "$shown" ]; then
        write_out "$camera_case" "$hotline_case"
        shown=yes
        [ "$once" = no ] || exit 0
        say "people keep walking through the picture, and every three minutes somebody calls; Ctrl-C ends everything"
    fi
    sleep 0.5
done

[ -n "$camera_case" ] || explain_camera
[ -n "$hotline_case" ] || explain_hotline
fail "not everything had arrived $limit_s s after the services were up" "see the reasons above and the logs in $state/log"
