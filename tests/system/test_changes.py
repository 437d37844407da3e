# SPDX-License-Identifier: MIT
"""The changes topic: whoever applies its events holds what the database holds, whatever was killed on the way."""

import json
import os
import signal
from collections import Counter

import pytest
from bson import ObjectId

from conftest import REFERENCE_SIZE
from host_model import canonical, fields_of
from muster_lib import Failure, server_pid, shorten, sources_of, wait_until

NOTES = {"MUSTER_CHANGES": "yes"}
REMOVES = {"merged", "gone"}


class Consumer:
    """What a reader of the topic would do, as docs/changes.md tells it: keep each entity's newest event."""

    def __init__(self, m):
        self.m, self.read = m, 0
        self.entities, self.sequence, self.seen, self.twice = {}, {}, set(), 0

    def catch_up(self):
        """The events that are new, without those that came twice."""
        fresh = []
        messages = self.m.messages("changes")
        for headers, key, value in sorted(messages, key=lambda message: message[0]["ce_sequence"]):
            event = json.loads(value)
            self._check(headers, key, event)
            if headers["ce_id"] in self.seen:
                continue
            self.seen.add(headers["ce_id"])
            fresh.append((headers, event))
        self.twice = len(messages) - len(self.seen)
        # By offset within a partition, not sorted: what a consumer really sees.
        self.entities, self.sequence = {}, {}
        for headers, key, value in messages:
            self._apply(headers, key, json.loads(value))
        return fresh

    def _check(self, headers, key, event):
        kind = event["change"]
        assert headers["ce_specversion"] == "1.0" and headers["content-type"] == "application/json", headers
        assert headers["ce_type"] == f"muster.entity.{kind}" and headers["ce_source"] == "/muster/host", headers
        assert headers["ce_subject"] == key == event["id"] and headers["ce_id"] == f"{key}:{event['rev']}", headers
        assert (event["entity"] is None) == (kind in REMOVES), event

    def _apply(self, headers, key, event):
        if headers["ce_sequence"] < self.sequence.get(key, ""):
            return
        self.sequence[key] = headers["ce_sequence"]
        if event["entity"] is None:
            self.entities.pop(key, None)
        else:
            self.entities[key] = event["entity"]

    def differences(self):
        """What it holds otherwise than the database."""
        self.catch_up()
        stored = {str(doc["_id"]): doc for doc in self.m.living()}
        wrong = [f"{key} is not in the database" for key in self.entities.keys() - stored.keys()]
        wrong += [f"{key} was not announced" for key in stored.keys() - self.entities.keys()]
        for key in stored.keys() & self.entities.keys():
            if sources_of(stored[key]) != frozenset((s["stream"], s["key"]) for s in self.entities[key]["sources"]):
                wrong.append(f"{key}: other sources")
            if canonical(fields_of(stored[key])) != canonical(in_order(self.entities[key]["fields"])):
                wrong.append(f"{key}: {fields_of(stored[key])} is announced as {self.entities[key]['fields']}")
        return wrong

    def wait_until_equal(self, seconds=60):
        def condition():
            wrong = self.differences()
            return shorten(wrong) if wrong else None
        try:
            wait_until(condition, "the events give what the database holds", seconds, every=0.5)
        except Failure as late:
            raise Failure(f"{late}\n{self.m.logs()}") from None


def in_order(fields):
    return {name: sorted(value, key=canonical) if isinstance(value, list) else value for name, value in fields.items()}


def wait_until_told(m):
    """The announcer has come as far as the database: it keeps its bookmark again after the last write."""
    now = m.mongo.admin.command("ping")["operationTime"]
    m.db.links.update_one({}, {"$set": {"nudge": str(now)}})
    before = m.db.bookmarks.find_one({"_id": "changes"})["at"]
    wait_until(lambda: None if m.db.bookmarks.find_one({"_id": "changes"})["at"] > before else "the bookmark", "the bookmark is kept")


def kinds(events):
    return Counter(event["change"] for _, event in events)


def test_events_say_what_happened_and_a_quiet_round_says_nothing(muster):
    m = muster(size=REFERENCE_SIZE, page_size=10, settings=NOTES)
    m.start_all()
    m.start("announcer").wait_for("event=announces")
    consumer = Consumer(m)

    m.round(1)
    consumer.wait_until_equal()
    first = consumer_events(m)
    living = {str(doc["_id"]) for doc in m.living()}
    assert living <= {event["id"] for _, event in first if event["change"] == "created"}
    traces = {headers["traceparent"] for headers, _, _ in m.messages("pages")}
    assert all(headers["traceparent"] in traces for headers, _ in first)

    count = len(m.messages("changes"))
    m.round(2)
    wait_until_told(m)
    assert len(m.messages("changes")) == count, "a round in which nothing changed was announced"

    for number in (3, 4, 4):
        m.round(number)
        consumer.wait_until_equal()
    m.check_truth(4, gone_after=1)
    events = consumer_events(m)
    assert kinds(events).keys() == {"created", "changed", "merged", "split", "gone"}, kinds(events)
    check_story(m, events)
    assert consumer.twice == 0, f"{consumer.twice} events came twice though nothing was disturbed"


