#!/usr/bin/env bash
# Long runs of what deploy/test.sh does a few times. Each prints one row for docs/SOAK.md, good or bad; the log is
# target/soak.log.
#
#   deploy/soak.sh [ROUNDS [SEED]]    kills box, broker and hub at random while incidents flow: kills per test (default
#                                     200); a seed repeats an earlier run. Then a box alone, on a small disk that is full
#                                     now and then: does every incident have its evidence, or the reason why not?
#   deploy/soak.sh evidence [INCIDENTS [SEED]]    only the box alone, until so many incidents (default 10000) have been
#                                     looked at
#   deploy/soak.sh cameras [COUNT]    takes cameras away and gives them back COUNT times (default 1000): how long until
#                                     they are there again, and what of the agent's memory it costs
#   deploy/soak.sh scenes [ROUNDS [HOURS]]    draws the suite of scenes with ROUNDS reporting seeds (default 3), scores it
#                                     by edge-agent eval (target/scenes/), watches HOURS of quiet scenes (default 24)
#                                     that must give no alarm, and lets a car stand in a fire lane for 70 minutes
#   deploy/soak.sh workflow [QUESTIONS [WAYS]]    asks the calendar QUESTIONS times (default 1000000) when a limit ends and
#                                     holds each answer against a simulator that goes from minute to minute; then takes
#                                     WAYS cases (default 2000) on random ways through the workflow, on both databases
#   deploy/soak.sh flood [COUNT]      sends COUNT incidents (default 1000000) of fifty flapping cameras to the hub, on both
#                                     databases: fifty cases, one notice per case and step of the policy
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

cameras() {
    local count=$1 began=$SECONDS times memory
    case "$count" in '' | *[!0-9]* | *[1-9]) fail "COUNT is a whole number of tens, not $count" "deploy/soak.sh cameras [COUNT]" ;; esac
    deploy/setup.sh
    say "$count disconnections; the log is target/soak.log"
    # Timed on one camera; a tenth is enough for a 95th percentile.
    SHAODIAN_DISCONNECTIONS=$((count / 10)) limited $((count * 3 + 1800)) \
        cargo test --release --workspace --locked --test end_to_end a_lost_camera_is_back_soon -- --nocapture >target/soak.log 2>&1 ||
        { tail -n 40 target/soak.log >&2; fail "a camera did not come back" "see target/soak.log"; }
    times=$(sed -n 's/^reconnections //p' target/soak.log)
    memory=$(limited $((count * 2 + 600)) deploy/soak/disconnections.py "$count")
    say "| $(date -u +%F) | $(git rev-parse --short HEAD 2>/dev/null || echo unknown) | $(((SECONDS - began + 59) / 60)) min | $times | $(jq -r '"\(.resident_mb_after_200) MB, \(.resident_mb_at_the_end) MB (\(.disconnections) of \(.cameras) cameras)"' <<<"$memory") |"
}

workflow() {
    local questions=${1:-1000000} ways=${2:-2000} began=$SECONDS
    for number in "$questions" "$ways"; do
        case "$number" in '' | 0 | *[!0-9]*) fail "QUESTIONS and WAYS are whole numbers above 0, not $number" "deploy/soak.sh workflow [QUESTIONS [WAYS]]" ;; esac
    done
    say "$questions limits, $ways ways; the logs are in target/test-output"
    SHAODIAN_CALENDAR_QUESTIONS=$questions SHAODIAN_WAYS=$ways SHAODIAN_SOAK=1 \
        limited $((questions / 50 + ways * 5 + 1800)) deploy/test.sh agrees_with_the_simulator random_ways >target/soak.log 2>&1 ||
        { tail -n 40 target/soak.log >&2; fail "they do not agree" "see target/soak.log"; }
    say "| $(date -u +%F) | $(git rev-parse --short HEAD 2>/dev/null || echo unknown) | $(((SECONDS - began + 59) / 60)) min | workflow | $questions limits, $ways ways | no difference, no fault |"
}

