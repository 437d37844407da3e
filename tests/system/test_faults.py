# SPDX-License-Identifier: MIT
"""Stages that are killed, stopped or multiplied, and servers that go away: the same hosts come of it."""

import os
import re
import signal
import time

import pytest

from conftest import REFERENCE_ROUNDS, REFERENCE_SIZE
from muster_lib import STAGES, Failure, server_pid, wait_until

LEASE = "5s"  # so that what a killed producer had claimed soon comes back. All other tests do without: nothing else is lost


class Killer:
    """Kills a stage each time that progress() has come to the next point, and starts it again."""

    def __init__(self, m, stage, words, progress):
        self.m, self.stage, self.words, self.progress, self.kills = m, stage, words, progress, 0

    def during_round(self, number, points):
        m = self.m
        m.provider.begin(number)
        start = self.progress()
        before = m.make_due()
        for point in points:
            wait_until(lambda: self._missing(start + point), f"{self.stage} comes to point {point} of round {number}",
                       every=0.002)
            time.sleep(self.kills % 5 * 0.017)  # at once, and at four later moments of what it does next
            m.running(self.stage)[0].kill()
            self.kills += 1
            m.start(self.stage, *self.words)
        m.wait_closed(before, 90)
        again = [name for name, link in m.links().items() if link["gen"] != before[name] + 1]
        assert not again or self.stage == "producer", f"{again} were claimed again, which hides what was lost"

    def _missing(self, point):
        done = self.progress()
        return None if done >= point else f"{point - done} more of progress\n{self.m.logs()}"


def check_kills(m, killer, undisturbed, points):
    """Ten kills in three rounds. After each the digest is that of a run that nobody disturbed."""
    for number in (1, 3):
        killer.during_round(number, points[number])
        m.check_truth(number)
        assert m.digest() == undisturbed[str(number)], f"round {number} has another digest after {killer.kills} kills"
    killer.during_round(4, points[4])
    m.round(4)
    m.check_truth(4, gone_after=1)
    assert m.digest() == undisturbed["4 again"], f"another digest after {killer.kills} kills"
    assert killer.kills == 10


def test_a_fetcher_that_is_killed_ten_times(muster, undisturbed):
    """With an instance name, as in service, so that a new one gets its lanes at once; pages of one host make long listings."""
    m = muster(size=REFERENCE_SIZE, page_size=1, rate="150/s")
    words = ["--instance", "one"]
    m.start_all(fetcher=words)
    killer = Killer(m, "fetcher", words, lambda: m.provider.stats()["requests"])
    check_kills(m, killer, undisturbed, {1: [1, 30, 31, 120], 3: [5, 60, 180], 4: [2, 90, 170]})


def test_a_serializer_that_is_killed_ten_times(muster, undisturbed):
    """Small batches, so that there are many moments to be killed in; its progress is what it has marked as seen."""
    m = muster(size=REFERENCE_SIZE, page_size=1, rate="150/s")
    words = ["--instance", "one", "--batch-pages", "5"]
    m.start_all(serializer=words)
    marks = Marks(m)
    killer = Killer(m, "serializer", words, marks.count)
    check_kills(m, killer, undisturbed, {1: [1, 30, 60, 120], 3: [5, 60, 150], 4: [2, 90, 150]})


class Marks:
    """Pages marked as seen since the beginning. Marks of older runs are dropped, so each is counted when it is met."""

    def __init__(self, m):
        self.m, self.met = m, set()

    def count(self):
        self.met |= {tuple(doc["_id"].values()) for doc in self.m.db.seen.find({}, {"_id": 1})}
        return len(self.met)


def test_a_producer_that_is_killed_ten_times(muster, undisturbed):
    """Each claims one of 22 links at a time, and is killed as soon as a claim is seen: often before its task is published."""
    m = muster(size=REFERENCE_SIZE, page_size=20)
    for stream in ("qualys/hosts", "crowdstrike/hosts"):
        for number in range(10):
            m.run("links", "add", stream, f"copy={number}")
    m.hold()
    words = ["--batch", "1", "--lease", LEASE, "--poll", "10ms"]
    m.start_all(producer=words)
    killer = Killer(m, "producer", words, lambda: sum(link["gen"] for link in m.links().values()))
    check_kills(m, killer, undisturbed, {1: [1, 6, 11, 16], 3: [2, 5, 15], 4: [1, 7, 21]})


COMMITS_S = 1  # offsets are committed every 200 ms: by then one that was stored too early would be


