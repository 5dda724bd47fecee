#!/usr/bin/env python3
"""Fills a hub's database with cases, for the measurement of lists: most of them closed, the open ones of every state.

    deploy/bench/cases.py (sqlite:FILE | postgres://…) COUNT [--open PERCENT] [--days DAYS] [--histories]

With --histories each case has a history that says what became of it, row by row, for the measurement of the evaluation
(`hub evaluate show`); without it only its first row, which says nothing of that. With --days 30 they all fall into a month.

The hub must have made the tables (`hub user list` does) and must not run. Each case has an incident and its history; open
ones have a clock and, once dispatched, a task. Nothing is due, no emergency waits and all months are closed, so that the
hub has nothing to do by itself. Hashes of the history are made up: `hub verify-history` would say so.
"""
import argparse
import re
import sqlite3
import subprocess
import sys
import time

DAY_MS = 86_400_000
# The newest case opens now; the others two years back, evenly.
SPAN_DAYS = 730
TENANT = "main"
# Positions of the live feed that are kept.
MOST_CHANGES = 200_000

SQLITE = {
    "series": "(with recursive g(n) as (select 1 union all select n + 1 from g where n < {count}) select n from g) g",
    "id": "printf('00000000-0000-7000-8000-%012x', n)",
    "incident": "printf('00000000-0000-7000-9000-%012x', n)",
    "number": "strftime('%Y%m%d', opened / 1000, 'unixepoch') || printf('-%08d', n)",
    "hash": "printf('%064x', n)",
}
POSTGRES = {
    "series": "generate_series(1, cast({count} as bigint)) g(n)",
    "id": "'00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0')",
    "incident": "'00000000-0000-7000-9000-' || lpad(to_hex(n), 12, '0')",
    "number": "to_char(to_timestamp(opened / 1000) at time zone 'UTC', 'YYYYMMDD') || '-' || lpad(cast(n as text), 8, '0')",
    "hash": "lpad(to_hex(n), 64, '0')",
}

# `row` gives n, when it opened, and which of the states its case is in (`turn`; null: closed).
ROWS = """select n, {newest} - ({count} - n) * {step} as opened,
    case when (n * {open_in} / 1000000) > ((n - 1) * {open_in} / 1000000) then (n * {open_in} / 1000000) % 10 end as turn
  from {series}"""
# Of ten open cases five wait, so that with ten thousand cases the pages of lists are full already.
STATE = """case when turn is null then 'closed' when turn < 5 then 'received' when turn < 6 then 'filed'
    when turn < 7 then 'dispatched' when turn < 9 then 'in_progress' else 'verifying' end"""
UNITS = "case (n / 11) % 4 when 0 then 'city_management' when 1 then 'police' when 2 then 'housing' else 'health' end"