def consumer_events(m):
    return sorted(((headers, json.loads(value)) for headers, _, value in m.messages("changes")),
                  key=lambda message: message[0]["ce_sequence"])


def check_story(m, events):
    """Each kind of event only where it fits what was said before, and with what is told of it."""
    known = {}
    for headers, event in events:
        key, kind, now = event["id"], event["change"], event["entity"]
        assert headers.get("traceparent"), headers
        if kind == "created":
            assert key not in known, f"{key} is created twice"
        elif kind != "merged":  # an entity that is gone may turn out to be another
            assert key in known, f"{key} is {kind} and was never created"
        if kind in ("changed", "split"):
            was = known[key]
            moved = {name for name in was["fields"].keys() | now["fields"].keys()
                     if in_order(was["fields"]).get(name) != in_order(now["fields"]).get(name)}
            assert moved == event["changed"].keys(), (moved, event)
            for name, values in event["changed"].items():
                assert in_order({"": values["was"]})[""] == in_order(was["fields"]).get(name)
                assert values["is"] == now["fields"].get(name)
            assert moved or was["sources"] != now["sources"], f"nothing changed in {event}"
        if kind == "merged":
            assert [str(m.db.hosts.find_one({"_id": ObjectId(key)})["merged_into"])] == event["into"]
        if now is None:
            known.pop(key, None)
        else:
            known[key] = now


def test_a_merge_and_a_split_name_both_sides(muster):
    m = muster(size=60, page_size=10, settings=NOTES)
    m.start_all()
    m.start("announcer").wait_for("event=announces")
    consumer = Consumer(m)
    for number in (1, 3, 4, 4):
        m.round(number)
    consumer.wait_until_equal()
    events = consumer_events(m)
    merged = [event for _, event in events if event["change"] == "merged"]
    assert merged, kinds(events)
    for event in merged:
        heirs = [other for _, other in events if other["id"] == event["into"][0] and event["id"] in other.get("from", [])]
        assert heirs, f"nobody says that {event['id']} came into it"
    for event in (event for _, event in events if event["change"] == "split"):
        parts = [other for _, other in events if other["id"] in event["into"] and event["id"] in other.get("from", [])]
        assert {part["id"] for part in parts} == set(event["into"])


def test_serializers_and_announcers_that_are_killed_lose_no_change(muster, undisturbed):
    """Three serializers and two announcers, all killed several times in three rounds."""
    m = muster(size=REFERENCE_SIZE, page_size=1, rate="150/s", settings=NOTES)
    m.start_all()
    for _ in range(2):
        m.start("serializer", "--batch-pages", "5")
        m.start("announcer")
    consumer = Consumer(m)
    for number, points in {1: (20, 60, 100), 3: (30, 90), 4: (30, 90)}.items():
        m.provider.begin(number)
        start = m.provider.stats()["requests"]
        before = m.make_due()
        for point in points:
            wait_until(lambda: None if m.provider.stats()["requests"] - start >= point else "requests", f"{point} requests")
            for stage in ("serializer", "announcer"):
                m.running(stage)[0].kill()
                m.start(stage, *(["--batch-pages", "5"] if stage == "serializer" else []))
        m.wait_closed(before, 120)
    m.round(4, 120)
    consumer.wait_until_equal()
    assert m.digest() == undisturbed["4 again"]


def test_an_announcer_that_is_killed_and_started_again_goes_on_where_it_was(muster):
    m = muster(size=REFERENCE_SIZE, page_size=10, settings=NOTES)
    m.start_all()
    announcer = m.start("announcer", "--instance", "one")
    announcer.wait_for("event=announces from=\"?a survey")
    consumer = Consumer(m)
    m.round(1)
    consumer.wait_until_equal()
    wait_until_told(m)
    announcer.kill()
    m.round(3)  # nobody announces
    assert consumer.differences(), "the events of round 3 are there though nobody announced them"
    m.start("announcer", "--instance", "one").wait_for("event=announces from=\"?the bookmark")
    consumer.wait_until_equal()
    assert "state" not in kinds(consumer_events(m))
    check_story(m, consumer_events(m))


