# SPDX-License-Identifier: MIT
"""docs/operating.md tells what the programs tell: no metric and no event of the log is missing, and none is made up."""

import re

import tables

PAGE = tables.PAGE.read_text()


def test_the_table_of_metrics_is_that_of_the_sources():
    between = PAGE.split(tables.BEGIN)[1].split(tables.END)[0].strip()
    assert between == tables.metrics_table(), "run tests/docs/tables.py, which writes it"


def test_the_sources_have_metrics_with_help():
    rows = list(tables.metrics())
    assert len(rows) > 40
    assert all(text.endswith(".") for _, _, _, text in rows)


def test_metrics_that_alerts_ask_for_are_there():
    known = {name for name, _, _, _ in tables.metrics()}
    asked = set(re.findall(r"\b(muster_[a-z_]+?)(?:_bucket)?(?=[\[{ `)])", PAGE.split("## Alerts" if "## Alerts" in PAGE else "### Alerts")[1].split("### What each metric")[0]))
    assert asked and asked <= known


def test_every_event_of_the_log_is_explained():
    table = PAGE.split("### What each log line means")[1].split("\n## ")[0]
    told = {word for row in re.findall(r"^\| (`.*?) \|", table, flags=re.M) for word in re.findall(r"`([a-z_]+)`", row)}
    told -= {"link", "error"}  # pairs that tell two events of one word apart
    said = tables.events()
    assert said - told == set(), "an event that the page does not explain"
    assert told - said - {"deferred"} == set(), "an event that no program writes"
