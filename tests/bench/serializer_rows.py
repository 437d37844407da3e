# SPDX-License-Identifier: MIT
"""The serializer with new and with unchanged hosts, beside bare loops."""

import time
from datetime import datetime, timedelta, timezone

from connect import Connect
from lab import Failed, Installation, bare, wait_until

NEW = 100_000  # hosts that are not stored yet
SAME = 300_000  # hosts that are stored already
A_PAGE = 100  # records on a page
SEEN = datetime(2025, 1, 30, 10, tzinfo=timezone.utc)  # the last check-in of each host
LINK = "crowdstrike/hosts"


class Serializer:
    """Pages lie in Kafka before a serializer starts. Its clock begins when it gets the first partition and ends when MongoDB
    has its link closed, which is the last thing that it does."""

    rows = ("new", "new-connect", "new-memory", "unchanged", "unchanged-connect", "touched")

    def __init__(self, lab, wanted):
        self.lab, self.wanted = lab, wanted
        self.new_count, self.same_count = lab.size(NEW), lab.size(SAME)
        self.new = Installation(lab, "new")
        self.gen, self.seen = 0, SEEN
        self.needs_connect = wanted & {"new-connect", "unchanged-connect", "new-memory"}
        self.needs_new = wanted & {"new", "new-connect", "new-memory"}
        self.needs_unchanged = wanted & {"unchanged", "unchanged-connect"}

    def prepare(self):
        self.new.init().feed("pages", self.new_count, A_PAGE, 1, iso(SEEN))
        if self.needs_connect:
            self.new.feed("records", self.new_count)
            self.connect = Connect(self.lab, "new.records", self.new_count)
        if self.needs_unchanged or "touched" in self.wanted:
            self.next_run()

    def measure(self, number):
        found = {}
        sink_new, sink_same = self.connect.measure(number) if self.needs_connect else (None, None)
        if self.needs_new:
            rate, bare_rate, peak_mb = self.new_hosts(number)
            found["new"] = (rate, bare_rate)
            found["new-connect"] = (rate, sink_new)
            found["new-memory"] = (peak_mb, self.connect.memory_mb() if self.needs_connect else None)
        if self.needs_unchanged:
            rate, bare_rate = self.unchanged_hosts()
            found["unchanged"] = (rate, bare_rate)
            found["unchanged-connect"] = (rate, sink_same)
        if "touched" in self.wanted:
            found["touched"] = self.touched_hosts()
        return found

    def new_hosts(self, number):
        """Records a second, those of the bare inserts, and the serializer's memory at its highest."""
        run = Installation(self.lab, "new", f"new{number}").init()
        rate, peak_mb = self.serialize(run, 1, self.new_count)
        stored = run.db.hosts.count_documents({})
        if stored != self.new_count:
            raise Failed(f"{stored} hosts are stored, not {self.new_count}")
        copy_indexes(run.db.hosts, run.db.copies)
        bare_rate = bare([self.lab.tools / "bare_insert", self.lab.mongo_uri, run.database, "hosts", "copies"])
        run.drop()
        return rate, bare_rate, peak_mb

    def unchanged_hosts(self):
        """The same answer as in the run before, byte for byte."""
        return self.next_run()

    def touched_hosts(self):
        """The time of the last check-in is another one in each record, so no page is what it was; no host is another one."""
        self.seen += timedelta(hours=1)
        return self.next_run()

    def next_run(self):
        """The hosts of `same` once more, in topics of their own."""
        self.gen += 1
        run = Installation(self.lab, f"same{self.gen}", "same").init()
        run.feed("pages", self.same_count, A_PAGE, self.gen, iso(self.seen))
        before = newest(run.db.hosts)
        rate, _ = self.serialize(run, self.gen, self.same_count)
        if self.gen > 1 and newest(run.db.hosts) != before:
            raise Failed("a host was written where none had changed")
        return rate, bare([self.lab.tools / "bare_parse", self.lab.kafka, f"{run.topics}.pages"])

    def close(self):
        if self.needs_connect:
            self.connect.process.stop()
        self.lab.mongo.drop_database("same")

    def serialize(self, run, gen, records):
        """Records a second, and the process's memory at its highest."""
        with run.stage("serializer", "--log-level=debug") as stage:
            begin = stage.time_of("partition_came", 0)
            end = wait_until(lambda: stage.check() and closed_at(run, gen), f"run {gen} to be closed", 300, 0.005)
            return records / (end - begin), stage.memory_mb("VmHWM")


def copy_indexes(hosts, copies):
    for index in hosts.list_indexes():
        options = {name: value for name, value in index.items() if name not in ("key", "v")}
        copies.create_index(list(index["key"].items()), **options)


def closed_at(run, gen):
    """The time, once the run is closed."""
    link = run.db.links.find_one({"_id": LINK}, {"closed": 1})
    return time.time() if link["closed"] >= gen else None


def newest(hosts):
    return max((host["changed_at"] for host in hosts.find({}, {"changed_at": 1})), default=None)


def iso(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
