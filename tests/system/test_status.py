# SPDX-License-Identifier: MIT
"""`muster status`: what it sees of real servers, and what it does when somebody watches."""

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import termios
from datetime import datetime, timezone

import pytest

from muster_lib import server_pid, wait_until


@pytest.fixture
def watched(muster):
    """A `muster status --watch …` that runs; ended with SIGINT, which is no failure."""
    m = muster(size=48, page_size=5)
    processes = []

    def start(*words, **how):
        path = os.path.join(os.environ["MUSTER_BIN"], "muster")
        processes.append(subprocess.Popen([path, "status", "--watch", "--every", "100ms", *words], env=m.env, stderr=subprocess.PIPE,
                                          **{"stdout": subprocess.PIPE, **how}))
        return processes[-1]

    yield m, start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def end(process):
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert process.stderr.read() == b""


def test_it_says_who_is_missing_and_who_is_there(muster):
    m = muster(size=48, page_size=20)
    assert m.status()["advice"] == []
    m.run("links", "due", "--all")
    assert "start muster-producer" in m.run("status")
    m.start("producer").wait_for("event=started")
    wait_until(lambda: None if any("start muster-fetcher" in line for line in m.status()["advice"]) else str(m.status()),
               "the lack of a fetcher is told")
    m.start("fetcher").wait_for("event=started")
    wait_until(lambda: None if any("start muster-serializer" in line for line in m.status()["advice"]) else str(m.status()),
               "the lack of a serializer is told")
    m.start("serializer").wait_for("event=started")
    m.start("serializer").wait_for("event=started")
    m.round(1)
    status = m.status()
    assert status["advice"] == []
    topics = {row["topic"]: row for row in status["topics"]}
    assert topics["tasks"]["members"] == 1 and topics["pages"]["members"] == 2, topics
    assert topics["pages"]["group"] == f"{m.name}-serializers"
    assert status["entities"][0]["alive"] == m.db.hosts.count_documents({"merged_into": None, "gone": {"$ne": True}}) > 0


def test_changes_are_told_where_there_is_an_announcer(muster):
    m = muster(size=48, page_size=20)
    m.start_all()
    m.round(1)
    assert "changes" not in {row["topic"] for row in m.status()["topics"]} and "  changes " not in m.run("status")
    m.db.bookmarks.insert_one({"_id": "changes"})  # as of an announcer whose events were kept for their time
    assert m.kept("changes") == 0
    m.db.bookmarks.delete_many({})
    announcer = m.start("announcer")
    announcer.wait_for("event=announces")
    hosts = m.db.hosts.count_documents({})
    wait_until(lambda: None if m.kept("changes") >= hosts else f"{m.kept('changes')} of {hosts} events", "the survey is counted")
    announcer.stop()
    assert "  changes " in m.run("status")


def test_another_database_is_another_group(muster):
    """Serializers of two databases each get all pages, and status tells them apart."""
    m = muster(size=48, page_size=20)
    m.start_all()
    m.round(1)
    other = f"{m.name}other"
    m.run("init", "--database", other)
    topics = {row["topic"]: row for row in json.loads(m.run("status", "--json", "--database", other))["topics"]}
    assert topics["pages"]["group"] == f"{m.name}-serializers-{other}"
    assert topics["pages"]["members"] == 0 and topics["pages"]["waiting"] == topics["pages"]["messages"] > 0
    assert not {row["topic"]: row for row in m.status()["topics"]}["pages"]["waiting"]
    m.mongo.drop_database(other)


