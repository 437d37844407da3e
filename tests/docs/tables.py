#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the sources say of themselves, for docs/operating.md: metrics with their help, and the events of the log.

usage: tests/docs/tables.py      writes the metrics into docs/operating.md, between the two markers
"""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "operating.md"
TABLES = ["producer/meters.c", "fetcher/meters.c", "serializer/meters.c", "announcer/meters.c", "common/process.c"]
BEGIN, END = "<!-- metrics: begin -->", "<!-- metrics: end -->"
KINDS = {"METRIC_COUNTER": "counter", "METRIC_GAUGE": "gauge", "METRIC_HISTOGRAM": "histogram"}


def text_of(row, member):
    """The C string literals that follow `.member =`, joined."""
    found = re.search(rf'\.{member} =\s*((?:"(?:[^"\\]|\\.)*"\s*)+)', row)
    return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', found[1])) if found else ""


def metrics():
    """(name, kind, labels, help) of each row of the tables, in their order."""
    for table in TABLES:
        source = (ROOT / table).read_text()
        for row in re.split(r"(?=\.name = )", source)[1:]:
            labels = re.search(r"\.labels = \{([^}]*)\}", row)
            kind = re.search(r"\.kind = (\w+)", row)[1]
            yield text_of(row, "name"), KINDS[kind], re.findall(r'"(\w+)"', labels[1] if labels else ""), text_of(row, "help")


def metrics_table():
    rows = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    rows += [f"| `{name}` | {kind} | {', '.join(labels)} | {text} |" for name, kind, labels, text in metrics()]
    return "\n".join(rows)


def events():
    """The words that LOG_… and log_line() begin with, in the stages and what they stand on."""
    found = set()
    for folder in ("common", "producer", "fetcher", "serializer", "announcer"):
        for path in (ROOT / folder).glob("*.c"):
            for call in re.findall(r"\b(?:LOG_(?:INFO|WARN|ERROR)|log_line)\(([^;]*);", path.read_text()):
                first = call.split("LOG_")[0] if not call.startswith("LOG_") else call.split("LOG_PAIRS")[0]
                found.update(re.findall(r'"([a-z_]+)"', first))
    return found


def main():
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{metrics_table()}\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
