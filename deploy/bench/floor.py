#!/usr/bin/env python3
"""What the database alone needs for the statements of the hub's intake.

The statements are not written down here: PostgreSQL tells which ones a running hub sends (`log_statement = all` into a
CSV log), and one commit of many incidents is taken as the pattern. What is new in each commit (ids, hashes, numbers,
positions) is made new each time, everything else stays.

    floor.py pattern LOG.csv PATTERN.json     find the pattern
    floor.py pgbench PATTERN.json COLUMNS SCRIPT   write it as a script for pgbench; prints how many incidents it has.
                                               COLUMNS: lines of TABLE.COLUMN|TYPE
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
# Many rows in one statement: a list for each column.
INSERT = re.compile(r"\s*(insert into (\w+) \(([^)]*)\)) select \* from unnest\([^)]*\) ?(.*)", re.DOTALL)
UPDATE = re.compile(r"\s*(update \w+ .*?) from unnest\([^)]*\) as v \([^)]*\) (.*)", re.DOTALL)
ANY = re.compile(r"= any\(\$(\d+)\)")
# Rows that are numbered within something that stays the same from commit to commit.
NUMBERED = ("case_history", "changes")


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
                    if incidents_of(done):
                        yield done
                elif word.startswith("rollback"):
                    open_ones.pop(session, None)
                continue
            found = re.match(r"execute [^:]*: (.*)", message, re.DOTALL)
            if found and session in open_ones:
                text = re.sub(r"^[Pp]arameters: ", "", detail)
                values = {int(n): None if raw == "NULL" else value.replace("''", "'") for n, raw, value in PARAMETER.findall(text)}
                open_ones[session].append(statement(found[1], [values[n] for n in sorted(values)]))


def statement(sql, values):
    """A statement by what it is: rows into a table, rows that change one, or any other with its parameters."""
    if found := INSERT.match(sql):
        head, table, columns, tail = found.groups()
        names = [name.strip() for name in columns.split(",")]
        return {"head": head, "tail": tail, "table": table, "columns": names, "rows": rows_of(values)}
    if found := UPDATE.match(sql):
        head, tail = found.groups()
        return {"head": head, "tail": tail, "table": "", "columns": [], "rows": rows_of(values)}
    lists = {int(number) for number in ANY.findall(sql)}
    return {"sql": sql, "values": [elements(value) if n in lists else value for n, value in enumerate(values, 1)]}


def rows_of(lists):
    return [list(row) for row in zip(*map(elements, lists))]


def elements(text):
    """Of an array as PostgreSQL writes it."""
    found, at, inner = [], 0, text[1:-1]
    while at < len(inner):
        if inner[at] == '"':
            value, at = "", at + 1
            while inner[at] != '"':
                at += inner[at] == "\\"
                value, at = value + inner[at], at + 1
            found.append(value)
            at += 2
        else:
            end = inner.find(",", at)
            end = len(inner) if end < 0 else end
            word, at = inner[at:end], end + 1
            found.append(None if word == "NULL" else word)
    return found


def incidents_of(transaction):
    return sum(len(one["rows"]) for one in transaction if one.get("table") == "incidents")


def values_of(one):
    for value in itertools.chain.from_iterable(one["rows"]) if "rows" in one else one["values"]:
        yield from value if isinstance(value, list) else [value]


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
    for number, transaction in enumerate(found):
        for value in {value for one in transaction for value in values_of(one) if value}:
            seen.setdefault(value, set()).add(number)
    fresh, numbers = {}, itertools.count()

    def marked(value, column=None, table=None):
        if isinstance(value, list):
            return [marked(one) for one in value]
        if column == "position" and table in NUMBERED:
            return {"number": next(numbers)}
        if value and len(seen[value]) == 1 and is_fresh(value):
            return {"fresh": fresh.setdefault(value, len(fresh))}
        return {"same": value}

    for one in chosen:
        if "rows" in one:
            names = one["columns"] or [None] * len(one["rows"][0])
            one["rows"] = [[marked(value, name, one["table"]) for name, value in zip(names, row)] for row in one["rows"]]
        else:
            one["values"] = [marked(value) for value in one["values"]]
    with open(out, "w", encoding="utf-8") as file:
        json.dump({"incidents": usual, "statements": chosen}, file, ensure_ascii=False)
    print(json.dumps({"commits": len(found), "incidents": usual, "statements": len(chosen)}))


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


def array(values, kind):
    words = ["NULL" if value is None else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values]
    return f"cast({literal('{' + ','.join(words) + '}')} as {kind}[])"


def of_rows(one, types):
    """Rows as the hub sends them, a list for each column; what is new in each commit is made of the row's number and of `r`."""
    lists, words = [], []
    for at, column in enumerate(zip(*one["rows"]), 1):
        kind = types[one["kinds"][at - 1]]
        name = f"u.c{at}"
        if all("fresh" in value for value in column):
            # As often as it is the same within the commit.
            lists.append(array([f"v{value['fresh']}-" for value in column], "text"))
            words.append(f"{name} || cast(:r as text)")
        elif all("number" in value for value in column):
            lists.append(array([str(value["number"]) for value in column], "bigint"))
            words.append(f"{name} + cast(:r as bigint)")
        else:
            lists.append(array([value.get("same") for value in column], kind))
            words.append(name)
    names = ", ".join(f"c{at}" for at in range(1, len(words) + 1))
    rows = f"select {', '.join(words)} from unnest({', '.join(lists)}) as u ({names})"
    if one["columns"]:
        return f"{one['head']} {rows} {one['tail']}"
    named = ", ".join(f"column{at}" for at in range(1, len(words) + 1))
    return f"{one['head']} from ({rows}) as v ({named}) {one['tail']}"