STATEMENTS = [
    f"""insert into cases (tenant, case_id, number, kind, severity, state, correlation_key, device_id, camera_id, title_zh,
        title_en, place, incident_count, drill, started_at_ms, opened_at_ms, updated_at_ms, acknowledged_at_ms,
        acknowledged_by, closed_at_ms, history_count, history_hash, source, area, level, category, policy_version,
        filed_at_ms, lead_unit, report, reported_at_ms, ending, due_clock, due_at_ms, rooted_count, ledger)
    select '{TENANT}', {{id}}, {{number}}, 'intrusion',
        case (n / 3) % 20 when 0 then case when turn < 5 then 'major' else 'emergency' end when 1 then 'major' when 2 then 'major' else 'normal' end, {STATE},
        'camera/box-' || (n % 500) || '/c' || n || '/night', 'box-' || (n % 500), 'c' || n,
        '区域入侵 · 东关巷 ' || n, 'Intrusion · 东关巷 ' || n, '东关巷 ' || n, 1, 0, opened, opened, opened + 60000,
        case when turn is null or turn > 4 then opened + 30000 end, case when turn is null or turn > 4 then 'seat03' end,
        case when turn is null then opened + 7200000 end, 1, {{hash}}, 'camera',
        '/c/t' || ((n / 7) % 12) || '/v' || ((n / 7) % 240) || '/g' || ((n / 7) % 2400) || '/', 'county',
        case when turn is null or turn > 4 then 'other' end, case when turn is null or turn > 4 then 1 end,
        case when turn is null or turn > 4 then opened + 60000 end, case when turn is null or turn > 5 then {UNITS} end,
        case when turn is null or turn > 8 then '已处理' end, case when turn is null or turn > 8 then opened + 3600000 end,
        case when turn is null then 'verified' end, case when turn is not null then 'handle' end,
        case when turn is not null then opened + 86400000 end, 1, 1
    from ({ROWS}) r""",
    f"""insert into incidents (tenant, incident_id, device_id, revision, phase, kind, severity, camera_id, case_id,
        started_at_ms, updated_at_ms, first_received_at_ms, received_at_ms, drill, data)
    select '{TENANT}', {{incident}}, 'box-' || (n % 500), 1, 'opened', 'intrusion', 'normal', 'c' || n, {{id}}, opened,
        opened, opened, opened, 0,
        '{{{{"incident_id":"' || {{incident}} || '","revision":1,"phase":"opened","kind":"intrusion","severity":"normal",'
        || '"subject":{{{{"type":"camera","camera_id":"c' || n || '","camera_name":"东关巷 ' || n || '","rule_id":"night",'
        || '"rule_name":"夜间","label":"person","score":0.9,"region":{{{{"x":0.1,"y":0.1,"w":0.2,"h":0.4}}}},'
        || '"object_count":1,"motion_only":false,"method":"yolox"}}}},"started_at":' || opened || ',"updated_at":' || opened
        || ',"evidence":[],"drill":false}}}}'
    from ({ROWS}) r""",
    f"""insert into case_history (tenant, case_id, position, at_ms, actor, action, detail, prev_hash, hash)
    select '{TENANT}', {{id}}, 1, opened, 'device:box-' || (n % 500), 'opened',
        '{{{{"incident_id":"' || {{incident}} || '"}}}}', '', {{hash}} from ({ROWS}) r""",
    f"""insert into case_clocks (tenant, case_id, clock, task, nth, policy_version, limit_text, extensions, started_at_ms,
        due_at_ms, counts)
    select '{TENANT}', {{id}}, 'triage', 0, 1, 1, '1 hour', '[]', opened, opened + 3600000, 1
    from ({ROWS}) r where turn is not null""",
    f"""insert into case_tasks (tenant, case_id, task, unit, part, state, dispatched_at_ms, accepted_at_ms)
    select '{TENANT}', {{id}}, 1, {UNITS}, 'lead', case when turn < 7 then 'dispatched' else 'accepted' end, opened,
        case when turn >= 7 then opened end from ({ROWS}) r where turn > 5""",
    f"""insert into changes (tenant, position, at_ms, topic, subject)
    select '{TENANT}', n, {{newest}}, 'case', {{number}} from ({ROWS}) r where n > {{count}} - {MOST_CHANGES}""",
    # The months are closed: nothing is computed while lists are measured.
    f"""insert into evaluation_tables (tenant, period, kind, made_at_ms, root, policy_version, hash, content)
    values ('{TENANT}', '2099-12', 'unit', 0, 0, 1, '', '')""",
    f"""insert into tenants (tenant, change_position) values ('{TENANT}', {{count}})
    on conflict (tenant) do update set change_position = excluded.change_position""",
]

# What becomes of a case, row by row: after how many minutes, what, and what its ledger says then. `@5@` is a moment, minutes
# after the case was opened, `@unit@` its unit and `@area@` where it lies.
FILING = '"filing":{"category":"other","group":"governance","policy":1,"at":@1@}'
STEPS = [
    (0, "opened", '"whole":true,"subject":{"source":"camera","kind":"intrusion","severity":"normal","area":"@area@",'
     '"opened_at":@0@},"stand":{"state":"received","level":"county"},'
     '"clocks":[{"clock":"triage","nth":1,"policy":1,"limit":"1 hour","started_at":@0@,"due_at":@60@}]'),
    (1, "filed", '"stand":{"state":"filed",' + FILING + '},"clocks":[{"clock":"triage","nth":1,"policy":1,"limit":"1 hour",'
     '"started_at":@0@,"due_at":@60@,"stopped_at":@1@},{"clock":"dispatch","nth":1,"policy":1,"limit":"1 hour",'
     '"started_at":@1@,"due_at":@61@}]'),
    (2, "dispatched", '"stand":{"state":"dispatched",' + FILING + '},"tasks":[{"task":1,"unit":"@unit@","part":"lead",'
     '"state":"dispatched","dispatched_at":@2@}],"clocks":[{"clock":"dispatch","nth":1,"policy":1,"limit":"1 hour",'
     '"started_at":@1@,"due_at":@61@,"stopped_at":@2@},{"clock":"handle","task":1,"nth":1,"policy":1,"limit":"7 days",'
     '"started_at":@2@,"due_at":@10080@}]'),
    (3, "accepted", '"stand":{"state":"in_progress",' + FILING + '},"tasks":[{"task":1,"unit":"@unit@","part":"lead",'
     '"state":"accepted","dispatched_at":@2@,"accepted_at":@3@}]'),
    (60, "reported", '"stand":{"state":"verifying",' + FILING + ',"reported_at":@60@},"tasks":[{"task":1,"unit":"@unit@",'
     '"part":"lead","state":"done","dispatched_at":@2@,"accepted_at":@3@,"ended_at":@60@}],"clocks":[{"clock":"handle",'
     '"task":1,"nth":1,"policy":1,"limit":"7 days","started_at":@2@,"due_at":@10080@,"stopped_at":@60@},{"clock":"verify",'
     '"nth":1,"policy":1,"limit":"1 day","started_at":@60@,"due_at":@1500@}]'),
    (90, "checked", '"stand":{"state":"verifying",' + FILING + ',"reported_at":@60@,"check":{"agrees":true,"at":@90@}}'),
    (120, "closed", '"stand":{"state":"closed",' + FILING + ',"how":"verified","ended_at":@120@},"clocks":[{"clock":"verify",'
     '"nth":1,"policy":1,"limit":"1 day","started_at":@60@,"due_at":@1500@,"stopped_at":@120@}]'),
]
# How many of the steps a case has taken, by its state (`turn`; null: closed).
TAKEN = "case when turn is null then 7 when turn < 5 then 1 when turn < 6 then 2 when turn < 7 then 3 when turn < 9 then 4 else 5 end"
AREA = "'/c/t' || ((n / 7) % 12) || '/v' || ((n / 7) % 240) || '/g' || ((n / 7) % 2400) || '/'"


