#!/usr/bin/env bash
# Holds the tracker against public ones, and prints tables for docs/BENCHMARKS.md:
#   1. HOTA, DetA, AssA and IDF1 by the public TrackEval on the MOT-format ground truth in $SHAODIAN_DATA/video, ours and
#      those of Python `trackers` on the same detections of YOLOX-nano, at the clip's rate and thinned out
#   2. CPU time per frame with 100 and 300 objects, ours, `trackers` ByteTrack and Norfair on the same boxes
#
#   deploy/bench/track.sh
#
# The public code is installed by name and version into folders that are thrown away at the end. A few minutes; needs
# the network for that. Without SHAODIAN_DATA only the second table.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
cd "$root"

cargo build --profile ship --workspace --locked --quiet --example mot
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# They want different versions of what both stand on, so each has a folder of its own.
python3 -m venv "$work/trackers"
"$work/trackers/bin/pip" install --quiet trackers==2.6.1 trackeval==1.3.0
python3 -m venv "$work/norfair"
"$work/norfair/bin/pip" install --quiet norfair==2.3.0

say "$(date -u +%F), commit $(git rev-parse --short HEAD 2>/dev/null || echo unknown)$(git diff --quiet HEAD 2>/dev/null || printf ' with changes'), $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n1), $(nproc) cores, load before $(cut -d' ' -f1-3 /proc/loadavg)"
if [ -n "${SHAODIAN_DATA:-}" ]; then
    say
    "$work/trackers/bin/python" deploy/bench/track.py quality target/ship/examples/mot "$SHAODIAN_DATA/video" "$work"
else
    say "no table of quality: SHAODIAN_DATA is not set"
fi
say
say "| CPU ms per frame | objects | |"
say "|---|---|---|"
for objects in 100 300; do
    python3 deploy/bench/track.py crowd "$objects" "$work/crowd.txt"
    target/ship/examples/mot follow "$work/crowd.txt" 5 1920 1080 2>"$work/ours.json" >/dev/null
    ours=$(jq .ms_per_frame "$work/ours.json")
    say "| this tracker | $objects | $(printf '%.3f' "$ours") |"
    for peer in bytetrack norfair; do
        folder=trackers
        [ "$peer" = norfair ] && folder=norfair
        theirs=$("$work/$folder/bin/python" deploy/bench/track.py time "$peer" "$work/crowd.txt")
        say "| $peer | $objects | $(printf '%.2f, %.0f times as much' "$theirs" "$(jq -n "$theirs / $ours")") |"
    done
done
