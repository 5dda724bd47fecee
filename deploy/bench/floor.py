#!/usr/bin/env python3
"""What the database alone needs for the statements of the hub's intake.

The statements are not written down here: PostgreSQL tells which ones a running hub sends (`log_statement = all` into a
CSV log), and one commit of many incidents is taken as the pattern. What is new in each commit (ids, hashes, numbers,
positions) is made new each time, everything else stays.

    floor.py pattern LOG.csv PATTERN.json     find the pattern
    floor.py pgbench PATTERN.json SCRIPT      write it as a script for pgbench; prints how many incidents it has
    floor.py sqlite PATTERN.json FILE SECONDS run it on SQLite, one commit after the other; prints incidents a second
"""
import csv
import itertools
import json
import re
import sqlite3
import statistics
import sys
import time

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
HASH = re.compile(r"[0-9a-f]{64}")
NUMBER = re.compile(r"\d{8}-\d+")
CAUSE = re.compile(r"(drill/)?(camera|device|call)/.*")
PARAMETER = re.compile(r"\$(\d+) = (NULL|'((?:[^']|'')*)')(?:, |$)", re.DOTALL)
INCIDENT = re.compile(r"\s*insert into incidents\b")
# Rows that are numbered within something that stays the same from commit to commit.
NUMBERED = re.compile(r"\s*insert into (case_history|changes) \(([^)]*)\)")


def transactions(path):
    """Each commit that stored incidents: its statements with their parameters."""
    csv.field_size_limit(1 << 30)
    open_ones = {}
    with open(path, newline="", encoding="utf-8") as log:
        for row in csv.reader(log):
            session, message, detail = row[3], row[13], row[14]
            if message.startswith("statement: "):
                word = message.removeprefix("statement: ").strip().lower()
                if word.startswith("begin"):
                    open_ones[session] = []
                elif word.startswith("commit"):
                    done = open_ones.pop(session, [])
                    if any(INCIDENT.match(sql) for sql, _ in done):
                        yield done
                elif word.startswith("rollback"):
                    open_ones.pop(session, None)
                continue
            found = re.match(r"execute [^:]*: (.*)", message, re.DOTALL)
            if found and session in open_ones:
                text = re.sub(r"^[Pp]arameters: ", "", detail)
                values = {int(n): None if raw == "NULL" else value.replace("''", "'") for n, raw, value in PARAMETER.findall(text)}
                open_ones[session].append((found[1], [values[n] for n in sorted(values)]))


def incidents_of(transaction):
    return sum(1 for sql, _ in transaction if INCIDENT.match(sql))


def pattern(log, out):
    found = list(transactions(log))
    if len(found) < 3:
        sys.exit(f"{log} has {len(found)} commits with incidents, too few to choose from")
    # The last ones are of a hub that is warm; the middle of their sizes is what it usually commits.
    late = found[len(found) // 3 :]
    usual = statistics.median_low([incidents_of(one) for one in late])
    chosen = next(one for one in reversed(late) if incidents_of(one) == usual)
    # An id that other commits have too was there before: it stays what it is.
    seen = {}
    for number, one in enumerate(found):
        for value in {value for _, values in one for value in values if value}:
            seen.setdefault(value, set()).add(number)
    fresh, numbers = {}, itertools.count()
    statements = []
    for sql, values in chosen:
        numbered = NUMBERED.match(sql)
        columns = [name.strip() for name in numbered[2].split(",")] if numbered else []
        marked = []
        for at, value in enumerate(values):
            if columns and columns[at % len(columns)] == "position":
                marked.append({"number": next(numbers)})
            elif value and len(seen[value]) == 1 and is_fresh(value):
                marked.append({"fresh": fresh.setdefault(value, len(fresh))})
            else:
                marked.append({"same": value})
        statements.append([sql, marked])
    with open(out, "w", encoding="utf-8") as file:
        json.dump({"incidents": usual, "statements": statements}, file, ensure_ascii=False)
    print(json.dumps({"commits": len(found), "incidents": usual, "statements": len(statements)}))


def is_fresh(value):
    return any(shape.fullmatch(value) for shape in (UUID, HASH, NUMBER, CAUSE))


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def literal(value):
    if value is None:
        return "null"
    # A colon would begin a variable of pgbench.
    text = value.replace("\\", "\\\\").replace("'", "''").replace(":", "\\x3a")
    return f"E'{text}'" if "\\" in text else f"'{text}'"


def in_parts(items):
    """pgbench takes 255 variables in one command."""
    items = list(items)
    return [items[at : at + 200] for at in range(0, len(items), 200)]


def pgbench(path, script):
    made = read(path)
    values = [value for _, values in made["statements"] for value in values]
    fresh = sorted({value["fresh"] for value in values if "fresh" in value})
    numbers = sorted({value["number"] for value in values if "number" in value})
    lines = ["\\set r random(1, 9000000000000000000)"]
    # What is new is made before the commit begins: the statements have plain parameters, like the hub's.
    for part in in_parts(fresh):
        lines.append("select " + ", ".join(f"'v{n}-' || cast(:r as text) as f{n}" for n in part) + " \\gset")
    for part in in_parts(numbers):
        lines.append("select " + ", ".join(f"cast(:r as bigint) + {n} as n{n}" for n in part) + " \\gset")
    lines.append("begin;")
    for sql, values in made["statements"]:
        def word(found):
            value = values[int(found[1]) - 1]
            if "fresh" in value:
                return f":f{value['fresh']}"
            if "number" in value:
                return f":n{value['number']}"
            return literal(value["same"])

        # Our own texts have no colons of their own but in strings, which they have none of either.
        lines.append(re.sub(r"\$(\d+)", word, sql).strip() + ";")
    lines.append("commit;")
    with open(script, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    print(made["incidents"])


def plain(value):
    return int(value) if value is not None and re.fullmatch(r"-?\d{1,18}", value) else value


def sqlite(path, file, seconds):
    made = read(path)
    database = sqlite3.connect(file, isolation_level=None, cached_statements=1000)
    for pragma in ("journal_mode = wal", "synchronous = full"):
        database.execute(f"pragma {pragma}")
    statements = []
    for sql, values in made["statements"]:
        # The one fragment that the two databases write differently.
        sql = re.sub(r"\(select json_array_elements_text\(cast\(\$(\d+) as json\)\)\)", r"(select value from json_each($\1))", sql)
        statements.append((sql, [(str(n), value) for n, value in enumerate(values, 1)]))
    run = time.time_ns()
    commits, end = 0, time.monotonic() + seconds
    took = []
    while time.monotonic() < end:
        begun = time.monotonic()
        fresh = f"-{run}-{commits}"
        database.execute("begin immediate")
        for sql, values in statements:
            given = {}
            for name, value in values:
                if "fresh" in value:
                    given[name] = f"v{value['fresh']}{fresh}"
                elif "number" in value:
                    given[name] = run + commits * 1_000_000 + value["number"]
                else:
                    given[name] = plain(value["same"])
            database.execute(sql, given).fetchall()
        database.execute("commit")
        took.append(time.monotonic() - begun)
        commits += 1
    took.sort()
    print(json.dumps({
        "incidents_per_commit": made["incidents"],
        "per_second": round(commits * made["incidents"] / seconds),
        "p99_commit_ms": round(took[int(len(took) * 0.99)] * 1000, 2),
    }))


def main():
    match sys.argv[1:]:
        case ["pattern", log, out]:
            pattern(log, out)
        case ["pgbench", made, script]:
            pgbench(made, script)
        case ["sqlite", made, file, seconds]:
            sqlite(made, file, float(seconds))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