def test_a_serializer_that_is_killed_while_it_waits_for_the_database(muster, undisturbed):
    pid = server_pid("mongo")
    if pid is None:
        pytest.skip("the MongoDB is not ours to stop")
    m = muster(size=REFERENCE_SIZE, page_size=1, rate="150/s")
    m.start_all(serializer=["--instance", "one"])
    before = m.make_due()
    wait_until(lambda: None if m.db.seen.count_documents({}) >= 20 else "marks", "20 pages are marked")
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(COMMITS_S)
        m.running("serializer")[0].kill()
    finally:
        os.kill(pid, signal.SIGCONT)
    m.start("serializer", "--instance", "one")
    m.wait_closed(before)
    m.check_truth(1)
    assert m.digest() == undisturbed["1"]
    assert {link["gen"] for link in m.links().values()} == {1}, "a link was claimed again, which hides what was lost"


def test_a_fetcher_that_is_killed_while_it_waits_for_a_provider(muster):
    m = muster(size=40, page_size=50)
    m.start_all(fetcher=["--instance", "one"])
    m.provider.misbehave("qualys", "stall")
    before = m.make_due()
    wait_until(lambda: "the request" if m.provider.ask("GET", "/misbehave") else None, "the fetcher asks for the page that stalls")
    time.sleep(COMMITS_S)
    m.running("fetcher")[0].kill()
    m.start("fetcher", "--instance", "one")
    m.wait_closed(before)
    m.check_truth(1)
    assert {link["gen"] for link in m.links().values()} == {1}, "a link was claimed again, which hides what was lost"


def test_all_three_killed_at_once_again_and_again(muster, undisturbed):
    """As when the machine loses its power. Dynamic members: their places in the groups come free after the session's time-out."""
    m = muster(size=REFERENCE_SIZE, page_size=1, rate="150/s")
    m.start_all()
    before = m.make_due()
    for point in (10, 100):
        wait_until(lambda: None if m.provider.stats()["requests"] >= point else "requests", f"{point} requests")
        for stage in STAGES:
            m.running(stage)[0].kill()
        for stage in STAGES:
            m.start(stage)
    m.wait_closed(before, 90)
    m.check_truth(1)
    assert m.digest() == undisturbed["1"]
    assert {link["gen"] for link in m.links().values()} == {1}, "a link was claimed again, which hides what was lost"


def test_each_stage_drains_and_ends_with_0_at_sigterm(muster, undisturbed):
    m = muster(size=REFERENCE_SIZE, page_size=1, rate="100/s")
    m.start_all()
    before = m.make_due()
    for number, stage in enumerate(("fetcher", "serializer", "producer", "fetcher", "serializer")):
        point = 20 + number * 30
        wait_until(lambda: None if m.provider.stats()["requests"] >= point else "requests", f"{point} requests")
        process = m.running(stage)[0]
        began = time.monotonic()
        process.stop(seconds=12)
        assert time.monotonic() - began < 5, f"{stage} took {time.monotonic() - began:.1f} s to end with nothing in its way"
        assert "event=stopped" in process.said()
        m.start(stage)
    m.wait_closed(before, 90)
    m.check_truth(1)
    assert m.digest() == undisturbed["1"]
    assert {link["gen"] for link in m.links().values()} == {1}, "a link was claimed again, which hides what was lost"


def test_a_serializer_with_work_before_it_ends_at_sigterm_and_leaves_the_rest_to_the_next(muster, undisturbed):
    m = muster(size=REFERENCE_SIZE, page_size=1)
    m.start("fetcher")
    m.start("producer")
    m.make_due()
    pages = sum(m.provider.stats()["listed"].values()) + 2  # and the ends of the two lists
    wait_until(lambda: None if m.kept("pages") == pages else f"{m.kept('pages')} of {pages} pages", "all pages are in Kafka")
    for point in (5, 50):
        process = m.start("serializer", "--batch-pages", "2")
        wait_until(lambda: None if m.db.seen.count_documents({}) >= point else "marks", f"{point} pages are marked")
        process.stop(seconds=12)
    assert m.db.seen.count_documents({}) < pages, "it had done everything before it was told to end: this shows nothing"
    m.start("serializer")
    m.wait_closed({})
    m.check_truth(1)
    assert m.digest() == undisturbed["1"]


def test_a_fetcher_with_work_before_it_ends_at_sigterm_and_leaves_the_rest_to_the_next(muster):
    """More tasks than it may have open at once."""
    m = muster(size=40, page_size=10, rate="20/s")
    for number in range(30):
        m.run("links", "add", "qualys/hosts", f"copy={number}")
    m.hold()
    m.start_all(fetcher=["--window", "4", "--drain", "2s"])
    before = m.make_due()
    wait_until(lambda: None if m.provider.stats()["requests"] >= 5 else "requests", "5 requests")
    m.running("fetcher")[0].stop(seconds=6)
    m.start("fetcher", env={"MUSTER_QUALYS_RATE": "500/s"})
    m.wait_closed(before)
    m.check_truth(1)


