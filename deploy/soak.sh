#!/usr/bin/env bash
# Kills box, broker and hub at random while incidents flow, for long: the kill tests of deploy/test.sh with high
# counts. Prints one row for docs/SOAK.md, good or bad; the log is target/soak.log.
#
#   deploy/soak.sh [ROUNDS [SEED]]           kills per test (default 200); a seed repeats an earlier run
#   deploy/soak.sh scenes [ROUNDS [HOURS]]   instead: draws the suite of scenes with ROUNDS reporting seeds (default 3),
#                                            scores it by edge-agent eval (target/scenes/), and watches HOURS of quiet
#                                            scenes (default 24) that must give no alarm
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

scenes() {
    local rounds=${1:-3} hours=${2:-24} folder=target/scenes status=0
    for number in "$rounds" "$hours"; do
        case "$number" in '' | 0 | *[!0-9]*) fail "ROUNDS and HOURS are whole numbers above 0, not $number" "deploy/soak.sh scenes [ROUNDS [HOURS]]" ;; esac
    done
    deploy/setup.sh
    cargo build --release --workspace --locked --bins
    rm -rf "$folder"
    say "drawing $rounds rounds of the reporting seeds into $folder"
    target/release/simulate scenes --out "$folder" --set reporting --rounds "$rounds" >"$folder.log"
    tail -n 1 "$folder.log"
    target/release/edge-agent eval --scenes "$folder" --json "$folder.json" --pictures "$folder/pictures" --min-f1 0.95 || status=$?
    say "watching $hours quiet hours; the log is target/quiet.log"
    # On two processors a day of media takes about two hours with weights.
    SHAODIAN_QUIET_HOURS=$hours limited $((hours * 1800 + 3600)) \
        cargo test --release --workspace --locked --test quiet -- --nocapture >target/quiet.log 2>&1 || status=$?
    grep -a '^quiet' target/quiet.log || tail -n 40 target/quiet.log >&2
    return "$status"
}

if [ "${1:-}" = scenes ]; then
    scenes "${@:2}"
    exit
fi

rounds=${1:-200}
seed=${2:-$RANDOM$RANDOM}
for number in "$rounds" "$seed"; do
    case "$number" in '' | 0 | *[!0-9]*) fail "ROUNDS and SEED are whole numbers above 0, not $number" "deploy/soak.sh [ROUNDS [SEED]]" ;; esac
done

deploy/setup.sh
say "$rounds kills per test, seed $seed; the log is target/soak.log"
began=$SECONDS status=0
# A round takes some seconds; at the end everything must arrive within minutes.
SHAODIAN_KILL_ROUNDS=$rounds SHAODIAN_KILL_SEED=$seed limited $((rounds * 60 + 3600)) \
    cargo test --release --workspace --locked --test kill -- --nocapture --test-threads=1 >target/soak.log 2>&1 || status=$?
# What each test says at its end: kills by victim, what flowed, what was lost or doubled.
told=$(sed -n 's/^kills //p' target/soak.log | awk '{printf "%s%s", (NR > 1 ? "<br>" : ""), $0}')
if [ "$status" -ne 0 ]; then
    grep -aE -A 20 'panicked at|^error' target/soak.log | tail -n 60 >&2 || true
    told="**failed**${told:+; $told}"
fi
say "| $(date -u +%F) | $(git rev-parse --short HEAD 2>/dev/null || echo unknown) | $rounds | $seed | $(((SECONDS - began + 59) / 60)) min | $told |"
exit "$status"