flood() {
    local count=${1:-1000000} began=$SECONDS
    case "$count" in '' | 0 | *[!0-9]*) fail "COUNT is a whole number above 0, not $count" "deploy/soak.sh flood [COUNT]" ;; esac
    say "$count incidents of fifty flapping cameras; the log is target/soak.log"
    SHAODIAN_FLOOD=$count SHAODIAN_SOAK=1 \
        limited $((count / 100 + 1800)) deploy/test.sh a_flood_of_flapping_cameras >target/soak.log 2>&1 ||
        { tail -n 40 target/soak.log >&2; fail "the flood was not held" "see target/soak.log"; }
    say "| $(date -u +%F) | $(git rev-parse --short HEAD 2>/dev/null || echo unknown) | $(((SECONDS - began + 59) / 60)) min | flood | $count incidents of 50 cameras, both databases | 50 cases, one notice per case and step |"
}

if [ "${1:-}" = flood ]; then
    flood "${@:2}"
    exit
fi

if [ "${1:-}" = workflow ]; then
    workflow "${@:2}"
    exit
fi

if [ "${1:-}" = cameras ]; then
    cameras "${2:-1000}"
    exit
fi

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
    target/release/edge-agent eval --scenes "$folder" --json "$folder.json" --pictures "$folder/pictures" \
        --min-f1 0.95 --except smoke || status=$? # no model that names smoke comes with the weights used here
    say "watching $hours quiet hours; the log is target/quiet.log"
    # On two processors a day of media takes about two hours with weights.
    SHAODIAN_QUIET_HOURS=$hours limited $((hours * 1800 + 3600)) \
        cargo test --release --workspace --locked --test end_to_end quiet:: -- --nocapture >target/quiet.log 2>&1 || {
        status=$?
        tail -n 40 target/quiet.log >&2
    }
    grep -a '^quiet' target/quiet.log || true
    say "a car stands in the fire lane for more than an hour; the log is target/stays.log"
    SHAODIAN_STAY_S=4200 limited 3600 \
        cargo test --release --workspace --locked --test end_to_end stays:: -- --nocapture >target/stays.log 2>&1 || {
        status=$?
        tail -n 40 target/stays.log >&2
    }
    grep -a '^a stay' target/stays.log || true
    return "$status"
}

if [ "${1:-}" = scenes ]; then
    scenes "${@:2}"
    exit
fi

programs=(--test end_to_end --test stations) tests=(kill:: power::) what=kills incidents=1
if [ "${1:-}" = evidence ]; then
    programs=(--test stations) tests=(power::) what=incidents
    shift
    incidents=${1:-10000} rounds=8
else
    rounds=${1:-200}
fi
seed=${2:-$RANDOM$RANDOM}
for number in "$rounds" "$incidents" "$seed"; do
    case "$number" in '' | 0 | *[!0-9]*) fail "counts and SEED are whole numbers above 0, not $number" "deploy/soak.sh [evidence] [COUNT [SEED]]" ;; esac
done

deploy/setup.sh
if [ $what = kills ]; then count=$rounds; else count=$incidents; fi
say "$count $what per test, seed $seed; the log is target/soak.log"
began=$SECONDS status=0
# A round takes some seconds; at the end everything must arrive within minutes.
SHAODIAN_KILL_ROUNDS=$rounds SHAODIAN_KILL_SEED=$seed SHAODIAN_POWER_ROUNDS=$rounds SHAODIAN_POWER_SEED=$seed \
    SHAODIAN_POWER_INCIDENTS=$incidents limited $((rounds * 80 + incidents * 3 + 3600)) \
    cargo test --release --workspace --locked "${programs[@]}" -- --nocapture --test-threads=1 "${tests[@]}" >target/soak.log 2>&1 || status=$?
# What each test says at its end: kills by victim, what flowed, what was lost or doubled.
told=$(sed -n 's/^kills //p' target/soak.log | awk '{printf "%s%s", (NR > 1 ? "<br>" : ""), $0}')
if [ "$status" -ne 0 ]; then
    grep -aE -A 20 'panicked at|^error' target/soak.log | tail -n 60 >&2 || true
    told="**failed**${told:+; $told}"
fi
say "| $(date -u +%F) | $(git rev-parse --short HEAD 2>/dev/null || echo unknown) | $count $what | $seed | $(((SECONDS - began + 59) / 60)) min | $told |"
exit "$status"
