# The people of the demo's county, and how they take a case through all eight steps. Sourced by deploy/demo.sh; expects
# deploy/demo/world.sh.
# shellcheck shell=bash

# hub_command WORDS…: the hub's own command line.
hub_command() { limited 60 "$hub" --config "$state/hub.toml" --data "$state/hub" "$@" 2>>"$state/log/people.log"; }

# Areas, where the box stands, and one person for each part of the way; their passwords in people.txt. The demo goes on
# without them.
settle_people() {
    local name role area unit password
    python3 "$root/deploy/demo/county.py" --areas >"$state/areas.csv"
    hub_command area import "$state/areas.csv" >>"$state/log/people.log" || { say "note: the areas could not be imported ($state/log/people.log)"; return; }
    hub_command grid import "$out/county.geojson" --note "演示县" >>"$state/log/people.log" || say "note: the map of grids could not be imported ($state/log/people.log)"
    hub_command device place demo-box dongguan >>"$state/log/people.log" || true
    (umask 077 && touch "$state/people.txt")
    while IFS=, read -r name role area unit; do
        ! grep -q "^$name " "$state/people.txt" || continue
        password=$(hub_command user add "$name" --role "$role" ${area:+--area "$area"} ${unit:+--unit "$unit"}) || continue
        printf '%s %s\n' "$name" "$password" >>"$state/people.txt"
    done <<'PEOPLE'
班长,shift_leader,,
坐席,operator,,
派遣员,dispatcher,,
安监承办人,handler,,work_safety
公安承办人,handler,,police
东关网格员,grid_manager,dongguan-03,
东关社区干部,community_officer,dongguan,
PEOPLE
}

# as NAME: asks the hub as somebody else from now on, in a subshell.
as() {
    local password who
    password=$(awk -v name="$1" '$1 == name { print $2 }' "$state/people.txt")
    who=$(jq -nc --arg name "$1" --arg password "$password" '{name: $name, password: $password}')
    token=$(ask POST /api/v1/session "$who" | jq -er .token)
}

# moves NAME NUMBER JSON: a step of a case by one of them.
moves() { (as "$1" && ask POST "/api/v1/cases/$2/moves" "$3" >/dev/null); }

# walk NUMBER: a filed case, dispatched to two units, handled, reported, looked at on site, called back, closed. Prints how it went.
walk() {
    local number=$1
    [ -s "$state/people.txt" ] || { say "note: the county has no people; the case stays filed"; return 0; }
    moves 派遣员 "$number" '{"move": "dispatch", "lead": "work_safety", "co": ["police"], "note": "速派"}' &&
        moves 安监承办人 "$number" '{"move": "accept"}' &&
        moves 公安承办人 "$number" '{"move": "accept"}' &&
        moves 公安承办人 "$number" '{"move": "finish_part", "result": "已疏散人员"}' &&
        moves 安监承办人 "$number" '{"move": "report", "result": "明火已扑灭，无人受伤"}' &&
        moves 东关社区干部 "$number" '{"move": "check", "agrees": true, "note": "到场看过，已恢复"}' &&
        moves 坐席 "$number" '{"move": "call_back", "reached": true, "satisfaction": "satisfied", "note": "市民满意"}' &&
        moves 派遣员 "$number" '{"move": "close", "note": "核查相符"}' ||
        { say "note: case $number did not go all the way ($state/log/ask.log)"; return 0; }
    ask GET "/api/v1/cases/$number" | jq -r '
        "all eight steps of \(.number): \([.history[] | .action | select(IN("filed", "dispatched", "accepted",
            "part_done", "reported", "checked", "called_back", "closed"))] | join(", "))"'
}