def kinds(one):
    """Which column of which table each list is for."""
    if one["columns"]:
        return [f"{one['table']}.{name}" for name in one["columns"]]
    table = re.match(r"update (\w+)", one["head"])[1]
    by_number = {int(n): name for name, n in re.findall(r"(\w+) = v\.column(\d+)", one["head"] + " " + one["tail"])}
    return [f"{table}.{by_number[n]}" for n in sorted(by_number)]


def pgbench(path, columns, script):
    made = read(path)
    with open(columns, encoding="utf-8") as file:
        types = dict(line.rstrip("\n").split("|") for line in file)
    lines = ["\\set r random(1, 9000000000000000000)", "begin;"]
    for one in made["statements"]:
        if "rows" in one:
            one["kinds"] = kinds(one)
            lines.append(of_rows(one, types).strip() + ";")
            continue

        def word(found):
            value = one["values"][int(found[1]) - 1]
            if isinstance(value, list):
                return array([f"v{each['fresh']}" if "fresh" in each else each["same"] for each in value], "text")
            if "fresh" in value:
                return f"'v{value['fresh']}'"
            return literal(value["same"])

        # Our own texts have no colons of their own but in strings, which they have none of either.
        lines.append(re.sub(r"\$(\d+)", word, one["sql"]).strip() + ";")
    lines.append("commit;")
    with open(script, "w", encoding="utf-8") as file:
        file.write("\n".join(" ".join(line.split("\n")) for line in lines) + "\n")
    print(made["incidents"])


def plain(value):
    return int(value) if value is not None and re.fullmatch(r"-?\d{1,18}", value) else value


def sqlite(path, file, seconds):
    made = read(path)
    database = sqlite3.connect(file, isolation_level=None, cached_statements=1000)
    for pragma in ("journal_mode = wal", "synchronous = full"):
        database.execute(f"pragma {pragma}")
    statements = []
    for one in made["statements"]:
        if "rows" in one:
            row = "(" + ", ".join("?" * len(one["rows"][0])) + ")"
            rows = ", ".join([row] * len(one["rows"]))
            many = f"values {rows}" if one["columns"] else f"from (values {rows}) as v"
            statements.append((f"{one['head']} {many} {one['tail']}", list(itertools.chain.from_iterable(one["rows"]))))
        else:
            # The fragments that the two databases write differently. A value that stands twice is given twice.
            sql = re.sub(r"\(select json_array_elements_text\(cast\(\$(\d+) as json\)\)\)", r"(select value from json_each($\1))", one["sql"])
            sql = ANY.sub(r"in (select value from json_each($\1))", sql)
            order = [int(n) - 1 for n in re.findall(r"\$(\d+)", sql)]
            statements.append((re.sub(r"\$\d+", "?", sql), [one["values"][n] for n in order]))
    run = time.time_ns()
    commits, end = 0, time.monotonic() + seconds
    took = []
    while time.monotonic() < end:
        begun = time.monotonic()
        fresh = f"-{run}-{commits}"

        def given(value):
            if isinstance(value, list):
                return json.dumps([given(each) for each in value])
            if "fresh" in value:
                return f"v{value['fresh']}{fresh}"
            if "number" in value:
                return run + commits * 1_000_000 + value["number"]
            return plain(value["same"])

        database.execute("begin immediate")
        for sql, values in statements:
            database.execute(sql, [given(value) for value in values]).fetchall()
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
        case ["pgbench", made, columns, script]:
            pgbench(made, columns, script)
        case ["sqlite", made, file, seconds]:
            sqlite(made, file, float(seconds))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
