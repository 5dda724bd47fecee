# The demo's view of the hub's cases: what arrived, how fast, and why something did not. Sourced by deploy/demo.sh.
# shellcheck shell=bash

# find_case FILTER WANTED: the newest case that has an incident of this run which passes both jq filters: FILTER sees the
# case, WANTED one of its incidents with `$here`, the hashes of the files that are with the hub. Sets found_case (its
# number) and found_ms (from the cause until the hub had it; the cause is the incident's first frame, the words that raised an
# alarm while the call ran, or else the end of the call).
# What an earlier run left behind may join its old case, or open one, while this run lasts; that is not this run's doing.
find_case() {
    local number
    for number in $(ask GET '/api/v1/cases?limit=50' | jq -r --argjson from "$asked_from" ".cases[] | select(.updated_at >= \$from) | select($1) | .number"); do
        found_ms=$(ask GET "/api/v1/cases/$number" | jq -r --argjson from "$asked_from" "
            [.evidence[] | select(.available) | .sha256] as \$here
            | [.incidents[] | select(.started_at >= \$from) | select($2)
               | .first_received_at - (if .kind == \"hotline\" and .first_received_at >= (.ended_at // .started_at) then .ended_at // .started_at
                                       else .started_at + (.data.subject.reading.alarms[0].at_ms? // 0) end)][0] // empty") || continue
        [ -n "$found_ms" ] || continue
        found_case=$number
        return 0
    done
    return 1
}

# Snapshot and clip are with the hub, not only announced.
find_camera_case() {
    find_case '.camera_id != null' '[.data.evidence[] | select(.sha256 | IN($here[])) | .kind] | index("snapshot") and index("clip")'
}

find_hotline_case() {
    # An alarm opens the case of a call that still runs; the ticket waits for all of its words.
    find_case '.kind == "hotline" and .state == "received"' '.phase == "ended"' || return 1
    found_call=$(ask GET "/api/v1/cases/$found_case" | jq -r '.call_id // empty') || true
    [ -n "$found_call" ]
}

find_filed_case() { find_case '.kind == "hotline" and .state == "filed"' true; }

# case NUMBER KIND PLACE LATENCY
print_case() {
    ask GET "/api/v1/cases/$1" | jq -r --argjson ms "$2" '
        "case \(.number) \(.kind) \((.place // "-") | if type == "object" then .name else . end | gsub(" "; "·")) \($ms)"'
}

as_admin() { printf '%s\n' --hub "http://127.0.0.1:$http_port" --password-file "$state/password"; }

# The scripted operator: logs in through the form, opens the call's page, files the ticket, then asks for the
# recording with a purpose and waits for it; beside everything else.
file_ticket() {
    local who
    mapfile -t who < <(as_admin)
    rm -f "$out/recording.wav"
    (exec 9>&- && launch "$simulate" operator "${who[@]}" --call "$1" --purpose "演示" --recording "$out/recording.wav") \
        >>"$state/log/operator.log" 2>&1 &
    operator_pid=$!
}

operator_is_done() { [ -z "${operator_pid:-}" ] || ! kill -0 "$operator_pid" 2>/dev/null; }

# fetch_evidence CASE KIND FILE: 0 when the hub has it.
fetch_evidence() {
    local path
    path=$(ask GET "/api/v1/cases/$1" | jq -r "[.evidence[] | select(.kind == \"$2\" and .available)][0].url // empty") || true
    [ -n "$path" ] || return 1
    [[ $path == *\?* ]] || path="$path?purpose=demo"
    ask GET "$path" >"$out/$3.part" && mv "$out/$3.part" "$out/$3"
}

# write_out CAMERA-CASE HOTLINE-CASE: pages, picture, clip, recording, the cases and the camera's incident as JSON.
write_out() {
    local call number who
    rm -f "$out"/case-*.json
    call=$(ask GET "/api/v1/cases/$2" | jq -r .call_id)
    for number in "$1" "$2"; do ask GET "/api/v1/cases/$number" | jq . >"$out/case-$number.json"; done
    jq '.incidents[-1].data' "$out/case-$1.json" >"$out/incident.json"
    fetch_evidence "$1" snapshot snapshot.jpg || say "note: the snapshot could not be fetched"
    fetch_evidence "$1" clip clip.mp4 || say "note: the clip could not be fetched"
    mapfile -t who < <(as_admin)
    (limited 150 "$simulate" shot "${who[@]}" --page "/cases=$out/cases.png" --page "/cases/$1=$out/case.png" \
        --page "/cases/$2=$out/workflow.png" --page "/calls/$call=$out/call.png" --page "/devices=$out/devices.png") >>"$state/log/shot.log" 2>&1 ||
        say "note: the pages could not be photographed ($state/log/shot.log)"
    until_true 20 operator_is_done || true
    # A second call with the very same sound is a file that the hub already holds: nothing to ask the box for.
    [ -s "$out/recording.wav" ] || fetch_evidence "$2" recording recording.wav ||
        say "note: the recording has not come from the box: $(tail -n 1 "$state/log/operator.log")"
    say "demo-out/ holds: $(cd "$out" && printf '%s ' *)"
}

explain_camera() {
    local seen
    seen=$(ask GET '/api/v1/cases?limit=50' | jq -c '[.cases[] | select(.camera_id != null) | {number, evidence: [.evidence[] | {kind, available}]}]') || seen=unknown
    say "no camera case with snapshot and clip; camera cases and their evidence: $seen"
    say "the box on its cameras: $(curl -fsS --max-time 5 "http://127.0.0.1:$health_port/readyz" 2>&1 | head -c 1000)"
}

explain_hotline() {
    local seen
    seen=$(ask GET '/api/v1/cases?kind=hotline&limit=50' | jq -c '[.cases[] | {number, state, call_id}]') || seen=unknown
    say "no filed hotline case; hotline cases: $seen; call: $(tail -n 1 "$state/log/call.log" 2>/dev/null); operator: $(tail -n 1 "$state/log/operator.log" 2>/dev/null)"
}