def test_failures_and_rejects_are_told_in_short(muster):
    m = muster(size=48)
    now = datetime.now(timezone.utc)
    template = m.db.links.find_one({"_id": "qualys/hosts"})
    template |= {"failures": 3, "last": {"outcome": "failed", "error": "503 of the\x1b[2J provider", "at": now}}
    m.db.links.insert_many([{**template, "_id": f"qualys/hosts?n={n}", "params": {"n": str(n)}} for n in range(50)])
    m.db.links.insert_one({**template, "_id": "qualys/hosts?gone=1", "gone": True})
    m.start("serializer").wait_for("event=started")
    for number in range(5):
        m.send("pages", f"qualys/hosts#{number}", b"no page of ours")
    wait_until(lambda: None if m.kept("rejects") == 5 else f"{m.kept('rejects')} rejects", "five rejects")
    status = m.status()
    assert [(row["stream"], row["links"], row["times"]) for row in status["errors"]] == [("qualys/hosts", 50, 3)]
    assert [row["failing"] for row in status["links"] if row["provider"] == "qualys"] == [50]
    assert [row["offset"] for row in status["rejects"]] == [2, 3, 4]
    assert all(row["stage"] == "serializer" and row["reason"] and f"{m.name}.pages partition 0" in row["from"]
               for row in status["rejects"]), status["rejects"]
    text = m.run("status")
    assert "qualys/hosts, 50 links" in text and "3 times in a row: 503 of the [2J provider" in text
    assert status["rejects"][2]["reason"] in text and "\x1b" not in text


def test_rates_are_told_while_somebody_watches(watched):
    m, start = watched
    process = start("--json")
    first, second = (json.loads(process.stdout.readline()) for _ in range(2))
    assert "in_per_s" not in first["topics"][0] and second["topics"][0]["in_per_s"] == 0
    m.start_all()
    m.round(1)
    pages = m.kept("pages")
    seen, waiting, in_all = 0, 1, 0
    while seen < pages or waiting:
        look = json.loads(process.stdout.readline())
        row = next(row for row in look["topics"] if row["topic"] == "pages")
        seen, waiting = row["messages"], row["waiting"]
        in_all += row["in_per_s"]
    assert in_all > 0, "pages came, and no look had a rate"
    end(process)


def test_a_watch_in_a_file_is_a_block_for_each_look(watched):
    _, start = watched
    process = start()
    lines = [process.stdout.readline().decode() for _ in range(60)]
    heads = [number for number, line in enumerate(lines) if line.startswith("links ")]
    assert len(heads) > 2 and not any("\x1b" in line for line in lines)
    assert all(lines[number - 1].startswith("20") for number in heads), "a block begins with its time"
    assert all(lines[number - 2] == "\n" for number in heads[1:]), "an empty line parts blocks"
    end(process)


def test_a_watch_on_a_terminal_draws_in_place_and_ends_by_a_signal(watched):
    _, start = watched
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 8, 40, 0, 0))
    process = start(stdout=theirs)
    os.close(theirs)
    shown = b""
    while shown.count(b"\x1b[H") < 4:
        shown += os.read(ours, 4096)
    assert shown.startswith(b"\x1b[2J\x1b[H20")
    screen = shown.split(b"\x1b[H")[2].replace(b"\x1b[J", b"").replace(b"\x1b[K", b"").decode().split("\r\n")
    assert len(screen) == 8 and screen[-1].startswith("…") and max(len(line) for line in screen) <= 40, screen
    process.send_signal(signal.SIGTERM)
    while process.poll() is None:
        try:
            os.read(ours, 4096)  # or it could not write its last look
        except OSError:
            break
    assert process.wait(30) == 0
    os.close(ours)


def test_a_watch_that_nobody_reads_ends_quietly(watched):
    _, start = watched
    process = start(preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN), restore_signals=False)
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(30) == 0 and process.stderr.read() == b""


def test_a_watch_outlasts_a_broker_that_is_away(watched):
    pid = server_pid("kafka")
    if pid is None:
        pytest.skip("Kafka is a user's own: it is not stopped")
    _, start = watched
    process = start("--json")
    assert "topics" in json.loads(process.stdout.readline())
    os.kill(pid, signal.SIGSTOP)
    try:
        while "error" not in (look := json.loads(process.stdout.readline())):
            pass
    finally:
        os.kill(pid, signal.SIGCONT)
    assert "Kafka at" in look["error"]
    while "topics" not in json.loads(process.stdout.readline()):
        pass
    end(process)