def test_a_second_announcer_stands_by_and_takes_over(muster):
    m = muster(size=48, page_size=10, settings=NOTES)
    m.start_all()
    first = m.start("announcer")
    first.wait_for("event=announces")
    second = m.start("announcer")
    second.wait_for("event=stands_by")
    consumer = Consumer(m)
    m.round(1)
    consumer.wait_until_equal()
    first.stop()
    second.wait_for("event=announces", 5)
    m.round(3)
    consumer.wait_until_equal()
    assert consumer.twice == 0


def test_an_announcer_that_stood_still_while_another_took_over_does_no_harm(muster):
    """Its lease has ended meanwhile; what it goes on to send comes late and is of an older sequence."""
    m = muster(size=REFERENCE_SIZE, page_size=1, rate="100/s", settings=NOTES)
    m.start_all()
    first = m.start("announcer")
    first.wait_for("event=announces")
    second = m.start("announcer")
    consumer = Consumer(m)
    before = m.make_due()
    wait_until(lambda: None if len(m.messages("changes")) > 20 else "events", "20 events")
    first.send(signal.SIGSTOP)
    second.wait_for("event=announces", 30)
    m.wait_closed(before)
    m.round(3)
    first.send(signal.SIGCONT)
    first.wait_for("event=stands_by", 30)
    consumer.wait_until_equal()


def test_what_was_there_before_is_surveyed_and_again_when_the_place_is_lost(muster):
    """First without notes: then an event says what an entity is, and not why."""
    m = muster(size=48, page_size=10)
    m.start_all()
    m.round(1)
    announcer = m.start("announcer", "--instance", "one")
    announcer.wait_for("event=announces")
    consumer = Consumer(m)
    consumer.wait_until_equal()
    assert kinds(consumer_events(m)).keys() == {"state"}
    m.round(3)
    consumer.wait_until_equal()
    assert kinds(consumer_events(m)).keys() <= {"state", "merged", "gone"}
    announcer.stop()
    m.round(4)
    m.db.bookmarks.update_one({"_id": "changes"}, {"$set": {"token": token_of_nothing(m)}})
    announcer = m.start("announcer", "--instance", "one")
    announcer.wait_for("event=history_lost")
    announcer.wait_for("event=announces from=\"?a survey")
    consumer.wait_until_equal()


def token_of_nothing(m):
    """MongoDB answers as it does when its oplog has run over the place: a write's token, a second before that write."""
    with m.db.watch() as stream:
        m.db.scratch.insert_one({})
        data = next(stream)["_id"]["_data"]
    return {"_data": data[:2] + f"{int(data[2:10], 16) - 1:08X}" + data[10:]}


def test_a_collection_that_was_dropped_and_restored_is_surveyed(muster):
    m = muster(size=48, page_size=10, settings=NOTES)
    m.start_all()
    announcer = m.start("announcer")
    announcer.wait_for("event=announces")
    m.round(1)
    Consumer(m).wait_until_equal()
    kept = list(m.db.hosts.find())
    m.db.hosts.drop()
    announcer.wait_for("event=history_lost[^\n]*\n(.*\n)*.*event=announces from=\"?a survey")
    m.db.hosts.insert_many(kept)
    consumer = Consumer(m)
    consumer.wait_until_equal()


def write_again(m):
    """The same host by another writer, that makes no notes; guarded as all writes are."""
    host = next(m.living())
    again = {name: value for name, value in host.items() if name != "change"} | {"rev": ObjectId()}
    return m.db.hosts.replace_one({"_id": host["_id"], "rev": host["rev"]}, again).modified_count


@pytest.mark.parametrize("server", ["mongo", "kafka"])
def test_a_server_that_stands_still_for_a_while_is_waited_for(muster, server):
    """By the announcer; what the other stages do then is test_faults."""
    pid = server_pid(server)
    if pid is None:
        pytest.skip(f"the {server} is not ours to stop")
    m = muster(size=48, page_size=10, settings=NOTES)
    m.start_all()
    announcer = m.start("announcer")
    announcer.wait_for("event=announces")
    consumer = Consumer(m)
    m.round(1)
    consumer.wait_until_equal()
    os.kill(pid, signal.SIGSTOP)
    try:
        if server == "kafka":  # so that there is something to wait for
            wait_until(lambda: None if write_again(m) else "a write", "a host is written once more")
        announcer.wait_for("event=waits", 60)
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: None if write_again(m) else "a write", "a host is written once more")
    wait_until(lambda: None if kinds(consumer_events(m))["state"] else "an event", "the write is announced")
    consumer.wait_until_equal()