def histories():
    """The rows of each history instead of the first one alone; hashes are made up all the same."""
    yield "delete from case_history"
    for position, (minutes, action, ledger) in enumerate(STEPS, 1):
        # Braces of JSON are doubled until the statement is filled in.
        ledger = ledger.replace("{", "{{").replace("}", "}}")
        ledger = ledger.replace("@area@", f"' || {AREA} || '").replace("@unit@", f"' || {UNITS} || '")
        ledger = re.sub(r"@(\d+)@", r"' || (opened + \1 * 60000) || '", ledger)
        yield f"""insert into case_history (tenant, case_id, position, at_ms, actor, action, detail, prev_hash, hash)
            select '{TENANT}', {{id}}, {position}, opened + {minutes * 60_000}, 'hub', '{action}',
                '{{{{"ledger":{{{{{ledger}}}}}}}}}', '', {{hash}}
            from ({ROWS}) r where {TAKEN} >= {position}"""
    yield f"""update cases set history_count = (select count(*) from case_history h
            where h.tenant = cases.tenant and h.case_id = cases.case_id) where tenant = '{TENANT}'"""


def texts(words, arguments):
    count, span_ms = arguments.count, arguments.days * DAY_MS
    # How many of a million cases are open.
    open_in = round(arguments.open * 10_000)
    plain = {"count": count, "newest": int(time.time() * 1000), "step": max(1, span_ms // count), "open_in": open_in}
    plain["series"] = words["series"].format(count=count)
    for statement in [*STATEMENTS, *(histories() if arguments.histories else [])]:
        # Ids, numbers and hashes are words of one database; braces of JSON are doubled until here.
        yield statement.format(**plain, **{name: words[name] for name in ("id", "incident", "number", "hash")})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("database")
    parser.add_argument("count", type=int)
    parser.add_argument("--open", type=float, default=2.0, help="percent of the cases that are open (default 2)")
    parser.add_argument("--days", type=int, default=SPAN_DAYS, help="within how many days they were opened (default 730)")
    parser.add_argument("--histories", action="store_true", help="whole histories, for the evaluation")
    arguments = parser.parse_args()
    if arguments.database.startswith("sqlite:"):
        database = sqlite3.connect(arguments.database.removeprefix("sqlite:"), isolation_level=None)
        for pragma in ("synchronous = off", "cache_size = -1000000", "temp_store = memory"):
            database.execute(f"pragma {pragma}")
        database.execute("begin immediate")
        for text in texts(SQLITE, arguments):
            database.execute(text)
        database.execute("commit")
        database.execute("pragma wal_checkpoint(truncate)")
    elif arguments.database.startswith("postgres"):
        text = ";\n".join(texts(POSTGRES, arguments))
        script = f"\\set ON_ERROR_STOP on\nset synchronous_commit = off;\nbegin;\n{text};\ncommit;\nvacuum analyze;\n"
        subprocess.run(["psql", "--quiet", "--no-psqlrc", arguments.database], input=script, text=True, check=True)
    else:
        sys.exit(f"{arguments.database} is neither sqlite:FILE nor postgres://…")


if __name__ == "__main__":
    main()