def test_a_fetcher_in_the_middle_of_a_slow_transfer_ends_in_time_and_the_page_is_fetched_again(muster):
    m = muster(size=40, page_size=50)
    m.start_all(fetcher=["--drain", "2s"])
    m.provider.misbehave("qualys", "stall")
    before = m.make_due()
    wait_until(lambda: "the request" if m.provider.ask("GET", "/misbehave") else None, "the fetcher asks for the page that stalls")
    began = time.monotonic()
    m.running("fetcher")[0].stop(seconds=6)
    assert time.monotonic() - began > 1.5, "it did not give the transfer its time"
    m.start("fetcher")
    m.wait_closed(before)
    m.check_truth(1)


def test_a_listing_that_takes_longer_than_its_lease_is_fetched_once(muster):
    """What arrives moves the lease on."""
    m = muster(size=REFERENCE_SIZE, page_size=1, rate="15/s")
    m.start_all(producer=["--lease", "3s"])
    m.collect()
    m.check_truth(1)
    asked = [(row["provider"], row["skip"]) for row in m.provider.requests()]
    assert len(asked) == len(set(asked)), f"{len(asked)} requests for {len(set(asked))} pages: the link was claimed again"
    assert {link["gen"] for link in m.links().values()} == {1}


# Several of each

def test_three_of_each_give_the_same_digest_and_fetch_nothing_twice(muster, undisturbed):
    m = muster(size=REFERENCE_SIZE, page_size=1, rate="300/s")
    words = ["--log-level", "debug"]
    m.start_all(copies=3, fetcher=words + ["--stretch-pages", "16"], serializer=words + ["--batch-pages", "10"])
    wait_until(lambda: holes(m, "fetcher", "lane", 4), "the fetchers have shared out the lanes")
    wait_until(lambda: holes(m, "serializer", "partition", 6), "the serializers have shared out the partitions")
    for name, number in REFERENCE_ROUNDS.items():
        since = m.provider.stats()["requests"]
        m.round(number)
        asked = [(row["provider"], row["skip"]) for row in m.provider.requests(since)]
        twice = {row for row in asked if asked.count(row) > 1}
        assert not twice, f"round {name}: fetched twice: {sorted(twice)[:10]}"
        assert len(asked) > REFERENCE_SIZE, f"only {len(asked)} requests: this shows nothing"
        assert m.digest() == undisturbed[name], f"round {name} has another digest than with one of each"
    m.check_truth(4, gone_after=1)
    idle = [process.name for process in m.stages["serializer"] if "partition_came" not in process.said()]
    assert not idle, f"{idle} had nothing to do"


def holes(m, stage, what, partitions):
    """None when each partition has exactly one holder, and each holder has one at least."""
    held = []
    for process in m.running(stage):
        mine = {}
        for change, number in re.findall(rf"event={what}_(came|went) partition=(\d+)", process.said()):
            mine[int(number)] = change == "came"
        if not any(mine.values()):
            return f"a partition for {process.name}"
        held += [number for number, has in mine.items() if has]
    return None if sorted(held) == list(range(partitions)) else f"partitions are held: {sorted(held)}"


def test_a_stage_more_in_the_middle_of_a_round_and_one_less_changes_nothing(muster, undisturbed):
    m = muster(size=REFERENCE_SIZE, page_size=1, rate="100/s")
    m.start_all()
    before = m.make_due()
    wait_until(lambda: None if m.provider.stats()["requests"] >= 30 else "requests", "30 requests")
    for stage in STAGES:
        m.start(stage)
    wait_until(lambda: None if m.provider.stats()["requests"] >= 90 else "requests", "90 requests")
    for stage in STAGES:
        m.running(stage)[0].stop()
    m.wait_closed(before)
    m.check_truth(1)
    assert m.digest() == undisturbed["1"]


# Servers that go away

@pytest.mark.parametrize("server", ["mongo", "kafka"])
def test_a_server_that_stands_still_for_a_while_is_waited_for(muster, undisturbed, server):
    """Longer than the socket's and the session's time-outs, so that commands fail and groups lose their members."""
    pid = server_pid(server)
    if pid is None:
        pytest.skip(f"the {server} is not ours to stop")
    m = muster(size=REFERENCE_SIZE, page_size=1, rate="100/s")
    m.start_all()
    before = m.make_due()
    wait_until(lambda: None if m.provider.stats()["requests"] >= 40 else "requests", "40 requests")
    os.kill(pid, signal.SIGSTOP)
    try:
        ended = lambda: next((p.name for p in m.processes if not p.is_running), None)
        deadline = time.monotonic() + 12
        while time.monotonic() < deadline:
            if ended():
                raise Failure(f"{ended()} ended while the {server} stood still\n{m.logs()}")
            time.sleep(0.1)
    finally:
        os.kill(pid, signal.SIGCONT)
    m.wait_closed(before, 120)
    m.check_truth(1)
    assert m.digest() == undisturbed["1"]
    m.round(3)
    m.check_truth(3)
