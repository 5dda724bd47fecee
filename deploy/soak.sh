#!/usr/bin/env bash
# Kills box, broker and hub at random while incidents flow, for long: the kill tests of deploy/test.sh with high
# counts. Appends seed and result to docs/SOAK.md, good or bad.
#
#   deploy/soak.sh [ROUNDS [SEED]]    kills per test (default 200); a seed repeats an earlier run
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"
rounds=${1:-200}
seed=${2:-$RANDOM$RANDOM}
case "$rounds$seed" in *[!0-9]*) fail "ROUNDS and SEED are whole numbers" "deploy/soak.sh [ROUNDS [SEED]]" ;; esac

deploy/setup.sh
say "$rounds kills per test, seed $seed; the log is target/soak.log"
began=$SECONDS status=0
SHAODIAN_KILL_ROUNDS=$rounds SHAODIAN_KILL_SEED=$seed \
    cargo test --release --workspace --locked --test kill -- --nocapture --test-threads=1 2>&1 | tee target/soak.log || status=$?
result=$([ "$status" -eq 0 ] && printf 'no incident lost, none doubled' || printf '**failed**')
row="| $(date -u +%F) | $(git rev-parse --short HEAD) | $rounds | $seed | $(((SECONDS - began) / 60)) min | $result |"
printf '%s\n' "$row" >>docs/SOAK.md
say "$row"
exit "$status"
